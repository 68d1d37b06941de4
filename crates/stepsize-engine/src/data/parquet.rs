//! Parquet files of plain columns: numbers, booleans and texts. Null is a gap.

use super::table::{Column, Table};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use std::path::Path;
use stepsize::{Error, Result};

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<Table> {
    let fault = |why: String| Error::invalid(format!("cannot read the Parquet file '{}': {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|why| fault(why.to_string()))?;
    let reader = SerializedFileReader::new(file).map_err(|why| fault(why.to_string()))?;
    let schema = reader.metadata().file_metadata().schema_descr();
    let names: Vec<String> = schema.root_schema().get_fields().iter().map(|field| field.name().to_owned()).collect();
    let mut cells: Vec<Vec<String>> = vec![Vec::new(); names.len()];
    for row in reader.get_row_iter(None).map_err(|why| fault(why.to_string()))? {
        let row = row.map_err(|why| fault(why.to_string()))?;
        for ((_, field), cells) in row.get_column_iter().zip(&mut cells) {
            cells.push(cell(field).map_err(fault)?);
        }
    }
    let columns = cells.iter().map(|column| Column::infer(column.iter().map(String::as_str))).collect();
    Ok(Table { names, columns, warnings: Vec::new() })
}

/// A value as the cell of a CSV file would hold it; numbers keep every digit.
fn cell(field: &Field) -> Result<String, String> {
    Ok(match field {
        Field::Null => String::new(),
        Field::Bool(v) => u8::from(*v).to_string(),
        Field::Byte(v) => v.to_string(),
        Field::Short(v) => v.to_string(),
        Field::Int(v) => v.to_string(),
        Field::Long(v) => v.to_string(),
        Field::UByte(v) => v.to_string(),
        Field::UShort(v) => v.to_string(),
        Field::UInt(v) => v.to_string(),
        Field::ULong(v) => v.to_string(),
        Field::Float16(v) => v.to_string(),
        Field::Float(v) => v.to_string(),
        Field::Double(v) => v.to_string(),
        Field::Str(v) => v.clone(),
        Field::Date(v) => v.to_string(),
        Field::TimestampMillis(v) | Field::TimestampMicros(v) => v.to_string(),
        other => return Err(format!("a column holds {other}, which is no number and no text")),
    })
}
