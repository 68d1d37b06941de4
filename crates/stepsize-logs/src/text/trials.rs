//! [`Trials`]: the tables of trials that Ray Tune prints again and again while it runs.
//!
//! Each row is a trial: its name, its status, its settings, then `iter` and the metrics so far. The
//! rows of one trial in all tables are its curve.

use crate::names::CounterKind;
use crate::number;

/// A row with results.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TrialRow {
    pub trial: String,
    pub settings: Vec<(String, String)>,
    pub readings: Vec<(String, f64)>,
}

/// Follows the tables of a log.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trials {
    header: Vec<String>,
}

impl Trials {
    /// The row on a line: `None` if the line is of no such table, `Some(None)` if it is and holds
    /// no result.
    pub fn read(&mut self, line: &str) -> Option<Option<TrialRow>> {
        let inner = inner(line)?;
        if inner.trim_start().starts_with("Trial name ") && inner.contains(" status ") {
            self.header = cells(inner).iter().map(|c| c.replace(' ', "_")).collect();
            return Some(None);
        }
        if self.header.is_empty() {
            return None;
        }
        let cells = cells(inner);
        let trial = cells.first().filter(|c| c.contains('_'))?;
        if cells.len() != self.header.len() {
            return Some(None);
        }
        let counter = self.header.iter().position(|h| CounterKind::of(h).is_step())?;
        let number = |at: usize| cells.get(at).and_then(|c| number::told(c.as_bytes()));
        if number(counter).is_none() {
            return Some(None);
        }
        let named = || self.header.iter().enumerate();
        let settings = named()
            .take(counter)
            .skip(1)
            .filter(|(_, h)| !matches!(h.as_str(), "status" | "loc"))
            .filter_map(|(at, h)| Some((h.clone(), (*cells.get(at)?).to_owned())))
            .collect();
        let readings = named().skip(counter).filter_map(|(at, h)| Some((h.clone(), number(at)?))).collect();
        Some(Some(TrialRow { trial: (*trial).to_owned(), settings, readings }))
    }
}

/// What stands between the outer bars of a line.
fn inner(line: &str) -> Option<&str> {
    let line = line.trim();
    let bar = ['|', '│'].into_iter().find(|bar| line.starts_with(*bar) && line.ends_with(*bar))?;
    line.strip_prefix(bar)?.strip_suffix(bar)
}

/// The cells between bars, else between two spaces or more.
fn cells(inner: &str) -> Vec<&str> {
    match ['|', '│'].into_iter().find(|bar| inner.contains(*bar)) {
        Some(bar) => inner.split(bar).map(str::trim).collect(),
        None => inner.split("  ").map(str::trim).filter(|c| !c.is_empty()).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_kinds_of_tables_of_ray_tune() {
        for lines in [
            [
                "│ Trial name          status         lr     batch_size     iter     total time (s)     loss │",
                "│ train_a1b_00000     TERMINATED     0.1          32        3            12.5       1.25 │",
                "│ train_a1b_00001     PENDING        0.01         32                                     │",
            ],
            [
                "| Trial name      | status     | loc           | lr   | batch_size | iter | total time (s) | loss |",
                "| train_a1b_00000 | TERMINATED | 127.0.0.1:123 | 0.1  | 32         | 3    | 12.5           | 1.25 |",
                "| train_a1b_00001 | PENDING    |               | 0.01 | 32         |      |                |      |",
            ],
        ] {
            let mut trials = Trials::default();
            assert_eq!(trials.read(lines[0]), Some(None));
            let Some(Some(row)) = trials.read(lines[1]) else { panic!("{}", lines[1]) };
            assert_eq!(row.trial, "train_a1b_00000");
            let text = |n: &str, v: &str| (n.to_owned(), v.to_owned());
            assert_eq!(row.settings, [text("lr", "0.1"), text("batch_size", "32")]);
            assert_eq!(row.readings[0], ("iter".to_owned(), 3.0));
            assert_eq!(row.readings[2], ("loss".to_owned(), 1.25));
            assert_eq!(trials.read(lines[2]), Some(None));
        }
        assert_eq!(Trials::default().read("| loss | 0.5 |"), None);
    }
}
