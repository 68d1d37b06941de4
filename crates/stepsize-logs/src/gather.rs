//! [`Gather`]: the rows of any log in, runs out.
//!
//! A row is a set of names with numbers, and of names with words. Counters among the names place
//! the row in its run ([`Clock`](crate::clock::Clock)); the other numbers are readings. When a
//! counter goes back, the run was restarted, and the later readings replace the earlier ones; when
//! it goes back to its beginning, another run begins. A row that names its run (`run_id`, `trial`)
//! goes to that run. The first rows are also kept as a table: a file with one row for each run is a
//! sweep ([`sweep`]), which is known only at its end.

mod ahead;
mod draft;
mod facts;
mod program;
mod rejoin;
mod rows;
mod sweep;

use crate::clock::{Again, RowCounts};
use crate::names::{CounterKind, DataSplit, bare_split, is_rate, metric_direction, plain};
use crate::thin::POINTS;
use draft::Draft;
pub(crate) use draft::{ENDED_BAR, OPEN_BAR};
pub use facts::name_facts;
pub(crate) use facts::{is_applied, is_result, is_setting};
use std::collections::{BTreeMap, HashMap};
pub(crate) use sweep::{DIRECTION, MINIMIZE, is_ramp};

/// Readings kept of all names together, about: 80 MB.
const ALL_POINTS: usize = 2 << 20;
/// Series of one file; more are left out.
const SERIES: usize = 16_384;
/// Names in one file; more are left out.
const NAMES: usize = 8192;
/// Runs in one file; more are left out.
const RUNS: usize = 4096;
/// Notes of one run.
const NOTES: usize = 16;
/// Facts of one run, and characters of one.
const FACTS: usize = 512;
const FACT_LENGTH: usize = 512;

/// What is known of a name.
#[derive(Debug, Clone)]
pub(crate) struct NameFacts {
    pub text: String,
    pub kind: CounterKind,
    /// Whether high is good, if it is a metric.
    pub metric: Option<bool>,
    /// Whether it is nothing but the name of a split.
    pub split: bool,
    rate: bool,
}

/// The numbers of a row by column, and its words by name.
pub(crate) type Row = (Vec<(usize, f64)>, Vec<(String, String)>);

/// Collects rows into runs.
#[derive(Debug, Clone)]
pub(crate) struct Gather {
    names: Vec<NameFacts>,
    index: HashMap<String, usize>,
    /// The column that was asked for last, and which followed on each before.
    last: usize,
    follows: Vec<usize>,
    drafts: Vec<Draft>,
    labels: HashMap<String, usize>,
    now: usize,
    row: Vec<(usize, f64)>,
    /// Columns that the row leaves empty.
    empty: Vec<usize>,
    /// Counters that stood on lines of their own.
    pending: Vec<(usize, f64)>,
    ahead: ahead::Ahead,
    words: Vec<(String, String)>,
    facts: BTreeMap<String, String>,
    notes: Vec<String>,
    again: Again,
    started: bool,
    /// The same of the first line of a text, which came again since the last metric.
    again_first: bool,
    /// Whether a training was told, and whether a command stands below it.
    trained: bool,
    command: bool,
    /// Settings that were told since the last metric.
    settings: usize,
    series: usize,
    limit: usize,
    table: Option<sweep::FirstRows>,
    /// Whether the row is of the end of its epoch.
    ended: bool,
    /// The counter that the user named; others are readings then.
    step: Option<String>,
    /// Rows as they were read, if the caller wants them.
    tap: Option<Vec<Vec<(String, f64)>>>,
    /// Line or record, for notes, and the number of the shape of the line, or 0.
    pub place: u64,
    pub shape: u8,
}

impl Gather {
    pub fn new(again: Again) -> Self {
        Self {
            names: Vec::new(),
            index: HashMap::new(),
            last: 0,
            follows: Vec::new(),
            drafts: vec![Draft::new(String::new())],
            labels: HashMap::new(),
            now: 0,
            row: Vec::new(),
            empty: Vec::new(),
            pending: Vec::new(),
            ahead: ahead::Ahead::default(),
            words: Vec::new(),
            facts: BTreeMap::new(),
            notes: Vec::new(),
            again,
            started: false,
            again_first: false,
            trained: false,
            command: false,
            settings: 0,
            series: 0,
            limit: POINTS,
            table: Some(sweep::FirstRows::default()),
            ended: false,
            step: None,
            tap: None,
            place: 0,
            shape: 0,
        }
    }

