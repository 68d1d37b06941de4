//! Where in its run a row of a log is, from the counters that it holds.
//!
//! Both readers take the best known counter of each kind on a row ([`RowCounts`]). They differ in
//! what they keep:
//!
//! - [`Clock`] reads a finished or growing log by itself. It joins counters into one step: another
//!   counter of steps is followed while it does not contradict the best known one (nanoGPT prints
//!   `step 250` for evaluations and `iter 251` in between). A counter that goes back while the
//!   epoch goes on counts within epochs: the step is then `(epoch - first epoch) * length of an
//!   epoch + count`.
//! - [`RawClock`] reads the log of a command whose length was asked for, in a unit that is not
//!   known before the first whole run has ended. It keeps the counts as they stand, so that the
//!   unit can be chosen later.

mod begins;
mod doubt;
mod raw;
mod row;

use crate::names::CounterKind;
use doubt::{Beside, Lengths, Passes, Rival, Shares, Whole};
pub use raw::{LogPosition, RawClock};
pub(crate) use row::{Count, RowCounts};

/// A count that is so many times smaller counts something else.
const FAR: f64 = 4.0;

/// What to do when the counter goes back to its beginning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Again {
    /// Start a new run. Safe for tables and records: a step counter that restarts each epoch has
    /// the epoch on the same row.
    Run,
    /// Start a new run only after a line that looks like the start of a program; otherwise the
    /// counter counts within epochs.
    RunAfterStart,
}

/// What places readings of a run by another counter than their own.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EpochFrame {
    /// The steps of the epochs before the first that is told.
    pub skipped: f64,
    pub first_epoch: f64,
    /// The steps of an epoch.
    pub length: Option<f64>,
}

impl EpochFrame {
    /// Whether epochs are counted from 1: the end of the first one is 1.
    pub fn counts_from_one(self) -> bool {
        self.first_epoch >= 1.0
    }

    /// The last step of an epoch.
    pub fn end_of(self, epoch: f64) -> Option<f64> {
        let epochs = if epoch.fract() == 0.0 { epoch - self.first_epoch.floor() + 1.0 } else { epoch };
        self.length.map(|length| epochs * length).filter(|step| *step >= 0.0)
    }
}

/// The counters of one run joined into a step and an epoch; NaN where none was seen.
#[derive(Debug, Clone)]
pub(crate) struct Clock {
    pub step: f64,
    pub epoch: f64,
    /// The last count of the counter of steps, and the epoch at that time.
    count: f64,
    first_count: f64,
    /// How far apart the last two counts were.
    stride: f64,
    epoch_then: f64,
    first_epoch: f64,
    /// Steps of an epoch, once it is known that steps are counted within epochs.
    per_epoch: f64,
    /// Added when the counter began again and no epoch shows how often.
    offset: f64,
    /// What speaks against the counter of steps.
    rival: Rival,
    lengths: Lengths,
    passes: Passes,
    whole: Whole,
    shares: Shares,
    /// Whether epochs are named at their end only, below the steps that were counted in them.
    late: bool,
    /// Ranks of the best known counters of steps and of epochs.
    best: (usize, usize),
    /// Columns of these counters.
    pub columns: (Option<usize>, Option<usize>),
    /// The counts that they go up to, as in `3/10`.
    pub totals: (f64, f64),
    /// How far epochs went before, where they now go up to another number.
    other_end: Option<f64>,
    /// Whether no metric was read so far.
    pub early: bool,
    /// The counters that stood beside metrics.
    pub beside: Beside,
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            step: f64::NAN,
            epoch: f64::NAN,
            count: f64::NAN,
            first_count: f64::NAN,
            stride: f64::NAN,
            epoch_then: f64::NAN,
            first_epoch: f64::NAN,
            per_epoch: f64::NAN,
            offset: 0.0,
            rival: Rival::default(),
            lengths: Lengths::default(),
            passes: Passes::default(),
            whole: Whole::default(),
            shares: Shares::default(),
            late: false,
            best: (usize::MAX, usize::MAX),
            columns: (None, None),
            totals: (f64::NAN, f64::NAN),
            other_end: None,
            early: true,
            beside: Beside::default(),
        }
    }
}

