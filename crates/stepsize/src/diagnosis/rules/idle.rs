//! `LR019`: the run learned nothing; the loss ends within noise of where it began.
//!
//! The rate is far too low, or so high that all units died at once, or weights are frozen, or
//! labels do not fit the data. The features tell some of these apart: an early rise means the
//! second.

use super::{oscillation, show};
use crate::diagnosis::stats::{median, noise};
use crate::diagnosis::{Code, Feature, Finding, RuleInput, Series};

/// Fewest readings.
const READINGS: usize = 8;
/// A log whose first reading lies later than this share of the run does not show where the loss
/// began. Chosen by eye.
const LATE: f64 = 0.1;
/// Start and end are the medians of one of so many parts of the readings, and of two readings at
/// least.
const PARTS: usize = 10;
/// Change of the loss, as a share, that counts as none; the deviation of a change does too, up to
/// [`UNSURE`]. Chosen by eye.
const CHANGE: f64 = 0.02;
/// Deviation of a change, as a share of the loss, above which the log does not show that the loss
/// ends where it began: readings of single batches may scatter by half of it. Chosen by eye.
const UNSURE: f64 = 0.05;
/// Deviation of a median in deviations of a mean.
const MEDIAN: f64 = 1.25;
/// A rise by this share is divergence or close to it, not idleness: the threshold of `LR001`.
const RISE: f64 = super::WORSE;
/// Rise of the log loss above its start by which units die, and in deviations of a reading. Chosen
/// by eye.
const DIED: (f64, f64) = (0.1, 3.0);
/// The number that a finding has where the loss rose by so much.
const ROSE: &str = "rose";

/// Rise of a score, as a share, that shows that the run learned. Chosen by eye.
const LEARNED: f64 = 0.1;
/// A rate whose last reading is its highest, and so many times its first, is still warmed up.
const WARMING: f64 = 2.0;

/// Whether a score rose: the run learned, whatever its loss shows.
fn moved(score: &Series) -> bool {
    let values = score.values();
    let part = (values.len() / PARTS).max(2);
    if values.len() < READINGS {
        return false;
    }
    let ends = median(&values[..part]).zip(median(&values[values.len() - part..]));
    let sd = noise(&values).unwrap_or(0.0);
    ends.is_some_and(|(start, end)| end - start > (LEARNED * start.abs()).max(2.0 * sd))
}

/// Whether the log ends before the rate is warmed up.
fn warming(lr: &Series) -> bool {
    let values = lr.values();
    let (Some(first), Some(last)) = (values.first(), values.last()) else { return false };
    *last >= WARMING * first && values.iter().all(|v| v <= last)
}

/// Whether a finding says that the loss rose at first and then stood still.
pub fn died(finding: &Finding) -> bool {
    finding.code == Code::Idle && finding.numbers.iter().any(|n| n.0 == ROSE)
}

/// Whether a finding says so and advises a lower rate.
pub fn lowers(finding: &Finding) -> bool {
    finding.code == Code::Idle && finding.numbers.iter().any(|n| n.0 == ROSE || n.0 == oscillation::SHARED)
}

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
    let error = MEDIAN * sd * (2.0 / part as f64).sqrt();
    let moves = change.abs() > (CHANGE * start.abs()).max(error) || change > RISE * start.abs();
    if moves || error > UNSURE * start.abs() {
        return None;
    }
    if moved(&seen.record.score) || warming(&seen.record.lr) {
        return None;
    }
    let rose = seen.features.get(Feature::Rise);
    let died = rose > DIED.0.max(DIED.1 * sd / start.abs());
    let evidence = format!(
        "the loss ends at {}, where it began at {} (noise of one reading: {})",
        show(end),
        show(start),
        show(sd)
    );
    let alternates = oscillation::check(seen).and_then(|f| f.numbers.first().copied());
    let advice = match alternates {
        _ if died => {
            "the loss rose at first and then stood still, so the units died: divide the rate by 3 and add a warm-up"
        }
        Some(_) => {
            "neighbouring losses alternate, so steps jump across a valley: divide the rate by 3; if nothing moves then, look for \
             frozen weights, a detached loss or shuffled labels"
        }
        None => {
            "raise the rate 3 times; if nothing moves then, look for frozen weights, a detached loss or shuffled labels"
        }
    };
    let mut numbers = vec![("start", start), ("end", end), ("noise", sd)];
    numbers.extend(died.then_some((ROSE, rose)).into_iter().chain(alternates));
    Some(Finding {
        code: Code::Idle,
        evidence,
        numbers,
        advice: advice.to_owned(),
        confidence: 0.85,
        span: Some(series.span()?),
    })
}
