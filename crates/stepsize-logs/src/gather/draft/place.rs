//! Where the readings of a run are placed, and which of them are kept.

use crate::clock::EpochFrame;
use crate::thin::ThinPoint;

/// The column of a series, how often it was read, and its readings.
pub(super) type Marks = (usize, u64, Vec<ThinPoint>);

/// Readings at one step from which on they are more than a few of the same state.
const MANY: usize = 4;
/// Epochs from which on the ends of all are enough of a curve.
pub(super) const EPOCHS: usize = 6;
/// Readings of an epoch that show whether they are means.
const MEANS: usize = 9;
/// A mean moves this much less from reading to reading at the end of an epoch than at its
/// beginning, and jumps this much further to the next one.
const STILL: f64 = 0.4;
const JUMP: f64 = 3.0;

/// Keeps of a series that is a running mean within each epoch, as progress bars show it, the last
/// reading of each epoch: the mean over all of its batches. The readings before show how the mean
/// settles, not how the training went. Returns whether it is such a series.
pub(super) fn ends_of_epochs(seen: &mut u64, marks: &mut Vec<ThinPoint>, length: f64) -> bool {
    let epoch = |m: &ThinPoint| (m.step / length).ceil();
    if marks.iter().any(|m| m.step.is_nan() || !m.value.is_finite()) {
        return false;
    }
    let epochs: Vec<&[ThinPoint]> = marks.chunk_by(|a, b| epoch(a) == epoch(b)).collect();
    let moves = |part: &[ThinPoint]| {
        let all = part.windows(2).map(|w| (w[1].value - w[0].value).abs());
        all.sum::<f64>() / part.len().saturating_sub(1).max(1) as f64
    };
    let third = |epoch: &[ThinPoint]| epoch.len() / 3;
    let late = |epoch: &[ThinPoint]| moves(epoch.get(epoch.len() - third(epoch)..).unwrap_or(&[]));
    let early = |epoch: &[ThinPoint]| moves(epoch.get(..third(epoch)).unwrap_or(&[]));
    let told: Vec<&&[ThinPoint]> = epochs.iter().filter(|e| e.len() >= MEANS).collect();
    let still = told.iter().filter(|e| late(e) <= STILL * early(e)).count();
    let jumps = epochs.windows(2).filter(|w| match (w[0].last(), w[1].first()) {
        (Some(last), Some(first)) => (first.value - last.value).abs() >= JUMP * late(w[0]),
        _ => false,
    });
    let means = epochs.len() >= EPOCHS && told.len() * 4 >= epochs.len() * 3 && still * 4 >= told.len() * 3;
    if !means || jumps.count() * 4 < (epochs.len() - 1) * 3 {
        return false;
    }
    let ends: Vec<ThinPoint> = epochs.iter().filter_map(|e| e.last().copied()).collect();
    *seen = ends.len() as u64;
    *marks = ends;
    true
}

/// Drops whole numbers before the first count where the others are not whole: words of a legend
/// or of source code, no readings.
pub(super) fn before_counter(marks: &mut [Marks]) {
    for (_, seen, marks) in marks {
        let early = marks.iter().take_while(|m| m.step.is_nan() && m.epoch.is_nan()).count();
        let whole = |m: &ThinPoint| m.value.fract() == 0.0;
        let later = marks.get(early..).unwrap_or(&[]);
        if early > 0 && later.len() > early && later.iter().filter(|m| whole(m)).count() * 2 < later.len() {
            let before = marks.len();
            let mut at = 0;
            marks.retain(|m| {
                at += 1;
                at > early || !whole(m)
            });
            *seen -= (before - marks.len()) as u64;
        }
    }
}

/// Readings, each told twice, from which on they are taken once.
const TWICE: usize = 8;

