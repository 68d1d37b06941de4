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
//!    or the chance that the answer keeps 98 % of the gain is 95 %.
//! 3. *Answer*: the rate with the least expected regret, not the one with the best reading.
//!
//! Un-annealed losses are never compared: a run whose schedule decays is read at its end only. A
//! constant-rate run is read at n/2, n/4 and n/8 too, because there every prefix is a whole run.
//! Measurements of each part, and ideas that did not help, are in `bench/README.md`.

mod certainty;
mod doubt;
mod plan;
mod reading;
mod refuse;
mod worth;

use super::suspect::suspicion;
use crate::defaults::RACE_START;
use crate::landscape::{Context, Landscape};
use crate::lr::Lr;
use crate::probe::Probe;
use crate::pruner::{OneSided, Pruner};
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Answer, Band, Error, Estimate, Job, Rate, Reason, Refusal, Remedy, Result};
use plan::{NextProbe, Purse, bracket};
pub(super) use plan::{STRIDE, WIDENINGS};
use reading::{Book, Entry};
pub use worth::what_a_budget_buys;

/// Rates are tried on a lattice of this many octaves, so that repeated and shared probes coincide.
const LATTICE: f64 = 0.25;
/// Quantile bins of the predicted reading in the value-of-information estimate.
const BINS: usize = 4;
/// Regret above this counts as this much: a catastrophe is a catastrophe.
const REGRET_CAP: f64 = 1.0;

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

/// The posterior on a grid of rates: what is asked of it for the choice of probes and for the
/// answer.
struct Belief {
    fit: Landscape,
    grid: Vec<f64>,
    /// Regret of each sample (outer) at each rate of the grid (inner), over the best rate that may
    /// be the answer.
    regret: Vec<Vec<f64>>,
    /// At each rate the share of the samples under which it keeps [`certainty::KEPT`].
    keeps: Vec<f64>,
    edge: Edge,
    /// Index of the lowest rate that may be the answer.
    lowest: usize,
    /// Octaves from the longest probe to the full run.
    octaves: f64,
}

/// Where training starts to diverge: somewhere between the highest rate that survived and the
/// lowest that did not.
#[derive(Debug, Clone, Copy)]
struct Edge {
    survived: f64,
    diverged: f64,
}

impl Edge {
    /// Probability that a full run at `x` diverges: the edge is taken as uniform in its bracket,
    /// and softened because a longer run can diverge at a somewhat lower rate.
    fn probability(&self, x: f64) -> f64 {
        if self.diverged.is_infinite() {
            return 0.0;
        }
        let width = self.diverged - self.survived.min(self.diverged);
        let at = |i: u32| self.diverged - width * (f64::from(i) + 0.5) / f64::from(EDGE_POINTS);
        (0..EDGE_POINTS).map(|i| 1.0 / (1.0 + ((at(i) - x) / EDGE_SOFTNESS).exp())).sum::<f64>()
            / f64::from(EDGE_POINTS)
    }
}

/// Below a cliff ([`Book::cliff`]) the answer falls by at most this many octaves per octave of
/// length, from the longest probe to the full run. The model alone, which must allow for walls that
/// move with the length, would go far too low. The interval is not bounded so.
const CLIFF_SHIFT: f64 = 0.25;
/// Points of the bracket at which the edge is placed in turn. Not tuned.
const EDGE_POINTS: u32 = 8;
/// Softness of the edge, in octaves (scale of a logistic curve). Not tuned.
const EDGE_SOFTNESS: f64 = 0.15;
/// Regret of a run that diverges.
const DIVERGED_REGRET: f64 = 1.0;

impl Belief {
    fn new(book: &Book, job: &Job) -> Self {
        let context = Context { untrained: book.untrained, ceiling: book.ceiling, horizon_free: job.is_horizon_free() };
        let fit = Landscape::fit(&book.telling(), context, job.seed);
        let (low, high) = book.tried();
        let top = (high + 2.0).min(book.ceiling);
        let least = |e: &Entry| e.x - CLIFF_SHIFT * (job.steps as f64 / e.steps as f64).log2();
        let low = lattice((low - 3.0).min(top - 4.0));
        let count = ((top - low) / LATTICE).floor().max(1.0) as usize;
        let grid: Vec<f64> = (0..=count).map(|i| low + LATTICE * i as f64).collect();
        let by_rate: Vec<Vec<f64>> = grid.iter().map(|&x| fit.losses(x, 0.0)).collect();
        let keeps = certainty::keeps(&by_rate, book.untrained);
        let edge = Edge { survived: book.survived(), diverged: book.ceiling };
        let least = lattice(book.cliff().map_or(f64::NEG_INFINITY, least).min(top - 1.0));
        let lowest = grid.iter().position(|&x| x >= least).unwrap_or(0);
        let regret = (0..fit.len())
            .map(|i| {
                let least = by_rate.iter().skip(lowest).map(|l| l[i]).fold(f64::INFINITY, f64::min);
                by_rate.iter().map(|l| (l[i] - least).min(REGRET_CAP).exp_m1()).collect()
            })
            .collect();
        let longest = book.entries.iter().filter(|e| e.value().is_finite()).map(|e| e.steps).max().unwrap_or(1);
        let octaves = (job.steps as f64 / longest as f64).log2().max(0.0);
        Self { fit, grid, regret, keeps, edge, lowest, octaves }
    }

