//! [`NamedCount`]: a counter under a name that no list of counters holds, where nothing else
//! counts.

use super::place::Marks;
use crate::gather::NameFacts;
use crate::names::{CounterKind, plain};
use crate::thin::ThinPoint;

/// Readings from which on a number that only grows may count them.
const COUNT: usize = 5;
/// Words of the name of a number that counts, if it only grows.
const COUNTED: [&str; 22] = [
    "frame",
    "frames",
    "step",
    "steps",
    "iter",
    "iters",
    "iteration",
    "iterations",
    "update",
    "updates",
    "episode",
    "episodes",
    "epoch",
    "epochs",
    "batch",
    "batches",
    "sample",
    "samples",
    "game",
    "games",
    "img",
    "no",
];

/// The readings of the series that counts the others.
pub(super) struct NamedCount<'a> {
    pub column: usize,
    marks: &'a [ThinPoint],
}

impl<'a> NamedCount<'a> {
    /// The first column whose name says that it counts (`frame`, `num episodes`), and which does:
    /// whole numbers that only grow, one for each reading of the metrics.
    pub fn of(all: &'a [Marks], names: &[NameFacts]) -> Option<Self> {
        let name = |column: usize| names.get(column).filter(|n| n.kind == CounterKind::Value);
        let mut metrics = all.iter().filter(|m| m.2.len() > 2 && name(m.0).is_some_and(|n| n.metric.is_some()));
        let readings = metrics.next()?.1;
        if metrics.any(|m| m.1 != readings) {
            return None;
        }
        let counts = |marks: &[ThinPoint]| {
            marks.len() >= COUNT
                && marks.iter().all(|m| m.value >= 0.0 && m.value.fract() == 0.0)
                && marks.windows(2).all(|w| w[0].value < w[1].value)
        };
        let named = |text: &str| plain(text).split('_').any(|word| COUNTED.contains(&word));
        let such = |m: &&Marks| {
            m.1 == readings && name(m.0).is_some_and(|n| n.metric.is_none() && named(&n.text)) && counts(&m.2)
        };
        all.iter().find(such).map(|m| Self { column: m.0, marks: &m.2 })
    }

    /// The count at a reading. Those between two that are kept are taken as even.
    pub fn at(&self, index: f64) -> f64 {
        let after = self.marks.partition_point(|m| (m.index as f64) < index);
        let Some(right) = self.marks.get(after).or(self.marks.last()) else { return index };
        let Some(left) = after.checked_sub(1).and_then(|at| self.marks.get(at)) else { return right.value };
        let span = right.index as f64 - left.index as f64;
        let share = if span > 0.0 { (index - left.index as f64) / span } else { 1.0 };
        left.value + share.min(1.0) * (right.value - left.value)
    }
}
