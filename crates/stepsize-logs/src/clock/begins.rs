//! Where another run begins.

use super::{Again, Clock, Count, RowCounts};
use crate::names::CounterKind;

/// A run that goes back to its first part of this size begins again: no checkpoint is that old.
const BEGINNING: f64 = 0.05;

impl Clock {
    /// Whether a row is the first of another run. `read` has, for each of its names, where the
    /// first and the last reading so far were made: steps and epochs.
    #[inline]
    pub fn is_new_run(
        &self,
        counts: RowCounts,
        again: Again,
        started: bool,
        mut read: impl Iterator<Item = ((f64, f64), (f64, f64))>,
    ) -> bool {
        let epoch_now = counts.epoch.map_or(self.epoch, |epoch| epoch.value);
        // A run that was ended in its first epoch, and the next.
        let first_again = |first: f64| {
            (started || self.other_end.is_some_and(f64::is_finite))
                && !self.early
                && counts.epoch.is_some()
                && epoch_now <= first
                && epoch_now == self.epoch
        };
        let bar = |rank: usize| rank == CounterKind::BAR;
        let goes_on = counts.epoch.is_some() && epoch_now >= self.epoch && epoch_now > self.first_epoch;
        match counts.step.filter(|_| !self.lengths.known()) {
            // The first epoch again, whatever its bar counts.
            Some(Count { rank, .. })
                if bar(rank) && counts.epoch.is_some() && epoch_now < self.epoch.min(self.first_epoch + 1.0) =>
            {
                read.any(|(first, last)| epoch_now <= first.1 && epoch_now < last.1)
            }
            Some(_) if self.counts_within(again) && !started => false,
            Some(Count { rank, .. }) if bar(rank) && first_again(self.first_epoch) => read.next().is_some(),
            // The bar of an evaluation, above a row whose epoch goes on.
            Some(Count { rank, .. }) if bar(rank) && goes_on => false,
            Some(Count { rank, value: count, .. }) if rank <= self.best.0 => {
                let epoch_went_on = || epoch_now.floor() > self.epoch_then.floor();
                // The last epoch is over.
                let over = self.late && self.epoch >= self.totals.1;
                // One line an epoch, each with the last count of its own.
                let same = count == self.count && epoch_now.floor() < self.epoch_then.floor();
                // The only epoch again, to its end: a training in a loop.
                let only = epoch_now == self.totals.1 && epoch_now <= self.first_epoch;
                let whole = counts.epoch.is_some() && only && count == self.count && count == self.totals.0;
                (count < self.count || same || whole)
                    && (over || self.whole.known() && counts.epoch.is_none() || !epoch_went_on())
                    && (!self.within() || epoch_now <= self.first_epoch)
                    && read.any(|(first, last)| {
                        let begins = count <= first.0 || first.0.is_nan() && epoch_now <= first.1;
                        // Below another header of a table.
                        (begins || started && again == Again::Run) && (count < last.0 || whole && count == last.0)
                    })
            }
            _ => {
                // The same epoch from its beginning.
                let same = self.shares.again && counts.epoch.is_some() && epoch_now == self.epoch;
                // The first epoch that is told need not be the first: `Epoch 10/100`.
                let far = |first: f64, last: f64| {
                    self.other_end.is_some() && epoch_now * 2.0 < last
                        || epoch_now - first <= BEGINNING * (last - first)
                };
                // A count of steps that stood beside other readings does not place these.
                let by_epoch = |last: f64| self.step.is_nan() || self.is_bar() || last.is_nan();
                read.any(|(first, last)| {
                    by_epoch(last.0)
                        && far(first.1, last.1)
                        && (same || epoch_now < last.1 || first_again(self.first_epoch))
                })
            }
        }
    }
}
