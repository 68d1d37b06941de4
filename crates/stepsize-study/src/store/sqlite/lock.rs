//! The lock that gives one study to one process: an operating-system lock on a small file beside
//! the database.
//!
//! The system releases it when the process ends, however it ends. A file that a kill has left is
//! not a lock. The file holds the name of the holder, for the message to others.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;
use stepsize::{Error, Result};

/// How often a lock that is held is tried again, and the pause before each try.
const LOOKS: u32 = 10;
const LOOK: Duration = Duration::from_millis(10);

/// A lock that is held.
#[derive(Debug)]
pub(super) struct Lock {
    path: PathBuf,
    /// `None` in a forked child, which holds no lock.
    file: Option<File>,
}

/// The outcome of a try.
pub(super) enum Try {
    Taken(Lock),
    /// The holder, as it wrote itself down.
    Held(String),
}

impl Lock {
    /// Tries to take the lock at `path` without waiting; `holder` says who we are.
    ///
    /// # Errors
    /// When the file cannot be created or written.
    pub(super) fn take(path: &Path, holder: &str) -> Result<Try> {
        let fault = |e: std::io::Error| Error::io("lock the study with", path, e);
        let mut looks = 0;
        loop {
            let mut file =
                OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(fault)?;
            match file.try_lock() {
                Ok(()) if !is_at(&file, path) => continue, // its last holder has removed it meanwhile
                Ok(()) => {}
                // A process that only looks up the holder releases it at once.
                Err(TryLockError::WouldBlock) if looks < LOOKS => {
                    looks += 1;
                    std::thread::sleep(LOOK);
                    continue;
                }
                Err(TryLockError::WouldBlock) => return Ok(Try::Held(read(&mut file))),
                Err(TryLockError::Error(e)) => return Err(fault(e)),
            }
            file.set_len(0).and_then(|()| file.write_all(holder.as_bytes())).map_err(fault)?;
            return Ok(Try::Taken(Self { path: path.to_owned(), file: Some(file) }));
        }
    }

    /// In a forked child: closes its copy of the handle. The lock stays with the parent and ends
    /// with it.
    pub(super) fn forked(&mut self) {
        self.file = None;
    }

    /// Who holds the lock at `path`, if anybody does.
    pub(super) fn holder(path: &Path) -> Option<String> {
        let mut file = File::open(path).ok()?;
        // Shared, so that processes that only look do not block each other.
        match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Some(read(&mut file)),
            _ => None,
        }
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        let Some(file) = &self.file else { return };
        // Before the lock is released, so that no other process's file is removed.
        let _ = std::fs::remove_file(&self.path);
        let _ = file.unlock();
    }
}

fn read(file: &mut File) -> String {
    let mut text = String::new();
    let _ = file.rewind().and_then(|()| file.read_to_string(&mut text));
    if text.is_empty() { "another process".to_owned() } else { text }
}

fn is_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), std::fs::metadata(path)) {
        (Ok(ours), Ok(there)) => (ours.dev(), ours.ino()) == (there.dev(), there.ino()),
        _ => false,
    }
}
