//! [`FirstFall`]: start far too high and divide the rate by ten until the loss falls within the
//! first steps. The answer lies a stated number of orders of magnitude (two by default) below that
//! rate.
//!
//! *Falls* means, over the mini-batch losses of a short run at a constant rate: all are finite, the
//! mean of the last third is below that of the first third by more than two standard errors of the
//! difference, and below the untrained loss as well (a loss that jumps up and comes back has not
//! fallen). When the very first rate falls, larger ones are tried (up to [`CLIMB`] of them),
//! because the rule needs the highest rate at which it falls.
//!
//! This is a rule of thumb that costs almost nothing. Measured on small networks, two orders are
//! far too low (a geometric-mean regret of about 100 %), so the number of orders can be set.

use crate::divergence::untrained_loss;
use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::descent::{check_factor, rung};
use crate::probe::evidence::{answered, refused, same_rate};
use crate::schedule::Schedule;
use crate::spec::TrialSpec;
use crate::stats::mean;
use crate::trial::Trial;
use crate::{Error, Estimate, Job, Reason, Remedy, Result};

/// Steps of each trial.
const ITERATIONS: u64 = 30;
/// Fewest steps of a trial: three in each third.
const LEAST: u64 = 9;
/// Rates tried downward: 10 to 1e-8 by tens.
const TRIES: u32 = 10;
/// Rates tried upward when the first one falls at once.
const CLIMB: u32 = 3;

/// The rule, with its start, its factor and its number of orders.
#[derive(Debug, Clone)]
pub struct FirstFall {
    job: Job,
    start: f64,
    factor: f64,
    orders: f64,
    iterations: u64,
}

impl FirstFall {
    /// Rates from 10 downward by factors of ten, 30 steps each; the answer is two orders lower.
    ///
    /// ```
    /// use stepsize::Job;
    /// use stepsize::probe::{FirstFall, Probe};
    /// use stepsize::Schedule;
    /// let probe = FirstFall::new(Job::new(1000, Schedule::constant(), 0)?);
    /// assert_eq!(probe.ask(&[])?[0].lr.get(), 10.0);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(job: Job) -> Self {
        let iterations = ITERATIONS.min(job.steps);
        Self { job, start: 10.0, factor: 10.0, orders: 2.0, iterations }
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

    /// Answers `orders` orders of magnitude below the highest rate that falls; 0 and fractions are
    /// allowed.
    ///
    /// # Errors
    /// When `orders` is not finite.
    pub fn with_orders(mut self, orders: f64) -> Result<Self> {
        if !orders.is_finite() {
            return Err(Error::invalid(format!("the number of orders must be finite, not {orders}")));
        }
        self.orders = orders;
        Ok(self)
    }

    /// Makes trials of `iterations` steps.
    ///
    /// # Errors
    /// When there are fewer than 9: a third of them must hold a mean and its error.
    pub fn with_iterations(mut self, iterations: u64) -> Result<Self> {
        if iterations < LEAST {
            return Err(Error::invalid(format!(
                "a trial needs at least {LEAST} steps to show a fall, not {iterations}"
            )));
        }
        self.iterations = iterations;
        Ok(self)
    }

    fn trial(&self, lr: Lr) -> TrialSpec {
        let (steps, seed) = (self.iterations, self.job.seed);
        TrialSpec { lr, schedule: Schedule::constant(), steps, seed, stop_on_divergence: true }
    }

    /// The largest rate that falls, and whether a larger one was seen not to fall.
    fn found(done: &[Trial]) -> Option<(Lr, bool)> {
        let top = done.iter().filter(|t| falls(t)).map(|t| t.spec.lr).max_by(|a, b| a.get().total_cmp(&b.get()))?;
        Some((top, done.iter().any(|t| t.spec.lr > top && t.end.is_some())))
    }
}

/// Whether the loss falls within the trial.
fn falls(trial: &Trial) -> bool {
    let losses = trial.train.losses();
    let third = losses.len() / 3;
    if !trial.finished() || third < 3 || losses.iter().any(|l| !l.is_finite()) {
        return false;
    }
    let (first, last) = (&losses[..third], &losses[losses.len() - third..]);
    let error = ((variance(first) + variance(last)) / third as f64).sqrt();
    let (Some(begin), Some(end)) = (mean(first), mean(last)) else { return false };
    begin - end > 2.0 * error
        && untrained_loss(trial).is_some_and(|start| end < start)
        && trial.val.last().is_none_or(|p| p.loss.is_finite())
}

fn variance(values: &[f64]) -> f64 {
    let center = mean(values).unwrap_or(f64::NAN);
    values.iter().map(|v| (v - center).powi(2)).sum::<f64>() / (values.len() - 1) as f64
}

impl Probe for FirstFall {
    fn name(&self) -> &'static str {
        "first-fall"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let down = (0..TRIES).map(|i| rung(self.start, self.factor, i));
        let up = (1..=CLIMB).map(|i| Lr::new(self.start * self.factor.powi(i as i32)));
        let rates: Vec<Lr> = match Self::found(done) {
            Some((_, true)) => return Ok(Vec::new()),
            Some((_, false)) => up.collect::<Result<_>>()?,
            None => down.collect::<Result<_>>()?,
        };
        let open = rates.into_iter().find(|r| !done.iter().any(|t| same_rate(t.spec.lr, *r)));
        Ok(open.map(|lr| self.trial(lr)).into_iter().collect())
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let cost = self.job.cost_runs(done);
        let refuse = |reason, because: String, remedies: &[Remedy]| Ok(refused(reason, because, remedies, done, cost));
        if self.iterations < LEAST || done.iter().all(|t| t.end.is_none()) {
            return refuse(
                Reason::TooShort,
                format!("{} steps at {} rates do not show whether the loss falls", self.iterations, done.len()),
                &[match self.iterations < LEAST {
                    true => Remedy::LongerTrials { at_least: Some(LEAST) },
                    false => Remedy::Resume,
                }],
            );
        }
        match Self::found(done) {
            Some((lr, true)) => {
                let answer = Lr::new(lr.get() / 10f64.powf(self.orders))?;
                let why = format!(
                    "{lr} is the highest rate at which the loss falls within {} steps; by rule of thumb the answer is {} orders lower",
                    self.iterations, self.orders
                );
                Ok(answered(answer, None, why, done, cost))
            }
            Some((lr, false)) => refuse(
                Reason::AtEdge,
                format!("the loss falls at {lr}, the highest rate tried: it is not known where it stops falling"),
                &[Remedy::HigherStart],
            ),
            None if done.iter().all(|t| t.exploded() || t.train.has_non_finite()) => refuse(
                Reason::AllDiverged,
                format!("the loss exploded at each of {} rates", done.len()),
                &[Remedy::LowerStart, Remedy::CheckModelAndData],
            ),
            None => refuse(
                Reason::Flat,
                format!("the loss falls at none of {} rates within {} steps", done.len(), self.iterations),
                &[Remedy::LongerTrials { at_least: None }, Remedy::CheckRateIsUsed],
            ),
        }
    }
}
