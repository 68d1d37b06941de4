//! [`Studies`]: the file as a whole. What is in it, which process works on it, and how a study is
//! opened or removed.

use super::fault::fault;
use super::lock::{Lock, Try};
use super::{Sqlite, row, schema};
use rusqlite::{Connection, OptionalExtension, params};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use stepsize::{End, Error, Estimate, Event, Question, Result, Trial, fold};

/// A file of studies.
#[derive(Debug)]
pub struct Studies {
    pub(super) db: Connection,
    pub(super) path: PathBuf,
}

/// The state of a study.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StudyStatus {
    /// A process is working on it.
    Running,
    /// It stopped before its search was over. It can be resumed.
    Unfinished,
    /// The search is over.
    Concluded,
}

/// One study in brief.
#[derive(Debug, Clone)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: StudyStatus,
    /// What it asks; `None` when it was killed before that was stored.
    pub question: Option<Question>,
    /// Trials that finished, diverged or were pruned.
    pub ended: usize,
    /// The last conclusion.
    pub estimate: Option<Estimate>,
    /// When it was last written to, in UTC, by the clock of the machine that wrote.
    pub written: Option<String>,
}

/// Where the end of what the trials of the study `name` print is kept: a directory of its own
/// beside the study file `db`, whatever characters the name has.
pub fn output_directory(db: &Path, name: &str) -> PathBuf {
    let mut all = db.as_os_str().to_owned();
    all.push(".output");
    let mut own = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => own.push(char::from(byte)),
            _ => own += &format!("%{byte:02X}"),
        }
    }
    // Names of files have 255 bytes at most.
    if own.len() > 200 {
        let mut hash = DefaultHasher::new();
        name.hash(&mut hash);
        own.truncate(180);
        own += &format!("%{:016x}", hash.finish());
    }
    Path::new(&all).join(own)
}

impl Studies {
    /// Opens `path` for writing, and creates the file if there is none.
    ///
    /// # Errors
    /// When it cannot be opened or created, is not a file of studies, or was written by a newer
    /// Stepsize.
    pub fn open(path: &Path) -> Result<Self> {
        Ok(Self { db: schema::open(path)?, path: path.to_owned() })
    }

    /// Opens `path` for reading.
    ///
    /// # Errors
    /// As [`Studies::open`], and when there is no such file.
    pub fn look(path: &Path) -> Result<Self> {
        Ok(Self { db: schema::open_to_read(path)?, path: path.to_owned() })
    }

    /// Opens the study `name`, new or old, for this process alone. `command` and `directory` say
    /// how and where it was begun; an old study keeps the first ones.
    ///
    /// # Errors
    /// When another process is working on it, or the name is empty or contains control characters.
    pub fn study(self, name: &str, command: &[String], directory: &Path) -> Result<Sqlite> {
        if name.trim().is_empty() || name.chars().any(char::is_control) {
            return Err(Error::invalid(format!("a study needs a name without control characters, not {name:?}")));
        }
        let fault = |e: rusqlite::Error| fault(&self.path, "write to", e);
        let command = serde_json::Value::from(command).to_string();
        let fields = params![name, command, directory.to_string_lossy()];
        let insert = "INSERT INTO study (name, command, directory) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING";
        if self.find(name)?.is_none() {
            self.db.execute(insert, fields).map_err(fault)?;
        }
        let id = self.id(name)?;
        let lock = self.lock(id, name)?;
        // It may have been removed between the two lines above.
        match self.find(name)? {
            Some(now) if now == id => Sqlite::new(self.db, self.path, id, lock),
            _ => Err(Error::invalid(format!("study {name:?} was removed a moment ago; run the command again"))),
        }
    }

