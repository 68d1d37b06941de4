//! `race`, the default search: short runs with the whole schedule compressed into them, a posterior
//! over the full run's loss, and the next probe where it is expected to help most for its cost.
//!
//! 1. *Bracket*: probes a factor of ten apart at T/16 (longer where that is under 40 steps) until
//!    the best lies between worse ones; where the best is next to one that broke, the middle of the
//!    two too. The lowest rate that broke is a ceiling: no probe at or above it, ever (divergence
//!    is information, not a score). Where all rates of the bracket learn alike they are run with a
//!    second seed; differences no larger than those between seeds are refused as noise.
//! 2. *Refine*: the two-wall [`Landscape`] is fitted to all readings, with a prior that was fitted
//!    to known jobs; of all probes that the budget allows the one with the largest expected fall of
//!    regret for its cost is run (expected value of sample information), until the budget is spent
//!    or the chance that the answer keeps 98 % of the gain is 95 % and its loss is expected to be
//!    within 10 % of the best.
//! 3. *Answer*: the rate with the least expected regret, not the one with the best reading.
//!
//! Un-annealed losses are never compared: a run whose schedule decays is read at its end only. A
//! constant-rate run is read at n/2, n/4 and n/8 too, because there every prefix is a whole run.
//! Measurements of each part, and ideas that did not help, are in `bench/README.md`.

mod belief;
mod breaking;
mod certainty;
mod doubt;
mod plan;
mod rare;
mod reading;
mod refuse;
mod stage;
mod worth;

use super::suspect::suspicion;
use crate::defaults::RACE_START;
use crate::lr::Lr;
use crate::probe::Probe;
use crate::pruner::{OneSided, Pruner};
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Answer, Band, Error, Estimate, Job, Rate, Reason, Refusal, Remedy, Result};
use belief::Belief;
use plan::{NextProbe, Purse, bracket};
pub(super) use plan::{STRIDE, WIDENINGS, rounded_up};
use reading::Book;
pub use worth::what_a_budget_buys;

/// Rates are tried on a lattice of this many octaves, so that repeated and shared probes coincide.
const LATTICE: f64 = 0.25;

/// The default search.
#[derive(Debug, Clone)]
pub struct Race {
    job: Job,
    start: Lr,
    max_cost: f64,
    rule: OneSided,
}

impl Race {
    /// A search for `job` that starts at [`RACE_START`] and spends at most
    /// [`RACE_BUDGET`](crate::defaults::RACE_BUDGET) full runs
    /// ([`RACE_BUDGET_SHORT`](crate::defaults::RACE_BUDGET_SHORT) for short ones).
    pub fn new(job: Job) -> Self {
        let max_cost = plan::default_budget(&job);
        Self { job, start: Lr::from_log2(RACE_START), max_cost, rule: OneSided::default() }
    }

    /// Starts at `lr`, a first guess. The answer depends little on it.
    pub fn starting_at(mut self, lr: Lr) -> Self {
        self.start = lr;
        self
    }

    /// Spends at most `runs` full runs.
    ///
    /// # Errors
    /// When `runs` is not a number above zero.
    pub fn with_max_cost(mut self, runs: f64) -> Result<Self> {
        if !(runs.is_finite() && runs > 0.0) {
            return Err(Error::invalid(format!("the search budget must be above 0 full runs, not {runs}")));
        }
        self.max_cost = runs;
        Ok(self)
    }

    /// The same, if its budget can lead to an answer at all. Otherwise it would refuse before
    /// anything runs.
    ///
    /// # Errors
    /// When it cannot; the message names the smallest budget that can.
    pub fn affordable(self) -> Result<Self> {
        plan::check_budget(&self.job, self.max_cost)?;
        Ok(self)
    }

    /// The most that it spends, in full runs.
    pub fn max_cost(&self) -> f64 {
        self.max_cost
    }

    fn purse(&self, done: &[Trial]) -> Purse {
        Purse { budget: self.max_cost, left: self.max_cost - self.job.cost_runs(done) }
    }

    fn next(&self, done: &[Trial]) -> Result<(NextProbe, Book)> {
        let book = Book::new(&self.job, done);
        if let Some(found) = suspicion(done) {
            let (reason, because, remedies) = found.reason();
            return Ok((NextProbe::Refuse(Refusal { reason, because, remedies }), book));
        }
        let start = lattice(self.start.log2().clamp(plan::STARTS.0, plan::STARTS.1));
        let next = bracket(&self.job, &book, start, self.purse(done));
        Ok((next, book))
    }

