//! [`Source`]: where a trial's metrics are; [`Files`]: log files that a trial writes, read again as they grow.

use super::meter::{Call, Meter};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::PathBuf;
use std::time::{Duration, Instant};
use stepsize_logs::text::Lines;

/// How often files are looked for and at.
const LOOK: Duration = Duration::from_millis(250);

/// Where a trial's metrics are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    /// Its standard output and standard error.
    Output,
    /// Files that match a pattern.
    Files(String),
}

/// The files of one trial.
pub(super) struct Files {
    pattern: Option<String>,
    known: BTreeMap<PathBuf, (u64, Lines)>,
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

    /// Reads what is new, when it is time to.
    pub fn look(&mut self, meter: &mut Meter) -> Option<Call> {
        if self.pattern.is_none() || self.looked.elapsed() < LOOK {
            return None;
        }
        self.looked = Instant::now();
        self.read(meter, false)
    }

    /// Reads what is left, also a last line without an end.
    pub fn last_look(&mut self, meter: &mut Meter) -> Option<Call> {
        self.read(meter, true)
    }

    fn read(&mut self, meter: &mut Meter, last: bool) -> Option<Call> {
        // A pattern that cannot be read is refused before the first trial.
        for path in glob::glob(self.pattern.as_deref()?).ok()?.flatten() {
            let (at, lines) = self.known.entry(path.clone()).or_default();
            // A file that cannot be read now can be at the next look.
            let Ok(mut file) = File::open(&path) else { continue };
            let mut bytes = Vec::new();
            if file.seek(SeekFrom::Start(*at)).is_err() || file.read_to_end(&mut bytes).is_err() {
                continue;
            }
            *at += bytes.len() as u64;
            let rest = lines.push(&bytes);
            let end = if last { lines.finish() } else { None };
            for line in rest.into_iter().chain(end) {
                if let Some(call) = meter.line(&line) {
                    return Some(call);
                }
            }
        }
        None
    }
}
