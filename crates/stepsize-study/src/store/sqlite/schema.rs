//! The tables, and the migrations that bring an older file up to date.
//!
//! `user_version` is the number of migrations that a file has had. A file with more than this
//! program knows is refused.

use super::fault::fault;
use rusqlite::{Connection, ErrorCode, OpenFlags, Transaction, TransactionBehavior};
use std::path::Path;
use std::time::{Duration, Instant};
use stepsize::{Error, Result};

/// "step" in ASCII: marks a file of studies.
const APPLICATION: i64 = 0x7374_6570;

/// How long to wait for another process to finish its transaction, which normally takes
/// milliseconds.
const PATIENCE: Duration = Duration::from_secs(30);

/// The migrations, oldest first. A released one never changes.
const STEPS: [&str; 2] = [
    "
CREATE TABLE study (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    command TEXT NOT NULL,    -- the arguments it was begun with, a JSON array
    directory TEXT NOT NULL   -- where it was begun
) STRICT;
CREATE TABLE event (
    study INTEGER NOT NULL REFERENCES study (id) ON DELETE CASCADE,
    seq INTEGER NOT NULL,     -- the order
    at REAL NOT NULL,         -- seconds since 1970 by the writer's clock, which may jump; for people only
    kind TEXT NOT NULL,
    trial INTEGER, step INTEGER, lr REAL, loss REAL, score REAL,  -- kind step or eval; a loss that is no number is NULL
    fact TEXT,                -- any other kind: the event as JSON
    PRIMARY KEY (study, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX fact ON event (study, seq) WHERE fact IS NOT NULL;
",
    "
CREATE TABLE wish (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    study INTEGER NOT NULL REFERENCES study (id) ON DELETE CASCADE,
    at REAL NOT NULL,         -- as in event
    wish TEXT NOT NULL,       -- what a person asks of the process that runs the study, as JSON
    taken INTEGER NOT NULL DEFAULT 0
) STRICT;
",
];

/// Opens the file at `path` for writing. Creates it, or brings it up to date, if necessary.
pub(super) fn open(path: &Path) -> Result<Connection> {
    let fault = |e: rusqlite::Error| fault(path, "open", e);
    let mut db = Connection::open(path).map_err(fault)?;
    db.busy_timeout(PATIENCE).map_err(fault)?;
    if version(&db, path)? < STEPS.len() {
        write_ahead(&db).map_err(fault)?;
        migrate(&mut db, path)?;
    }
    db.pragma_update(None, "foreign_keys", true).map_err(fault)?;
    Ok(db)
}

/// Opens the file at `path` to read it.
pub(super) fn open_to_read(path: &Path) -> Result<Connection> {
    if !path.exists() {
        return Err(Error::invalid(format!(
            "there is no study file {}; a search that is kept makes one; or name another study file",
            path.display()
        )));
    }
    let db = match readable(path) {
        // WAL needs a file beside the database. Where none can be created and no writer has left
        // one, the database file is complete by itself.
        Err(e) if !busy(&e) && !beside(path, "-wal").exists() => immutable(path),
        other => other,
    };
    let db = db.map_err(|e| fault(path, "read", e))?;
    match version(&db, path)? {
        version if version == STEPS.len() => Ok(db),
        // Brings an older file up to date.
        _ => open(path),
    }
}

/// The path of the file next to `path` whose name ends in `ending` more.
pub(super) fn beside(path: &Path, ending: &str) -> std::path::PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn readable(path: &Path) -> rusqlite::Result<Connection> {
    // Writable if possible: the last process that closes a WAL database then removes the files
    // beside it.
    let db = Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    db.busy_timeout(PATIENCE)?;
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

fn immutable(path: &Path) -> rusqlite::Result<Connection> {
    let escaped = path.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{escaped}?immutable=1"), flags)
}

/// Sets WAL mode. SQLite does not wait by itself here when another process opens the new file at
/// the same time.
fn write_ahead(db: &Connection) -> rusqlite::Result<()> {
    let begin = Instant::now();
    loop {
        match db.pragma_update(None, "journal_mode", "WAL") {
            Err(e) if busy(&e) && begin.elapsed() < PATIENCE => std::thread::sleep(Duration::from_millis(5)),
            other => return other,
        }
    }
}

fn busy(fault: &rusqlite::Error) -> bool {
    fault.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// The migrations that the file has had, read in one transaction: another process may be creating
/// it.
fn version(db: &Connection, path: &Path) -> Result<usize> {
    let moment = db.unchecked_transaction().map_err(|e| fault(path, "open", e))?;
    check(&moment, path)
}

/// The migrations that the file has had, inside a transaction. An error if it is not ours or too
/// new.
fn check(db: &Transaction, path: &Path) -> Result<usize> {
    let number = |name: &str| -> Result<i64> {
        db.pragma_query_value(None, name, |row| row.get(0)).map_err(|e| fault(path, "open", e))
    };
    let (application, version) = (number("application_id")?, number("user_version")?);
    let empty: bool = db
        .query_row("SELECT count(*) = 0 FROM sqlite_schema", [], |row| row.get(0))
        .map_err(|e| fault(path, "open", e))?;
    if application != APPLICATION && !empty {
        return Err(Error::invalid(format!(
            "{} is a SQLite file of another program; name another study file",
            path.display()
        )));
    }
    match usize::try_from(version) {
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => Err(Error::invalid(format!(
            "{} was written by a newer Stepsize (schema {version}, this one knows up to {}); update Stepsize, or name \
             another study file",
            path.display(),
            STEPS.len()
        ))),
    }
}

fn migrate(db: &mut Connection, path: &Path) -> Result<()> {
    let fault = |e: rusqlite::Error| fault(path, "make or update", e);
    let step = db.transaction_with_behavior(TransactionBehavior::Immediate).map_err(fault)?;
    // Another process may have been faster.
    for script in &STEPS[check(&step, path)?..] {
        step.execute_batch(script).map_err(fault)?;
    }
    step.pragma_update(None, "application_id", APPLICATION).map_err(fault)?;
    step.pragma_update(None, "user_version", STEPS.len() as i64).map_err(fault)?;
    step.commit().map_err(fault)
}
