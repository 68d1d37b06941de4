//! [`Draft`]: one run while it is read.

mod place;
mod rates;
mod shapes;
mod told;

use super::facts::{is_applied, is_setting};
use super::{NOTES, NameFacts};
use crate::clock::{Again, Clock, RowCounts};
use crate::gap::Gap;
use crate::names::{CounterKind, DataSplit, plain};
use crate::run::{NamedSeries, Run};
use crate::thin::{Thin, ThinPoint};
use place::{Marks, PlacedBy, before_counter, ends_of_epochs, place, undoubled};
pub(crate) use shapes::{ENDED_BAR, OPEN_BAR};
use std::collections::{BTreeMap, HashSet};
use told::NamedCount;

/// After this many rows without a metric the log has none that is known by its name.
const EARLY: u64 = 8;
/// After this many steps back the rows have no order, and a further step back is not a restart.
const RESTARTS: u32 = 16;

/// One run while it is read.
#[derive(Debug, Clone)]
pub(super) struct Draft {
    pub name: String,
    pub facts: BTreeMap<String, String>,
    /// Facts since the last reading: they may belong to a run that begins.
    pub fresh: BTreeMap<String, String>,
    columns: Vec<Option<Thin>>,
    order: Vec<usize>,
    pub clock: Clock,
    pub notes: Vec<String>,
    restarts: u32,
    /// Rows that hold counters only and leave the other columns empty.
    gap: Gap,
    /// The empty columns, the step and the epoch of the first of them.
    gap_begins: (Vec<usize>, f64, f64),
    /// Whether no further series may begin.
    pub full: bool,
    /// Names of words that change from row to row.
    pub varying: HashSet<String>,
    /// Columns that are read in rows of a validation only.
    pub validated: HashSet<usize>,
    rows: u64,
    /// Most counters on a row.
    pub counters: usize,
    /// The step at which the program said that the loss is not finite, if nothing came after that.
    pub broke: Option<f64>,
    /// Whether a person ended the run, if nothing came after that.
    pub interrupted: bool,
    /// The epoch of the last row that was not of the end of one.
    open_epoch: f64,
    /// Whether a start or settings of a program stand between the run before and this one.
    pub apart: bool,
    /// Whether a cell told it after another one had trained, and counted nothing.
    pub aside: bool,
}

impl Draft {
    pub fn new(name: String) -> Self {
        Self {
            name,
            facts: BTreeMap::new(),
            fresh: BTreeMap::new(),
            columns: Vec::new(),
            order: Vec::new(),
            clock: Clock::default(),
            notes: Vec::new(),
            restarts: 0,
            gap: Gap::default(),
            gap_begins: (Vec::new(), f64::NAN, f64::NAN),
            full: false,
            varying: HashSet::new(),
            validated: HashSet::new(),
            rows: 0,
            counters: 0,
            broke: None,
            interrupted: false,
            open_epoch: f64::NAN,
            apart: false,
            aside: false,
        }
    }

    pub fn is_empty(&self) -> bool {
        self.order.is_empty() && self.facts.is_empty() && self.not_finite().is_empty()
    }

    pub fn has_readings(&self) -> bool {
        !self.order.is_empty()
    }

    /// Whether a column has readings of training.
    pub fn reads(&self, column: usize) -> bool {
        self.columns.get(column).is_some_and(Option::is_some) && !self.validated.contains(&column)
    }

    /// Step and epoch of the first reading of a column, and of the last.
    fn first(&self, column: usize) -> Option<((f64, f64), (f64, f64))> {
        let thin = self.columns.get(column)?.as_ref()?;
        let place = |m: ThinPoint| (m.step, m.epoch);
        Some((place(thin.first()?), place(thin.last()?)))
    }

    /// Whether a row with these counts and columns is the first of another run.
    #[inline]
    pub fn ends_before(
        &self,
        counts: RowCounts,
        columns: impl Iterator<Item = usize>,
        again: Again,
        started: bool,
    ) -> bool {
        self.clock.is_new_run(counts, again, started, columns.filter_map(|column| self.first(column)))
    }

