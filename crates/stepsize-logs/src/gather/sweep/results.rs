//! [`of`]: a table of results, a run in each row, whose runs no rate tells apart.

use super::super::{NameFacts, facts::is_setting};
use super::{TableRow, repeats};
use crate::names::{CounterKind, is_rate};
use crate::run::{NamedSeries, Run};
use std::collections::{BTreeMap, HashSet};

/// Whether the rows differ in a setting besides the rate, or in words.
pub(super) fn differ(rows: &[&TableRow], names: &[NameFacts]) -> bool {
    let columns = columns(rows);
    let setting = |c: usize, values: &[f64]| {
        names.get(c).is_some_and(|n| {
            n.kind == CounterKind::Value && !is_rate(&n.text) && (is_setting(&n.text) || repeats(n, values))
        })
    };
    let numbers = columns.iter().any(|(c, marks)| {
        let values: Vec<f64> = marks.iter().map(|m| m.1).collect();
        setting(*c, &values) && values.iter().any(|v| Some(v) != values.first())
    });
    let words: HashSet<&str> = rows.iter().flat_map(|r| &r.words).map(|(name, _)| name.as_str()).collect();
    let text = |row: &TableRow, name: &str| row.words.iter().find(|(n, _)| n == name).map(|w| w.1.clone());
    numbers || words.iter().any(|name| rows.windows(2).any(|w| text(w[0], name) != text(w[1], name)))
}

/// The rows as they are counted by a column whose name has that of a counter as a part only: a run
/// for each stretch in which the count does not fall.
pub(super) fn counted(rows: &[&TableRow], names: &[NameFacts], counter: usize) -> Vec<Run> {
    let count = |row: &TableRow| row.numbers.iter().find(|(c, _)| *c == counter).map(|m| m.1);
    let mut stretches: Vec<Vec<&TableRow>> = Vec::new();
    let mut last = f64::INFINITY;
    for row in rows {
        let Some(now) = count(row) else { continue };
        match stretches.last_mut().filter(|_| now >= last) {
            Some(stretch) => stretch.push(row),
            None => stretches.push(vec![row]),
        }
        last = now;
    }
    let run = |rows: &Vec<&TableRow>| {
        let mut run = of(rows, names);
        run.facts.clear();
        run.counter = names.get(counter).map(|n| n.text.clone()).unwrap_or_default();
        run.series.retain(|s| s.name != run.counter);
        let counts: Vec<f64> = rows.iter().filter_map(|row| count(row)).collect();
        let points = run.series.iter_mut().flat_map(|s| &mut s.points);
        points.for_each(|point| point.0 = counts.get(point.0 as usize).copied().unwrap_or(point.0));
        run
    };
    stretches.iter().map(run).collect()
}

/// Whether each row tells a setting in words, as results do and the steps of a run do not.
pub(super) fn of_settings(rows: &[&TableRow]) -> bool {
    rows.len() > 2 && rows.iter().all(|r| r.words.iter().any(|(name, _)| is_setting(name)))
}

/// Settings besides the rate that differ from row to row in a search.
const SEARCHED: usize = 2;

/// Whether several settings besides the rate differ from row to row.
pub(super) fn searched(rows: &[&TableRow], names: &[NameFacts]) -> bool {
    let setting = |n: &NameFacts| n.kind == CounterKind::Value && is_setting(&n.text) && !is_rate(&n.text);
    let moves = |marks: &[(f64, f64)]| marks.windows(2).filter(|w| matches!(w, [a, b] if a.1 != b.1)).count();
    let often = |(column, marks): &(usize, Vec<(f64, f64)>)| {
        names.get(*column).is_some_and(setting) && moves(marks) * 3 >= marks.len() && marks.len() > SEARCHED
    };
    columns(rows).into_iter().filter(often).count() >= SEARCHED
}

/// Whether nearly all lines with a metric tell settings beside it, of which one differs from line
/// to line: `layers=2, epochs=20 -> MAE=5.2`.
pub(super) fn told(rows: &[&TableRow], names: &[NameFacts]) -> bool {
    let such = |row: &TableRow, of: &dyn Fn(&NameFacts) -> bool| {
        row.numbers.iter().any(|(c, _)| names.get(*c).is_some_and(of))
    };
    let setting = |n: &NameFacts| n.kind == CounterKind::Value && is_setting(&n.text);
    let measured: Vec<&TableRow> = rows.iter().copied().filter(|r| such(r, &|n| n.metric.is_some())).collect();
    let both = measured.iter().filter(|r| such(r, &setting)).count();
    measured.len() > 2 && both * 10 >= measured.len() * 9 && differ(&measured, names)
}

/// The numbers of each column, with the rows that they stand in.
fn columns(rows: &[&TableRow]) -> BTreeMap<usize, Vec<(f64, f64)>> {
    let mut columns: BTreeMap<usize, Vec<(f64, f64)>> = BTreeMap::new();
    for (i, row) in rows.iter().enumerate() {
        for (column, value) in &row.numbers {
            columns.entry(*column).or_default().push((i as f64, *value));
        }
    }
    columns
}

/// The results, a reading in each row.
pub(super) fn of(rows: &[&TableRow], names: &[NameFacts]) -> Run {
    let series = columns(rows).into_iter().filter_map(|(column, points)| {
        let name = names.get(column).filter(|n| n.kind == CounterKind::Value)?.text.clone();
        let seen = points.len() as u64;
        Some(NamedSeries { name, points, seen })
    });
    Run { series: series.collect(), facts: [("rows_are_runs".to_owned(), "true".to_owned())].into(), ..Run::default() }
}
