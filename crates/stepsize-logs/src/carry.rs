//! [`Carry`]: whole rows from blocks of bytes. Only a row that is cut by the end of a block is
//! copied.

use crate::text::LONGEST;
use memchr::{memchr2, memrchr2};

/// The rest of the last block.
///
/// A row of more than [`LONGEST`] bytes is dropped, and reading continues after the next line end.
/// The result does not depend on how the bytes are cut.
#[derive(Debug, Clone, Default)]
pub(crate) struct Carry {
    held: Vec<u8>,
    skipping: bool,
    /// Rows that were dropped.
    pub dropped: u64,
}

impl Carry {
    /// Hands every row to `read`, which gets whole lines and returns the length of the first row in
    /// them, or `None` if that row does not end there. It must ignore a row that is longer than
    /// [`LONGEST`].
    pub fn feed(&mut self, bytes: &[u8], mut read: impl FnMut(&[u8]) -> Option<usize>) {
        let mut rest = bytes;
        if self.skipping {
            let Some(end) = memchr2(b'\n', b'\r', rest) else { return };
            rest = rest.get(end + 1..).unwrap_or(&[]);
            self.skipping = false;
        }
        while !self.held.is_empty() {
            let Some(end) = memchr2(b'\n', b'\r', rest) else {
                self.held.extend_from_slice(rest);
                return self.bound();
            };
            self.held.extend_from_slice(rest.get(..=end).unwrap_or(&[]));
            rest = rest.get(end + 1..).unwrap_or(&[]);
            let taken = self.rows(&mut read);
            self.held.drain(..taken);
        }
        let end = memrchr2(b'\n', b'\r', rest).map_or(0, |i| i + 1);
        let taken = self.walk(rest.get(..end).unwrap_or(&[]), &mut read);
        self.held.extend_from_slice(rest.get(taken..).unwrap_or(&[]));
        self.bound();
    }

    /// Whether the last block ended with a row.
    pub fn is_empty(&self) -> bool {
        self.held.is_empty() && !self.skipping
    }

    /// Hands over the last row, if it has no line end.
    pub fn finish(&mut self, mut read: impl FnMut(&[u8]) -> Option<usize>) {
        let mut held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            held.push(b'\n');
            let mut at = 0;
            while let Some(length) = held.get(at..).filter(|r| !r.is_empty()).and_then(&mut read) {
                at += length.max(1);
            }
        }
        self.skipping = false;
    }

    fn rows(&mut self, read: &mut impl FnMut(&[u8]) -> Option<usize>) -> usize {
        let held = std::mem::take(&mut self.held);
        let taken = self.walk(&held, read);
        self.held = held;
        taken
    }

    /// Reads the rows of whole lines; returns the bytes taken.
    fn walk(&mut self, lines: &[u8], read: &mut impl FnMut(&[u8]) -> Option<usize>) -> usize {
        let mut at = 0;
        while let Some(rest) = lines.get(at..).filter(|r| !r.is_empty()) {
            match read(rest) {
                Some(length) if length <= LONGEST => at += length.max(1),
                None if rest.len() <= LONGEST => break,
                _ => {
                    self.dropped += 1;
                    let beyond = rest.get(LONGEST..).and_then(|b| memchr2(b'\n', b'\r', b));
                    at += beyond.map_or(rest.len(), |i| LONGEST + i + 1);
                }
            }
        }
        at
    }

    fn bound(&mut self) {
        if self.held.len() > LONGEST {
            self.held = Vec::new();
            self.skipping = true;
            self.dropped += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Rows are lines here.
    fn lines(bytes: &[u8], size: usize) -> (Vec<Vec<u8>>, u64) {
        let (mut carry, mut out) = (Carry::default(), Vec::new());
        let mut read = |lines: &[u8]| {
            let end = memchr2(b'\n', b'\r', lines)? + 1;
            if end > 1 && end <= LONGEST {
                out.push(lines[..end - 1].to_vec());
            }
            Some(end)
        };
        for chunk in bytes.chunks(size.max(1)) {
            carry.feed(chunk, &mut read);
        }
        carry.finish(&mut read);
        (out, carry.dropped)
    }

    #[test]
    fn a_row_that_is_too_long_is_dropped_however_it_comes() {
        let mut bytes = b"a\n".to_vec();
        bytes.extend(vec![b'x'; 3 * LONGEST]);
        bytes.extend(b"\nb\n");
        for size in [1000, LONGEST, 2 * LONGEST, bytes.len()] {
            assert_eq!(lines(&bytes, size), (vec![b"a".to_vec(), b"b".to_vec()], 1), "{size}");
        }
    }

    proptest! {
        #[test]
        fn the_cut_does_not_matter(bytes in prop::collection::vec(prop::sample::select(b"ab\n\r".to_vec()), 0..60), size in 1usize..9) {
            prop_assert_eq!(lines(&bytes, size), lines(&bytes, bytes.len().max(1)));
        }
    }
}
