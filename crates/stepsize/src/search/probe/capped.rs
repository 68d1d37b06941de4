//! [`Capped`]: any probe, within a budget.
//!
//! A batch that exceeds the budget is cut by seeds: all its rates with the first seed, then all
//! with the next. What remains is still a comparison of rates. If even the first round exceeds it,
//! that is an error before anything runs.

use crate::probe::Probe;
use crate::pruner::Pruner;
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Answer, Error, Estimate, Job, Remedy, Result};

/// Room for rounding in sums of steps over steps.
const EPSILON: f64 = 1e-9;

/// A probe with a budget.
pub struct Capped {
    probe: Box<dyn Probe>,
    job: Job,
    max_cost: f64,
}

impl Capped {
    /// `probe`, which searches for the rate of `job`, with at most `max_cost` full runs to spend.
    ///
    /// # Errors
    /// When the budget is not above zero and finite, or does not pay for one run of each rate that
    /// the probe starts with.
    ///
    /// ```
    /// use stepsize::Job;
    /// use stepsize::probe::{Capped, Grid, Probe};
    /// use stepsize::{Lr, Schedule};
    /// let job = Job::new(1000, Schedule::constant(), 0)?;
    /// let grid = Grid::new(job.clone(), Lr::new(1e-4)?, Lr::new(1.0)?, 2)?.with_seeds(3)?;
    /// let capped = Capped::new(Box::new(grid), job, 20.0)?;
    /// assert_eq!(capped.ask(&[])?.len(), 9); // nine rates, and later a second seed of each
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(probe: Box<dyn Probe>, job: Job, max_cost: f64) -> Result<Self> {
        if !(max_cost.is_finite() && max_cost > 0.0) {
            return Err(Error::invalid(format!("a budget is a number of full runs above 0, not {max_cost}")));
        }
        let capped = Self { probe, job, max_cost };
        let first = round(capped.probe.ask(&[])?);
        let price = capped.price(&first);
        if price > max_cost + EPSILON {
            return Err(Error::invalid(format!(
                "one run of each of {} rates costs {price:.2} full runs, above the budget of {max_cost}; raise the budget or try \
                 fewer rates",
                first.len()
            )));
        }
        Ok(capped)
    }

    /// Cost of trials that run to their end, in full runs.
    fn price(&self, specs: &[TrialSpec]) -> f64 {
        specs.iter().map(|s| s.steps).sum::<u64>() as f64 / self.job.steps as f64
    }
}

/// The trials of a batch that have its lowest seed.
fn round(mut batch: Vec<TrialSpec>) -> Vec<TrialSpec> {
    if let Some(seed) = batch.iter().map(|s| s.seed).min() {
        batch.retain(|s| s.seed == seed);
    }
    batch
}

impl Probe for Capped {
    fn name(&self) -> &'static str {
        self.probe.name()
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let left = self.max_cost - self.job.cost_runs(done) + EPSILON;
        let batch = self.probe.ask(done)?;
        if self.price(&batch) <= left {
            return Ok(batch);
        }
        let first = round(batch);
        Ok(if self.price(&first) <= left { first } else { Vec::new() })
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let mut estimate = self.probe.estimate(done)?;
        let wanted = self.probe.ask(done)?.len();
        if wanted > 0 && self.ask(done)?.is_empty() {
            estimate.why += &format!(
                "; the search stopped at its budget of {} full runs, {wanted} trials short of its plan",
                self.max_cost
            );
            if let Answer::Refused(refusal) = &mut estimate.answer {
                refusal.remedies.insert(0, Remedy::LargerBudget { at_least: None });
            }
        }
        Ok(estimate)
    }

    fn pruner(&self) -> Option<&dyn Pruner> {
        self.probe.pruner()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;
    use crate::probe::{Descent, Grid};
    use crate::{End, Lr, Point, Reason, Schedule, TrialId};

    fn job() -> Job {
        Job::new(1000, Schedule::constant(), 0).unwrap()
    }

    fn grid(seeds: u32, max_cost: f64) -> Result<Capped> {
        let grid = Grid::new(job(), Lr::new(1e-4)?, Lr::new(1.0)?, 2)?.with_seeds(seeds)?;
        Capped::new(Box::new(grid), job(), max_cost)
    }

    /// A basin about `best`, to its end.
    fn study(probe: &dyn Probe, best: f64) -> (Estimate, usize) {
        let mut done: Vec<Trial> = Vec::new();
        loop {
            let specs = probe.ask(&done).unwrap();
            if specs.is_empty() {
                return (probe.estimate(&done).unwrap(), done.len());
            }
            for spec in specs {
                let decades = (spec.lr.get() / best).log10();
                let last = 2.0 - 1.8 * (-decades * decades).exp() + 1e-4 * spec.seed as f64;
                let point = |step, loss| Point { step, lr: spec.lr.get(), loss };
                let mut trial = Trial::new(TrialId(done.len() as u32), spec.clone());
                trial.val = [point(0, 2.0), point(spec.steps, last)].into_iter().collect();
                (trial.steps_run, trial.end) = (spec.steps, Some(End::Finished));
                done.push(trial);
            }
        }
    }

    #[test]
    fn seeds_are_given_up_before_rates() {
        for (budget, cost) in [(27.0, 27.0), (26.9, 18.0), (9.0, 9.0), (17.9, 9.0)] {
            let (found, trials) = study(&grid(3, budget).unwrap(), 0.012);
            assert_eq!((found.cost_runs, trials as f64), (cost, cost), "{budget}");
            assert!((found.lr().unwrap().get() / 0.01 - 1.0).abs() < 1e-9);
            assert_eq!(found.why.contains("budget"), cost < 27.0, "{}", found.why);
        }
        let fault = grid(3, 8.9).err().unwrap().to_string();
        assert!(fault.contains("9.00 full runs") && fault.contains("8.9"), "{fault}");
        assert!([0.0, -1.0, f64::NAN, f64::INFINITY].iter().all(|b| grid(1, *b).is_err()));
    }

    #[test]
    fn what_is_asked_for_later_is_paid_for_too() {
        // One decade more of two rates is paid for, the next is not.
        let (found, trials) = study(&grid(1, 12.5).unwrap(), 80.0);
        assert_eq!((trials, found.cost_runs, found.refusal().unwrap().reason), (11, 11.0, Reason::AtEdge));
        let descent = Capped::new(Box::new(Descent::new(job())), job(), 2.0).unwrap();
        assert!(study(&descent, 1e-4).0.cost_runs <= 2.0);
    }
}
