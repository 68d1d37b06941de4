//! What was read from a log, for people and as JSON.

use crate::number::significant;
use crate::show::{Style, wrapped};
use serde_json::{Value, json};
use stepsize_logs::judgement::{Judged, Judgement};
use stepsize_logs::meaning::{Role, SeenSeries, Taken};

/// The line that says what was taken.
pub fn of(run: &Judged, style: Style) -> String {
    run.taken.as_ref().map_or_else(String::new, |taken| format!("{}\n", wrapped("  read ", &taken.to_string(), style)))
}

/// The line for a table of runs: what was taken of the first, and of how many the same was.
pub fn of_all(all: &Judgement, style: Style) -> String {
    let Some(first) = all.runs.iter().find_map(|r| r.taken.as_ref()) else { return String::new() };
    let names = |t: &Taken| [Role::Loss, Role::Validation, Role::Score].map(|role| t.of(role).map(|s| s.name.clone()));
    let same = all.runs.iter().filter(|r| r.taken.as_ref().is_some_and(|t| names(t) == names(first))).count();
    let others = if same < all.runs.len() {
        format!(" ({same} of {} runs have these series; --explain lists all)", all.runs.len())
    } else {
        String::new()
    };
    format!("\n{}\n", wrapped("read: ", &format!("first run: {first}{others}"), style))
}

/// Every series of a run.
pub fn explained(run: &Judged, style: Style) -> String {
    let Some(taken) = &run.taken else { return String::new() };
    let mut out = format!("\nseries of {}\n", run.name());
    let width = taken.series.iter().map(|s| s.name.chars().count()).max().unwrap_or(0).min(40);
    for series in &taken.series {
        let role = series.role.map_or_else(|| "not used".to_owned(), |role| role.to_string());
        let range = series
            .range
            .map_or_else(String::new, |(low, high)| format!("  {} .. {}", significant(low, 5), significant(high, 5)));
        let broken = if series.broken > 0 { format!("  {} not finite", series.broken) } else { String::new() };
        let readings = if series.readings == 1 { "reading" } else { "readings" };
        out += &format!("  {:width$}  {role:13}  {} {readings}{range}{broken}\n", series.name, series.readings);
    }
    let counter = if taken.counter.is_empty() { "none; readings are counted" } else { &taken.counter };
    let mut say = |label: &str, text: &str| out += &format!("{}\n", wrapped(&format!("  {label}: "), text, style));
    say("counter", counter);
    if let Some((rate, from)) = &taken.rate {
        say("base rate", &format!("{rate}, by {from}"));
    }
    taken.notes.iter().for_each(|note| say("note", note));
    out
}

/// The same as JSON; every series with `explain`.
pub fn object(taken: &Taken, explain: bool) -> Value {
    let role = |role: Role| taken.of(role).map(series);
    let mut out = json!({
        "loss": role(Role::Loss), "validation": role(Role::Validation), "score": role(Role::Score), "rate": role(Role::Rate),
        "base_rate_from": taken.rate.as_ref().map(|r| &r.1), "counter": taken.counter,
        "steps": taken.steps.map(|(a, b)| json!([a, b])),
    });
    if explain && let Some(object) = out.as_object_mut() {
        let all: Vec<Value> = taken.series.iter().map(series).collect();
        object.insert("series".to_owned(), Value::Array(all));
        object.insert("notes".to_owned(), json!(taken.notes));
    }
    out
}

fn series(s: &SeenSeries) -> Value {
    json!({
        "name": s.name, "role": s.role.map(|r| r.to_string()), "readings": s.readings, "not_finite": s.broken,
        "first": s.ends.map(|e| e.0), "last": s.ends.map(|e| e.1), "low": s.range.map(|r| r.0), "high": s.range.map(|r| r.1),
    })
}
