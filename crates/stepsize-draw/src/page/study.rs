//! A study as the script of the page draws it: named parts, each of which can change by itself. The
//! report embeds all of them; the live page sends those that have changed.

use super::facts::{AnswerFacts, CostTable};
use crate::chart::{self, Chart, ChartAxis, ChartBand, ChartLine, ChartRule};
use crate::figure::ink::Ink;
use crate::number::{loss, rate};
use crate::view::{Axis, bounds};
use serde_json::{Map, Value, json};
use stepsize::report::TrialSummary;
use stepsize::{Answer, Estimate, Report};

/// The parts that are about the study as a whole: `answer`, `sensitivity`, `chance`, `losses`
/// (without lines), `tightening` and `cost`.
pub fn head(report: &Report) -> Map<String, Value> {
    let losses = chart::losses(report).map(|chart| Chart { lines: Vec::new(), points: Vec::new(), ..chart });
    let mut parts = Map::new();
    parts.insert("answer".to_owned(), json!(AnswerFacts::new(report)));
    parts.insert("sensitivity".to_owned(), json!(chart::sensitivity(report)));
    parts.insert("chance".to_owned(), json!(chart::chance(report)));
    parts.insert("losses".to_owned(), json!(losses));
    parts.insert("tightening".to_owned(), json!(tightening(&report.history)));
    parts.insert("cost".to_owned(), json!(CostTable::new(report)));
    parts
}

/// The name and the part of a trial of `report`: its row, its lines and its point.
pub fn trial(run: &TrialSummary, report: &Report) -> (String, Value) {
    let trials = report.runs.len();
    let state = match run.end.split(':').next().unwrap_or_default() {
        "" => "finished",
        "not ended" => "running",
        other => other,
    };
    let end = match (run.loss, run.end.is_empty()) {
        (Some(l), _) => loss(l),
        (None, true) => "not finite".to_owned(),
        (None, false) => run.end.clone(),
    };
    let key = chart::trial_key(run.trial);
    let row = json!({
        "trial": run.trial, "lr": run.lr, "rate": rates(run, report), "verdict": run.verdict.to_string(),
        "ink": Ink::from(run.verdict), "loss": run.loss, "score": run.score, "end": end, "state": state,
        "steps": run.steps, "steps_run": run.steps_run, "seed": run.seed,
        "lines": chart::of_trial(run, trials), "point": chart::end_of_trial(run),
    });
    (key, row)
}

/// The rate of a trial; from where to where it rose in a range test.
pub(super) fn rates(run: &TrialSummary, report: &Report) -> String {
    let rose = report.range_test().and_then(|run| run.raw.last().or(run.train.last()));
    let from = rate(run.lr.get());
    rose.map_or_else(|| from.clone(), |last| format!("{from} to {}", rate(last.lr)))
}

/// All parts of a report: what the element `#study` holds.
pub fn whole(report: &Report) -> Value {
    let mut parts = head(report);
    parts.extend(report.runs.iter().map(|run| trial(run, report)));
    json!({ "parts": parts })
}

/// Cost, rate and interval.
type CostedRate = (f64, f64, Option<(f64, f64)>);

/// How the answer tightened: the rate and its interval over the cost.
fn tightening(history: &[(f64, Estimate)]) -> Option<Chart> {
    let rates: Vec<CostedRate> = history
        .iter()
        .filter_map(|(cost, estimate)| match &estimate.answer {
            Answer::Rate(r) => Some((*cost, r.lr.get(), r.interval.map(|(l, h)| (l.get(), h.get())))),
            Answer::Refused(_) => None,
        })
        .collect();
    let last = rates.last().filter(|_| rates.len() > 1)?;
    let (low, high) = bounds(rates.iter().flat_map(|(_, lr, i)| i.map_or(vec![*lr], |(l, h)| vec![l, *lr, h])))?;
    let cost = history.last()?.0;
    let banded = || rates.iter().filter_map(|(cost, _, i)| Some((*cost, (*i)?)));
    Some(Chart {
        title: "How the answer tightened".to_owned(),
        summary: format!("The rate and its 80 % interval over the cost; now {}.", rate(last.1)),
        x: ChartAxis { label: "cost in full runs", axis: Axis::new(0.0, cost, false).padded(0.0, 0.02) },
        y: ChartAxis { label: "learning rate", axis: Axis::new(low, high, true).padded(0.05, 0.05) },
        legend: Vec::new(),
        bands: vec![ChartBand {
            ink: Ink::Good,
            name: "80 % interval".to_owned(),
            x: banded().map(|(cost, _)| cost).collect(),
            low: banded().map(|(_, i)| i.0).collect(),
            high: banded().map(|(_, i)| i.1).collect(),
        }],
        spans: Vec::new(),
        rules: vec![ChartRule { axis: 'y', at: last.1, ink: Ink::Good, dash: &[3.0, 4.0], label: String::new() }],
        lines: vec![ChartLine {
            key: String::new(),
            name: "answer".to_owned(),
            ink: Ink::Good,
            dash: &[],
            width: 2.2,
            faint: false,
            x: rates.iter().map(|r| r.0).collect(),
            y: rates.iter().map(|r| r.1).collect(),
            extra: None,
        }],
        points: Vec::new(),
    })
}
