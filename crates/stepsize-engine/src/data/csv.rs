//! CSV files. Separator and header are recognised from the content.
//!
//! The first row is a header when it names the target, when it holds a text above a column of
//! numbers, or when no column has numbers and none of its cells appears again below.

use super::cell::{CellReading, is_gap};
use super::file;
use super::table::{DataColumn, DataTable};
use std::path::Path;
use stepsize::{Error, Result};

/// Reads a table. The name in `target` helps to recognise a header.
pub(super) fn read(path: &Path, target: Option<&str>) -> Result<DataTable> {
    parse(&file::text(path)?, &path.display().to_string(), target)
}

fn parse(text: &str, name: &str, target: Option<&str>) -> Result<DataTable> {
    let text = text.trim_start_matches('\u{feff}'); // some spreadsheets write a byte order mark
    let first = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let separator =
        [b',', b';', b'\t'].into_iter().max_by_key(|s| first.bytes().filter(|b| b == s).count()).unwrap_or(b',');
    let mut reader = ::csv::ReaderBuilder::new().delimiter(separator).has_headers(false).from_reader(text.as_bytes());
    let rows: Vec<::csv::StringRecord> = reader.records().collect::<Result<_, _>>().map_err(|why| {
        Error::invalid(format!("'{name}' is not a regular table: {why}; every row needs as many cells as the first"))
    })?;
    let Some(width) = rows.first().map(::csv::StringRecord::len) else {
        return Err(Error::invalid(format!("'{name}' holds no rows")));
    };
    let header = has_header(&rows, width, target);
    let mut warnings = Vec::new();
    let names: Vec<String> = match rows.first() {
        Some(row) if header => row.iter().map(|cell| cell.trim().to_owned()).collect(),
        _ => {
            warnings.push(format!("no row of names was found: the columns are called column 1 to column {width}"));
            (1..=width).map(|c| format!("column {c}")).collect()
        }
    };
    let body = &rows[usize::from(header)..];
    let mut columns = Vec::with_capacity(width);
    for (c, name) in names.iter().enumerate() {
        let (column, reading) = DataColumn::infer(body.iter().map(move |row| &row[c]));
        warnings.extend(reading.name().map(|what| format!("column '{name}' was read as {what}")));
        columns.push(column);
    }
    if header && !columns.iter().any(|column| matches!(column, DataColumn::Numbers(_))) {
        warnings.push(format!("the first row was taken for the names of the columns: {}", names.join(", ")));
    }
    Ok(DataTable { names, columns, warnings })
}

fn has_header(rows: &[::csv::StringRecord], width: usize, target: Option<&str>) -> bool {
    let Some((first, body)) = rows.split_first() else { return false };
    if body.is_empty() || first.iter().any(|cell| CellReading::ALL.iter().any(|reading| reading.of(cell).is_some())) {
        return false;
    }
    if target.is_some_and(|name| first.iter().any(|cell| cell.trim() == name)) {
        return true;
    }
    let numeric = |c: usize| {
        let all = |reading: CellReading| body.iter().all(|row| is_gap(&row[c]) || reading.of(&row[c]).is_some());
        CellReading::ALL.into_iter().any(all) && body.iter().any(|row| !is_gap(&row[c]))
    };
    let repeated = |c: usize| body.iter().any(|row| row[c].trim() == first[c].trim());
    (0..width).any(|c| numeric(c) && !is_gap(&first[c])) || !(0..width).any(repeated)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str) -> Vec<String> {
        parse(text, "t", None).unwrap().names
    }

    #[test]
    fn tells_headers_from_data() {
        assert_eq!(names("a,b\n1,2\n3,4\n"), ["a", "b"]);
        assert_eq!(names("1,2\n3,4\n"), ["column 1", "column 2"]);
        assert_eq!(names("\u{feff}a;b\n1;x\n3;y\n"), ["a", "b"]);
        assert_eq!(names("x,red\ny,blue\nx,red\n"), ["column 1", "column 2"]);
        assert_eq!(names("kind\tcolour\ny\tblue\nx\tred\n"), ["kind", "colour"]);
        assert_eq!(names("1.5,red\n2,blue\n"), ["column 1", "column 2"]);
    }

    #[test]
    fn ragged_and_empty_files_are_errors() {
        assert!(parse("a,b\n1\n", "t", None).unwrap_err().to_string().contains("not a regular table"));
        assert!(parse("", "t", None).unwrap_err().to_string().contains("no rows"));
        assert!(parse("a\n1\n2\n", "t", None).unwrap().column(None).unwrap_err().to_string().contains("1 column"));
    }

    #[test]
    fn quotes_gaps_and_numbers() {
        let table = parse("a,b\n\"1\",\"x, y\"\nNA,z\n", "t", None).unwrap();
        assert!(matches!(&table.columns[0], DataColumn::Numbers(v) if v[0] == 1.0 && v[1].is_nan()));
        assert!(matches!(&table.columns[1], DataColumn::Texts(v) if v[0].as_deref() == Some("x, y")));
    }
}
