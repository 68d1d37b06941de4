//! [`Decoder`]: bytes of a text file to UTF-8 as they arrive. UTF-16 is recognized by its mark or
//! by its zeros.

use memchr::memchr;

/// The encoding is decided from at most four bytes, so that a short line of a live program is not
/// held back.
#[derive(Debug, Clone, Default)]
pub(crate) struct Decoder {
    encoding: Encoding,
    /// The first bytes while nothing is decided, or the first byte of a cut UTF-16 unit.
    held: Vec<u8>,
    surrogate: Option<u16>,
    out: Vec<u8>,
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

impl Decoder {
    /// The next bytes as UTF-8 without NULs; usually the same bytes, not a copy.
    pub fn push<'a>(&'a mut self, bytes: &'a [u8]) -> &'a [u8] {
        match self.encoding {
            Encoding::Unknown => {
                self.held.extend_from_slice(bytes);
                let Some(encoding) = decide(&self.held) else { return &[] };
                self.encoding = encoding;
                let held = std::mem::take(&mut self.held);
                self.out.clear();
                self.decode(held.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&held));
                &self.out
            }
            Encoding::Bytes if memchr(0, bytes).is_none() => bytes,
            _ => {
                self.out.clear();
                self.decode(bytes);
                &self.out
            }
        }
    }

    /// The bytes that were held back, at the end.
    pub fn finish(&mut self) -> &[u8] {
        self.out.clear();
        if self.encoding == Encoding::Unknown {
            self.encoding = Encoding::Bytes;
            let held = std::mem::take(&mut self.held);
            self.decode(&held);
        } else if !self.held.is_empty() || self.surrogate.is_some() {
            self.out.extend_from_slice("\u{fffd}".as_bytes());
        }
        self.held.clear();
        self.surrogate = None;
        &self.out
    }

    fn decode(&mut self, bytes: &[u8]) {
        let Encoding::Utf16 { big_endian } = self.encoding else {
            self.out.extend(bytes.iter().filter(|b| **b != 0));
            return;
        };
        for &byte in bytes {
            match self.held.pop() {
                None => self.held.push(byte),
                Some(first) => {
                    let pair = [first, byte];
                    self.unit(if big_endian { u16::from_be_bytes(pair) } else { u16::from_le_bytes(pair) });
                }
            }
        }
    }

    fn unit(&mut self, unit: u16) {
        if unit == 0 || unit == 0xFEFF {
            return;
        }
        let before = self.surrogate.take();
        if (0xD800..0xDC00).contains(&unit) && before.is_none() {
            self.surrogate = Some(unit);
            return;
        }
        for decoded in char::decode_utf16(before.into_iter().chain([unit])) {
            let mut buffer = [0; 4];
            let c = decoded.unwrap_or(char::REPLACEMENT_CHARACTER);
            self.out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
        }
    }
}

/// The encoding, as soon as the first bytes show it.
fn decide(head: &[u8]) -> Option<Encoding> {
    let utf16 = |big_endian| Some(Encoding::Utf16 { big_endian });
    match *head {
        [0xFF, 0xFE, ..] => utf16(false),
        [0xFE, 0xFF, ..] => utf16(true),
        [0xEF, 0xBB, _, ..] => Some(Encoding::Bytes),
        [] | [0xFF] | [0xFE] | [0xEF] | [0xEF, 0xBB] => None,
        // Text in Latin letters as UTF-16 without a mark: every second byte is zero.
        [0, b, 0, d, ..] if b != 0 && d != 0 => utf16(true),
        [a, 0, c, 0, ..] if a != 0 && c != 0 => utf16(false),
        [_] | [_, 0] | [0, _] | [0, _, 0] | [_, 0, _] => None,
        _ => Some(Encoding::Bytes),
    }
}

/// Some bytes from the head of a file as text.
pub(crate) fn text(head: &[u8]) -> String {
    let mut decoder = Decoder::default();
    let mut out = decoder.push(head).to_vec();
    out.extend_from_slice(decoder.finish());
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Found by fuzzing: a first line end alone was taken for plain bytes.
    #[test]
    fn the_encoding_does_not_depend_on_how_the_bytes_are_cut() {
        for bytes in [&b"\n\0a\0"[..], b"\0\n\0a", b"\na\0b", b"\xEF\xBB\xBFa", b"\xFF\xFEa\0", b"\n", b"a"] {
            let (mut decoder, mut cut) = (Decoder::default(), Vec::new());
            for byte in bytes.chunks(1) {
                cut.extend_from_slice(decoder.push(byte));
            }
            cut.extend_from_slice(decoder.finish());
            assert_eq!(String::from_utf8_lossy(&cut), text(bytes), "{bytes:?}");
        }
        assert_eq!(text(b"\n\0a\0"), "\na");
    }
}
