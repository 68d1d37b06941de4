//! [`FirstRows`]: the first rows of a file, in case each of them is a run of a sweep.
//!
//! A file is a sweep when its rows have settings that differ (above all a learning rate) and no
//! counter that increases: exports of W&B and Optuna, result tables of scripts. The settings become
//! facts, the other numbers series of one point.

use super::facts::{is_label, is_setting};
use super::{FACTS, NameFacts};
use crate::names::{CounterKind, is_rate};
use crate::run::{NamedSeries, Run};
use std::collections::BTreeMap;

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

    /// One run for each row, if the file is a sweep.
    pub fn runs(&self, names: &[NameFacts]) -> Option<Vec<Run>> {
        let rows: Vec<_> = self.rows.iter().filter(|r| !r.numbers.is_empty()).collect();
        if rows.len() < 2 {
            return None;
        }
        let text = |column: usize| names.get(column).map_or("", |n| n.text.as_str());
        let values = |such: &dyn Fn(usize) -> bool| -> BTreeMap<usize, Vec<f64>> {
            let mut all: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
            for (column, value) in rows.iter().flat_map(|r| &r.numbers).filter(|(c, _)| such(*c)) {
                all.entry(*column).or_default().push(*value);
            }
            all
        };
        let counts = values(&|c| names.get(c).is_some_and(|n| n.kind != CounterKind::Value));
        let named = rows.iter().filter(|r| r.words.iter().any(|(n, _)| n.eq_ignore_ascii_case("state"))).count();
        // A counter with many values in order counts steps, unless every row also has a state: then
        // it is an export of runs.
        let goes_on = |v: &Vec<f64>| v.len() > 1 && v.first() != v.last() && v.is_sorted();
        if named < rows.len() && counts.values().any(goes_on) {
            return None;
        }
        let rates = values(&|c| is_rate(text(c)) && !is_schedule(text(c)));
        let spread = |v: &Vec<f64>| {
            let mut sorted: Vec<f64> = v.iter().copied().filter(|v| *v > 0.0).collect();
            sorted.sort_by(f64::total_cmp);
            sorted.dedup();
            let apart = sorted.windows(2).filter(|w| matches!(w, [a, b] if b / a >= 1.2)).count();
            sorted.len() >= 2 && apart * 2 >= sorted.len() - 1 && v.len() * 2 >= rows.len()
        };
        let exported =
            names.iter().any(|n| n.text.starts_with("params_") || n.text.starts_with("config/")) || named == rows.len();
        if !exported && !rates.values().any(spread) {
            return None;
        }
        let filled = values(&|_| true);
        let usual = |c: usize| filled.get(&c).is_some_and(|v| v.len() * 2 >= rows.len());
        Some(rows.iter().enumerate().map(|(i, row)| run(i, row, names, &usual)).collect())
    }
}

/// Whether a rate is that of a schedule during a run.
fn is_schedule(name: &str) -> bool {
    name.starts_with("lr/") || name.contains("lr-")
}

fn is_number_of_run(name: &str) -> bool {
    is_label(name) || name == "number"
}

/// The run of a row. A metric that most rows have and this one leaves empty was not finite, unless
/// the run has not ended.
fn run(index: usize, row: &TableRow, names: &[NameFacts], usual: &dyn Fn(usize) -> bool) -> Run {
    let words = &row.words;
    let state = words.iter().find(|(n, _)| n.eq_ignore_ascii_case("state") || n.eq_ignore_ascii_case("status"));
    let ended = state.is_none_or(|(_, s)| s.eq_ignore_ascii_case("finished") || s.eq_ignore_ascii_case("complete"));
    let metric = |n: &NameFacts| {
        n.kind == CounterKind::Value && !is_setting(&n.text) && !is_rate(&n.text) && !is_number_of_run(&n.text)
    };
    let left_out = |c: usize| ended && usual(c) && names.get(c).is_some_and(metric);
    let empty = row.empty.iter().filter(|c| left_out(**c)).map(|c| (*c, f64::NAN));
    let mut facts: BTreeMap<String, String> = words.iter().take(FACTS).cloned().collect();
    let mut series = Vec::new();
    let mut label = words.iter().find(|(n, _)| is_label(n) || n.eq_ignore_ascii_case("name")).map(|(_, t)| t.clone());
    let mut steps = None;
    for (column, value) in row.numbers.iter().copied().chain(empty) {
        let Some(name) = names.get(column) else { continue };
        match name.kind {
            CounterKind::Step(_) => steps = Some(value),
            CounterKind::Epoch(_) => steps = steps.or(Some(value)),
            CounterKind::Value if is_setting(&name.text) || is_rate(&name.text) => {}
            CounterKind::Value if is_number_of_run(&name.text) => {
                label = label.or_else(|| Some(value.to_string()));
                continue;
            }
            CounterKind::Value => {
                series.push((name.text.clone(), value));
                continue;
            }
        }
        facts.insert(name.text.clone(), value.to_string());
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
