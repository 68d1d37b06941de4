//! `LR013`: four fifths of the fall came in the first sixteenth of the run, and then the loss was
//! flat.
//!
//! The usual causes: a rate that is too high for the rest of the run, a run far longer than it
//! needs to be, or repeated data.

use super::percent;
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Share of the fall in the first sixteenth of the run. Chosen by eye, not fitted.
const EARLY: f64 = 0.8;
/// Share of the fall in the second half below which the loss is flat. Chosen by eye.
const FLAT: f64 = 0.05;
/// A share below this counts as nothing.
const NOTHING: f64 = 0.005;
/// Least fall of the log loss. Chosen by eye.
const DROP: f64 = 0.1;
/// A log whose first reading lies later than this share of the run does not show its first
/// sixteenth.
const LATE: f64 = 0.05;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let number = |feature| seen.features.get(feature);
    let (early, late) = (number(Feature::Share16), number(Feature::RelSlope1));
    if !(early > EARLY && late < FLAT && number(Feature::Drop) > DROP && number(Feature::FirstAt) < LATE) {
        return None;
    }
    let evidence = format!(
        "{} of the fall of the log loss came in the first sixteenth of the run, and {} in its second half",
        percent(early.min(1.0)),
        if late < NOTHING { "none".to_owned() } else { percent(late) }
    );
    let (first, last) = seen.record.main().span()?;
    Some(Finding {
        code: Code::Quick,
        evidence,
        numbers: vec![("share_first_16th", early), ("share_last_half", late)],
        advice:
            "either the run is longer than it needs to be, or the rate is too high to settle: decay it to 0 over the \
                 last fifth and see whether the loss falls"
                .to_owned(),
        confidence: 0.7,
        span: Some((first, first + (last - first) / 16.0)),
    })
}
