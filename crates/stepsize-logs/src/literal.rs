//! JSON objects and what Python prints for its own, parsed leniently: both quotes, `NaN`, `inf`,
//! `None`, `np.float64(0.3)`.

use crate::json::{Lexer, unescaped};
use crate::number;
use memchr::memchr;
use std::borrow::Cow;

/// Values nested deeper than this are refused, so that hostile input cannot exhaust the stack.
const DEPTH: usize = 32;

/// A parsed value. Null, booleans and names are `Other`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value<'a> {
    Number(f64),
    Text(Cow<'a, str>),
    List(Vec<Value<'a>>),
    Map(Vec<(Cow<'a, str>, Value<'a>)>),
    Other,
}

/// Parses the value at the start of `text`; returns it and its length in bytes.
pub(crate) fn parse(text: &str) -> Option<(Value<'_>, usize)> {
    let mut parser = LiteralParser { text, lexer: Lexer::new(text.as_bytes()) };
    let value = parser.value(DEPTH)?;
    Some((value, parser.lexer.at))
}

impl Value<'_> {
    /// The number, also when it was written as text (`"0.3"`).
    pub(crate) fn number(&self) -> Option<f64> {
        match self {
            Self::Number(value) => Some(*value),
            Self::Text(text) => number::whole(text.as_bytes()),
            Self::List(list) if list.len() == 1 => list.first().and_then(Value::number),
            _ => None,
        }
    }

    /// Adds every number within to `out`, nested keys joined with `/`.
    pub(crate) fn flatten(&self, prefix: &str, out: &mut Vec<(String, f64)>) {
        let Self::Map(entries) = self else { return };
        for (key, value) in entries {
            let name = if prefix.is_empty() { key.to_string() } else { format!("{prefix}/{key}") };
            match value {
                Value::Map(_) => value.flatten(&name, out),
                _ => out.extend(value.number().map(|v| (name, v))),
            }
        }
    }
}

/// Reads over text and, at the same place, over its bytes.
struct LiteralParser<'a> {
    text: &'a str,
    lexer: Lexer<'a>,
}

impl<'a> LiteralParser<'a> {
    fn value(&mut self, depth: usize) -> Option<Value<'a>> {
        let depth = depth.checked_sub(1)?;
        match self.lexer.peek()? {
            b'{' => self.map(depth),
            b'[' => self.list(b']', depth),
            b'(' => self.list(b')', depth),
            b'"' | b'\'' => self.quoted().map(Value::Text),
            // Python 2: `u'name'`
            b'u' if matches!(self.lexer.rest().get(1), Some(b'"' | b'\'')) => {
                self.lexer.at += 1;
                self.quoted().map(Value::Text)
            }
            _ => self.word(depth),
        }
    }

    fn map(&mut self, depth: usize) -> Option<Value<'a>> {
        self.lexer.at += 1;
        let mut entries = Vec::new();
        loop {
            if self.lexer.eat(b'}') {
                return Some(Value::Map(entries));
            }
            let key = match self.value(depth)? {
                Value::Text(key) => key,
                Value::Number(key) => key.to_string().into(),
                _ => return None,
            };
            if !self.lexer.eat(b':') {
                return None;
            }
            entries.push((key, self.value(depth)?));
            if !self.lexer.eat(b',') {
                return self.lexer.eat(b'}').then_some(Value::Map(entries));
            }
        }
    }

    fn list(&mut self, close: u8, depth: usize) -> Option<Value<'a>> {
        self.lexer.at += 1;
        let mut items = Vec::new();
        loop {
            if self.lexer.eat(close) {
                return Some(Value::List(items));
            }
            items.push(self.value(depth)?);
            if !self.lexer.eat(b',') {
                return self.lexer.eat(close).then_some(Value::List(items));
            }
        }
    }

    fn quoted(&mut self) -> Option<Cow<'a, str>> {
        let begin = self.lexer.at + 1;
        let length = self.lexer.quoted()?.len();
        self.text.get(begin..begin + length).map(unescaped)
    }

    /// A number, a name, or a call such as `tensor(0.3, device='cuda')`, which stands for its first
    /// argument.
    fn word(&mut self, depth: usize) -> Option<Value<'a>> {
        let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'-' | b'=' | b'<' | b'>');
        let word = Some(self.lexer.word(inside)).filter(|word| !word.is_empty())?;
        if self.lexer.rest().first() == Some(&b'(') {
            let Value::List(items) = self.list(b')', depth)? else { return None };
            return Some(items.into_iter().next().unwrap_or(Value::Other));
        }
        if let Some(equals) = memchr(b'=', word) {
            // A keyword argument; its value, quoted or not, is of no interest here.
            if equals + 1 == word.len() && matches!(self.lexer.rest().first(), Some(b'"' | b'\'')) {
                self.quoted()?;
            }
            return Some(Value::Other);
        }
        Some(number::whole(word).map_or(Value::Other, Value::Number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flat(text: &str) -> Vec<(String, f64)> {
        let mut out = Vec::new();
        if let Some((value, _)) = parse(text) {
            value.flatten("", &mut out);
        }
        out
    }

    #[test]
    fn reads_json_and_python() {
        assert_eq!(
            flat(r#"{"a": 1, "b": {"c": "2.5"}, "d": null, "e": [3]}"#),
            [("a".to_owned(), 1.0), ("b/c".to_owned(), 2.5), ("e".to_owned(), 3.0)]
        );
        assert_eq!(
            flat("{'a': np.float32(0.5), 'b': tensor(2., device='cuda:0'), 'c': None, 'd': -Infinity,}"),
            [("a".to_owned(), 0.5), ("b".to_owned(), 2.0), ("d".to_owned(), f64::NEG_INFINITY)]
        );
    }

    #[test]
    fn refuses_what_is_cut_or_too_deep() {
        assert!(parse("{\"a\": 1").is_none());
        assert!(parse("{'a\\").is_none());
        assert!(parse(&"[".repeat(100_000)).is_none());
    }
}
