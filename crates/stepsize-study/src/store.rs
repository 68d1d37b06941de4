//! [`Store`]: an append-only log of events. All state of a study is a replay of it.

pub mod sqlite;

pub use sqlite::{Sqlite, Studies};

use stepsize::{Event, Result, Wish};

/// An append-only log of the events of one study.
pub trait Store: Send {
    /// Appends one event. A reading (a step, an evaluation) may wait for the next event of another
    /// kind or for [`Store::flush`]. Any other event, and all events before it, are kept when this
    /// returns, as safely as the store promises: those of [`Sqlite`] survive a kill of this
    /// process.
    ///
    /// # Errors
    /// When it could not be written (disk full, no permission).
    fn append(&mut self, event: &Event) -> Result<()>;
    /// Like [`Store::append`], but survives only a kill of this process. Call [`Store::sync`] to
    /// survive a loss of power. In between, the next trial can be started.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn append_deferred(&mut self, event: &Event) -> Result<()> {
        self.append(event)
    }
    /// Forces the events of [`Store::append_deferred`] to the disk.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn sync(&mut self) -> Result<()> {
        Ok(())
    }
    /// Writes the readings that still wait. The study calls it when nothing happens.
    ///
    /// # Errors
    /// As [`Store::append`].
    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
    /// What a person has asked of the study since the last call, oldest first.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn wishes(&mut self) -> Result<Vec<Wish>> {
        Ok(Vec::new())
    }
    /// Call it in a child that was forked while this process held the store. The child gives up its
    /// copy of the lock, which would hold the study after this process has ended. It must neither
    /// use nor drop the store.
    fn forked(&mut self) {}
    /// All events so far, oldest first, also those that still wait.
    ///
    /// # Errors
    /// When the log cannot be read.
    fn read(&self) -> Result<Vec<Event>>;
}

/// A log in memory. Nothing survives the process.
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

impl<S: Store + ?Sized> Store for &mut S {
    fn append(&mut self, event: &Event) -> Result<()> {
        (**self).append(event)
    }

    fn append_deferred(&mut self, event: &Event) -> Result<()> {
        (**self).append_deferred(event)
    }

    fn sync(&mut self) -> Result<()> {
        (**self).sync()
    }

    fn flush(&mut self) -> Result<()> {
        (**self).flush()
    }

    fn wishes(&mut self) -> Result<Vec<Wish>> {
        (**self).wishes()
    }

    fn forked(&mut self) {
        (**self).forked();
    }

    fn read(&self) -> Result<Vec<Event>> {
        (**self).read()
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
