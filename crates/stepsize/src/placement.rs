//! [`Placement`]: where a rate lies, in words that a person can act on.

use crate::divergence::{DEAD_SHARE, Outcome, untrained_validation_loss};
use crate::trial::Trial;
use crate::{Answer, Estimate};
use serde::{Deserialize, Serialize};
use std::fmt;

/// Around a rate without an interval, rates within this factor count as good: half an octave, about
/// the interval of a good search.
const AROUND: f64 = std::f64::consts::SQRT_2;

/// Where a rate lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Placement {
    /// Below the interval of the estimate.
    TooLow,
    /// Within the interval.
    Good,
    /// Above the interval, but training did not break.
    TooHigh,
    /// The loss exploded, or ended clearly worse than untrained; see [`crate::divergence`].
    Diverged,
    /// The search gave no rate to compare with.
    Unknown,
}

impl Placement {
    /// Where a trial's rate lies. Without an interval, rates within a factor of the square root of
    /// 2 of the recommended one are good.
    pub fn of(trial: &Trial, estimate: &Estimate) -> Self {
        Self::among(trial, estimate, &[])
    }

    /// The same where the other trials of the search are known: a network that died at a rate from
    /// which on training diverges has diverged too.
    pub fn among(trial: &Trial, estimate: &Estimate, trials: &[Trial]) -> Self {
        if Outcome::of(trial) == Outcome::Diverged || died(trial, estimate, trials) {
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

    /// All placements, in the order of the axis of rates.
    pub const ALL: [Placement; 5] =
        [Placement::TooLow, Placement::Good, Placement::TooHigh, Placement::Diverged, Placement::Unknown];
}

/// Whether a network is dead, if training diverges from its rate on.
fn died(trial: &Trial, estimate: &Estimate, trials: &[Trial]) -> bool {
    let above = estimate.divergence_lr.is_some_and(|from| trial.spec.lr >= from);
    let (Some(end), Some(untrained)) = (trial.final_loss(), untrained_validation_loss(trials)) else { return false };
    let same = trials.iter().filter(|t| t.spec.steps == trial.spec.steps).filter_map(Trial::final_loss);
    above && untrained - end < DEAD_SHARE * (untrained - same.fold(untrained, f64::min))
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
