//! [`FirstRows`]: the first rows of a file, in case each of them is a run of a sweep.
//!
//! A file is a sweep when its rows have settings that differ (above all a learning rate) and no
//! counter that increases: exports of W&B and Optuna, result tables of scripts. The settings become
//! facts, the other numbers series of one point.

mod groups;
mod results;

use super::facts::{is_label, is_setting, name_facts};
use super::{FACTS, NameFacts};
use crate::names::{CounterKind, is_rate, plain};
use crate::run::{NamedSeries, Run};
use std::collections::{BTreeMap, HashSet};

/// The fact that says whether high is good for a column `value`, and what it may say.
pub(crate) const DIRECTION: &str = "direction_of_value";
pub(crate) const MINIMIZE: &str = "minimize";
const UNKNOWN: &str = "unknown";

/// Fewest lines of a run, on average, where several stand below each other.
const RUN: usize = 5;

/// Most rows of a sweep.
const ROWS: usize = 4096;
/// Most cells that are kept of these rows.
const CELLS: usize = 1 << 17;

/// One row: numbers by column, and words by name.
#[derive(Debug, Clone)]
struct TableRow {
    numbers: Vec<(usize, f64)>,
    /// Columns that the row leaves empty.
    empty: Vec<usize>,
    words: Vec<(String, String)>,
}

/// The first rows.
#[derive(Debug, Clone, Default)]
pub(super) struct FirstRows {
    rows: Vec<TableRow>,
    cells: usize,
}

impl FirstRows {
    /// Keeps a row; `false` if there are too many for a sweep.
    pub fn add(&mut self, numbers: &[(usize, f64)], empty: &[usize], words: &[(String, String)]) -> bool {
        self.cells += numbers.len() + empty.len() + words.len();
        if self.rows.len() >= ROWS || self.cells > CELLS {
            return false;
        }
        self.rows.push(TableRow { numbers: numbers.to_vec(), empty: empty.to_vec(), words: words.to_vec() });
        true
    }

