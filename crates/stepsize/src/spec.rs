//! [`TrialSpec`]: one training run to be made; [`End`]: how it ended.

use crate::lr::Lr;
use crate::schedule::Schedule;
use serde::{Deserialize, Serialize};
use std::fmt;

/// Number of a trial in its study, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TrialId(pub u32);

impl fmt::Display for TrialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "t{}", self.0)
    }
}

/// One training run to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialSpec {
    /// Base rate; the applied rate is `lr * schedule.factor(step)` (times a controller's factor).
    pub lr: Lr,
    /// The rate over this trial's own steps, as factors of `lr`.
    pub schedule: Schedule,
    /// Optimizer steps of this trial.
    pub steps: u64,
    /// Seeds initial weights and data order.
    pub seed: u64,
    /// `true` (probes): end the trial as soon as the loss has exploded. `false` (truth tables):
    /// always run to the end.
    #[serde(default = "yes")]
    pub stop_on_divergence: bool,
}

fn yes() -> bool {
    true
}

/// How a trial ended.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum End {
    /// All steps were run.
    Finished,
    /// The loss became non-finite or exploded.
    Diverged {
        /// Step at which that was seen.
        step: u64,
        /// Evidence, for people.
        why: String,
    },
    /// A pruner ended it: it could no longer be the answer.
    Pruned {
        /// Evidence, for people.
        why: String,
    },
    /// The user or a budget ended it.
    Stopped,
    /// It could not be run. A crash says nothing about the rate.
    Failed {
        /// The error's text.
        why: String,
    },
}
