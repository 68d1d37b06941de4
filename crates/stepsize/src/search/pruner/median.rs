//! [`Median`]: ends a run whose best loss so far is worse than the median of the others at the same
//! step.
//!
//! The rule of Vizier (Golovin et al. 2017, section 3.2.2) in the form of Optuna: `min(losses so
//! far) > median over finished runs of their loss at this step`, once enough runs have finished. It
//! compares runs of the same length, at their last reading not after the step.
//!
//! **Unsafe** for rates under a decaying schedule: between 20 and 70 % of such a run the
//! best-looking rate is 3 to 4 times too small, so it ends the winners and keeps rates that only
//! look good early. Use `one-sided` there. Use the median rule for constant schedules, and for
//! parameters other than the rate.

use super::{Pruner, at, curve};
use crate::stats::median;
use crate::trial::Trial;

/// Ends runs whose best loss is worse than the median.
#[derive(Debug, Clone, Copy)]
pub struct Median {
    /// Finished runs that it needs before it ends any.
    pub startup: usize,
    /// Share of the steps before which it never ends a run.
    pub from: f64,
}

impl Default for Median {
    /// Five finished runs, as in Optuna; after an eighth of the run.
    fn default() -> Self {
        Self { startup: 5, from: 0.125 }
    }
}

impl Pruner for Median {
    fn judge(&self, live: &Trial, settled: &[Trial]) -> Option<String> {
        let step = curve(live).last()?.step;
        if (step as f64) < self.from * live.spec.steps as f64 || step >= live.spec.steps {
            return None;
        }
        let best = curve(live).best()?;
        let peers = settled.iter().filter(|t| t.finished() && t.spec.steps == live.spec.steps);
        let there: Vec<f64> = peers.filter_map(|t| at(t, step)).collect();
        if there.len() < self.startup {
            return None;
        }
        let median = median(&there)?;
        (best > median).then(|| {
            format!(
                "at step {step} its best loss {best:.4} is behind {median:.4}, the median of {} finished runs",
                there.len()
            )
        })
    }

    fn waits_for_batches(&self) -> bool {
        false
    }
}