impl Clock {
    /// Notes the count that a counter goes up to.
    pub fn total(&mut self, kind: CounterKind, whole: f64) {
        match kind {
            CounterKind::Step(_) if self.late && self.totals.0.is_finite() => {
                self.passes.aside = whole != self.totals.0;
            }
            CounterKind::Step(_) if !self.early && whole < self.totals.0 => self.passes.shorter = Some(whole),
            CounterKind::Step(_) => {
                self.passes.further = !self.early && whole > self.totals.0;
                (self.totals.0, self.passes.shorter) = (whole, None);
            }
            CounterKind::Epoch(_) => {
                if self.totals.1 != whole {
                    self.other_end = Some(self.totals.1);
                }
                self.totals.1 = whole;
            }
            CounterKind::Value => {}
        }
    }

    /// Notes the share of its epoch that is over, of the row that comes.
    pub fn share(&mut self, share: f64) {
        self.shares.note(share);
    }

    /// Begins after another run, whose epoch may have gone back already: that is of this one.
    pub fn follow(&mut self, before: &Self) {
        if before.epoch.floor() < before.epoch_then.floor() {
            (self.epoch, self.first_epoch) = (before.epoch, before.epoch);
        }
    }

    /// Whether steps are the counts of a progress bar.
    pub fn is_bar(&self) -> bool {
        self.best.0 == CounterKind::BAR
    }

    /// Whether steps are counted within epochs.
    pub fn within(&self) -> bool {
        self.per_epoch > 0.0
    }

    /// What places readings by the counter of the others.
    pub fn frame(&self) -> EpochFrame {
        let (skipped, first_epoch) = (self.skipped(), self.first_epoch);
        EpochFrame { skipped, first_epoch, length: self.length_of_epoch() }
    }

    /// The steps of the epochs before the first that is told, where steps are counted within
    /// epochs.
    fn skipped(&self) -> f64 {
        let epochs = (self.first_epoch.floor() - 1.0).max(0.0);
        if self.within() { epochs * self.per_epoch } else { 0.0 }
    }

    /// The steps of an epoch, if steps begin again with each.
    pub fn length_of_epoch(&self) -> Option<f64> {
        let length = if self.within() { self.per_epoch } else { self.totals.0 };
        Some(length).filter(|length| *length > 0.0 && (self.within() || self.offset > 0.0))
    }

    /// Whether the counter of steps on a row goes back and counts epochs, or nothing, there.
    #[inline]
    pub fn counts_other(&self, counts: RowCounts) -> bool {
        let next = if self.epoch.is_nan() { 0.0 } else { self.epoch + 1.0 };
        counts.step.is_some_and(|step| step.rank <= self.best.0 && step.value < self.count && step.value <= next)
            && counts.epoch.is_none()
    }

    /// Whether the counter of steps on a row stands below the last one, in the same epoch.
    #[inline]
    pub fn begins_again_in_epoch(&self, counts: RowCounts) -> bool {
        let Some((step, epoch)) = counts.step.zip(counts.epoch) else { return false };
        step.rank == self.best.0 && step.value < self.count && epoch.value == self.epoch
    }

    /// Whether a row counts on from the last one.
    pub fn goes_on(&self, counts: RowCounts) -> bool {
        let on = || counts.step.is_some_and(|step| step.rank == self.best.0 && step.value > self.count);
        counts.epoch.map_or_else(on, |epoch| epoch.value > self.epoch)
    }

    /// Whether a row names the first epoch again, after later ones.
    pub fn begins_epochs_again(&self, counts: RowCounts) -> bool {
        counts.epoch.is_some_and(|epoch| epoch.value <= self.first_epoch && self.epoch > self.first_epoch + 1.0)
    }

    /// Whether the count of steps on a row begins again and is to go further than before, where no
    /// epoch was named.
    pub fn counts_further(&self, counts: RowCounts) -> bool {
        let back = |step: Count| step.rank == self.best.0 && step.value < self.count;
        self.passes.further && self.epoch.is_nan() && counts.step.is_some_and(back)
    }

