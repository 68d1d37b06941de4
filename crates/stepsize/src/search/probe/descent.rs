//! [`Descent`]: try 0.1, 0.01, 0.001 ... until one works. This is what people do by hand; it serves
//! as a baseline.
//!
//! *Works* means: the run finished, its final validation loss is finite, and it is below the
//! untrained loss by at least [`WORKS`] of it. The first rate that works is the answer: no
//! interval, no comparison with other rates. It costs one run per rate and can stop up to a factor
//! of ten above or below the best rate.

use crate::divergence::{Outcome, untrained_loss};
use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::evidence::{MIN_STEPS, answered, refused, same_rate};
use crate::probe::grid::check_steps;
use crate::spec::{End, TrialSpec};
use crate::trial::Trial;
use crate::{Error, Estimate, Job, Reason, Remedy, Result};

/// Share of |untrained loss| by which the loss must have fallen: a person sees such a fall on any
/// plot.
const WORKS: f64 = 0.05;
/// Rates tried before giving up: 0.1 down to 1e-6 by tens.
const TRIES: u32 = 6;

/// Rates from a start downward, each a constant factor below the last, until one works.
#[derive(Debug, Clone)]
pub struct Descent {
    job: Job,
    start: f64,
    factor: f64,
    tries: u32,
    steps: u64,
}

impl Descent {
    /// From 0.1 down by ten, six rates at most, each at full length.
    ///
    /// ```
    /// use stepsize::Job;
    /// use stepsize::probe::{Descent, Probe};
    /// use stepsize::Schedule;
    /// let probe = Descent::new(Job::new(1000, Schedule::constant(), 0)?);
    /// assert_eq!(probe.ask(&[])?[0].lr.get(), 0.1);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(job: Job) -> Self {
        let steps = job.steps;
        Self { job, start: 0.1, factor: 10.0, tries: TRIES, steps }
    }

    /// Starts at another rate.
    pub fn from_lr(mut self, start: Lr) -> Self {
        self.start = start.get();
        self
    }

    /// Divides the rate by another factor from trial to trial.
    ///
    /// # Errors
    /// When `factor` is not finite and above 1.
    pub fn with_factor(mut self, factor: f64) -> Result<Self> {
        self.factor = check_factor(factor)?;
        Ok(self)
    }

    /// Tries at most this many rates.
    ///
    /// # Errors
    /// When `tries` is zero.
    pub fn with_tries(mut self, tries: u32) -> Result<Self> {
        if tries == 0 {
            return Err(Error::invalid("trial and error needs at least 1 try"));
        }
        self.tries = tries;
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

    fn rates(&self) -> Result<Vec<Lr>> {
        (0..self.tries).map(|i| rung(self.start, self.factor, i)).collect()
    }
}

/// `start / factor^i`, computed so that decades print as decades.
pub(super) fn rung(start: f64, factor: f64, i: u32) -> Result<Lr> {
    Lr::new(start / factor.powi(i as i32))
}

/// Checks the divisor from rate to rate.
pub(super) fn check_factor(factor: f64) -> Result<f64> {
    if factor.is_finite() && factor > 1.0 {
        Ok(factor)
    } else {
        Err(Error::invalid(format!("the divisor from rate to rate must be finite and above 1, not {factor}")))
    }
}

fn works(trial: &Trial) -> bool {
    match (Outcome::of(trial), untrained_loss(trial)) {
        (Outcome::Loss(last), Some(start)) => start - last > WORKS * start.abs(),
        _ => false,
    }
}

impl Probe for Descent {
    fn name(&self) -> &'static str {
        "descent"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        if done.iter().any(works) {
            return Ok(Vec::new());
        }
        let open = self.rates()?.into_iter().find(|r| !done.iter().any(|t| same_rate(t.spec.lr, *r)));
        open.map(|lr| self.job.trial(lr, self.steps, self.job.seed)).into_iter().collect()
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let cost = self.job.cost_runs(done);
        let refuse = |reason, because: String, remedies: &[Remedy]| Ok(refused(reason, because, remedies, done, cost));
        if self.steps < MIN_STEPS.min(self.job.steps) {
            return refuse(
                Reason::TooShort,
                format!("trials of {} steps say little of a run of {}", self.steps, self.job.steps),
                &[Remedy::LongerTrials { at_least: Some(MIN_STEPS.min(self.job.steps)) }],
            );
        }
        if let Some(found) = done.iter().find(|t| works(t)) {
            let (start, last) = (untrained_loss(found).unwrap_or(f64::NAN), found.final_loss().unwrap_or(f64::NAN));
            let why = format!("the first rate from {} down that works: loss {start:.4} -> {last:.4}", self.start);
            return Ok(answered(found.spec.lr, None, why, done, cost));
        }
        let known = done.iter().filter(|t| matches!(t.end, Some(End::Finished | End::Diverged { .. }))).count();
        if known == 0 {
            return refuse(Reason::TooShort, "no trial has ended".into(), &[Remedy::Resume]);
        }
        let rates: Vec<String> = done.iter().map(|t| t.spec.lr.to_string()).collect();
        if done.iter().all(|t| Outcome::of(t) == Outcome::Diverged) {
            return refuse(
                Reason::AllDiverged,
                format!("every rate tried diverged: {}", rates.join(", ")),
                &[Remedy::LowerStart, Remedy::CheckModelAndData],
            );
        }
        refuse(
            Reason::Flat,
            format!("no rate lowered the loss by 5 %: {}", rates.join(", ")),
            &[Remedy::CheckRateIsUsed, Remedy::LongerRun, Remedy::MoreRates],
        )
    }
}
