//! Wishes: how a page in another process asks something of the process that holds a study. They are
//! rows of the same file; the holder looks for them between two events.

use super::fault::fault;
use super::{Sqlite, Studies};
use rusqlite::params;
use stepsize::{Error, Event, Result, Wish};

impl Studies {
    /// Asks something of the study `name`. Whoever runs it next, or runs it now, takes it in.
    ///
    /// # Errors
    /// When there is no such study or the file cannot be written.
    pub fn wish(&self, name: &str, wish: &Wish) -> Result<()> {
        let text = serde_json::to_string(wish).map_err(Error::internal)?;
        let insert = "INSERT INTO wish (study, at, wish) VALUES (?1, ?2, ?3)";
        let fields = params![self.id(name)?, super::now(), text];
        self.db.execute(insert, fields).map_err(|e| fault(&self.path, "write to", e))?;
        Ok(())
    }

    /// The number of the study `name`, which no other study of the file ever has.
    ///
    /// # Errors
    /// When there is no such study.
    pub fn number(&self, name: &str) -> Result<i64> {
        self.id(name)
    }

    /// Whether a process is working on the study `name`.
    ///
    /// # Errors
    /// As [`Studies::number`].
    pub fn is_running(&self, name: &str) -> Result<bool> {
        Ok(super::lock::Lock::holder(&self.lock_path(self.id(name)?)).is_some())
    }

    /// Events of the study with this number from `first` on (0 is the first), each with the time
    /// when it was stored; at most 50,000 of them, so that a large study takes no more memory. None
    /// after the last. Their places are those of the file, also over a restart.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn events_from(&self, number: i64, first: u64) -> Result<Vec<(f64, Event)>> {
        let query = format!(
            "SELECT {} FROM event WHERE study = ?1 AND seq >= {first} ORDER BY seq LIMIT 50000",
            super::row::COLUMNS
        );
        super::row::select(&self.db, &self.path, &query, number, |event, at| (at, event))
    }

    /// The events of the study `name` without its readings: few, however long the study.
    ///
    /// # Errors
    /// When there is no such study, or the file cannot be read.
    pub fn facts(&self, name: &str) -> Result<Vec<Event>> {
        super::row::facts(&self.db, &self.path, self.id(name)?)
    }
}

impl Sqlite {
    /// The wishes since the last call.
    pub(super) fn take_wishes(&mut self) -> Result<Vec<Wish>> {
        let rows = self.untaken().map_err(|e| fault(&self.path, "read", e))?;
        for (id, _) in &rows {
            let taken = self.db.execute("UPDATE wish SET taken = 1 WHERE id = ?1", [id]);
            taken.map_err(|e| fault(&self.path, "write to", e))?;
        }
        // One of a newer version is left out.
        Ok(rows.iter().filter_map(|(_, text)| serde_json::from_str(text).ok()).collect())
    }

    fn untaken(&self) -> rusqlite::Result<Vec<(i64, String)>> {
        let select = "SELECT id, wish FROM wish WHERE study = ?1 AND taken = 0 ORDER BY id";
        let mut statement = self.db.prepare_cached(select)?;
        let rows = statement.query_map([self.study], |r| Ok((r.get(0)?, r.get(1)?)))?;
        rows.collect()
    }
}
