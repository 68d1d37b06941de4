//! `LR025`: the loss stands at that of guessing, or at one and the same number: the units are dead
//! or no weight moves. Such a curve is never one of a rate that is too low: low rates change the
//! loss, if only slowly.

use super::{Decided, advice, show};
use crate::Placement;
use crate::diagnosis::stats::{median, noise};
use crate::diagnosis::{Code, Finding, RuleInput, Series};

/// One over the share of the readings, the last ones, that must stand still, and the fewest of
/// them.
const LAST: (usize, usize) = (4, 4);
/// Fewest readings of a loss.
const READINGS: usize = 8;
/// Deviation of the late readings, as a share of the loss, that counts as standing still. A network
/// that guesses has next to no noise; what is left comes from classes of other sizes.
const STILL: f64 = 0.004;
/// Share by which the loss may lie off that of guessing where classes are known or a score agrees,
/// and where only the number itself tells.
const NEAR: (f64, f64) = (0.006, 5e-4);
/// Numbers of classes that are taken from the loss alone.
const ROUND: [u32; 10] = [2, 3, 4, 5, 10, 20, 100, 200, 1000, 10_000];
/// Most classes that are taken from the loss beside a score.
const MOST: f64 = 1000.0;
/// A score of guessing lies within these factors of one over the classes.
const SCORE: (f64, f64) = (0.5, 1.7);
/// A loss below this share of that of guessing, twice in a row, has learned.
const LEARNED: f64 = 0.96;
/// A loss above this share of it has fallen to it.
const ABOVE: f64 = 1.015;
/// Share by which a constant loss must lie above its lowest to be dead, and share of the fall.
const LOST: (f64, f64) = (0.02, 0.1);
/// Chance that the rate was too high, where the loss had learned and where it fell to guessing at
/// once. Measured on the jobs of `diagnosis calibrate`.
const SURE: (f64, f64) = (0.9, 0.8);
/// A score above this is in percent.
const PERCENT: f64 = 1.5;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Decided> {
    let series = seen.record.main();
    let values = series.values();
    if values.len() < READINGS || !series.broken().is_empty() {
        return None;
    }
    let late = &values[values.len() - (values.len() / LAST.0).max(LAST.1)..];
    let level = median(late)?;
    constant(series, level).or_else(|| guessing(seen, &values, late, level))
}

/// A loss that is the same number, to the last digit, in its last half.
fn constant(series: &Series, level: f64) -> Option<Decided> {
    let points = series.points();
    let half = &points[points.len() / 2..];
    if half.len() < LAST.1 || half.iter().any(|p| p.1 != level) {
        return None;
    }
    let since = points.iter().rev().take_while(|p| p.1 == level).last().map_or(points[0].0, |p| p.0);
    if points.iter().all(|p| p.1 == level) {
        let evidence =
            format!("the loss is {} in all of its {} readings, to the last digit", show(level), points.len());
        return Some(frozen(evidence, Code::Idle, level, series.span()?));
    }
    let first = points[0].1;
    let lowest = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    // A loss that was rounded, or a job that was solved, stands still at its lowest. One that only
    // rose was never learned.
    let fell = first - lowest > LOST.0 * first.abs();
    if !fell || level - lowest < (LOST.0 * level.abs()).max(LOST.1 * (first - lowest)) {
        return None;
    }
    let evidence = format!(
        "the loss had come down to {}, and is {} from step {} on, to the last digit: the units are dead",
        show(lowest),
        show(level),
        show(since)
    );
    Some(dead(evidence, SURE.0, level, (since, series.span()?.1)))
}

