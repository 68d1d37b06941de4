//! How far one run's evidence may move its rate, and how that is worded.
//!
//! The rule: a verdict from one curve moves the rate by a factor of 3, whatever the odds say. The
//! run at the new rate makes two, a third makes a sweep, and a sweep is far surer. What other
//! bounds would bring is in `docs/diagnose.md`.

use super::rules::show;

/// Octaves of the step that one curve carries: a factor of 3.
pub(super) const MOVE: f64 = 1.585;
/// Octaves down after a run that is known to train from scratch broke in its first part: a factor
/// of 10. The labelled runs that did lay farther than that above the best rate (median).
pub(super) const BROKE_EARLY: f64 = 3.322;
/// Octaves of the experiment that is advised when the verdict is unknown.
pub(super) const EXPERIMENT: f64 = 1.0;

/// The change as an order: "divide the rate by 3".
pub(super) fn change(octaves: f64) -> String {
    let factor = show(octaves.abs().exp2().round());
    if octaves < 0.0 { format!("divide the rate by {factor}") } else { format!("raise the rate {factor} times") }
}
