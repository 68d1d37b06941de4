//! All random numbers of this crate: ChaCha8 streams, named by a seed and a stream number.
//!
//! Stream 0 draws the initial weights, stream `1 + epoch` the order of the rows of that epoch, so
//! any epoch can be replayed without the ones before it. Only integer and exact float arithmetic is
//! used, so the same seed gives the same bits on every machine. Burn's own generator is not used,
//! because all threads of a process share it.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng};

/// A seeded stream of draws.
pub(crate) struct Rng(ChaCha8Rng);

impl Rng {
    /// Stream number `stream` of `seed`.
    pub(crate) fn new(seed: u64, stream: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(stream);
        Self(rng)
    }

    /// Uniform in `-limit..limit`.
    pub(crate) fn symmetric(&mut self, limit: f64) -> f32 {
        // 53 random bits: every value of the grid is exact in f64
        let unit = (self.0.next_u64() >> 11) as f64 / (1u64 << 53) as f64;
        ((2.0 * unit - 1.0) * limit) as f32
    }

    /// Uniform in `0..bound`, for `bound >= 1`. The bias is below `bound / 2^64`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        ((u128::from(self.0.next_u64()) * bound as u128) >> 64) as usize
    }

    /// Puts `items` in random order (Fisher-Yates).
    pub(crate) fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}
