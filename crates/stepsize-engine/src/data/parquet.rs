//! Parquet files of plain columns: numbers, booleans and texts. Null is a missing value.

use super::table::{DataColumn, DataTable};
use ::parquet::file::reader::{FileReader, SerializedFileReader};
use ::parquet::record::Field;
use std::path::Path;
use stepsize::{Error, Result};

/// Reads a whole file.
pub(super) fn read(path: &Path) -> Result<DataTable> {
    let fault = |why: String| Error::invalid(format!("cannot read the Parquet file '{}': {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|why| Error::io("read the Parquet file", path, why))?;
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
    let columns = cells.iter().map(|column| DataColumn::infer(column.iter().map(String::as_str)).0).collect();
    Ok(DataTable { names, columns, warnings: Vec::new() })
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
        other => return Err(format!("a column holds {other}, which is neither a number nor a text")),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ::parquet::data_type::{ByteArray, ByteArrayType, DoubleType, Int64Type};
    use ::parquet::file::writer::SerializedFileWriter;
    use ::parquet::schema::parser::parse_message_type;
    use std::sync::Arc;

    #[test]
    fn reads_numbers_texts_and_gaps() {
        let path = std::env::temp_dir().join(format!("stepsize-engine-{}.parquet", std::process::id()));
        let schema = "message m { optional double a; required int64 b; required binary c (UTF8); }";
        let schema = Arc::new(parse_message_type(schema).unwrap());
        let file = std::fs::File::create(&path).unwrap();
        let mut writer = SerializedFileWriter::new(file, schema, Arc::default()).unwrap();
        let mut group = writer.next_row_group().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<DoubleType>().write_batch(&[1.5, 0.1], Some(&[1, 0, 1]), None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        column.typed::<Int64Type>().write_batch(&[1, 2, 3], None, None).unwrap();
        column.close().unwrap();
        let mut column = group.next_column().unwrap().unwrap();
        let texts: Vec<ByteArray> = ["x", "y", ""].map(ByteArray::from).to_vec();
        column.typed::<ByteArrayType>().write_batch(&texts, None, None).unwrap();
        column.close().unwrap();
        group.close().unwrap();
        writer.close().unwrap();
        let table = read(&path);
        std::fs::write(&path, b"PAR1 rubbish").unwrap();
        let broken = read(&path);
        std::fs::remove_file(&path).unwrap();

        let table = table.unwrap();
        assert_eq!(table.names, ["a", "b", "c"]);
        assert!(matches!(&table.columns[0], DataColumn::Numbers(v) if v[0] == 1.5 && v[1].is_nan() && v[2] == 0.1));
        assert!(matches!(&table.columns[1], DataColumn::Numbers(v) if v == &[1.0, 2.0, 3.0]));
        assert!(matches!(&table.columns[2], DataColumn::Texts(v) if v[1].as_deref() == Some("y") && v[2].is_none()));
        assert!(broken.unwrap_err().to_string().contains("cannot read the Parquet file"));
    }
}
