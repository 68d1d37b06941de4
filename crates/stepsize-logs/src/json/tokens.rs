//! [`Tokens`]: JSON as it arrives, cut anywhere. Lenient: `NaN`, `Infinity`, single quotes, commas
//! too many.

use super::{Atom, Lexer, in_word, quote_end, unescaped};
use crate::text::LONGEST;
use stepsize::{Error, Result};

/// Nesting beyond this is refused.
const DEPTH: usize = 64;

/// What the text is made of.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum JsonToken<'a> {
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

/// Where the last block ended.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
enum Mode {
    #[default]
    Between,
    /// Within quotes; `escaped` after a backslash.
    Quoted {
        quote: u8,
        escaped: bool,
    },
    Word,
}

/// Makes tokens of bytes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tokens {
    mode: Mode,
    /// The beginning of a token that the last block cut.
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
        let begin = self.at;
        let mut lexer = Lexer::new(bytes);
        self.complete(&mut lexer, out)?;
        while let Some(byte) = lexer.peek() {
            self.at = begin + lexer.at as u64;
            match byte {
                b'"' | b'\'' => match lexer.quoted() {
                    Some(text) => {
                        self.at = begin + lexer.at as u64;
                        self.quoted(text, out);
                    }
                    None => {
                        let inside = lexer.rest().get(1..).unwrap_or(&[]);
                        let mut escaped = false;
                        quote_end(inside, byte, &mut escaped);
                        self.hold(inside, Mode::Quoted { quote: byte, escaped });
                        break;
                    }
                },
                b'{' | b'[' | b'}' | b']' | b',' | b':' => {
                    lexer.at += 1;
                    self.at += 1;
                    self.mark(byte, out)?;
                }
                _ if byte.is_ascii_graphic() && byte != b'`' => {
                    let word = lexer.word(in_word);
                    if lexer.rest().is_empty() {
                        self.hold(word, Mode::Word);
                        break;
                    }
                    self.at = begin + lexer.at as u64;
                    self.word(word, out)?;
                }
                _ => {
                    self.at += 1;
                    return Err(self.fault(&format!("the byte {byte:#04x}")));
                }
            }
        }
        self.at = begin + bytes.len() as u64;
        Ok(())
    }

    /// Completes the token that the last block cut, as far as these bytes reach.
    fn complete(&mut self, lexer: &mut Lexer<'_>, out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<()> {
        let rest = lexer.rest();
        let begin = self.at;
        match self.mode {
            Mode::Between => return Ok(()),
            Mode::Quoted { quote, mut escaped } => {
                let end = quote_end(rest, quote, &mut escaped);
                self.keep(rest.get(..end.unwrap_or(rest.len())).unwrap_or(&[]));
                lexer.at = end.map_or(rest.len(), |end| end + 1);
                self.at = begin + lexer.at as u64;
                self.mode = Mode::Quoted { quote, escaped };
                if end.is_some() {
                    let part = std::mem::take(&mut self.part);
                    self.quoted(&part, out);
                }
            }
            Mode::Word => {
                let more = lexer.word(in_word);
                self.keep(more);
                self.at = begin + lexer.at as u64;
                if !lexer.rest().is_empty() {
                    let part = std::mem::take(&mut self.part);
                    self.word(&part, out)?;
                }
            }
        }
        Ok(())
    }

    /// The end; whether the document is cut there.
    pub fn finish(&mut self, out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<bool> {
        let cut = self.mode != Mode::Between || !self.open.is_empty();
        if self.mode == Mode::Word && self.open.is_empty() {
            let part = std::mem::take(&mut self.part);
            self.word(&part, out)?;
        }
        Ok(cut && !self.failed)
    }

    /// Keeps the beginning of a token that is cut.
    fn hold(&mut self, bytes: &[u8], mode: Mode) {
        self.mode = mode;
        self.part.clear();
        self.keep(bytes);
    }

    fn keep(&mut self, bytes: &[u8]) {
        let room = LONGEST.saturating_sub(self.part.len()).min(bytes.len());
        self.part.extend_from_slice(bytes.get(..room).unwrap_or(&[]));
    }

    fn key_next(&self) -> bool {
        self.open.last().is_some_and(|(_, key)| *key)
    }

    fn mark(&mut self, byte: u8, out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<()> {
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
            _ => {
                if let Some((brace, key)) = self.open.last_mut() {
                    *key = byte == b',' && *brace == b'{';
                }
            }
        }
        Ok(())
    }

    fn quoted(&mut self, text: &[u8], out: &mut impl FnMut(JsonToken<'_>, u64)) {
        self.mode = Mode::Between;
        let text = String::from_utf8_lossy(beginning(text));
        let text = unescaped(&text);
        match self.key_next() {
            true => out(JsonToken::Key(&text), self.at),
            false => out(JsonToken::Text(&text), self.at),
        }
    }

    fn word(&mut self, word: &[u8], out: &mut impl FnMut(JsonToken<'_>, u64)) -> Result<()> {
        self.mode = Mode::Between;
        let word = beginning(word);
        if self.key_next() {
            out(JsonToken::Key(&String::from_utf8_lossy(word)), self.at);
            return Ok(());
        }
        match Atom::of(word) {
            Atom::Number(value) => out(JsonToken::Number(value), self.at),
            Atom::Null => out(JsonToken::Null, self.at),
            Atom::Flag => out(JsonToken::Nothing, self.at),
            Atom::Name => {
                let short: String = String::from_utf8_lossy(word).chars().take(20).collect();
                return Err(self.fault(&format!("`{short}`")));
            }
        }
        Ok(())
    }

    /// The error for what cannot be JSON; nothing more is read.
    fn fault(&mut self, what: &str) -> Error {
        self.failed = true;
        Error::invalid(format!("this is not JSON at byte {}: {what}", self.at))
    }
}

/// The part of a token that is kept, however it came.
fn beginning(token: &[u8]) -> &[u8] {
    token.get(..LONGEST).unwrap_or(token)
}