/// Takes once what was told twice all along: by the program, and by its logger.
pub(super) fn undoubled(marks: &mut [Marks]) {
    for (_, seen, marks) in marks {
        let pairs = || marks.chunks(2).map(|pair| (pair[0].value, pair.get(1).map(|m| m.value)));
        let moves = marks.windows(2).any(|w| w[0].value != w[1].value);
        if marks.len() >= TWICE && moves && *seen == marks.len() as u64 && pairs().all(|(a, b)| Some(a) == b) {
            let mut at = 0;
            marks.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            marks.iter_mut().for_each(|mark| mark.index /= 2);
            *seen = marks.len() as u64;
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum PlacedBy {
    Step,
    Epoch,
    Index,
}

impl PlacedBy {
    /// A counter of epochs that tells so many times more readings apart is the better one.
    const FINER: usize = 4;
    /// A counter of steps that stands still for so many readings does not place them.
    const STILL: usize = 32;
    /// Readings at one step, the only one, from which on it is no counter.
    const UNMOVED: usize = 3;

    /// The counter that tells the readings apart: one of steps, where most have it and the epochs
    /// do not tell far more of them apart. The count of a progress bar may be one of anything: an
    /// epoch for each reading is better.
    pub fn best(series: &[&[ThinPoint]], bar: bool) -> Self {
        let all: usize = series.iter().map(|m| m.len()).sum();
        let apart = |of: fn(&ThinPoint) -> f64| {
            let known: usize = series.iter().map(|m| m.iter().filter(|m| of(m).is_finite()).count()).sum();
            let places = |m: &&[ThinPoint]| {
                m.chunk_by(|a, b| of(a) == of(b)).filter(|c| c.first().is_some_and(|m| of(m).is_finite())).count()
            };
            let most = series.iter().map(places).max().unwrap_or(0);
            if known > 0 && known * 2 >= all { most } else { 0 }
        };
        let longest = series.iter().map(|m| m.len()).max().unwrap_or(0);
        match (apart(|m| m.step), apart(|m| m.epoch)) {
            (0, 0) => Self::Index,
            // A counter that never moved counts nothing.
            (1, 0) if longest >= Self::UNMOVED => Self::Index,
            (steps, epochs) if steps == 0 || epochs >= Self::FINER * steps => Self::Epoch,
            (steps, epochs) if epochs > 0 && steps * Self::STILL <= longest => Self::Epoch,
            (_, epochs) if bar && epochs == longest => Self::Epoch,
            _ => Self::Step,
        }
    }
}

/// The readings with the step of each. Of several at one step the last one is kept; several in one
/// epoch share it evenly, and end with it where epochs are counted from 1.
pub(super) fn place(marks: &[ThinPoint], by: PlacedBy, frame: EpochFrame, trained: bool) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::with_capacity(marks.len());
    match by {
        PlacedBy::Index => out.extend(marks.iter().map(|m| (m.index as f64, m.value))),
        PlacedBy::Step => {
            // A table of epochs beside what is counted by steps tells the same again.
            let again = marks.iter().filter(|m| m.step.is_finite()).count() * 2 >= marks.len();
            // The first reading stands one stride before the second if only its count is unknown.
            let first = match marks {
                [a, b, c, ..] if a.step.is_nan() && a.epoch < b.epoch => Some(2.0 * b.step - c.step),
                _ => None,
            };
            let first = first.filter(|step| step.is_finite()).map(|step| step.max(0.0));
            let told = |(i, m): &(usize, &ThinPoint)| {
                *i == 0 && first.is_some() || !(again && m.step.is_nan() && m.epoch >= 1.0)
            };
            for (i, mark) in marks.iter().enumerate().filter(told) {
                // Those of an epoch beside what is counted by steps are of its end. Readings before
                // the first count were made at the start.
                let end = || if again { None } else { frame.end_of(mark.epoch) };
                let start = || first.filter(|_| i == 0).or_else(end).unwrap_or(0.0);
                let step = if mark.step.is_nan() { start() } else { mark.step };
                out.push((step, mark.value));
            }
            one_a_step(&mut out, trained);
            out.iter_mut().for_each(|point| point.0 += frame.skipped);
        }
        PlacedBy::Epoch => {
            // Readings before the first count are of the first epoch that is told.
            let first = marks.iter().map(|m| m.epoch).find(|e| e.is_finite()).unwrap_or(0.0);
            let epoch = |m: &ThinPoint| if m.epoch.is_nan() { first } else { m.epoch };
            for group in marks.chunk_by(|a, b| epoch(a) == epoch(b)) {
                let share = (group.len() as f64).recip();
                // The end of the first epoch is 1, where epochs are counted from 1.
                let begin = if frame.counts_from_one() && first >= 1.0 { share - 1.0 } else { 0.0 };
                out.extend(group.iter().enumerate().map(|(i, m)| (epoch(m) + begin + i as f64 * share, m.value)));
            }
        }
    }
    if !out.is_sorted_by(|a, b| a.0 <= b.0) {
        out.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    out
}

/// Leaves one reading at each step, the last; many of the training at nearly every step share it
/// evenly.
fn one_a_step(points: &mut Vec<(f64, f64)>, trained: bool) {
    let steps: Vec<&[(f64, f64)]> = points.chunk_by(|a, b| a.0 == b.0).collect();
    let many = steps.iter().filter(|s| s.len() >= MANY).count();
    let mut out = Vec::with_capacity(points.len());
    for (at, step) in steps.iter().enumerate() {
        let Some((first, last)) = step.first().zip(step.last()) else { continue };
        let next = steps.get(at + 1).and_then(|next| next.first()).map(|next| next.0 - first.0);
        let before = at.checked_sub(1).and_then(|at| steps.get(at)?.first()).map(|before| first.0 - before.0);
        match next.or(before).filter(|_| trained && steps.len() > 1 && many * 4 >= steps.len() * 3) {
            Some(stride) => {
                let share = stride / step.len() as f64;
                out.extend(step.iter().enumerate().map(|(i, p)| (p.0 + i as f64 * share, p.1)));
            }
            None => out.push(*last),
        }
    }
    *points = out;
}
