//! [`Job`]: the full run whose rate is asked for.

use crate::lr::Lr;
use crate::schedule::Schedule;
use crate::spec::TrialSpec;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// The full run whose rate is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Job {
    /// Steps of the full run: the horizon, T.
    pub steps: u64,
    /// The rate over the full run, as factors of the base rate.
    pub schedule: Schedule,
    /// Seed of the first run; further seeds count up from it.
    pub seed: u64,
    /// Whether the run sets its schedule itself, as a command does. `schedule` is then what is
    /// assumed about it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub own_schedule: bool,
}

impl Job {
    /// A job of `steps` steps. The rate is multiplied by `schedule`.
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn new(steps: u64, schedule: Schedule, seed: u64) -> Result<Self> {
        if steps == 0 {
            return Err(Error::invalid("a run needs at least 1 step"));
        }
        Ok(Self { steps, schedule, seed, own_schedule: false })
    }

    /// The same for a run that sets its schedule itself ([`Job::own_schedule`]).
    pub fn with_own_schedule(mut self) -> Self {
        self.own_schedule = true;
        self
    }

    /// A *decayed trial* at `lr`: the whole schedule, compressed to `steps`. With `steps = T` it is
    /// the full run.
    ///
    /// # Errors
    /// When the schedule cannot be compressed to `steps`.
    pub fn trial(&self, lr: Lr, steps: u64, seed: u64) -> Result<TrialSpec> {
        let schedule = self.schedule.compress(self.steps, steps)?;
        Ok(TrialSpec { lr, schedule, steps, seed, stop_on_divergence: true })
    }

    /// Whether the schedule ignores the horizon, so that a run also shows what every shorter run
    /// would have shown.
    pub fn is_horizon_free(&self) -> bool {
        self.schedule.steps().is_none()
            && self.schedule.compress(self.steps.max(2), 1).is_ok_and(|c| c == self.schedule)
    }
}
