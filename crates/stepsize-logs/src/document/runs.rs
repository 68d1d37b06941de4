//! What the runs of a document share, told apart at its end.

use crate::gather::name_facts;
use crate::names::bare_split;
use crate::run::Run;
use std::collections::BTreeMap;

/// Gives each run the settings in its own object, and the numbers in names of runs to the runs as
/// their rates.
pub(super) fn tidy(mut runs: Vec<Run>) -> Vec<Run> {
    if runs.len() > 1 {
        own_facts(&mut runs);
        rates_as_names(&mut runs);
    }
    for run in &mut runs {
        metric_of_splits(run);
    }
    runs
}

/// Settings under the name of a run are of that run only.
fn own_facts(runs: &mut [Run]) {
    let names: Vec<String> = runs.iter().map(|r| format!("{}/", r.name)).filter(|n| n.len() > 1).collect();
    let all: BTreeMap<String, String> =
        runs.iter().flat_map(|r| &r.facts).map(|(k, v)| (k.clone(), v.clone())).collect();
    for run in runs {
        let own = format!("{}/", run.name);
        let before = run.facts.len();
        run.facts.retain(|name, _| !names.iter().any(|n| *n != own && name.starts_with(n.as_str())));
        let mine = all.iter().filter_map(|(name, text)| Some((name.strip_prefix(&own)?.to_owned(), text.clone())));
        let mine: Vec<(String, String)> = mine.collect();
        if run.facts.len() < before || !mine.is_empty() {
            // A rate that was named before may be that of another run.
            if mine.iter().any(|(name, _)| name.rsplit('/').next() == Some("lr")) {
                run.facts.remove("lr");
            }
            run.facts.extend(mine);
            name_facts(&mut run.facts);
        }
    }
}

/// Names that are all numbers, not all of them whole, are rates: `{"0.1": ..., "0.01": ...}`.
fn rates_as_names(runs: &mut [Run]) {
    let last = |name: &str| name.rsplit('/').next().and_then(|last| last.parse::<f64>().ok());
    let numbers: Option<Vec<f64>> = runs.iter().map(|r| last(&r.name).filter(|n| *n > 0.0)).collect();
    let Some(numbers) = numbers.filter(|n| n.iter().any(|n| n.fract() != 0.0)) else { return };
    for (run, rate) in runs.iter_mut().zip(numbers) {
        run.facts.entry("lr".to_owned()).or_insert_with(|| rate.to_string());
    }
}

/// CatBoost names the metric of `learn` and `test` beside them.
fn metric_of_splits(run: &mut Run) {
    let Some(metric) = run.facts.get("best_value").and_then(|_| run.facts.get("name")).cloned() else { return };
    for series in run.series.iter_mut().filter(|s| bare_split(&s.name).is_some()) {
        series.name = format!("{}_{metric}", series.name);
    }
}
