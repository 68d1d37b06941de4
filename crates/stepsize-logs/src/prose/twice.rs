//! [`ToldTwice`]: lines of readings that are told twice, as by a logger with two handlers.

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};

/// Lines that may come once, where nearly all come twice.
const ONCE: u64 = 3;

/// The last line of readings, and how many came once and again.
#[derive(Debug, Clone, Default)]
pub(super) struct ToldTwice {
    /// The number and the hash of the last line.
    number: u64,
    hash: u64,
    once: u64,
    again: u64,
}

impl ToldTwice {
    /// Whether this line, which counts, is the same as the one right above it, as nearly all lines
    /// so far were.
    pub fn is_again(&mut self, line: &str, number: u64) -> bool {
        let hash = BuildHasherDefault::<DefaultHasher>::default().hash_one(line.trim_end());
        let same = self.number + 1 == number && self.hash == hash;
        (self.number, self.hash) = (number, hash);
        let again = same && self.once < self.again + ONCE;
        *(if again { &mut self.again } else { &mut self.once }) += 1;
        again
    }
}
