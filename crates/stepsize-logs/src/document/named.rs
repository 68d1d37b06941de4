//! [`Named`]: objects that are the runs of a sweep, each under a key of its own:
//! `{"lr_0.1": {"final_loss": 0.4}, "lr_0.01": {"final_loss": 0.7}}`.

use super::Position;
use crate::gather::Gather;
use crate::meaning::rate_in;
use crate::names::{DataSplit, is_known, is_rate, maximizes, metric_direction};
use std::collections::BTreeMap;

/// Most cells that are kept.
const CELLS: usize = 8192;

#[derive(Debug, Clone)]
enum NamedCell {
    Number(f64),
    Text(String),
}

/// What stands in objects that are no records, by path.
#[derive(Debug, Clone, Default)]
pub(super) struct Named {
    cells: Vec<(String, NamedCell)>,
}

impl Named {
    pub fn number(&mut self, path: &str, value: f64) {
        self.add(path, || NamedCell::Number(value));
    }

    pub fn text(&mut self, path: &str, text: &str) {
        self.add(path, || NamedCell::Text(text.to_owned()));
    }

    fn add(&mut self, path: &str, cell: impl Fn() -> NamedCell) {
        if self.cells.len() < CELLS && path.contains('/') {
            self.cells.push((path.to_owned(), cell()));
        }
    }

    /// Hands each object that holds a metric over as a row, if their rates tell them apart.
    pub fn rows(self, gather: &mut Gather) -> bool {
        let mut order: Vec<&str> = Vec::new();
        for (path, cell) in &self.cells {
            let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
            let run = run_of(above);
            if matches!(cell, NamedCell::Number(_)) && metric_direction(name).is_some() && !order.contains(&run) {
                order.push(run);
            }
        }
        let mut rows: BTreeMap<&str, Vec<(&str, &NamedCell)>> = BTreeMap::new();
        for (path, cell) in &self.cells {
            let inside = |run: &&&str| path.strip_prefix(**run).is_some_and(|rest| rest.starts_with('/'));
            if let Some(run) = order.iter().filter(inside).max_by_key(|run| run.len()) {
                rows.entry(run).or_default().push((path.get(run.len() + 1..).unwrap_or(path), cell));
            }
        }
        // The rate of each run, and whether only its name tells it.
        let mut rates: BTreeMap<&str, (f64, bool)> = BTreeMap::new();
        for (run, cells) in &rows {
            let own = rate_among(cells);
            match own.or_else(|| rate_of_name(run)) {
                Some(rate) => rates.insert(run, (rate, own.is_none())),
                None => return false,
            };
        }
        let mut all = rates.values().map(|(rate, _)| *rate);
        let first = all.next();
        if all.all(|rate| Some(rate) == first) {
            return false;
        }
        for run in order {
            gather.word("run", run);
            if let Some((rate, true)) = rates.get(run) {
                gather.number("lr", *rate);
            }
            for (name, cell) in rows.remove(run).unwrap_or_default() {
                match cell {
                    NamedCell::Number(value) => gather.number(name, *value),
                    NamedCell::Text(text) => gather.word(name, text),
                }
            }
            gather.end_row();
        }
        true
    }
}

/// The rate that stands among the cells of a run.
fn rate_among(cells: &[(&str, &NamedCell)]) -> Option<f64> {
    cells.iter().find_map(|(name, cell)| match cell {
        NamedCell::Number(rate) if is_rate(name.rsplit('/').next().unwrap_or(name)) => Some(*rate),
        _ => None,
    })
}

/// The rate in the name of a run, or which is that name: `lr_0.1`, `0.1`.
fn rate_of_name(run: &str) -> Option<f64> {
    let last = run.rsplit('/').next().unwrap_or(run);
    rate_in(run).or_else(|| last.parse::<f64>().ok().filter(|rate| rate.fract() != 0.0 && *rate > 0.0))
}

/// The object of the run that a metric lies in: what is only a part of it (`metrics`, `test`) is
/// passed over.
fn run_of(path: &str) -> &str {
    let part = |name: &str| DataSplit::of_word(name).is_some() || crate::gather::is_result(&format!("{name}/"));
    match path.rsplit_once('/') {
        Some((above, last)) if part(last) => run_of(above),
        _ => path,
    }
}

impl Position {
    /// A document that holds a metric but no lists and no records is one record itself.
    pub(super) fn lone_record(&mut self, gather: &mut Gather) {
        let top = std::mem::take(&mut self.top);
        if !self.lists.is_empty() || self.records > 0 || self.documents > 2 {
            return;
        }
        if std::mem::take(&mut self.named).rows(gather) {
            return;
        }
        if top.iter().any(|(name, _)| maximizes(name).is_some()) {
            for (name, value) in &top {
                gather.number(name, *value);
                if is_known(name) {
                    gather.forget(name);
                }
            }
            gather.end_row();
        }
    }
}
