//! [`Document`]: one JSON document of any shape, read as it arrives.
//!
//! - A list of objects is a list of records (`log_history`, pandas' `records`).
//! - A list of numbers is a series; a list of counts beside it has its steps (Keras history,
//!   DeepOBS).
//! - An object under a key that counts (`"3"`, `"epoch_3"`) is a record.
//! - A list of pairs, or of triples that begin with a time, is a series of step and value.
//! - Lists as long as a list of names beside them are the rows of a table (pandas' `split`).
//! - Objects in a list that have lists of their own, of numbers or of records, are runs, and so are
//!   objects that have lists of the same names.
//! - Everything else is a fact.

mod keyed;
mod lists;
mod named;
mod nested;
mod rows;
mod runs;

use crate::gather::Gather;
use crate::gather::{is_result, is_setting};
use crate::json::tokens::{JsonToken, Tokens};
use crate::meaning::rate_in;
use crate::names::{DataSplit, bare_split, is_counter, metric_direction};
use crate::number;
use crate::run::Run;
use keyed::RecordKey;
use lists::Lists;
use named::Named;
use nested::Outer;
use rows::Columns;
use stepsize::Result;

/// Most numbers in an inner list that is a pair or a triple.
const TUPLE: usize = 3;

/// Reads a document.
#[derive(Debug, Clone, Default)]
pub(crate) struct Document {
    tokens: Tokens,
    shape: Position,
}

/// The place in the document that is being read.
#[derive(Debug, Clone, Default)]
struct Position {
    stack: Vec<Frame>,
    /// Keys of the open objects and lists, joined with `/`.
    path: String,
    lists: Lists,
    /// The depth of the open record, if there is one.
    record: Option<usize>,
    /// The record around it, if there is one: a run.
    outer: Option<Outer>,
    /// The key of the open record, if that counts.
    keyed: Option<RecordKey>,
    records: u64,
    documents: u64,
    /// Numbers at the top of the document, in case it is one record.
    top: Vec<(String, f64)>,
    /// What stands in objects that are no records, in case they are the runs of a sweep.
    named: Named,
    /// Names that stand in a list of their own.
    columns: Columns,
}

#[derive(Debug, Clone)]
struct Frame {
    kind: Container,
    /// Length of the path around it.
    outer: usize,
    /// The numbers of a list while there are few.
    tuple: Vec<Option<f64>>,
    /// Items read.
    items: u64,
    /// The series that its numbers go to.
    list: Option<usize>,
    /// Whether it is a row of a table.
    row: bool,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Container {
    Object,
    List,
}

impl Document {
    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) -> Result<()> {
        let shape = &mut self.shape;
        self.tokens.push(bytes, &mut |token, at| {
            gather.place = at;
            shape.token(token, gather);
        })
    }

    pub fn finish(&mut self, gather: &mut Gather) -> Result<()> {
        let shape = &mut self.shape;
        let cut = self.tokens.finish(&mut |token, at| {
            gather.place = at;
            shape.token(token, gather);
        })?;
        if cut || !shape.stack.is_empty() {
            gather.note(format!("the document is cut at byte {}; what came before is read", self.tokens.at()));
            gather.drop_row();
        }
        shape.lone_record(gather);
        Ok(())
    }

    /// Takes the list of this name for the steps of those beside it.
    pub fn count_by(&mut self, name: &str) {
        self.shape.lists.count_by(name);
    }

    /// Whether every brace is closed.
    pub fn is_whole(&self) -> bool {
        self.shape.stack.is_empty() && self.shape.documents > 0
    }

    /// The runs that the document holds as lists.
    pub fn lists(&self) -> Vec<Run> {
        runs::tidy(self.shape.lists.join(Vec::new()))
    }

    /// The runs so far.
    pub fn runs(&self, gather: &Gather) -> Vec<Run> {
        runs::tidy(self.shape.lists.join(gather.runs(true)))
    }
}

impl Position {
    fn token(&mut self, token: JsonToken<'_>, gather: &mut Gather) {
        match token {
            JsonToken::Open(brace) => self.open(brace == b'{', gather),
            JsonToken::Close => self.close(gather),
            JsonToken::Key(key) => self.key(key),
            JsonToken::Number(value) => self.value(Some(value), gather),
            JsonToken::Null => self.value(None, gather),
            JsonToken::Text(text) => self.text(text, gather),
            JsonToken::Nothing => self.item(),
        }
    }

