//! The scanner behind [`pairs`](super::pairs): words are collected until a number takes them as its
//! name.

mod counts;
mod emit;
mod number;

use super::{Pair, words};
use crate::literal;
use crate::names::{is_counter, metric_direction};
use crate::number as numbers;

/// Dict literals tried on one line, so that a line of braces does not take quadratic time.
const LITERALS: usize = 8;

/// Readings on a line; with more it is data.
const PAIRS: usize = 2048;

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
    /// The held-out split of the metric with which the line begins, whose scores may follow it, and
    /// whether a loss may.
    score_of: Option<(&'a str, bool)>,
    /// Open parentheses: the words before each, whether a separator followed them, and the number
    /// of pairs so far.
    open: Vec<(Vec<&'a str>, bool, usize)>,
    literals: usize,
    /// The end of the last counter, in bytes.
    counted: usize,
    /// Whether the last progress bar is named for epochs.
    epochs: bool,
    /// Whether the line is a message about a change of the rate. Its counters place no readings.
    message: bool,
    out: Vec<Pair>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self {
            text,
            at: 0,
            words: Vec::new(),
            separated: false,
            scope: None,
            score_of: None,
            open: Vec::new(),
            literals: 0,
            counted: 0,
            epochs: false,
            message: false,
            out: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> Vec<Pair> {
        if self.text.trim_start().starts_with("* ") {
            self.starred();
        }
        while let Some(c) = self.rest().chars().next().filter(|_| self.out.len() < PAIRS) {
            let next = self.byte(1);
            match c {
                '0'..='9' => self.number(),
                '.' if next.is_ascii_digit() => self.number(),
                '+' | '-' if self.number_follows() => self.number(),
                '-' | '+' => {
                    self.at += 1;
                    let word = self.word_at(self.at);
                    match numbers::whole(word.as_bytes()).filter(|_| !word.is_empty()) {
                        Some(value) if self.named() => {
                            self.at += word.len();
                            self.emit(if c == '-' { -value } else { value }, None);
                        }
                        Some(value) => {
                            self.at += word.len();
                            self.value_first(value);
                        }
                        None => self.boundary(),
                    }
                }
                ':' | '=' => {
                    self.at += 1;
                    self.separated = self.named();
                }
                ']' if self.ends_bar() => {
                    self.at += 1;
                    self.boundary();
                    (self.scope, self.score_of) = (None, None);
                }
                ',' | ';' | '|' | ']' | '}' | '<' | '>' | '→' => {
                    self.at += c.len_utf8();
                    self.boundary();
                }
                // Caffe: `loss_bbox = 0.2 (* 1 = 0.2 loss)` tells the weight of a part.
                '(' if next == b'*' => {
                    self.at += self.rest().find(')').map_or(1, |end| end + 1);
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
                '[' if next.is_ascii_alphabetic() && self.tag() => {}
                '"' | '\'' if self.separated => self.quoted(c),
                c if c.is_alphabetic() || c == '_' => self.word(),
                c => self.at += c.len_utf8(),
            }
        }
        if self.message { Vec::new() } else { self.out }
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
        let mut end = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        // `D_real+fake` is one name.
        if let [b'+', b'a'..=b'z' | b'A'..=b'Z', ..] = rest.as_bytes().get(end..).unwrap_or(&[]) {
            end = rest.get(end + 1..).and_then(|r| r.find(|c| !inside(c))).map_or(rest.len(), |more| end + 1 + more);
        }
        rest.get(..end).unwrap_or("").trim_end_matches(['.', '/', '-', '\'', '\\'])
    }

    /// Ends a part of the line. A part that is only the name of a split gives it to what follows.
    fn boundary(&mut self) {
        let split = match self.words.as_slice() {
            [word] => Some(*word),
            [word, rest @ ..] if rest.iter().all(|w| words::is_of_split(w)) => Some(*word),
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
            && let Some(value) = numbers::whole(word.as_bytes())
        {
            return self.emit(value, None);
        }
        if self.named() && self.byte(0) == b'(' && words::is_wrapper(word) {
            self.at += 1;
            return;
        }
        // `avg(utility)=0.5`
        if !self.separated
            && self.byte(0) == b'('
            && words::is_mean(word)
            && let inner = self.word_at(self.at + 1)
            && self.text.get(self.at + 1 + inner.len()..).is_some_and(|r| r.starts_with(")=") || r.starts_with("):"))
        {
            self.at += inner.len() + 2;
            self.words.extend([word, inner]);
            return;
        }
        if !self.separated
            && let Some(value) = numbers::whole(word.as_bytes())
        {
            match self.named() {
                true => return self.emit(value, None),
                false if self.value_first(value) => return,
                false => {}
            }
        }
        if self.separated {
            // `Validation BLEU: BLEU-1 64.5, BLEU-2 59.2`
            if let [split, metric] = self.words.as_slice()
                && words::is_split(split)
                && metric_direction(metric).is_some()
            {
                self.scope = words::is_held_out(split).then_some(*split);
            }
            self.boundary();
            // `tie_embeddings:True lr:0.05`
            if words::is_literal(word) {
                return;
            }
        }
        // Marian: `Up. 100`
        let word = if word == "Up" && self.text.as_bytes().get(self.at) == Some(&b'.') { "Update" } else { word };
        // `epoch3/10`
        let word = match word.split_once('/') {
            Some((count, whole)) if words::counted(count).is_some() && whole.bytes().all(|b| b.is_ascii_digit()) => {
                self.at -= whole.len() + 1;
                count
            }
            _ => word,
        };
        if let Some((name, count)) = words::counted(word) {
            // `TEST in epoch24, loss = 0.5`
            self.scope = self.words.first().copied().filter(|w| words::is_held_out(w)).or(self.scope);
            let whole = self.divisor();
            self.give(name.to_owned(), count, whole);
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
            match numbers::whole(inside.as_bytes()) {
                Some(value) => self.emit(value, None),
                None => self.boundary(),
            }
        }
    }

    fn close(&mut self) {
        self.at += 1;
        let inner = std::mem::take(&mut self.words);
        self.separated = false;
        let Some((before, separated, pairs)) = self.open.pop() else { return };
        let inside = self.out.get(pairs..).unwrap_or(&[]);
        if inside.is_empty() {
            // Only a unit or a remark: the words before it still wait for their number.
            self.words = before;
            self.separated = separated;
            // `(iteration) 1100 / 1500`
            if let ([], [name]) = (self.words.as_slice(), inner.as_slice())
                && is_counter(name)
            {
                self.words = inner;
                return;
            }
            // `loss (test)`, `loss (val-set)`
            let split = inner.first().and_then(|word| word.split(['-', '_']).next());
            if let Some(split) = split.filter(|split| inner.len() == 1 && words::is_held_out(split)) {
                self.scope = Some(split);
            }
        } else if self.rest().trim_start().starts_with([':', '=']) && inside.iter().all(|p| is_counter(&p.name)) {
            // `loss (epoch 3): 0.5` is placed within its name, `VAL LOG (epoch 3): loss=0.5` says
            // of what it is.
            match metric_direction(&before.join("_")) {
                Some(_) => self.words = before,
                None => self.scope = before.iter().copied().find(|w| words::is_held_out(w)).or(self.scope),
            }
        }
    }

    fn literal(&mut self) {
        self.literals += 1;
        let parsed = if self.literals > LITERALS { None } else { literal::parse(self.rest()) };
        // spaCy: `Losses {'ner': 120.5}`
        let losses = self.words.last().is_some_and(|w| w.eq_ignore_ascii_case("losses"));
        self.boundary();
        match parsed {
            Some((value, taken)) => {
                self.at += taken;
                let mut found = Vec::new();
                value.flatten("", &mut found);
                for (name, value) in found {
                    let name = if losses { format!("losses/{name}") } else { name };
                    let name = self.scoped(name);
                    self.give(name, value, None);
                }
            }
            None => self.at += 1,
        }
    }
}
