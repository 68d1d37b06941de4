//! The data sets inside the library. Origins and licences: `data/README.md` of this crate.

use super::prepare::images;
use super::table::{DataColumn, DataTable};
use super::{Builtin, Dataset, Split, file};
use stepsize::{Error, Result};

const DIGITS: &[u8] = include_bytes!("../../data/digits.csv.gz");
const DIABETES: &[u8] = include_bytes!("../../data/diabetes_data_raw.csv.gz");
const DIABETES_TARGET: &[u8] = include_bytes!("../../data/diabetes_target.csv.gz");
const WINE: &[u8] = include_bytes!("../../data/wine_data.csv.gz");
const BREAST_CANCER: &[u8] = include_bytes!("../../data/breast_cancer.csv.gz");
const TEXT: &[u8] = include_bytes!("../../data/sklearn_descriptions.txt.gz");

/// The descriptions, for the next-character model.
pub(super) fn text() -> Result<String> {
    unpack(TEXT)
}

/// Digits as images of 8 x 8.
pub(super) fn digits(split: Split) -> Result<Dataset> {
    let rows = numbers(DIGITS, 0)?;
    let pixels = rows.iter().flat_map(|row| row[..64].iter().map(|v| *v as f32)).collect();
    let labels = rows.iter().map(|row| row[64] as u32).collect();
    images(pixels, [8, 8], labels, split)
}

/// One of the tables, the target last.
pub(super) fn table(name: Builtin) -> Result<DataTable> {
    let rows = match name {
        Builtin::Wine => numbers(WINE, 1)?,
        Builtin::BreastCancer => numbers(BREAST_CANCER, 1)?,
        Builtin::Diabetes => {
            let mut rows = numbers(DIABETES, 0)?;
            for (row, target) in rows.iter_mut().zip(numbers(DIABETES_TARGET, 0)?) {
                row.extend(target);
            }
            rows
        }
        Builtin::Digits | Builtin::Text => return Err(Error::invalid(format!("{name} is not a table"))),
    };
    let width = rows.first().map_or(0, Vec::len);
    let columns = (0..width).map(|c| DataColumn::Numbers(rows.iter().map(|row| row[c]).collect())).collect();
    // diabetes has more than 20 targets, wine and breast cancer have few whole ones, so the usual
    // rule separates them
    Ok(DataTable { names: (1..=width).map(|c| format!("column {c}")).collect(), columns, warnings: Vec::new() })
}

/// Rows of numbers after `skip` lines, separated by commas or blanks.
fn numbers(packed: &[u8], skip: usize) -> Result<Vec<Vec<f64>>> {
    let parse = |word: &str| {
        word.parse::<f64>()
            .map_err(|_| Error::internal(format!("the built-in data is broken: '{word}' is not a number")))
    };
    let row = |line: &str| line.split([',', ' ']).map(parse).collect();
    unpack(packed)?.lines().skip(skip).map(row).collect()
}

fn unpack(packed: &[u8]) -> Result<String> {
    String::from_utf8(file::unpack(packed, "built-in data")?)
        .map_err(|_| Error::internal("the built-in data is not UTF-8 text"))
}
