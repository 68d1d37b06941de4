//! [`OneSided`]: ends a trial at a *lower* rate that is already clearly worse than a higher rate
//! was at the same step.
//!
//! Before the schedule has decayed, losses favour low rates (at 20-70 % of a decaying run the
//! best-looking rate is 3-4x too small). So a lower rate that looks worse is worse, but a higher
//! rate that looks worse may still win and is never ended. Neither is a trial that stands as low as
//! the higher rate ended: what learns quickly and then overfits was ahead for a while only. Trials
//! of another seed say nothing of it.

use super::Pruner;
use crate::trial::Trial;

/// Ends lower rates only.
#[derive(Debug, Clone, Copy)]
pub struct OneSided {
    /// Least distance below the better trial's rate, in octaves.
    pub octaves: f64,
    /// Share of the steps before which it never ends a run.
    pub from: f64,
    /// How much worse it must be, as a share of the better trial's fall from its first loss.
    pub margin: f64,
}

impl Default for OneSided {
    /// Two octaves, after a quarter of the run, by a tenth of the fall.
    fn default() -> Self {
        Self { octaves: 2.0, from: 0.25, margin: 0.1 }
    }
}

impl Pruner for OneSided {
    fn judge(&self, live: &Trial, settled: &[Trial]) -> Option<String> {
        let here = live.val.last()?;
        if (here.step as f64) < self.from * live.spec.steps as f64 || here.step >= live.spec.steps {
            return None;
        }
        settled
            .iter()
            .filter(|t| t.finished() && t.spec.steps == live.spec.steps && t.spec.seed == live.spec.seed)
            .filter(|t| t.spec.lr.log2() - live.spec.lr.log2() >= self.octaves)
            .find_map(|t| {
                let there = t.val.points().iter().find(|p| p.step == here.step && p.loss.is_finite())?;
                let progress = t.val.first()?.loss - there.loss;
                let behind = here.loss - there.loss > self.margin * progress;
                let overtaken = t.final_loss().is_none_or(|end| end >= here.loss);
                (progress > 0.0 && behind && !overtaken).then(|| {
                    format!(
                        "after {} steps its loss {:.4} is behind the {:.4} of the higher rate {}",
                        here.step, here.loss, there.loss, t.spec.lr
                    )
                })
            })
    }
}
