//! [`Lexer`]: the tokens of JSON and of what Python prints, for all three readers of them:
//! [`records`](crate::records) (a line, strict), [`literal`](crate::literal) (a value within text,
//! lenient) and [`tokens`] (cut anywhere).

pub(crate) mod tokens;

use crate::number;
use memchr::memchr;
use std::borrow::Cow;

/// Bytes before the closing quote that are looked at one by one: names are short, and a vector
/// search has a cost of its own.
const SHORT: usize = 16;

/// A place in bytes that hold JSON, and maybe not all of it.
#[derive(Debug, Clone)]
pub(crate) struct Lexer<'a> {
    bytes: &'a [u8],
    /// Bytes taken.
    pub at: usize,
}

/// What a word that is not in quotes stands for.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Atom {
    Number(f64),
    /// `null`, `None`, `undefined`.
    Null,
    /// `true`, `false`.
    Flag,
    /// Anything else.
    Name,
}

impl Atom {
    /// Of a whole word.
    pub fn of(word: &[u8]) -> Self {
        match (number::whole(word), word) {
            (Some(value), _) => Self::Number(value),
            (_, b"null" | b"None" | b"undefined") => Self::Null,
            (_, b"true" | b"false" | b"True" | b"False") => Self::Flag,
            _ => Self::Name,
        }
    }
}

impl<'a> Lexer<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    /// The bytes that are not taken yet.
    #[inline]
    pub fn rest(&self) -> &'a [u8] {
        self.bytes.get(self.at..).unwrap_or(&[])
    }

    /// The next byte that is not a space, which is not taken.
    #[inline]
    pub fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if byte > b' ' || !byte.is_ascii_whitespace() {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Takes this byte if it comes next.
    #[inline]
    pub fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// The inside of the quotes that open here, escapes as they stand; nothing is taken if they do
    /// not close.
    #[inline]
    pub fn quoted(&mut self) -> Option<&'a [u8]> {
        let (&quote, inside) = self.rest().split_first()?;
        let end = quote_end(inside, quote, &mut false)?;
        self.at += end + 2;
        inside.get(..end)
    }

    /// The number that begins here, whatever follows it.
    #[inline]
    pub fn number(&mut self) -> Option<f64> {
        let (value, length) = number::prefix(self.rest())?;
        self.at += length;
        Some(value)
    }

    /// The bytes up to the first one outside a word, or all that are left.
    #[inline]
    pub fn word(&mut self, inside: impl Fn(u8) -> bool) -> &'a [u8] {
        let rest = self.rest();
        let length = rest.iter().position(|b| !inside(*b)).unwrap_or(rest.len());
        self.at += length;
        rest.get(..length).unwrap_or(&[])
    }
}

/// Where the closing quote is in the bytes after the opening one, or after the beginning of the
/// text. `escaped` says whether a backslash precedes them, and is carried over when the quote is
/// not among them.
#[inline]
pub(crate) fn quote_end(bytes: &[u8], quote: u8, escaped: &mut bool) -> Option<usize> {
    let mut at = 0;
    loop {
        let rest = bytes.get(at..).unwrap_or(&[]);
        let found = match rest.iter().take(SHORT).position(|b| *b == quote) {
            None => memchr(quote, rest),
            found => found,
        };
        let Some(end) = found.map(|end| at + end) else {
            *escaped = is_escaped(bytes, bytes.len(), *escaped);
            return None;
        };
        if !is_escaped(bytes, end, *escaped) {
            return Some(end);
        }
        at = end + 1;
    }
}

/// Whether the byte at `end` follows an odd number of backslashes; `escaped`: a backslash precedes
/// `bytes`.
#[inline]
fn is_escaped(bytes: &[u8], end: usize, escaped: bool) -> bool {
    match end.checked_sub(1).and_then(|before| bytes.get(before)) {
        Some(b'\\') => {
            let run = bytes.get(..end).unwrap_or(&[]).iter().rev().take_while(|b| **b == b'\\').count();
            (run + usize::from(escaped && run == end)) % 2 == 1
        }
        Some(_) => false,
        None => escaped,
    }
}

