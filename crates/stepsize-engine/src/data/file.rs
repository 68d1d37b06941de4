//! Reads files and unpacks gzip.

use flate2::read::GzDecoder;
use std::io::Read;
use std::path::Path;
use stepsize::{Error, Result};

/// The bytes of a file. Gzip is recognised by its first two bytes, not by the name.
pub(super) fn bytes(path: &Path) -> Result<Vec<u8>> {
    let raw = std::fs::read(path).map_err(|why| Error::io("read the data file", path, why))?;
    if raw.starts_with(&[0x1f, 0x8b]) { unpack(&raw, &path.display().to_string()) } else { Ok(raw) }
}

/// A UTF-8 file.
pub(super) fn text(path: &Path) -> Result<String> {
    String::from_utf8(bytes(path)?).map_err(|why| {
        let at = why.utf8_error().valid_up_to();
        Error::invalid(format!(
            "'{}' is not UTF-8 text: byte {at} fits no character; convert it first (`iconv -f latin1 -t utf-8`)",
            path.display()
        ))
    })
}

/// Unpacks gzip.
pub(super) fn unpack(packed: &[u8], name: &str) -> Result<Vec<u8>> {
    let mut plain = Vec::new();
    match GzDecoder::new(packed).read_to_end(&mut plain) {
        Ok(_) => Ok(plain),
        Err(why) => Err(Error::invalid(format!("cannot unpack '{name}': {why}")).with_source(why)),
    }
}
