//! Events as rows and back. Readings have columns, so that they are small, fast and readable with
//! any SQLite tool. Every other event is JSON in one column. A non-finite loss is read back as NaN,
//! as in JSON.

use super::fault::fault;
use rusqlite::{Connection, Row, Statement, params};
use std::path::Path;
use stepsize::{Error, Event, Result, TrialId};

pub(super) const INSERT: &str = "INSERT INTO event (study, seq, at, kind, trial, step, lr, loss, score, fact)
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)";

/// The columns that [`event`] reads, in its order, then `at`.
pub(super) const COLUMNS: &str = "kind, trial, step, lr, loss, score, fact, at";

pub(super) fn insert(insert: &mut Statement<'_>, study: i64, seq: i64, at: f64, event: &Event) -> rusqlite::Result<()> {
    let kind = kind(event);
    match event {
        Event::Step { trial, step, lr, loss } => insert.execute(params![
            study,
            seq,
            at,
            kind,
            trial.0,
            count(*step)?,
            lr,
            finite(*loss),
            None::<f64>,
            None::<&str>
        ]),
        Event::Eval { trial, step, lr, val_loss, score } => insert.execute(params![
            study,
            seq,
            at,
            kind,
            trial.0,
            count(*step)?,
            lr,
            finite(*val_loss),
            score,
            None::<&str>
        ]),
        fact => {
            let none = None::<f64>;
            insert.execute(params![study, seq, at, kind, none, none, none, none, none, fact.to_json()])
        }
    }?;
    Ok(())
}

fn kind(event: &Event) -> &'static str {
    match event {
        Event::Study { .. } => "study",
        Event::Started { .. } => "started",
        Event::Submitted { .. } => "submitted",
        Event::Step { .. } => "step",
        Event::Eval { .. } => "eval",
        Event::Acted { .. } => "acted",
        Event::Ended { .. } => "ended",
        Event::Asked { .. } => "asked",
        Event::Concluded { .. } => "concluded",
    }
}

fn count(step: u64) -> rusqlite::Result<i64> {
    i64::try_from(step).map_err(|e| rusqlite::Error::ToSqlConversionFailure(e.into()))
}

fn finite(loss: f64) -> Option<f64> {
    loss.is_finite().then_some(loss)
}

/// All events of a study, oldest first.
pub(super) fn events(db: &Connection, path: &Path, study: i64) -> Result<Vec<Event>> {
    let query = format!("SELECT {COLUMNS} FROM event WHERE study = ?1 ORDER BY seq");
    select(db, path, &query, study, |event, _| event)
}

/// The events of a study without its readings: few, however long the study.
pub(super) fn facts(db: &Connection, path: &Path, study: i64) -> Result<Vec<Event>> {
    let query =
        format!("SELECT {COLUMNS} FROM event INDEXED BY fact WHERE study = ?1 AND fact IS NOT NULL ORDER BY seq");
    select(db, path, &query, study, |event, _| event)
}

/// The result of `make` for each event and the second in which it was stored.
pub(super) fn select<T>(
    db: &Connection,
    path: &Path,
    query: &str,
    study: i64,
    make: impl Fn(Event, f64) -> T,
) -> Result<Vec<T>> {
    let fault = |e: rusqlite::Error| fault(path, "read", e);
    let mut statement = db.prepare(query).map_err(fault)?;
    let mut rows = statement.query([study]).map_err(fault)?;
    let mut found = Vec::new();
    while let Some(row) = rows.next().map_err(fault)? {
        let at = row.get("at").map_err(fault)?;
        found.push(make(event(row).map_err(fault)??, at));
    }
    Ok(found)
}

fn event(row: &Row<'_>) -> rusqlite::Result<Result<Event>> {
    let kind: String = row.get(0)?;
    if let Some(fact) = row.get::<_, Option<String>>(6)? {
        return Ok(Event::from_json(&fact));
    }
    let (trial, step) = (TrialId(row.get(1)?), row.get::<_, i64>(2)?.cast_unsigned());
    let (lr, loss) = (row.get(3)?, row.get::<_, Option<f64>>(4)?.unwrap_or(f64::NAN));
    Ok(match kind.as_str() {
        "step" => Ok(Event::Step { trial, step, lr, loss }),
        "eval" => Ok(Event::Eval { trial, step, lr, val_loss: loss, score: row.get(5)? }),
        _ => Err(Error::invalid(format!("the file of studies holds an event of the unknown kind {kind:?}"))),
    })
}