/// Whether a byte is part of a word of a document, which may be a name without quotes.
#[inline]
pub(crate) fn in_word(byte: u8) -> bool {
    !matches!(byte, b',' | b']' | b'}' | b':' | b'{' | b'[' | b'"') && !byte.is_ascii_whitespace()
}

/// The text in quotes without its escapes.
pub(crate) fn unescaped(text: &str) -> Cow<'_, str> {
    if memchr(b'\\', text.as_bytes()).is_none() {
        return text.into();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        out.extend(match (c, if c == '\\' { rest.next() } else { None }) {
            ('\\', Some('n')) => Some('\n'),
            ('\\', Some('r')) => Some('\r'),
            ('\\', Some('t')) => Some('\t'),
            ('\\', Some('b' | 'f')) => Some(' '),
            ('\\', Some('u')) => code_point(&mut rest),
            ('\\', other) => other,
            (c, _) => Some(c),
        });
    }
    out.into()
}

/// The character of `\u2588`, or of the two halves of `\ud83d\ude00`.
fn code_point(rest: &mut std::str::Chars<'_>) -> Option<char> {
    let unit = |text: &str| u32::from_str_radix(text.get(..4)?, 16).ok();
    let Some(first) = unit(rest.as_str()) else { return Some('u') };
    *rest = rest.as_str().get(4..).unwrap_or("").chars();
    let second = rest.as_str().strip_prefix("\\u").and_then(unit).filter(|u| (0xdc00..0xe000).contains(u));
    match (first, second) {
        (0xd800..0xdc00, Some(second)) => {
            *rest = rest.as_str().get(6..).unwrap_or("").chars();
            char::from_u32(0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => char::from_u32(first).or(Some('\u{fffd}')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn escapes_stand_for_what_json_says() {
        assert_eq!(unescaped(r#"a\nb\t\"c\u00e9\u2588\ud83d\ude00\\n\u12"#), "a\nb\t\"cé█😀\\nu12");
    }

    #[test]
    fn quotes_close_where_no_backslash_precedes_them() {
        let inside = |text: &str| Lexer::new(text.as_bytes()).quoted().map(|t| String::from_utf8_lossy(t).into_owned());
        for (text, wanted) in [
            (r#""a" "b""#, Some("a")),
            (r#""a\"b""#, Some(r#"a\"b"#)),
            (r#""a\\" b"#, Some(r"a\\")),
            ("'it\"s'", Some("it\"s")),
            (r#""a\""#, None),
            ("\"", None),
        ] {
            assert_eq!(inside(text).as_deref(), wanted, "{text}");
        }
        assert_eq!(unescaped(r#"a\"b\\c\/d"#), r#"a"b\c/d"#);
    }

    #[test]
    fn words() {
        for (word, atom) in
            [("-1.5e3", Atom::Number(-1500.0)), ("None", Atom::Null), ("False", Atom::Flag), ("1x", Atom::Name)]
        {
            assert_eq!(Atom::of(word.as_bytes()), atom, "{word}");
        }
    }

    proptest! {
        #[test]
        fn a_quote_is_found_however_the_text_is_cut(
            text in prop::collection::vec(prop::sample::select(b"ab\\\"".to_vec()), 0..40),
            cut in 0usize..40,
        ) {
            let (mut escaped, mut carried) = (false, false);
            let whole = quote_end(&text, b'"', &mut escaped);
            let (head, tail) = text.split_at(cut.min(text.len()));
            let parts = quote_end(head, b'"', &mut carried)
                .or_else(|| quote_end(tail, b'"', &mut carried).map(|end| head.len() + end));
            prop_assert_eq!(whole, parts);
            prop_assert!(whole.is_some() || escaped == carried);
        }
    }
}
