//! [`Measure`]: where in a run a reading was made, in the unit of `--steps`.

use super::column::MetricColumn;
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
    /// How positions in a column become steps, from a whole run of `steps` steps.
    /// A command that is `cut` counts in the unit of `--steps`.
    pub fn of(column: &MetricColumn, steps: u64, cut: bool) -> Self {
        let share = |count: f64| count / steps as f64;
        let fits =
            |count: f64| (0.5..=1.02).contains(&share(count)) || (count <= steps as f64 && steps - count as u64 <= 1);
        let end = column.end();
        let steps_by = if end.own.is_finite() { (Counter::Own, end.own) } else { (Counter::Steps, end.steps) };
        let counts = [steps_by, (Counter::Epochs, end.epochs)];
        let first = |such: &dyn Fn(f64) -> bool| counts.into_iter().find(|(_, count)| such(*count));
        let (counter, scale) = if let Some((counter, _)) = first(&fits) {
            (counter, 1.0)
        } else if cut {
            (first(&|count| count.is_finite()).map_or(Counter::Readings, |c| c.0), 1.0)
        } else {
            // The counter has another unit than `--steps`. Its count at the end of the run gives
            // the ratio. One that is zero at the only reading was read at the beginning.
            let begun = |count: f64| count == 0.0 && column.count() == 1;
            match first(&|count| count > 0.0) {
                Some((counter, count)) => (counter, share(count).recip()),
                None => (first(&begun).map_or(Counter::Readings, |c| c.0), 1.0),
            }
        };
        // A count from zero begins there, or ends one short of the run.
        let zero_based = column.first_place().is_some_and(|p| p.epochs == 0.0) || end.epochs + 1.0 == steps as f64;
        let from_zero = counter == Counter::Epochs && zero_based;
        Self { counter, scale, from_zero }
    }

    /// The step at a position; `None` without a counter.
    pub fn step(self, place: LogPosition) -> Option<u64> {
        // A product that should be whole may fall just short of it.
        self.count(place).map(|count| (count * self.scale + 1e-6) as u64 + u64::from(self.from_zero))
    }

    /// The step at a position, where the counter counts steps as `--steps` does and has more than
    /// one to go until `steps`: a count from zero ends one short of them.
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
