//! [`MetricColumn`]: the readings of one name, bounded in memory.

use std::collections::VecDeque;
use stepsize_logs::LogPosition;

/// Readings kept while their meaning is not known. Of more every second one is dropped.
const KEPT: usize = 4096;
/// Newest readings kept for means and to detect an explosion.
const RECENT: usize = 128;

/// Whether a counter increased from reading to reading.
#[derive(Debug, Clone, Copy)]
struct CountsOn {
    first: f64,
    last: f64,
    always: bool,
}

impl Default for CountsOn {
    fn default() -> Self {
        Self { first: f64::NAN, last: f64::NAN, always: true }
    }
}

impl CountsOn {
    fn push(&mut self, count: f64) {
        // A comparison with NaN is false: a counter that was missing once does not hold.
        self.always &= count.is_finite() && (self.last.is_nan() || count >= self.last);
        self.first = if self.first.is_nan() { count } else { self.first };
        self.last = count;
    }

    fn holds(self) -> bool {
        self.always && self.last > self.first
    }
}

/// One reading.
#[derive(Debug, Clone, Copy)]
pub(crate) struct LoggedValue {
    pub place: LogPosition,
    /// The line or record from which on it is known, counted over the whole log.
    pub row: u64,
    /// The number of readings of this name before it.
    pub index: u64,
    pub lr: f64,
    pub value: f64,
}

/// The readings of one name.
#[derive(Debug)]
pub(crate) struct MetricColumn {
    pub name: String,
    pending: Vec<LoggedValue>,
    stride: u64,
    count: u64,
    first: Option<f64>,
    first_place: Option<LogPosition>,
    last: Option<LoggedValue>,
    steps: CountsOn,
    own: CountsOn,
    recent: VecDeque<f64>,
    /// What was sent so far.
    pub sent: Sent,
}

/// What was sent of a column.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    /// Step from which the next reading is sent.
    pub next: u64,
    /// The open window: its number, and the sum, the count and the last step of its readings.
    pub window: Option<(u64, f64, u32, u64)>,
    /// Whether anything was sent.
    pub begun: bool,
}

impl MetricColumn {
    pub fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            pending: Vec::new(),
            stride: 1,
            count: 0,
            first: None,
            first_place: None,
            last: None,
            steps: CountsOn::default(),
            own: CountsOn::default(),
            recent: VecDeque::new(),
            sent: Sent::default(),
        }
    }

    pub fn push(&mut self, row: u64, place: LogPosition, lr: f64, value: f64) {
        let seen = LoggedValue { place, row, index: self.count, lr, value };
        if self.count == 1 {
            // The first reading waited for the second.
            self.pending.iter_mut().for_each(|first| first.row = row);
        }
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
        self.steps.push(place.steps);
        self.own.push(place.own);
        if self.recent.len() == RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(value);
    }

    pub fn count(&self) -> u64 {
        self.count
    }

    pub fn last(&self) -> Option<LoggedValue> {
        self.last
    }

    pub fn first_finite(&self) -> Option<f64> {
        self.first
    }

    /// The position of the last reading, without the counters that stood still or went back: they
    /// count something else.
    pub fn end(&self) -> LogPosition {
        let Some(LoggedValue { place, .. }) = self.last else { return LogPosition::default() };
        let own = if self.own.holds() { place.own } else { f64::NAN };
        let steps = if self.steps.holds() || self.count == 1 { place.steps } else { f64::NAN };
        LogPosition { own, steps, ..place }
    }

    pub fn first_place(&self) -> Option<LogPosition> {
        self.first_place
    }

    /// The first finite reading and the newest ones, each once.
    pub fn newest(&self) -> Vec<f64> {
        let older = self.first.filter(|_| self.count > self.recent.len() as u64);
        older.into_iter().chain(self.recent.iter().copied()).collect()
    }

    /// How many of the newest readings in a row satisfy `such`.
    pub fn in_a_row(&self, such: impl Fn(f64) -> bool) -> usize {
        self.recent.iter().rev().take_while(|v| such(**v)).count()
    }

    /// Mean of the last tenth of the readings, at least of the last one.
    pub fn tail_mean(&self) -> Option<f64> {
        let tenth = usize::try_from(self.count / 10).unwrap_or(RECENT).clamp(1, RECENT);
        let tail: Vec<f64> = self.recent.iter().rev().take(tenth).copied().filter(|v| v.is_finite()).collect();
        (!tail.is_empty()).then(|| tail.iter().sum::<f64>() / tail.len() as f64)
    }

    /// The kept readings, to find their range.
    pub fn values(&self) -> impl Iterator<Item = f64> + '_ {
        self.pending.iter().map(|s| s.value).chain(self.last.map(|s| s.value))
    }

    /// The readings that were not taken yet. A single one waits for the second: alone it may be the
    /// first or the last.
    pub fn take(&mut self) -> Vec<LoggedValue> {
        if self.count < 2 { Vec::new() } else { std::mem::take(&mut self.pending) }
    }
}