    /// Whether the count of steps on a row is of another kind than the last one: it stands far
    /// below that, and no epoch is named.
    pub fn is_far_behind(&self, counts: RowCounts) -> bool {
        let step = counts.step.filter(|_| counts.epoch.is_none() && self.epoch.is_nan());
        step.is_some_and(|step| step.rank == self.best.0 && step.value * FAR < self.count)
    }

    /// Whether the count on this row is of a validation without a name: it goes less far than that
    /// of the training, within the same epoch. Without epochs only a progress bar that is far
    /// shorter is one.
    pub fn is_shorter_pass(&self, counts: RowCounts) -> bool {
        let Some(Count { rank, value, .. }) = counts.step else { return false };
        let epoch = counts.epoch.map_or(self.epoch, |epoch| epoch.value);
        let (same, bar) = (epoch.floor() == self.epoch_then.floor(), rank == CounterKind::BAR);
        let fits = if epoch.is_nan() { bar && self.passes.is_far_shorter(self.totals.0) } else { same };
        self.passes.shorter.is_some() && fits && value < self.count
    }

    /// Whether a count that begins again is one within epochs that are not named: a progress bar
    /// with a known end.
    fn counts_within(&self, again: Again) -> bool {
        let known = self.totals.0.is_finite() || self.late && (self.totals.1.is_nan() || self.epoch < self.totals.1);
        again == Again::RunAfterStart && (self.epoch.is_nan() || self.late) && known
    }

    /// Takes in the counters of a row; `behind` says whether one of its names was read at a later
    /// step already.
    pub fn note(&mut self, counts: RowCounts, again: Again, behind: impl Fn(f64) -> bool) {
        let RowCounts { step, epoch } = counts;
        if again == Again::RunAfterStart && step.is_none() && epoch.is_some() && self.epoch.is_nan() {
            // The steps of the first epoch were counted to their end before it was named.
            let goes_on = self.totals.0.is_nan() && self.count > 0.0 && self.totals.1 > 1.0 && !self.early;
            self.late = self.count >= self.totals.0 || goes_on;
        }
        // Or their count stands beside its name.
        let first = epoch.filter(|epoch| self.epoch.is_nan() || epoch.rank < self.best.1);
        if let Some(epoch) = first.filter(|_| again == Again::RunAfterStart && !self.early && self.totals.0.is_nan()) {
            let on = |step: Count| step.rank == self.best.0 && step.value > self.count && self.stride > 0.0;
            if step.is_some_and(on) {
                (self.late, self.epoch, self.first_epoch) = (true, epoch.value, epoch.value);
            }
        }
        let Passes { aside, shorter, .. } = std::mem::take(&mut self.passes);
        self.other_end = None;
        // Not a validation: what the counter goes up to has changed.
        if let Some(shorter) = shorter.filter(|_| step.is_some_and(|s| s.rank <= self.best.0)) {
            self.totals.0 = shorter;
        }
        if let Some(epoch) = epoch.filter(|epoch| epoch.rank <= self.best.1) {
            (self.best.1, self.columns.1, self.epoch) = (epoch.rank, Some(epoch.column), epoch.value);
            // Before the first metric a count of epochs may be how many there are to be.
            let unsure = self.count.is_nan() || self.early;
            if self.first_epoch.is_nan() && !unsure && epoch.value > 1.0 && step.is_some_and(|s| self.ends_at(s)) {
                // What came before was of the epoch before, whose name was cut off.
                (self.first_epoch, self.epoch_then) = (epoch.value - 1.0, epoch.value - 1.0);
            } else if self.first_epoch.is_nan() || unsure && epoch.value < self.first_epoch {
                self.first_epoch = epoch.value;
            }
        }
        let bar = CounterKind::BAR;
        if step.is_none() && epoch.is_some() && self.best.0 == bar {
            // The epoch of a row says more than a progress bar above it.
            self.step = f64::NAN;
        }
        let Some(Count { rank, column, value: count }) = step else { return };
        if aside {
            return;
        }
        if rank == self.best.0 && self.counts_length(count) {
            self.step = f64::NAN;
            return;
        }
        if rank > self.best.0 && (rank == bar || count < self.count || self.within()) {
            let wins = rank != bar && self.rival.wins();
            // What was seen under the better known name was another thing.
            if self.within() || !wins {
                return;
            }
            self.forget_worse(counts);
        }
        self.rival.seen();
        // A progress bar counted so far, and may have counted anything.
        if rank < self.best.0 && self.best.0 == bar {
            (self.count, self.epoch_then, self.per_epoch, self.offset) = (f64::NAN, f64::NAN, f64::NAN, 0.0);
        }
        if rank <= self.best.0 {
            (self.best.0, self.columns.0) = (rank, Some(column));
        }
        // One line an epoch, each with the last count of its own: `13/13 - loss: 0.5`.
        let stays = count == self.count && (count == self.totals.0 || count == self.first_count);
        let on = self.epoch.floor() > self.epoch_then.floor();
        let next_epoch = !(self.late || self.whole.known() && epoch.is_none()) && on;
        let back = count < self.count || stays && next_epoch;
        if !back {
            self.whole.note(on);
        }
        if back && !next_epoch && self.early {
            // What was counted before the first metric was how far the run is to go.
            (self.count, self.first_count, self.epoch_then, self.offset) = (count, count, self.epoch, 0.0);
            self.step = self.step_of(count);
            return;
        }
        let epoch_went_on = back && next_epoch;
        if back && !epoch_went_on && !behind(self.step_of(count)) {
            // A count of its own: batches of a validation, or an evaluation of an older state.
            if epoch.is_none() {
                self.step = self.step_of(count);
            }
            return;
        }
        if epoch_went_on && !self.within() {
            let whole = self.totals.0;
            let epochs = (self.epoch.floor() - self.epoch_then.floor()).max(1.0);
            self.per_epoch = if whole >= self.count && (stays || whole < 2.0 * self.count + 2.0) {
                whole
            } else {
                // An epoch that is counted from zero has one step more than its last count.
                (self.count + f64::from(u8::from(self.first_count == 0.0))).max(1.0) / epochs
            };
        } else if back && self.counts_within(again) && (count <= self.first_count || self.wraps(count)) {
            self.offset += if self.wraps(count) { self.totals.0 } else { self.count };
        }
        if !back {
            self.stride = count - self.count;
        }
        if self.count.is_nan() {
            self.first_count = count;
        }
        (self.count, self.epoch_then) = (count, self.epoch);
        self.step = self.step_of(count);
    }

