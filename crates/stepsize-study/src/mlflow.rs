//! [`read`]: the runs in MLflow's SQLite store (`mlflow.db`), or the trials in one of Optuna, in
//! the form that logs of other formats have.
//!
//! The file is opened read-only; a server may be writing to it. The tables are those of MLflow's
//! schema since 1.0: `runs`, `metrics` (`key, value, timestamp, run_uuid, step, is_nan`), `params`
//! and `tags`.

use crate::optuna;
use crate::store::sqlite::fault::refusal;
use rusqlite::{Connection, OpenFlags};
use std::path::Path;
use stepsize::{Error, Result};
use stepsize_logs::{NamedSeries, Run, name_facts, thinned};

/// Reads every run that is not deleted.
///
/// # Errors
/// `is_io` if the file cannot be opened, `is_invalid` if it has no such tables.
pub fn read(path: &Path) -> Result<Vec<Run>> {
    let failed = |e: rusqlite::Error| match refusal(path, &e) {
        Some(kind) => Error::io("read the database", path, std::io::Error::new(kind, e)),
        None => Error::invalid(format!("cannot read {} as a database of MLflow or Optuna: {e}", path.display()))
            .with_source(e),
    };
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let store = Connection::open_with_flags(path, flags).map_err(failed)?;
    if optuna::is_storage(&store) {
        return optuna::read(&store).map_err(failed);
    }
    let mut query = store
        .prepare("SELECT run_uuid, coalesce(name, '') FROM runs WHERE lifecycle_stage IS NOT 'deleted' ORDER BY start_time, run_uuid")
        .map_err(failed)?;
    let all: Vec<(String, String)> =
        query.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).and_then(Iterator::collect).map_err(failed)?;
    all.into_iter().map(|(id, name)| run(&store, &id, name).map_err(failed)).collect()
}

fn run(store: &Connection, id: &str, name: String) -> rusqlite::Result<Run> {
    let mut run = Run { name, counter: "step".to_owned(), ..Run::default() };
    let mut query = store.prepare_cached("SELECT key, value FROM params WHERE run_uuid = ?1")?;
    for fact in query.query_map([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)))? {
        let (key, value) = fact?;
        run.facts.insert(key, value);
    }
    if run.name.is_empty() {
        let mut query =
            store.prepare_cached("SELECT value FROM tags WHERE run_uuid = ?1 AND key = 'mlflow.runName'")?;
        run.name = query.query_row([id], |row| row.get(0)).unwrap_or_else(|_| id.to_owned());
    }
    let mut query = store
        .prepare_cached("SELECT key, count(*) FROM metrics WHERE run_uuid = ?1 GROUP BY key ORDER BY min(rowid)")?;
    let keys: Vec<(String, i64)> =
        query.query_map([id], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
    for (key, seen) in keys {
        run.series.push(series(store, id, key, seen)?);
    }
    name_facts(&mut run.facts);
    Ok(run)
}

fn series(store: &Connection, id: &str, key: String, seen: i64) -> rusqlite::Result<NamedSeries> {
    // Of several readings at one step the last one is kept.
    let mut query = store.prepare_cached(
        "SELECT step, value, is_nan FROM metrics WHERE run_uuid = ?1 AND key = ?2 ORDER BY step, timestamp",
    )?;
    let mut rows = query.query((id, &key))?;
    let mut failed = None;
    let mut next = || {
        let row = rows.next()?;
        row.map(|row| {
            let (step, value, nan): (i64, Option<f64>, bool) = (row.get(0)?, row.get(1)?, row.get(2)?);
            // Infinity is stored as the largest number.
            let value = match value.unwrap_or(f64::NAN) {
                _ if nan => f64::NAN,
                v if v.abs() == f64::MAX => v.signum() * f64::INFINITY,
                v => v,
            };
            Ok((step as f64, value))
        })
        .transpose()
    };
    let points = thinned(std::iter::from_fn(|| {
        next().unwrap_or_else(|e| {
            failed = Some(e);
            None
        })
    }));
    match failed {
        Some(error) => Err(error),
        None => Ok(NamedSeries { name: key, points, seen: seen.cast_unsigned() }),
    }
}
