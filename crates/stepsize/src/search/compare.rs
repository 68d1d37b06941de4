//! [`Comparison`]: ways to set the rate, on one job, at equal total compute, *searches included*.
//!
//! Each way has T steps for each seed. A way without a search trains for T steps at each initial
//! rate of a grid: its final loss over the rate is its *valley*. A way with a search pays for it
//! out of the T steps: `find` searches for a run of T/1.6 with at most 0.6 of such a run,
//! first-fall with its short trials, and each then trains with what is left; a search by k runs
//! (0.1, 0.01, 0.001; the grid) makes k runs of T/k, schedule and all, and is judged by the best of
//! them.
//!
//! It is a [`Probe`], so a comparison is kept, resumed and stopped like any other study.
//! [`Comparison::compared`] makes the table ([`Row`]) and the sentences ([`Claim`]); both are pure
//! functions of the trials.
//!
//! It does not know models: a way that needs another optimizer names it as text, and the caller
//! that runs the trials looks it up by [`Comparison::planned`].

mod claims;
mod rows;

pub use crate::question::{Family, Way};
pub use claims::Claim;
pub use rows::{Cell, Compared, NEAR, Row};

use crate::lr::Lr;
use crate::probe::{FirstFall, Probe, Race};
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Answer, Error, Estimate, Job, Rate, Reason, Refusal, Remedy, Result};

/// The part of a comparison that a planned trial belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The valley of the way of this number.
    Valley(usize),
    /// The short runs at 0.1, 0.01 and 0.001.
    Decades,
    /// The short runs over the grid.
    Grid,
}

/// Largest share of the run that `find` may spend on its search.
const SEARCH: f64 = 0.6;
/// Rates of the rule of thumb.
const DECADES: [f64; 3] = [0.1, 0.01, 0.001];
/// Grid of a method without a rate, as factors of [`Way::unit`].
const FACTORS: [f64; 5] = [0.01, 0.1, 1.0, 10.0, 100.0];

/// The plan of a comparison.
#[derive(Debug, Clone)]
pub struct Comparison {
    job: Job,
    ways: Vec<Way>,
    rates: Vec<Lr>,
    seeds: u64,
    searches: bool,
}

impl Comparison {
    /// Compares `ways` (the first must be one fixed rate) at `rates` with `seeds` seeds; `job` is
    /// the run of T steps, its schedule the one that searches look for.
    ///
    /// # Errors
    /// When there are no seeds, fewer than 3 rates, or no fixed way in front.
    pub fn new(job: Job, ways: Vec<Way>, rates: Vec<Lr>, seeds: u64) -> Result<Self> {
        if seeds == 0 || rates.len() < 3 {
            return Err(Error::invalid(format!(
                "a comparison needs at least 1 seed and 3 rates, not {seeds} and {}",
                rates.len()
            )));
        }
        if ways.first().is_none_or(|w| w.family != Family::Fixed) {
            return Err(Error::invalid(
                "the first way of a comparison must be one fixed rate: all others are held against it",
            ));
        }
        Ok(Self { job, ways, rates, seeds, searches: true })
    }

    /// The same without the ways that need shorter runs, for jobs whose length cannot be set.
    pub fn without_searches(mut self) -> Self {
        self.searches = false;
        self
    }

    /// The ways.
    pub fn ways(&self) -> &[Way] {
        &self.ways
    }

    /// The trials that are known beforehand, in the order of their numbers from 0. All later trials
    /// are searches and the runs after them; those use the job's own optimizer and no controller.
    ///
    /// # Errors
    /// When a schedule cannot be compressed to a short run.
    pub fn planned(&self) -> Result<Vec<(Part, TrialSpec)>> {
        let mut list = Vec::new();
        for (i, way) in self.ways.iter().enumerate() {
            for lr in self.rates_of(way)? {
                for seed in self.seeds() {
                    let (schedule, steps) = (way.schedule.clone(), self.job.steps);
                    list.push((Part::Valley(i), TrialSpec { lr, schedule, steps, seed, stop_on_divergence: true }));
                }
            }
        }
        if self.searches {
            let decades = DECADES.map(Lr::new).into_iter().collect::<Result<Vec<_>>>()?;
            for (part, rates) in [(Part::Decades, &decades), (Part::Grid, &self.rates)] {
                let steps = (self.job.steps / rates.len() as u64).max(1);
                for seed in self.seeds() {
                    for lr in rates {
                        list.push((part, self.job.trial(*lr, steps, seed)?));
                    }
                }
            }
        }
        Ok(list)
    }

    /// Rates of the valley of `way`.
    fn rates_of(&self, way: &Way) -> Result<Vec<Lr>> {
        match way.unit {
            None => Ok(self.rates.clone()),
            Some(unit) => FACTORS.iter().map(|f| Lr::new(unit.get() * f)).collect(),
        }
    }

    fn seeds(&self) -> impl Iterator<Item = u64> + use<> {
        let first = self.job.seed;
        (0..self.seeds).map(move |i| first.wrapping_add(i))
    }

