//! Where another run begins.

use super::{Again, Clock, Count, RowCounts};

/// A run that goes back to its first part of this size begins again: no checkpoint is that old.
const BEGINNING: f64 = 0.05;

/// Where a name was read first and last: step and epoch.
type Span = ((f64, f64), (f64, f64));

/// A row, as the clock of the run so far sees it.
struct AtRow<'a> {
    clock: &'a Clock,
    epoch: f64,
    /// Whether the row names its epoch.
    named: bool,
    /// What to do when the counter goes back, and whether a start of a program stands above.
    again: Again,
    started: bool,
}

impl Clock {
    /// Whether a count that went back is the next one of a counter that came to its known end:
    /// `1650/1687`, `63/1687`.
    pub(super) fn wraps(&self, count: f64) -> bool {
        let end = self.totals.0;
        self.count <= end && self.count + self.stride > end && count <= self.stride
    }

    /// Whether a count is the end of an epoch again: that to which the last one went.
    pub(super) fn ends_at(&self, count: Count) -> bool {
        count.rank == self.best.0 && count.value == self.count && self.count == self.totals.0
    }

    /// Whether a row is the first of another run. `read` has, for each of its names, where the
    /// first and the last reading so far were made: steps and epochs.
    #[inline]
    pub fn is_new_run(
        &self,
        counts: RowCounts,
        again: Again,
        started: bool,
        mut read: impl Iterator<Item = Span>,
    ) -> bool {
        let epoch = counts.epoch.map_or(self.epoch, |epoch| epoch.value);
        let row = AtRow { clock: self, epoch, named: counts.epoch.is_some(), again, started };
        // Below the start of a program its first epoch again, whatever counts steps beside it, or
        // its first step.
        if started && (row.is_at_first_epoch() || row.is_at_first_step(counts.step)) {
            return read.next().is_some();
        }
        match counts.step.filter(|_| !self.lengths.known()) {
            // Whatever is counted within epochs, or by its bar.
            Some(count) if (count.is_bar() || self.within()) && row.is_earlier_epoch() => {
                read.any(|(first, last)| epoch <= first.1 && epoch < last.1)
            }
            Some(_) if self.counts_within(again) && !started => false,
            Some(count) if count.is_bar() && row.is_first_epoch_again() => read.next().is_some(),
            // The bar of an evaluation, above a row whose epoch goes on.
            Some(count) if count.is_bar() && row.is_later_epoch() => false,
            Some(count) if count.rank <= self.best.0 => row.counts_again(count.value, read),
            _ => row.names_epoch_again(read),
        }
    }
}

impl AtRow<'_> {
    /// The first epoch again, after others.
    fn is_earlier_epoch(&self) -> bool {
        self.named && self.epoch < self.clock.epoch.min(self.clock.first_epoch + 1.0)
    }

    /// The first epoch again, or one before it, after later ones.
    fn is_at_first_epoch(&self) -> bool {
        self.named && self.epoch <= self.clock.first_epoch && self.epoch < self.clock.epoch
    }

    /// The first step again, right after it.
    fn is_at_first_step(&self, step: Option<Count>) -> bool {
        let clock = self.clock;
        let again =
            |step: Count| step.rank == clock.best.0 && step.value == clock.count && clock.count == clock.first_count;
        step.is_some_and(again) && !(self.named && self.epoch > clock.first_epoch)
    }

    /// The first epoch again, right after it: a run was ended there, and the next begins.
    fn is_first_epoch_again(&self) -> bool {
        let told = self.started || self.clock.other_end.is_some_and(f64::is_finite);
        told && !self.clock.early
            && self.named
            && self.epoch <= self.clock.first_epoch
            && self.epoch == self.clock.epoch
    }

    fn is_later_epoch(&self) -> bool {
        self.named && self.epoch >= self.clock.epoch && self.epoch > self.clock.first_epoch
    }

    /// Whether the counter of steps begins again, and no epoch says that it counts within epochs.
    fn counts_again(&self, count: f64, mut read: impl Iterator<Item = Span>) -> bool {
        let clock = self.clock;
        // One line an epoch, each with the last count of its own.
        let same = count == clock.count && self.epoch.floor() < clock.epoch_then.floor();
        // The only epoch again, to its end: a training in a loop.
        let only = self.epoch == clock.totals.1 && self.epoch <= clock.first_epoch;
        let whole = self.named && only && count == clock.count && count == clock.totals.0;
        let back = count < clock.count || same || whole;
        let last_epoch_over = clock.late && clock.epoch >= clock.totals.1;
        let counts_whole_run = clock.whole.known() && !self.named;
        let epoch_went_on = self.epoch.floor() > clock.epoch_then.floor();
        let may = last_epoch_over || counts_whole_run || !epoch_went_on;
        let first_epoch = !clock.within() || self.epoch <= clock.first_epoch;
        // Back to the first epoch, or to the first multiple of a stride that the run did not begin
        // with.
        let regular = clock.first_count % clock.stride == 0.0;
        let from_its_beginning = self.is_at_first_epoch() || count == clock.stride && !regular;
        let begins = |(first, last): Span| {
            // Runs of one script may be logged at strides of their own.
            let early = self.started && count - first.0 <= 2.0 * BEGINNING * (last.0 - first.0);
            let early = early || from_its_beginning || count <= first.0;
            let at_first = early || first.0.is_nan() && self.epoch <= first.1;
            let below_header = self.started && self.again == Again::Run;
            (at_first || below_header) && (count < last.0 || whole && count == last.0)
        };
        back && may && first_epoch && read.any(begins)
    }

    /// Whether epochs, which alone place the readings, begin again.
    fn names_epoch_again(&self, mut read: impl Iterator<Item = Span>) -> bool {
        let clock = self.clock;
        let from_its_beginning = clock.shares.again && self.named && self.epoch == clock.epoch;
        // The first epoch that is told need not be the first: `Epoch 10/100`.
        let far = |first: f64, last: f64| {
            clock.other_end.is_some() && self.epoch * 2.0 < last || self.epoch - first <= BEGINNING * (last - first)
        };
        // A count of steps that stood beside other readings does not place these.
        let by_epoch = |last: f64| clock.step.is_nan() || clock.is_bar() || last.is_nan();
        // What was read above the first line that names an epoch has none.
        let first_of = |first: f64| if first.is_nan() { clock.first_epoch } else { first };
        read.any(|(first, last)| {
            by_epoch(last.0)
                && far(first_of(first.1), last.1)
                && (from_its_beginning || self.epoch < last.1 || self.is_first_epoch_again())
        })
    }
}
