//! [`Folder`]: the directory that `stepsize` and its trials share, and what its files say.
//!
//! `DIR/study` holds a random name of the study (made once) and the mark of the study that uses it.
//! `DIR/t7` is the first attempt of trial 7, `DIR/t7.2` the second. In each, `job/` holds `run.sh`,
//! `spec` (what it runs), `claim/` (somebody runs it), `log` and `exit`.

use crate::executor::local::orphans::MARK;
use std::fs::{DirBuilder, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use stepsize::{Error, Result, TrialId};

/// The directory of a study.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    pub dir: PathBuf,
    /// Begins the key of every cluster job of the study.
    pub prefix: String,
}

/// One attempt at a trial.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Attempt {
    pub trial: TrialId,
    pub number: u32,
    pub key: String,
    /// `{trial_dir}`.
    pub dir: PathBuf,
    /// What belongs to Stepsize in it.
    pub job: PathBuf,
}

impl Folder {
    /// Makes the directory, or opens it again for the same study.
    ///
    /// # Errors
    /// When it cannot be made or written, or belongs to another study.
    pub fn open(dir: &Path, mark: Option<&str>) -> Result<Self> {
        let fault = |what: &str, e: std::io::Error| {
            Error::io(format!("{what} the directory of the trials"), dir, e)
                .with_advice("name another directory for the trials: one that all nodes share")
        };
        std::fs::create_dir_all(dir).map_err(|e| fault("make", e))?;
        let dir = dir.canonicalize().map_err(|e| fault("find", e))?;
        let path = dir.join("study");
        let random = std::hash::RandomState::new().build_hasher().finish();
        let ours = format!("{:012x}\n{MARK}={}\n", random & 0xffff_ffff_ffff, mark.unwrap_or_default());
        match OpenOptions::new().write(true).create_new(true).open(&path) {
            Ok(mut file) => {
                file.write_all(ours.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| fault("write to", e))?
            }
            Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
            Err(e) => return Err(fault("write to", e)),
        }
        let text = std::fs::read_to_string(&path).map_err(|e| fault("read", e))?;
        let (name, rest) = text.split_once('\n').unwrap_or((&text, ""));
        let theirs = rest.strip_prefix(&format!("{MARK}=")).map(str::trim_end);
        if name.len() != 12
            || theirs != Some(mark.unwrap_or_default())
            || mark.is_none() && !text.starts_with(&ours[..12])
        {
            return Err(Error::invalid(format!(
                "the directory of the trials {} belongs to another study ({}); name another directory for the trials",
                dir.display(),
                theirs.filter(|t| !t.is_empty()).unwrap_or("one that was not kept")
            )));
        }
        Ok(Self { prefix: format!("stepsize-{name}-"), dir })
    }

    /// The attempt that a key names, if it is one of ours.
    pub fn parse(&self, key: &str) -> Option<Attempt> {
        let (trial, attempt) = key.strip_prefix(&self.prefix)?.strip_prefix('t')?.split_once("-a")?;
        Some(self.attempt(TrialId(trial.parse().ok()?), attempt.parse().ok()?))
    }

    fn attempt(&self, trial: TrialId, number: u32) -> Attempt {
        let name = if number == 1 { trial.to_string() } else { format!("{trial}.{number}") };
        let dir = self.dir.join(name);
        Attempt { trial, number, key: format!("{}t{:04}-a{number}", self.prefix, trial.0), job: dir.join("job"), dir }
    }

    /// A new attempt, in a directory that no attempt had before.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn new_attempt(&self, trial: TrialId) -> Result<Attempt> {
        for number in 1.. {
            let attempt = self.attempt(trial, number);
            match std::fs::create_dir(&attempt.dir) {
                // The script holds the environment of the user, which nobody else may read.
                Ok(()) => match DirBuilder::new().mode(0o700).create(&attempt.job) {
                    Ok(()) => return Ok(attempt),
                    Err(e) => return Err(cannot(&attempt.job, e)),
                },
                Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                Err(e) => return Err(cannot(&attempt.dir, e)),
            }
        }
        Err(Error::invalid(format!(
            "trial {trial} has no free directory left in {}; name another directory for the trials",
            self.dir.display()
        )))
    }
}

fn cannot(path: &Path, e: std::io::Error) -> Error {
    Error::io("write", path, e)
        .with_advice("make room or allow this user to write there, then run the same command again")
}

impl Attempt {
    /// Writes a file of the cluster job.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = self.job.join(name);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o700).open(&path);
        file.and_then(|mut f| f.write_all(text.as_bytes())).map_err(|e| cannot(&path, e))?;
        Ok(path)
    }

    /// A file of the cluster job, if it is there.
    pub fn read(&self, name: &str) -> Option<String> {
        std::fs::read_to_string(self.job.join(name)).ok()
    }

    /// The exit code, after it has ended.
    pub fn exit(&self) -> Option<i32> {
        self.read("exit")?.trim().parse().ok()
    }

    /// As [`Attempt::exit`], but after a write, which makes a network file system look at the
    /// directory anew.
    pub fn exit_looked_up(&self) -> Option<i32> {
        let _ = self.write("look", "");
        self.exit()
    }

    /// Whether somebody runs it, ran it, or has prevented it.
    pub fn is_claimed(&self) -> bool {
        self.job.join("claim").is_dir()
    }

    /// Prevents it from ever running; `false` when it runs already, or that is unknown.
    pub fn seal(&self) -> bool {
        std::fs::create_dir(self.job.join("claim")).is_ok()
    }
}
