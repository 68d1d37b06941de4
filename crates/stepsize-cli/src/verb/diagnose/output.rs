//! What is printed and written: text, the list of objects, SARIF, the page.

use super::{Judged, Judgement, reading};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use stepsize::diagnosis::sweep::Sweep;
use stepsize::diagnosis::{Code, Finding};
use stepsize::{Placement, Side};
use stepsize_draw::diagnosis;
use stepsize_draw::number::rate;
use stepsize_draw::show::{Style, Tone, wrapped};

/// Findings printed below the verdict on a run; `--json` holds all.
const TOLD: usize = 4;
/// More runs than this are printed as a table.
const LINES: usize = 3;

/// The text: the verdict on each run, why, what to do, and what was read.
pub fn text(all: &Judgement, explain: bool, style: Style) -> String {
    let mut out = String::new();
    if all.runs.len() > LINES {
        out += &table(all, style);
        out += &reading::of_all(all, style);
    } else {
        let blocks: Vec<String> = all.runs.iter().map(|r| block(r, style)).collect();
        out += &blocks.join("\n");
    }
    if explain {
        all.runs.iter().for_each(|r| out += &reading::explained(r));
    }
    for sweep in &all.sweeps {
        out += &format!("\n{}", wrapped("sweep: ", &sweep.because, style));
        out += &format!("\n{}\n", wrapped("do: ", &sweep.advice(), style));
    }
    if let Some(answer) = &all.answer {
        out += &format!("\n{}\n", wrapped("study: ", answer, style));
    }
    for (file, why) in &all.failed {
        out += &format!("{file}: unknown, because it could not be read: {why}\n");
    }
    out
}

/// The verdict on one run, as a line.
pub fn line(run: &Judged, style: Style) -> String {
    let d = &run.diagnosis;
    let word = tone(d.verdict).paint(&d.verdict.to_string(), style.colour);
    let sure = if d.confidence > 0.0 { format!(" ({:.0} %)", 100.0 * d.confidence) } else { String::new() };
    let lr = run.record.base_lr().map_or_else(String::new, |lr| format!(", lr {}", rate(lr)));
    let next =
        d.next_lr.filter(|_| d.verdict != Placement::Good).map_or_else(String::new, |n| format!("; next {}", rate(n)));
    let at = run
        .record
        .span()
        .filter(|_| run.record.facts.running)
        .map_or_else(String::new, |s| format!(" at step {}", s.1));
    format!("{}{lr}: {word}{sure}{at}{next}\n", name(run))
}

fn block(run: &Judged, style: Style) -> String {
    let mut out = line(run, style);
    out += &reading::of(run, style);
    for (i, finding) in run.diagnosis.findings.iter().take(TOLD).enumerate() {
        let label = format!("  {} ", finding.code);
        let words =
            if i == 0 { finding.evidence.clone() } else { format!("{}: {}", finding.code.title(), finding.evidence) };
        out += &format!("{}\n{}\n", wrapped(&label, &words, style), wrapped("     do ", &finding.advice, style));
    }
    out
}

fn table(all: &Judgement, style: Style) -> String {
    let head = ["RUN", "LR", "VERDICT", "SURE", "NEXT", "FINDINGS"].map(str::to_owned);
    let runs = in_order(all);
    let rows: Vec<[String; 6]> = std::iter::once(head).chain(runs.iter().map(|r| row(r))).collect();
    let widths: [usize; 6] = std::array::from_fn(|i| rows.iter().map(|r| r[i].chars().count()).max().unwrap_or(0));
    let mut out = String::new();
    for (n, row) in rows.iter().enumerate() {
        let cells: Vec<String> = row
            .iter()
            .zip(widths)
            .enumerate()
            .map(|(i, (cell, width))| {
                let padded = format!("{cell:width$}");
                match n.checked_sub(1) {
                    Some(r) if i == 2 => tone(runs[r].diagnosis.verdict).paint(&padded, style.colour),
                    _ => padded,
                }
            })
            .collect();
        out += cells.join("  ").trim_end();
        out.push('\n');
    }
    out
}

