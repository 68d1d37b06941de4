//! [`KeptOutput`]: the end of what a trial prints, in a file for people and for the live page.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use stepsize::TrialId;

/// Bytes in one file. The file before it stays, so that a reader always finds as many at the end.
const MOST: usize = 32 << 10;

/// Writes what a trial prints. What cannot be written is let go: a full disk must not end a trial.
#[derive(Debug)]
pub(super) struct KeptOutput {
    path: PathBuf,
    file: Option<File>,
    size: usize,
}

impl KeptOutput {
    /// Begins anew for `trial` in `directory`: an earlier attempt is forgotten.
    pub fn new(directory: &Path, trial: TrialId) -> Self {
        let path = directory.join(trial.to_string());
        let _ = std::fs::create_dir_all(directory);
        let _ = std::fs::remove_file(older(&path));
        Self { file: File::create(&path).ok(), path, size: 0 }
    }

    /// Takes a block of output.
    pub fn take(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(MOST)..];
        if self.size + bytes.len() > MOST {
            self.file = std::fs::rename(&self.path, older(&self.path)).and_then(|()| File::create(&self.path)).ok();
            self.size = 0;
        }
        self.size += bytes.len();
        if self.file.as_mut().is_some_and(|file| file.write_all(bytes).is_err()) {
            self.file = None;
        }
    }
}

/// The file before this one.
fn older(path: &Path) -> PathBuf {
    path.with_extension("old")
}

/// The last `most` bytes, 32 KiB at most, of what trial `trial` printed, and the file that they end
/// in. `None` when nothing is kept of it. A link out of the directory is not followed.
pub fn end_of_output(directory: &Path, trial: TrialId, most: usize) -> Option<(PathBuf, Vec<u8>)> {
    let root = directory.canonicalize().ok()?;
    let read = |path: PathBuf| {
        let path = path.canonicalize().ok().filter(|path| path.starts_with(&root) && path.is_file())?;
        let bytes = std::fs::read(&path).ok()?;
        Some((path, bytes))
    };
    let path = root.join(trial.to_string());
    let before = read(older(&path));
    let (shown, now) = read(path)?;
    let mut bytes = before.map_or_else(Vec::new, |(_, bytes)| bytes);
    bytes.extend(now);
    bytes.drain(..bytes.len().saturating_sub(most));
    (!bytes.is_empty()).then_some((shown, bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory(name: &str) -> PathBuf {
        std::env::temp_dir().join(format!("stepsize-output-{name}-{}", std::process::id()))
    }

    #[test]
    fn the_end_of_a_flood_is_kept_and_no_more() {
        let directory = directory("flood");
        let mut kept = KeptOutput::new(&directory, TrialId(3));
        for line in 0..100_000 {
            kept.take(format!("{line}\n").as_bytes());
        }
        kept.take(b"last\n");
        let (_, end) = end_of_output(&directory, TrialId(3), 16 << 10).unwrap();
        let text = String::from_utf8(end).unwrap();
        assert!(text.ends_with("99998\n99999\nlast\n") && text.len() == 16 << 10, "{}", text.len());
        let sizes = std::fs::read_dir(&directory).unwrap().map(|e| e.unwrap().metadata().unwrap().len());
        assert!(sizes.sum::<u64>() <= 2 * MOST as u64);
        // Another attempt begins anew.
        KeptOutput::new(&directory, TrialId(3)).take(b"again\n");
        assert_eq!(end_of_output(&directory, TrialId(3), 1000).unwrap().1, b"again\n");
        assert_eq!(end_of_output(&directory, TrialId(4), 1000), None);
        std::fs::remove_dir_all(directory).unwrap();
    }

    #[test]
    fn a_link_out_of_the_directory_is_not_followed() {
        let directory = directory("link");
        std::fs::create_dir_all(directory.join("kept")).unwrap();
        std::fs::write(directory.join("secret"), "secret").unwrap();
        std::os::unix::fs::symlink(directory.join("secret"), directory.join("kept/t0")).unwrap();
        assert_eq!(end_of_output(&directory.join("kept"), TrialId(0), 1000), None);
        std::fs::remove_dir_all(directory).unwrap();
    }
}
