//! The scanner behind [`pairs`](super::pairs): words are collected until a number takes them as its
//! name.

use super::{Pair, words};
use crate::literal;
use crate::names::{DataSplit, is_counter};
use crate::number;

/// Dict literals tried on one line, so that a line of braces does not take quadratic time.
const LITERALS: usize = 8;

/// Words kept before a number. Earlier words are prose.
const WORDS: usize = 16;

/// The state of the scanner at one place of the line.
pub(super) struct Scan<'a> {
    text: &'a str,
    at: usize,
    /// The words that would name the next number.
    words: Vec<&'a str>,
    /// Whether `:` or `=` stands after the words.
    separated: bool,
    /// The held-out split that the line is about.
    scope: Option<&'a str>,
    /// Open parentheses: the words before each, whether a separator followed them, and the number
    /// of pairs so far.
    open: Vec<(Vec<&'a str>, bool, usize)>,
    literals: usize,
    out: Vec<Pair>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let (words, open, out) = (Vec::new(), Vec::new(), Vec::new());
        Self { text, at: 0, words, separated: false, scope: None, open, literals: 0, out }
    }

    pub(super) fn run(mut self) -> Vec<Pair> {
        while let Some(c) = self.rest().chars().next() {
            let next = self.byte(1);
            match c {
                '0'..='9' => self.number(),
                '.' if next.is_ascii_digit() => self.number(),
                '+' | '-' if self.number_follows() => self.number(),
                '-' | '+' => {
                    self.at += 1;
                    let word = self.word_at(self.at);
                    match number::whole(word.as_bytes()).filter(|_| !word.is_empty() && self.named()) {
                        Some(value) => {
                            self.at += word.len();
                            self.emit(if c == '-' { -value } else { value }, None);
                        }
                        None => self.boundary(),
                    }
                }
                ':' | '=' => {
                    self.at += 1;
                    self.separated = self.named();
                }
                ',' | ';' | '|' | ']' | '}' | '<' | '>' | '→' => {
                    self.at += c.len_utf8();
                    self.boundary();
                }
                '(' => {
                    self.at += 1;
                    if self.open.len() < 16 {
                        self.open.push((std::mem::take(&mut self.words), self.separated, self.out.len()));
                    }
                    self.separated = false;
                }
                ')' => self.close(),
                '{' => self.literal(),
                '"' | '\'' if self.separated => self.quoted(c),
                c if c.is_alphabetic() || c == '_' => self.word(),
                c => self.at += c.len_utf8(),
            }
        }
        self.out
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or("")
    }

    /// The byte `ahead` bytes after the current place; 0 beyond the end.
    fn byte(&self, ahead: usize) -> u8 {
        self.text.as_bytes().get(self.at + ahead).copied().unwrap_or(0)
    }

    fn named(&self) -> bool {
        !self.words.is_empty()
    }

    fn number_follows(&self) -> bool {
        let next = self.byte(1);
        let before = self.at.checked_sub(1).and_then(|i| self.text.as_bytes().get(i)).copied().unwrap_or(b' ');
        (next.is_ascii_digit() || next == b'.' && self.byte(2).is_ascii_digit()) && !before.is_ascii_alphanumeric()
    }

    fn skip_space(&mut self) {
        while matches!(self.byte(0), b' ' | b'\t') {
            self.at += 1;
        }
    }

    /// The word that starts at byte `start`, without trailing punctuation.
    fn word_at(&self, start: usize) -> &'a str {
        let rest = self.text.get(start..).unwrap_or("");
        if !rest.starts_with(|c: char| c.is_alphabetic() || c == '_') {
            return "";
        }
        let inside =
            |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '.' | '@' | '-' | '\'' | '#' | '^' | '\\');
        let end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        rest.get(..end).unwrap_or("").trim_end_matches(['.', '/', '-', '\'', '\\'])
    }

    /// Ends a part of the line. A part that is only the name of a split gives it to what follows.
    fn boundary(&mut self) {
        let split = match self.words.as_slice() {
            [word] => Some(*word),
            [word, set] if set.eq_ignore_ascii_case("set") => Some(*word),
            _ => None,
        };
        if let Some(word) = split.filter(|w| words::is_split(w)) {
            self.scope = words::is_held_out(word).then_some(word);
        }
        self.words.clear();
        self.separated = false;
    }

    fn word(&mut self) {
        let word = self.word_at(self.at);
        self.at += word.len().max(1);
        if self.separated
            && let Some(value) = number::whole(word.as_bytes())
        {
            return self.emit(value, None);
        }
        if self.named() && self.byte(0) == b'(' && words::is_wrapper(word) {
            self.at += 1;
            return;
        }
        if !self.separated
            && self.named()
            && let Some(value) = number::whole(word.as_bytes())
        {
            return self.emit(value, None);
        }
        if self.separated {
            self.boundary();
        }
        if let Some((name, count)) = words::counted(word) {
            self.give(name.to_owned(), count, None);
            self.words.clear();
        } else if self.named() || !words::is_level(word) {
            if self.words.len() >= WORDS {
                self.words.remove(0);
            }
            self.words.push(word);
        }
    }

    /// Reads a quoted value: a number, or nothing of interest.
    fn quoted(&mut self, quote: char) {
        let inner = self.rest().get(1..).unwrap_or("");
        let end = inner.find(quote);
        self.at += 1;
        if let Some(inside) = end.and_then(|end| inner.get(..end)) {
            self.at += inside.len() + 1;
            match number::whole(inside.as_bytes()) {
                Some(value) => self.emit(value, None),
                None => self.boundary(),
            }
        }
    }

    fn close(&mut self) {
        self.at += 1;
        let inner = std::mem::take(&mut self.words);
        self.separated = false;
        if let Some((before, separated, pairs)) = self.open.pop()
            && pairs == self.out.len()
        {
            // Only a unit or a remark: the words before it still wait for their number.
            self.words = before;
            self.separated = separated;
            if let [split] = inner.as_slice()
                && words::is_held_out(split)
            {
                self.scope = Some(split);
            }
        }
    }

    fn literal(&mut self) {
        self.literals += 1;
        let parsed = if self.literals > LITERALS { None } else { literal::parse(self.rest()) };
        self.boundary();
        match parsed {
            Some((value, taken)) => {
                self.at += taken;
                let mut found = Vec::new();
                value.flatten("", &mut found);
                for (name, value) in found {
                    let name = self.scoped(name);
                    self.give(name, value, None);
                }
            }
            None => self.at += 1,
        }
    }

    fn number(&mut self) {
        let start = self.at;
        let line_start =
            start < 64 && self.text.get(..start).is_some_and(|t| t.trim_start().trim_start_matches('[').is_empty());
        let bar = self.text.get(..start).is_some_and(|t| t.trim_end().ends_with('|'));
        let nested = start > 1 && self.text.get(start - 2..start) == Some("][");
        let mut value = self.digits();
        let next = self.byte(0);
        let then_digit = self.byte(1).is_ascii_digit();
        if matches!(next, b':' | b'-' | b'.' | b'T')
            && then_digit
            && !(next == b':' && self.separated && self.fraction(start))
        {
            // A duration, a date or a version.
            while matches!(self.byte(0), b'0'..=b'9' | b':' | b'-' | b'.' | b',' | b'T' | b'Z' | b'+') {
                self.at += 1;
            }
            self.words.clear();
            self.separated = false;
            return;
        }
        if next.is_ascii_alphabetic() || next == b'_' || next >= 0x80 && !self.rest().starts_with(['│', '█', '|']) {
            return self.drop_unit();
        }
        while self.named() && next == b',' && self.grouped(start) {
            let Some(group) =
                self.text.get(self.at + 1..self.at + 4).and_then(|digits| number::whole(digits.as_bytes()))
            else {
                break;
            };
            value = value * 1000.0 + group;
            self.at += 4;
        }
        let whole = self.divisor();
        if whole.is_none() && next == b'%' {
            self.at += 1;
        } else if self.unit_follows() {
            return self.drop_unit();
        }
        if self.named() {
            self.emit(value, whole);
        } else if whole.is_none() && line_start && matches!(self.byte(0), b']' | b':') && !self.fraction(start)
            || whole.is_some() && (nested || bar && self.rest().starts_with(" ["))
        {
            self.give("iter".to_owned(), value, whole);
        } else if whole.is_some()
            && self.line_begins(start)
            && self.rest().trim_start().starts_with(['[', '━', '─', '█'])
        {
            self.out.push(Pair { name: "iter".to_owned(), value, whole, bar: true });
        }
    }

    /// Whether only spaces precede the number.
    fn line_begins(&self, start: usize) -> bool {
        start < 64 && self.text.get(..start).is_some_and(|t| t.trim().is_empty())
    }

    /// Reads sign, digits, point and exponent.
    fn digits(&mut self) -> f64 {
        let start = self.at;
        self.at += usize::from(matches!(self.byte(0), b'+' | b'-'));
        while self.byte(0).is_ascii_digit() {
            self.at += 1;
        }
        if self.byte(0) == b'.' && !self.byte(1).is_ascii_alphabetic() {
            self.at += 1;
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        let sign = usize::from(matches!(self.byte(1), b'+' | b'-'));
        if matches!(self.byte(0), b'e' | b'E') && self.byte(1 + sign).is_ascii_digit() {
            self.at += 1 + sign;
            while self.byte(0).is_ascii_digit() {
                self.at += 1;
            }
        }
        self.text.get(start..self.at).and_then(|digits| number::whole(digits.as_bytes())).unwrap_or(f64::NAN)
    }

    /// Whether the number that began at `start` has a point or an exponent.
    fn fraction(&self, start: usize) -> bool {
        self.text.get(start..self.at).is_some_and(|t| t.contains(['.', 'e', 'E']))
    }

    /// Whether `,ddd` follows a whole number named by a counter: thousands.
    fn grouped(&self, start: usize) -> bool {
        let digits = (1..4).all(|i| self.byte(i).is_ascii_digit());
        self.byte(0) == b','
            && digits
            && !self.byte(4).is_ascii_digit()
            && self.text.get(start..self.at).is_some_and(|t| !t.contains('.'))
            && self.words.last().is_some_and(|w| is_counter(w))
    }

    /// The number after `/`, as in `3/10`.
    fn divisor(&mut self) -> Option<f64> {
        let back = self.at;
        self.skip_space();
        if self.byte(0) == b'/' {
            self.at += 1;
            self.skip_space();
            if self.byte(0).is_ascii_digit() {
                return Some(self.digits());
            }
        }
        self.at = back;
        None
    }

    fn unit_follows(&self) -> bool {
        let rest = self.rest();
        let trimmed = rest.trim_start_matches(' ');
        let word = self.word_at(self.at + rest.len() - trimmed.len());
        let after = trimmed.get(word.len()..).unwrap_or("").trim_start();
        words::is_unit(word) && !after.starts_with(|c: char| c.is_ascii_digit() || matches!(c, ':' | '='))
    }

    /// Skips the rest of a number that has a unit.
    fn drop_unit(&mut self) {
        self.skip_space();
        while let Some(c) = self.rest().chars().next().filter(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '.')) {
            self.at += c.len_utf8();
        }
        self.words.clear();
        self.separated = false;
    }

    fn give(&mut self, name: String, value: f64, whole: Option<f64>) {
        self.out.push(Pair { name, value, whole, bar: false });
    }

    /// Adds a number under the words before it; `whole` is the number after a `/`.
    fn emit(&mut self, value: f64, whole: Option<f64>) {
        let separated = std::mem::take(&mut self.separated);
        let mut parts = std::mem::take(&mut self.words);
        while parts.last().is_some_and(|w| words::is_filler(w)) {
            parts.pop();
        }
        let Some(&last) = parts.last() else { return };
        if words::is_source(last) {
            return;
        }
        let qualified = parts.iter().rev().skip(1).take_while(|w| words::is_qualifier(w)).count() + 1;
        let all = separated && parts.len() <= 5;
        let taken = if all { parts.len() } else { qualified };
        let first = parts.len() - taken.min(parts.len());
        if is_counter(last) && (!separated || taken == qualified || parts.iter().any(|w| words::is_at(w))) {
            let global = parts.iter().any(|w| w.eq_ignore_ascii_case("global"));
            self.give(if global { format!("global_{last}") } else { last.to_owned() }, value, whole);
            // "Loss at step 100: 0.3": the loss still waits for its number.
            if let Some(at) = parts.iter().position(|w| words::is_at(w)) {
                parts.truncate(at);
                self.words = parts;
            }
            return;
        }
        let name: Vec<&str> = parts.iter().skip(first).map(|w| w.trim_end_matches("'s")).collect();
        let name = self.scoped(name.join("_"));
        let value = match whole {
            Some(whole) if words::is_share(last) && whole > 0.0 => value / whole,
            _ => value,
        };
        self.give(name, value, None);
    }

    /// The name with the held-out split of the line, unless it has a split of its own or is a
    /// counter.
    fn scoped(&self, name: String) -> String {
        match self.scope {
            Some(scope) if DataSplit::in_name(&name).is_none() && !is_counter(&name) => {
                format!("{}_{name}", scope.to_ascii_lowercase())
            }
            _ => name,
        }
    }
}
