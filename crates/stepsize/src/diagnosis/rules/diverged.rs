//! `LR001`: the loss became NaN or infinite and did not come back, or ended above that of the untrained model.
//!
//! Worse than untrained counts because it is the commoner kind (of 765 runs of small networks one was NaN, 84 more ended
//! finite and worse than untrained). The start is the earliest reading of either loss, or the logarithm of the number of
//! classes where that is known and the log begins late.

use super::{Finding, Rule, Seen, show};
use crate::diagnosis::Series;
use crate::diagnosis::stats::{mean, median, noise};

/// The code.
pub const CODE: &str = "LR001";
/// Ending this share above the start is divergence, as in [`crate::report::Verdict`].
const WORSE: f64 = 0.05;
/// Share above the first reading that is needed more for each share of the run by which the log begins late.
const LATER: f64 = 15.0;
/// A log that begins later than this share of its length does not show the untrained loss.
const LATE: f64 = 0.004;

pub struct Diverged;

impl Rule for Diverged {
    fn code(&self) -> &'static str {
        CODE
    }

    fn check(&self, seen: &Seen<'_>) -> Option<Finding> {
        broken(seen).or_else(|| worse(seen))
    }
}

fn finding(evidence: String, numbers: Vec<(&'static str, f64)>, span: (f64, f64), confidence: f64) -> Finding {
    Finding {
        code: CODE,
        title: "diverged",
        evidence,
        numbers,
        advice:
            "lower the rate by a factor of 10 and add a warm-up over the first 5 % of the run; if it then trains, try \
                 a third of the rate that broke"
                .to_owned(),
        confidence,
        span: Some(span),
    }
}

fn broken(seen: &Seen<'_>) -> Option<Finding> {
    for (series, what) in [(&seen.record.loss, "training"), (&seen.record.val_loss, "validation")] {
        let Some(&first) = series.broken().first() else { continue };
        let (_, last) = series.span()?;
        let after = series.points().iter().filter(|p| p.0 > first).count();
        let broken = series.broken().len();
        // A skipped step of mixed precision logs one infinity among many finite losses.
        if after > 3 * broken && series.points().last().is_some_and(|p| Some(p.0) > series.broken().last().copied()) {
            continue;
        }
        let evidence = format!(
            "the {what} loss is not finite from step {} on ({broken} of {} readings)",
            show(first),
            broken + series.len()
        );
        let numbers = vec![("first_broken_step", first), ("broken_readings", broken as f64)];
        return Some(finding(evidence, numbers, (first, last), 0.99));
    }
    None
}

/// Where the loss began, and how late the log shows it (share of the run; 0 where the loss of guessing is known instead).
fn start(seen: &Seen<'_>) -> Option<(f64, f64)> {
    let (_, last) = seen.record.span()?;
    let early = |s: &Series| {
        let first = s.points().first()?;
        let many: Vec<f64> = s.points().iter().take_while(|p| p.0 <= 0.004 * last).take(3).map(|p| p.1).collect();
        Some((first.0, median(&many).unwrap_or(first.1)))
    };
    let all = [early(&seen.record.loss), early(&seen.record.val_loss)];
    let earliest = all.into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))?;
    let late = (earliest.0 / last.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0);
    if late > LATE
        && let Some(classes) = seen.record.facts.classes.filter(|c| *c > 1)
    {
        return Some((f64::from(classes).ln(), 0.0));
    }
    Some((earliest.1, late))
}

fn worse(seen: &Seen<'_>) -> Option<Finding> {
    let series = if seen.record.loss.len() >= 2 { &seen.record.loss } else { seen.record.main() };
    let points = series.points();
    if points.len() < 2 {
        return None;
    }
    let (start, late) = start(seen)?;
    let values = series.values();
    let part = values.len().div_ceil(10);
    let (begin, end) = (mean(&values[..part])?, mean(&values[values.len() - part..])?);
    // What is first seen late was already trained on: more is then needed above it.
    let limit = start + (WORSE + (LATER * late).min(1.0)) * start.abs();
    // A single reading at the start may lie low by chance: by the noise of readings, unless the whole curve rises.
    let sd = noise(&values).unwrap_or(0.0);
    let clear = end - start > 4.0 * sd
        || end - begin > 3.0 * sd * (2.0 / part as f64).sqrt() && end > begin + WORSE * begin.abs();
    // A curve that only overfits ends above its first reading after having been far below it.
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    let overfit = seen.record.loss.len() < 3 && best < 0.7 * start && end < 2.0 * start;
    if end <= limit || !clear || overfit {
        return None;
    }
    let from = points.iter().rev().take_while(|p| p.1 > start).last().map_or(points[0].0, |p| p.0);
    let (of, confidence) = if late <= LATE { ("the start", 0.97) } else { ("the first reading", 0.9) };
    let evidence = format!("the loss ends at {}, above {of} at {}", show(end), show(start));
    let last = points.last().map_or(from, |p| p.0);
    Some(finding(evidence, vec![("end_loss", end), ("start_loss", start)], (from, last), confidence))
}
