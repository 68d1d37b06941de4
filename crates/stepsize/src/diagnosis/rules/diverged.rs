//! `LR001`: the loss became NaN or infinite and did not come back, or ended above that of the
//! untrained model.
//!
//! Ending worse than untrained counts because it is the more common kind: of 765 runs of small
//! networks one was NaN, and 84 more ended finite and worse than untrained. A log that begins late
//! does not show the untrained loss; its largest likely value is taken then, and whether a run that
//! ends below that diverged is left to the model ([`crate::diagnosis::model`]).

use super::show;
use crate::diagnosis::stats::{mean, median, noise};
use crate::diagnosis::{Code, Finding, Record, RuleInput, Series};
pub use crate::divergence::WORSE;

/// What to do about it.
pub(super) const ADVICE: &str = "lower the rate by a factor of 10 and add a warm-up over the first 5 % of the run; if it then \
                                  trains, try a third of the rate that broke";
/// A validation loss alone, or beside a training loss that did not learn, may rise by overfitting;
/// ending this share above the untrained one is divergence.
pub const TWICE: f64 = 1.0;
/// A log that begins later than this share of its length does not show the untrained loss.
const LATE: f64 = 0.002;
/// An untrained network's loss is at most about this many times that of guessing. Taken from the
/// networks of the labelled runs; it is less where the last layer begins at zero.
const UNTRAINED: f64 = 1.6;
/// Share by which a first reading may lie below the untrained loss by chance: it is of one small
/// batch, or of other data.
const CHANCE: f64 = 0.25;
/// An untrained loss is at most about this many times the first reading of a log that begins late.
const LATER: f64 = 30.0;
/// A loss that ends above this has exploded, in whatever unit.
const ABSURD: f64 = 1e15;
/// The steps of a log that ends before this one may be epochs, and the first of them is no longer
/// that of the untrained model.
const STEPS: f64 = 100.0;
/// The untrained loss is the median of at most this many early readings.
const EARLIEST: usize = 3;
/// Consecutive readings needed to rule out noise without knowing how large it is.
const SURE: usize = 6;
/// Share above the untrained loss at which each of them must lie.
const ALWAYS: f64 = 0.5;
/// A loss that varies by less than this share of itself has no noise: it is of all the data, or of
/// a dead network.
const STILL: f64 = 0.002;
/// A training loss below this share of the untrained one has learned, whatever the validation loss
/// does.
const LEARNED: f64 = 0.5;
/// A validation loss that never came below this share of the untrained one has not learned. Chosen
/// by eye.
const UNLEARNED: f64 = 0.7;
/// A loss this many times the untrained one has exploded: chance does not reach that.
const EXPLODED: f64 = 3.0;
/// Deviations of one reading by which an explosion, a loss far above the start, and a rise of the
/// means exceed noise. Chosen by eye.
const DEVIATIONS: [f64; 3] = [6.0, 4.0, 3.0];
/// Finite readings after the first broken one, over the broken ones, from which the breaks were
/// steps that mixed precision skipped. Chosen by eye.
const SKIPPED: usize = 3;
/// A running mean that comes down from an explosion falls throughout the last third, by this share
/// or more, over this many readings or more. Chosen by eye.
const OVERCOMING: (f64, usize) = (0.1, 4);

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    broken(seen.record).or_else(|| worse(seen.record))
}

