//! [`read`]: the trials in an SQLite storage of Optuna, in the form that logs of other formats
//! have.
//!
//! The tables are those of Optuna's schema since 3.0: `studies`, `study_directions`, `trials`,
//! `trial_params`, `trial_values` and `trial_intermediate_values`.

use rusqlite::{Connection, OptionalExtension, Result};
use stepsize_logs::{NamedSeries, Run, name_facts};

/// Whether a database is a storage of Optuna.
pub fn is_storage(store: &Connection) -> bool {
    let tables = "SELECT count(*) FROM sqlite_master WHERE name IN ('studies', 'trials', 'trial_params')";
    store.query_row(tables, [], |row| row.get(0)) == Ok(3)
}

/// Reads every trial that has a value, of studies with one objective: its intermediate values, or
/// else the value at its end.
pub fn read(store: &Connection) -> Result<Vec<Run>> {
    let mut query = store.prepare(
        "SELECT t.trial_id, t.number, s.study_name, d.direction, (SELECT count(*) FROM studies)
         FROM trials t JOIN studies s USING (study_id) JOIN study_directions d USING (study_id)
         WHERE s.study_id IN (SELECT study_id FROM study_directions GROUP BY study_id HAVING count(*) = 1)
         ORDER BY s.study_id, t.number",
    )?;
    let trials = query.query_map([], |row| {
        let (study, studies): (String, i64) = (row.get(2)?, row.get(4)?);
        let number: i64 = row.get(1)?;
        let name = if studies > 1 { format!("{study} trial {number}") } else { format!("trial {number}") };
        Ok((row.get::<_, i64>(0)?, name, row.get::<_, String>(3)? == "MAXIMIZE"))
    })?;
    let mut out = Vec::new();
    for trial in trials {
        let (id, name, maximize) = trial?;
        let points = readings(store, id)?;
        if !points.is_empty() {
            let metric = if maximize { "score" } else { "loss" };
            out.push(run(store, id, name, NamedSeries { name: metric.to_owned(), seen: points.len() as u64, points })?);
        }
    }
    Ok(out)
}

fn run(store: &Connection, id: i64, name: String, series: NamedSeries) -> Result<Run> {
    let mut run = Run { name, counter: "step".to_owned(), series: vec![series], ..Run::default() };
    let mut query = store.prepare_cached("SELECT param_name, param_value FROM trial_params WHERE trial_id = ?1")?;
    for param in query.query_map([id], |row| Ok((row.get::<_, String>(0)?, row.get::<_, f64>(1)?)))? {
        let (name, value) = param?;
        run.facts.insert(name, value.to_string());
    }
    name_facts(&mut run.facts);
    Ok(run)
}

/// The readings of a trial: step and value.
fn readings(store: &Connection, id: i64) -> Result<Vec<(f64, f64)>> {
    let number = |kind: &str, value: Option<f64>| match kind {
        "INF_POS" => f64::INFINITY,
        "INF_NEG" => f64::NEG_INFINITY,
        _ => value.unwrap_or(f64::NAN),
    };
    let mut query = store.prepare_cached(
        "SELECT step, intermediate_value_type, intermediate_value FROM trial_intermediate_values
         WHERE trial_id = ?1 ORDER BY step",
    )?;
    let told = query
        .query_map([id], |row| Ok((row.get::<_, i64>(0)? as f64, number(&row.get::<_, String>(1)?, row.get(2)?))))?;
    let points: Vec<(f64, f64)> = told.collect::<Result<_>>()?;
    if !points.is_empty() {
        return Ok(points);
    }
    let mut query = store.prepare_cached("SELECT value_type, value FROM trial_values WHERE trial_id = ?1")?;
    let value = query.query_row([id], |row| Ok(number(&row.get::<_, String>(0)?, row.get(1)?))).optional()?;
    Ok(value.into_iter().map(|value| (1.0, value)).collect())
}