/// A loss that stands at the logarithm of the number of classes.
fn guessing(seen: &RuleInput<'_>, values: &[f64], late: &[f64], level: f64) -> Option<Decided> {
    if level <= 0.0 || noise(late)? > STILL * level {
        return None;
    }
    let classes = classes(seen, level)?;
    let guess = f64::from(classes).ln();
    let points = seen.record.main().points();
    let since = points.iter().rev().take_while(|p| (p.1 / level - 1.0).abs() < 3.0 * STILL).last()?.0;
    let span = (since, points[points.len() - 1].0);
    let stands = format!(
        "the loss stands at {}, that of guessing among {classes} classes, from step {} on",
        show(level),
        show(since)
    );
    let lowest = values.windows(2).map(|w| w[0].max(w[1])).fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let best = score_best(seen);
    match () {
        () if lowest < LEARNED * guess => {
            let evidence = format!("{stands}; it had come down to {}, and what was learned is lost", show(lowest));
            Some(dead(evidence, SURE.0, level, span))
        }
        () if best.is_some_and(|b| b > 2.0 * SCORE.1 / f64::from(classes)) => {
            let evidence = format!("{stands}; the score had reached {}, and what was learned is lost", show(best?));
            Some(dead(evidence, SURE.0, level, span))
        }
        () if highest > ABOVE * level => {
            let evidence = format!("{stands}; it fell there from {} and learned nothing more", show(highest));
            Some(dead(evidence, SURE.1, level, span))
        }
        () => Some(frozen(stands, Code::Dead, level, span)),
    }
}

/// The number of classes for which this is the loss of guessing.
fn classes(seen: &RuleInput<'_>, level: f64) -> Option<u32> {
    let near = |classes: u32, share: f64| (level / f64::from(classes).ln() - 1.0).abs() < share;
    if let Some(known) = seen.record.facts.classes.filter(|c| *c > 1) {
        return near(known, NEAR.0).then_some(known);
    }
    let read = level.exp().round();
    if (2.0..=MOST).contains(&read) && guesses(seen, read) && near(read as u32, NEAR.0) {
        return Some(read as u32);
    }
    ROUND.into_iter().find(|c| near(*c, NEAR.1))
}

/// Whether the late scores are those of guessing among so many classes.
fn guesses(seen: &RuleInput<'_>, classes: f64) -> bool {
    let scores = scores(seen);
    let late = &scores[scores.len() - scores.len().div_ceil(LAST.0)..];
    !late.is_empty() && late.iter().all(|s| (SCORE.0..SCORE.1).contains(&(s * classes)))
}

fn scores(seen: &RuleInput<'_>) -> Vec<f64> {
    if seen.record.facts.other_score {
        return Vec::new();
    }
    let values = seen.record.score.values();
    let unit = if values.iter().any(|v| *v > PERCENT) { 100.0 } else { 1.0 };
    values.iter().map(|v| v / unit).collect()
}

fn score_best(seen: &RuleInput<'_>) -> Option<f64> {
    scores(seen).into_iter().max_by(f64::total_cmp).filter(|s| *s <= 1.0)
}

fn dead(evidence: String, confidence: f64, level: f64, span: (f64, f64)) -> Decided {
    let octaves = -advice::MOVE;
    let finding = Finding {
        code: Code::Dead,
        evidence,
        numbers: vec![("level", level), ("since", span.0)],
        advice: format!(
            "{} and warm it up over the first 5 % of the run; with ReLU units that died, also look at the initial weights",
            advice::change(octaves)
        ),
        confidence,
        span: Some(span),
    };
    Decided { verdict: Placement::TooHigh, octaves: Some(octaves), finding }
}

/// A loss that never moved: the rate may be at fault in either way, or not at all.
fn frozen(evidence: String, code: Code, level: f64, span: (f64, f64)) -> Decided {
    let finding = Finding {
        code,
        evidence: format!("cannot tell from this log, because {evidence}: the units died in the first steps, or no weight is updated"),
        numbers: vec![("level", level), ("since", span.0)],
        advice: "print the norm of the gradient at the first steps: zero or missing means dead units, frozen weights or a loss \
                 that is detached from them; else run once more at a tenth of the rate"
            .to_owned(),
        confidence: 0.0,
        span: Some(span),
    };
    Decided { verdict: Placement::Unknown, octaves: None, finding }
}
