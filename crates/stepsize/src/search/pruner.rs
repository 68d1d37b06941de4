//! [`Pruner`]: ends a trial that cannot be the answer any more. It sees curves, never the study.
//!
//! `settled` holds only trials of batches that have ended, so that a verdict depends on evidence and never on timing:
//! the same seed gives the same study on any number of threads. A rule that the user asks for by name ([`KillRule`]) may give
//! that up: in a sweep, which is one batch, it would have nothing to compare with.

mod diverging;
mod halving;
mod median;
mod one_sided;

pub use diverging::Diverging;
pub use halving::Halving;
pub use median::Median;
pub use crate::question::KillRule;
pub use one_sided::OneSided;

use crate::curve::Curve;
use crate::trial::Trial;

/// Judges a running trial.
pub trait Pruner: Send + Sync {
    /// `Some(why)` to end `live`; `settled` are the trials of earlier batches, by number.
    fn judge(&self, live: &Trial, settled: &[Trial]) -> Option<String>;
    /// Whether `settled` leaves out the ended trials of the batch that `live` belongs to. Without them a verdict does not depend
    /// on how fast others ran.
    fn waits_for_batches(&self) -> bool {
        true
    }
}

impl KillRule {
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

/// What a rule compares: validation losses where there are any, else training losses.
fn curve(trial: &Trial) -> &Curve {
    if trial.val.last().is_some() { &trial.val } else { &trial.train }
}

/// The finite loss of a run at `step`, or at its last reading before.
fn at(trial: &Trial, step: u64) -> Option<f64> {
    let before = curve(trial).points().iter().rev().find(|p| p.step <= step)?;
    before.loss.is_finite().then_some(before.loss)
}

/// A mini-batch loss this many times the untrained loss, three times in a row, is an explosion. Far above the
/// transient spikes from which runs recover (factors up to about 30 were seen in recovered runs).
const EXPLOSION: f64 = 1e3;

/// Whether the run has exploded: a non-finite loss, or three losses in a row above 1000 times the first.
/// Looks at the newest readings only, so it is cheap at every step.
pub fn explosion(live: &Trial) -> Option<String> {
    let points = live.train.points();
    if let Some(last) = points.last().filter(|p| !p.loss.is_finite()) {
        return Some(format!("training loss {} at step {}", last.loss, last.step));
    }
    // Also of a run that reports nothing else.
    if let Some(eval) = live.val.last().filter(|p| !p.loss.is_finite()) {
        return Some(format!("validation loss {} after {} steps", eval.loss, eval.step));
    }
    let last = points.last()?;
    let start = live.start_loss().unwrap_or(points[0].loss).abs().max(f64::MIN_POSITIVE);
    let tail = &points[points.len().saturating_sub(3)..];
    (tail.len() == 3 && tail.iter().all(|p| p.loss > EXPLOSION * start))
        .then(|| format!("training loss {:.3e} at step {}, {EXPLOSION:.0} times the start", last.loss, last.step))
}