    /// The counts on a row, without a step that another column counts so far.
    pub fn own(&self, counts: RowCounts) -> RowCounts {
        let step = counts.step.filter(|step| self.columns.0.is_none_or(|column| column == step.column));
        RowCounts { step, ..counts }
    }

    /// Forgets a better known counter of steps that was seen before the first metric, if the row of
    /// that metric has another one.
    pub fn forget_worse(&mut self, counts: RowCounts) {
        let other = counts.step.map_or(counts.epoch.is_some() && self.best.0 != CounterKind::BAR, |step| {
            step.rank > self.best.0 && step.rank != CounterKind::BAR
        });
        if other {
            (self.best.0, self.columns.0, self.rival) = (usize::MAX, None, Rival::default());
            (self.step, self.count, self.first_count, self.offset) = (f64::NAN, f64::NAN, f64::NAN, 0.0);
            (self.epoch_then, self.per_epoch, self.totals.0) = (f64::NAN, f64::NAN, f64::NAN);
        }
    }

    /// Whether what is called steps is how long each epoch was.
    fn counts_length(&mut self, count: f64) -> bool {
        if !self.lengths.known() && self.epoch.is_finite() && self.epoch_then.is_finite() {
            let on = self.epoch.floor() > self.epoch_then.floor();
            let within = self.within() && self.totals.0.is_nan();
            self.lengths.note(on, count.total_cmp(&self.count), within);
        }
        self.lengths.known()
    }

    /// The last step of the epoch that is over, where its length is known.
    pub fn end_of_epoch(&self) -> f64 {
        let rest = self.totals.0 - self.count;
        if rest > 0.0 && !self.late { self.step + rest } else { self.step }
    }

    fn step_of(&self, count: f64) -> f64 {
        match self.within() {
            true => (self.epoch.floor() - self.first_epoch.floor()) * self.per_epoch + count,
            false => self.offset + count,
        }
    }
}
