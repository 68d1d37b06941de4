//! [`RecordReader`]: one JSON object a line, nested keys joined with `/`; other lines are read as text.
//!
//! Keys are looked for where the last line had them, so that a usual line costs no allocation and no hashing. A line that
//! is no strict JSON is read by the lenient parser of the text reader. `"mode": "val"` gives its split to the names beside it.

use crate::carry::Carry;
use crate::gather::Gather;
use crate::prose::Prose;
use crate::text::LONGEST;
use crate::{literal, number, text};
use memchr::{memchr, memchr2};
use std::collections::HashMap;

/// Objects nested deeper than this are read by the lenient parser, which refuses them.
const DEPTH: u32 = 24;
/// Keys that are remembered.
const KEYS: usize = 4096;

/// Reads records.
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordReader {
    carry: Carry,
    keys: Keys,
    prose: Prose,
    /// Keys with their numbers; `None` for null.
    row: Vec<(usize, Option<f64>)>,
    scope: Option<&'static str>,
    named: String,
    last: bool,
}

/// What is known of keys.
#[derive(Debug, Clone, Default)]
struct Keys {
    all: Vec<Key>,
    index: HashMap<Vec<u8>, usize>,
    buffer: Vec<u8>,
}

#[derive(Debug, Clone)]
struct Key {
    parent: u32,
    key: Vec<u8>,
    name: String,
    kind: KeyRole,
    /// The key that came after this one.
    next: usize,
    /// Gathered names without a split, and with each held-out split.
    columns: [Option<usize>; 4],
    words: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum KeyRole {
    Plain,
    /// Says of which split a record is.
    Split,
    /// Names the `value` beside it.
    Names,
    Value,
    Rate,
}

const SPLITS: [&str; 3] = ["val", "test", "eval"];

impl RecordReader {
    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) {
        let mut carry = std::mem::take(&mut self.carry);
        carry.feed(bytes, |lines| self.line(lines, gather));
        self.carry = carry;
    }

    pub fn finish(&mut self, gather: &mut Gather) {
        let mut carry = std::mem::take(&mut self.carry);
        self.last = true;
        carry.finish(|lines| self.line(lines, gather));
        if carry.dropped > 0 {
            gather.note(format!("{} lines of more than {LONGEST} bytes are left out", carry.dropped));
        }
    }

    fn line(&mut self, lines: &[u8], gather: &mut Gather) -> Option<usize> {
        let end = memchr2(b'\n', b'\r', lines)?;
        if end >= LONGEST {
            return Some(end + 1);
        }
        gather.place += u64::from(lines.get(end) == Some(&b'\n'));
        let line = lines.get(..end).unwrap_or(&[]).trim_ascii();
        if line.first() == Some(&b'{') {
            self.record(line, gather);
        } else if !line.is_empty() {
            self.prose.line(&String::from_utf8_lossy(line), gather);
        }
        Some(end + 1)
    }

    fn record(&mut self, line: &[u8], gather: &mut Gather) {
        self.row.clear();
        self.scope = None;
        self.named.clear();
        let mut reader = Strict { bytes: line, at: 1, last: 0 };
        let read = self.object(&mut reader, 0, "", DEPTH, gather);
        if read.is_some() && reader.at == line.len() {
            self.end(gather);
            return;
        }
        gather.drop_row();
        self.lenient(line, gather);
    }

    /// A record that is no strict JSON, or is cut.
    fn lenient(&mut self, line: &[u8], gather: &mut Gather) {
        let text = String::from_utf8_lossy(line);
        match literal::parse(&text) {
            Some((value, _)) => {
                let mut found = Vec::new();
                value.flatten("", &mut found);
                found.iter().for_each(|(name, value)| gather.number(name, *value));
                gather.end_row();
            }
            None if self.last => {
                gather.note(format!("the last line is cut: line {}; it is left out", gather.place + 1))
            }
            None => {
                gather.note(format!("line {} is no whole record; read as text", gather.place));
                for (name, value) in text::pairs(&text) {
                    gather.number(&name, value);
                }
                gather.end_row();
            }
        }
    }

