//! What speaks against a counter of steps: each watches one way in which such a counter misleads.

use std::cmp::Ordering;

/// Another counter of steps, which is seen instead of the best known one.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Rival {
    /// Its rows since the last one of the best known counter, and the rows of that.
    rows: u32,
    best: u32,
}

impl Rival {
    /// Rows in a row, after which a better known counter that was hardly seen is given up.
    const ROWS: u32 = 10;

    /// Takes in a row of the other counter; returns whether it is the one that counts.
    pub fn wins(&mut self) -> bool {
        self.rows += 1;
        self.rows >= Self::ROWS && self.rows >= Self::ROWS / 2 * self.best
    }

    /// Takes in a row of the best known counter.
    pub fn seen(&mut self) {
        *self = Self { rows: 0, best: self.best.saturating_add(1) };
    }
}

/// What is called steps is how long each epoch was: no epoch had two counts, and they went back.
/// Games have an own length each.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Lengths {
    /// Whether an epoch had rows of several counts, and how often the epoch went on.
    several: bool,
    epochs: u32,
    /// Whether the count fell from one epoch to the next.
    fell: bool,
    known: bool,
}

impl Lengths {
    /// Epochs of one row each, after which a count that goes back is their length.
    const EPOCHS: u32 = 3;

    /// Takes in a row, whose count is less, equal or greater than that of the row before. `on`:
    /// the epoch went on. `within`: steps are counted within epochs, of a length that is not told.
    pub fn note(&mut self, on: bool, count: Ordering, within: bool) {
        self.several |= !on && count.is_ne();
        self.epochs += u32::from(on);
        self.fell |= on && count.is_lt();
        self.known |= self.fell && within && !self.several && self.epochs > Self::EPOCHS;
    }

    pub fn known(self) -> bool {
        self.known
    }
}

/// The share of an epoch that is over, told beside its number: `Epoch: 1 [640/60000 (1%)]`.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Shares {
    last: f64,
    /// Whether the last share began again, after most of an epoch.
    pub again: bool,
}

impl Shares {
    /// Most of an epoch, and the beginning of one.
    const MOST: f64 = 0.5;
    const BEGINNING: f64 = 0.1;

    pub fn note(&mut self, share: f64) {
        self.again = self.last >= Self::MOST && share <= Self::BEGINNING;
        self.last = share;
    }
}

/// The counter went on from epoch to epoch: it counts the whole run.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Whole {
    /// How often an epoch went on between two counts of which the second was the greater.
    epochs: u32,
}

impl Whole {
    /// Epochs over which a counter went on that does not begin again with one.
    const EPOCHS: u32 = 3;

    /// Takes in a count that is not less than the one before; `on`: the epoch went on.
    pub fn note(&mut self, on: bool) {
        self.epochs += u32::from(on);
    }

    pub fn known(self) -> bool {
        self.epochs >= Self::EPOCHS
    }
}

/// Passes over other data on the row that is read: they go up to another number than the training.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Passes {
    /// The count goes up to another number: it is of a validation.
    pub aside: bool,
    /// How far the count goes, if less far than that of the training.
    pub shorter: Option<f64>,
    /// Whether the count goes further than before.
    pub further: bool,
}

impl Passes {
    /// A progress bar so many times shorter than that of the training is one of a validation.
    const SHORTER: f64 = 3.0;

    /// Whether it goes far less far than the training, which goes to `whole`.
    pub fn is_far_shorter(self, whole: f64) -> bool {
        self.shorter.is_some_and(|shorter| shorter * Self::SHORTER <= whole)
    }
}

/// Which counters stood beside metrics, or on a line of their own above them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Beside {
    columns: Vec<usize>,
    rows: u32,
}

impl Beside {
    /// Rows of metrics with counters, after which another counter alone on its line is a remark, or
    /// a word of a text that was generated.
    const ROWS: u32 = 10;

    /// Takes in the counters of a row with a metric.
    pub fn note(&mut self, columns: impl Iterator<Item = usize>) {
        let before = self.columns.len();
        let mut any = false;
        for column in columns {
            any = true;
            if !self.columns.contains(&column) && self.columns.len() < usize::from(u8::MAX) {
                self.columns.push(column);
            }
        }
        self.rows = self.rows.saturating_add(u32::from(any && before == self.columns.len()));
    }

    /// Whether a counter never stood beside one, where others do.
    pub fn is_strange(&self, column: usize) -> bool {
        self.rows >= Self::ROWS && !self.columns.contains(&column)
    }
}