    /// The runs of a file that is a table of runs: one for each row, or for each set of rows with
    /// the same settings. The lines of a text in which the rate moves evenly are those of one run.
    pub fn runs(&self, names: &[NameFacts], lines: bool) -> Option<Vec<Run>> {
        let rows: Vec<_> = self.rows.iter().filter(|r| !r.numbers.is_empty()).collect();
        if rows.len() < 2 {
            return None;
        }
        if let Some(runs) = groups::of(&rows, names) {
            return Some(runs);
        }
        let text = |column: usize| names.get(column).map_or("", |n| n.text.as_str());
        let values = |such: &dyn Fn(usize) -> bool| -> BTreeMap<usize, Vec<f64>> {
            let mut all: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
            for (column, value) in rows.iter().flat_map(|r| &r.numbers).filter(|(c, _)| such(*c)) {
                all.entry(*column).or_default().push(*value);
            }
            all
        };
        let mut counts = values(&|c| names.get(c).is_some_and(|n| n.kind != CounterKind::Value));
        counts.retain(|c, v| !is_length(text(*c), v));
        let parts = values(&|c| names.get(c).is_some_and(counts_in_part));
        if let Some((column, _)) = parts.iter().find(|(_, v)| counts.is_empty() && !lines && in_ones_mostly(v)) {
            return Some(results::counted(&rows, names, *column));
        }
        let word =
            |r: &TableRow, such: &dyn Fn(&str) -> bool| r.words.iter().find(|(n, _)| such(n)).map(|w| w.1.clone());
        let named = rows.iter().filter(|r| word(r, &|n| n.eq_ignore_ascii_case("state")).is_some()).count();
        let labels: HashSet<String> = rows.iter().filter_map(|r| word(r, &is_label)).collect();
        let labelled = labels.len() == rows.len();
        // A counter with many values in order counts steps, unless every row also has a state or a
        // label of its own: then it is an export of runs.
        // The lines of a text may be those of several runs, one below the other. So may the rows of
        // a table that count in ones from the same number again and again.
        let in_ones = |v: &Vec<f64>| v.windows(2).all(|w| matches!(w, [a, b] if *b == a + 1.0 || v.first() == Some(b)));
        let orderly = |v: &Vec<f64>| match v.windows(2).filter(|w| matches!(w, [a, b] if b < a)).count() {
            0 => true,
            falls => (lines || in_ones(v)) && falls * RUN < v.len(),
        };
        let goes_on = |v: &Vec<f64>| v.len() > 1 && v.first() != v.last() && orderly(v);
        if named < rows.len() && !labelled && counts.values().any(goes_on) {
            return None;
        }
        let rates = values(&|c| is_rate(text(c)) && !is_schedule(text(c)));
        let spread = |v: &Vec<f64>| {
            let mut sorted: Vec<f64> = v.iter().copied().filter(|v| *v > 0.0).collect();
            sorted.sort_by(f64::total_cmp);
            sorted.dedup_by(|a, b| (*a / *b).ln().abs() < SAME);
            let falls = || v.is_sorted_by(|a, b| a >= b) && !results::differ(&rows, names);
            if lines && is_ramp(v) || is_stair(v) && (lines || falls()) {
                return false;
            }
            if !lines && jumps(v) {
                return true;
            }
            let apart = sorted.windows(2).filter(|w| matches!(w, [a, b] if b / a >= 1.2)).count();
            sorted.len() >= 2 && apart * 2 >= sorted.len() - 1 && v.len() * 2 >= rows.len()
        };
        let exported =
            names.iter().any(|n| n.text.starts_with("params_") || n.text.starts_with("config/")) || named == rows.len();
        let filled = values(&|_| true);
        let uncounted = !counts.values().any(|v| v.len() * 2 >= rows.len());
        // A run keeps its momentum and its weight decay; a search does not.
        let searched = !lines && uncounted && !rates.is_empty() && results::searched(&rows, names);
        if !exported && !searched && !rates.values().any(spread) {
            let mut lengths = filled.iter().filter(|(c, v)| is_length(text(**c), v)).peekable();
            let lengths_told = lengths.peek().is_some();
            let results = lengths_told
                && (results::differ(&rows, names)
                    || lengths.any(|(_, v)| v.windows(2).all(|w| matches!(w, [a, b] if a == b))));
            let results = if lines {
                lengths_told && results::told(&rows, names)
            } else {
                results || uncounted && results::of_settings(&rows)
            };
            return results.then(|| vec![results::of(&rows, names)]);
        }
        let usual: HashSet<usize> = filled.iter().filter(|(_, v)| v.len() * 2 >= rows.len()).map(|(c, _)| *c).collect();
        let mut own = own_words(&rows);
        // The label of a run is no setting, even where jobs use it again.
        if labels.len() * 2 >= rows.len() {
            own.extend(rows.iter().flat_map(|r| &r.words).map(|w| w.0.clone()).filter(|name| is_label(name)));
        }
        let table = TableOfRuns {
            names,
            usual,
            // A column of numbers that repeat and are no results is a setting, such as a size.
            settings: filled
                .iter()
                .filter(|(c, v)| names.get(**c).is_some_and(|n| repeats(n, v)))
                .map(|(c, _)| *c)
                .collect(),
            own,
            direction: filled.iter().find(|(c, _)| is_value(text(**c))).map(|(_, v)| direction(v)),
        };
        Some(rows.iter().enumerate().map(|(i, row)| table.run(i, row)).collect())
    }
}

/// Fewest rows of a step of a schedule, on average.
const STEP: usize = 3;
/// Two rates are the same within this, in logs.
const SAME: f64 = 1e-6;

/// Whether the numbers of a column with a name for the length of a run (`epochs`) are lengths, and
/// count nothing: they repeat, and do not go on by one.
fn is_length(name: &str, values: &[f64]) -> bool {
    let first = values.first().copied().unwrap_or(f64::NAN);
    let on = |w: &[f64]| matches!(w, [a, b] if *b == a + 1.0);
    let same = |w: &[f64]| matches!(w, [a, b] if b == a || *b == first);
    let counts = values.windows(2).any(on) && values.windows(2).all(|w| on(w) || same(w));
    CounterKind::of(name) != CounterKind::Value
        && is_setting(name)
        && values.len() > 1
        && !counts
        && !values.is_sorted_by(|a, b| a < b)
}

/// Whether a name has that of a counter as a part: `global_iter`.
fn counts_in_part(name: &NameFacts) -> bool {
    let word = |w: &str| matches!(w, "iter" | "iteration" | "step" | "epoch" | "round" | "update" | "generation");
    name.kind == CounterKind::Value && name.metric.is_none() && plain(&name.text).split('_').any(word)
}

