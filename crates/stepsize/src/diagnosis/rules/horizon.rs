//! `LR016`: the schedule ended long before the run. `LR017`: the run ended, or was cut, long before
//! its schedule.
//!
//! Both need the applied rate in the log, and a schedule that decays: the rate fell below a tenth
//! of its peak (`LR016`), or was still falling at the end but is not far down yet (`LR017`, which
//! also names the planned length where it is known).
//!
//! The thresholds are chosen by eye, not fitted.

use super::{percent, show};
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Fewest readings of the rate that show a schedule.
const READINGS: usize = 10;
/// The rate has decayed at or below this share of its peak; the usual floors are 0, 0.01 and 0.1.
const DECAYED: f64 = 0.1;
/// Two rates are the same within this share of the lower one, plus [`ROUNDING`] of the peak.
const SAME: f64 = 1.01;
/// What a log rounds away, as a share of the peak.
const ROUNDING: f64 = 1e-4;
/// A share of the peak below this is not worth saying.
const NOTHING: f64 = 1e-3;
/// Share of the run at the lowest rate from which the schedule was too short.
const IDLE: f64 = 0.15;
/// A rate below this share of its peak has begun to fall.
const FALLING: f64 = 0.98;
/// One over the share of the readings, the last ones, in which the rate must fall throughout, and
/// the fewest of them.
const LAST: (usize, usize) = (4, 3);
/// A rate that falls in steps falls below this share of itself at once, and at most once in so many
/// readings.
const STEP: f64 = 0.75;
const FEW: usize = 4;
/// A planned length this many times the logged one was not reached.
const PLANNED: f64 = 1.15;
/// A rate above this share of its peak is not far down yet.
const OPEN: f64 = 0.4;
/// A peak later than this share of the run is one of a schedule that mostly rises.
const LATE_PEAK: f64 = 0.7;

pub(super) fn too_short(seen: &RuleInput<'_>) -> Option<Finding> {
    let points = seen.record.lr.points();
    let peak = points.iter().map(|p| p.1).fold(0.0, f64::max);
    let (first, last) = seen.record.lr.span()?;
    let end = points.last()?.1;
    if points.len() < READINGS || peak <= 0.0 || end > DECAYED * peak || last <= first {
        return None;
    }
    if steps_down(&points.iter().map(|p| p.1).collect::<Vec<_>>()) {
        return None;
    }
    let since = points.iter().rev().take_while(|p| p.1 <= end * SAME + ROUNDING * peak).last()?.0;
    let idle = (last - since) / (last - first);
    if idle < IDLE {
        return None;
    }
    let share = if end < NOTHING * peak { String::new() } else { format!(" ({} of its peak)", percent(end / peak)) };
    let evidence = format!(
        "the rate reached {}{share} at step {} and stayed there for the last {} of the run",
        show(end),
        show(since),
        percent(idle)
    );
    Some(Finding {
        code: Code::ScheduleTooShort,
        evidence,
        numbers: vec![("end_lr", end), ("peak_lr", peak), ("reached_at", since), ("idle_share", idle)],
        advice: format!("stretch the schedule to {} steps, or stop at step {}", show(last), show(since)),
        confidence: 0.9,
        span: Some((since, last)),
    })
}

/// Whether the rate falls in steps, with plateaus between them: the last plateau is meant.
fn steps_down(rates: &[f64]) -> bool {
    let same = |w: &[f64]| (w[1] - w[0]).abs() <= 1e-3 * w[0].abs();
    let peak = rates.iter().copied().fold(0.0, f64::max);
    let begin = rates.iter().position(|r| *r >= FALLING * peak).unwrap_or(0);
    let end = rates.last().map_or(0.0, |last| last * SAME + ROUNDING * peak);
    // Between the peak and the last plateau; the peak itself may be a plateau.
    let falls: Vec<&[f64]> = rates[begin..].windows(2).filter(|w| w[0] > end).collect();
    let moves: Vec<usize> = (0..falls.len()).filter(|i| !same(falls[*i])).collect();
    let jumps = moves.iter().all(|i| falls[*i][1] < STEP * falls[*i][0]);
    !moves.is_empty() && jumps && moves.len() * FEW <= falls.len()
}

pub(super) fn too_long(seen: &RuleInput<'_>) -> Option<Finding> {
    let points = seen.record.lr.points();
    let peak = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    let (first, last) = seen.record.lr.span()?;
    let end = points.last()?.1;
    if points.len() < READINGS || peak.1 <= 0.0 || last <= first || seen.record.facts.running {
        return None;
    }
    let (part, fewest) = LAST;
    let late: Vec<f64> = points.iter().rev().take(points.len() / part).map(|p| p.1).collect();
    let falls = late.len() >= fewest && late.windows(2).all(|w| w[0] <= w[1]);
    let open = end / peak.1;
    if !(end < FALLING * peak.1 && falls && open > OPEN && seen.features.get(Feature::LrPeakAt) < LATE_PEAK) {
        return None;
    }
    let planned = seen.record.facts.total_steps.filter(|t| *t > PLANNED * last);
    let of = planned.map_or_else(String::new, |t| format!("; {} of {} planned steps were made", show(last), show(t)));
    Some(Finding {
        code: Code::ScheduleTooLong,
        evidence: format!("the log ends while the rate is still falling, at {} of its peak{of}", percent(open)),
        numbers: vec![("end_lr", end), ("peak_lr", peak.1), ("share_of_peak", open)],
        advice: format!(
            "the loss is not annealed: do not compare it with finished runs. Let the schedule end at step {}, or train to its \
             end",
            show(last)
        ),
        confidence: 0.85,
        span: Some((peak.0, last)),
    })
}
