//! Loss over rate, a point for each trial.

use super::{
    Chart, ChartAxis, ChartBand, ChartExtra, ChartLine, ChartPoint, ChartRule, ChartSample, ChartShape, ChartSpan,
    trial_key,
};
use crate::figure::ink::Ink;
use crate::number::{count, loss, rate};
use crate::view::{Axis, View, bounds, loss_axis};
use stepsize::report::TrialSummary;
use stepsize::{Placement, Report};

/// Dashes of the rate at which training breaks, and of the untrained loss.
const EDGE: &[f64] = &[3.0, 4.0];

/// Loss over rate with the interval, the expected loss of the full run, and where training breaks.
/// `None` when no trial has anything to show.
pub fn sensitivity(report: &Report) -> Option<Chart> {
    if let Some(run) = report.range_test() {
        return range_test(report, run);
    }
    let view = View::new(report)?;
    let lengths = view.lengths.clone();
    let points: Vec<ChartPoint> = report.runs.iter().filter_map(|run| point(run, &lengths, view.y)).collect();
    let band = ChartBand {
        ink: Ink::Fit,
        name: "expected for the full run, 80 % band".to_owned(),
        x: view.band.iter().map(|b| b.lr.get()).collect(),
        low: view.band.iter().map(|b| b.low).collect(),
        high: view.band.iter().map(|b| b.high).collect(),
    };
    let middle = ChartLine {
        key: String::new(),
        name: "expected for the full run".to_owned(),
        ink: Ink::Fit,
        dash: &[],
        width: 1.8,
        faint: false,
        x: band.x.clone(),
        y: view.band.iter().map(|b| b.mid).collect(),
        extra: None,
    };
    let fitted = view.band.len() > 1;
    Some(Chart {
        title: "Loss over learning rate".to_owned(),
        summary: summary(report, points.len()),
        x: ChartAxis { label: "learning rate", axis: view.x },
        y: ChartAxis { label: "validation loss at the end", axis: view.y },
        legend: legend(report, &view, &points),
        bands: if fitted { vec![band] } else { Vec::new() },
        spans: interval(view.interval),
        rules: rules(report, view.untrained),
        lines: if fitted { vec![middle] } else { Vec::new() },
        points,
    })
}

/// What the shapes that are drawn mean.
fn legend(report: &Report, view: &View, points: &[ChartPoint]) -> Vec<ChartSample> {
    let ink = if report.lr().is_some() { Ink::Good } else { Ink::Unknown };
    let drawn = |shape: ChartShape| points.iter().any(|p| p.shape == shape);
    let point = |shape: ChartShape, ink: Ink, name: String| {
        drawn(shape).then_some(ChartSample { shape: Some(shape), dash: None, ink, name })
    };
    let mut entries: Vec<ChartSample> = Vec::new();
    for (rank, steps) in view.lengths.iter().enumerate().take(4) {
        let less = if rank == 3 && view.lengths.len() > 4 { " or fewer" } else { "" };
        entries.extend(point(ChartShape::of_rank(rank), ink, format!("{} steps{less}", count(*steps))));
    }
    entries.extend(point(ChartShape::Ring, ink, "pruned, stopped or running".to_owned()));
    entries.extend(point(ChartShape::Arrow, ink, "above the plot".to_owned()));
    entries.extend(point(ChartShape::Minus, Ink::Unknown, "failed".to_owned()));
    entries.extend(point(ChartShape::Cross, Ink::Diverged, "diverged".to_owned()));
    let other = |dash, ink, name: &str| ChartSample { shape: None, dash, ink, name: name.to_owned() };
    if view.band.len() > 1 {
        entries.push(other(Some(&[][..]), Ink::Fit, "expected for the full run, 80 % band"));
    }
    if view.interval.is_some() {
        entries.push(other(None, Ink::Good, "80 % interval of the rate"));
    }
    entries
}

fn summary(report: &Report, points: usize) -> String {
    let mut text = format!("{points} trials.");
    if let Some(lr) = report.lr() {
        text += &format!(" The recommended rate is {}", rate(lr.get()));
        if let Some((low, high)) = report.interval() {
            text += &format!(", 80 % interval {} to {}", rate(low.get()), rate(high.get()));
        }
        text.push('.');
    }
    if let Some(lr) = report.estimate.divergence_lr {
        text += &format!(" Training diverges from {} on.", rate(lr.get()));
    }
    text
}

