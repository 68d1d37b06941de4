//! [`Tokens`]: JSON as it arrives, cut anywhere. Lenient: `NaN`, `Infinity`, single quotes, commas too many.

use crate::number;
use crate::text::LONGEST;
use stepsize::{Error, Result};

/// Nesting beyond this is refused.
const DEPTH: usize = 64;

/// What the text is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum JsonToken<'a> {
    /// A brace or bracket opens.
    Open(u8),
    Close,
    Key(&'a str),
    Number(f64),
    Text(&'a str),
    /// `null`, `None`.
    Null,
    /// `true`, `false`.
    Nothing,
}

#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Mode {
    #[default]
    Between,
    Quoted {
        quote: u8,
        escaped: bool,
    },
    Word,
}

/// Makes tokens of bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens {
    state: Mode,
    /// A token that is not whole.
    part: Vec<u8>,
    /// Open braces, and for each whether a key comes next.
    open: Vec<(u8, bool)>,
    at: u64,
    failed: bool,
}

impl Tokens {
    /// Bytes read.
    pub fn at(&self) -> u64 {
        self.at
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// With the position, where they cannot be JSON.
    pub fn push(&mut self, bytes: &[u8], out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<()> {
        if self.failed {
            return Ok(());
        }
        let mut i = 0;
        while let Some(&byte) = bytes.get(i) {
            match self.state {
                Mode::Between => {
                    i += 1;
                    self.at += 1;
                    if let Err(error) = self.between(byte, out) {
                        self.failed = true;
                        return Err(error);
                    }
                }
                Mode::Quoted { quote, escaped } => {
                    let rest = bytes.get(i..).unwrap_or(&[]);
                    let length =
                        if escaped { 0 } else { rest.iter().take_while(|b| **b != quote && **b != b'\\').count() };
                    self.keep(rest.get(..length).unwrap_or(&[]));
                    let Some(&byte) = rest.get(length) else {
                        self.at += length as u64;
                        return Ok(());
                    };
                    i += length + 1;
                    self.at += length as u64 + 1;
                    if escaped {
                        self.keep(&[byte]);
                        self.state = Mode::Quoted { quote, escaped: false };
                    } else if byte == b'\\' {
                        self.state = Mode::Quoted { quote, escaped: true };
                    } else {
                        self.quoted(out);
                    }
                }
                Mode::Word => {
                    let rest = bytes.get(i..).unwrap_or(&[]);
                    let ends =
                        |b: &u8| matches!(b, b',' | b']' | b'}' | b':' | b'{' | b'[' | b'"') || b.is_ascii_whitespace();
                    let length = rest.iter().position(ends).unwrap_or(rest.len());
                    let (word, ended) = (rest.get(..length).unwrap_or(&[]), length < rest.len());
                    i += length;
                    self.at += length as u64;
                    if ended && self.part.is_empty() {
                        self.word(word, out)?;
                    } else {
                        self.keep(word);
                        if ended {
                            let part = std::mem::take(&mut self.part);
                            self.word(&part, out)?;
                            self.part = part;
                            self.part.clear();
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// The end; whether the document is cut there.
    pub fn finish(&mut self, out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<bool> {
        let cut = self.state != Mode::Between || !self.open.is_empty();
        if self.state == Mode::Word && self.open.is_empty() {
            let part = std::mem::take(&mut self.part);
            self.word(&part, out)?;
        }
        Ok(cut && !self.failed)
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.part.len()).min(bytes.len());
        self.part.extend_from_slice(bytes.get(..room).unwrap_or(&[]));
    }

    fn key_next(&self) -> bool {
        self.open.last().is_some_and(|(_, key)| *key)
    }

    fn between(&mut self, byte: u8, out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<()> {
        match byte {
            b'{' | b'[' => {
                if self.open.len() >= DEPTH {
                    return Err(self.fault(&format!("nesting deeper than {DEPTH}")));
                }
                self.open.push((byte, byte == b'{'));
                out(JsonToken::Open(byte), self.at);
            }
            b'}' | b']' => {
                let fits = self.open.pop().is_some_and(|(open, _)| (open == b'{') == (byte == b'}'));
                if !fits {
                    return Err(self.fault(&format!("`{}` that closes nothing", char::from(byte))));
                }
                out(JsonToken::Close, self.at);
            }
            b',' => {
                if let Some((brace, key)) = self.open.last_mut() {
                    *key = *brace == b'{';
                }
            }
            b':' => {
                if let Some((_, key)) = self.open.last_mut() {
                    *key = false;
                }
            }
            b'"' | b'\'' => {
                self.part.clear();
                self.state = Mode::Quoted { quote: byte, escaped: false };
            }
            _ if byte.is_ascii_whitespace() => {}
            _ if byte.is_ascii_graphic() && byte != b'`' => {
                self.part.clear();
                self.part.push(byte);
                self.state = Mode::Word;
            }
            _ => return Err(self.fault(&format!("the byte {byte:#04x}"))),
        }
        Ok(())
    }

    fn quoted(&mut self, out: &mut impl FnMut(JsonToken<'_>, u64)) {
        self.state = Mode::Between;
        let text = String::from_utf8_lossy(&self.part);
        match self.key_next() {
            true => out(JsonToken::Key(&text), self.at),
            false => out(JsonToken::Text(&text), self.at),
        }
        drop(text);
        self.part.clear();
        self.part.shrink_to(LONGEST / 16);
    }

    fn word(&mut self, word: &[u8], out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<()> {
        self.state = Mode::Between;
        let text = String::from_utf8_lossy(word);
        if self.key_next() {
            out(JsonToken::Key(&text), self.at);
            return Ok(());
        }
        match (number::whole(word), text.as_ref()) {
            (Some(value), _) => out(JsonToken::Number(value), self.at),
            (_, "null" | "None" | "undefined") => out(JsonToken::Null, self.at),
            (_, "true" | "false" | "True" | "False") => out(JsonToken::Nothing, self.at),
            _ => {
                self.failed = true;
                let short: String = text.chars().take(20).collect();
                return Err(self.fault(&format!("`{short}`")));
            }
        }
        Ok(())
    }

    fn fault(&self, what: &str) -> Error {
        Error::invalid(format!("no JSON at byte {}: {what}", self.at))
    }
}