    /// Whether its trials of less than a full run may have this seed: the job's, or the next one.
    pub(crate) fn runs_with(&self, seed: u64) -> bool {
        seed == self.job.seed || seed == self.job.seed.wrapping_add(1)
    }

    fn spec(&self, x: f64, steps: u64, seed: u64) -> Result<TrialSpec> {
        self.job.trial(Lr::from_log2(x), steps, seed)
    }
}

/// The nearest rate of the lattice, in octaves.
fn lattice(x: f64) -> f64 {
    (x / LATTICE).round() * LATTICE
}

impl Probe for Race {
    fn name(&self) -> &'static str {
        "race"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let (next, book) = self.next(done)?;
        match next {
            NextProbe::Probe(wanted) => wanted.iter().map(|&(x, n)| self.spec(x, n, self.job.seed)).collect(),
            NextProbe::Again(wanted) => {
                wanted.iter().map(|&(x, n)| self.spec(x, n, self.job.seed.wrapping_add(1))).collect()
            }
            NextProbe::Refuse(_) => Ok(Vec::new()),
            NextProbe::Refine { first, doubted } => {
                let belief = Belief::new(&book, &self.job);
                let all = belief.all();
                let (at, before) = (belief.best(&all, &belief.risk), belief.least(&all, &belief.risk));
                if !doubted && belief.is_settled(at, before) {
                    return Ok(Vec::new());
                }
                let purse = self.purse(done);
                let best = plan::candidates(&self.job, &book, &belief, belief.grid[at], first, doubted, purse)
                    .into_iter()
                    .map(|(x, n)| {
                        let cost = n as f64 / self.job.steps as f64;
                        let seed = plan::seed_of_next(&self.job, &book, n);
                        ((before - belief.after(x, cost.log2(), seed)) / cost.sqrt(), x, n, seed)
                    })
                    .max_by(|a, b| a.0.total_cmp(&b.0));
                best.map(|(_, x, n, seed)| self.spec(x, n, seed)).into_iter().collect()
            }
        }
    }

    fn pruner(&self) -> Option<&dyn Pruner> {
        Some(&self.rule)
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let (next, book) = self.next(done)?;
        let cost_runs = self.job.cost_runs(done);
        let refused = |refusal: Refusal| Estimate {
            why: refusal.because.clone(),
            answer: Answer::Refused(refusal),
            divergence_lr: book.divergence(),
            cost_runs,
            landscape: Vec::new(),
        };
        let refusal = match &next {
            NextProbe::Refuse(refusal) => Some(refusal.clone()),
            NextProbe::Refine { doubted: true, .. } => Some(refuse::like_noise(&book, &self.job, self.max_cost)),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Ok(refused(refusal));
        }
        if book.entries.len() < 3 || book.readings.len() < 2 {
            let (ended, read) = (book.entries.len(), book.readings.len());
            return Ok(refused(Refusal {
                reason: Reason::TooShort,
                because: format!(
                    "3 trials and 2 losses at their ends are needed, and the search stopped with {ended} and {read}"
                ),
                remedies: vec![Remedy::Resume],
            }));
        }
        let belief = Belief::new(&book, &self.job);
        let all = belief.all();
        let at = belief.best(&all, &belief.risk);
        let early = matches!(next, NextProbe::Refine { first, doubted: false } if self.purse(done).pays(first, &self.job))
            && belief.is_settled(at, belief.least(&all, &belief.risk));
        let lr = Lr::from_log2(belief.grid[at]);
        let (low, high) = belief.interval(at);
        let landscape = belief
            .grid
            .iter()
            .enumerate()
            .map(|(i, &x)| {
                let mut losses = belief.fit.losses(x, 0.0);
                losses.sort_by(f64::total_cmp);
                let at = |q: f64| losses[((losses.len() - 1) as f64 * q).round() as usize].exp();
                let (lr, chance) = (Lr::from_log2(x), belief.p_keeps(i));
                Band { lr, low: at(0.1), mid: at(0.5), high: at(0.9), p_keeps_98_pct: Some(chance) }
            })
            .collect();
        let rate = Rate {
            lr,
            interval: Some((Lr::from_log2(low), Lr::from_log2(high))),
            p_keeps_98_pct: Some(belief.p_keeps(at)),
        };
        Ok(Estimate {
            answer: Answer::Rate(rate),
            divergence_lr: book.divergence(),
            cost_runs,
            why: if early { book.story(done, lr) + certainty::SETTLED_EARLY } else { book.story(done, lr) },
            landscape,
        })
    }
}
