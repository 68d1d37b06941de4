//! `LR001`: the loss became NaN or infinite and did not come back, or ended above that of the
//! untrained model.
//!
//! Ending worse than untrained counts because it is the more common kind: of 765 runs of small
//! networks one was NaN, and 84 more ended finite and worse than untrained. A log that begins late
//! does not show the untrained loss; its largest likely value is taken then, and whether a run that
//! ends below that diverged is left to the model ([`crate::diagnosis::model`]).

use super::{Decided, advice, show};
use crate::Placement;
use crate::diagnosis::scope::{Outside, begins_at_zero, from_scratch, rises_evenly, rises_throughout};
use crate::diagnosis::stats::{mean, median, noise};
use crate::diagnosis::{Code, Feature, Finding, Record, RuleInput, Series};
pub use crate::divergence::WORSE;

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
/// So has one that ends this many times above its first reading; no spike reaches that.
const TIMES: f64 = 1e6;
/// A training and a validation loss are of the same scale when their first readings lie within this
/// factor.
const ALIKE: f64 = 5.0;
/// The steps of a log that ends before this one may be epochs, and the first of them is no longer
/// that of the untrained model.
const STEPS: f64 = 100.0;
/// The untrained loss is the median of at most this many early readings.
const EARLIEST: usize = 3;
/// Fewest readings of a loss, and last ones that must all lie above the limit.
const LEAST: usize = 3;
const STAYS: usize = 2;
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
/// A training loss that ends above this share of its first readings has not learned.
const LEARNS: f64 = 0.95;
/// A validation loss that never came below this share of the untrained one has not learned. Chosen
/// by eye.
const UNLEARNED: f64 = 0.7;
/// A loss this many times the untrained one has exploded: chance does not reach that.
const EXPLODED: f64 = 3.0;
/// Log of the end of a loss over its first reading from which a run that is too high for its rate
/// has diverged: a factor of 1.5. All 13 such runs of the foreign jobs had.
const FAR_ABOVE: f64 = 0.4;
/// Deviations of one reading by which an explosion, a loss far above the start, and a rise of the
/// means exceed noise. Chosen by eye.
const DEVIATIONS: [f64; 3] = [6.0, 4.0, 3.0];
/// Fewest finite validation losses before one that is not finite and may have had no data.
const READINGS: usize = 5;
/// Finite readings after the last broken one that show that the weights are finite: a step was
/// skipped, or an evaluation failed.
const BACK: usize = 2;
/// What Caffe and its heirs print for a softmax that has overflowed: minus the log of the least
/// positive float.
const OVERFLOWED: f64 = 87.336_5;
/// Distance from it that rounding leaves.
const ROUNDED: f64 = 0.001;
/// A loss from here on that becomes exactly zero from one reading to the next, and stays so, is NaN
/// in a log that masks it (Hugging Face's Trainer).
const MASKED: f64 = 0.05;
/// Fewest zeros in a row at the end.
const ZEROS: usize = 3;
/// A run that broke within this share of its log never trained at its rate.
const EARLY: f64 = 0.1;
/// Chance that a run which ended above the untrained loss has diverged; nearly all others were too
/// high. Measured on the jobs of `diagnosis adapt`.
const WORSE_SURE: f64 = 0.88;
/// A running mean that comes down from an explosion falls throughout the last third, by this share
/// or more, over this many readings or more. Chosen by eye.
const OVERCOMING: (f64, usize) = (0.1, 4);

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Decided> {
    let record = seen.record;
    let found = broken(record).or_else(|| masked(record)).or_else(|| overflowed(record)).or_else(|| absurd(record));
    // The losses of a game may end anywhere, and any end lies above a beginning at zero.
    let free = record.facts.game || begins_at_zero(record.main());
    let mut finding = found.or_else(|| worse(record).filter(|f| !free && !may_be_tuned(seen, f)))?;
    let octaves = octaves(seen, finding.span);
    finding.advice = advice(octaves);
    Some(Decided { verdict: Placement::Diverged, octaves: Some(octaves), finding })
}

