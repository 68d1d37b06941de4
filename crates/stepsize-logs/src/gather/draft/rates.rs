//! What was read in a column, and what tells a run that goes back from another one.

use super::super::NameFacts;
use super::Draft;
use crate::clock::RowCounts;
use crate::thin::{Thin, ThinPoint};

/// The factor from which on two rates at one place are of two schedules.
const OTHER: f64 = 2.0;

impl Draft {
    /// How many readings a column has.
    pub fn count(&self, column: usize) -> u64 {
        self.columns.get(column).and_then(Option::as_ref).map_or(0, Thin::seen)
    }

    /// The last reading of a column.
    pub fn last(&self, column: usize) -> Option<ThinPoint> {
        self.columns.get(column)?.as_ref()?.last()
    }

    /// The first and the last value of a column.
    pub fn fall(&self, column: usize) -> Option<(f64, f64)> {
        let thin = self.columns.get(column)?.as_ref()?;
        Some((thin.first()?.value, thin.last()?.value))
    }

    /// Whether a column was first read at this step, and again further on.
    pub fn begins_again(&self, column: usize, step: f64) -> bool {
        self.first(column).is_some_and(|(first, last)| first.0 == step && last.0 > step)
    }

    /// Whether a row goes back and tells another rate than was read there before. A run that was
    /// restarted goes on with its schedule; this one is another run.
    #[inline]
    pub fn has_other_rate(&self, row: &[(usize, f64)], counts: RowCounts, names: &[NameFacts]) -> bool {
        let clock = &self.clock;
        let before = |step: f64| step < clock.step && !clock.within();
        let back = match counts.epoch() {
            Some(epoch) => epoch.value < clock.epoch,
            None => counts.step().is_some_and(|c| before(c.value) && !c.is_bar()),
        };
        back && !clock.early
            && row.iter().any(|(column, rate)| {
                names.get(*column).is_some_and(|n| n.rate)
                    && self
                        .rate_at(*column, counts)
                        .is_some_and(|known| *rate > 0.0 && known > 0.0 && (rate / known).ln().abs() > OTHER.ln())
            })
    }

    /// The rate that was read last before these counts.
    fn rate_at(&self, column: usize, counts: RowCounts) -> Option<f64> {
        let marks = self.columns.get(column)?.as_ref()?.marks();
        let before = |m: &&ThinPoint| match (counts.step(), counts.epoch()) {
            (_, Some(epoch)) => m.epoch <= epoch.value,
            (Some(step), None) => m.step <= step.value,
            (None, None) => false,
        };
        marks.iter().rfind(before).map(|m| m.value)
    }
}
