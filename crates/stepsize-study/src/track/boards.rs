//! Trials as runs of TensorBoard: a folder of event files for each, and one for the search.

use super::{TrackedEnd, TrialSink, make, name, now};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use stepsize::{Error, Estimate, Result, TrialId, TrialSpec};
use stepsize_logs::tensorboard::{begin, push_scalars};

/// How the names of our event files end.
const OURS: &str = ".stepsize";
/// Bytes that wait at most.
const MOST: usize = 1 << 16;

/// The folder of a search.
pub(super) struct Boards {
    folder: PathBuf,
    search: EventFile,
    trials: BTreeMap<TrialId, EventFile>,
}

/// A TensorBoard event file that grows.
#[derive(Debug)]
pub struct EventFile {
    path: PathBuf,
    file: File,
    pending: Vec<u8>,
}

impl EventFile {
    /// A new file in `folder`, which is made; former ones of ours are removed.
    ///
    /// # Errors
    /// When the folder or the file cannot be made.
    pub fn open(folder: &Path) -> Result<Self> {
        make(folder)?;
        let fault = |e: std::io::Error| Error::io("write events to", folder, e);
        for entry in std::fs::read_dir(folder).map_err(fault)? {
            let file = entry.map_err(fault)?.file_name().to_string_lossy().into_owned();
            if file.starts_with("events.out.tfevents.") && file.ends_with(OURS) {
                std::fs::remove_file(folder.join(file)).map_err(fault)?;
            }
        }
        let path = folder.join(format!("events.out.tfevents.{:.6}{OURS}", now()));
        let file = File::create(&path).map_err(fault)?;
        let mut board = Self { path, file, pending: begin(now()) };
        board.flush()?;
        Ok(board)
    }

    /// Adds values of one step, at `at` seconds since 1970. They are written when some have
    /// gathered.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn push(&mut self, at: f64, step: u64, values: &[(&str, f64)]) -> Result<()> {
        push_scalars(&mut self.pending, at, step, values);
        if self.pending.len() < MOST { Ok(()) } else { self.flush() }
    }

    /// Writes what waits.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn flush(&mut self) -> Result<()> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let written = self.file.write_all(&self.pending);
        written.map_err(|e| Error::io("write", &self.path, e))?;
        self.pending.clear();
        Ok(())
    }
}

impl Boards {
    pub fn open(folder: &Path) -> Result<Self> {
        Ok(Self {
            folder: folder.to_owned(),
            search: EventFile::open(&folder.join("search"))?,
            trials: BTreeMap::new(),
        })
    }
}

impl TrialSink for Boards {
    fn begin(&mut self, _at: f64, trial: TrialId, spec: &TrialSpec) -> Result<()> {
        self.trials.insert(trial, EventFile::open(&self.folder.join(name(trial, spec)))?);
        Ok(())
    }

    fn point(&mut self, at: f64, trial: TrialId, step: u64, values: &[(&'static str, f64)]) -> Result<()> {
        match self.trials.get_mut(&trial) {
            Some(board) => board.push(at, step, values),
            None => Ok(()),
        }
    }

    fn end(&mut self, at: f64, trial: TrialId, ended: &TrackedEnd<'_>) -> Result<()> {
        if let Some(mut board) = self.trials.remove(&trial) {
            board.flush()?;
        }
        let loss = ended.val_loss.map(|loss| ("val_loss", loss));
        let values: Vec<_> = [("lr", ended.lr), ("cost", ended.cost)].into_iter().chain(loss).collect();
        self.search.push(at, ended.taken, &values)
    }

    fn concluded(&mut self, at: f64, taken: u64, estimate: &Estimate) -> Result<()> {
        let lr = estimate.lr().map_or(f64::NAN, |lr| lr.get());
        self.search.push(at, taken, &[("answer", lr)])
    }

    fn flush(&mut self) -> Result<()> {
        self.search.flush()?;
        self.trials.values_mut().try_for_each(EventFile::flush)
    }
}
