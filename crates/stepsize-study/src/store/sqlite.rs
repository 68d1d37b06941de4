//! Many studies in one SQLite file: [`Studies`] is the file, [`Sqlite`] the log of one study that this process runs.
//!
//! What is promised: an event is committed before it is acted on, so that a kill at any moment loses no event on which
//! anything rests. Readings (steps, evaluations) are committed together, at the latest with the first event that comes
//! [`LATEST`] after the oldest of them, with the next event of another kind, or when the study falls quiet
//! ([`Store::flush`]). Ends of trials, questions and conclusions are also forced to the disk (WAL with
//! `synchronous=FULL`), and with them all that came before: of these a power failure loses nothing either. A study does that
//! for an end while the next trial starts ([`Store::note`], [`Store::settle`]), before it looks at any other event.
//!
//! One process writes to a study (an operating-system lock beside the file, see `lock.rs`); others may read it or write to
//! other studies of the file. The file belongs on a local disk: WAL does not work between machines.

pub(crate) mod fault;
mod lock;
mod row;
mod schema;
mod studies;

pub use studies::{Studies, StudyStatus, Summary};

use super::Store;
use fault::fault;
use lock::Lock;
use rusqlite::{Connection, TransactionBehavior};
use std::path::PathBuf;
use std::time::{Duration, Instant, SystemTime};
use stepsize::{Event, Result};

/// How long a reading may wait for its commit while others keep coming. A commit costs about 50 microseconds, so ten a
/// second cost nothing, and a kill loses a tenth of a second of trials that must run again in any case.
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
    /// Something is committed that has to reach the disk.
    unsettled: bool,
    // Let go after the connection has closed: fields are dropped in this order.
    lock: Lock,
}

impl Sqlite {
    fn new(db: Connection, path: PathBuf, study: i64, lock: Lock) -> Result<Self> {
        let next = db
            .query_row("SELECT coalesce(max(seq) + 1, 0) FROM event WHERE study = ?1", [study], |row| row.get(0))
            .map_err(|e| fault(&path, "read", e))?;
        Ok(Self { db, path, study, next, pending: Vec::new(), oldest: None, unsettled: false, lock })
    }

    /// Commits what is pending; `durable`: to the disk.
    fn commit(&mut self, durable: bool) -> Result<()> {
        if self.pending.is_empty() && !(durable && self.unsettled) {
            return Ok(());
        }
        self.write(durable).map_err(|e| fault(&self.path, "write to", e))?;
        self.next += self.pending.len() as i64;
        self.pending.clear();
        self.oldest = None;
        self.unsettled &= !durable;
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
            // Only a commit that writes is forced to the disk, and with it all before.
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
            Event::Started { .. } | Event::Submitted { .. } | Event::Acted { .. } => self.commit(false),
            Event::Study { .. } | Event::Ended { .. } | Event::Concluded { .. } => self.commit(true),
        }
    }

    fn note(&mut self, event: &Event) -> Result<()> {
        self.pending.push((now(), event.clone()));
        self.unsettled = true;
        self.commit(false)
    }

    fn settle(&mut self) -> Result<()> {
        if self.unsettled { self.commit(true) } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.commit(true)
    }

    fn forked(&mut self) {
        // The connection stays open, unused: SQLite forbids even its closing in a forked child.
        self.lock.forked();
    }

    fn read(&self) -> Result<Vec<Event>> {
        let mut events = row::events(&self.db, &self.path, self.study)?;
        events.extend(self.pending.iter().map(|(_, event)| event.clone()));
        Ok(events)
    }
}

/// Seconds since 1970 by the clock of this machine, below zero before. For people: nothing is ordered or decided by it.
fn now() -> f64 {
    match SystemTime::now().duration_since(SystemTime::UNIX_EPOCH) {
        Ok(since) => since.as_secs_f64(),
        Err(before) => -before.duration().as_secs_f64(),
    }
}

#[cfg(test)]
mod tests;
