//! [`RawClock`]: the counts of a log as they stand.

use super::{Count, RowCounts};
use crate::names::CounterKind;

/// Where in its run a reading was made, by the counts as the log has them; NaN where there was
/// none.
#[derive(Debug, Clone, Copy)]
pub struct LogPosition {
    /// The best known counter of steps, wherever it stood last.
    pub steps: f64,
    /// The best known counter of epochs, wherever it stood last.
    pub epochs: f64,
    /// The counter of steps on the reading's own row.
    pub own: f64,
}

impl Default for LogPosition {
    fn default() -> Self {
        Self { steps: f64::NAN, epochs: f64::NAN, own: f64::NAN }
    }
}

/// The counters of a log as they stand, each in its own unit. A counter of steps that goes back
/// while no epoch has gone on counts something else, such as the batches of a validation, and is
/// ignored.
///
/// ```
/// use stepsize_logs::{CounterKind, RawClock};
/// let mut clock = RawClock::default();
/// for count in [10.0, 20.0, 5.0] {
///     clock.note([(CounterKind::of("step"), count)]);
/// }
/// assert_eq!((clock.position().steps, clock.position().own), (20.0, 5.0));
/// ```
#[derive(Debug)]
pub struct RawClock {
    position: LogPosition,
    /// Ranks of the best known counters of steps and of epochs.
    best: (usize, usize),
    /// The epoch in which steps were last counted.
    epoch_then: f64,
}

impl Default for RawClock {
    fn default() -> Self {
        Self { position: LogPosition::default(), best: (usize::MAX, usize::MAX), epoch_then: f64::NAN }
    }
}

impl RawClock {
    /// Takes in the numbers of a row with what each counts. Of several counters of one name the
    /// last counts: a line may begin with a count of its own.
    pub fn note<I>(&mut self, row: I)
    where
        I: IntoIterator<Item = (CounterKind, f64)>,
        I::IntoIter: DoubleEndedIterator,
    {
        self.position.own = f64::NAN;
        let RowCounts { step, epoch } = RowCounts::of(row.into_iter().rev().map(|(kind, value)| (kind, 0, value)));
        if let Some(epoch) = epoch.filter(|epoch| epoch.rank <= self.best.1) {
            (self.position.epochs, self.best.1) = (epoch.value, epoch.rank);
        }
        let Some(Count { rank, value, .. }) = step else { return };
        self.position.own = value;
        let back = rank == self.best.0 && value < self.position.steps;
        let epoch_went_on = self.position.epochs > self.epoch_then;
        if rank <= self.best.0 && (!back || epoch_went_on) {
            (self.position.steps, self.best.0, self.epoch_then) = (value, rank, self.position.epochs);
        }
    }

    /// Takes the count of the counter that was asked for, which holds whatever it does.
    pub fn set_steps(&mut self, count: f64) {
        self.position = LogPosition { steps: count, ..LogPosition::default() };
    }

    /// Where the last row was.
    pub fn position(&self) -> LogPosition {
        self.position
    }
}
