//! Single files of any size, read in blocks, and how parts of one run in several files are joined.

use super::how::How;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use stepsize::{Error, Result};
use stepsize_logs::{HEAD, Run};

/// Bytes read at once.
const BLOCK: usize = 1 << 20;

/// Reads a file.
pub(super) fn read_file(path: &Path, how: &How) -> Result<Vec<Run>> {
    let mut file = File::open(path).map_err(|e| Error::io("open", path, e))?;
    read_from(&mut file, &path.to_string_lossy(), how)
}

/// Reads a log to its end.
pub(super) fn read_from(source: &mut impl Read, name: &str, how: &How) -> Result<Vec<Run>> {
    let failed = |e: std::io::Error| Error::io("read", name, e);
    let mut block = vec![0; BLOCK];
    let mut filled = 0;
    while filled < HEAD {
        let room = block.get_mut(filled..).unwrap_or(&mut []);
        match source.read(room) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
    let head = block.get(..filled).unwrap_or(&[]);
    let mut reader = how.reader(head, Path::new(name));
    let format = reader.format().name();
    let said = |e: Error| Error::invalid(format!("{name}, read as {format}: {e}")).with_source(e);
    let mut pushed = reader.push(head);
    while pushed.is_ok() {
        match source.read(&mut block) {
            Ok(0) => return reader.finish().map_err(said),
            Ok(count) => pushed = reader.push(block.get(..count).unwrap_or(&[])),
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(failed(e)),
        }
    }
    // What came before the fault is kept.
    let runs = reader.runs();
    match pushed {
        Err(error) if runs.iter().all(|r| r.series.is_empty()) => Err(said(error)),
        Err(error) => Ok(runs
            .into_iter()
            .map(|mut run| {
                run.notes.push(format!("not read to its end: {error}"));
                run
            })
            .collect()),
        Ok(()) => Ok(runs),
    }
}

/// Joins the runs of files that continue one another: an earlier one ends where a later one begins.
pub(super) fn join(parts: impl Iterator<Item = Result<Vec<Run>>>) -> Result<Vec<Run>> {
    let mut whole: Option<Run> = None;
    let mut fault = None;
    for part in parts {
        match part {
            Ok(runs) => {
                for run in runs {
                    match &mut whole {
                        None => whole = Some(run),
                        Some(whole) => add(whole, run),
                    }
                }
            }
            Err(error) => fault = Some(error),
        }
    }
    match (whole, fault) {
        (None, Some(error)) => Err(error),
        (Some(mut run), Some(error)) => {
            run.notes.push(format!("a part is left out: {error}"));
            Ok(vec![run])
        }
        (run, None) => Ok(run.into_iter().collect()),
    }
}

/// Adds a later part of a run.
pub(super) fn add(whole: &mut Run, later: Run) {
    for (name, fact) in later.facts {
        whole.facts.entry(name).or_insert(fact);
    }
    whole.notes.extend(later.notes);
    if whole.counter.is_empty() {
        whole.counter = later.counter;
    }
    if whole.name.is_empty() {
        whole.name = later.name;
    }
    for series in later.series {
        match whole.series.iter_mut().find(|s| s.name == series.name) {
            None => whole.series.push(series),
            Some(known) => {
                if let Some((begin, _)) = series.points.first() {
                    let before = known.points.len();
                    known.points.retain(|(step, _)| step < begin);
                    if known.points.len() < before {
                        whole.notes.push(format!(
                            "{} continues from step {begin} in a later file, which replaces the earlier one from there",
                            known.name
                        ));
                    }
                }
                known.points.extend(series.points);
                known.seen += series.seen;
            }
        }
    }
}
