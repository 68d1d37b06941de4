//! What every target checks: bytes in any pieces give what they give in one, and nothing panics.

use stepsize_logs::{Format, LogReader, detect};

/// Reads `data` as `format`, whole and in pieces whose size is its first byte.
pub fn read(format: Format, data: &[u8]) {
    let Some((&size, bytes)) = data.split_first() else { return };
    detect(bytes, "metrics.csv");
    let whole = outcome(format, bytes, bytes.len().max(1));
    let pieces = outcome(format, bytes, usize::from(size).max(1));
    assert_eq!(whole, pieces, "in pieces of {size} bytes");
}

fn outcome(format: Format, bytes: &[u8], size: usize) -> String {
    let mut reader = LogReader::new(format, "loss");
    for chunk in bytes.chunks(size) {
        if let Err(error) = reader.push(chunk) {
            return error.to_string();
        }
    }
    reader.runs();
    format!("{:?}", reader.finish().map_err(|e| e.to_string()))
}
