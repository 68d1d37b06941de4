//! Loss over rate: points with the range of their seeds, the fitted band, the interval, where
//! training diverges.

use super::ink::Ink;
use super::panel::{Panel, Sample, cross, legend_lines, marker};
use super::scene::{Anchor, Path, Scene, Text};
use crate::number::{count, loss, rate};
use crate::view::{Axis, RateMark, View, bounds, loss_axis};
use stepsize::Report;
use stepsize::report::TrialSummary;

/// Line of the recommended rate, and of where training diverges.
const EDGE: &[f64] = &[3.0, 4.0];

/// The plot of a search.
pub fn draw(view: &View, width: f64, height: f64) -> Scene {
    let title = "Loss over learning rate";
    let words = legend(view);
    let lines = legend_lines(&words.iter().map(|(_, w)| w.clone()).collect::<Vec<_>>(), width);
    let top = 66.0 + 18.0 * lines as f64;
    let (x, y) = ((view.x, "learning rate"), (view.y, "validation loss at the end"));
    let mut panel = Panel::new((width, height), top, x, y, (title, &describe(view)));
    panel.legend(words);
    guides(&mut panel, view);
    band(&mut panel, view);
    for mark in &view.marks {
        point(&mut panel, mark);
    }
    panel.scene
}

fn describe(view: &View) -> String {
    let mut text = format!("Loss over learning rate, both axes with values, {} points.", view.marks.len());
    if let Some(lr) = view.lr {
        text += &format!(" The recommended rate is {}", rate(lr));
        if let Some((low, high)) = view.interval {
            text += &format!(", 80 % interval {} to {}", rate(low), rate(high));
        }
        text.push('.');
    }
    if let Some(lr) = view.diverges_from {
        text += &format!(" Training diverges from {} on.", rate(lr));
    }
    text
}

fn legend(view: &View) -> Vec<(Sample, String)> {
    let ink = if view.lr.is_some() { Ink::Good } else { Ink::Unknown };
    let mut entries = Vec::new();
    for (rank, steps) in view.lengths.iter().enumerate().take(4) {
        if view.marks.iter().any(|m| m.rank.min(3) == rank && m.loss.is_some()) {
            let less = if rank == 3 && view.lengths.len() > 4 { " or fewer" } else { "" };
            entries.push((Sample::Marker(rank, ink), format!("{} steps{less}", count(*steps))));
        }
    }
    if view.marks.iter().any(|m| m.diverged > 0) {
        entries.push((Sample::Cross, "diverged".to_owned()));
    }
    if !view.band.is_empty() {
        entries.push((Sample::Line(Ink::Fit, &[]), "expected for the full run, 80 % band".to_owned()));
    }
    if view.interval.is_some() {
        entries.push((Sample::Area(Ink::Good, 0.2), "80 % interval".to_owned()));
    }
    entries
}

/// Interval, recommended rate, rate that diverges and untrained loss, with their labels above the
/// frame.
fn guides(panel: &mut Panel, view: &View) {
    let (top, bottom, right) = (panel.frame.y, panel.bottom(), panel.right());
    if let Some((low, high)) = view.interval {
        let (left, right) = (panel.across(low), panel.across(high));
        let corners = vec![(left, top), (right, top), (right, bottom), (left, bottom)];
        panel.inside(Path::shape(corners, Ink::Good, 0.13));
    }
    let broken = view.diverges_from.map(|lr| (lr, panel.across(lr))).filter(|(_, x)| *x <= right);
    if let Some((_, x)) = broken {
        panel.inside(Path::shape(vec![(x, top), (right, top), (right, bottom), (x, bottom)], Ink::Diverged, 0.07));
        panel.inside(Path { dashes: EDGE, ..Path::line(vec![(x, top), (x, bottom)], Ink::Diverged, 1.6) });
    }
    if let Some(untrained) = view.untrained.filter(|u| (0.0..=1.0).contains(&view.y.place(*u))) {
        let (y, left) = (panel.up(untrained), panel.frame.x);
        panel.inside(Path { dashes: EDGE, ..Path::line(vec![(left, y), (right, y)], Ink::Frame, 1.2) });
        // Below the line when there is no room above it.
        let base = if y - 17.0 < top { y + 14.0 } else { y - 5.0 };
        panel.scene.text(Text { size: 11.0, ink: Ink::Faint, ..Text::new(left + 6.0, base, "untrained".to_owned()) });
    }
    let answer = view.lr.map(|lr| (lr, panel.across(lr)));
    if let Some((_, x)) = answer {
        panel.inside(Path::line(vec![(x, top), (x, bottom)], Ink::Good, 1.8));
    }
    labels(panel, answer, broken);
}