pub(super) fn interval(interval: Option<(f64, f64)>) -> Vec<ChartSpan> {
    let span = |(from, to)| ChartSpan { from, to, ink: Ink::Good, label: String::new() };
    interval.map(span).into_iter().collect()
}

pub(super) fn rules(report: &Report, untrained: Option<f64>) -> Vec<ChartRule> {
    let answer = report.lr().map(|lr| ChartRule {
        axis: 'x',
        at: lr.get(),
        ink: Ink::Good,
        dash: &[],
        label: format!("lr {}", rate(lr.get())),
    });
    let broken = report.estimate.divergence_lr.map(|lr| ChartRule {
        axis: 'x',
        at: lr.get(),
        ink: Ink::Diverged,
        dash: EDGE,
        label: format!("diverges from {}", rate(lr.get())),
    });
    let untrained =
        untrained.map(|at| ChartRule { axis: 'y', at, ink: Ink::Faint, dash: EDGE, label: "untrained".to_owned() });
    answer.into_iter().chain(broken).chain(untrained).collect()
}

/// The point of a trial; `None` while it runs without an evaluation.
fn point(run: &TrialSummary, lengths: &[u64], y: Axis) -> Option<ChartPoint> {
    let rank = lengths.iter().position(|l| *l == run.steps).unwrap_or(0);
    let name = format!("trial {}: lr {} ({})", run.trial, rate(run.lr.get()), run.verdict);
    let last = run.val.last().map(|p| p.loss);
    let (at, shape, seen) = match (run.verdict, run.loss) {
        (Placement::Diverged, None) => (y.high, ChartShape::Cross, run.end.clone()),
        (Placement::Diverged, Some(l)) => (l, ChartShape::Cross, format!("diverged: loss {}", loss(l))),
        (_, Some(l)) if y.place(l) > 1.0 => (l, ChartShape::Arrow, format!("loss {}", loss(l))),
        (_, Some(l)) => (l, ChartShape::of_rank(rank), format!("loss {}", loss(l))),
        (_, None) if run.end.starts_with("failed") => (last.unwrap_or(y.high), ChartShape::Minus, run.end.clone()),
        (_, None) => {
            let l = last?;
            (l, ChartShape::Ring, format!("loss {} so far; {}", loss(l), run.end))
        }
    };
    Some(ChartPoint {
        key: trial_key(run.trial),
        x: run.lr.get(),
        y: at,
        low: None,
        high: None,
        shape,
        ink: Ink::from(run.verdict),
        note: format!("{name}, {} of {} steps, seed {}: {seen}", count(run.steps_run), count(run.steps), run.seed),
    })
}

/// The plot of a range test: the loss over the rate that was applied.
fn range_test(report: &Report, run: &TrialSummary) -> Option<Chart> {
    let (low, high) = bounds(run.train.iter().map(|p| p.lr).filter(|lr| *lr > 0.0))?;
    let losses: Vec<f64> = run.train.iter().map(|p| p.loss).collect();
    let y = loss_axis(&losses, losses.first().map(|first| first * 1.3)).padded(0.06, 0.06);
    let line = |points: &[stepsize::Point], faint: bool| ChartLine {
        key: trial_key(run.trial),
        name: if faint { "training loss" } else { "training loss, smoothed" }.to_owned(),
        ink: Ink::TooLow,
        dash: &[],
        width: if faint { 1.0 } else { 2.0 },
        faint,
        x: points.iter().map(|p| p.lr).collect(),
        y: points.iter().map(|p| p.loss).collect(),
        extra: Some(ChartExtra { name: "step", values: points.iter().map(|p| p.step as f64).collect() }),
    };
    Some(Chart {
        title: "Range test: loss while the rate rises".to_owned(),
        summary: format!("Training loss of one run of {} steps while its rate rises.", run.steps_run),
        x: ChartAxis { label: "learning rate", axis: Axis::new(low, high, true) },
        y: ChartAxis { label: "training loss", axis: y },
        legend: Vec::new(),
        bands: Vec::new(),
        spans: Vec::new(),
        rules: rules(report, None),
        lines: vec![line(&run.raw, true), line(&run.train, false)],
        points: Vec::new(),
    })
}
