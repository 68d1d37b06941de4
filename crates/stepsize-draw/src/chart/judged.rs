//! The losses of a log that was judged, with the evidence.

use super::{Chart, ChartAxis, ChartLine, ChartSpan};
use crate::figure::ink::Ink;
use crate::view::{Axis, loss_axis};
use stepsize::report::{extremes, smooth, thin};
use stepsize::{Curve, Placement, Point};
use stepsize_logs::judgement::Judged;

/// Most points of a line: more cannot be told apart at the width of a page.
const POINTS: usize = 400;
/// Evidence that is marked in the plot.
const SPANS: usize = 4;

/// Loss over steps; `None` when the log holds no loss.
pub fn judged(run: &Judged) -> Option<Chart> {
    let record = &run.record;
    let (first, last) = record.span()?;
    let rate = |step: f64| {
        let rates = record.lr.points();
        rates.iter().rev().find(|p| p.0 <= step).or(rates.first()).map(|p| p.1)
    };
    let points = |series: &[(f64, f64)]| -> Vec<Point> {
        let point = |p: &(f64, f64)| Point { step: p.0.max(0.0) as u64, lr: rate(p.0).unwrap_or(f64::NAN), loss: p.1 };
        series.iter().filter(|p| p.1.is_finite()).map(point).collect()
    };
    let (train, val) = (points(record.loss.points()), points(record.val_loss.points()));
    let losses: Vec<f64> = train.iter().chain(&val).map(|p| p.loss).collect();
    let start = train.first().or(val.first())?.loss;
    let top = if run.diagnosis.verdict == Placement::Diverged { None } else { Some(start + 0.15 * start.abs()) };
    let ink = Ink::from(run.diagnosis.verdict);
    let line = ChartLine::over_steps;
    let mut lines = Vec::new();
    if train.len() > 1 {
        let smoothed = thin(&smooth(&train.iter().copied().collect::<Curve>()), POINTS);
        lines.push(line("training loss, as logged", &extremes(&train, POINTS), ink, &[], true));
        lines.push(line("training loss", &smoothed, ink, &[], false));
    }
    if !val.is_empty() {
        lines.push(line("validation loss", &thin(&val, POINTS), Ink::Text, &[5.0, 3.0], false));
    }
    let spans = run.diagnosis.findings.iter().filter_map(|f| {
        let (from, to) = f.span?;
        Some(ChartSpan { from, to, ink: Ink::TooHigh, label: f.code.as_str().to_owned() })
    });
    Some(Chart {
        title: "Loss over steps".to_owned(),
        summary: format!("{}: {}", run.diagnosis.verdict, run.diagnosis.because),
        x: ChartAxis { label: "step", axis: Axis::new(first.min(0.0), last, false).padded(0.0, 0.02) },
        y: ChartAxis { label: "loss", axis: loss_axis(&losses, top).padded(0.04, 0.06) },
        legend: Vec::new(),
        bands: Vec::new(),
        spans: spans.take(SPANS).collect(),
        rules: Vec::new(),
        lines,
        points: Vec::new(),
    })
}