    /// The number of a name; `None` when there are too many.
    pub fn column(&mut self, name: &str) -> Option<usize> {
        // Rows mostly have the same names in the same order.
        let next = self.follows.get(self.last).copied().unwrap_or(0);
        if self.names.get(next).is_some_and(|n| n.text == name) {
            self.last = next;
            return Some(next);
        }
        if let Some(&column) = self.index.get(name) {
            if let Some(follows) = self.follows.get_mut(self.last) {
                *follows = column;
            }
            self.last = column;
            return Some(column);
        }
        if self.names.len() >= NAMES {
            self.note(format!("more than {NAMES} names; further ones are left out"));
            return None;
        }
        self.index.insert(name.to_owned(), self.names.len());
        let kind = match &self.step {
            // Several readings at one count of a name that is not known share it evenly.
            Some(step) if *step == plain(name) => match CounterKind::of(name) {
                CounterKind::Step(_) => CounterKind::Step(0),
                _ => CounterKind::Epoch(0),
            },
            Some(_) => CounterKind::Value,
            None => CounterKind::of(name),
        };
        let aside = self.step.is_some() && CounterKind::of(name) != CounterKind::Value;
        self.names.push(NameFacts {
            text: name.to_owned(),
            kind,
            metric: metric_direction(name).filter(|_| !aside),
            split: bare_split(name).is_some(),
            rate: is_rate(name),
        });
        self.follows.push(0);
        Some(self.names.len() - 1)
    }

    /// What is known of the name of a column.
    pub fn name(&self, column: usize) -> Option<&NameFacts> {
        self.names.get(column)
    }

    /// Takes only this counter for one.
    pub fn count_by(&mut self, step: &str) {
        self.step = Some(plain(step));
    }

    /// Whether a counter was seen in this run, or waits for its readings.
    pub fn is_counted(&self) -> bool {
        let clock = self.drafts.get(self.now).map(|d| &d.clock);
        !self.pending.is_empty() || clock.is_some_and(|c| c.columns != (None, None))
    }

    /// Whether a metric was read in the current run, or so many rows that it will have none.
    pub fn has_metrics(&self) -> bool {
        self.drafts.get(self.now).is_some_and(|d| !d.clock.early)
    }

    /// The current row is of the end of its epoch.
    pub fn epoch_ended(&mut self) {
        self.ended = true;
    }

    /// Adds a number to the current row.
    #[inline]
    pub fn put(&mut self, column: usize, value: f64) {
        self.row.push((column, value));
    }

    /// Notes that the current row leaves a column empty.
    #[inline]
    pub fn empty(&mut self, column: usize) {
        self.empty.push(column);
    }

    /// Adds a number to the current row, by name.
    pub fn number(&mut self, name: &str, value: f64) {
        if let Some(column) = self.column(name) {
            self.put(column, value);
        }
    }

    /// Adds words to the current row.
    pub fn word(&mut self, name: &str, text: &str) {
        if self.words.len() < FACTS {
            self.words.push((name.to_owned(), clip(text).to_owned()));
        }
    }

    /// Whether more words under this name are of use.
    pub fn wants_words(&self, name: &str) -> bool {
        self.table.is_some() || facts::is_label(name)
    }

    /// Takes the numbers of the current row.
    pub fn take_row(&mut self) -> Vec<(usize, f64)> {
        std::mem::take(&mut self.row)
    }

    /// Takes the current row as names and words.
    pub fn take_row_named(&mut self) -> Vec<(String, String)> {
        let name = |c: usize| self.names.get(c).map(|n| n.text.clone()).unwrap_or_default();
        let mut out: Vec<(String, String)> = self.row.iter().map(|(c, v)| (name(*c), v.to_string())).collect();
        out.append(&mut self.words);
        self.row.clear();
        out
    }

    /// Takes the current row away, for [`Gather::take_up`].
    pub fn put_aside(&mut self) -> Row {
        self.empty.clear();
        (std::mem::take(&mut self.row), std::mem::take(&mut self.words))
    }

    /// Continues with a row that was put aside.
    pub fn take_up(&mut self, row: Vec<(usize, f64)>, words: Vec<(String, String)>) {
        (self.row, self.words) = (row, words);
    }

    /// Whether the current row holds a counter.
    pub fn is_row_counted(&self) -> bool {
        self.row.iter().any(|(c, _)| self.is_counter(*c))
    }

