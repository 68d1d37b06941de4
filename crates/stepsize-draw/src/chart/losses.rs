//! Loss over steps: for each trial its raw readings, a smoothed line, and its evaluations.

use super::{Chart, ChartAxis, ChartExtra, ChartLine, ChartPoint, ChartSample, ChartShape, trial_key};
use crate::figure::ink::{Ink, dashes};
use crate::number::{loss, rate};
use crate::view::{Axis, loss_axis};
use stepsize::report::{TrialSummary, extremes, thin};
use stepsize::{Placement, Point, Report};

/// Points of all lines together: as many as a browser draws in a few milliseconds.
const ALL: usize = 60_000;
/// Points of one line: at least, and at most.
const EACH: (usize, usize) = (24, 240);

/// Points of one line among those of `trials`.
fn share(trials: usize) -> usize {
    (ALL / (2 * trials.max(1))).clamp(EACH.0, EACH.1)
}

/// Loss over steps of every trial; `None` when none has a curve, and for a range test, whose plot
/// over the rate shows the same curve.
pub fn losses(report: &Report) -> Option<Chart> {
    let mut chart = frame(report)?;
    // Good trials last, so that they lie on top.
    let mut runs: Vec<&TrialSummary> = report.runs.iter().collect();
    runs.sort_by_key(|r| (r.verdict == Placement::Good, r.steps));
    chart.lines = runs.iter().flat_map(|run| of_trial(run, report.runs.len())).collect();
    chart.points = runs.iter().filter_map(|run| end_of_trial(run)).collect();
    Some(chart)
}

/// The plot without its lines.
fn frame(report: &Report) -> Option<Chart> {
    if report.range_test().is_some() {
        return None;
    }
    let runs = || report.runs.iter().filter(|r| r.train.len() > 1 || r.val.len() > 1);
    let steps = runs().flat_map(|r| r.train.last().into_iter().chain(r.val.last())).map(|p| p.step).max()?;
    let losses: Vec<f64> = runs().flat_map(|r| r.train.iter().chain(&r.val).map(|p| p.loss).chain(r.loss)).collect();
    let first = || runs().next().and_then(|r| r.train.first().or(r.val.first())).map(|p| p.loss);
    let untrained = report.untrained.or_else(first);
    let y = loss_axis(&losses, untrained.map(|u| u + 0.15 * u.abs())).padded(0.04, 0.04);
    Some(Chart {
        title: "Loss over steps".to_owned(),
        summary: format!("Training loss of {} trials, a line each; full lines are good rates.", runs().count()),
        x: ChartAxis { label: "step", axis: Axis::new(0.0, steps as f64, false).padded(0.0, 0.02) },
        y: ChartAxis { label: "loss", axis: y },
        legend: legend(report),
        bands: Vec::new(),
        spans: Vec::new(),
        rules: Vec::new(),
        lines: Vec::new(),
        points: Vec::new(),
    })
}

/// What the dashes mean, and the pale lines.
fn legend(report: &Report) -> Vec<ChartSample> {
    let seen = |v: &Placement| report.runs.iter().any(|r| r.verdict == *v && r.train.len() > 1);
    let sample =
        |v: Placement| ChartSample { shape: None, dash: Some(dashes(v)), ink: Ink::from(v), name: v.to_string() };
    let mut entries: Vec<ChartSample> = Placement::ALL.into_iter().filter(seen).map(sample).collect();
    if report.runs.iter().any(|r| r.loss.is_some()) {
        let name = "validation loss at the end".to_owned();
        entries.push(ChartSample { shape: Some(ChartShape::Dot), dash: None, ink: Ink::Unknown, name });
    }
    entries
}

/// The lines of one of `trials` trials: its readings (pale), their smoothed line, its evaluations.
pub fn of_trial(run: &TrialSummary, trials: usize) -> Vec<ChartLine> {
    let most = share(trials);
    let name = format!("lr {} ({})", rate(run.lr.get()), run.verdict);
    let line = |points: Vec<Point>, what: &str, faint: bool, width: f64, dash: &'static [f64]| ChartLine {
        key: trial_key(run.trial),
        name: format!("trial {}, {name}{what}", run.trial),
        ink: Ink::from(run.verdict),
        dash,
        width,
        faint,
        x: points.iter().map(|p| p.step as f64).collect(),
        y: points.iter().map(|p| short(p.loss)).collect(),
        extra: Some(ChartExtra { name: "lr", values: points.iter().map(|p| short(p.lr)).collect() }),
    };
    let width = if run.verdict == Placement::Good { 2.2 } else { 1.5 };
    let dash = dashes(run.verdict);
    let mut lines = Vec::new();
    // Readings that smoothing does not change are drawn once.
    if run.raw.len() > 1 && run.train.iter().map(|p| p.loss).ne(run.raw.iter().map(|p| p.loss)) {
        lines.push(line(extremes(&run.raw, most), ", as measured", true, 1.0, &[]));
    }
    if run.train.len() > 1 {
        lines.push(line(thin(&run.train, most), "", false, width, dash));
    } else if run.val.len() > 1 {
        lines.push(line(thin(&run.val, most), ", validation", false, width, dash));
    }
    lines
}

/// The validation loss at the end of a trial that finished.
pub fn end_of_trial(run: &TrialSummary) -> Option<ChartPoint> {
    let end = run.loss?;
    let (lr, verdict) = (rate(run.lr.get()), run.verdict);
    Some(ChartPoint {
        key: trial_key(run.trial),
        x: run.steps as f64,
        y: end,
        low: None,
        high: None,
        shape: if verdict == Placement::Diverged { ChartShape::Cross } else { ChartShape::Dot },
        ink: Ink::from(verdict),
        note: format!("trial {}, lr {lr} ({verdict}): validation loss {} at the end", run.trial, loss(end)),
    })
}

/// Six digits: more cannot be seen, and make the page larger.
fn short(value: f64) -> f64 {
    format!("{value:.5e}").parse().unwrap_or(value)
}
