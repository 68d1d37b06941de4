//! Whether a run began with random weights, by its first loss.

use super::super::stats::median;
use super::super::{RuleInput, Series, Weights};

/// A classifier that trains from scratch begins at this share of the loss of guessing or above.
const GUESSING: f64 = 0.8;
/// Share of the steps of a log that are its first, where it counts steps: it then has so many.
const EARLIEST: f64 = 0.005;
/// A first reading within this share of the run and below this share of the loss of guessing is of
/// a trained network.
const SOON: (f64, f64) = (0.03, 0.15);
/// A score that begins below this share is that of a model that knows next to nothing.
const POOR: f64 = 0.35;
/// See [`EARLIEST`].
const STEPS: f64 = 100.0;

/// Whether the log shows that the run began with random weights: its front end says so, or the
/// first loss is that of guessing.
pub fn from_scratch(seen: &RuleInput<'_>) -> bool {
    let guessing = seen.record.facts.classes.filter(|c| *c > 1).map(|c| f64::from(c).ln());
    let first = seen.record.main().points().first().map(|p| p.1);
    seen.record.facts.weights == Weights::Fresh || guessing.zip(first).is_some_and(|(g, first)| first >= GUESSING * g)
}

/// That the log shows neither the rate nor an untrained model, if it does: it may be of a
/// fine-tune, at any rate.
pub fn may_be_tuned(seen: &RuleInput<'_>) -> Option<String> {
    let record = seen.record;
    let scores = record.score.points();
    let unit = if scores.iter().any(|p| p.1 > 1.5) { 100.0 } else { 1.0 };
    let guesses = scores.first().is_some_and(|p| p.1 > 0.0 && p.1 <= POOR * unit);
    let hidden = record.base_lr().is_none() && !from_scratch(seen) && !guesses;
    hidden.then(|| {
        "the log shows neither the rate nor whether the weights were trained before, and a fine-tune \
         looks the same"
            .to_owned()
    })
}

/// The first loss as a share of that of guessing, where it lies below that of any untrained
/// network.
pub fn below_guessing(seen: &RuleInput<'_>) -> Option<f64> {
    let record = seen.record;
    // Beside an accuracy the loss is a cross-entropy, of two classes or more.
    let scores = record.score.points();
    let accuracy = !record.facts.other_score
        && scores.len() > 1
        && scores.iter().all(|p| (0.0..=100.0).contains(&p.1))
        && scores[0].1 > 0.0;
    let classes = record.facts.classes.filter(|c| *c > 1).or(accuracy.then_some(2))?;
    // Later readings of a run from scratch lie below guessing, too; one small batch may by chance.
    let last = record.span()?.1;
    let early = |series: &Series| {
        let values: Vec<f64> = series
            .points()
            .iter()
            .take_while(|p| p.0 <= 0.0 || p.0 <= EARLIEST * last && last >= STEPS)
            .map(|p| p.1)
            .collect();
        median(&values)
    };
    let guessing = f64::from(classes).ln();
    // None learns so much in so little of a run.
    let soon = |series: &Series| series.points().first().filter(|p| p.0 <= SOON.0 * last).map(|p| p.1);
    let tiny = || soon(&record.loss).filter(|first| *first < SOON.1 * guessing);
    let first = [early(&record.loss), early(&record.val_loss)].into_iter().flatten().reduce(f64::max).or_else(tiny)?;
    let share = first / guessing;
    (share > 0.0 && share < GUESSING).then_some(share)
}
