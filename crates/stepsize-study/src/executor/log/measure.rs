//! [`Measure`]: where in a run a reading was made, in the unit of `--steps`.

use stepsize_logs::LogPosition;

/// How the position of a reading becomes a step, in the unit of `--steps`.
#[derive(Debug, Clone, Copy)]
pub(super) struct Measure {
    pub counter: Counter,
    pub scale: f64,
    /// Whether epochs are counted from zero, and reported when they are over.
    pub from_zero: bool,
}

/// Which counter places a reading.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Counter {
    /// The counter of steps on the row of the reading.
    Own,
    /// The newest counter of steps.
    Steps,
    /// The counter of epochs.
    Epochs,
    /// None: readings are counted.
    Readings,
}

impl Measure {
    /// The step at a position; `None` without a counter.
    pub fn step(self, place: LogPosition) -> Option<u64> {
        let count = match self.counter {
            Counter::Own if place.own.is_finite() => place.own,
            Counter::Own | Counter::Steps => place.steps,
            Counter::Epochs => place.epochs,
            Counter::Readings => return None,
        };
        // A product that should be whole may fall just short of it.
        (count.is_finite() && count >= 0.0).then(|| (count * self.scale + 1e-6) as u64 + u64::from(self.from_zero))
    }
}
