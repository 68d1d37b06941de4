//! [`Lists`]: series that a document holds as lists of numbers, and the run that each belongs to.

mod levels;

use crate::gap::Gap;
use crate::gather::is_label;
use crate::names::{CounterKind, DataSplit, is_known, is_rate, metric_direction, plain, weight};
use crate::run::{NamedSeries, Run};
use crate::thin::{Thin, ThinPoint};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Lists of one document; more are left out.
const LISTS: usize = 4096;
/// Numbers that are a curve, whatever their name.
const CURVE: u64 = 3;
/// A list with less than this share of the numbers of another was logged less often.
const RARER: f64 = 0.75;
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
    /// Whether it is a list of values that has the name of the object around it.
    fn is_valued(&self) -> bool {
        !self.parent.is_empty() && self.parent.rsplit('/').next() == Some(&self.name)
    }

    /// The object that would be a run.
    fn group(&self) -> &str {
        match self.is_valued() {
            true => self.parent.rsplit_once('/').map_or("", |(above, _)| above),
            false => &self.parent,
        }
    }

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
    labels: HashSet<String>,
    dropped: bool,
    /// The counter that the user named, in its plain form.
    step: Option<String>,
}

impl Lists {
    /// Takes the list of this name for the steps of those beside it.
    pub fn count_by(&mut self, name: &str) {
        self.step = Some(plain(name));
    }

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
        // Sacred names the list of values `values`, and the object around it by the metric.
        let (parent, name) = match parent.rsplit_once('/') {
            _ if parent.is_empty() || !matches!(name.as_str(), "values" | "value" | "y") => (parent, name),
            Some((_, metric)) => (parent, metric.to_owned()),
            None => (parent, parent.to_owned()),
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

    /// Whether the open record holds a list of the readings of a metric.
    pub fn measures(&self) -> bool {
        let such = |l: &List| l.record == self.open && metric_direction(&l.name).is_some();
        self.in_record > 0 && self.all.iter().any(such)
    }

    /// Ends the open record. Returns whether it has lists that are curves, and so is a run. Short
    /// lists of settings (`hidden_sizes`) are none.
    pub fn record_ends(&mut self) -> bool {
        let count = |l: &List| l.numbers.seen() - l.nulls;
        let curve = |l: &List| count(l) >= CURVE || count(l) > 0 && (is_known(&l.name) || is_rate(&l.name));
        let curves =
            self.in_record > 0 && self.all.iter().any(|l| l.record.is_some() && l.record == self.open && curve(l));
        if curves {
            self.last_record = self.open.take().unwrap_or(0);
        } else {
            self.forget_record();
        }
        curves
    }

    /// Ends the open record, and forgets the lists in it.
    pub fn forget_record(&mut self) {
        let open = self.open.take();
        if self.in_record > 0 && open.is_some() {
            let first = self.all.iter().position(|l| l.record == open).unwrap_or(self.all.len());
            self.all.truncate(first);
            self.index.retain(|(record, _), _| *record != open);
        }
        self.in_record = 0;
        self.last_record = open.unwrap_or(0);
    }

    /// The label of the open record with these facts: its name if that is its own, else its number.
    pub fn label(&mut self, facts: &[(String, String)]) -> String {
        let label = facts.iter().find(|(n, _)| is_label(n)).map(|(_, l)| l.clone());
        let number = self.open.unwrap_or(0).to_string();
        let label = label.filter(|l| !self.labels.contains(l)).unwrap_or(number);
        self.labels.insert(label.clone());
        label
    }

    /// Takes the numbers and words of the record that has just ended.
    pub fn facts(&mut self, facts: Vec<(String, String)>) {
        if self.facts.len() < LISTS {
            let label = facts.iter().find(|(n, _)| is_label(n));
            let label = label.map_or_else(|| self.last_record.to_string(), |(_, l)| l.clone());
            self.facts.insert(self.last_record, (label, facts.into_iter().collect()));
        }
    }

    /// Adds the series to the runs that were read from records.
    pub fn join(&self, mut runs: Vec<Run>) -> Vec<Run> {
        if self.all.is_empty() {
            return runs;
        }
        let turned = levels::turned(&self.all);
        let all = turned.as_deref().unwrap_or(&self.all);
        // Objects with lists of the same names are runs; those with the names of splits are parts
        // of one run.
        let mut leaves: HashMap<&str, usize> = HashMap::new();
        let valued: HashSet<&str> = all.iter().filter(|l| l.is_valued()).map(|l| l.parent.as_str()).collect();
        let beside = |l: &&List| l.record.is_none() && (l.is_valued() || !valued.contains(l.parent.as_str()));
        for list in all.iter().filter(beside) {
            *leaves.entry(&list.name).or_default() += usize::from(DataSplit::in_name(&list.parent).is_none());
        }
        let several = leaves.values().any(|n| *n > 1);
        let mut groups: Vec<(Place<'_>, Vec<&List>)> = Vec::new();
        for list in all {
            let parent = if several { list.group() } else { "" };
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
        let counter = |list: &&List| match &self.step {
            Some(step) if *step == plain(&list.name) => CounterKind::Step(0),
            Some(_) => CounterKind::Value,
            None => CounterKind::of(&list.name),
        };
        let (values, counters): (Vec<&List>, Vec<&List>) =
            group.iter().partition(|list| counter(list) == CounterKind::Value);
        for list in values {
            let beside = counters
                .iter()
                .filter(|c| c.numbers.seen() == list.numbers.seen() && c.parent == list.parent)
                .min_by_key(|c| counter(c));
            let steps = beside.map(|c| c.numbers.marks());
            if let Some(beside) = beside {
                run.counter.clone_from(&beside.name);
            }
            // A list that was logged more or less often spans what the training loss does.
            let (usual, seen) = (usual_length(group, list), list.numbers.seen());
            let every = usual as f64 / seen.max(1) as f64;
            let place = |mark: &ThinPoint| match (&steps, list.paired) {
                (_, true) => mark.step,
                (Some(steps), _) => between(steps, mark.index),
                _ if seen > 1 && (seen as f64) < RARER * usual as f64 => {
                    ((mark.index + 1) as f64 * every).round() - 1.0
                }
                _ if usual > 1 && (usual as f64) < RARER * seen as f64 => mark.index as f64 * every,
                _ => mark.index as f64,
            };
            let whole = !several && !list.parent.is_empty();
            let name = match () {
                () if list.is_valued() => list.parent.clone(),
                () if whole => format!("{}/{}", list.parent, list.name),
                () => list.name.clone(),
            };
            let mut marks = list.numbers.marks();
            // A single null is not evidence.
            let end = list.gap.not_finite().filter(|_| seen > 1);
            marks.extend(end.map(|nulls| ThinPoint {
                step: list.gap_step,
                epoch: f64::NAN,
                index: seen - nulls,
                value: f64::NAN,
                shape: 0,
            }));
            let points = forward(marks.iter().map(|m| (place(m), m.value)));
            run.series.push(NamedSeries { name, points, seen: seen - list.nulls + u64::from(end.is_some()) });
        }
        if self.dropped {
            run.notes.push(format!("more than {LISTS} lists; further ones are left out"));
        }
    }
}

/// How many numbers the list of the training loss has, else the longest of the lists beside this
/// one.
fn usual_length(group: &[&List], list: &List) -> u64 {
    let beside = || group.iter().filter(|l| l.parent == list.parent && !l.paired);
    let held_out = |name: &str| DataSplit::in_name(name).is_some_and(DataSplit::is_held_out);
    let losses = beside().filter(|l| metric_direction(&l.name) == Some(false) && !held_out(&l.name));
    let loss = losses.min_by_key(|l| (weight(&l.name), std::cmp::Reverse(l.numbers.seen())));
    loss.or_else(|| beside().max_by_key(|l| l.numbers.seen())).map_or(0, |l| l.numbers.seen())
}

/// Readings in the order of their steps: where these go back, the later readings replace the
/// earlier ones.
fn forward(readings: impl Iterator<Item = (f64, f64)>) -> Vec<(f64, f64)> {
    let mut out: Vec<(f64, f64)> = Vec::new();
    for (step, value) in readings {
        if out.last().is_some_and(|last| step < last.0) {
            out.truncate(out.partition_point(|p| p.0 < step));
        }
        out.push((step, value));
    }
    out
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
