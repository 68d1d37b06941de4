//! [`Mean`]: averages reports into readings, for controllers that watch a noisy metric.

use super::state::{StateReader, Writer};
use crate::Result;

/// The mean of every `of` reports: reports 1 to `of`, then the next `of`, and so on.
#[derive(Debug, Clone)]
pub(super) struct Mean {
    of: u64,
    /// Sum and number of the reports since the last reading.
    sum: f64,
    count: u64,
}

impl Mean {
    /// Averages `of` reports, at least 1.
    pub(super) fn new(of: u64) -> Self {
        Self { of, sum: 0.0, count: 0 }
    }

    /// Adds a report. Returns the reading when this report completes one.
    pub(super) fn add(&mut self, value: f64) -> Option<f64> {
        // Scaled before they are added, so that large values do not overflow.
        self.sum += value / self.of as f64;
        self.count += 1;
        (self.count == self.of).then(|| {
            self.count = 0;
            std::mem::take(&mut self.sum)
        })
    }

    /// Writes the reports since the last reading.
    pub(super) fn put(&self, writer: Writer) -> Writer {
        writer.put("sum", self.sum).put("count", self.count as f64)
    }

    /// The mean as it was written.
    ///
    /// # Errors
    /// When the state was written by a mean of another number of reports.
    pub(super) fn taken(&self, reader: &mut StateReader<'_>) -> Result<Self> {
        let sum = reader.number("sum")?;
        let count = reader.within("count", 0.0, (self.of - 1) as f64)? as u64;
        Ok(Self { of: self.of, sum, count })
    }
}