    /// Steps of the run that `find` searches for: with the search they add up to T.
    fn horizon(&self) -> u64 {
        ((self.job.steps as f64 / (1.0 + SEARCH)) as u64).max(1)
    }

    /// The search of `find` for the seed of this number. A search may need a second seed, so each
    /// has two of its own; they also tell the trials of one search from those of another.
    fn race(&self, number: u64) -> Result<Race> {
        let seed = self.job.seed.wrapping_add(2 * number);
        let steps = self.horizon();
        let schedule = self.job.schedule.compress(self.job.steps, steps)?;
        let job = Job { schedule, steps, seed, own_schedule: self.job.own_schedule };
        Race::new(job).with_max_cost(SEARCH)
    }

    fn first_fall(&self, seed: u64) -> FirstFall {
        FirstFall::new(Job { seed, ..self.job.clone() })
    }

    /// Sorts the trials after the planned ones, and says which are to be run next.
    fn searched(&self, rest: &[Trial]) -> Result<Searched> {
        let mut all = Searched { by_seed: self.seeds().map(BySeed::new).collect(), next: Vec::new() };
        if !self.searches {
            return Ok(all);
        }
        let mut rest = rest.iter();
        // One short trial a seed and round, until each has seen the loss fall.
        loop {
            let mut round = Vec::new();
            for (i, of) in all.by_seed.iter().enumerate() {
                round.extend(self.first_fall(of.seed).ask(&of.falls)?.into_iter().map(|spec| (i, spec)));
            }
            if round.is_empty() {
                break;
            }
            if rest.len() < round.len() {
                all.next = round.into_iter().map(|(_, spec)| spec).collect();
                return Ok(all);
            }
            for (i, _) in round {
                all.by_seed[i].falls.extend(rest.next().cloned());
            }
        }
        // Short trials belong to `find`, long ones are the runs after the searches.
        let long = self.horizon() / 2;
        let (finals, probes): (Vec<&Trial>, Vec<&Trial>) = rest.partition(|t| t.spec.steps > long);
        let races = (0..self.seeds).map(|number| self.race(number)).collect::<Result<Vec<_>>>()?;
        for (of, race) in all.by_seed.iter_mut().zip(&races) {
            of.probes = probes.iter().filter(|t| race.runs_with(t.spec.seed)).map(|t| (*t).clone()).collect();
        }
        if finals.is_empty() {
            for (of, race) in all.by_seed.iter().zip(&races) {
                all.next.extend(race.ask(&of.probes)?);
            }
            if !all.next.is_empty() {
                return Ok(all);
            }
        }
        let mut finals = finals.into_iter();
        for (of, race) in all.by_seed.iter_mut().zip(&races) {
            let spent = |trials: &[Trial]| trials.iter().map(|t| t.steps_run).sum::<u64>();
            let fallen = self.first_fall(of.seed).estimate(&of.falls)?;
            let found = race.estimate(&of.probes)?;
            for (estimate, spent, end) in
                [(fallen, spent(&of.falls), &mut of.fallen), (found, spent(&of.probes), &mut of.found)]
            {
                let Some(lr) = estimate.lr() else { continue };
                let steps = self.job.steps.saturating_sub(spent).max(long + 1);
                match finals.next() {
                    Some(trial) => *end = Some(trial.clone()),
                    None => all.next.push(self.job.trial(lr, steps, of.seed)?),
                }
            }
        }
        Ok(all)
    }
}

/// Trials of the searches, and the next batch.
struct Searched {
    by_seed: Vec<BySeed>,
    next: Vec<TrialSpec>,
}

/// Trials of the searches of one seed.
struct BySeed {
    seed: u64,
    falls: Vec<Trial>,
    probes: Vec<Trial>,
    /// The run after first-fall.
    fallen: Option<Trial>,
    /// The run after `find`.
    found: Option<Trial>,
}

impl BySeed {
    fn new(seed: u64) -> Self {
        Self { seed, falls: Vec::new(), probes: Vec::new(), fallen: None, found: None }
    }
}

impl Probe for Comparison {
    fn name(&self) -> &'static str {
        "compare"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let planned = self.planned()?;
        match done.get(planned.len()..) {
            Some(rest) if !done.is_empty() => Ok(self.searched(rest)?.next),
            _ => Ok(planned.into_iter().skip(done.len()).map(|(_, spec)| spec).collect()),
        }
    }

    /// The best fixed rate.
    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let compared = self.compared(done)?;
        let answer = match compared.rows.first().and_then(|row| row.best.as_ref()) {
            Some(best) => Answer::Rate(Rate { lr: best.lr, interval: None, p_keeps_98_pct: None }),
            None => Answer::Refused(Refusal {
                reason: Reason::TooShort,
                because: "no fixed rate has finished with all its seeds".to_owned(),
                remedies: vec![Remedy::Resume],
            }),
        };
        Ok(Estimate {
            answer,
            divergence_lr: None,
            cost_runs: self.job.cost_runs(done),
            why: "the best fixed rate of the comparison".to_owned(),
            landscape: Vec::new(),
        })
    }
}
