//! Which files there are and what they hold: paths become records; a file that fails becomes a line and stops nothing.

use crate::args::DiagnoseArgs;
use crate::done::Fault;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use stepsize::diagnosis::{Facts, Record, Series};
use stepsize::{Trial, fold};
use stepsize_logs::{HEAD, LogReader, Run, detect, meaning};
use stepsize_study::Studies;

/// Bytes read at once.
const PIECE: usize = 1 << 16;
/// Folders deeper than this are not entered: links may go round.
const DEPTH: usize = 16;

/// What was read.
#[derive(Debug, Default)]
pub struct Found {
    /// Records with the file they come from and the run's name in it.
    pub records: Vec<(String, String, Record)>,
    /// Files that could not be read, with why.
    pub failed: Vec<(String, String)>,
}

/// Reads everything that was named.
pub fn all(args: &DiagnoseArgs) -> Result<Found, Fault> {
    let mut found = Found::default();
    if let Some(name) = &args.study {
        study(args, name, &mut found)?;
    }
    for path in &args.paths {
        if path.as_os_str() == "-" {
            let read = stream(&mut std::io::stdin().lock(), "standard input");
            found.take("-", read);
            continue;
        }
        let files = matches(path)?;
        let asked = files.len() == 1 && files[0] == *path && path.is_file();
        for file in files.iter().flat_map(|f| below(f, 0)) {
            let name = file.display().to_string();
            let read = File::open(&file).map_err(|e| e.to_string()).and_then(|mut f| stream(&mut f, &name));
            match read {
                // In a folder there is much that is no log; it is no fault.
                Err(why) if !asked && why.starts_with(NO_LOG) => {}
                Ok(runs) if !asked && !runs.iter().any(is_training) => {}
                read => found.take(&name, read),
            }
        }
    }
    for (_, _, record) in &mut found.records {
        if let Some(lr) = args.lr {
            record.facts.lr = Some(lr.get());
        }
        record.facts.classes = args.classes.or(record.facts.classes);
    }
    Ok(found)
}

const NO_LOG: &str = "it holds no training log";

impl Found {
    fn take(&mut self, file: &str, read: Result<Vec<Run>, String>) {
        match read {
            Ok(runs) if !runs.iter().any(is_training) => {
                self.failed.push((file.to_owned(), format!("{NO_LOG}: no loss and no score was found in it")));
            }
            Ok(runs) => {
                for run in runs.iter().filter(|r| is_training(r)) {
                    for record in meaning::records(run, file) {
                        let name = record.name.strip_prefix(file).unwrap_or(&record.name);
                        let name = name.trim_start_matches(['#', ' ']).to_owned();
                        self.records.push((file.to_owned(), name, record));
                    }
                }
            }
            Err(why) => self.failed.push((file.to_owned(), why)),
        }
    }
}

/// Whether a run holds anything to judge.
fn is_training(run: &Run) -> bool {
    meaning::records(run, "").iter().any(|r| !r.loss.is_empty() || !r.val_loss.is_empty() || !r.score.is_empty())
}

/// Reads one log to its end.
fn stream(input: &mut dyn Read, name: &str) -> Result<Vec<Run>, String> {
    let mut head = Vec::new();
    input.take(HEAD as u64).read_to_end(&mut head).map_err(|e| e.to_string())?;
    let mut reader = LogReader::new(detect(&head, name), name);
    if reader.format() == stepsize_logs::Format::Other {
        return Err(format!("{NO_LOG} of a known format"));
    }
    let told = |e: stepsize::Error| e.to_string();
    reader.push(&head).map_err(told)?;
    let mut piece = vec![0; PIECE];
    loop {
        match input.read(&mut piece).map_err(|e| e.to_string())? {
            0 => return reader.finish().map_err(told),
            n => reader.push(&piece[..n]).map_err(told)?,
        }
    }
}

