//! [`Growing`]: a log file that is read again as it grows or is written anew. [`Follow`]: many of
//! them.

use super::{Found, folder::LogFiles, how::How};
use crate::executor::LogOptions;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::SystemTime;
use stepsize::{Error, Result};
use stepsize_logs::text::Lines;
use stepsize_logs::{Format, HEAD, LogReader, Run};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// The next part of a file: a record, or a line where lines are wanted.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Entry {
    Row(Vec<(String, f64)>),
    Line(String),
}

/// How a file is read.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Want {
    Runs,
    Records,
    Lines,
}

/// One file.
#[derive(Debug)]
pub(crate) struct Growing {
    path: PathBuf,
    reader: Option<LogReader>,
    /// The beginning of the file, while more of it may show that it is another format.
    head: Vec<u8>,
    at: u64,
    seen: Option<(u64, SystemTime, u64)>,
    /// Records of a document that were given already; a document is read from its beginning each
    /// time.
    given: usize,
    want: Want,
    how: How,
    lines: Lines,
}

impl Growing {
    /// Reads a file as records, or as lines if `lines` is set; text is always read as lines.
    pub fn new(path: &Path, lines: bool) -> Self {
        Self::wanting(path, if lines { Want::Lines } else { Want::Records })
    }

    /// Reads a file as runs.
    fn of_runs(path: &Path, how: How) -> Self {
        Self { how, ..Self::wanting(path, Want::Runs) }
    }

    fn wanting(path: &Path, want: Want) -> Self {
        let (path, lines) = (path.to_owned(), Lines::new());
        Self { path, reader: None, head: Vec::new(), at: 0, seen: None, given: 0, want, how: How::default(), lines }
    }

    /// The format, once something was read.
    pub fn format(&self) -> Option<Format> {
        self.reader.as_ref().map(LogReader::format)
    }

    /// Reads what is new; returns whether there was anything.
    ///
    /// # Errors
    /// If the file cannot be read, or does not continue in the format in which it began.
    pub fn look(&mut self, mut give: impl FnMut(Vec<Entry>)) -> Result<bool> {
        let path = self.path.clone();
        let failed = |e: std::io::Error| Error::io("read", &path, e);
        let mut file = File::open(&self.path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        let state = (meta.len(), meta.modified().unwrap_or(SystemTime::UNIX_EPOCH), inode(&meta));
        if self.seen == Some(state) {
            return Ok(false);
        }
        let replaced = self.seen.is_some_and(|(length, _, inode)| state.0 < length || state.2 != inode);
        let whole = self.format().is_some_and(is_document);
        if replaced || whole {
            self.begin();
        }
        if replaced && !whole {
            self.given = 0;
        }
        self.seen = Some(state);
        file.seek(SeekFrom::Start(self.at)).map_err(failed)?;
        let mut block = vec![0; BLOCK];
        loop {
            let count = file.read(&mut block).map_err(failed)?;
            let bytes = block.get(..count).unwrap_or(&[]);
            if count == 0 {
                break;
            }
            self.at += count as u64;
            if self.want == Want::Lines {
                give(self.lines.push(bytes).into_iter().map(Entry::Line).collect());
                continue;
            }
            self.push(bytes)?;
            if self.want == Want::Runs {
                continue;
            }
            if self.format() == Some(Format::Text) {
                give(self.lines.push(bytes).into_iter().map(Entry::Line).collect());
            } else if let Some(reader) = self.reader.as_mut().filter(|r| !is_document(r.format())) {
                give(reader.rows().into_iter().map(Entry::Row).collect());
            }
        }
        if self.want == Want::Records && self.reader.as_ref().is_some_and(|r| is_document(r.format()) && r.is_whole()) {
            give(self.document_rows());
        }
        Ok(true)
    }

    /// The rest once the file is complete: a last line without a line end.
    pub fn last_records(&mut self) -> Vec<Entry> {
        if self.format().is_some_and(is_document) {
            return self.document_rows();
        }
        let line = self.lines.finish().map(Entry::Line);
        let reader = self.reader.take().filter(|r| r.format() != Format::Text && self.want == Want::Records);
        let rows = reader.and_then(|r| r.finish_rows().ok()).unwrap_or_default();
        line.into_iter().chain(rows.into_iter().map(Entry::Row)).collect()
    }

    /// The records of a document that were not given yet.
    fn document_rows(&mut self) -> Vec<Entry> {
        let all = self.reader.clone().and_then(|r| r.finish_rows().ok()).unwrap_or_default();
        let fresh: Vec<Entry> = all.into_iter().skip(self.given).map(Entry::Row).collect();
        self.given += fresh.len();
        fresh
    }

    /// The runs so far.
    pub fn runs(&self) -> Vec<Run> {
        self.reader.as_ref().map(LogReader::runs).unwrap_or_default()
    }

    fn begin(&mut self) {
        (self.reader, self.at, self.lines) = (None, 0, Lines::new());
        self.head.clear();
    }

    fn push(&mut self, bytes: &[u8]) -> Result<()> {
        let known = self.head.len();
        if known < HEAD && self.format().is_none_or(|f| matches!(f, Format::Text | Format::Other)) {
            // A file that has just begun may show its format later.
            self.head.extend_from_slice(bytes.get(..bytes.len().min(HEAD - known)).unwrap_or(&[]));
            let fresh = self.how.reader(&self.head, &self.path);
            if self.format() != Some(fresh.format()) {
                let early = self.head.get(..known).unwrap_or(&[]).to_vec();
                let mut fresh = if self.want == Want::Records { fresh.with_rows() } else { fresh };
                fresh.push(&early)?;
                self.reader = Some(fresh);
                self.lines = Lines::new();
            }
        }
        match &mut self.reader {
            Some(reader) => reader.push(bytes),
            None => Ok(()),
        }
    }
}

/// Whether a file of this format is written anew each time.
fn is_document(format: Format) -> bool {
    matches!(format, Format::TrainerState | Format::KerasHistory | Format::JsonArrays | Format::Notebook)
}

fn inode(meta: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(meta)
}

/// Logs that are read again and again while runs are in progress.
#[derive(Debug)]
pub struct Follow {
    paths: Vec<PathBuf>,
    known: BTreeMap<PathBuf, Growing>,
    /// Stamps of the logs that are read whole each time: stores of several files, databases.
    whole: BTreeMap<PathBuf, Vec<Stamp>>,
    how: How,
}

impl Follow {
    /// Follows the logs among paths as [`collect`](super::collect) takes them, and files that
    /// appear later.
    pub fn new<P: AsRef<Path>>(paths: &[P]) -> Self {
        let paths = paths.iter().map(|p| p.as_ref().to_owned()).collect();
        Self { paths, known: BTreeMap::new(), whole: BTreeMap::new(), how: How::default() }
    }