    /// Mean regret by rate over the samples `among`, with the risk to diverge.
    fn expected(&self, among: &[usize], edge: Edge) -> Vec<f64> {
        let mut sum = vec![0.0; self.grid.len()];
        for &i in among {
            for (total, r) in sum.iter_mut().zip(&self.regret[i]) {
                *total += r;
            }
        }
        sum.iter()
            .zip(&self.grid)
            .map(|(total, &x)| {
                let risk = edge.probability(x);
                (1.0 - risk) * total / among.len() as f64 + risk * DIVERGED_REGRET
            })
            .collect()
    }

    fn all(&self) -> Vec<usize> {
        (0..self.fit.len()).collect()
    }

    /// Index of the rate with the least expected regret.
    fn best(&self, among: &[usize], edge: Edge) -> usize {
        let expected = self.expected(among, edge);
        let may_be = expected.iter().enumerate().skip(self.lowest);
        may_be.min_by(|a, b| a.1.total_cmp(b.1)).map_or(self.lowest, |(i, _)| i)
    }

    /// Expected regret of choosing on the samples `among`. The rate is chosen on one half and
    /// judged on the other: chosen and judged on the same few samples, every probe would seem to
    /// help.
    fn least(&self, among: &[usize], edge: Edge) -> f64 {
        let (even, odd): (Vec<usize>, Vec<usize>) = among.iter().partition(|i| *i % 2 == 0);
        if even.is_empty() || odd.is_empty() {
            return self.expected(among, edge)[self.best(among, edge)];
        }
        let cross = |choose: &[usize], judge: &[usize]| self.expected(judge, edge)[self.best(choose, edge)];
        let (a, b) = (cross(&even, &odd), cross(&odd, &even));
        (a * odd.len() as f64 + b * even.len() as f64) / among.len() as f64
    }

    /// Expected least regret after a reading at `x`, `s` with `seed`: the samples are sorted by the
    /// reading they predict (with seeded noise) and cut into bins; within each bin the best rate is
    /// chosen anew.
    fn after(&self, x: f64, s: f64, seed: u64) -> f64 {
        let risk = self.edge.probability(x);
        let diverges = Edge { diverged: self.edge.diverged.min(x), ..self.edge };
        let survives = Edge { survived: self.edge.survived.max(x), ..self.edge };
        let (expected, sd) = self.fit.next_reading(x, s, seed);
        let mut order: Vec<(f64, usize)> = expected
            .iter()
            .enumerate()
            // Low-discrepancy noise (golden ratio), the same for every candidate: common random
            // numbers.
            .map(|(i, y)| (y + sd * probit((0.5 + i as f64 * 0.618_033_988_749_895).fract()), i))
            .collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let size = order.len().div_ceil(BINS);
        let bins: Vec<f64> = order
            .chunks(size)
            .map(|bin| {
                let among: Vec<usize> = bin.iter().map(|b| b.1).collect();
                self.least(&among, survives) * among.len() as f64
            })
            .collect();
        let read = bins.iter().sum::<f64>() / order.len() as f64;
        if risk < 1e-3 { read } else { (1.0 - risk) * read + risk * self.least(&self.all(), diverges) }
    }

    /// Where the best rate likely lies among those that may be the answer, in octaves.
    fn likely(&self) -> (f64, f64) {
        let (low, high) = self.quantiles(0.1, 0.9);
        let least = self.grid[self.lowest];
        (low.max(least), high.max(least))
    }

    /// Two quantiles of the best rate, in octaves.
    fn quantiles(&self, low: f64, high: f64) -> (f64, f64) {
        let mut best: Vec<f64> = self
            .regret
            .iter()
            .map(|r| {
                let at = r.iter().enumerate().min_by(|a, b| a.1.total_cmp(b.1)).map_or(0, |(i, _)| i);
                self.grid[at]
            })
            .collect();
        best.sort_by(f64::total_cmp);
        let at = |q: f64| best[((best.len() - 1) as f64 * q).round() as usize];
        (at(low), at(high))
    }
}

/// Inverse of the normal distribution (Tocher's logistic approximation; error below 0.02 for |z| <
/// 2.5, and only an order and a spread are needed).
fn probit(u: f64) -> f64 {
    let u = u.clamp(1e-3, 1.0 - 1e-3);
    (u / (1.0 - u)).ln() / 1.702
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
                if !doubted && belief.is_settled() {
                    return Ok(Vec::new());
                }
                let before = belief.least(&belief.all(), belief.edge);
                let purse = self.purse(done);
                let (grid, likely) = (&belief.grid[belief.lowest..], belief.likely());
                let best = plan::candidates(&self.job, &book, grid, likely, first, doubted, purse)
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
                    "the search stopped after {ended} trials with {read} usable losses; 3 trials and 2 losses are needed"
                ),
                remedies: vec![Remedy::Resume],
            }));
        }
        let belief = Belief::new(&book, &self.job);
        let at = belief.best(&belief.all(), belief.edge);
        let early = matches!(next, NextProbe::Refine { first, doubted: false } if self.purse(done).pays(first, &self.job))
            && belief.is_settled();
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