    /// Hands the record's numbers over.
    fn end(&mut self, gather: &mut Gather) {
        let slot = self.scope.map_or(0, |s| SPLITS.iter().position(|n| *n == s).map_or(0, |i| i + 1));
        for &(key, value) in &self.row {
            let Some(known) = self.keys.all.get_mut(key) else { continue };
            if let Some(value) = value.filter(|_| known.kind == KeyRole::Value && !self.named.is_empty()) {
                gather.number(&self.named, value);
                continue;
            }
            let Some(column) = known.columns.get_mut(slot) else { continue };
            let column = match column {
                Some(column) => Some(*column),
                None => {
                    *column = match self
                        .scope
                        .filter(|_| !crate::is_counter(&known.name) && !text::is_split_name(&known.name))
                    {
                        Some(split) => gather.column(&format!("{split}_{}", known.name)),
                        None => gather.column(&known.name),
                    };
                    *column
                }
            };
            match (column, value) {
                (Some(column), Some(value)) => gather.put(column, value),
                (Some(column), None) => gather.empty(column),
                (None, _) => {}
            }
        }
        gather.end_row();
    }

    /// The rest of an object whose brace was read. `None`: not strict JSON.
    fn object(&mut self, r: &mut Strict<'_>, parent: u32, prefix: &str, depth: u32, gather: &mut Gather) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if r.peek()? == b'}' {
            r.at += 1;
            return Some(());
        }
        loop {
            if r.peek()? != b'"' {
                return None;
            }
            let name = r.string()?;
            if r.peek()? != b':' {
                return None;
            }
            r.at += 1;
            let key = self.keys.find(parent, name, prefix, r.last)?;
            r.last = key;
            match r.peek()? {
                b'"' => {
                    let text = r.string()?;
                    self.word(key, text, gather);
                }
                b'{' => {
                    r.at += 1;
                    let prefix = self.keys.all.get(key)?.name.clone();
                    self.object(r, u32::try_from(key).ok()? + 1, &prefix, depth, gather)?;
                }
                b'[' => self.list(r, key)?,
                b't' => r.word(b"true")?,
                b'f' => r.word(b"false")?,
                b'n' => {
                    r.word(b"null")?;
                    self.row.push((key, None));
                }
                _ => {
                    let (value, length) = number::prefix(r.bytes.get(r.at..)?)?;
                    r.at += length;
                    self.row.push((key, Some(value)));
                }
            }
            match r.peek()? {
                b',' => r.at += 1,
                b'}' => {
                    r.at += 1;
                    return Some(());
                }
                _ => return None,
            }
            r.peek()?;
        }
    }

    /// A list: the one number in it, or the first of several rates.
    fn list(&mut self, r: &mut Strict<'_>, key: usize) -> Option<()> {
        let rates = self.keys.all.get(key)?.kind == KeyRole::Rate;
        let begin = r.at;
        let mut depth = 0u32;
        let mut first = None;
        let mut items = 0;
        loop {
            match r.peek()? {
                b'"' => {
                    r.string()?;
                    items += 1;
                }
                b'[' | b'{' => {
                    depth += 1;
                    r.at += 1;
                }
                b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    r.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                b',' | b':' => r.at += 1,
                _ => {
                    let rest = r.bytes.get(r.at..)?;
                    match number::prefix(rest) {
                        Some((value, length)) => {
                            first = first.or(Some(value).filter(|_| items == 0 && depth == 1));
                            r.at += length;
                        }
                        None => r.at += rest.iter().take_while(|b| b.is_ascii_alphabetic()).count().max(1),
                    }
                    items += 1;
                }
            }
        }
        if let Some(value) = first.filter(|_| items == 1 || rates) {
            self.row.push((key, Some(value)));
        }
        (r.at > begin).then_some(())
    }

    fn word(&mut self, key: usize, text: &[u8], gather: &mut Gather) {
        let Some(known) = self.keys.all.get_mut(key) else { return };
        if let Some(value) = number::told(text) {
            self.row.push((key, Some(value)));
            return;
        }
        let Ok(text) = std::str::from_utf8(text) else { return };
        match known.kind {
            KeyRole::Split => {
                let lower = text.to_ascii_lowercase();
                self.scope = match lower.as_str() {
                    "val" | "valid" | "validation" | "dev" => Some("val"),
                    "test" | "testing" => Some("test"),
                    "eval" | "evaluation" => Some("eval"),
                    _ => None,
                };
            }
            KeyRole::Names => self.named.push_str(text),
            _ => {
                known.words += 1;
                if known.words < 4 || gather.wants_words(&known.name) {
                    gather.word(&known.name, text);
                }
            }
        }
    }
}

