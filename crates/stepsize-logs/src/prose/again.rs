//! [`Again`]: a line of readings that is told twice, as by a logger with two handlers.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// The last line of readings: its number and its hash.
#[derive(Debug, Clone, Default)]
pub(super) struct Again(u64, u64);

impl Again {
    /// Whether this line, which counts, is the same as the one right above it.
    pub fn is_again(&mut self, line: &str, number: u64) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(line.trim_end());
        let last = std::mem::replace(self, Self(number, hash));
        last.0 + 1 == number && last.1 == hash
    }
}
