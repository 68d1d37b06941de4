//! [`collect`]: reads training logs in files, folders and patterns. [`Follow`]: reads them again
//! while they grow.
//!
//! In a folder the content of every file is tried, except for what cannot be a log: hidden folders,
//! packages, weights, pictures, sources. Several files of one run are joined: event files of one
//! folder, a run of MLflow's file store, a folder with a file for each metric, a W&B folder, the
//! newest of several checkpoints' `trainer_state.json`. Settings beside a log (`hparams.yaml`,
//! `config.json`) become facts. A file that fails is an error of its own; the others are read.

mod files;
mod folder;
mod growing;
mod how;
mod single;

pub use growing::Follow;
pub(crate) use growing::{Entry, Growing};

use crate::executor::LogOptions;
use crate::mlflow;
use files::read_file;
use folder::LogFiles;
use how::How;
use std::path::{Path, PathBuf};
use stepsize::{Error, Result};
use stepsize_logs::Run;

/// A log: its path, and the runs in its file or files.
pub type Found = (PathBuf, Result<Vec<Run>>);

/// Reads every log among the paths; a path is a file, a folder, a pattern, or `-` for standard
/// input.
///
/// A file in a folder that is not a log is skipped; a file that was named and is not a log is an
/// error.
pub fn collect<P: AsRef<Path>>(paths: &[P]) -> Vec<Found> {
    all(paths, &How::default())
}

/// As [`collect`], with the counter and the pattern that the user gives. A pattern reads every file
/// as lines of text.
///
/// # Errors
/// If the pattern is not a regular expression or has no group.
pub fn collect_as<P: AsRef<Path>>(paths: &[P], options: &LogOptions) -> Result<Vec<Found>> {
    Ok(all(paths, &How::new(options)?))
}

/// Reads a log that is not a file, as a file of this name would be read.
///
/// # Errors
/// As for a file: if the bytes are not a log, or hold no readings.
pub fn read_bytes(bytes: &[u8], name: &str, options: &LogOptions) -> Result<Vec<Run>> {
    let runs = files::read_from(&mut &*bytes, name, &How::new(options)?)?;
    holding_readings(runs, Path::new(name))
}

fn all<P: AsRef<Path>>(paths: &[P], how: &How) -> Vec<Found> {
    let mut out = Vec::new();
    for path in paths {
        let path = path.as_ref();
        if path.as_os_str() == "-" {
            out.push((path.to_owned(), stdin(how)));
            continue;
        }
        match expand(path) {
            Ok(found) => found.iter().for_each(|path| one(path, how, &mut out)),
            Err(error) => out.push((path.to_owned(), Err(error))),
        }
    }
    out
}

/// Reads a file, or all logs in a folder.
fn one(path: &Path, how: &How, out: &mut Vec<Found>) {
    if path.is_dir() {
        let before = out.len();
        for job in folder::jobs(path) {
            let (name, runs) = read(&job, how);
            match runs {
                Ok(runs) if runs.iter().all(|r| r.series.is_empty()) => {}
                // A table in a text for people is a log only if it counts steps.
                Ok(runs) if folder::is_prose(&name) && runs.iter().all(|r| r.counter.is_empty()) => {}
                runs => out.push((name, runs)),
            }
        }
        if out.len() == before {
            out.push((
                path.to_owned(),
                Err(Error::invalid(format!("there is no training log in the folder {}", path.display()))),
            ));
        }
        return;
    }
    let job = LogFiles::of(path);
    let (name, runs) = read(&job, how);
    out.push((name, runs.and_then(|runs| holding_readings(runs, path))));
}

fn holding_readings(runs: Vec<Run>, path: &Path) -> Result<Vec<Run>> {
    let yaml = path.extension().is_some_and(|end| end == "yaml" || end == "yml");
    if yaml && runs.iter().flat_map(|r| &r.series).all(|s| s.points.len() < 2) {
        let told = "is a configuration, no log: no number in it is told twice";
        return Err(Error::invalid(format!("{} {told}", path.display())));
    }
    match runs.iter().all(|r| r.series.is_empty()) {
        true => {
            Err(Error::invalid(format!("{} holds no readings: no name with a number was found in it", path.display())))
        }
        false => Ok(runs),
    }
}

fn read(job: &LogFiles, how: &How) -> Found {
    let runs = match job {
        LogFiles::File(path) => read_file(path, how),
        LogFiles::Events(paths) => files::join(paths.iter().map(|p| read_file(p, how))),
        LogFiles::Store(path) => folder::store_run(path),
        LogFiles::Metrics(_, files) => single::read(files, how),
        LogFiles::Database(path) => mlflow::read(path),
    };
    let path = job.path().to_owned();
    let runs = runs.map(|mut runs| {
        folder::add_settings(&path, &mut runs);
        runs
    });
    (path, runs)
}

/// The paths that match a pattern; a path that exists matches itself.
fn expand(path: &Path) -> Result<Vec<PathBuf>> {
    if path.exists() {
        return Ok(vec![path.to_owned()]);
    }
    let text = path.to_string_lossy();
    if !text.contains(['*', '?', '[']) {
        return Err(Error::io("read", path, std::io::Error::new(std::io::ErrorKind::NotFound, "it does not exist")));
    }
    let found: Vec<PathBuf> = glob::glob(&text)
        .map_err(|e| Error::invalid(format!("{text} is not a valid file pattern: {e}")).with_source(e))?
        .flatten()
        .collect();
    if found.is_empty() {
        return Err(Error::invalid(format!("no file matches {text}")));
    }
    Ok(found)
}

fn stdin(how: &How) -> Result<Vec<Run>> {
    files::read_from(&mut std::io::stdin().lock(), "-", how)
}

#[cfg(test)]
mod tests;
