//! [`Column`]: the readings of one name, bounded in memory; [`Place`]: where in its run a reading was made.

use super::meaning::Reader;
use std::collections::VecDeque;
use stepsize_logs::{epoch_rank, step_rank};

/// Readings kept while it is not known what they mean. Beyond that every second one is dropped.
const KEPT: usize = 4096;
/// Newest readings kept for means and for the test of explosion.
const RECENT: usize = 128;

/// The counters of a log as they stand: NaN where none was seen. Of several counters of a kind the best known is meant.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub steps: f64,
    pub epochs: f64,
    ranks: (usize, usize),
}

impl Default for Place {
    fn default() -> Self {
        Self { steps: f64::NAN, epochs: f64::NAN, ranks: (usize::MAX, usize::MAX) }
    }
}

impl Place {
    /// Takes in a counter, if `name` is one.
    pub fn note(&mut self, name: &str, value: f64, reader: &Reader) {
        if !value.is_finite() {
            return;
        }
        if let Some(asked) = reader.step_asked() {
            if asked == name {
                self.steps = value;
            }
            return;
        }
        if let Some(rank) = step_rank(name).filter(|r| *r <= self.ranks.0) {
            (self.steps, self.ranks.0) = (value, rank);
        } else if let Some(rank) = epoch_rank(name).filter(|r| *r <= self.ranks.1) {
            (self.epochs, self.ranks.1) = (value, rank);
        }
    }
}

/// One reading.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen {
    pub place: Place,
    /// How many readings of this name came before.
    pub index: u64,
    pub lr: f64,
    pub value: f64,
}

/// The readings of one name.
#[derive(Debug)]
pub(super) struct Column {
    pub name: String,
    pending: Vec<Seen>,
    stride: u64,
    count: u64,
    first: Option<f64>,
    first_place: Option<Place>,
    last: Option<Seen>,
    recent: VecDeque<f64>,
    /// Of the readings told so far.
    pub told: Told,
}

/// What has been sent of a column.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// Step from which the next reading is sent.
    pub next: u64,
    /// Readings of the open window: number of the window, sum, count, last step.
    pub window: Option<(u64, f64, u32, u64)>,
    /// Whether anything was sent.
    pub begun: bool,
}

impl Column {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pending: Vec::new(),
            stride: 1,
            count: 0,
            first: None,
            first_place: None,
            last: None,
            recent: VecDeque::new(),
            told: Told::default(),
        }
    }

    pub fn push(&mut self, place: Place, lr: f64, value: f64) {
        let seen = Seen { place, index: self.count, lr, value };
        if self.count.is_multiple_of(self.stride) {
            self.pending.push(seen);
        }
        if self.pending.len() > KEPT {
            let mut keep = false;
            self.pending.retain(|_| {
                keep = !keep;
                keep
            });
            self.stride *= 2;
        }
        self.count += 1;
        self.first = self.first.or(Some(value).filter(|v| v.is_finite()));
        self.first_place = self.first_place.or(Some(place));
        self.last = Some(seen);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(value);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn last(&self) -> Option<Seen> {
        self.last
    }

    pub fn first_finite(&self) -> Option<f64> {
        self.first
    }

    pub fn first_place(&self) -> Option<Place> {
        self.first_place
    }

    /// How many of the newest readings in a row are such.
    pub fn in_a_row(&self, such: impl Fn(f64) -> bool) -> usize {
        self.recent.iter().rev().take_while(|v| such(**v)).count()
    }

    /// Mean of the last tenth of the readings, of the last one at least.
    pub fn tail_mean(&self) -> Option<f64> {
        let tenth = usize::try_from(self.count / 10).unwrap_or(RECENT).clamp(1, RECENT);
        let tail: Vec<f64> = self.recent.iter().rev().take(tenth).copied().filter(|v| v.is_finite()).collect();
        (!tail.is_empty()).then(|| tail.iter().sum::<f64>() / tail.len() as f64)
    }

    /// Every kept reading, for a look at their range.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.pending.iter().map(|s| s.value).chain(self.last.map(|s| s.value))
    }

    /// The readings that were not taken yet. A single one waits for a second: alone it may be the first or the last.
    pub fn take(&mut self) -> Vec<Seen> {
        if self.count < 2 { Vec::new() } else { std::mem::take(&mut self.pending) }
    }
}
