//! [`Lines`]: bytes in as they arrive, lines out as they become complete.

use crate::decode::Decoder;
use memchr::memchr2;
use std::borrow::Cow;

/// Bytes kept of a line; the rest of it is dropped.
pub const LONGEST: usize = 1 << 20;

/// Splits a byte stream into lines of text, however the bytes are cut.
///
/// A line ends at `\n` or `\r`, so each redraw of a progress bar is a line. Blank lines and NUL
/// bytes are dropped. A stream that is UTF-16, by its byte order mark or because every second byte
/// is zero, is read as that, otherwise as UTF-8 with bad bytes replaced. Of a line longer than
/// [`LONGEST`] only the beginning is kept: memory stays bounded.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    decoder: Decoder,
    line: Vec<u8>,
}

impl Lines {
    /// A splitter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; returns the lines that they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        self.feed(bytes, |line| out.push(line.to_owned()));
        out
    }

    /// Takes the next bytes; calls `line` with each line that they complete.
    pub fn feed(&mut self, bytes: &[u8], mut line: impl FnMut(&str)) {
        let mut rest = self.decoder.push(bytes);
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            let (head, tail) = rest.split_at(end);
            if self.line.is_empty() {
                show(head.get(..LONGEST).unwrap_or(head), &mut line);
            } else {
                extend(&mut self.line, head);
                show(&self.line, &mut line);
                self.line.clear();
                self.line.shrink_to(LONGEST / 16);
            }
            rest = tail.get(1..).unwrap_or(&[]);
        }
        extend(&mut self.line, rest);
    }

    /// Ends the stream: returns the last line if it had no line end. The splitter is then as new.
    pub fn finish(&mut self) -> Option<String> {
        let mut out = None;
        let held = self.decoder.finish().to_vec();
        let mut last = |line: &str| out = Some(line.to_owned());
        for part in held.split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            let ended = part.last().is_some_and(|b| matches!(b, b'\n' | b'\r'));
            extend(&mut self.line, part.get(..part.len() - usize::from(ended)).unwrap_or(part));
            if ended {
                show(&self.line, &mut last);
                self.line.clear();
            }
        }
        show(&self.line, &mut last);
        *self = Self::new();
        out
    }
}

/// Adds to a line what it may still hold.
fn extend(line: &mut Vec<u8>, bytes: &[u8]) {
    let room = LONGEST.saturating_sub(line.len()).min(bytes.len());
    line.extend_from_slice(bytes.get(..room).unwrap_or(&[]));
}

/// Hands over a line that is not blank.
fn show(bytes: &[u8], line: &mut impl FnMut(&str)) {
    if !bytes.iter().all(u8::is_ascii_whitespace) {
        let text = std::str::from_utf8(bytes).map_or_else(|_| String::from_utf8_lossy(bytes), Cow::Borrowed);
        line(text.strip_prefix('\u{feff}').unwrap_or(&text));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(bytes: &[u8], size: usize) -> Vec<String> {
        let mut lines = Lines::new();
        let mut out: Vec<String> = bytes.chunks(size.max(1)).flat_map(|c| lines.push(c)).collect();
        out.extend(lines.finish());
        out
    }

    #[test]
    fn splits_at_both_endings_and_keeps_the_last_line() {
        assert_eq!(all(b"a\r\n\r\nb\rc\0d\n\ne", 2), ["a", "b", "cd", "e"]);
        assert_eq!(all(b"\xEF\xBB\xBFloss 1\n", 1), ["loss 1"]);
        assert!(all(b"", 1).is_empty());
    }

    #[test]
    fn reads_utf16_of_either_order() {
        let text = "\u{feff}loss 0.5\r\nα 😀 2\n";
        let little: Vec<u8> = text.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let big: Vec<u8> = text.encode_utf16().flat_map(u16::to_be_bytes).collect();
        for bytes in [&little[..], &big, &little[2..], &big[2..]] {
            assert_eq!(all(bytes, 3), ["loss 0.5", "α 😀 2"]);
        }
    }

    #[test]
    fn a_very_long_line_is_cut() {
        let mut bytes = vec![b'x'; 3 * LONGEST];
        bytes.extend(b"\nloss 1\n");
        let lines = all(&bytes, 4096);
        assert_eq!((lines[0].len(), lines[1].as_str()), (LONGEST, "loss 1"));
    }

    proptest! {
        #[test]
        fn the_cut_of_the_stream_does_not_matter(bytes: Vec<u8>, size in 1usize..9) {
            prop_assert_eq!(all(&bytes, size), all(&bytes, bytes.len().max(1)));
        }
    }
}
