//! [`Pruner`]: ends a trial that can no longer be the answer. It sees curves, never the study.
//!
//! The pruner of a search compares a trial only with trials of batches that have ended, so that its
//! decisions never depend on timing: the same seed gives the same study on any number of threads. A
//! pruner that the user asks for by name ([`PrunerKind`]) may give that up: a sweep is one batch,
//! in which it would otherwise have nothing to compare with.

mod diverging;
mod halving;
mod median;
mod one_sided;

pub use crate::question::PrunerKind;
pub use diverging::Diverging;
pub use halving::Halving;
pub use median::Median;
pub use one_sided::OneSided;

use crate::curve::Curve;
use crate::trial::Trial;

/// Decides whether a running trial is ended.
pub trait Pruner: Send + Sync {
    /// `Some(why)` ends `live`. `settled` are the ended trials to compare it with, by number.
    fn judge(&self, live: &Trial, settled: &[Trial]) -> Option<String>;
    /// Whether `settled` omits the ended trials of the batch that `live` belongs to. If it does,
    /// decisions do not depend on how fast the others ran.
    fn waits_for_batches(&self) -> bool {
        true
    }
}

impl PrunerKind {
    /// The rule with its usual numbers.
    pub fn pruner(self) -> Option<Box<dyn Pruner>> {
        match self {
            Self::None => None,
            Self::OneSided => Some(Box::new(OneSided::default())),
            Self::Diverging => Some(Box::new(Diverging::default())),
            Self::Median => Some(Box::new(Median::default())),
            Self::Halving => Some(Box::new(Halving::default())),
        }
    }
}

/// The curve to compare: validation losses where there are any, else training losses.
fn curve(trial: &Trial) -> &Curve {
    if trial.val.last().is_some() { &trial.val } else { &trial.train }
}

/// The finite loss of a run at `step`, or at its last reading before.
fn at(trial: &Trial, step: u64) -> Option<f64> {
    let before = curve(trial).points().iter().rev().find(|p| p.step <= step)?;
    before.loss.is_finite().then_some(before.loss)
}
