//! [`LogFile`]: a log on a shared directory, read by byte offset.
//!
//! Each read opens it anew, because a network file system checks what others wrote when a file is
//! opened.

use super::queue::Log;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// Bytes read at once, so that a trial that prints a gigabyte costs no memory.
const MOST: u64 = 1 << 20;

#[derive(Debug)]
pub(super) struct LogFile {
    path: PathBuf,
    at: u64,
}

impl LogFile {
    pub fn new(path: &Path) -> Self {
        Self { path: path.to_owned(), at: 0 }
    }
}

impl Log for LogFile {
    fn read(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        // A file that is not there, or cannot be read now, may be there at the next read.
        if let Ok(mut file) = File::open(&self.path)
            && file.seek(SeekFrom::Start(self.at)).is_ok()
            && file.take(MOST).read_to_end(&mut bytes).is_ok()
        {
            self.at += bytes.len() as u64;
            return bytes;
        }
        Vec::new()
    }

    fn is_complete(&self) -> bool {
        true // when the cluster job is over, all of its output is in the file
    }
}
