//! [`Job`]: the full run whose rate is asked for.

use crate::lr::Lr;
use crate::schedule::Schedule;
use crate::spec::TrialSpec;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

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
}
