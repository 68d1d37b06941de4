//! [`Placement`]: where a rate lies, in four words that a person can act on.

use crate::divergence::Outcome;
use crate::trial::Trial;
use crate::{Answer, Estimate};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Half width, as a factor, of what counts as good around a rate that came without an interval: half an octave, about
/// the width of the interval that a good search reaches.
const AROUND: f64 = std::f64::consts::SQRT_2;

/// Where a rate lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Below the interval of the estimate.
    TooLow,
    /// Within it.
    Good,
    /// Above it, and it still trained.
    TooHigh,
    /// The loss exploded, or ended clearly worse than untrained.
    Diverged,
    /// No rate was given, so there is nothing to compare with.
    Unknown,
}

impl Placement {
    /// The verdict on a trial's rate. Without an interval, within a factor of the square root of 2 of the recommended
    /// rate is good.
    pub fn of(trial: &Trial, estimate: &Estimate) -> Self {
        if Outcome::of(trial) == Outcome::Diverged {
            return Placement::Diverged;
        }
        let Answer::Rate(rate) = &estimate.answer else { return Placement::Unknown };
        let (low, high) = rate.interval.unwrap_or_else(|| (rate.lr * AROUND.recip(), rate.lr * AROUND));
        match trial.spec.lr {
            lr if lr < low => Placement::TooLow,
            lr if lr > high => Placement::TooHigh,
            _ => Placement::Good,
        }
    }

    /// All verdicts, in the order of the axis.
    pub const ALL: [Placement; 5] =
        [Placement::TooLow, Placement::Good, Placement::TooHigh, Placement::Diverged, Placement::Unknown];
}

impl fmt::Display for Placement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Placement::TooLow => "too low",
            Placement::Good => "good",
            Placement::TooHigh => "too high",
            Placement::Diverged => "diverged",
            Placement::Unknown => "unknown",
        })
    }
}
