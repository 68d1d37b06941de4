//! [`Store`]: an append-only log of events. All state is a replay of it.

pub mod sqlite;

pub use sqlite::{Sqlite, Studies};

use stepsize::{Event, Result};

/// An append-only log of events.
pub trait Store {
    /// Appends one event. A reading (a step, an evaluation) may wait for the next event of another kind or for
    /// [`Store::flush`]; any other event survives a kill of this process, with all before it, when this returns, as far
    /// as the store promises.
    ///
    /// # Errors
    /// When it could not be written (disk full, no permission).
    fn append(&mut self, event: &Event) -> Result<()>;
    /// As [`Store::append`], but what has to survive a power failure too may do so only after [`Store::settle`]: the next trial is
    /// started meanwhile. A kill of this process loses nothing.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn note(&mut self, event: &Event) -> Result<()> {
        self.append(event)
    }
    /// Makes good what [`Store::note`] left open.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn settle(&mut self) -> Result<()> {
        Ok(())
    }
    /// Keeps whatever still waits. The study calls it when nothing happens.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    /// To be called in a child that was forked while this process held the store: the child lets go of what would keep
    /// the study held after this process has ended. The store is of no use in it and must not be dropped there.
    fn forked(&mut self) {}
    /// All events so far, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn read(&self) -> Result<Vec<Event>>;
}

/// A log in memory: nothing survives.
#[derive(Debug, Default)]
pub struct Memory {
    events: Vec<Event>,
}

impl Memory {
    /// An empty log.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Store for Memory {
    fn append(&mut self, event: &Event) -> Result<()> {
        self.events.push(event.clone());
        Ok(())
    }

    fn read(&self) -> Result<Vec<Event>> {
        Ok(self.events.clone())
    }
}
