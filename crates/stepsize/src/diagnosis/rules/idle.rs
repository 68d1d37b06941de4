//! `LR019`: the run learned nothing; the loss ends within noise of where it began.
//!
//! The rate is far too low, or so high that all units died at once, or weights are frozen, or
//! labels do not fit the data. The features tell some of these apart: an early rise means the
//! second.

use super::show;
use crate::diagnosis::stats::{median, noise};
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Fewest readings.
const READINGS: usize = 8;
/// A log whose first reading lies later than this share of the run does not show where the loss
/// began. Chosen by eye.
const LATE: f64 = 0.1;
/// Start and end are the medians of one of so many parts of the readings, and of two readings at
/// least.
const PARTS: usize = 10;
/// Change of the loss, as a share, that counts as none; one deviation of a reading does too. Chosen
/// by eye.
const CHANGE: f64 = 0.02;
/// A rise by this share is divergence or close to it, not idleness: the threshold of `LR001`.
const RISE: f64 = super::WORSE;
/// Rise of the log loss above its start by which units die. Chosen by eye.
const DIED: f64 = 0.1;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let series = seen.record.main();
    let values = series.values();
    if values.len() < READINGS || seen.features.get(Feature::FirstAt) > LATE || !series.broken().is_empty() {
        return None;
    }
    let part = (values.len() / PARTS).max(2);
    let (start, end) = (median(&values[..part])?, median(&values[values.len() - part..])?);
    let sd = noise(&values)?;
    let change = end - start;
    if change.abs() > (CHANGE * start.abs()).max(sd) || change > RISE * start.abs() {
        return None;
    }
    let died = seen.features.get(Feature::Rise) > DIED;
    let evidence = format!(
        "the loss ends at {}, where it began at {} (noise of one reading: {})",
        show(end),
        show(start),
        show(sd)
    );
    let advice = if died {
        "the loss rose at first and then stood still, so the units died: divide the rate by 3 and add a warm-up"
    } else {
        "raise the rate 3 times; if nothing moves then, look for frozen weights, a detached loss or shuffled labels"
    };
    Some(Finding {
        code: Code::Idle,
        evidence,
        numbers: vec![("start", start), ("end", end), ("noise", sd)],
        advice: advice.to_owned(),
        confidence: 0.85,
        span: Some(series.span()?),
    })
}
