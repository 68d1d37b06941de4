//! [`Probe`]: a plan of trials that answers a question about the rate; [`Estimate`]: the answer, or a stated refusal.
//!
//! A probe is a pure function of the trials done so far. That is why a study resumes by replay.

mod race;

pub use race::Race;

use crate::lr::Lr;
use crate::pruner::Pruner;
use crate::schedule::Schedule;
use crate::trial::{Trial, TrialSpec};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

mod capped;
mod descent;
mod evidence;
mod first_fall;
mod grid;
mod ladder;
mod opening;
mod random;
mod range_test;
pub mod suggest;

pub use capped::Capped;
pub use descent::Descent;
pub use first_fall::FirstFall;
pub use grid::Grid;
pub use ladder::Ladder;
pub use opening::Opening;
pub use random::Random;
pub use range_test::{Bounds, RangeTest, RangeTestRule, smith};

/// Final validation loss of a trial by the rule of the probes: `None` when it diverged or ended otherwise.
pub(crate) fn outcome_of(trial: &Trial) -> Option<f64> {
    match evidence::outcome(trial) {
        evidence::Outcome::Loss(loss) => Some(loss),
        evidence::Outcome::Diverged | evidence::Outcome::Unknown => None,
    }
}

/// A plan of trials.
pub trait Probe: Send + Sync {
    /// Name as typed on the command line: `race`, `grid`, ...
    fn name(&self) -> &'static str;
    /// The next batch of trials to run at once; empty when nothing more is worth its cost. `done` holds all earlier
    /// trials in the order of their numbers, each of them ended.
    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>>;
    /// What `done` says. Works at any moment, so that an interrupted study still answers.
    fn estimate(&self, done: &[Trial]) -> Result<Estimate>;
    /// The rule by which this probe's trials may be ended early; `None` when each must run to its end.
    fn pruner(&self) -> Option<&dyn Pruner> {
        None
    }
}

/// The job whose rate is asked for: the full run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Steps of the full run: the horizon T.
    pub steps: u64,
    /// Shape over the full run.
    pub schedule: Schedule,
    /// Seed of the first run; further seeds count up from it.
    pub seed: u64,
    /// The run has a schedule of its own, of which `schedule` is only what is assumed: a command's.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_schedule: bool,
}

impl Job {
    /// A job.
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn new(steps: u64, schedule: Schedule, seed: u64) -> Result<Self> {
        if steps == 0 {
            return Err(Error::invalid("a run needs at least 1 step"));
        }
        Ok(Self { steps, schedule, seed, own_schedule: false })
    }

    /// The same, of a run that has its own schedule: the one given is what is assumed of it.
    pub fn with_own_schedule(mut self) -> Self {
        self.own_schedule = true;
        self
    }

    /// A trial at `lr` with the whole schedule compressed to `steps` (a *decayed probe*; at `steps = T` the full run).
    pub fn trial(&self, lr: Lr, steps: u64, seed: u64) -> Result<TrialSpec> {
        let schedule = self.schedule.compress(self.steps, steps)?;
        Ok(TrialSpec { lr, schedule, steps, seed, stop_on_divergence: true })
    }

    /// Whether a run of n steps shows what every shorter run would have shown (the schedule ignores the horizon).
    pub fn is_horizon_free(&self) -> bool {
        self.schedule.steps().is_none()
            && self.schedule.compress(self.steps.max(2), 1).is_ok_and(|c| c == self.schedule)
    }

    /// Steps spent on `trials`, in full runs.
    pub fn cost_runs(&self, trials: &[Trial]) -> f64 {
        trials.iter().map(|t| t.steps_paid()).sum::<u64>() as f64 / self.steps as f64
    }
}

/// Why no rate is given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// No rate learned anything: the loss does not depend on the rate.
    Flat,
    /// Differences between rates are no larger than those between seeds.
    NoiseOnly,
    /// Every rate diverged.
    AllDiverged,
    /// The evidence is too short to tell.
    TooShort,
    /// The best rate is still the outermost one after widening.
    AtEdge,
    /// The evidence contradicts what the method needs.
    Unfit,
}

/// A stated refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Refusal {
    /// Class of the reason.
    pub reason: Reason,
    /// What was seen, with numbers.
    pub because: String,
    /// What to do next.
    pub advice: String,
}

/// A rate with what is known of its certainty.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Recommended base rate.
    pub lr: Lr,
    /// Lower and upper end of the 80 % interval for the best rate; `None` from methods that have none.
    pub interval: Option<(Lr, Lr)>,
    /// Probability that the full run's loss is within 0.25 % of the best; only where calibrated.
    pub p_within_0_25_pct: Option<f64>,
    /// Probability that the full run's loss is within 1 % of the best; only where calibrated.
    pub p_within_1_pct: Option<f64>,
}

/// A rate, or a refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A rate.
    Rate(Rate),
    /// No rate, with the reason.
    Refused(Refusal),
}

/// Expected final loss at one rate, with its 80 % band: the fitted landscape, for pictures.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Band {
    /// Rate.
    pub lr: Lr,
    /// 10 % quantile of the full run's loss.
    pub low: f64,
    /// Median.
    pub mid: f64,
    /// 90 % quantile.
    pub high: f64,
}

/// What a probe concludes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// A rate or a refusal.
    pub answer: Answer,
    /// Lowest rate that diverged (exploded, or ended worse than untrained), if any did.
    pub divergence_lr: Option<Lr>,
    /// Steps spent, in full runs.
    pub cost_runs: f64,
    /// One or two sentences: the evidence behind the answer.
    pub why: String,
    /// Expected final loss over rates, where the method has a model.
    pub landscape: Vec<Band>,
}

impl Estimate {
    /// The recommended rate, if there is one.
    pub fn lr(&self) -> Option<Lr> {
        match &self.answer {
            Answer::Rate(rate) => Some(rate.lr),
            Answer::Refused(_) => None,
        }
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match &self.answer {
            Answer::Rate(_) => None,
            Answer::Refused(refusal) => Some(refusal),
        }
    }
}