impl Keys {
    /// The number of a key; `None` when there are too many.
    #[inline]
    fn find(&mut self, parent: u32, key: &[u8], prefix: &str, last: usize) -> Option<usize> {
        let guess = self.all.get(last).map_or(0, |k| k.next);
        if self.all.get(guess).is_some_and(|k| k.parent == parent && k.key == key) {
            return Some(guess);
        }
        self.buffer.clear();
        self.buffer.extend_from_slice(&parent.to_le_bytes());
        self.buffer.extend_from_slice(key);
        let found = match self.index.get(self.buffer.as_slice()) {
            Some(&found) => found,
            None => {
                if self.all.len() >= KEYS {
                    return None;
                }
                let text = String::from_utf8_lossy(key);
                let name = if prefix.is_empty() { text.into_owned() } else { format!("{prefix}/{text}") };
                let kind = kind(&name);
                let next = self.all.len() + 1;
                self.all.push(Key { parent, key: key.to_vec(), name, kind, next, columns: [None; 4], words: 0 });
                self.index.insert(self.buffer.clone(), self.all.len() - 1);
                self.all.len() - 1
            }
        };
        if let Some(last) = self.all.get_mut(last) {
            last.next = found;
        }
        Some(found)
    }
}

fn kind(name: &str) -> KeyRole {
    match name.to_ascii_lowercase().as_str() {
        "mode" | "split" | "phase" | "subset" => KeyRole::Split,
        "metric" | "tag" | "metric_name" => KeyRole::Names,
        "value" => KeyRole::Value,
        _ if crate::choose::is_rate(name) => KeyRole::Rate,
        _ => KeyRole::Plain,
    }
}

/// A place in a line of strict JSON.
struct Strict<'a> {
    bytes: &'a [u8],
    at: usize,
    /// The last key.
    last: usize,
}

impl<'a> Strict<'a> {
    /// The next byte that is no space.
    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            match *self.bytes.get(self.at)? {
                b' ' | b'\t' => self.at += 1,
                byte => return Some(byte),
            }
        }
    }

    /// A string without its quotes; escapes are left as they are.
    #[inline]
    fn string(&mut self) -> Option<&'a [u8]> {
        let begin = self.at + 1;
        let mut at = begin;
        loop {
            let rest = self.bytes.get(at..)?;
            let end = match rest.iter().take(16).position(|b| *b == b'"') {
                Some(end) => end,
                None => memchr(b'"', rest)?,
            };
            at += end + 1;
            let escapes = self.bytes.get(begin..at - 1)?.iter().rev().take_while(|b| **b == b'\\').count();
            if escapes % 2 == 0 {
                self.at = at;
                return self.bytes.get(begin..at - 1);
            }
        }
    }

    fn word(&mut self, word: &[u8]) -> Option<()> {
        let found = self.bytes.get(self.at..)?.starts_with(word);
        self.at += word.len();
        found.then_some(())
    }
}
