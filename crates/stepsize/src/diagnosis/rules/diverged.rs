//! `LR001`: the loss became NaN or infinite and did not come back, or ended above that of the untrained model.
//!
//! Worse than untrained counts because it is the commoner kind (of 765 runs of small networks one was NaN, 84 more ended
//! finite and worse than untrained). Where the log begins too late to show the untrained loss, its largest likely value is
//! taken, and whether a run that ends below that diverged is for the model to say ([`crate::diagnosis::model`]).

use super::{Finding, Rule, RuleInput, show};
use crate::diagnosis::stats::{mean, median, noise};
use crate::diagnosis::{Record, Series};
pub use crate::divergence::WORSE;

/// The code.
pub const CODE: &str = "LR001";
/// What it is called.
pub const TITLE: &str = "diverged";
/// What to do about it.
pub const ADVICE: &str = "lower the rate by a factor of 10 and add a warm-up over the first 5 % of the run; if it then trains, try \
                          a third of the rate that broke";
/// A log that begins later than this share of its length does not show the untrained loss.
const LATE: f64 = 0.002;
/// An untrained network's loss is at most about this many times that of guessing (of the networks of the labelled runs;
/// less where the last layer begins at zero).
const UNTRAINED: f64 = 1.6;
/// Share by which the first reading of a small batch, smoothed or not, or of other data may lie below the untrained loss.
const CHANCE: f64 = 0.25;
/// An untrained loss is at most about this many times the first reading of a log that begins late.
const LATER: f64 = 30.0;
/// A loss that ends above this has exploded, in whatever unit.
const ABSURD: f64 = 1e15;
/// A log of fewer steps may count epochs.
const STEPS: f64 = 100.0;
/// So many readings in a row that all lie this share above the start are no chance.
const SURE: usize = 6;
const ALWAYS: f64 = 0.5;
/// Readings that shake by less than this share of themselves are those of all the data, or of a network that is dead.
const STILL: f64 = 0.002;
/// A training loss below this share of the untrained one was learned, whatever the validation loss does.
const LEARNED: f64 = 0.5;
/// A loss that was this many times that of the start exploded: chance does not do that.
const EXPLODED: f64 = 3.0;

pub struct Diverged;

impl Rule for Diverged {
    fn code(&self) -> &'static str {
        CODE
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        broken(seen.record).or_else(|| worse(seen.record))
    }
}

