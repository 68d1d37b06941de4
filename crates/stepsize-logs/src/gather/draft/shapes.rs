//! [`part`]: readings of one name that lines of several shapes tell, and that are not of one
//! series: the loss of a batch, and the sum over an epoch under the same name.

use super::place::{EPOCHS, Marks};
use crate::gather::NameFacts;
use crate::thin::ThinPoint;

/// Shapes of lines that are told apart, and 0 for none.
const SHAPES: usize = 16;
/// A bar of Keras on its way, which tells the mean over the batches of the epoch so far, and at its
/// end.
pub(crate) const OPEN_BAR: u8 = 14;
pub(crate) const ENDED_BAR: u8 = 15;
/// Readings of a shape from which on they are a series.
const FEW: usize = 2;
/// Two readings at one step differ by more than this share.
const SAME: f64 = 1e-3;
/// Share of the readings that differ, or lie on one side.
const MOST: f64 = 0.8;
/// Logarithm of the factor by which the readings of another series differ at least.
const FAR: f64 = 1.1;

/// Parts the readings of all losses; returns remarks on what was left out.
pub(super) fn part(all: &mut [Marks], names: &[NameFacts]) -> Vec<String> {
    let mut notes = Vec::new();
    for (column, seen, marks) in all {
        let loss = names.get(*column).filter(|n| n.metric == Some(false));
        notes.extend(loss.and_then(|name| part_one(&name.text, seen, marks)));
    }
    notes
}

/// Keeps of readings that are of two series those of the shape that tells most: the first told,
/// where several tell as many. Readings of another shape are of another series where they stand at
/// the steps of the others with other values, or between them at another level. Returns a remark on
/// what was left out.
fn part_one(name: &str, seen: &mut u64, marks: &mut Vec<ThinPoint>) -> Option<String> {
    let first = marks.first()?.shape;
    if marks.iter().all(|m| m.shape == first) {
        return None;
    }
    let ends = marks.iter().filter(|m| m.shape == ENDED_BAR).count();
    if ends >= EPOCHS && marks.iter().all(|m| matches!(m.shape, OPEN_BAR | ENDED_BAR)) {
        marks.retain(|m| m.shape == ENDED_BAR);
        *seen = ends as u64;
        return Some(format!("`{name}` is a mean that begins again in each epoch: its last value there is taken"));
    }
    let mut counts = [0_usize; SHAPES];
    let mut order = Vec::new();
    for mark in marks.iter() {
        let count = counts.get_mut(usize::from(mark.shape))?;
        if *count == 0 {
            order.push(mark.shape);
        }
        *count += 1;
    }
    let count = |shape: u8| counts.get(usize::from(shape)).copied().unwrap_or(0);
    let most = counts.iter().copied().max().unwrap_or(0) as f64;
    let main = order.iter().copied().find(|shape| count(*shape) as f64 >= MOST * most)?;
    if main == 0 || main >= OPEN_BAR {
        return None;
    }
    let of_main: Vec<(usize, ThinPoint)> =
        marks.iter().copied().enumerate().filter(|(_, mark)| mark.shape == main).collect();
    let apart = of_main.windows(2).filter(|w| w[0].1.step != w[1].1.step).count();
    let steps = apart as f64 >= MOST * of_main.len().saturating_sub(1) as f64;
    let other =
        |shape: &u8| *shape != main && *shape != 0 && count(*shape) >= FEW && is_other(&of_main, marks, *shape, steps);
    let others: Vec<u8> = order.into_iter().filter(other).collect();
    if others.is_empty() {
        return None;
    }
    let before = marks.len();
    marks.retain(|mark| !others.contains(&mark.shape));
    let left_out = (before - marks.len()) as f64 / before as f64;
    let left_out = (left_out * *seen as f64).round() as u64;
    *seen -= left_out;
    Some(format!(
        "`{name}` stands on lines of several kinds for several things: {left_out} readings of the kinds that tell it later or less often are left out"
    ))
}

/// Whether the readings of a shape are of another series than those of the main one. `steps`: these
/// have a step each.
fn is_other(main: &[(usize, ThinPoint)], marks: &[ThinPoint], shape: u8, steps: bool) -> bool {
    let (mut count, mut at_once, mut above, mut blocks) = (0_usize, 0_usize, 0_usize, 0_usize);
    let mut levels = Vec::new();
    let (mut next, mut last) = (0, usize::MAX);
    for (at, mark) in marks.iter().enumerate().filter(|(_, mark)| mark.shape == shape) {
        while main.get(next).is_some_and(|(i, _)| *i < at) {
            next += 1;
        }
        count += 1;
        blocks += usize::from(next != last);
        last = next;
        let beside = [next.checked_sub(1).and_then(|i| main.get(i)), main.get(next)];
        let beside = || beside.into_iter().flatten().map(|(_, mark)| mark);
        let differs = |m: &&ThinPoint| (m.value - mark.value).abs() > SAME * m.value.abs();
        at_once += usize::from(beside().any(|m| m.step == mark.step && differs(&m)));
        let mean = beside().map(|m| m.value).sum::<f64>() / beside().count().max(1) as f64;
        above += usize::from(mark.value > mean);
        levels.push((mark.value / mean).ln().abs());
    }
    levels.sort_unstable_by(f64::total_cmp);
    let many = |part: usize, whole: usize| part as f64 >= MOST * whole as f64;
    let level = levels.get(levels.len() / 2).copied().unwrap_or(0.0);
    let one_side = many(above, count) || many(count - above, count);
    steps && many(at_once, count)
        || level.is_finite() && level > FAR && one_side && blocks >= FEW && blocks * 2 >= count
}
