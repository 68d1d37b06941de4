//! [`Mean`]: reports averaged into readings, for controllers that look at the mean of several.

use super::state::{StateReader, Writer};
use crate::Result;

/// The mean of every `of` reports.
#[derive(Debug, Clone)]
pub(super) struct Mean {
    of: u64,
    /// Sum and number of the reports of an unfinished reading.
    sum: f64,
    count: u64,
}

impl Mean {
    /// Of `of` reports, at least 1.
    pub(super) fn new(of: u64) -> Self {
        Self { of, sum: 0.0, count: 0 }
    }

    /// Takes in a report; the reading when this one completes it.
    pub(super) fn add(&mut self, value: f64) -> Option<f64> {
        // Scaled before they are added, so that large values do not overflow.
        self.sum += value / self.of as f64;
        self.count += 1;
        (self.count == self.of).then(|| {
            self.count = 0;
            std::mem::take(&mut self.sum)
        })
    }

    /// Writes what there is of an unfinished reading.
    pub(super) fn put(&self, writer: Writer) -> Writer {
        writer.put("sum", self.sum).put("count", self.count as f64)
    }

    /// The same mean as it was written.
    ///
    /// # Errors
    /// When it was not written by a mean of as many reports.
    pub(super) fn taken(&self, reader: &mut StateReader<'_>) -> Result<Self> {
        let sum = reader.number("sum")?;
        let count = reader.within("count", 0.0, (self.of - 1) as f64)? as u64;
        Ok(Self { of: self.of, sum, count })
    }
}
