//! [`RecordReader`]: one JSON object a line, nested keys joined with `/`; other lines are read as
//! text.
//!
//! A key is first compared with the one that followed the last key before, so that a usual line
//! costs no allocation and no hashing. A line that is not strict JSON goes to the lenient parser of
//! the text reader. `"mode": "val"` gives its split to the names beside it.

use crate::carry::Carry;
use crate::gather::Gather;
use crate::json::Lexer;
use crate::names::{DataSplit, is_counter, is_rate};
use crate::prose::Prose;
use crate::text::LONGEST;
use crate::{literal, number, text};
use memchr::memchr2;
use std::collections::HashMap;

/// Objects nested deeper than this go to the lenient parser, which refuses them.
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
    /// The held-out split that the record says it is of.
    scope: Option<DataSplit>,
    named: String,
    last: bool,
}

/// The keys met so far.
#[derive(Debug, Clone, Default)]
struct Keys {
    all: Vec<Key>,
    index: HashMap<Vec<u8>, usize>,
    buffer: Vec<u8>,
    /// The key found last.
    last: usize,
}

#[derive(Debug, Clone)]
struct Key {
    parent: u32,
    key: Vec<u8>,
    name: String,
    kind: KeyRole,
    /// The key that came after this one.
    next: usize,
    /// Columns of the name alone, and with each held-out split before it.
    columns: [Option<usize>; 4],
    words: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum KeyRole {
    Plain,
    /// Its value names the split of the record.
    Split,
    /// Names the `value` beside it.
    Names,
    Value,
    Rate,
}

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
        self.keys.last = 0;
        let mut lexer = Lexer::new(line);
        lexer.at = 1;
        let read = self.object(&mut lexer, 0, "", DEPTH, gather);
        if read.is_some() && lexer.at == line.len() {
            self.end(gather);
            return;
        }
        gather.drop_row();
        self.lenient(line, gather);
    }

    /// Reads a record that is not strict JSON, or is cut.
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
                gather.note(format!("line {} is not a whole record; it is read as text", gather.place));
                for (name, value) in text::pairs(&text) {
                    gather.number(&name, value);
                }
                gather.end_row();
            }
        }
    }

    /// Hands over the numbers of the record.
    fn end(&mut self, gather: &mut Gather) {
        let slot = self.scope.map_or(0, |split| 1 + split as usize);
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
                    let own = is_counter(&known.name) || DataSplit::in_name(&known.name).is_some();
                    *column = match self.scope.filter(|_| !own) {
                        Some(split) => gather.column(&format!("{}_{}", split.prefix(), known.name)),
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

    /// Reads the rest of an object after its brace. `None`: it is not strict JSON.
    fn object(
        &mut self,
        lexer: &mut Lexer<'_>,
        parent: u32,
        prefix: &str,
        depth: u32,
        gather: &mut Gather,
    ) -> Option<()> {
        let depth = depth.checked_sub(1)?;
        if lexer.eat(b'}') {
            return Some(());
        }
        loop {
            if lexer.peek()? != b'"' {
                return None;
            }
            let name = lexer.quoted()?;
            if lexer.peek()? != b':' {
                return None;
            }
            lexer.at += 1;
            let key = self.keys.find(parent, name, prefix)?;
            match lexer.peek()? {
                b'"' => self.word(key, lexer.quoted()?, gather),
                b'{' => {
                    lexer.at += 1;
                    let prefix = self.keys.all.get(key)?.name.clone();
                    self.object(lexer, u32::try_from(key).ok()? + 1, &prefix, depth, gather)?;
                }
                b'[' => self.list(lexer, key)?,
                b't' | b'f' | b'n' => match lexer.word(|b| b.is_ascii_lowercase()) {
                    b"true" | b"false" => {}
                    b"null" => self.row.push((key, None)),
                    _ => return None,
                },
                _ => self.row.push((key, Some(lexer.number()?))),
            }
            let mark = lexer.peek()?;
            lexer.at += 1;
            match mark {
                b',' => {}
                b'}' => return Some(()),
                _ => return None,
            }
        }
    }

    /// Reads a list: the only number in it, or the first of several rates.
    fn list(&mut self, lexer: &mut Lexer<'_>, key: usize) -> Option<()> {
        let rates = self.keys.all.get(key)?.kind == KeyRole::Rate;
        let mut depth = 0u32;
        let mut first = None;
        let mut items = 0;
        loop {
            match lexer.peek()? {
                b'"' => {
                    lexer.quoted()?;
                    items += 1;
                }
                b'[' | b'{' => {
                    depth += 1;
                    lexer.at += 1;
                }
                b']' | b'}' => {
                    depth = depth.checked_sub(1)?;
                    lexer.at += 1;
                    if depth == 0 {
                        break;
                    }
                }
                b',' | b':' => lexer.at += 1,
                _ => {
                    match lexer.number() {
                        Some(value) => first = first.or(Some(value).filter(|_| items == 0 && depth == 1)),
                        None if lexer.word(|b| b.is_ascii_alphabetic()).is_empty() => lexer.at += 1,
                        None => {}
                    }
                    items += 1;
                }
            }
        }
        if let Some(value) = first.filter(|_| items == 1 || rates) {
            self.row.push((key, Some(value)));
        }
        Some(())
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
                self.scope = DataSplit::of_word(text).filter(|split| split.is_held_out());
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
    fn find(&mut self, parent: u32, key: &[u8], prefix: &str) -> Option<usize> {
        let last = self.last;
        let guess = self.all.get(last).map_or(0, |k| k.next);
        if self.all.get(guess).is_some_and(|k| k.parent == parent && k.key == key) {
            self.last = guess;
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
        self.last = found;
        Some(found)
    }
}

fn kind(name: &str) -> KeyRole {
    match name.to_ascii_lowercase().as_str() {
        "mode" | "split" | "phase" | "subset" => KeyRole::Split,
        "metric" | "tag" | "key" | "metric_name" => KeyRole::Names,
        "value" => KeyRole::Value,
        _ if is_rate(name) => KeyRole::Rate,
        _ => KeyRole::Plain,
    }
}
