//! [`Gap`]: places of readings that a log leaves empty.
//!
//! Pandas writes NaN as an empty cell and many as JSON's null, but a loss that is evaluated now and then has such places too. What
//! tells them apart is that the empty places of the latter end again.

/// Empty places since the last reading, and the longest such stretch before it.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Gap {
    now: u64,
    longest: u64,
}

impl Gap {
    /// One more empty place; whether it is the first after a reading.
    pub fn empty(&mut self) -> bool {
        self.now += 1;
        self.now == 1
    }

    /// A reading.
    #[inline]
    pub fn filled(&mut self) {
        self.longest = self.longest.max(self.now);
        self.now = 0;
    }

    /// The empty places at the end, if they are too many to be those between two readings: what stood there was not finite.
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