    /// All studies, oldest first.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn list(&self) -> Result<Vec<Summary>> {
        let fault = |e: rusqlite::Error| fault(&self.path, "read", e);
        let mut statement = self
            .db
            .prepare(
                "SELECT id, name, (SELECT datetime(at, 'unixepoch') FROM event WHERE study = study.id
                 ORDER BY seq DESC LIMIT 1) FROM study ORDER BY id",
            )
            .map_err(fault)?;
        let rows = statement.query_map([], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?))).map_err(fault)?;
        rows.map(|found| {
            let (id, name, written) = found.map_err(fault)?;
            self.summary(id, name, written)
        })
        .collect()
    }

    /// The events of a study, oldest first.
    ///
    /// # Errors
    /// When there is no such study or it cannot be read.
    pub fn events(&self, name: &str) -> Result<Vec<Event>> {
        row::events(&self.db, &self.path, self.id(name)?)
    }

    /// The events of a study, each with the time when it was stored: seconds since 1970 by the
    /// clock of that machine.
    ///
    /// # Errors
    /// As [`Studies::events`].
    pub fn timed_events(&self, name: &str) -> Result<Vec<(f64, Event)>> {
        let query = format!("SELECT {} FROM event WHERE study = ?1 ORDER BY seq", row::COLUMNS);
        row::select(&self.db, &self.path, &query, self.id(name)?, |event, at| (at, event))
    }

    /// The arguments that began a study, and the directory where it began.
    ///
    /// # Errors
    /// As [`Studies::events`].
    pub fn command(&self, name: &str) -> Result<(Vec<String>, PathBuf)> {
        let fields: (String, String) = self
            .db
            .query_row("SELECT command, directory FROM study WHERE id = ?1", [self.id(name)?], |r| {
                Ok((r.get(0)?, r.get(1)?))
            })
            .map_err(|e| fault(&self.path, "read", e))?;
        let command = serde_json::from_str(&fields.0)
            .map_err(|e| Error::invalid(format!("the command of study {name:?} cannot be read: {e}")))?;
        Ok((command, fields.1.into()))
    }

    /// Deletes a study with all its events and what is kept of its output.
    ///
    /// # Errors
    /// When there is no such study, or a process is working on it.
    pub fn remove(&mut self, name: &str) -> Result<()> {
        let id = self.id(name)?;
        let _lock = self.lock(id, name)?;
        self.db.execute("DELETE FROM study WHERE id = ?1", [id]).map_err(|e| fault(&self.path, "write to", e))?;
        let output = self.output(name);
        match std::fs::remove_dir_all(&output) {
            // Others' studies keep theirs there too.
            Ok(()) => output.parent().map_or(Ok(()), |all| std::fs::remove_dir(all).or(Ok(()))),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(()),
            Err(e) => Err(Error::io("remove", output, e)),
        }
    }

    /// Where the end of what the trials of the study `name` print is kept; see
    /// [`output_directory`].
    pub fn output(&self, name: &str) -> PathBuf {
        output_directory(&self.path, name)
    }

    fn find(&self, name: &str) -> Result<Option<i64>> {
        self.db
            .query_row("SELECT id FROM study WHERE name = ?1", [name], |row| row.get(0))
            .optional()
            .map_err(|e| fault(&self.path, "read", e))
    }

    pub(super) fn id(&self, name: &str) -> Result<i64> {
        if let Some(id) = self.find(name)? {
            return Ok(id);
        }
        let names: Vec<String> = self.list()?.into_iter().map(|s| s.name).collect();
        let there = match names.is_empty() {
            true => "it holds no studies".to_owned(),
            false => format!("it holds {}", names.join(", ")),
        };
        Err(Error::invalid(format!("there is no study {name:?} in {}: {there}", self.path.display())))
    }

    pub(super) fn lock_path(&self, id: i64) -> PathBuf {
        schema::beside(&self.path, &format!("-{id}.lock"))
    }

    fn lock(&self, id: i64, name: &str) -> Result<Lock> {
        match Lock::take(&self.lock_path(id), &format!("process {}", std::process::id()))? {
            Try::Taken(lock) => Ok(lock),
            Try::Held(by) => Err(Error::invalid(format!(
                "study {name:?} in {} is in use by {by}; wait until it ends, end it, or choose another name",
                self.path.display()
            ))),
        }
    }

    fn summary(&self, id: i64, name: String, written: Option<String>) -> Result<Summary> {
        let facts = row::facts(&self.db, &self.path, id)?;
        let question = facts.iter().find_map(Event::question).cloned();
        let estimate = facts.iter().rev().find_map(|e| match e {
            Event::Concluded { estimate } => Some(estimate.clone()),
            _ => None,
        });
        let trials: Vec<Trial> = fold(&facts).into_values().collect();
        let over = |t: &&Trial| t.end.as_ref().is_some_and(|e| !matches!(e, End::Stopped | End::Failed { .. }));
        let ended = trials.iter().filter(over).count();
        // A search concludes without a trial that failed too often.
        let left_out = |t: &Trial| matches!(t.end, Some(End::Failed { .. }));
        let last = facts.iter().rfind(|event| !matches!(event, Event::Followed { .. }));
        let state = if Lock::holder(&self.lock_path(id)).is_some() {
            StudyStatus::Running
        } else if matches!(last, Some(Event::Concluded { .. })) && trials.iter().all(|t| over(&t) || left_out(t)) {
            StudyStatus::Concluded
        } else {
            StudyStatus::Unfinished
        };
        Ok(Summary { name, state, question, ended, estimate, written })
    }
}