/// Whether nearly every number is by one more than that before it, as rows of a run are counted.
fn in_ones_mostly(values: &[f64]) -> bool {
    let ones = values.windows(2).filter(|w| matches!(w, [a, b] if *b == a + 1.0)).count();
    values.len() > RUN && ones * 4 >= (values.len() - 1) * 3
}

/// Fewest rows of a ramp of the rate, and the share by which its steps may differ.
const RAMP: usize = 6;
const EVEN: f64 = 0.02;

/// Whether rates rise or fall by the same difference from row to row, as in a warm-up or a decay.
pub(crate) fn is_ramp(rates: &[f64]) -> bool {
    let differences: Vec<f64> = rates.windows(2).map(|w| w[1] - w[0]).collect();
    let first = differences.first().copied().unwrap_or(0.0);
    let even = differences.iter().filter(|d| (**d - first).abs() < EVEN * first.abs()).count();
    rates.len() >= RAMP && even * 4 >= differences.len() * 3
}

/// Share of the rows at which the rate of a random search goes up by far, and of those at which it
/// goes down.
const JUMPS: f64 = 0.15;

/// Whether rates go up and down by far from row to row, as those of no schedule do.
fn jumps(rates: &[f64]) -> bool {
    let far = |such: &dyn Fn(f64) -> bool| {
        rates.windows(2).filter(|w| matches!(w, [a, b] if *a > 0.0 && such(b / a))).count() as f64
    };
    let least = (JUMPS * rates.len() as f64).max(2.0);
    rates.iter().all(|r| *r > 0.0) && far(&|by| by >= 1.2) >= least && far(&|by| by <= 1.0 / 1.2) >= least
}

/// Whether rates stand for several rows each, and none comes again: a schedule in steps.
fn is_stair(rates: &[f64]) -> bool {
    let edges: Vec<f64> = rates.windows(2).filter(|w| matches!(w, [a, b] if a != b)).map(|w| w[1]).collect();
    let mut all: Vec<u64> = edges.iter().chain(rates.first()).map(|v| v.to_bits()).collect();
    all.sort_unstable();
    all.dedup();
    all.len() == edges.len() + 1 && rates.len() >= STEP * all.len()
}

/// A table with one row for each run.
struct TableOfRuns<'a> {
    names: &'a [NameFacts],
    /// Columns that most rows fill.
    usual: HashSet<usize>,
    /// Columns of settings.
    settings: HashSet<usize>,
    /// Names of words that are different in every row, or dates: they tell rows apart and are no
    /// settings.
    own: HashSet<String>,
    /// What is known of the direction of a column `value`.
    direction: Option<&'static str>,
}

/// Whether the numbers of a column are settings: they repeat, and the name is not that of a result.
fn repeats(name: &NameFacts, values: &[f64]) -> bool {
    let mut distinct: Vec<u64> = values.iter().map(|v| v.to_bits()).collect();
    distinct.sort_unstable();
    distinct.dedup();
    let aside = ["time", "runtime", "duration", "elapsed", "seconds", "memory", "loss", "value"];
    let plain = plain(&name.text);
    name.kind == CounterKind::Value
        && name.metric.is_none()
        && !plain.split('_').any(|word| aside.contains(&word))
        && distinct.len() * 3 <= values.len() * 2
}

/// The names of words that are different in every row, and of dates.
fn own_words(rows: &[&TableRow]) -> HashSet<String> {
    let mut seen: BTreeMap<&str, (usize, HashSet<&str>, bool)> = BTreeMap::new();
    for (name, text) in rows.iter().flat_map(|r| &r.words) {
        let entry = seen.entry(name).or_insert((0, HashSet::new(), true));
        entry.0 += 1;
        entry.1.insert(text);
        entry.2 &= is_date(text);
    }
    let own =
        |(count, texts, dates): &(usize, HashSet<&str>, bool)| *dates || *count > 2 && texts.len() * 10 > *count * 9;
    seen.iter().filter(|(name, seen)| !is_setting(name) && own(seen)).map(|(name, _)| (*name).to_owned()).collect()
}

/// Whether a text is a date, a time or a duration.
fn is_date(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let mut parts = text.split(['-', '/', ':', '_', 'T', ' ', '.']);
    let (first, second) = (parts.next().unwrap_or(""), parts.next().unwrap_or(""));
    digits(first) && (digits(second) || second == "days" || second == "day") && parts.next().is_some()
}

