//! `LR001`: the loss became NaN or infinite and did not come back, or ended above that of the untrained model.
//!
//! Worse than untrained counts because it is the commoner kind (of 765 runs of small networks one was NaN, 84 more ended
//! finite and worse than untrained). Where the log begins too late to show the untrained loss, its largest likely value is
//! taken: a run that may have diverged is then told as "too high".

use super::{Finding, Rule, Seen, show};
use crate::diagnosis::Series;
use crate::diagnosis::stats::{mean, median, noise};

/// The code.
pub const CODE: &str = "LR001";
/// Ending this share above the start is divergence, as in [`crate::report::Verdict`].
const WORSE: f64 = 0.05;
/// A log that begins later than this share of its length does not show the untrained loss.
const LATE: f64 = 0.002;
/// An untrained network's loss is at most about this many times that of guessing (of the networks of the labelled runs;
/// less where the last layer begins at zero).
const UNTRAINED: f64 = 1.6;
/// Share by which the first reading of a small batch, smoothed or not, or of other data may lie below the untrained loss.
const CHANCE: f64 = 0.25;
/// An untrained loss is at most about this many times the first reading of a log that begins late.
const LATER: f64 = 30.0;
/// A loss that was this many times that of the start exploded: chance does not do that.
const EXPLODED: f64 = 3.0;

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

/// The loss of the untrained model by which `own` is judged, and the share above it that is worse: its own early readings,
/// else those of the other loss, else the most that an untrained network has with the known number of classes or with
/// such a first reading. `None` where nothing was read.
fn start(seen: &Seen<'_>, own: &Series) -> Option<(f64, f64)> {
    let (_, last) = seen.record.span()?;
    let early = |s: &Series| {
        let values: Vec<f64> = s.points().iter().take_while(|p| p.0 <= LATE * last).take(3).map(|p| p.1).collect();
        median(&values)
    };
    let (train, val) = (&seen.record.loss, &seen.record.val_loss);
    if let Some(start) = early(own) {
        return Some((start, WORSE));
    }
    if let Some(start) = early(train).or_else(|| early(val)) {
        return Some((start, CHANCE));
    }
    let firsts = [train, val].into_iter().filter_map(|s| s.points().first());
    let first = firsts.min_by(|a, b| a.0.total_cmp(&b.0))?.1;
    let most = match seen.record.facts.classes.filter(|c| *c > 1) {
        Some(classes) => UNTRAINED * f64::from(classes).ln(),
        None if first > 0.0 => LATER * first,
        None => return None,
    };
    Some((most, WORSE))
}

fn worse(seen: &Seen<'_>) -> Option<Finding> {
    let (train, val) = (&seen.record.loss, &seen.record.val_loss);
    let begin = |own: &Series| start(seen, own).map(|(start, share)| (start, start + share * start.abs()));
    // A validation loss may end above its start by overfitting alone, but not at twice of it.
    let by_val = |own: &Series| {
        let (start, limit) = begin(own)?;
        let lowest = own.values().into_iter().fold(f64::INFINITY, f64::min);
        let fell = train.len() >= 2 || lowest < 0.7 * start;
        above(own, start, if fell { start + start.abs() } else { limit })
    };
    if train.len() < 2 {
        return by_val(val);
    }
    let (start, limit) = begin(train)?;
    let by_train = above(train, start, limit);
    if val.len() < 3 {
        return by_train.filter(|_| !overcoming(&train.values()));
    }
    // Where both are logged both must be worse: a smoothed training loss remembers an explosion that was overcome.
    by_train.filter(|_| ending(&val.values()).is_some_and(|v| v > start)).or_else(|| by_val(val))
}

/// A loss that ends above `limit`, and not by chance.
fn above(series: &Series, start: f64, limit: f64) -> Option<Finding> {
    let (points, values) = (series.points(), series.values());
    let part = values.len().div_ceil(10);
    let (begin, end) = (mean(values.get(..part)?)?, ending(&values)?);
    if values.len() < 2 || end <= limit {
        return None;
    }
    // A single reading at the start may lie low by chance: then the whole curve must rise, or by more than chance does.
    let (early, late) = values.split_at(values.len() / 2);
    let (early, late) = (noise(early).unwrap_or(0.0), noise(late).unwrap_or(0.0));
    let worst = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let exploded = worst > start + (EXPLODED - 1.0) * start.abs() && worst > start + 6.0 * early.min(late);
    let far = end > start + CHANCE * start.abs() && end - start > 4.0 * early.max(late);
    let rises = end - begin > 3.0 * early.max(late) * (2.0 / part as f64).sqrt() && end > begin + WORSE * begin.abs();
    if !exploded && !far && !rises {
        return None;
    }
    let from = points.iter().rev().take_while(|p| p.1 > start).last().map_or(points[0].0, |p| p.0);
    let last = points.last().map_or(from, |p| p.0);
    let evidence = format!("the loss ends at {}, above that of the untrained model, {}", show(end), show(start));
    Some(finding(evidence, vec![("end_loss", end), ("start_loss", start)], (from, last), 0.95))
}

/// Median of the last tenth.
fn ending(values: &[f64]) -> Option<f64> {
    median(&values[values.len() - values.len().div_ceil(10)..])
}

/// Whether the last third only falls, and by a tenth or more: a running mean that comes down from an explosion.
fn overcoming(values: &[f64]) -> bool {
    let late = &values[values.len() * 2 / 3..];
    late.len() >= 4 && late.windows(2).all(|w| w[1] < w[0]) && late[late.len() - 1] < 0.9 * late[0]
}
