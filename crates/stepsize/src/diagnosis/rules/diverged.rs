//! `LR001`: the loss became NaN or infinite and did not come back, or ended above that of the untrained model.
//!
//! Worse than untrained counts because it is the commoner kind (of 765 runs of small networks one was NaN, 84 more ended
//! finite and worse than untrained). The start is the earliest reading of either loss, or the logarithm of the number of
//! classes where that is known and the log begins late.

use super::{Finding, Rule, Seen, show};
use crate::diagnosis::Series;
use crate::diagnosis::stats::{mean, median};

/// The code.
pub const CODE: &str = "LR001";
/// Ending this share above the start is divergence, as in [`crate::report::Verdict`].
const WORSE: f64 = 0.05;
/// A log that begins later than this share of its length does not show the untrained loss.
const LATE: f64 = 0.01;

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

/// Where the loss began, and whether that is the untrained loss.
fn start(seen: &Seen<'_>) -> Option<(f64, bool)> {
    let (_, last) = seen.record.span()?;
    let early = |s: &Series| {
        let first = s.points().first()?;
        let many: Vec<f64> = s.points().iter().take_while(|p| p.0 <= 0.004 * last).take(3).map(|p| p.1).collect();
        Some((first.0, median(&many).unwrap_or(first.1)))
    };
    let all = [early(&seen.record.loss), early(&seen.record.val_loss)];
    let earliest = all.into_iter().flatten().min_by(|a, b| a.0.total_cmp(&b.0))?;
    if earliest.0 > LATE * last
        && let Some(classes) = seen.record.facts.classes.filter(|c| *c > 1)
    {
        let guessing = f64::from(classes).ln();
        return Some((guessing.min(earliest.1), true));
    }
    Some((earliest.1, earliest.0 <= LATE * last))
}

fn worse(seen: &Seen<'_>) -> Option<Finding> {
    let series = if seen.record.loss.len() >= 3 { &seen.record.loss } else { seen.record.main() };
    let points = series.points();
    if points.len() < 3 {
        return None;
    }
    let (start, untrained) = start(seen)?;
    let values = series.values();
    let tail = values.len().div_ceil(10);
    let end = mean(&values[values.len() - tail..])?;
    let limit = start + WORSE * start.abs();
    // A curve that only overfits ends above its first reading after having been far below it.
    let best = values.iter().copied().fold(f64::INFINITY, f64::min);
    let overfit = seen.record.loss.len() < 3 && best < 0.5 * start && end < 1.5 * start;
    if end <= limit || overfit {
        return None;
    }
    let from = points.iter().rev().take_while(|p| p.1 > start).last().map_or(points[0].0, |p| p.0);
    let (of, confidence) = if untrained { ("the start", 0.97) } else { ("the first reading", 0.9) };
    let evidence = format!("the loss ends at {}, above {of} at {}", show(end), show(start));
    let last = points.last().map_or(from, |p| p.0);
    Some(finding(evidence, vec![("end_loss", end), ("start_loss", start)], (from, last), confidence))
}