fn finding(evidence: String, numbers: Vec<(&'static str, f64)>, span: (f64, f64), confidence: f64) -> Finding {
    Finding { code: CODE, title: TITLE, evidence, numbers, advice: ADVICE.to_owned(), confidence, span: Some(span) }
}

fn broken(record: &Record) -> Option<Finding> {
    for (series, what) in [(&record.loss, "training"), (&record.val_loss, "validation")] {
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

/// The loss of the untrained model by which a series is judged.
#[derive(Clone, Copy)]
struct UntrainedLoss {
    loss: f64,
    /// The share above it that is worse.
    share: f64,
    /// Whether it is the series' own reading, and not that of another or a guess.
    own: bool,
}

impl UntrainedLoss {
    /// By its own early readings, else those of the validation loss, else a guess.
    fn of_train(record: &Record) -> Option<Self> {
        Self::own(early_train(record)).or_else(|| Self::other(early_val(record))).or_else(|| Self::guess(record))
    }

    /// By its own early readings, else those of the training loss, else a guess.
    fn of_val(record: &Record) -> Option<Self> {
        Self::own(early_val(record)).or_else(|| Self::other(early_train(record))).or_else(|| Self::guess(record))
    }

    fn own(loss: Option<f64>) -> Option<Self> {
        Some(Self { loss: loss?, share: WORSE, own: true })
    }

    fn other(loss: Option<f64>) -> Option<Self> {
        Some(Self { loss: loss?, share: CHANCE, own: false })
    }

    /// The most that an untrained network has with the known number of classes, or with such first readings.
    fn guess(record: &Record) -> Option<Self> {
        let firsts = [&record.loss, &record.val_loss].into_iter().filter_map(|s| s.points().first());
        let first = firsts.map(|p| p.1).max_by(f64::total_cmp)?;
        let loss = match record.facts.classes.filter(|c| *c > 1) {
            Some(classes) => UNTRAINED * f64::from(classes).ln(),
            None if first > 0.0 => LATER * first,
            None => return None,
        };
        Some(Self { loss, share: WORSE, own: false })
    }

    fn limit(self, share: f64) -> f64 {
        self.loss + share * self.loss.abs()
    }
}

/// A log that counts from step 1 shows the untrained model there; an evaluation "1" is one after an epoch.
fn early_train(record: &Record) -> Option<f64> {
    let (last, first) = (record.span()?.1, record.loss.points().first()?.0);
    early(&record.loss, if last >= STEPS && first <= 1.0 { first.max(LATE * last) } else { LATE * last })
}

fn early_val(record: &Record) -> Option<f64> {
    early(&record.val_loss, LATE * record.span()?.1)
}

/// The loss up to this step. The first reading may lie low by chance; those after it may have exploded.
fn early(series: &Series, until: f64) -> Option<f64> {
    let values: Vec<f64> = series.points().iter().take_while(|p| p.0 <= until).take(3).map(|p| p.1).collect();
    let first = *values.first()?;
    Some(median(&values)?.clamp(first, first + CHANCE * first.abs()))
}

fn worse(record: &Record) -> Option<Finding> {
    let (train, val) = (&record.loss, &record.val_loss);
    if let Some((series, end)) =
        [train, val].into_iter().find_map(|s| Some((s, ending(&s.values()).filter(|e| *e > ABSURD)?)))
    {
        let evidence = format!("the loss ends at {}", show(end));
        return Some(finding(evidence, vec![("end_loss", end)], series.span()?, 0.99));
    }
    // A validation loss may end above its start by overfitting alone, but not while the training loss is above, nor at twice of it
    // while that did not come down to half.
    let by_val = || {
        let start = UntrainedLoss::of_val(record)?;
        let lowest = val.values().into_iter().fold(f64::INFINITY, f64::min);
        let share = match ending(&train.values()).filter(|_| train.len() >= 2) {
            Some(end) if start.own && end > start.loss => ALWAYS,
            Some(end) if end < LEARNED * start.loss => return None,
            None if lowest >= 0.7 * start.loss => start.share,
            _ => 1.0,
        };
        above(val, start, start.limit(share))
    };
    if train.len() < 2 {
        return by_val();
    }
    let start = UntrainedLoss::of_train(record)?;
    // A smoothed training loss remembers an explosion that was overcome.
    let by_train = above(train, start, start.limit(start.share)).filter(|_| !overcoming(&train.values()));
    if val.len() < 3 {
        return by_train;
    }
    // Where both are logged both must be worse.
    let untrained = UntrainedLoss::of_val(record).filter(|s| s.own).map_or(start.loss, |s| s.loss);
    by_train.filter(|_| ending(&val.values()).is_some_and(|v| v > untrained)).or_else(by_val)
}

/// A loss that ends above `limit`, and not by chance.
fn above(series: &Series, start: UntrainedLoss, limit: f64) -> Option<Finding> {
    let UntrainedLoss { loss: start, own, .. } = start;
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
    let half = &values[values.len() / 2..];
    let always = half.len() >= SURE && half.iter().all(|v| *v > limit && *v > start + ALWAYS * start.abs());
    // Without noise there is no chance.
    let steady = own && half.len() >= SURE && half.iter().all(|v| *v > limit) && late < STILL * end.abs();
    if !(exploded || far && own || rises || always || steady) {
        return None;
    }
    let from = points.iter().rev().take_while(|p| p.1 > start).last().map_or(points[0].0, |p| p.0);
    let last = points.last().map_or(from, |p| p.0);
    let evidence = format!("the loss ends at {}, above that of the untrained model, {}", show(end), show(start));
    Some(finding(evidence, vec![("end_loss", end), ("start_loss", start)], (from, last), 0.95))
}

/// Median of the last tenth.
pub fn ending(values: &[f64]) -> Option<f64> {
    median(&values[values.len() - values.len().div_ceil(10)..])
}

/// Whether the last third only falls, and by a tenth or more: a running mean that comes down from an explosion.
pub fn overcoming(values: &[f64]) -> bool {
    let late = &values[values.len() * 2 / 3..];
    late.len() >= 4 && late.windows(2).all(|w| w[1] < w[0]) && late[late.len() - 1] < 0.9 * late[0]
}