    pub fn limit(&mut self, limit: usize) {
        self.columns.iter_mut().flatten().for_each(|c| c.limit(limit));
    }

    /// Takes in a row that holds only counters and leaves these columns empty.
    pub fn empty_row(&mut self, counts: RowCounts, empty: &[usize], names: &[NameFacts], again: Again) {
        if self.gap.empty() {
            let mut clock = self.clock.clone();
            clock.note(counts, again, |_| false);
            let values = empty.iter().filter(|c| names.get(**c).is_some_and(|n| n.kind == CounterKind::Value));
            self.gap_begins = (values.copied().collect(), clock.step, clock.epoch);
        }
    }

    /// The columns that are empty at the end because the values were not finite: those with a
    /// reading just before the first empty row, or all if there never was a reading.
    fn not_finite(&self) -> Vec<usize> {
        let never = !self.has_readings();
        if self.gap.not_finite().is_none_or(|rows| never && rows < 2) {
            return Vec::new();
        }
        let here = |m: ThinPoint| {
            (m.step == self.clock.step || m.step.is_nan()) && (m.epoch == self.clock.epoch || m.epoch.is_nan())
        };
        let read_last = |c: usize| self.columns.get(c).and_then(Option::as_ref).and_then(Thin::last).is_some_and(here);
        self.gap_begins.0.iter().copied().filter(|c| never || read_last(*c)).collect()
    }

    /// Takes in a row, which may be of the end of its epoch; returns how many series it began.
    #[inline]
    pub fn row(
        &mut self,
        row: &[(usize, f64)],
        (counts, ended, shape): (RowCounts, bool, u8),
        names: &[NameFacts],
        limit: usize,
        place: u64,
        again: Again,
    ) -> usize {
        self.gap.filled();
        let metric = row.iter().any(|(c, _)| names.get(*c).is_some_and(|n| n.metric.is_some()));
        // A row of neither may still be of the settings of a run that begins.
        if !self.fresh.is_empty() && (metric || counts.is_counted()) {
            for (name, text) in std::mem::take(&mut self.fresh) {
                self.facts.entry(name).or_insert(text);
            }
        }
        if metric && self.clock.early {
            self.clock.forget_worse(counts);
        }
        let columns = &self.columns;
        let last = |c: usize| columns.get(c).and_then(Option::as_ref).and_then(Thin::last);
        self.clock.note(counts, again, |step| row.iter().any(|(c, _)| last(*c).is_some_and(|m| m.step > step)));
        self.rows += u64::from(counts.is_counted());
        if metric {
            let counter = |c: &usize| names.get(*c).is_some_and(|n| n.kind != CounterKind::Value);
            self.clock.beside.note(row.iter().map(|(c, _)| *c).filter(counter));
        }
        if self.clock.early && (self.rows > EARLY || metric) {
            self.clock.early = false;
        }
        let (mut step, mut epoch) = (self.clock.step, self.clock.epoch);
        if ended && counts.step().is_none() {
            step = self.clock.end_of_epoch();
        }
        match ended {
            // The epoch whose batches came before is over.
            true if self.open_epoch == epoch => epoch += 1.0,
            true => {}
            false => self.open_epoch = epoch,
        }
        let mut made = 0;
        let (mut back, mut back_epoch) = (f64::NAN, f64::NAN);
        let mut counters = 0;
        for &(column, value) in row {
            let Some(name) = names.get(column) else { continue };
            if name.kind != CounterKind::Value {
                counters += 1;
                continue;
            }
            if name.metric == Some(false) {
                self.broke = None;
                self.interrupted = false;
            }
            if column >= self.columns.len() {
                self.columns.resize_with(column + 1, || None);
            }
            let Some(slot) = self.columns.get_mut(column) else { continue };
            if slot.is_none() {
                if self.full {
                    continue;
                }
                self.order.push(column);
                made += 1;
            }
            let thin = slot.get_or_insert_with(|| Thin::new(limit));
            if let Some(last) = thin.last().filter(|l| l.step > step)
                && self.restarts < RESTARTS
            {
                back = back.max(last.step);
                thin.cut(step);
            } else if let Some(last) = thin.last().filter(|l| l.step.is_nan() && l.epoch > epoch && !ended)
                && step.is_nan()
                && self.restarts < RESTARTS
            {
                back_epoch = back_epoch.max(last.epoch);
                thin.cut_epoch(epoch);
            }
            thin.push_of(shape, step, epoch, value);
        }
        self.counters = self.counters.max(counters);
        if back.is_finite() {
            self.restarts += 1;
            self.went_back(("step", back, step), place);
        } else if back_epoch.is_finite() {
            self.restarts += 1;
            self.went_back(("epoch", back_epoch, epoch), place);
        }
        made
    }