    /// Reads with the counter and the pattern that the user gives.
    ///
    /// # Errors
    /// If the pattern is not a regular expression or has no group.
    pub fn reading(mut self, options: &LogOptions) -> Result<Self> {
        self.how = How::new(options)?;
        Ok(self)
    }

    /// The logs that changed since the last call; at the first call all of them.
    pub fn poll(&mut self) -> Vec<Found> {
        let mut out = Vec::new();
        for path in self.paths.clone() {
            let found = super::expand(&path).unwrap_or_default();
            for path in found {
                let jobs = if path.is_dir() { super::folder::jobs(&path) } else { vec![LogFiles::of(&path)] };
                jobs.iter().for_each(|job| self.look(job, &mut out));
            }
        }
        out
    }

    fn look(&mut self, job: &LogFiles, out: &mut Vec<Found>) {
        if let LogFiles::File(path) = job {
            let how = &self.how;
            let growing = self.known.entry(path.clone()).or_insert_with(|| Growing::of_runs(path, how.clone()));
            match growing.look(|_| {}) {
                Ok(true) => {
                    let mut runs = growing.runs();
                    super::folder::add_settings(path, &mut runs);
                    if runs.iter().any(|r| !r.series.is_empty()) {
                        out.push((path.clone(), Ok(runs)));
                    }
                }
                Ok(false) => {}
                Err(error) => {
                    let named = self.paths.contains(path);
                    if named || growing.format().is_some_and(|f| f != Format::Other) {
                        out.push((path.clone(), Err(error)));
                    }
                }
            }
            return;
        }
        let now = stamps(job);
        if self.whole.get(job.path()) != Some(&now) {
            self.whole.insert(job.path().to_owned(), now);
            let (path, runs) = super::read(job, &self.how);
            if !matches!(&runs, Ok(runs) if runs.iter().all(|r| r.series.is_empty())) {
                out.push((path, runs));
            }
        }
    }
}

/// Length and time of a file.
type Stamp = (u64, SystemTime);

/// Stamps of all files of a log. Any difference means that the log has changed. The newest time
/// alone is not enough: it stands still after the clock went back.
fn stamps(job: &LogFiles) -> Vec<Stamp> {
    let of = |path: &Path| {
        std::fs::metadata(path)
            .map_or((0, SystemTime::UNIX_EPOCH), |m| (m.len(), m.modified().unwrap_or(SystemTime::UNIX_EPOCH)))
    };
    match job {
        LogFiles::File(path) => vec![of(path)],
        // SQLite keeps recent writes in a file beside it.
        LogFiles::Database(path) => vec![of(path), of(&PathBuf::from(format!("{}-wal", path.display())))],
        LogFiles::Events(paths) | LogFiles::Metrics(_, paths) => paths.iter().map(|p| of(p)).collect(),
        LogFiles::Store(path) => super::folder::files_of(path).iter().map(|p| of(p)).collect(),
    }
}