/// Whether the log does not show an untrained model, and the loss ends not far above its start: a
/// fine-tune on harder data, or a part of a run.
fn may_be_tuned(seen: &RuleInput<'_>, finding: &Finding) -> bool {
    let of = |name: &str| finding.numbers.iter().find(|n| n.0 == name).map(|n| n.1);
    let little = of("end_loss").zip(of("start_loss")).is_some_and(|(end, start)| end < EXPLODED * start.abs());
    little && Outside::of(seen).is_some_and(Outside::hides_start)
}

/// What to do about it.
pub(super) fn advice(octaves: f64) -> String {
    format!(
        "{} and warm it up over the first 5 % of the run; if it then trains, compare it with a run at a third of the rate that \
         broke",
        advice::change(octaves)
    )
}

/// How far to go down. A rate at which the run trained for a while is nearer to the best, and so
/// are those of fine-tunes and large networks: the step is only large where the log shows that the
/// run began from scratch.
pub fn octaves(seen: &RuleInput<'_>, span: Option<(f64, f64)>) -> f64 {
    let (first, last) = seen.record.span().unwrap_or_default();
    let early = span.is_none_or(|s| s.0 <= first + EARLY * (last - first));
    if early && from_scratch(seen) && Outside::of(seen).is_none() { -advice::BROKE_EARLY } else { -advice::MOVE }
}

