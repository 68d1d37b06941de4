//! Many studies in one SQLite file: [`Studies`] is the file, [`Sqlite`] the log of one study that
//! this process runs.
//!
//! An event is committed before anything is done about it, so a kill at any moment loses no event
//! that something depends on.
//!
//! Readings (steps, evaluations) are committed together: with the next event of another kind, with
//! the first reading that comes [`LATEST`] after the oldest one that waits, or when the study is
//! idle ([`Store::flush`]).
//!
//! Questions, ends of trials and conclusions are also forced to the disk, with everything before
//! them (WAL with `synchronous=FULL`), so that they survive a loss of power. For an end, a study
//! does so while the next trial starts ([`Store::append_deferred`], [`Store::sync`]) and before it
//! takes in another event.
//!
//! One process writes to a study; an operating-system lock beside the file sees to that
//! (`lock.rs`). Other processes may read it, or write to other studies of the file. The file must
//! be on a local disk: WAL does not work between machines.

pub(crate) mod fault;
mod lock;
mod row;
mod schema;
mod studies;
mod wishes;

pub use studies::{Studies, StudyStatus, Summary, output_directory};

use super::Store;
use fault::fault;
use lock::Lock;
use rusqlite::{Connection, TransactionBehavior};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};
use stepsize::{Event, Result, Wish};

/// How long a reading may wait for its commit while others keep coming. A commit takes about 50
/// microseconds, so ten per second cost nothing. A kill loses a tenth of a second of trials that
/// must run again in any case.
pub const LATEST: Duration = Duration::from_millis(100);

/// The log of one study, held by this process until it is dropped.
#[derive(Debug)]
pub struct Sqlite {
    db: Connection,
    path: PathBuf,
    study: i64,
    next: i64,
    pending: Vec<(f64, Event)>,
    oldest: Option<Instant>,
    /// Something is committed but not yet forced to the disk.
    unsynced: bool,
    // Fields are dropped in this order: the lock is released after the connection has closed.
    lock: Lock,
}

impl Sqlite {
    fn new(db: Connection, path: PathBuf, study: i64, lock: Lock) -> Result<Self> {
        let next = db
            .query_row("SELECT coalesce(max(seq) + 1, 0) FROM event WHERE study = ?1", [study], |row| row.get(0))
            .map_err(|e| fault(&path, "read", e))?;
        Ok(Self { db, path, study, next, pending: Vec::new(), oldest: None, unsynced: false, lock })
    }

    /// Commits what is pending. With `durable` it is also forced to the disk.
    fn commit(&mut self, durable: bool) -> Result<()> {
        if self.pending.is_empty() && !(durable && self.unsynced) {
            return Ok(());
        }
        self.write(durable).map_err(|e| fault(&self.path, "write to", e))?;
        self.next += self.pending.len() as i64;
        self.pending.clear();
        self.oldest = None;
        self.unsynced &= !durable;
        Ok(())
    }

    fn write(&mut self, durable: bool) -> rusqlite::Result<()> {
        self.db.pragma_update(None, "synchronous", if durable { "FULL" } else { "NORMAL" })?;
        let transaction = self.db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        {
            let mut insert = transaction.prepare_cached(row::INSERT)?;
            for (seq, (at, event)) in (self.next..).zip(&self.pending) {
                row::insert(&mut insert, self.study, seq, *at, event)?;
            }
        }
        if self.pending.is_empty() {
            // Only a commit that writes something is forced to the disk, and with it all commits
            // before.
            transaction.execute("UPDATE study SET name = name WHERE id = ?1", [self.study])?;
        }
        transaction.commit()
    }
}

impl Store for Sqlite {
    fn append(&mut self, event: &Event) -> Result<()> {
        self.pending.push((now(), event.clone()));
        match event {
            Event::Step { .. } | Event::Eval { .. } => {
                let oldest = *self.oldest.get_or_insert_with(Instant::now);
                if oldest.elapsed() < LATEST { Ok(()) } else { self.commit(false) }
            }
            // After a power failure no local trial runs, and clusters know theirs by name.
            Event::Started { .. } | Event::Submitted { .. } | Event::Acted { .. } | Event::Asked { .. } => {
                self.commit(false)
            }
            Event::Study { .. } | Event::Ended { .. } | Event::Concluded { .. } | Event::Followed { .. } => {
                self.commit(true)
            }
        }
    }

    fn append_deferred(&mut self, event: &Event) -> Result<()> {
        self.pending.push((now(), event.clone()));
        self.unsynced = true;
        self.commit(false)
    }

    fn sync(&mut self) -> Result<()> {
        if self.unsynced { self.commit(true) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.commit(true)
    }

    fn wishes(&mut self) -> Result<Vec<Wish>> {
        self.take_wishes()
    }

    fn forked(&mut self) {
        // The connection stays open and unused: SQLite forbids even closing it in a forked child.
        self.lock.forked();
    }

    fn read(&self) -> Result<Vec<Event>> {
        let mut events = row::events(&self.db, &self.path, self.study)?;
        events.extend(self.pending.iter().map(|(_, event)| event.clone()));
        Ok(events)
    }
}

/// Seconds since 1970 by the clock of this machine, negative before. For people: nothing depends on
/// it.
fn now() -> f64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests;
