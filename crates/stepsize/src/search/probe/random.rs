//! [`Random`]: rates drawn log-uniformly (Bergstra & Bengio 2012), seeded, so that the same seed
//! gives the same rates on every machine (ChaCha8).
//!
//! Answers as the sweep does, by `probe/evidence.rs`: the lowest mean final validation loss over
//! seeds. It does not widen its span: when the best rate is the outermost one drawn, it refuses.

use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::grid::{check_steps, conclude, same_spec, specs};
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Error, Estimate, Job, Result};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Log-uniform random search.
#[derive(Debug, Clone)]
pub struct Random {
    job: Job,
    rates: Vec<Lr>,
    seeds: u32,
    steps: u64,
}

impl Random {
    /// `count` rates between `low` and `high`, drawn from `draw_seed`; one seed each, full length.
    ///
    /// # Errors
    /// When `low >= high` or `count` is zero.
    ///
    /// ```
    /// use stepsize::Job;
    /// use stepsize::probe::{Probe, Random};
    /// use stepsize::{Lr, Schedule};
    /// let job = Job::new(1000, Schedule::constant(), 0)?;
    /// let probe = Random::new(job, Lr::new(1e-4)?, Lr::new(1.0)?, 10, 7)?;
    /// assert_eq!(probe.ask(&[])?, probe.ask(&[])?);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(job: Job, low: Lr, high: Lr, count: u32, draw_seed: u64) -> Result<Self> {
        if low >= high || count == 0 {
            return Err(Error::invalid(format!(
                "random search needs low < high and at least 1 rate, not {low} to {high} with {count}"
            )));
        }
        let mut rng = ChaCha8Rng::seed_from_u64(draw_seed);
        let (from, span) = (low.log2(), high.log2() - low.log2());
        let rates = (0..count).map(|_| Lr::from_log2(from + span * rng.random::<f64>())).collect();
        let steps = job.steps;
        Ok(Self { job, rates, seeds: 1, steps })
    }

    /// Runs each rate with `seeds` seeds, counting up from the job's.
    ///
    /// # Errors
    /// When `seeds` is zero.
    pub fn with_seeds(mut self, seeds: u32) -> Result<Self> {
        if seeds == 0 {
            return Err(Error::invalid("random search needs at least 1 seed"));
        }
        self.seeds = seeds;
        Ok(self)
    }

    /// Makes trials of `steps` steps, with the schedule compressed to that length.
    ///
    /// # Errors
    /// When `steps` is zero or above the job's.
    pub fn with_steps(mut self, steps: u64) -> Result<Self> {
        self.steps = check_steps(steps, &self.job)?;
        Ok(self)
    }
}

impl Probe for Random {
    fn name(&self) -> &'static str {
        "random"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let specs = specs(&self.job, &self.rates, self.steps, self.seeds)?;
        Ok(specs.into_iter().filter(|s| !done.iter().any(|t| same_spec(&t.spec, s))).collect())
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        Ok(conclude(&self.job, self.steps, done))
    }
}