/// The files below `path` (itself, if it is one), in the order of their names; what is hidden is passed over.
fn below(path: &Path, depth: usize) -> Vec<PathBuf> {
    if !path.is_dir() {
        return vec![path.to_owned()];
    }
    let mut entries: Vec<PathBuf> =
        std::fs::read_dir(path).into_iter().flatten().filter_map(|e| Some(e.ok()?.path())).collect();
    entries.sort();
    let hidden = |p: &PathBuf| p.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.'));
    entries.retain(|p| !hidden(p));
    if depth >= DEPTH {
        return Vec::new();
    }
    entries.iter().flat_map(|p| below(p, depth + 1)).collect()
}

/// What a pattern stands for; a path without `*` and `?` stands for itself.
fn matches(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    let text = path.to_string_lossy();
    if path.exists() || !text.contains(['*', '?']) {
        return match path.exists() {
            true => Ok(vec![path.to_owned()]),
            false => Err(Fault::failure(format!("there is no file or folder {text}"))),
        };
    }
    let mut found = vec![if text.starts_with('/') { PathBuf::from("/") } else { PathBuf::new() }];
    for part in text.split('/').filter(|p| !p.is_empty()) {
        found = found.iter().flat_map(|base| expand(base, part)).collect();
    }
    match found.is_empty() {
        true => Err(Fault::failure(format!("no file or folder matches {text}"))),
        false => Ok(found),
    }
}

fn expand(base: &Path, part: &str) -> Vec<PathBuf> {
    if !part.contains(['*', '?']) {
        let path = base.join(part);
        return if path.exists() { vec![path] } else { Vec::new() };
    }
    let folder = if base.as_os_str().is_empty() { Path::new(".") } else { base };
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|e| Some(e.ok()?.file_name().to_string_lossy().into_owned()))
        .filter(|n| (part.starts_with('.') || !n.starts_with('.')) && fits(part, n))
        .collect();
    names.sort();
    names.into_iter().map(|n| base.join(n)).collect()
}

/// Whether `name` fits a pattern of `*` (anything) and `?` (one character).
fn fits(pattern: &str, name: &str) -> bool {
    let (p, n): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut i, mut j, mut star) = (0, 0, None);
    while j < n.len() {
        match p.get(i) {
            Some('*') => {
                star = Some((i, j));
                i += 1;
            }
            Some(c) if *c == '?' || *c == n[j] => (i, j) = (i + 1, j + 1),
            _ => match &mut star {
                Some((at, from)) => {
                    *from += 1;
                    (i, j) = (*at + 1, *from);
                }
                None => return false,
            },
        }
    }
    p[i..].iter().all(|c| *c == '*')
}

fn study(args: &DiagnoseArgs, name: &str, found: &mut Found) -> Result<(), Fault> {
    let events = Studies::look(&args.file.db)?.events(name)?;
    for (id, trial) in fold(&events) {
        found.records.push((format!("study {name}"), id.to_string(), of_trial(&trial)));
    }
    Ok(())
}

/// A trial as a record.
fn of_trial(trial: &Trial) -> Record {
    let curve = |c: &stepsize::Curve| Series::new(c.points().iter().map(|p| (p.step as f64, p.loss)));
    let facts = Facts {
        lr: Some(trial.spec.lr.get()),
        total_steps: Some(trial.spec.steps as f64),
        running: trial.end.is_none(),
        ..Facts::default()
    };
    Record {
        name: trial.id.to_string(),
        loss: curve(&trial.train),
        val_loss: curve(&trial.val),
        lr: Series::new(trial.train.points().iter().map(|p| (p.step as f64, p.lr))),
        score: curve(&trial.score),
        grad_norm: Series::default(),
        facts,
    }
}

#[cfg(test)]
mod tests {
    use super::fits;

    #[test]
    fn patterns() {
        for (pattern, name) in [("*.csv", "a.csv"), ("run?_*", "run1_lr0.1"), ("*", ""), ("a*b*c", "a1b2b3c")] {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [("*.csv", "a.csv.gz"), ("run?", "run12"), ("", "a"), ("a*b", "ac")] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
    }
}
