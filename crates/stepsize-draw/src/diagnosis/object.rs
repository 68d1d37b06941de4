//! A judgement as JSON and as SARIF.

use super::{reading, sure, word};
use crate::chart;
use crate::figure::ink::Ink;
use crate::number::rate;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use stepsize::Side;
use stepsize::diagnosis::sweep::Sweep;
use stepsize::diagnosis::{Code, Finding};
use stepsize_logs::judgement::{Judged, Judgement};

/// The list of `--json`: one object for each run, then one for each file that could not be read.
pub fn list(all: &Judgement, explain: bool) -> Value {
    let runs = all.runs.iter().map(|r| object(r, r.sweep.and_then(|s| all.sweeps.get(s)), explain));
    let failed = all.failed.iter().map(|(file, why)| {
        let evidence = format!("cannot tell, because the file could not be read: {why}");
        json!({
            "file": file, "run": "", "lr": stepsize_logs::meaning::rate_in(file), "verdict": "unknown", "confidence": 0.0, "because": evidence, "chances": null, "ruled_out": null, "ruled_out_confidence": 0.0,
            "findings": [{"code": Code::CannotTell.as_str(), "title": Code::CannotTell.title(), "evidence": evidence, "numbers": {},
                "advice": "name a training log: a table, JSON lines, event files or text with a loss", "confidence": 0.0, "steps": null}],
            "next_lr": null, "sweep": null, "read": null,
        })
    });
    Value::Array(runs.chain(failed).collect())
}

/// A judgement as the script of the page draws it: a chart and the findings of each run.
pub fn page_object(all: &Judgement) -> Value {
    let runs = all.runs.iter().map(|run| {
        let d = &run.diagnosis;
        json!({
            "name": run.name(), "verdict": word(d), "ink": Ink::from(d.verdict), "because": d.because,
            "sure": sure(d),
            "lr": run.record.base_lr().map(rate), "next": d.next_lr.map(rate), "chart": chart::judged(run),
            "findings": d.findings.iter().map(|f| {
                json!({ "code": f.code.as_str(), "title": f.code.title(), "evidence": f.evidence, "advice": f.advice })
            }).collect::<Vec<_>>(),
        })
    });
    json!({ "runs": runs.collect::<Vec<_>>(), "failed": all.failed })
}

/// One run as an object of `--json`.
pub fn object(run: &Judged, sweep: Option<&Sweep>, explain: bool) -> Value {
    let d = &run.diagnosis;
    let round = |v: f64| (v * 1e4).round() / 1e4;
    let sweep = sweep.map(|s| {
        json!({
            "best_lr": plain(s.best), "vertex_lr": plain(s.vertex), "low": s.interval.map(|i| plain(i.0)), "high": s.interval.map(|i| plain(i.1)),
            "tolerance_octaves": s.tolerance, "edge": s.outermost.map(|side| if side == Side::High { "high" } else { "low" }),
            "divergence_lr": s.divergence.map(plain), "rates": s.tried.len(),
            "best_by_score_lr": s.best_by_score.map(plain), "none_learned": s.dead,
        })
    });
    json!({
        "file": run.file, "run": run.run, "lr": run.record.base_lr().map(plain), "verdict": d.verdict, "confidence": round(d.confidence),
        "because": d.because,
        "chances": d.chances.map(|c| json!({"too_low": round(c[0]), "good": round(c[1]), "too_high": round(c[2])})),
        "ruled_out": d.ruled_out.map(|r| r.0), "ruled_out_confidence": d.ruled_out.map_or(0.0, |r| round(r.1)),
        "findings": d.findings.iter().map(finding).collect::<Vec<_>>(),
        "next_lr": d.next_lr, "sweep": sweep, "read": run.taken.as_ref().map(|t| reading::object(t, explain)),
    })
}

/// A rate as a person writes it: without the digits that single precision, powers and logarithms
/// leave.
fn plain(value: f64) -> f64 {
    let single = value as f32;
    let text = if f64::from(single) == value { format!("{single:e}") } else { format!("{value:.11e}") };
    text.parse().unwrap_or(value)
}

fn finding(f: &Finding) -> Value {
    let numbers: serde_json::Map<String, Value> = f.numbers.iter().map(|(k, v)| ((*k).to_owned(), json!(v))).collect();
    json!({
        "code": f.code.as_str(), "title": f.code.title(), "evidence": f.evidence, "numbers": numbers, "advice": f.advice,
        "confidence": f.confidence, "steps": f.span.map(|(a, b)| json!([a, b])),
    })
}

/// SARIF 2.1.0 (OASIS): one result for each finding, with the severity of its code as the level.
pub fn sarif(all: &Judgement) -> Value {
    let found: BTreeSet<Code> = all.runs.iter().flat_map(|r| r.diagnosis.findings.iter().map(|f| f.code)).collect();
    let rules: Vec<Value> =
        found.iter().map(|c| json!({"id": c.as_str(), "shortDescription": {"text": c.title()}})).collect();
    let results: Vec<Value> = all
        .runs
        .iter()
        .flat_map(|r| r.diagnosis.findings.iter().map(move |f| (r, f)))
        .map(|(r, f)| {
            json!({
                "ruleId": f.code.as_str(), "level": f.code.severity().as_str(),
                "message": {"text": format!("{}: {}. {}", f.code.title(), f.evidence, f.advice)},
                "locations": [{"physicalLocation": {"artifactLocation": {"uri": r.file}}}],
                "properties": {"run": r.run, "verdict": r.diagnosis.verdict, "confidence": f.confidence, "next_lr": r.diagnosis.next_lr},
            })
        })
        .collect();
    json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json", "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "stepsize", "version": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "results": results,
            "invocations": [{"executionSuccessful": all.failed.is_empty(), "toolExecutionNotifications":
                all.failed.iter().map(|(file, why)| json!({"level": "error", "message": {"text": format!("{file}: {why}")}})).collect::<Vec<_>>()}],
        }],
    })
}
