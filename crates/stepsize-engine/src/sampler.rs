//! The order of the data: each epoch shuffles the training examples anew and omits the last short
//! batch.

use crate::rng::Rng;

/// A position in the endless sequence of batches. Seed and position determine everything about it.
#[derive(Debug)]
pub(crate) struct Sampler {
    seed: u64,
    batch: usize,
    order: Vec<u32>,
    epoch: Option<u64>,
    /// Batches given so far.
    pub(crate) position: u64,
}

impl Sampler {
    /// The position before the first batch. `batch` is at most the number of examples.
    pub(crate) fn new(seed: u64, batch: usize) -> Self {
        Self { seed, batch, order: Vec::new(), epoch: None, position: 0 }
    }

    /// Batches in one epoch.
    fn per_epoch(&self, examples: &[u32]) -> u64 {
        (examples.len() / self.batch).max(1) as u64
    }

    /// The next batch of `examples`.
    pub(crate) fn next(&mut self, examples: &[u32]) -> &[u32] {
        let per_epoch = self.per_epoch(examples);
        let epoch = self.position / per_epoch;
        if self.epoch != Some(epoch) {
            self.order.clear();
            self.order.extend_from_slice(examples);
            Rng::new(self.seed, 1 + epoch).shuffle(&mut self.order);
            self.epoch = Some(epoch);
        }
        let start = (self.position % per_epoch) as usize * self.batch;
        self.position += 1;
        &self.order[start..start + self.batch]
    }
}