fn finding(evidence: String, numbers: Vec<(&'static str, f64)>, span: (f64, f64), confidence: f64) -> Finding {
    Finding { code: Code::Diverged, evidence, numbers, advice: ADVICE.to_owned(), confidence, span: Some(span) }
}

/// A loss that is not finite and did not come back.
fn broken(record: &Record) -> Option<Finding> {
    for (series, what) in [(&record.loss, "training"), (&record.val_loss, "validation")] {
        let Some(&first) = series.broken().first() else { continue };
        let (_, last) = series.span()?;
        let after = series.points().iter().filter(|p| p.0 > first).count();
        let broken = series.broken().len();
        // A skipped step of mixed precision logs one infinity among many finite losses.
        if after > SKIPPED * broken
            && series.points().last().is_some_and(|p| Some(p.0) > series.broken().last().copied())
        {
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

/// The untrained loss by which a series is judged.
#[derive(Clone, Copy)]
struct UntrainedLoss {
    loss: f64,
    /// Ending this share above it counts as worse.
    share: f64,
    /// Whether the series itself shows it; otherwise it is of another series, or a guess.
    own: bool,
}

impl UntrainedLoss {
    /// For the training loss: from its own early readings, else those of the validation loss, else
    /// a guess.
    fn of_train(record: &Record) -> Option<Self> {
        Self::own(early_train(record)).or_else(|| Self::other(early_val(record))).or_else(|| Self::guess(record))
    }

    /// For the validation loss: from its own early readings, else those of the training loss, else
    /// a guess.
    fn of_val(record: &Record) -> Option<Self> {
        Self::own(early_val(record)).or_else(|| Self::other(early_train(record))).or_else(|| Self::guess(record))
    }

    fn own(loss: Option<f64>) -> Option<Self> {
        Some(Self { loss: loss?, share: WORSE, own: true })
    }

    fn other(loss: Option<f64>) -> Option<Self> {
        Some(Self { loss: loss?, share: CHANCE, own: false })
    }

    /// The highest loss that an untrained network is likely to have, by the number of classes or by
    /// the first readings.
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

/// The untrained training loss. A log that counts from step 1 shows it there.
fn early_train(record: &Record) -> Option<f64> {
    let (last, first) = (record.span()?.1, record.loss.points().first()?.0);
    early(&record.loss, if last >= STEPS && first <= 1.0 { first.max(LATE * last) } else { LATE * last })
}

/// The untrained validation loss. An evaluation numbered 1 comes after an epoch and does not show
/// it.
fn early_val(record: &Record) -> Option<f64> {
    early(&record.val_loss, LATE * record.span()?.1)
}

/// The loss up to this step. The first reading may lie low by chance, and those after it may have
/// exploded: so it is their median, but not more than [`CHANCE`] above the first.
fn early(series: &Series, until: f64) -> Option<f64> {
    let values: Vec<f64> = series.points().iter().take_while(|p| p.0 <= until).take(EARLIEST).map(|p| p.1).collect();
    let first = *values.first()?;
    Some(median(&values)?.clamp(first, first + CHANCE * first.abs()))
}

/// A loss that ends above that of the untrained model.
fn worse(record: &Record) -> Option<Finding> {
    let (train, val) = (&record.loss, &record.val_loss);
    if let Some((series, end)) =
        [train, val].into_iter().find_map(|s| Some((s, ending(&s.values()).filter(|e| *e > ABSURD)?)))
    {
        let evidence = format!("the loss ends at {}", show(end));
        return Some(finding(evidence, vec![("end_loss", end)], series.span()?, 0.99));
    }
    // A validation loss may end above its start by overfitting alone. It does not while the
    // training loss ends above, too, and not at twice its start while the training loss did not
    // come down to half.
    let by_val = || {
        let start = UntrainedLoss::of_val(record)?;
        let lowest = val.values().into_iter().fold(f64::INFINITY, f64::min);
        let share = match ending(&train.values()).filter(|_| train.len() >= 2) {
            Some(end) if start.own && end > start.loss => ALWAYS,
            Some(end) if end < LEARNED * start.loss => return None,
            None if lowest >= UNLEARNED * start.loss => start.share,
            _ => TWICE,
        };
        above(val, start, start.limit(share))
    };
    if train.len() < 2 {
        return by_val();
    }
    let start = UntrainedLoss::of_train(record)?;
    // A smoothed training loss stays high after an explosion from which the run recovered.
    let by_train = above(train, start, start.limit(start.share)).filter(|_| !overcoming(&train.values()));
    if val.len() < 3 {
        return by_train;
    }
    // Where both are logged, both must be worse.
    let untrained = UntrainedLoss::of_val(record).filter(|s| s.own).map_or(start.loss, |s| s.loss);
    by_train.filter(|_| ending(&val.values()).is_some_and(|v| v > untrained)).or_else(by_val)
}

/// The finding for a loss that ends above `limit`, unless that may be chance.
fn above(series: &Series, start: UntrainedLoss, limit: f64) -> Option<Finding> {
    let UntrainedLoss { loss: start, own, .. } = start;
    let (points, values) = (series.points(), series.values());
    let part = values.len().div_ceil(10);
    let (begin, end) = (mean(values.get(..part)?)?, ending(&values)?);
    if values.len() < 2 || end <= limit {
        return None;
    }
    // The first reading may lie low by chance. So one of these must hold: the loss exploded on the
    // way; it ends far above its own start; its means rise; all late readings lie far above; or
    // there is no noise that could be chance.
    let (early, late) = values.split_at(values.len() / 2);
    let (early, late) = (noise(early).unwrap_or(0.0), noise(late).unwrap_or(0.0));
    let worst = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let [explosion, distance, slope] = DEVIATIONS;
    let exploded = worst > start + (EXPLODED - 1.0) * start.abs() && worst > start + explosion * early.min(late);
    let far = end > start + CHANCE * start.abs() && end - start > distance * early.max(late);
    let rises = end - begin > slope * early.max(late) * (2.0 / part as f64).sqrt() && end > begin + WORSE * begin.abs();
    let half = &values[values.len() / 2..];
    let always = half.len() >= SURE && half.iter().all(|v| *v > limit && *v > start + ALWAYS * start.abs());
    let steady = own && half.len() >= SURE && half.iter().all(|v| *v > limit) && late < STILL * end.abs();
    if !(exploded || far && own || rises || always || steady) {
        return None;
    }
    let from = points.iter().rev().take_while(|p| p.1 > start).last().map_or(points[0].0, |p| p.0);
    let last = points.last().map_or(from, |p| p.0);
    let evidence = format!("the loss ends at {}, above {}, that of the untrained model", show(end), show(start));
    Some(finding(evidence, vec![("end_loss", end), ("start_loss", start)], (from, last), 0.95))
}

/// The loss at the end: the median of the last tenth of the readings.
pub fn ending(values: &[f64]) -> Option<f64> {
    median(&values[values.len() - values.len().div_ceil(10)..])
}

/// Whether this is a running mean that comes down from an explosion: its last third only falls, and
/// clearly.
pub fn overcoming(values: &[f64]) -> bool {
    let late = &values[values.len() * 2 / 3..];
    let (share, readings) = OVERCOMING;
    late.len() >= readings && late.windows(2).all(|w| w[1] < w[0]) && late[late.len() - 1] < (1.0 - share) * late[0]
}
