//! Loss over steps: a line for each trial in the ink and dashes of its verdict, a dot for the final
//! validation loss.

use super::font;
use super::ink::{Ink, dashes};
use super::panel::{Panel, Sample, legend_lines};
use super::scene::{Path, Scene, Text};
use crate::number::{count, loss, rate};
use crate::view::{Axis, loss_axis};
use stepsize::Placement;
use stepsize::Report;
use stepsize::report::TrialSummary;

/// Name of a rate's group: the page switches its lines on and off together.
pub fn key(lr: f64) -> String {
    format!("{lr:e}")
}

/// The plot; `None` when no trial has a curve, and for a range test, whose plot over the rate shows
/// the same curve.
pub fn draw(report: &Report, width: f64, height: f64) -> Option<Scene> {
    if report.range_test().is_some() {
        return None;
    }
    let runs: Vec<&TrialSummary> = report.runs.iter().filter(|r| r.train.len() > 1).collect();
    let steps = runs.iter().filter_map(|r| r.train.last()).map(|p| p.step).max()?;
    // The ends decide the range; every curve begins at the untrained loss.
    let losses: Vec<f64> = runs.iter().flat_map(|r| r.train.iter().map(|p| p.loss).chain(r.loss)).collect();
    let untrained = report.untrained.or_else(|| runs.first().and_then(|r| r.train.first()).map(|p| p.loss));
    let y = loss_axis(&losses, untrained.map(|u| u + 0.15 * u.abs())).padded(0.04, 0.04);
    let x = Axis::new(0.0, steps as f64, false).padded(0.0, 0.08);
    let entries = legend(&runs);
    let lines = legend_lines(&entries.iter().map(|(_, w)| w.clone()).collect::<Vec<_>>(), width);
    let description = format!("Training loss over steps of {} runs, one line each.", runs.len());
    let axes = ((x, "step"), (y, "training loss, smoothed"));
    let top = 44.0 + 18.0 * lines as f64;
    let mut panel = Panel::new((width, height), top, axes.0, axes.1, ("Loss over steps", &description));
    panel.legend(entries);
    // Draw good trials last, so that they lie on top.
    let order = |r: &&&TrialSummary| (r.verdict == Placement::Good, r.steps);
    let mut sorted: Vec<&&TrialSummary> = runs.iter().collect();
    sorted.sort_by_key(order);
    for run in &sorted {
        line(&mut panel, run);
    }
    names(&mut panel, &sorted);
    Some(panel.scene)
}

fn legend(runs: &[&TrialSummary]) -> Vec<(Sample, String)> {
    let mut entries: Vec<(Sample, String)> = Placement::ALL
        .into_iter()
        .filter(|v| runs.iter().any(|r| r.verdict == *v))
        .map(|v| (Sample::Line(Ink::from(v), dashes(v)), v.to_string()))
        .collect();
    if runs.iter().any(|r| r.loss.is_some()) {
        entries.push((Sample::Marker(0, Ink::Unknown), "validation loss at the end".to_owned()));
    }
    entries
}

fn line(panel: &mut Panel, run: &TrialSummary) {
    let ink = Ink::from(run.verdict);
    let points: Vec<(f64, f64)> = run.train.iter().map(|p| panel.at(p.step as f64, p.loss)).collect();
    let path_end = points.last().copied();
    let note = format!("lr {} ({}), {} steps, seed {}", rate(run.lr.get()), run.verdict, count(run.steps), run.seed);
    let key = Some(key(run.lr.get()));
    let width = if run.verdict == Placement::Good { 2.2 } else { 1.5 };
    let path = Path::line(points, ink, width);
    panel.inside(Path { dashes: dashes(run.verdict), note: Some(note.clone()), key: key.clone(), ..path });
    if let Some(end) = run.loss {
        let (x, y) = panel.at(run.steps as f64, end);
        if let Some(last) = path_end {
            // From the training loss to the validation loss of the same run.
            panel.inside(Path { key: key.clone(), ..Path::line(vec![last, (x, y)], ink, 0.8) });
        }
        let note = Some(format!("{note}: validation loss {} at the end", loss(end)));
        let dot = Path { stroke: Some((Ink::Paper, 1.0)), ..Path::circle(x, y, 4.0, ink) };
        panel.inside(Path { note, key, ..dot });
    }
}

/// Rates at the ends of their lines, where there is room.
fn names(panel: &mut Panel, runs: &[&&TrialSummary]) {
    let mut taken: Vec<(f64, f64)> = Vec::new();
    for run in runs.iter().rev() {
        let Some(end) = run.train.last() else { continue };
        let (x, y) = panel.at(end.step as f64, end.loss);
        let words = rate(run.lr.get());
        let width = font::width(&words, 11.0, false);
        let inside = y > panel.frame.y + 6.0 && y < panel.bottom() - 4.0 && x + 8.0 + width < panel.right();
        if inside && taken.iter().all(|(tx, ty)| (tx - x).abs() > 44.0 || (ty - y).abs() > 12.0) {
            taken.push((x, y));
            let ink = Ink::from(run.verdict);
            panel.scene.text(Text { size: 11.0, ink, halo: true, ..Text::new(x + 8.0, y + 4.0, words) });
        }
    }
}
