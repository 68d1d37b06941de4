//! `LR015`: the loss rose clearly at the beginning and then came back, and the rate was not warmed
//! up, or too briefly.

use super::{percent, show};
use crate::diagnosis::stats::mean;
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Fewest readings.
const READINGS: usize = 30;
/// A log whose first reading lies later than this share of the run does not show its beginning.
const LATE: f64 = 0.02;
/// Share of the run that is its beginning. This and the next are chosen by eye, not fitted.
const BEGINNING: f64 = 0.1;
/// Least rise above the start, as a share.
const RISE: f64 = 0.15;
/// A rate that peaks this share of the run after the loss did was warmed up past the rise: the
/// warm-up is not the fault.
const PAST: f64 = 0.02;
/// A warm-up at least this long, as a share of the run, is not too short; it is also the length
/// that is advised.
const WARMED: f64 = 0.05;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let points = seen.record.loss.points();
    let last = points.last()?.0;
    if points.len() < READINGS || points[0].0 > LATE * last {
        return None;
    }
    let start = points[0].1;
    let early: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.0 <= BEGINNING * last).collect();
    // Two in a row: a single high loss is a hard batch.
    let peak = early.windows(2).skip(1).map(|w| (w[0].0, w[0].1.min(w[1].1))).max_by(|a, b| a.1.total_cmp(&b.1))?;
    let values: Vec<f64> = points.iter().map(|p| p.1).collect();
    let end = mean(&values[values.len() - values.len().div_ceil(10)..])?;
    let rise = (peak.1 - start) / start.abs().max(f64::MIN_POSITIVE);
    let warmed = seen.features.get(Feature::LrPeakAt);
    if rise < RISE || end >= start || warmed > peak.0 / last + PAST && warmed > WARMED {
        return None;
    }
    let how = if warmed > 0.0 {
        format!("the rate was warmed up over {} of the run", percent(warmed))
    } else {
        "the log shows no warm-up".into()
    };
    let evidence = format!(
        "the loss rose from {} to {} (by {}) at step {} before it fell; {how}",
        show(start),
        show(peak.1),
        percent(rise),
        show(peak.0)
    );
    Some(Finding {
        code: Code::Warmup,
        evidence,
        numbers: vec![("start", start), ("peak", peak.1), ("peak_step", peak.0)],
        advice: format!(
            "warm the rate up over the first {} steps (5 % of the run, or more where the rise lasted longer); the run may \
             then bear the same or a higher rate",
            show((WARMED * last).max(2.0 * peak.0).ceil())
        ),
        confidence: 0.8,
        span: Some((points[0].0, peak.0)),
    })
}
