//! Rows that are lists, with their names in a list of their own, and points of a curve that are
//! objects.

use super::Position;
use crate::gather::Gather;
use crate::names::{is_known, metric_direction};

/// What the list of names of a table is called.
const KEYS: [&str; 6] = ["columns", "header", "headers", "fields", "column_names", "names"];
/// Most names of a table.
const NAMES: usize = 256;
/// Most numbers of an object that is a point of a curve.
const POINT: usize = 3;

/// Names in a list of their own: `{"columns": ["epoch", "loss"], "data": [[1, 0.5], ...]}`.
#[derive(Debug, Clone, Default)]
pub(super) struct Columns {
    /// The words of the open list.
    open: Vec<String>,
    names: Vec<String>,
    /// The path of the object that holds them.
    parent: String,
}

impl Columns {
    /// A word in a list.
    pub fn text(&mut self, text: &str) {
        if self.open.len() < NAMES {
            self.open.push(text.to_owned());
        }
    }

    /// A list, or an object, ends at this path.
    pub fn list_ends(&mut self, list: bool, items: u64, path: &str) {
        let words = std::mem::take(&mut self.open);
        let key = path.rsplit('/').next().unwrap_or(path);
        if list
            && KEYS.contains(&key)
            && words.len() as u64 == items
            && words.len() > 1
            && words.iter().any(|w| is_known(w))
        {
            self.names = words;
            self.parent = parent(path).to_owned();
        }
    }

    /// The name of the cell with this number, from 1 on.
    pub fn name(&self, cell: u64) -> Option<&str> {
        self.names.get(usize::try_from(cell).ok()?.checked_sub(1)?).map(String::as_str)
    }
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(above, _)| above)
}

impl Position {
    /// Whether a list within the list that is open is a row under the names beside it.
    pub(super) fn is_row(&self) -> bool {
        // The path ends with the number of the row.
        !self.columns.names.is_empty() && parent(parent(&self.path)) == self.columns.parent
    }

    pub(super) fn row_ends(&mut self, cells: u64, gather: &mut Gather) {
        if cells == self.columns.names.len() as u64 {
            self.records += 1;
            self.end_row(&self.path, gather);
        } else {
            gather.drop_row();
        }
    }

    /// Takes an object in a list that has the name of a metric for a point of its curve:
    /// `"loss": [{"x": 0, "y": 2.3}, ...]`.
    pub(super) fn take_point(&mut self, gather: &mut Gather) -> bool {
        let metric = self.path.rsplit('/').next().unwrap_or("");
        let value = |name: &str| matches!(name, "y" | "value" | "v");
        if self.outer.is_some() || self.record.is_some() || metric_direction(metric).is_none() {
            return false;
        }
        let row = gather.row_named();
        let step = row.iter().find(|(n, _)| matches!(*n, "x" | "step" | "iteration" | "epoch")).map(|(_, v)| *v);
        let Some((step, (_, y))) = step.zip(row.iter().find(|(n, _)| value(n))).filter(|_| row.len() <= POINT) else {
            return false;
        };
        let y = *y;
        gather.drop_row();
        self.lists.forget_record();
        let list = self.lists.of(&self.path);
        self.lists.pair(list, step, Some(y));
        true
    }
}