/// The runs in the order of the table: those of a sweep together, by their rate.
fn in_order(all: &Judgement) -> Vec<&Judged> {
    let first = |run: &Judged| all.runs.iter().position(|r| r.sweep == run.sweep).unwrap_or(0);
    let place = |(i, run): &(usize, &Judged)| match (run.sweep, run.record.base_lr()) {
        (Some(_), lr) => (first(run), lr.unwrap_or(f64::INFINITY)),
        (None, _) => (*i, 0.0),
    };
    let mut runs: Vec<_> = all.runs.iter().enumerate().map(|r| (place(&r), r.1)).collect();
    runs.sort_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
    runs.into_iter().map(|(_, run)| run).collect()
}

fn row(run: &Judged) -> [String; 6] {
    let d = &run.diagnosis;
    let show = |lr: Option<f64>| lr.map_or_else(|| "?".to_owned(), rate);
    let codes: Vec<&str> = d.findings.iter().map(|f| f.code.as_str()).collect();
    let sure = if d.confidence > 0.0 { format!("{:.0} %", 100.0 * d.confidence) } else { String::new() };
    [name(run), show(run.record.base_lr()), d.verdict.to_string(), sure, show(d.next_lr), codes.join(" ")]
}

fn name(run: &Judged) -> String {
    if run.run.is_empty() { run.file.clone() } else { format!("{} {}", run.file, run.run) }
}

fn tone(verdict: Placement) -> Tone {
    match verdict {
        Placement::Good => Tone::Good,
        Placement::Diverged => Tone::Bad,
        Placement::TooLow => Tone::Low,
        Placement::TooHigh => Tone::High,
        Placement::Unknown => Tone::Plain,
    }
}

/// The list of `--json`: one object for each run, then one for each file that could not be read.
pub fn json(all: &Judgement, explain: bool) -> Value {
    let runs = all.runs.iter().map(|r| object(r, r.sweep.and_then(|s| all.sweeps.get(s)), explain));
    let failed = all.failed.iter().map(|(file, why)| {
        let evidence = format!("cannot tell, because the file could not be read: {why}");
        json!({
            "file": file, "run": "", "lr": stepsize_logs::meaning::rate_in(file), "verdict": "unknown", "confidence": 0.0, "because": evidence, "chances": null,
            "findings": [{"code": Code::CannotTell.as_str(), "title": Code::CannotTell.title(), "evidence": evidence, "numbers": {},
                "advice": "name a training log: a table, JSON lines, event files or text with a loss", "confidence": 0.0, "steps": null}],
            "next_lr": null, "sweep": null, "read": null,
        })
    });
    Value::Array(runs.chain(failed).collect())
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
        "file": run.file, "run": run.run, "lr": run.record.base_lr(), "verdict": d.verdict, "confidence": round(d.confidence),
        "because": d.because,
        "chances": d.chances.map(|c| json!({"too_low": round(c[0]), "good": round(c[1]), "too_high": round(c[2])})),
        "findings": d.findings.iter().map(finding).collect::<Vec<_>>(),
        "next_lr": d.next_lr, "sweep": sweep, "read": run.taken.as_ref().map(|t| reading::object(t, explain)),
    })
}

/// A number without the digits that powers and logarithms leave.
fn plain(value: f64) -> f64 {
    format!("{value:.11e}").parse().unwrap_or(value)
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

/// The page of `--report`.
pub fn page(all: &Judgement) -> String {
    let names: Vec<String> = all.runs.iter().map(name).collect();
    let shown: Vec<diagnosis::DiagnosedRun<'_>> = all
        .runs
        .iter()
        .zip(&names)
        .map(|(r, name)| diagnosis::DiagnosedRun { name, record: &r.record, diagnosis: &r.diagnosis })
        .collect();
    diagnosis::html(&shown, &all.sweeps, &all.failed, &json(all, false))
}
