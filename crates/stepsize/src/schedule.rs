//! [`Schedule`]: the dimensionless shape of a rate over steps, as plain data.

use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// A shape over steps: `factor(step)` multiplies the base rate. Asking for a step never changes anything.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Schedule {
    /// 1 for ever.
    Constant,
    /// `1 - step/steps`, then 0... the value of the last step is held.
    Linear {
        /// Length.
        steps: u64,
    },
    /// `(1 + cos(pi step/steps))/2`.
    Cosine {
        /// Length.
        steps: u64,
    },
}

impl Schedule {
    /// Factor at zero-based `step`, finite and >= 0; beyond the end the last value.
    pub fn factor(&self, step: u64) -> f64 {
        match self {
            Schedule::Constant => 1.0,
            Schedule::Linear { steps } => 1.0 - step.min(*steps) as f64 / *steps as f64,
            Schedule::Cosine { steps } => {
                (1.0 + (std::f64::consts::PI * step.min(*steps) as f64 / *steps as f64).cos()) / 2.0
            }
        }
    }

    /// Length in steps; `None` when it never ends.
    pub fn steps(&self) -> Option<u64> {
        match self {
            Schedule::Constant => None,
            Schedule::Linear { steps } | Schedule::Cosine { steps } => Some(*steps),
        }
    }

    /// The same shape for a run of `to` steps instead of `from`: every number of steps in it is scaled by `to/from`.
    ///
    /// # Errors
    /// When `from` or `to` is zero.
    pub fn compress(&self, from: u64, to: u64) -> Result<Schedule> {
        if from == 0 || to == 0 {
            return Err(Error::invalid("a schedule cannot be compressed from or to 0 steps"));
        }
        let scale = |steps: u64| ((steps as f64 * to as f64 / from as f64).round() as u64).max(1);
        Ok(match self {
            Schedule::Constant => Schedule::Constant,
            Schedule::Linear { steps } => Schedule::Linear { steps: scale(*steps) },
            Schedule::Cosine { steps } => Schedule::Cosine { steps: scale(*steps) },
        })
    }
}