    fn item(&mut self) {
        if let Some(frame) = self.stack.last_mut() {
            frame.items += 1;
        }
    }

    /// The last part of the path becomes `key`.
    fn key(&mut self, key: &str) {
        let Some(outer) = self.stack.last().map(|f| f.outer) else { return };
        self.path.truncate(outer);
        if !self.path.is_empty() {
            self.path.push('/');
        }
        self.path.push_str(key);
    }

    fn open(&mut self, object: bool, gather: &mut Gather) {
        let inside = self.stack.last().map(|f| f.kind);
        self.item();
        match (inside, object) {
            (None, _) => {
                self.documents += 1;
                if self.documents == 2 {
                    self.lone_record(gather);
                }
            }
            // An object in a list that is not within another record is a record.
            (Some(Container::List), true) if self.record.is_none() => {
                self.record = Some(self.stack.len());
                self.lists.record_begins();
            }
            (Some(Container::List), true) if self.outer.as_ref().is_none_or(|o| Some(o.depth) == self.record) => {
                self.inner_begins(gather);
            }
            _ => {}
        }
        if inside.is_none() && object && self.documents > 1 && self.record.is_none() {
            self.record = Some(self.stack.len());
            self.lists.record_begins();
        }
        // A list within a list of numbers is named by its index.
        if inside == Some(Container::List) && !object && self.record.is_none() {
            let number = self.stack.last().map_or(0, |f| f.items);
            self.path.push_str(&format!("/{}", number - 1));
        }
        let kind = if object { Container::Object } else { Container::List };
        let outer = self.path.len();
        let row = inside == Some(Container::List) && !object && self.record.is_none() && self.is_row();
        self.stack.push(Frame { kind, outer, tuple: Vec::new(), items: 0, list: None, row });
    }

    fn close(&mut self, gather: &mut Gather) {
        let Some(frame) = self.stack.pop() else { return };
        self.path.truncate(frame.outer);
        let inner = self.stack.last().is_some_and(|f| f.kind == Container::List);
        if frame.kind == Container::List && inner && self.record.is_none() {
            self.leave_inner();
        }
        if frame.row {
            return self.row_ends(frame.items, gather);
        }
        self.columns.list_ends(frame.kind == Container::List, frame.items, &self.path);
        if frame.kind == Container::List && frame.list.is_none() && !frame.tuple.is_empty() {
            self.tuple(&frame.tuple, inner, gather);
        }
        if self.record == Some(self.stack.len()) {
            self.records += 1;
            match self.outer.take() {
                None if self.keyed.is_some() => self.keyed_ends(gather),
                Some(outer) if Some(outer.depth) != self.record => self.inner_ends(outer, gather),
                outer => {
                    self.record = None;
                    self.outer_ends(outer, gather);
                }
            }
        }
    }

    /// Removes the index of an inner list from the path.
    fn leave_inner(&mut self) {
        let end = self.path.rfind('/').unwrap_or(0);
        self.path.truncate(end);
    }

    /// A list of few numbers: a step with its value, or a short series.
    fn tuple(&mut self, numbers: &[Option<f64>], inner: bool, gather: &mut Gather) {
        if self.record.is_some() && numbers.iter().all(Option::is_none) {
            return;
        }
        match (inner && self.record.is_none(), numbers) {
            (true, [Some(step), value] | [_, Some(step), value]) => {
                let path = if self.path.is_empty() { "value" } else { &self.path };
                let list = self.lists.of(path);
                self.lists.pair(list, *step, *value);
            }
            // The only number in a list within a record is a number of the record.
            (_, [Some(value)]) if self.record.is_some() => gather.number(&self.record_path(), *value),
            // One number for each metric, of CatBoost.
            (_, numbers) if self.record.is_some() && bare_split(&self.record_path()).is_some() => {
                let path = self.record_path();
                for (i, value) in numbers.iter().enumerate().filter_map(|(i, v)| Some((i, (*v)?))) {
                    gather.number(&if i == 0 { path.clone() } else { format!("{path}_{i}") }, value);
                }
            }
            (true, _) => {}
            _ => {
                let list = self.lists.of(&self.list_path());
                numbers.iter().for_each(|v| self.lists.push(list, *v));
            }
        }
    }

    fn list_path(&self) -> String {
        match self.record {
            Some(_) => self.record_path(),
            None if self.path.is_empty() => "value".to_owned(),
            None => self.path.clone(),
        }
    }

