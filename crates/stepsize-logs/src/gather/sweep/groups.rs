//! [`of`]: runs that a table holds as stretches of rows with the same settings.
//!
//! `start_lr,seed,epoch,train_loss` with ten epochs for each rate and seed has ten times as many
//! rows as runs. The settings tell the runs apart; the counter rises within each of them and begins
//! alike in all.

use super::super::draft::Draft;
use super::super::facts::{is_applied, is_label, is_setting};
use super::super::{NameFacts, counts};
use super::TableRow;
use crate::clock::Again;
use crate::names::CounterKind;
use crate::run::Run;
use crate::thin::POINTS;
use std::collections::BTreeMap;

/// The settings of a row, as bits.
type Settings = Vec<u64>;

/// The runs, if the rows are stretches of several.
pub(super) fn of(rows: &[&TableRow], names: &[NameFacts]) -> Option<Vec<Run>> {
    let used = |such: &dyn Fn(&NameFacts) -> bool| -> Vec<usize> {
        (0..names.len())
            .filter(|c| names.get(*c).is_some_and(such))
            .filter(|c| rows.iter().any(|r| r.numbers.iter().any(|(d, _)| c == d)))
            .collect()
    };
    let counters = used(&|n| n.kind != CounterKind::Value);
    let counter = *counters.iter().min_by_key(|c| names.get(**c).map(|n| n.kind))?;
    let all = used(&|n| n.kind == CounterKind::Value && (is_setting(&n.text) || is_label(&n.text)));
    let fixed: Vec<usize> =
        all.iter().copied().filter(|c| names.get(*c).is_some_and(|n| !is_applied(&n.text))).collect();
    [all, fixed].into_iter().find_map(|settings| {
        let groups = grouped(rows, &settings, counter, &counters)?;
        Some(groups.iter().enumerate().map(|(i, rows)| run(i, rows, &groups, &settings, names)).collect())
    })
}

/// The value of a row in a column.
fn at(row: &TableRow, column: usize) -> Option<f64> {
    row.numbers.iter().find(|(c, _)| *c == column).map(|(_, v)| *v)
}

/// The rows by their settings, if these are runs: the counter rises within each, and all `counters`
/// begin alike in all.
fn grouped<'a>(
    rows: &[&'a TableRow],
    settings: &[usize],
    counter: usize,
    counters: &[usize],
) -> Option<Vec<Vec<&'a TableRow>>> {
    let mut order: Vec<Settings> = Vec::new();
    let mut groups: BTreeMap<Settings, Vec<&TableRow>> = BTreeMap::new();
    for row in rows {
        // Rows that leave a setting out are of several kinds, not of several runs.
        let key: Settings = settings.iter().map(|c| at(row, *c).map(f64::to_bits)).collect::<Option<_>>()?;
        let group = groups.entry(key.clone()).or_default();
        if group.is_empty() {
            order.push(key);
        }
        group.push(row);
    }
    let rising = |rows: &Vec<&TableRow>| {
        let counts: Option<Vec<f64>> = rows.iter().map(|r| at(r, counter)).collect();
        counts.filter(|c| c.is_sorted_by(|a, b| a < b)).and_then(|c| c.first().copied())
    };
    let firsts: Vec<f64> = groups.values().map(rising).collect::<Option<_>>()?;
    // An epoch that goes on from one rate to the next is that of a schedule.
    let goes_on = counters.iter().any(|c| {
        let mut begins = order.iter().filter_map(|key| at(groups.get(key)?.first()?, *c));
        let first = begins.next();
        begins.any(|begin| first.is_some_and(|first| (begin - first).abs() > 1.0))
    });
    let alike = !goes_on && firsts.iter().all(|f| firsts.first().is_some_and(|g| (f - g).abs() <= 1.0));
    let fits = groups.len() > 1 && rows.len() >= 2 * groups.len() && alike;
    fits.then(|| order.iter().filter_map(|key| groups.remove(key)).collect())
}

fn run(index: usize, rows: &[&TableRow], groups: &[Vec<&TableRow>], settings: &[usize], names: &[NameFacts]) -> Run {
    let first = rows.first();
    let differs = |c: usize| {
        let value = |rows: &[&TableRow]| rows.first().and_then(|r| at(r, c)).map(f64::to_bits);
        groups.iter().any(|g| value(g) != value(rows))
    };
    let mut label = String::new();
    let mut facts = BTreeMap::new();
    for column in settings {
        let (Some(name), Some(value)) = (names.get(*column), first.and_then(|r| at(r, *column))) else { continue };
        facts.insert(name.text.clone(), value.to_string());
        if differs(*column) {
            let mark = if label.is_empty() { "" } else { " " };
            label += &format!("{mark}{}={value}", name.text);
        }
    }
    let mut draft = Draft::new(if label.is_empty() { index.to_string() } else { label });
    draft.facts = facts;
    for row in rows {
        for (name, text) in &row.words {
            draft.facts.entry(name.clone()).or_insert_with(|| text.clone());
        }
        let kept: Vec<(usize, f64)> = row.numbers.iter().copied().filter(|(c, _)| !settings.contains(c)).collect();
        draft.row(&kept, (counts(&kept, names), false, 0), names, POINTS, 0, Again::Run);
    }
    draft.run(names)
}
