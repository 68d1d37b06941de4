//! A judgement as text for a terminal.

use super::{reading, sure, word};
use crate::number::rate;
use crate::show::{Style, Tone, wrapped};
use stepsize::Placement;
use stepsize::diagnosis::Code;
use stepsize_logs::judgement::{Judged, Judgement};

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
        out += &apart(all, style);
    } else {
        let blocks: Vec<String> = all.runs.iter().map(|r| block(r, style)).collect();
        out += &blocks.join("\n");
    }
    if explain {
        all.runs.iter().for_each(|r| out += &reading::explained(r, style));
    }
    for sweep in &all.sweeps {
        out += &format!("\n{}", wrapped("sweep: ", &sweep.because, style));
        out += &format!("\n{}\n", wrapped("do: ", &sweep.advice(), style));
    }
    if let Some(answer) = &all.answer {
        out += &format!("\n{}\n", wrapped("study: ", answer, style));
    }
    for (file, why) in &all.failed {
        let why = why.strip_prefix(&format!("cannot read {file}: ")).unwrap_or(why);
        out += &format!("{file}: unknown, because it could not be read: {why}\n");
    }
    out
}

/// Why runs that lie side by side were not compared, each reason once.
fn apart(all: &Judgement, style: Style) -> String {
    let mut reasons: Vec<(&str, &str, usize)> = Vec::new();
    let told = all.runs.iter().flat_map(|r| &r.diagnosis.findings).filter(|f| f.code == Code::NoSweep);
    for finding in told {
        match reasons.iter_mut().find(|(why, ..)| *why == finding.evidence) {
            Some((.., runs)) => *runs += 1,
            None => reasons.push((&finding.evidence, &finding.advice, 1)),
        }
    }
    let mut out = String::new();
    for (why, advice, runs) in reasons {
        let why = why.split_once("because ").map_or(why, |(_, why)| why);
        let why = format!("{runs} runs were not compared with each other, because {why}");
        out += &format!("\n{}\n{}\n", wrapped("no sweep: ", &why, style), wrapped("do: ", advice, style));
    }
    out
}

/// The verdict on one run, as a line.
pub fn line(run: &Judged, style: Style) -> String {
    let d = &run.diagnosis;
    let word = tone(d.verdict).paint(&word(d), style.colour);
    let sure = sure(d).map_or_else(String::new, |sure| format!(" ({sure})"));
    let lr = run.record.base_lr().map_or_else(String::new, |lr| format!(", lr {}", rate(lr)));
    let next =
        d.next_lr.filter(|_| d.verdict != Placement::Good).map_or_else(String::new, |n| format!("; next {}", rate(n)));
    let at = run
        .record
        .span()
        .filter(|_| run.record.facts.running)
        .map_or_else(String::new, |s| format!(" at step {}", s.1));
    format!("{}{lr}: {word}{sure}{at}{next}\n", run.name())
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
    [run.name(), show(run.record.base_lr()), word(d), sure(d).unwrap_or_default(), show(d.next_lr), codes.join(" ")]
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
