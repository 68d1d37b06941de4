//! [`RowCounts`]: the counters on one row.

use crate::names::CounterKind;

/// A counter on one row.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Count {
    pub(super) rank: usize,
    pub(super) column: usize,
    pub value: f64,
}

impl Count {
    /// Whether it is the count of a progress bar.
    pub fn is_bar(self) -> bool {
        self.rank == CounterKind::BAR
    }
}

/// The best known counter of steps and of epochs on one row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct RowCounts {
    pub(super) step: Option<Count>,
    pub(super) epoch: Option<Count>,
}

impl RowCounts {
    /// The counter of steps.
    pub fn step(&self) -> Option<Count> {
        self.step
    }

    /// The same without a count of steps.
    pub fn without_step(self) -> Self {
        Self { step: None, ..self }
    }

    /// The counter of epochs.
    pub fn epoch(&self) -> Option<Count> {
        self.epoch
    }

    /// Whether the row has a counter.
    pub fn is_counted(&self) -> bool {
        self.step.is_some() || self.epoch.is_some()
    }

    /// Of the kinds, columns and values of a row. Of several counters of one rank the first counts.
    #[inline]
    pub fn of(row: impl Iterator<Item = (CounterKind, usize, f64)>) -> Self {
        let mut best = Self::default();
        for (kind, column, value) in row {
            let (slot, rank) = match kind {
                CounterKind::Step(rank) => (&mut best.step, rank),
                CounterKind::Epoch(rank) => (&mut best.epoch, rank),
                CounterKind::Value => continue,
            };
            // What is called a step and is a part of one is the time that it took.
            let time = kind.is_step() && value > 0.0 && value < 1.0 && rank + 1 < CounterKind::BAR;
            if value.is_finite() && !time && slot.is_none_or(|known| rank < known.rank) {
                *slot = Some(Count { rank, column, value });
            }
        }
        best
    }
}
