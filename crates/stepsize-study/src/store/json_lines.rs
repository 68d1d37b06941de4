//! A log as a file of JSON lines. Each line is handed to the operating system before `append` returns, so it survives a
//! crash of this process (not a power loss). A last line cut short by a crash is dropped when the file is opened.

use super::Store;
use std::fs::{File, OpenOptions};
use std::io::{Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use stepsize::{Error, Event, Result};

/// A file of JSON lines, one event a line.
#[derive(Debug)]
pub struct JsonLines {
    path: PathBuf,
    file: File,
}

impl JsonLines {
    /// Opens `path` for appending, making the file if there is none.
    ///
    /// # Errors
    /// When it cannot be opened or made.
    pub fn open(path: &Path) -> Result<Self> {
        let fault = |e: std::io::Error| Error::invalid(format!("cannot open the event log {}: {e}", path.display()));
        let mut file = OpenOptions::new().read(true).append(true).create(true).open(path).map_err(fault)?;
        let text = std::fs::read(path).map_err(fault)?;
        let whole = text.iter().rposition(|&b| b == b'\n').map_or(0, |at| at + 1);
        if whole < text.len() {
            file.set_len(whole as u64).map_err(fault)?;
            file.seek(SeekFrom::End(0)).map_err(fault)?;
        }
        Ok(Self { path: path.to_owned(), file })
    }

    /// Reads the events of a file without opening it for writing.
    ///
    /// # Errors
    /// When it cannot be read or a whole line in it is no event; the message names the line.
    pub fn load(path: &Path) -> Result<Vec<Event>> {
        let text = std::fs::read_to_string(path)
            .map_err(|e| Error::invalid(format!("cannot read the event log {}: {e}", path.display())))?;
        let whole = text.rfind('\n').map_or("", |at| &text[..at]);
        whole
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(i, line)| {
                Event::from_json(line).map_err(|e| Error::invalid(format!("{} line {}: {e}", path.display(), i + 1)))
            })
            .collect()
    }
}

impl Store for JsonLines {
    fn append(&mut self, event: &Event) -> Result<()> {
        let line = event.to_json() + "\n";
        self.file
            .write_all(line.as_bytes())
            .map_err(|e| Error::invalid(format!("cannot write to the event log {}: {e}", self.path.display())))
    }

    fn read(&self) -> Result<Vec<Event>> {
        Self::load(&self.path)
    }
}
