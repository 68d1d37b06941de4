//! Progress bars of Keras, and rules within boxes.

use crate::gather::Gather;
use crate::names::{CounterKind, DataSplit, metric_direction};
use crate::text::{Mark, Pair};

/// How far the first bar with readings goes, since an epoch was named: that of the training.
#[derive(Debug, Clone, Default)]
pub(super) struct Trained {
    whole: Option<Option<f64>>,
    /// Whether no epoch was named since the cell that trained ended.
    over: bool,
}

impl Trained {
    /// Whether a line is a bar of Keras that goes up to another number: `model.evaluate`.
    pub fn is_evaluation(&mut self, found: &[Pair]) -> bool {
        // Not `Restoring model weights from the end of the best epoch: 3`.
        if found.iter().any(|p| p.whole.is_some() && CounterKind::of(&p.name).is_epoch()) {
            (self.whole, self.over) = (Some(None), false);
        }
        let whole = found.iter().find(|p| p.mark == Mark::Bar).and_then(|p| p.whole);
        let (Some(whole), Some(trained)) = (whole, &mut self.whole) else { return false };
        let held_out = |p: &Pair| DataSplit::in_name(&p.name).is_some_and(DataSplit::is_held_out);
        // A bar of a training of one epoch, which Keras does not name, may have a validation.
        let over = self.over && !found.iter().any(held_out);
        found.iter().any(|p| metric_direction(&p.name).is_some()) && (over || *trained.get_or_insert(whole) != whole)
    }
}

impl super::Prose {
    /// Ends the row of an evaluation. Below the cell that trained it may be of another model.
    pub(super) fn end_evaluation(&self, gather: &mut Gather) {
        match self.trained.over {
            true => gather.drop_row(),
            false => gather.end_row_of(DataSplit::Test.prefix()),
        }
    }

    /// Whether a bar without a metric, of predictions or of an evaluation, stands among rows that
    /// count for themselves: it counts none of them.
    pub(super) fn is_idle_bar(&self, found: &[Pair]) -> bool {
        let counts = |p: &Pair| CounterKind::of(&p.name).is_epoch() || metric_direction(&p.name).is_some();
        self.counted.0 >= super::COUNTED && found.iter().any(|p| p.mark == Mark::Bar) && !found.iter().any(counts)
    }

    /// The cell of a notebook that may have trained is over.
    pub fn cell_ended(&mut self) {
        self.trained.over = self.trained.whole.is_some();
    }
}

/// A bar of Keras shows the mean so far. In this last part of an epoch it tells nearly what it ends
/// with on the next line.
const LAST: f64 = 0.95;
/// Steps of an epoch from which on that is less than one step.
const MANY: f64 = 20.0;

/// Whether a line is a bar of Keras that has not come to its end, but nearly.
pub(super) fn nearly_ends(found: &[Pair]) -> bool {
    let near = |p: &Pair| p.whole.is_some_and(|whole| whole >= MANY && (LAST * whole..whole).contains(&p.value));
    found.iter().any(|p| p.mark == Mark::Bar && near(p))
}

/// Whether a bar of Keras tells the time of the epoch only, `] - 2s - loss`, as it did while it
/// counted samples.
pub(super) fn is_timeless(line: &str) -> bool {
    let time = line.split_once("] - ").and_then(|(_, rest)| rest.split_once(" - ")).map_or("", |(time, _)| time);
    time.strip_suffix('s').is_some_and(|seconds| seconds.parse::<u32>().is_ok())
}

/// Whether a line is a rule between the rows of a box: `+-----+----+`, which also ends it.
pub(super) fn is_rule_within(line: &str) -> bool {
    let line = line.trim();
    line.starts_with(['+', '├']) && line.len() > 3 && line.contains(['-', '=', '─'])
}

/// The samples of an epoch, as Keras before 2.4 tells them: `Train on 58 samples, validate on 26
/// samples`. Its bar then counts samples, which are no steps.
pub(super) fn samples(line: &str) -> Option<f64> {
    let (count, rest) = line.trim_start().strip_prefix("Train on ")?.split_once(' ')?;
    count.parse().ok().filter(|_| rest.starts_with("samples"))
}
