//! [`DataTable`]: named columns of numbers or texts with missing values, from any kind of file.

use super::cell::{CellReading, is_gap};
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

impl DataColumn {
    /// Numbers if every cell with a value is a finite number, an amount of money, a percentage or a
    /// date; else texts. Also says how the cells were read.
    pub(super) fn infer<'a>(cells: impl Iterator<Item = &'a str> + Clone) -> (Self, CellReading) {
        for reading in CellReading::ALL {
            let read = |cell: &str| if is_gap(cell) { Some(f64::NAN) } else { reading.of(cell) };
            if let Some(numbers) = cells.clone().map(read).collect() {
                return (Self::Numbers(numbers), reading);
            }
        }
        (Self::Texts(cells.map(|cell| (!is_gap(cell)).then(|| cell.trim().to_owned())).collect()), CellReading::Number)
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
                let alike = self.names.iter().find(|known| known.eq_ignore_ascii_case(name));
                let hint = alike.map_or(String::new(), |known| format!(" (did you mean '{known}'?)"));
                Err(Error::invalid(format!(
                    "there is no target column '{name}'{hint}; the columns are: {}{more}",
                    known.join(", ")
                )))
            }
        }
    }
}