fn finding(evidence: String, numbers: Vec<(&'static str, f64)>, span: (f64, f64), confidence: f64) -> Finding {
    Finding { code: Code::Diverged, evidence, numbers, advice: String::new(), confidence, span: Some(span) }
}

/// A loss that is not finite and did not come back.
fn broken(record: &Record) -> Option<Finding> {
    for (series, what) in [(&record.loss, "training"), (&record.val_loss, "validation")] {
        let Some(&first) = series.broken().first() else { continue };
        let (_, last) = series.span()?;
        let broken = series.broken().len();
        // Weights that are not finite stay so, and every loss after them is broken.
        let end = series.broken().last().copied().unwrap_or(last);
        if record.loss.points().iter().chain(series.points()).filter(|p| p.0 > end).count() >= BACK {
            continue;
        }
        // So where training continues and learns, the evaluation alone fails. The last of several
        // may have had no data: a script that prints at its end, after part of an epoch.
        let train = record.loss.values();
        let alone = broken == 1 && series.len() >= READINGS;
        let continues = record.loss.points().iter().filter(|p| p.0 > first).count() >= BACK
            || alone && record.loss.points().last().is_some_and(|p| p.0 >= first);
        let learns = ending(&train).zip(train.first()).is_some_and(|(end, start)| end < UNLEARNED * start);
        if what == "validation" && record.loss.broken().is_empty() && continues && learns {
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

/// A loss that was written as zero because it was not a number. That of a side of a game may be
/// zero.
fn masked(record: &Record) -> Option<Finding> {
    let points = record.loss.points();
    let zeros = points.iter().rev().take_while(|p| p.1 == 0.0).count();
    let since = points.len() - zeros;
    // What is measured beside it shows a run that learns: the zeros are too few digits.
    let learns = points.get(since).is_some_and(|from| goes_on_falling(&record.val_loss, from.0));
    let fell = !record.facts.game && !learns && since.checked_sub(1).is_some_and(|i| points[i].1 > MASKED);
    let norms = &record.grad_norm;
    let broken = norms.broken().iter().any(|s| points.get(since).is_some_and(|p| *s >= p.0));
    if zeros < ZEROS || !(broken || fell) {
        return None;
    }
    let (from, last) = (points[since].0, points[points.len() - 1].0);
    let beside = if broken { ", while the gradient norm is not finite" } else { "" };
    let evidence = format!(
        "the loss is exactly 0 from step {} on{beside}: a loss that was not finite, written as zero",
        show(from)
    );
    Some(finding(evidence, vec![("first_broken_step", from), ("broken_readings", zeros as f64)], (from, last), 0.97))
}

/// Whether a loss has readings from a step on, none of them zero, that fall.
fn goes_on_falling(loss: &Series, from: f64) -> bool {
    let late: Vec<f64> = loss.points().iter().filter(|p| p.0 >= from).map(|p| p.1).collect();
    late.len() >= ZEROS && late.iter().all(|v| *v > 0.0) && late.last() < late.first()
}

/// A loss that stands at the number that an overflowed softmax gives.
fn overflowed(record: &Record) -> Option<Finding> {
    let points = record.main().points();
    let since = points.len() - points.iter().rev().take_while(|p| (p.1 - OVERFLOWED).abs() < ROUNDED).count();
    let from = points.get(since).filter(|_| points.len() - since >= ZEROS)?.0;
    let evidence = format!(
        "the loss stands at {OVERFLOWED} from step {} on: what a softmax gives that has overflowed",
        show(from)
    );
    Some(finding(evidence, vec![("first_broken_step", from)], (from, points[points.len() - 1].0), 0.99))
}

/// A loss that ends at a value that none has.
fn absurd(record: &Record) -> Option<Finding> {
    let (series, end) = [&record.loss, &record.val_loss].into_iter().find_map(|s| {
        let first = s.points().first()?.1;
        let absurd = |end: &f64| *end > ABSURD || first > 0.0 && *end > TIMES * first;
        Some((s, ending(&s.values()).filter(absurd)?))
    })?;
    let evidence = format!("the loss ends at {}", show(end));
    Some(finding(evidence, vec![("end_loss", end)], series.span()?, 0.99))
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
    /// For the training loss: from its own early readings, else from a validation loss before the
    /// first step that is of the same scale, else a guess.
    fn of_train(record: &Record) -> Option<Self> {
        let first = record.loss.points().first().map_or(0.0, |p| p.1);
        let alike = |val: &f64| (1.0 / ALIKE..=ALIKE).contains(&(first / val));
        let val = || Some(Self { loss: early_val(record).filter(alike)?, share: CHANCE, own: false });
        Self::own(early_train(record)).or_else(val).or_else(|| Self::guess(record, &record.loss))
    }

    /// For the validation loss: from its own early readings, else a guess. Never from the training
    /// loss, whose scale may be another (dropout, weights, sums).
    fn of_val(record: &Record) -> Option<Self> {
        Self::own(early_val(record)).or_else(|| Self::guess(record, &record.val_loss))
    }

    fn own(loss: Option<f64>) -> Option<Self> {
        Some(Self { loss: loss?, share: WORSE, own: true })
    }

    /// The highest loss that an untrained network is likely to have, by the number of classes or by
    /// the first reading.
    fn guess(record: &Record, series: &Series) -> Option<Self> {
        let first = series.points().first()?.1;
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
    // A validation loss may end above its start by overfitting alone. It does not while the
    // training loss ends above, too, and not at twice its start while the training loss did not
    // come down to half.
    let by_val = || {
        let start = UntrainedLoss::of_val(record)?;
        let lowest = val.values().into_iter().fold(f64::INFINITY, f64::min);
        let share = match ending(&train.values()).filter(|_| train.len() >= 2) {
            Some(end)
                if median(&train.values()[..EARLIEST.min(train.len())]).is_some_and(|first| end > LEARNS * first) =>
            {
                ALWAYS
            }
            Some(end) if train.points().first().is_some_and(|first| end < LEARNED * first.1) => return None,
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
    // One that rises evenly may be of a sum whose weights change.
    let little = ending(&train.values()).is_some_and(|end| end < EXPLODED * start.loss.abs());
    let even = rises_evenly(train) && (little || rises_throughout(train));
    let by_train = above(train, start, start.limit(start.share)).filter(|_| !even && !overcoming(&train.values()));
    if val.len() < 3 {
        return by_train;
    }
    // Where both are logged, both must be worse.
    let untrained = early_val(record).or_else(|| val.points().first().map(|p| p.1))?;
    by_train.filter(|_| ending(&val.values()).is_some_and(|v| v > untrained)).or_else(by_val)
}

/// The finding for a loss that ends above `limit`, unless that may be chance.
fn above(series: &Series, start: UntrainedLoss, limit: f64) -> Option<Finding> {
    let UntrainedLoss { loss: start, own, .. } = start;
    let (points, values) = (series.points(), series.values());
    let part = values.len().div_ceil(10);
    let (begin, end) = (mean(values.get(..part)?)?, ending(&values)?);
    // One last reading is a spike; what has broken stays.
    if values.len() < LEAST || values[values.len() - STAYS..].iter().any(|v| *v <= limit) || end <= limit {
        return None;
    }
    // The first reading may lie low by chance. So one of these must hold: the loss exploded on the
    // way; it ends far above its own start; its means rise; all late readings lie far above; or
    // there is no noise that could be chance.
    let (early, late) = values.split_at(values.len() / 2);
    // A loss of single small batches varies by factors.
    let factors = late.iter().all(|v| *v > 0.0).then(|| late.iter().map(|v| v.ln()).collect::<Vec<_>>());
    let factors = factors.and_then(|logs| noise(&logs)).unwrap_or(0.0);
    let beyond = |loss: f64, deviations: f64| start <= 0.0 || (loss / start).ln() > deviations * factors;
    let (early, late) = (noise(early).unwrap_or(0.0), noise(late).unwrap_or(0.0));
    let worst = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let [explosion, distance, slope] = DEVIATIONS;
    let exploded = worst > start + (EXPLODED - 1.0) * start.abs()
        && worst > start + explosion * early.min(late)
        && beyond(worst, explosion);
    let far = end > start + CHANCE * start.abs() && end - start > distance * early.max(late) && beyond(end, distance);
    let rises = end - begin > slope * early.max(late) * (2.0 / part as f64).sqrt() && end > begin + WORSE * begin.abs();
    let half = &values[values.len() / 2..];
    let always = half.len() >= SURE
        && half.iter().all(|v| *v > limit && *v > start + ALWAYS * start.abs())
        && beyond(end, distance);
    let steady = own && half.len() >= SURE && half.iter().all(|v| *v > limit) && late < STILL * end.abs();
    if !(exploded || far && own || rises || always || steady) {
        return None;
    }
    let from = points.iter().rev().take_while(|p| p.1 > start).last().map_or(points[0].0, |p| p.0);
    let last = points.last().map_or(from, |p| p.0);
    let evidence = format!("the loss ends at {}, above {}, that of the untrained model", show(end), show(start));
    Some(finding(evidence, vec![("end_loss", end), ("start_loss", start)], (from, last), WORSE_SURE))
}

/// The loss at the end: the median of the last tenth of the readings.
pub fn ending(values: &[f64]) -> Option<f64> {
    median(&values[values.len() - values.len().div_ceil(10)..])
}

/// Whether the losses end far above their first readings, whatever these are: where the curve is
/// that of a rate too high, it is that of a run that diverged.
pub fn ends_far_above(seen: &RuleInput<'_>) -> bool {
    let (fall, val) = (seen.features.get(Feature::Drop), seen.features.get(Feature::ValDrop));
    fall < -FAR_ABOVE && (val.is_nan() || val < 0.0)
}

/// Whether a loss ends below half of its first reading.
pub fn learned(series: &Series) -> bool {
    let values = series.values();
    ending(&values).zip(values.first()).is_some_and(|(end, first)| end < LEARNED * first)
}

/// Whether this is a running mean that comes down from an explosion: its last third only falls, and
/// clearly.
pub fn overcoming(values: &[f64]) -> bool {
    let late = &values[values.len() * 2 / 3..];
    let (share, readings) = OVERCOMING;
    late.len() >= readings && late.windows(2).all(|w| w[1] < w[0]) && late[late.len() - 1] < (1.0 - share) * late[0]
}
