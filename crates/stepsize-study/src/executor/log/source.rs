//! [`Source`]: where the metrics of a trial are. [`Files`]: log files of any format that a trial
//! writes, read again as they grow or are written anew.

use super::meter::{Meter, Ruling};
use crate::logfiles::{Entry, Growing};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Time between two searches for new files and new bytes.
const LOOK: Duration = Duration::from_millis(250);

/// Where the metrics of a trial are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Source {
    /// Its standard output and standard error.
    Output,
    /// Files that match a pattern.
    Files(String),
}

/// The files of one trial.
pub(crate) struct Files {
    pattern: Option<String>,
    known: BTreeMap<PathBuf, Growing>,
    looked: Instant,
}

impl Files {
    pub fn new(source: &Source) -> Self {
        let pattern = match source {
            Source::Output => None,
            Source::Files(pattern) => Some(pattern.clone()),
        };
        Self { pattern, known: BTreeMap::new(), looked: Instant::now() }
    }

    /// Reads what is new, if it is time to look.
    pub fn look(&mut self, meter: &mut Meter) -> Option<Ruling> {
        if self.pattern.is_none() || self.looked.elapsed() < LOOK {
            return None;
        }
        self.looked = Instant::now();
        self.read(meter, false)
    }

    /// Reads the rest, also a last line without a line end.
    pub fn last_look(&mut self, meter: &mut Meter) -> Option<Ruling> {
        self.read(meter, true)
    }

    fn read(&mut self, meter: &mut Meter, last: bool) -> Option<Ruling> {
        let mut call = None;
        // A pattern that is not valid is refused before the first trial.
        for path in glob::glob(self.pattern.as_deref()?).ok()?.flatten().filter(|p| p.is_file()) {
            let by_lines = meter.reads_lines();
            let file = self.known.entry(path.clone()).or_insert_with(|| Growing::new(&path, by_lines));
            // A file that cannot be read now, or is half written, may be readable at the next look.
            let _ = file.look(|rows| call = call.take().or_else(|| rows_of(meter, &rows)));
            if last {
                let rows = file.last_records();
                call = call.or_else(|| rows_of(meter, &rows));
            }
            if call.is_some() {
                break;
            }
        }
        call
    }
}

/// Takes in records until one of them ends the trial.
fn rows_of(meter: &mut Meter, rows: &[Entry]) -> Option<Ruling> {
    rows.iter().find_map(|row| match row {
        Entry::Row(row) => meter.row(row),
        Entry::Line(line) => meter.line(line),
    })
}
