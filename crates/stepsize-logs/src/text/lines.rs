//! [`Lines`]: bytes as they arrive, lines as they are complete.

/// A line is kept up to this many bytes; the rest of it is dropped.
pub const LONGEST: usize = 1 << 20;

/// Splits a byte stream into lines of text, however the bytes are cut.
///
/// A line ends at `\n` or `\r`, so each redraw of a progress bar is a line. Blank lines are passed over and NUL bytes
/// dropped. A stream that begins with a UTF-16 byte order mark is read as UTF-16, otherwise as UTF-8 with bad bytes
/// replaced. Of a line longer than [`LONGEST`] only the beginning is kept: memory stays bounded.
#[derive(Debug, Clone, Default)]
pub struct Lines {
    line: Vec<u8>,
    encoding: Encoding,
    held: Option<u8>,
    surrogate: Option<u16>,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Encoding {
    #[default]
    Unknown,
    Bytes,
    Utf16 {
        big_endian: bool,
    },
}

impl Lines {
    /// A splitter that has seen nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes; gives the lines they complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<String> {
        let mut out = Vec::new();
        for &byte in bytes {
            match self.encoding {
                Encoding::Bytes => self.byte(byte, &mut out),
                Encoding::Utf16 { big_endian } => match self.held.take() {
                    None => self.held = Some(byte),
                    Some(first) => {
                        let pair = [first, byte];
                        self.unit(
                            if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) },
                            &mut out,
                        );
                    }
                },
                Encoding::Unknown => self.first(byte, &mut out),
            }
        }
        out
    }

    /// The end of the stream: gives the last line if it had no line ending. The splitter is then as new.
    pub fn finish(&mut self) -> Option<String> {
        let mut out = Vec::new();
        if self.encoding == Encoding::Unknown
            && let Some(byte) = self.held.take()
        {
            self.byte(byte, &mut out);
        }
        self.end(&mut out);
        *self = Self::new();
        out.pop()
    }

    fn first(&mut self, byte: u8, out: &mut Vec<String>) {
        match (self.held.take(), byte) {
            (None, 0xFF | 0xFE) => self.held = Some(byte),
            (Some(0xFF), 0xFE) => self.encoding = Encoding::Utf16 { big_endian: false },
            (Some(0xFE), 0xFF) => self.encoding = Encoding::Utf16 { big_endian: true },
            (held, byte) => {
                self.encoding = Encoding::Bytes;
                for byte in held.into_iter().chain([byte]) {
                    self.byte(byte, out);
                }
            }
        }
    }

    fn unit(&mut self, unit: u16, out: &mut Vec<String>) {
        let units: Vec<u16> = self.surrogate.take().into_iter().chain([unit]).collect();
        if (0xD800..0xDC00).contains(&unit) && units.len() == 1 {
            self.surrogate = Some(unit);
        } else {
            for decoded in char::decode_utf16(units) {
                let mut buffer = [0; 4];
                for &byte in decoded.unwrap_or(char::REPLACEMENT_CHARACTER).encode_utf8(&mut buffer).as_bytes() {
                    self.byte(byte, out);
                }
            }
        }
    }

    fn byte(&mut self, byte: u8, out: &mut Vec<String>) {
        match byte {
            b'\n' | b'\r' => self.end(out),
            0 => {}
            _ if self.line.len() < LONGEST => self.line.push(byte),
            _ => {}
        }
    }

    fn end(&mut self, out: &mut Vec<String>) {
        if !self.line.iter().all(u8::is_ascii_whitespace) {
            let text = String::from_utf8_lossy(&self.line);
            out.push(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned());
        }
        self.line.clear();
        self.line.shrink_to(LONGEST / 16);
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
        for bytes in [little, big] {
            assert_eq!(all(&bytes, 3), ["loss 0.5", "α 😀 2"]);
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