/// The words above the frame: the answer about its line, the rate that diverges to the right of its
/// own, never over each other.
fn labels(panel: &mut Panel, answer: Option<(f64, f64)>, broken: Option<(f64, f64)>) {
    let (left, right, y) = (panel.frame.x, panel.right(), panel.frame.y - 7.0);
    let mut free = left;
    if let Some((lr, x)) = answer {
        let words = format!("lr {}", rate(lr));
        let half = super::font::width(&words, 13.0, true) / 2.0;
        let x = x.clamp(left + half, right - half);
        panel.scene.text(Text { bold: true, ink: Ink::Good, anchor: Anchor::Middle, ..Text::new(x, y, words) });
        free = x + half + 10.0;
    }
    if let Some((lr, x)) = broken {
        let words = format!("diverges from {}", rate(lr));
        let width = super::font::width(&words, 13.0, false);
        let start = (x - width / 2.0).max(free).min(right - width);
        if start >= free {
            panel.scene.text(Text { ink: Ink::Diverged, ..Text::new(start, y, words) });
        }
    }
}

fn band(panel: &mut Panel, view: &View) {
    if view.band.len() < 2 {
        return;
    }
    let upper = view.band.iter().map(|b| panel.at(b.lr.get(), b.high));
    let lower = view.band.iter().rev().map(|b| panel.at(b.lr.get(), b.low));
    let corners: Vec<(f64, f64)> = upper.chain(lower).collect();
    let middle: Vec<(f64, f64)> = view.band.iter().map(|b| panel.at(b.lr.get(), b.mid)).collect();
    panel.inside(Path::shape(corners, Ink::Fit, 0.16));
    panel.inside(Path::line(middle, Ink::Fit, 1.8));
}

fn point(panel: &mut Panel, mark: &RateMark) {
    let ink = Ink::from(mark.verdict);
    let x = panel.across(mark.lr);
    let note = Some(note(mark));
    if mark.diverged > 0 {
        for line in cross(x, panel.frame.y + 12.0) {
            panel.inside(Path { note: note.clone(), ..line });
        }
    }
    let Some((mean, low, high)) = mark.loss else { return };
    let y = panel.up(mean);
    if y < panel.frame.y {
        // Above the frame: an arrow at its edge.
        let top = panel.frame.y + 3.0;
        let arrow = vec![(x, top), (x + 5.0, top + 9.0), (x - 5.0, top + 9.0)];
        panel.inside(Path { note, ..Path::shape(arrow, ink, 1.0) });
        return;
    }
    if high > low {
        let (top, bottom) = (panel.up(high), panel.up(low));
        panel.inside(Path::line(vec![(x, top), (x, bottom)], ink, 1.6));
        for end in [top, bottom] {
            panel.inside(Path::line(vec![(x - 4.0, end), (x + 4.0, end)], ink, 1.6));
        }
    }
    panel.inside(Path { note, ..marker(mark.rank, x, y, ink) });
}

fn note(mark: &RateMark) -> String {
    let mut text = format!("lr {} ({}), {} steps", rate(mark.lr), mark.verdict, count(mark.steps));
    if let Some((mean, low, high)) = mark.loss {
        text += &format!(": loss {}", loss(mean));
        if high > low {
            text += &format!(" ({} to {} over {} seeds)", loss(low), loss(high), mark.seeds - mark.diverged);
        }
    }
    if mark.diverged > 0 && mark.seeds > 1 {
        text += &format!("; {} of {} seeds diverged", mark.diverged, mark.seeds);
    }
    text
}

/// The plot of a range test: the loss over the rate that was applied.
pub fn range_test(report: &Report, run: &TrialSummary, width: f64, height: f64) -> Option<Scene> {
    let rates = run.train.iter().map(|p| p.lr).filter(|lr| *lr > 0.0);
    let (low, high) = bounds(rates)?;
    let losses: Vec<f64> = run.train.iter().map(|p| p.loss).collect();
    let top = losses.first().map(|first| first * 1.3);
    let y = loss_axis(&losses, top).padded(0.06, 0.06);
    let lr = report.lr().map(|l| l.get());
    let description = format!("Smoothed training loss of one run of {} steps while its rate rises.", run.steps_run);
    let axes = ((Axis::new(low, high, true), "learning rate"), (y, "training loss, smoothed"));
    let mut panel =
        Panel::new((width, height), 66.0, axes.0, axes.1, ("Range test: loss while the rate rises", &description));
    let points = run.train.iter().map(|p| panel.at(p.lr, p.loss)).collect();
    panel.inside(Path { key: Some(super::rate_key(run.lr.get())), ..Path::line(points, Ink::TooLow, 2.0) });
    let (above, below) = (panel.frame.y, panel.bottom());
    let answer = lr.map(|lr| (lr, panel.across(lr)));
    if let Some((_, x)) = answer {
        panel.inside(Path::line(vec![(x, above), (x, below)], Ink::Good, 1.8));
    }
    let broken = report.estimate.divergence_lr.map(|lr| (lr.get(), panel.across(lr.get())));
    if let Some((_, x)) = broken {
        panel.inside(Path { dashes: EDGE, ..Path::line(vec![(x, above), (x, below)], Ink::Diverged, 1.6) });
    }
    labels(&mut panel, answer, broken);
    Some(panel.scene)
}