    fn went_back(&mut self, (what, from, to): (&str, f64, f64), place: u64) {
        if self.restarts == RESTARTS {
            self.notes.push("steps go back again and again: the rows have no order and are sorted".to_owned());
        } else if self.notes.len() < NOTES {
            self.notes.push(format!(
                "the {what} went back from {from} to {to} at line {place}: a restart; the later readings replace the earlier ones"
            ));
        }
    }

    /// Adds to the training losses what the program said at its end.
    fn said_to_break(&self, marks: &mut [Marks], names: &[NameFacts]) {
        let Some(step) = self.broke else { return };
        for (column, seen, marks) in marks {
            let Some(name) = names.get(*column).filter(|n| n.metric == Some(false)) else { continue };
            if DataSplit::in_name(&name.text).is_some_and(DataSplit::is_held_out) {
                continue;
            }
            if let Some(last) = marks.last().copied() {
                // Later than the last reading, which was finite.
                let after = |at: f64| at + at.abs().max(1.0) * 1e-6;
                let step = if step > last.step { step } else { after(last.step) };
                marks.push(ThinPoint { step, epoch: after(last.epoch), index: *seen, value: f64::NAN, shape: 0 });
                *seen += 1;
            }
        }
    }

    /// The run as data.
    pub fn run(&self, names: &[NameFacts]) -> Run {
        let mut marks: Vec<Marks> = self
            .order
            .iter()
            .filter_map(|c| self.columns.get(*c)?.as_ref().map(|t| (*c, t.seen(), t.marks())))
            .collect();
        before_counter(&mut marks);
        let mut notes = self.notes.clone();
        notes.extend(shapes::part(&mut marks, names));
        if let Some(length) = self.clock.length_of_epoch() {
            let metrics = marks.iter_mut().filter(|m| names.get(m.0).is_some_and(|n| n.metric.is_some()));
            for (column, seen, marks) in metrics {
                if ends_of_epochs(seen, marks, length) {
                    let name = names.get(*column).map_or("", |n| n.text.as_str());
                    notes.push(format!(
                        "`{name}` is a mean that begins again in each epoch: its last value there is taken"
                    ));
                }
            }
        }
        self.said_to_break(&mut marks, names);
        let (_, step, epoch) = self.gap_begins;
        for column in self.not_finite() {
            let mark = |index| ThinPoint { step, epoch, index, value: f64::NAN, shape: 0 };
            match marks.iter_mut().find(|m| m.0 == column) {
                Some((_, seen, marks)) => {
                    marks.push(mark(*seen));
                    *seen += 1;
                }
                None => marks.push((column, 1, vec![mark(0)])),
            }
        }
        // The losses decide whether a counter is known for most readings, else the scores, if there
        // are any.
        let is_loss = |c: usize| names.get(c).is_some_and(|n| n.metric == Some(false));
        let is_metric = |c: usize| names.get(c).is_some_and(|n| n.metric.is_some());
        // A setting that is told again and again is no curve.
        let moves = |m: &[ThinPoint]| m.windows(2).any(|w| w[0].value != w[1].value);
        let losses = marks.iter().any(|(c, _, m)| is_loss(*c) && m.len() > 2 && moves(m));
        let metrics = marks.iter().any(|(c, _, m)| is_metric(*c) && m.len() > 2);
        let decides = |c: usize| if losses { is_loss(c) } else { !metrics || is_metric(c) };
        let asked: Vec<&[ThinPoint]> =
            marks.iter().filter(|(c, _, _)| decides(*c)).map(|(_, _, m)| m.as_slice()).collect();
        // Words that differ from row to row, and no counter: a row is a run.
        let told = |name: &String| {
            !plain(name).split('_').any(|word| {
                matches!(word, "split" | "phase" | "mode" | "stage" | "set" | "type")
                    || ["date", "time", "stamp"].iter().any(|w| word.contains(w))
            })
        };
        let varies = self.varying.iter().any(told);
        let counter = match PlacedBy::best(&asked, self.clock.is_bar()) {
            // The results of runs that were all of as many epochs.
            PlacedBy::Epoch if varies && asked.iter().all(|m| m.windows(2).all(|w| w[0].epoch == w[1].epoch)) => {
                PlacedBy::Index
            }
            counter => counter,
        };
        if counter == PlacedBy::Index {
            undoubled(&mut marks);
        }
        let repeated = |name: &str| matches!(plain(name).as_str(), "seed" | "random_seed" | "random_state" | "fold");
        let seeded = marks.iter().any(|(c, _, m)| names.get(*c).is_some_and(|n| repeated(&n.text)) && moves(m));
        // Nothing counts readings that seeds or parts of the data tell apart.
        let rows_are_runs = counter == PlacedBy::Index && (varies || seeded);
        let told_by = if counter == PlacedBy::Index && !rows_are_runs { NamedCount::of(&marks, names) } else { None };
        let series = marks.iter().map(|(column, seen, marks)| {
            let name = names.get(*column).map(|n| n.text.clone()).unwrap_or_default();
            let trained = !DataSplit::in_name(&name).is_some_and(DataSplit::is_held_out);
            let mut points = place(marks, counter, self.clock.frame(), trained);
            if let Some(told) = &told_by {
                points.iter_mut().for_each(|point| point.0 = told.at(point.0));
            }
            NamedSeries { points, seen: *seen, name }
        });
        let name =
            |column: Option<usize>| column.and_then(|c| names.get(c)).map(|n| n.text.clone()).unwrap_or_default();
        let mut facts = self.facts.clone();
        facts.extend(
            self.fresh.iter().filter(|(n, _)| !self.facts.contains_key(*n)).map(|(n, t)| (n.clone(), t.clone())),
        );
        for (column, _, marks) in &marks {
            let Some(name) = names.get(*column).filter(|n| is_setting(&n.text) && !facts.contains_key(&n.text)) else {
                continue;
            };
            // A setting in a column of its own.
            if let [first, .., last] = marks.as_slice()
                && marks.iter().all(|m| m.value == first.value)
                && !is_applied(&name.text)
                && !name.text.contains('/')
            {
                facts.insert(name.text.clone(), last.value.to_string());
            }
        }
        let (steps, epochs) = self.clock.totals;
        if rows_are_runs {
            facts.insert("rows_are_runs".to_owned(), "true".to_owned());
        }
        if self.interrupted {
            facts.insert("interrupted".to_owned(), "true".to_owned());
        }
        let mut total = |name: &str, value: f64| {
            if value.is_finite() {
                facts.entry(name.to_owned()).or_insert_with(|| value.to_string());
            }
        };
        total("total_epochs", epochs);
        match self.clock.within() {
            true => total("steps_per_epoch", steps),
            false => total("total_steps", steps),
        }
        Run {
            name: self.name.clone(),
            facts,
            series: series.collect(),
            counter: match counter {
                PlacedBy::Step => name(self.clock.columns.0),
                PlacedBy::Epoch => name(self.clock.columns.1),
                PlacedBy::Index => name(told_by.as_ref().map(|told| told.column)),
            },
            notes,
        }
    }
}
