//! [`Gap`]: places for readings that a log leaves empty.
//!
//! Pandas writes NaN as an empty cell, and many tools write it as JSON's null. But a loss that is
//! evaluated now and then leaves empty places too. The difference: between evaluations the empty
//! places end again.

/// Empty places since the last reading, and the longest such stretch before it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gap {
    now: u64,
    longest: u64,
}

impl Gap {
    /// Counts an empty place. Returns whether it is the first after a reading.
    pub fn empty(&mut self) -> bool {
        self.now += 1;
        self.now == 1
    }

    /// Counts a reading.
    #[inline]
    pub fn filled(&mut self) {
        self.longest = self.longest.max(self.now);
        self.now = 0;
    }

    /// The number of empty places at the end, if they are too many to lie between two readings: the
    /// values were not finite.
    pub fn not_finite(&self) -> Option<u64> {
        (self.now > 2 * self.longest).then_some(self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn empty_places_between_readings_are_none_at_the_end() {
        let ends = |places: &str| {
            let mut gap = Gap::default();
            for place in places.chars() {
                match place {
                    '.' => gap.filled(),
                    _ => _ = gap.empty(),
                }
            }
            gap.not_finite()
        };
        assert_eq!(ends("...."), None);
        assert_eq!(ends("...--"), Some(2));
        assert_eq!(ends(".--.--.--"), None);
        assert_eq!(ends(".--.--.-----"), Some(5));
        assert_eq!(ends("---"), Some(3));
    }
}
