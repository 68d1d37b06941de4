//! A training run while it runs: its losses, its rate, the norms of its gradients.

use super::{Chart, ChartAxis, ChartLine};
use crate::figure::ink::Ink;
use crate::view::{Axis, bounds, loss_axis};
use stepsize::report::{extremes, smooth, thin};
use stepsize::{Curve, Point, Trial};

/// Most points of a line: more cannot be told apart at the width of a page.
const POINTS: usize = 500;

/// The charts of a run, by name; `norms` has that of each step, and may be empty.
pub fn training(trial: &Trial, norms: &[f64]) -> Vec<(&'static str, Chart)> {
    let finite = |points: &[Point]| points.iter().filter(|p| p.loss.is_finite()).copied().collect::<Vec<_>>();
    let (train, val) = (finite(trial.train.points()), finite(trial.val.points()));
    let steps = Axis::new(0.0, trial.spec.steps as f64, false);
    let mut charts = Vec::new();
    if train.len() > 1 {
        let losses: Vec<f64> = train.iter().chain(&val).map(|p| p.loss).collect();
        let top = train.first().map(|p| p.loss + 0.15 * p.loss.abs());
        let mut lines = vec![
            ChartLine::over_steps("training loss, as measured", &extremes(&train, POINTS), Ink::TooLow, &[], true),
            ChartLine::over_steps("training loss", &thin(&smooth(&trial.train), POINTS), Ink::TooLow, &[], false),
        ];
        if !val.is_empty() {
            lines.push(ChartLine::over_steps("validation loss", &thin(&val, POINTS), Ink::Text, &[5.0, 3.0], false));
        }
        let y = ChartAxis { label: "loss", axis: loss_axis(&losses, top).padded(0.04, 0.06) };
        charts.push(("chart-losses", chart("Loss over steps", steps, y, lines)));
    }
    let rates: Vec<Point> = train.iter().map(|p| Point { loss: p.lr, lr: f64::NAN, ..*p }).collect();
    charts.extend(plain("chart-rates", "Learning rate", "lr", "rate", Ink::Good, &rates, steps));
    let norms: Vec<Point> = (0..).zip(norms).map(|(step, &loss)| Point { step, lr: f64::NAN, loss }).collect();
    charts.extend(plain("chart-norms", "Gradient norm", "norm", "gradient norm", Ink::TooHigh, &finite(&norms), steps));
    charts
}

fn plain(
    name: &'static str,
    title: &str,
    label: &'static str,
    of: &str,
    ink: Ink,
    points: &[Point],
    steps: Axis,
) -> Option<(&'static str, Chart)> {
    let (low, high) = bounds(points.iter().map(|p| p.loss)).filter(|_| points.len() > 1)?;
    let log = low > 0.0 && high / low > 30.0;
    let axis = Axis::new(if log { low } else { low.min(0.0) }, high, log).padded(0.0, 0.06);
    // A rate is what was set: smoothing would draw another one.
    let lines = match name {
        "chart-rates" => vec![ChartLine::over_steps(of, &extremes(points, POINTS), ink, &[], false)],
        _ => vec![
            ChartLine::over_steps(&format!("{of}, as measured"), &extremes(points, POINTS), ink, &[], true),
            ChartLine::over_steps(
                of,
                &thin(&smooth(&points.iter().copied().collect::<Curve>()), POINTS),
                ink,
                &[],
                false,
            ),
        ],
    };
    Some((name, chart(title, steps, ChartAxis { label, axis }, lines)))
}

fn chart(title: &str, steps: Axis, y: ChartAxis, lines: Vec<ChartLine>) -> Chart {
    Chart {
        title: title.to_owned(),
        summary: format!(
            "{} over the steps of the run.",
            lines.iter().map(|l| l.name.as_str()).collect::<Vec<_>>().join(", ")
        ),
        x: ChartAxis { label: "step", axis: steps },
        y,
        legend: Vec::new(),
        bands: Vec::new(),
        spans: Vec::new(),
        rules: Vec::new(),
        lines,
        points: Vec::new(),
    }
}
