//! [`collect`]: training logs in files, folders and patterns, each read by the one reader of its format; [`Follow`]: the same
//! while they grow.
//!
//! In a folder every file is tried by its content, but not what cannot be a log: hidden folders, packages, weights, pictures,
//! sources. What is one run in several files is put together: event files of one folder, a run of MLflow's file store, a W&B
//! folder, the newest of several checkpoints' `trainer_state.json`. Settings that stand beside a log (`hparams.yaml`,
//! `config.json`) become facts. A file that fails is an error of its own and ends nothing.

mod files;
mod folder;
mod growing;

pub use growing::Follow;
pub(crate) use growing::{Entry, Growing};

use crate::mlflow;
use files::read_file;
use folder::LogFiles;
use std::path::{Path, PathBuf};
use stepsize::{Error, Result};
use stepsize_logs::{LogReader, Run, detect};

/// What one file, or the files of one run, hold.
pub type Found = (PathBuf, Result<Vec<Run>>);

/// Reads every log among the paths; a path is a file, a folder, a pattern, or `-` for standard input.
///
/// Files in folders that hold no log are passed over; a file that was named and holds none is an error.
pub fn collect<P: AsRef<Path>>(paths: &[P]) -> Vec<Found> {
    let mut out = Vec::new();
    for path in paths {
        let path = path.as_ref();
        if path.as_os_str() == "-" {
            out.push((path.to_owned(), stdin()));
            continue;
        }
        match expand(path) {
            Ok(found) => found.iter().for_each(|path| one(path, &mut out)),
            Err(error) => out.push((path.to_owned(), Err(error))),
        }
    }
    out
}

/// Reads a file, or all that is in a folder.
fn one(path: &Path, out: &mut Vec<Found>) {
    if path.is_dir() {
        let before = out.len();
        for job in folder::jobs(path) {
            let (name, runs) = read(&job);
            match runs {
                Ok(runs) if runs.iter().all(|r| r.series.is_empty()) => {}
                // Tables in a text for people are logs only where they count steps.
                Ok(runs) if folder::is_prose(&name) && runs.iter().all(|r| r.counter.is_empty()) => {}
                runs => out.push((name, runs)),
            }
        }
        if out.len() == before {
            out.push((
                path.to_owned(),
                Err(Error::invalid(format!("no training log in the folder {}", path.display()))),
            ));
        }
        return;
    }
    let job = LogFiles::of(path);
    let (name, runs) = read(&job);
    let runs = runs.and_then(|runs| match runs.iter().all(|r| r.series.is_empty()) {
        true => {
            Err(Error::invalid(format!("{} holds no readings: no name with a number was found in it", path.display())))
        }
        false => Ok(runs),
    });
    out.push((name, runs));
}

fn read(job: &LogFiles) -> Found {
    let runs = match job {
        LogFiles::File(path) => read_file(path),
        LogFiles::Events(paths) => files::join(paths.iter().map(|p| read_file(p))),
        LogFiles::Store(path) => folder::store_run(path),
        LogFiles::Database(path) => mlflow::read(path),
    };
    let path = job.path().to_owned();
    let settings = folder::settings_beside(&path);
    let runs = runs.map(|mut runs| {
        for run in &mut runs {
            settings.iter().for_each(|(name, value)| {
                run.facts.entry(name.clone()).or_insert_with(|| value.clone());
            });
            stepsize_logs::name_facts(&mut run.facts);
        }
        runs
    });
    (path, runs)
}

/// The paths that a pattern matches; a path that exists is itself.
fn expand(path: &Path) -> Result<Vec<PathBuf>> {
    if path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        return Err(Error::io("read", path, std::io::Error::new(std::io::ErrorKind::NotFound, "it does not exist")));
    }
    let found: Vec<PathBuf> = glob::glob(&text)
        .map_err(|e| Error::invalid(format!("the file pattern {text}: {e}")).with_source(e))?
        .flatten()
        .collect();
    if found.is_empty() {
        return Err(Error::invalid(format!("no file matches {text}")));
    }
    Ok(found)
}

fn stdin() -> Result<Vec<Run>> {
    files::read_from(&mut std::io::stdin().lock(), "-")
}

/// A reader for a file of which the beginning is known.
fn reader(head: &[u8], path: &Path) -> LogReader {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    LogReader::new(detect(head, &name), &name)
}

#[cfg(test)]
mod tests;