    /// The path within the open record.
    fn record_path(&self) -> String {
        let outer = self.record.and_then(|depth| self.stack.get(depth)).map_or(0, |f| f.outer);
        self.path.get(outer..).unwrap_or("").trim_start_matches('/').to_owned()
    }

    /// A number, or null in its place.
    fn value(&mut self, value: Option<f64>, gather: &mut Gather) {
        if self.record.is_none() {
            self.begin_keyed();
        }
        let record = self.record.is_some();
        let Some(frame) = self.stack.last_mut() else { return };
        frame.items += 1;
        if frame.row {
            let name = self.columns.name(frame.items);
            return if let Some((name, value)) = name.zip(value) {
                gather.number(name, value)
            };
        }
        if frame.kind == Container::List {
            match frame.list {
                Some(list) => return self.lists.push(list, value),
                None if frame.tuple.len() < TUPLE => return frame.tuple.push(value),
                None => {}
            }
            // More than a tuple: a series.
            let path = self.list_path();
            let list = self.lists.of(&path);
            if let Some(frame) = self.stack.last_mut() {
                frame.list = Some(list);
                for early in std::mem::take(&mut frame.tuple) {
                    self.lists.push(list, early);
                }
            }
            return self.lists.push(list, value);
        }
        if record {
            let path = self.record_path();
            match value {
                Some(value) => gather.number(&path, value),
                None => _ = gather.column(&path).map(|column| gather.empty(column)),
            }
            return;
        }
        // pandas writes a column as an object with counted keys.
        if let Some((path, count)) = self.path.rsplit_once('/')
            && let Some(count) = RecordKey::count_of(count)
        {
            let list = self.lists.of(path);
            return self.lists.pair(list, count, value);
        }
        let Some(value) = value else { return };
        self.named.number(&self.path, value);
        if self.stack.len() == 1 && self.top.len() < 512 {
            self.top.push((self.path.clone(), value));
        }
        // What a run reached is no setting.
        let last = self.path.rsplit('/').next().unwrap_or("");
        if !is_result(&self.path) && (metric_direction(last).is_none() || is_setting(last)) {
            gather.fact(&self.path, &value.to_string());
        }
    }

    fn text(&mut self, text: &str, gather: &mut Gather) {
        self.item();
        if let Some(value) = number::told(text.as_bytes()).filter(|v| !v.is_finite() || self.record.is_some()) {
            if let Some(frame) = self.stack.last_mut() {
                frame.items -= 1;
            }
            return self.value(Some(value), gather);
        }
        match self.stack.last() {
            Some(frame) if frame.row => {
                return if let Some(name) = self.columns.name(frame.items) {
                    gather.word(name, text)
                };
            }
            Some(frame) if frame.kind == Container::Object => {}
            _ => return self.columns.text(text),
        }
        match self.record {
            Some(_) => gather.word(&self.record_path(), text),
            None => {
                self.named.text(&self.path, text);
                gather.fact(&self.path, text);
            }
        }
    }

    fn record_ends(&mut self, gather: &mut Gather) {
        if self.take_point(gather) {
            return;
        }
        // A record that counts, and holds a metric, is a reading, whatever lists are beside it.
        let counts = |name: &str| is_counter(name) && !is_setting(name);
        if gather.has_loss() && !self.lists.measures() && gather.row_named().iter().any(|(name, _)| counts(name)) {
            self.lists.forget_record();
        } else if self.lists.record_ends() {
            self.lists.facts(gather.take_row_named());
            return;
        }
        self.end_row(&self.path, gather);
    }

    /// Ends a row of readings at this path. A list of records with the name of a held-out split
    /// gives it to the names in it; one with the name of a run, or within the object of a run, is
    /// of that run.
    fn end_row(&self, path: &str, gather: &mut Gather) {
        let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
        if self.outer.is_none() && self.record.is_none() {
            let split = above.split('/').any(|part| DataSplit::in_name(part).is_some());
            match () {
                () if rate_in(last).is_some() || last.parse::<f64>().is_ok_and(|v| v.fract() != 0.0) => {
                    gather.select(last);
                    gather.is_no_table();
                }
                () if !above.is_empty() && !split && last.parse::<u32>().is_err() => gather.select(above),
                () => {}
            }
        }
        match DataSplit::in_name(last).filter(|split| split.is_held_out()) {
            Some(split) => gather.end_row_of(DataSplit::of_word(last).map_or(split.prefix(), |_| last)),
            None => gather.end_row(),
        }
    }
}