/// Whether a column has the name that Optuna gives to what was optimized.
fn is_value(name: &str) -> bool {
    matches!(plain(name).as_str(), "value" | "values_0" | "objective_value")
}

/// Whether high is good for numbers without a name. Losses exceed 1, and are seldom above 20;
/// scores lie in 0..1, or are percentages.
fn direction(values: &[f64]) -> &'static str {
    let finite = || values.iter().copied().filter(|v| v.is_finite());
    let (low, high) = (finite().fold(f64::INFINITY, f64::min), finite().fold(f64::NEG_INFINITY, f64::max));
    match () {
        () if low >= 0.0 && high > 1.0 && !(high > 20.0 && high <= 100.0) => MINIMIZE,
        () => UNKNOWN,
    }
}

/// Whether a rate is that of a schedule during a run.
fn is_schedule(name: &str) -> bool {
    name.starts_with("lr/") || name.contains("lr-")
}

fn is_number_of_run(name: &str) -> bool {
    is_label(name) || name == "number"
}

impl TableOfRuns<'_> {
    /// The run of a row. A metric that most rows have and this one leaves empty was not finite,
    /// unless the run has not ended.
    fn run(&self, index: usize, row: &TableRow) -> Run {
        let words = &row.words;
        let state = words.iter().find(|(n, _)| n.eq_ignore_ascii_case("state") || n.eq_ignore_ascii_case("status"));
        let good = ["finished", "complete", "completed", "done", "terminated"];
        let ended = state.is_none_or(|(_, s)| good.iter().any(|g| s.eq_ignore_ascii_case(g)));
        let setting = |c: usize, n: &NameFacts| is_setting(&n.text) || is_rate(&n.text) || self.settings.contains(&c);
        let metric = |c: usize| {
            self.names.get(c).is_some_and(|n| {
                n.kind == CounterKind::Value && n.metric.is_some() && !setting(c, n) && !is_number_of_run(&n.text)
            })
        };
        let left_out = |c: usize| ended && self.usual.contains(&c) && metric(c);
        let empty = row.empty.iter().filter(|c| left_out(**c)).map(|c| (*c, f64::NAN));
        let kept = words.iter().filter(|(n, _)| !self.own.contains(n)).take(FACTS);
        let mut facts: BTreeMap<String, String> = kept.cloned().collect();
        if let Some(direction) = self.direction {
            facts.insert(DIRECTION.to_owned(), direction.to_owned());
        }
        let mut series = Vec::new();
        let mut label =
            words.iter().find(|(n, _)| is_label(n) || n.eq_ignore_ascii_case("name")).map(|(_, t)| t.clone());
        let mut steps = None;
        for (column, value) in row.numbers.iter().copied().chain(empty) {
            let Some(name) = self.names.get(column) else { continue };
            match name.kind {
                CounterKind::Step(_) => steps = Some(value),
                CounterKind::Epoch(_) => steps = steps.or(Some(value)),
                CounterKind::Value if setting(column, name) => {}
                CounterKind::Value if is_number_of_run(&name.text) => {
                    label = label.or_else(|| Some(value.to_string()));
                    continue;
                }
                CounterKind::Value => {
                    series.push((name.text.clone(), value));
                    continue;
                }
            }
            // How far a run came is no setting of it.
            if name.kind == CounterKind::Value {
                facts.insert(name.text.clone(), value.to_string());
            }
        }
        name_facts(&mut facts);
        let mut own = row.numbers.iter().filter_map(|(c, v)| Some((self.names.get(*c)?, v)));
        if let Some((_, rate)) = own.find(|(n, _)| is_rate(&n.text) && !is_schedule(&n.text)) {
            facts.entry("lr".to_owned()).or_insert_with(|| rate.to_string());
        }
        // Beside the rate of its configuration, `lr` is the one that a run ended with.
        let rate = |facts: &BTreeMap<String, String>, name: &str| facts.get(name).and_then(|v| v.parse::<f64>().ok());
        if rate(&facts, "lr").zip(rate(&facts, "learning_rate")).is_some_and(|(last, base)| last < base) {
            facts.remove("lr");
        }
        let at = steps.unwrap_or(1.0);
        let series =
            series.into_iter().map(|(name, value)| NamedSeries { name, points: vec![(at, value)], seen: 1 }).collect();
        Run {
            name: label.unwrap_or_else(|| index.to_string()),
            facts,
            series,
            counter: String::new(),
            notes: vec!["one row of a table of runs".to_owned()],
        }
    }
}
