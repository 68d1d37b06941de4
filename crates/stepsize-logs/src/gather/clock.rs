//! [`Clock`]: where in its run a row is, from the counters that it holds.
//!
//! Of several counters of steps the best known is meant; another one is followed while it does not contradict it (nanoGPT
//! prints `step 250` for evaluations and `iter 251` in between). A counter that goes back while the epoch goes on counts
//! within epochs: the step is then `(epoch - first epoch) * length of an epoch + count`.

use super::draft::Draft;
use super::{Again, NameFacts};
use crate::{epoch_rank, step_rank};

/// What a name is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum CounterKind {
    /// A counter of steps; less is better.
    Step(usize),
    /// A counter of epochs or of data; less is better.
    Epoch(usize),
    Value,
}

impl CounterKind {
    pub fn of(name: &str) -> Self {
        match (step_rank(name), epoch_rank(name)) {
            (Some(rank), _) => Self::Step(rank),
            (_, Some(rank)) => Self::Epoch(rank),
            _ => Self::Value,
        }
    }
}

/// The counters as they stand; NaN where none was seen.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    pub step: f64,
    pub epoch: f64,
    /// The last count of the counter of steps, and the epoch at that time.
    count: f64,
    first_count: f64,
    epoch_then: f64,
    first_epoch: f64,
    /// Steps of an epoch, once it is known that steps are counted within epochs.
    per_epoch: f64,
    /// Added when the counter began again and no epoch tells how often.
    offset: f64,
    best: (usize, usize),
    /// Column of the counter of steps and of the counter of epochs.
    pub columns: (Option<usize>, Option<usize>),
    pub totals: (f64, f64),
}

impl Default for Clock {
    fn default() -> Self {
        Self {
            step: f64::NAN,
            epoch: f64::NAN,
            count: f64::NAN,
            first_count: f64::NAN,
            epoch_then: f64::NAN,
            first_epoch: f64::NAN,
            per_epoch: f64::NAN,
            offset: 0.0,
            best: (usize::MAX, usize::MAX),
            columns: (None, None),
            totals: (f64::NAN, f64::NAN),
        }
    }
}

impl Clock {
    pub fn total(&mut self, kind: CounterKind, whole: f64) {
        match kind {
            CounterKind::Step(_) => self.totals.0 = whole,
            CounterKind::Epoch(_) => self.totals.1 = whole,
            CounterKind::Value => {}
        }
    }

    /// Whether steps are counted within epochs.
    pub fn within(&self) -> bool {
        self.per_epoch > 0.0
    }

    /// Whether a count that begins again is taken for one within epochs that are not named: a bar that knows its end.
    fn counts_within(&self, again: Again) -> bool {
        again == Again::RunAfterStart && self.epoch.is_nan() && self.totals.0.is_finite()
    }

    /// The best counters in a row: rank, column and count of steps, then of epochs.
    fn best(row: &[(usize, f64)], names: &[NameFacts]) -> [Option<(usize, usize, f64)>; 2] {
        let mut best: [Option<(usize, usize, f64)>; 2] = [None, None];
        for (column, value) in row {
            let (slot, rank) = match names.get(*column).map(|n| n.kind) {
                Some(CounterKind::Step(rank)) => (0, rank),
                Some(CounterKind::Epoch(rank)) => (1, rank),
                _ => continue,
            };
            if value.is_finite() && best[slot].is_none_or(|(r, ..)| rank < r) {
                best[slot] = Some((rank, *column, *value));
            }
        }
        best
    }

    /// Takes in the counters of a row; `behind` says whether one of its names was read at a later step already.
    pub fn note(&mut self, row: &[(usize, f64)], names: &[NameFacts], again: Again, behind: impl Fn(f64) -> bool) {
        let [step, epoch] = Self::best(row, names);
        if let Some((rank, column, value)) = epoch.filter(|(r, ..)| *r <= self.best.1) {
            (self.best.1, self.columns.1, self.epoch) = (rank, Some(column), value);
            if self.first_epoch.is_nan() {
                self.first_epoch = value;
            }
        }
        let Some((rank, column, count)) = step else { return };
        if rank > self.best.0 && (count < self.count || self.within()) {
            return;
        }
        if rank <= self.best.0 {
            (self.best.0, self.columns.0) = (rank, Some(column));
        }
        // One line an epoch, each with the last count of its own: `13/13 - loss: 0.5`.
        let stays = count == self.count && (count == self.totals.0 || count == self.first_count);
        let next_epoch = self.epoch.floor() > self.epoch_then.floor();
        let back = count < self.count || stays && next_epoch;
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
            self.per_epoch = if whole >= self.count && whole < 2.0 * self.count + 2.0 {
                whole
            } else {
                self.count.max(1.0) / epochs
            };
        } else if back && count <= self.first_count && self.counts_within(again) {
            self.offset += self.count;
        }
        if self.count.is_nan() {
            self.first_count = count;
        }
        (self.count, self.epoch_then) = (count, self.epoch);
        self.step = self.step_of(count);
    }

    fn step_of(&self, count: f64) -> f64 {
        match self.within() {
            true => (self.epoch.floor() - self.first_epoch.floor()) * self.per_epoch + count,
            false => self.offset + count,
        }
    }

    /// Whether the row is the first of another run.
    pub fn is_new_run(
        &self,
        row: &[(usize, f64)],
        names: &[NameFacts],
        draft: &Draft,
        again: Again,
        started: bool,
    ) -> bool {
        let [step, epoch] = Self::best(row, names);
        let epoch_now = epoch.map_or(self.epoch, |(.., v)| v);
        let first = |column: usize| draft.first(column);
        match step {
            Some(_) if self.counts_within(again) && !started => false,
            Some((rank, _, count)) if rank <= self.best.0 => {
                let epoch_went_on = || epoch_now.floor() > self.epoch_then.floor();
                let behind = |c: usize| first(c).is_some_and(|(first, last)| count <= first.0 && count < last.0);
                count < self.count
                    && !epoch_went_on()
                    && (!self.within() || epoch_now <= self.first_epoch)
                    && row.iter().any(|(c, _)| behind(*c))
            }
            _ => {
                let behind =
                    |c: usize| first(c).is_some_and(|(first, last)| epoch_now <= first.1 && epoch_now < last.1);
                self.step.is_nan() && row.iter().any(|(c, _)| behind(*c))
            }
        }
    }
}
