//! The end of the log of a trial: what it printed, or else what it wrote into its own directory.
//! The path is made of the study and the number of the trial, never of a text from a request, and a
//! link that leads out of the directory is not followed.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use stepsize::{Error, Event, Result, TrialId};
use stepsize_study::Studies;
use stepsize_study::executor::{RateFrom, Template, Values, end_of_output, typed};

/// Bytes of the end that are shown.
const TAIL: usize = 16 * 1024;

/// The end of the log of trial `trial` of the study `name`, and the file it is from. `None` when
/// the search keeps no log of it.
///
/// # Errors
/// When there is no such study or the log cannot be read.
pub fn tail(studies: &Studies, name: &str, trial: u32) -> Result<Option<(PathBuf, String)>> {
    let (command, directory) = studies.command(name)?;
    let options = command.iter().position(|word| word == "--").unwrap_or(command.len());
    let root = trials(&command[..options], &directory, name).canonicalize().ok();
    // A trial on a cluster has its output there; of one on this machine its end is kept.
    let found = match root.as_deref().and_then(|root| of_cluster(root, trial)) {
        Some(path) => Some(read(path)?),
        None => end_of_output(&studies.output(name), TrialId(trial), TAIL + 1),
    };
    let found = match (found, root) {
        (None, Some(root)) => newest(&root, trial).map(read).transpose()?,
        (found, _) => found,
    };
    Ok(found.map(|(path, bytes)| (path, shown(&bytes))))
}

/// The end of a file, one byte more than is shown where there are more.
fn read(path: PathBuf) -> Result<(PathBuf, Vec<u8>)> {
    let fault = |e| Error::io("read", &path, e);
    let mut file = File::open(&path).map_err(fault)?;
    let size = file.metadata().map_err(fault)?.len();
    file.seek(SeekFrom::Start(size.saturating_sub(TAIL as u64 + 1))).map_err(fault)?;
    let mut bytes = Vec::new();
    file.take(TAIL as u64 + 1).read_to_end(&mut bytes).map_err(fault)?;
    Ok((path, bytes))
}

/// Text for people, from the first whole line on.
fn shown(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    plain(if bytes.len() > TAIL { text.split_once('\n').map_or(&*text, |(_, rest)| rest) } else { &text })
}

/// The command of trial `trial` of the study `name`, as a shell takes it; `None` for the built-in
/// engine.
///
/// # Errors
/// When there is no such study or no such trial.
pub fn command(studies: &Studies, name: &str, trial: u32) -> Result<Option<String>> {
    let (command, directory) = studies.command(name)?;
    let Some(at) = command.iter().position(|word| word == "--") else { return Ok(None) };
    let facts = studies.facts(name)?;
    let question = facts.iter().find_map(Event::question);
    let spec = facts.iter().rev().find_map(|event| match event {
        Event::Started { trial: id, spec } if id.0 == trial => Some(spec),
        _ => None,
    });
    let Some((question, spec)) = question.zip(spec) else {
        return Err(Error::invalid(format!("study {name:?} has no trial {trial}")));
    };
    let options = &command[..at];
    let from = match options.iter().any(|word| word == "--lr-from-env") {
        true => RateFrom::Environment,
        false => RateFrom::Arguments,
    };
    let template = Template::new(&command[at + 1..], from)?;
    let steps = if template.has("steps") { spec.steps } else { question.job.steps };
    let values = Values::new(TrialId(trial), spec, steps, &trials(options, &directory, name).join(format!("t{trial}")));
    let lr = match from {
        RateFrom::Environment => format!("STEPSIZE_LR={} ", spec.lr),
        RateFrom::Arguments => String::new(),
    };
    Ok(Some(lr + &template.words(&values).iter().map(|word| typed(word)).collect::<Vec<_>>().join(" ")))
}

/// Where the trials have their directories.
fn trials(options: &[String], directory: &Path, name: &str) -> PathBuf {
    let named = options.iter().skip_while(|word| *word != "--trials").nth(1).map(String::as_str);
    let joined = options.iter().find_map(|word| word.strip_prefix("--trials="));
    match named.or(joined) {
        Some(dir) => directory.join(dir),
        None => directory.join("stepsize-trials").join(name),
    }
}

/// The directory below `root` of the last attempt of a trial.
fn attempt(root: &Path, trial: u32) -> PathBuf {
    let attempts = (2..100).map(|n| root.join(format!("t{trial}.{n}"))).take_while(|dir| dir.is_dir());
    attempts.last().unwrap_or_else(|| root.join(format!("t{trial}")))
}

/// A file below `root`, whatever links its path has.
fn inside(root: &Path, path: &Path) -> Option<PathBuf> {
    path.canonicalize().ok().filter(|path| path.starts_with(root) && path.is_file())
}

/// What the cluster keeps of the last attempt.
fn of_cluster(root: &Path, trial: u32) -> Option<PathBuf> {
    inside(root, &attempt(root, trial).join("job").join("log"))
}

/// The newest file of text in the directory of the trial.
fn newest(root: &Path, trial: u32) -> Option<PathBuf> {
    let text = |path: &PathBuf| {
        let ending = path.extension().and_then(|e| e.to_str()).unwrap_or_default();
        ["log", "txt", "out", "err", "csv", "jsonl", "json"].contains(&ending)
    };
    let entries = std::fs::read_dir(attempt(root, trial)).ok()?.take(1000);
    let files = entries.filter_map(|entry| inside(root, &entry.ok()?.path())).filter(text);
    files.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
}

/// Text without the control characters of terminals.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        match letter {
            '\u{1b}' => {
                if letters.next_if_eq(&'[').is_some() {
                    while letters.next_if(|c| !('@'..='~').contains(c)).is_some() {}
                    letters.next();
                }
            }
            '\n' | '\t' => out.push(letter),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_of_a_terminal_are_left_out() {
        assert_eq!(plain("\u{1b}[31mred\u{1b}[0m\tend\r\n\u{7}"), "red\tend\n");
    }

    #[test]
    fn a_link_out_of_the_directory_is_not_followed() {
        let root = std::env::temp_dir().join(format!("stepsize-serve-log-{}", std::process::id()));
        std::fs::create_dir_all(root.join("trials/t0")).unwrap();
        std::fs::write(root.join("secret.log"), "secret").unwrap();
        std::os::unix::fs::symlink(root.join("secret.log"), root.join("trials/t0/a.log")).unwrap();
        let trials = root.join("trials").canonicalize().unwrap();
        assert_eq!(newest(&trials, 0), None);
        std::fs::write(trials.join("t0/b.log"), "mine").unwrap();
        assert_eq!(newest(&trials, 0), Some(trials.join("t0/b.log")));
        std::fs::remove_dir_all(root).unwrap();
    }
}
