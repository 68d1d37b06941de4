//! [`DataTable`]: named columns of numbers or texts with missing values, from any kind of file.

use stepsize::{Error, Result};

/// One column, with as many entries as the table has rows.
#[derive(Debug, Clone)]
pub(super) enum DataColumn {
    /// Numbers; NaN is a missing value.
    Numbers(Vec<f64>),
    /// Texts; `None` is a missing value.
    Texts(Vec<Option<String>>),
}

/// A table in memory.
#[derive(Debug, Clone)]
pub(super) struct DataTable {
    pub(super) names: Vec<String>,
    pub(super) columns: Vec<DataColumn>,
    pub(super) warnings: Vec<String>,
}

/// Words for a missing value, in lower case, beside the empty cell. Infinite numbers cannot be
/// scaled and count as missing.
const GAPS: [&str; 10] = ["na", "n/a", "nan", "null", "none", "?", ".", "inf", "+inf", "-inf"];

/// Whether a cell stands for a missing value.
pub(super) fn is_gap(cell: &str) -> bool {
    let cell = cell.trim();
    cell.is_empty() || GAPS.iter().any(|gap| cell.eq_ignore_ascii_case(gap))
}

/// The number in a cell, if it is a finite one.
pub(super) fn number(cell: &str) -> Option<f64> {
    cell.trim().parse::<f64>().ok().filter(|v| v.is_finite())
}

impl DataColumn {
    /// Numbers if every cell with a value is a finite number, else texts.
    pub(super) fn infer<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> Self {
        let numbers: Option<Vec<f64>> =
            cells.clone().map(|cell| if is_gap(cell) { Some(f64::NAN) } else { number(cell) }).collect();
        match numbers {
            Some(numbers) => Self::Numbers(numbers),
            None => Self::Texts(cells.map(|cell| (!is_gap(cell)).then(|| cell.trim().to_owned())).collect()),
        }
    }

    /// Whether row `row` has no value.
    pub(super) fn is_gap(&self, row: usize) -> bool {
        match self {
            Self::Numbers(values) => values[row].is_nan(),
            Self::Texts(values) => values[row].is_none(),
        }
    }

    /// Number of rows.
    pub(super) fn rows(&self) -> usize {
        match self {
            Self::Numbers(values) => values.len(),
            Self::Texts(values) => values.len(),
        }
    }

    /// The rows named by `keep`.
    pub(super) fn select(&self, keep: &[usize]) -> Self {
        match self {
            Self::Numbers(values) => Self::Numbers(keep.iter().map(|r| values[*r]).collect()),
            Self::Texts(values) => Self::Texts(keep.iter().map(|r| values[*r].clone()).collect()),
        }
    }
}

impl DataTable {
    /// Index of the column called `target`, or with that one-based number; the last one for `None`.
    pub(super) fn column(&self, target: Option<&str>) -> Result<usize> {
        if self.columns.len() < 2 {
            let count = self.columns.len();
            return Err(Error::invalid(format!(
                "the table has {count} column; a target and at least one feature are needed (are the cells separated by comma, semicolon or tab?)"
            )));
        }
        let Some(name) = target else { return Ok(self.columns.len() - 1) };
        if let Some(at) = self.names.iter().position(|n| n == name) {
            return Ok(at);
        }
        match name.parse::<usize>() {
            Ok(number) if (1..=self.columns.len()).contains(&number) => Ok(number - 1),
            _ => {
                let known: Vec<&str> = self.names.iter().take(20).map(String::as_str).collect();
                let more = if self.names.len() > 20 { ", ..." } else { "" };
                Err(Error::invalid(format!(
                    "there is no target column '{name}'; the columns are: {}{more}",
                    known.join(", ")
                )))
            }
        }
    }
}
