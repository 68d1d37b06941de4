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
        // A product that should be whole may fall just short of it.
        self.count(place).map(|count| (count * self.scale + 1e-6) as u64 + u64::from(self.from_zero))
    }

    /// The step at a position, where the counter counts steps as `--steps` does and has more than one
    /// to go until `steps`: a count from zero ends one short of them.
    pub fn printed_before(self, steps: u64, place: LogPosition) -> Option<u64> {
        let count = self.count(place).filter(|_| self.scale == 1.0)?;
        self.step(place).filter(|_| count + 1.0 < steps as f64)
    }

    fn count(self, place: LogPosition) -> Option<f64> {
        let count = match self.counter {
            Counter::Own if place.own.is_finite() => place.own,
            Counter::Own | Counter::Steps => place.steps,
            Counter::Epochs => place.epochs,
            Counter::Readings => return None,
        };
        Some(count).filter(|count| count.is_finite() && *count >= 0.0)
    }
}
