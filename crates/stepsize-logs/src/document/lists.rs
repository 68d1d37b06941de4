//! [`Lists`]: series that a document holds as lists of numbers, and the run that each belongs to.

use crate::gap::Gap;
use crate::names::{CounterKind, DataSplit};
use crate::run::{NamedSeries, Run};
use crate::thin::{Thin, ThinPoint};
use std::collections::{BTreeMap, HashMap};

/// Lists of one document; more are left out.
const LISTS: usize = 4096;
/// Numbers kept of one list while there are few lists.
const POINTS: usize = 4096;

#[derive(Debug, Clone)]
struct List {
    /// Path of the object around it.
    parent: String,
    name: String,
    /// The record around it.
    record: Option<u64>,
    numbers: Thin,
    /// Nulls since the last number, the step of the first of them, and all nulls.
    gap: Gap,
    gap_step: f64,
    nulls: u64,
    paired: bool,
}

impl List {
    #[inline]
    fn add(&mut self, step: f64, value: Option<f64>) {
        match value {
            Some(value) => {
                self.gap.filled();
                self.numbers.push(step, f64::NAN, value);
            }
            None => {
                if self.gap.empty() {
                    self.gap_step = step;
                }
                self.nulls += 1;
                self.numbers.skip();
            }
        }
    }
}

/// The record or the object that lists are in.
type Place<'a> = (Option<u64>, &'a str);

/// All lists.
#[derive(Debug, Clone, Default)]
pub(super) struct Lists {
    all: Vec<List>,
    index: HashMap<(Option<u64>, String), usize>,
    open: Option<u64>,
    in_record: usize,
    records: u64,
    facts: HashMap<u64, (String, BTreeMap<String, String>)>,
    last_record: u64,
    dropped: bool,
}

impl Lists {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    /// The index of the list at this path; `usize::MAX` if there are too many.
    pub fn of(&mut self, path: &str) -> usize {
        let key = (self.open, path.to_owned());
        if let Some(&list) = self.index.get(&key) {
            return list;
        }
        if self.all.len() >= LISTS {
            self.dropped = true;
            return usize::MAX;
        }
        let (parent, name) = path.rsplit_once('/').unwrap_or(("", path));
        // An inner list is named by its index in the outer one.
        let (parent, name) = match name.parse::<u32>() {
            Ok(_) => match parent.rsplit_once('/') {
                Some((above, outer)) => (above, format!("{outer}/{name}")),
                None if parent.is_empty() => ("", name.to_owned()),
                None => ("", format!("{parent}/{name}")),
            },
            Err(_) => (parent, name.to_owned()),
        };
        let limit = if self.all.len() < 512 { POINTS } else { 256 };
        self.all.push(List {
            parent: parent.to_owned(),
            name,
            record: self.open,
            numbers: Thin::new(limit),
            gap: Gap::default(),
            gap_step: f64::NAN,
            nulls: 0,
            paired: false,
        });
        self.in_record += usize::from(self.open.is_some());
        self.index.insert(key, self.all.len() - 1);
        self.all.len() - 1
    }

    /// Adds a value, or null in its place.
    #[inline]
    pub fn push(&mut self, list: usize, value: Option<f64>) {
        if let Some(list) = self.all.get_mut(list) {
            list.add(f64::NAN, value);
        }
    }

    /// Adds a value, or null in its place, with its step.
    pub fn pair(&mut self, list: usize, step: f64, value: Option<f64>) {
        if let Some(list) = self.all.get_mut(list) {
            list.paired = true;
            list.add(step, value);
        }
    }

    pub fn record_begins(&mut self) {
        self.open = Some(self.records);
        self.records += 1;
        self.in_record = 0;
    }

    /// Ends the open record. Returns whether it has lists, and so is a run.
    pub fn record_ends(&mut self, _number: u64) -> bool {
        self.last_record = self.open.take().unwrap_or(0);
        self.in_record > 0
    }

    /// Takes the numbers and words of the record that has just ended.
    pub fn facts(&mut self, facts: Vec<(String, String)>) {
        if self.facts.len() < LISTS {
            let label = facts.iter().find(|(n, _)| matches!(n.as_str(), "name" | "run" | "run_id" | "id" | "label"));
            let label = label.map_or_else(|| self.last_record.to_string(), |(_, l)| l.clone());
            self.facts.insert(self.last_record, (label, facts.into_iter().collect()));
        }
    }