    /// Whether the current row holds a metric.
    pub fn has_metric(&self) -> bool {
        self.row.iter().any(|(c, _)| self.names.get(*c).is_some_and(|n| n.metric.is_some()))
    }

    /// Whether the current row holds a metric of which less is better.
    pub fn has_loss(&self) -> bool {
        self.row.iter().any(|(c, _)| self.names.get(*c).is_some_and(|n| n.metric == Some(false)))
    }

    /// Ends the current row; its readings are of this split.
    pub fn end_row_of(&mut self, split: &str) {
        for (column, value) in self.take_row() {
            let Some(name) = self.names.get(column).map(|n| n.text.clone()) else { continue };
            match self.is_counter(column) || DataSplit::in_name(&name).is_some() {
                true => self.put(column, value),
                false => self.number(&format!("{split}_{name}"), value),
            }
        }
        self.end_row();
    }

    /// Drops the current row.
    pub fn drop_row(&mut self) {
        self.row.clear();
        self.empty.clear();
        self.words.clear();
    }

    /// Notes the count that a counter goes up to.
    pub fn total(&mut self, kind: CounterKind, whole: f64) {
        if let Some(draft) = self.drafts.get_mut(self.now) {
            draft.clock.total(kind, whole);
        }
    }

    /// Notes the share of its epoch that is over, of the row that comes.
    pub fn share(&mut self, share: f64) {
        if let Some(draft) = self.drafts.get_mut(self.now) {
            draft.clock.share(share);
        }
    }

    /// Adds a fact to the current run.
    pub fn fact(&mut self, name: &str, text: &str) {
        let facts = match self.drafts.get_mut(self.now) {
            Some(draft) if draft.has_readings() => &mut draft.fresh,
            Some(draft) => &mut draft.facts,
            None => &mut self.facts,
        };
        // A known setting has its place among any number of others.
        let room = facts.len() < FACTS || facts.len() < 2 * FACTS && facts::is_setting(name);
        if !name.is_empty() && (room || facts.contains_key(name)) {
            facts.insert(clip(name).to_owned(), clip(text).to_owned());
        }
    }

    /// Removes a fact that turned out to be a reading.
    pub fn forget(&mut self, name: &str) {
        if let Some(draft) = self.drafts.get_mut(self.now) {
            draft.facts.remove(name);
        }
    }

    /// The facts of the current run.
    pub fn facts(&self) -> BTreeMap<String, String> {
        self.drafts.get(self.now).map(|d| d.facts.clone()).unwrap_or_default()
    }

    /// Keeps rows from now on, for [`Gather::take_rows`].
    pub fn tap(&mut self) {
        self.tap = Some(Vec::new());
    }

    /// The rows since the last call.
    pub fn take_rows(&mut self) -> Vec<Vec<(String, f64)>> {
        self.tap.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// Adds a note on the whole file, once.
    pub fn note(&mut self, note: String) {
        if self.notes.len() < NOTES && !self.notes.contains(&note) {
            self.notes.push(note);
        }
    }

    /// The rows are no table of runs.
    pub fn is_no_table(&mut self) {
        self.table = None;
    }

    /// Switches to the run with this label.
    pub fn select(&mut self, label: &str) {
        if let Some(&draft) = self.labels.get(label) {
            self.now = draft;
            return;
        }
        let label = clip(label).to_owned();
        if let [only] = self.drafts.as_mut_slice()
            && self.labels.is_empty()
            && !only.has_readings()
        {
            only.name.clone_from(&label);
        } else if self.drafts.len() < RUNS {
            self.drafts.push(Draft::new(label.clone()));
        } else {
            self.note(format!("more than {RUNS} runs; further ones are left out"));
            self.now = usize::MAX;
            return;
        }
        self.now = self.drafts.len() - 1;
        self.labels.insert(label, self.now);
    }
}

/// The best known counters of a row.
#[inline]
fn counts(row: &[(usize, f64)], names: &[NameFacts]) -> RowCounts {
    RowCounts::of(
        row.iter()
            .map(|(column, value)| (names.get(*column).map_or(CounterKind::Value, |name| name.kind), *column, *value)),
    )
}

/// Whether a key of a record names the run that it is.
pub(crate) fn is_label(name: &str) -> bool {
    matches!(name, "name" | "run" | "run_id" | "id" | "label") || facts::is_label(name)
}

/// The beginning of a text that is kept.
fn clip(text: &str) -> &str {
    let text = text.trim();
    let end = (0..=FACT_LENGTH.min(text.len())).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0);
    text.get(..end).unwrap_or("")
}