    /// Adds the series to the runs that were read from records.
    pub fn join(&self, mut runs: Vec<Run>) -> Vec<Run> {
        if self.all.is_empty() {
            return runs;
        }
        // Objects with lists of the same names are runs; those with the names of splits are parts
        // of one run.
        let mut leaves: HashMap<&str, usize> = HashMap::new();
        for list in self.all.iter().filter(|l| l.record.is_none()) {
            *leaves.entry(&list.name).or_default() += usize::from(DataSplit::in_name(&list.parent).is_none());
        }
        let several = leaves.values().any(|n| *n > 1);
        let mut groups: Vec<(Place<'_>, Vec<&List>)> = Vec::new();
        for list in &self.all {
            let parent = if several { list.parent.as_str() } else { "" };
            let key = (list.record, if list.record.is_some() { "" } else { parent });
            match groups.iter_mut().find(|(k, _)| *k == key) {
                Some((_, group)) => group.push(list),
                None => groups.push((key, vec![list])),
            }
        }
        let shared =
            if runs.len() == 1 && !groups.is_empty() { runs.pop().unwrap_or_default() } else { Run::default() };
        let alone = groups.len() == 1;
        for ((record, parent), group) in groups {
            let mut run = if alone { shared.clone() } else { Run { facts: shared.facts.clone(), ..Run::default() } };
            run.name = parent.to_owned();
            if let Some((label, facts)) = record.and_then(|r| self.facts.get(&r)) {
                run.name.clone_from(label);
                run.facts.extend(facts.clone());
            }
            self.fill(&mut run, &group, several);
            crate::gather::name_facts(&mut run.facts);
            runs.push(run);
        }
        if !alone && !shared.series.is_empty() {
            runs.push(shared);
        }
        runs
    }

    fn fill(&self, run: &mut Run, group: &[&List], several: bool) {
        let counter = |list: &&List| CounterKind::of(&list.name);
        let (values, counters): (Vec<&List>, Vec<&List>) =
            group.iter().partition(|list| counter(list) == CounterKind::Value);
        for list in values {
            let beside = counters
                .iter()
                .filter(|c| c.numbers.seen() == list.numbers.seen() && c.parent == list.parent)
                .min_by_key(|c| counter(c));
            let steps = beside.map(|c| c.numbers.marks()).filter(|m| m.is_sorted_by(|a, b| a.value <= b.value));
            if let Some(beside) = beside.filter(|_| steps.is_some()) {
                run.counter.clone_from(&beside.name);
            }
            let place = |mark: &ThinPoint| match (&steps, list.paired) {
                (_, true) => mark.step,
                (Some(steps), _) => between(steps, mark.index),
                _ => mark.index as f64,
            };
            let whole = !several && !list.parent.is_empty();
            let name = if whole { format!("{}/{}", list.parent, list.name) } else { list.name.clone() };
            let mut marks = list.numbers.marks();
            let seen = list.numbers.seen();
            // A single null is not evidence.
            let end = list.gap.not_finite().filter(|_| seen > 1);
            marks.extend(end.map(|nulls| ThinPoint {
                step: list.gap_step,
                epoch: f64::NAN,
                index: seen - nulls,
                value: f64::NAN,
            }));
            let points = marks.iter().map(|m| (place(m), m.value)).collect();
            run.series.push(NamedSeries { name, points, seen: seen - list.nulls + u64::from(end.is_some()) });
        }
        if self.dropped {
            run.notes.push(format!("more than {LISTS} lists; further ones are left out"));
        }
    }
}

/// The count at an index of a thinned list of counts, interpolated.
fn between(steps: &[ThinPoint], index: u64) -> f64 {
    let at = steps.partition_point(|m| m.index < index);
    match (at.checked_sub(1).and_then(|i| steps.get(i)), steps.get(at)) {
        (_, Some(exact)) if exact.index == index => exact.value,
        (Some(a), Some(b)) => a.value + (b.value - a.value) * (index - a.index) as f64 / (b.index - a.index) as f64,
        (_, Some(m)) | (Some(m), None) => m.value,
        (None, None) => index as f64,
    }
}
