//! The pictures: the losses of a run with the evidence, and the loss over the rates of a sweep.

use crate::figure::font;
use crate::figure::ink::Ink;
use crate::figure::panel::{Panel, Sample, cross, legend_lines, marker};
use crate::figure::scene::{Path, Scene, Text};
use crate::number::{loss, rate};
use crate::view::{Axis, bounds, loss_axis};
use stepsize::Placement;
use stepsize::diagnosis::sweep::{By, Sweep};
use stepsize::report::smooth;
use stepsize::{Curve, Point};
use stepsize_logs::judgement::Judged;

/// Most points of a line: more cannot be told apart at the width of a page.
const POINTS: usize = 400;

/// Losses over steps. `None` when the log holds no loss.
pub fn run(s: &Judged, width: f64, height: f64) -> Option<Scene> {
    let record = &s.record;
    let (first, last) = record.span()?;
    let train = thin(record.loss.points());
    let val = thin(record.val_loss.points());
    let losses: Vec<f64> = train.iter().chain(&val).map(|p| p.1).collect();
    if losses.is_empty() {
        return None;
    }
    let start = train.first().or(val.first()).map(|p| p.1);
    let top = if s.diagnosis.verdict == Placement::Diverged { None } else { start.map(|u| u + 0.15 * u.abs()) };
    let y = loss_axis(&losses, top).padded(0.04, 0.06);
    let x = Axis::new(first.min(0.0), last, false).padded(0.0, 0.02);
    let ink = Ink::from(s.diagnosis.verdict);
    let mut entries = Vec::new();
    if !train.is_empty() {
        entries.push((Sample::Line(ink, &[]), "training loss".to_owned()));
    }
    if !val.is_empty() {
        entries.push((Sample::Line(Ink::Text, &[5.0, 3.0]), "validation loss".to_owned()));
    }
    if !record.lr.is_empty() {
        entries.push((Sample::Line(Ink::Fit, &[2.0, 3.0]), "rate".to_owned()));
    }
    let spans: Vec<_> = s.diagnosis.findings.iter().filter_map(|f| Some((f, f.span?))).collect();
    let lines = legend_lines(&entries.iter().map(|(_, w)| w.clone()).collect::<Vec<_>>(), width);
    let head = 44.0 + 18.0 * lines as f64 + 15.0 * spans.len().min(4) as f64;
    let title = font::shorten(&format!("{}: {}", s.diagnosis.verdict, tail(&s.name(), width)), 15.0, width - 90.0);
    let mut panel =
        Panel::new((width, height.max(head + 150.0)), head, (x, "step"), (y, "loss"), (&title, &s.diagnosis.because));
    panel.legend(entries);
    // Evidence is a shaded stretch, or a line where it is short, with its words above the frame.
    for (i, (finding, (from, to))) in spans.iter().take(4).enumerate() {
        let (left, right) = (panel.across(*from), panel.across(*to));
        let (top, bottom) = (panel.frame.y, panel.bottom());
        let note = Some(format!("{} {}: {}", finding.code, finding.code.title(), finding.evidence));
        let path = match right - left > 3.0 {
            true => Path::shape(vec![(left, top), (right, top), (right, bottom), (left, bottom)], Ink::TooHigh, 0.1),
            false => Path { dashes: &[4.0, 3.0], ..Path::line(vec![(left, top), (left, bottom)], Ink::TooHigh, 1.6) },
        };
        panel.inside(Path { note, ..path });
        let words = font::shorten(&format!("{} {}", finding.code, finding.code.title()), 11.0, 160.0);
        let at = left.min(panel.right() - font::width(&words, 11.0, false));
        let y = top - 5.0 - 15.0 * i as f64;
        panel.scene.text(Text { size: 11.0, ink: Ink::TooHigh, halo: true, ..Text::new(at, y, words) });
        panel.scene.path(Path::line(vec![(left, y + 3.0), (left, top)], Ink::TooHigh, 0.8));
    }
    if let Some((low, high)) = bounds(record.lr.points().iter().map(|p| p.1)).filter(|b| b.1 > 0.0) {
        let at = |v: f64| panel.bottom() - (v - low.min(0.0)) / (high - low.min(0.0)) * 0.9 * panel.frame.height;
        let line: Vec<(f64, f64)> = thin(record.lr.points()).iter().map(|p| (panel.across(p.0), at(p.1))).collect();
        let note = Some(format!("rate, up to {}", rate(high)));
        panel.inside(Path { dashes: &[2.0, 3.0], note, ..Path::line(line, Ink::Fit, 1.2) });
    }
    let line = |panel: &Panel, points: &[(f64, f64)]| points.iter().map(|p| panel.at(p.0, p.1)).collect::<Vec<_>>();
    if train.len() > 1 {
        let raw = line(&panel, &train);
        panel.inside(Path::line(raw, Ink::Grid, 1.0));
        let curve: Curve = train.iter().map(|p| Point { step: p.0 as u64, lr: 0.0, loss: p.1 }).collect();
        let smoothed: Vec<(f64, f64)> = smooth(&curve).iter().zip(&train).map(|(p, raw)| (raw.0, p.loss)).collect();
        let points = line(&panel, &smoothed);
        panel.inside(Path { note: Some("training loss, smoothed".into()), ..Path::line(points, ink, 2.0) });
    }
    if !val.is_empty() {
        let points = line(&panel, &val);
        let note = Some("validation loss".to_owned());
        panel.inside(Path { dashes: &[5.0, 3.0], note, ..Path::line(points, Ink::Text, 1.4) });
    }
    for step in record.loss.broken().iter().chain(record.val_loss.broken()).take(1) {
        let at = (panel.across(*step), panel.frame.y + 10.0);
        cross(at.0, at.1).into_iter().for_each(|p| panel.scene.path(p));
    }
    Some(panel.scene)
}

/// The end of a name, as much as fits. Names of runs differ at their ends, those of TensorBoard's
/// files in their directories.
fn tail(name: &str, width: f64) -> String {
    let name = match name.rsplit_once('/') {
        Some((directory, file)) if file.contains("tfevents") => directory,
        _ => name,
    };
    let most = ((width - 170.0) / 9.0).max(8.0) as usize;
    let count = name.chars().count();
    if count <= most {
        name.to_owned()
    } else {
        format!("\u{2026}{}", name.chars().skip(count - most).collect::<String>())
    }
}

fn thin(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    if points.len() <= POINTS {
        return points.to_vec();
    }
    let last = points.len() - 1;
    (0..POINTS).map(|i| points[i * last / (POINTS - 1)]).collect()
}

/// Final loss over rate for a sweep, with the 80 % interval and the rate to try next.
pub fn sweep(s: &Sweep, width: f64, height: f64) -> Scene {
    let rates = s.tried.iter().map(|t| t.lr).chain([s.next_lr]).chain(s.interval.into_iter().flat_map(|(a, b)| [a, b]));
    let (low, high) = bounds(rates).unwrap_or((1e-3, 1.0));
    let x = Axis::new(low, high, true).padded(0.04, 0.04);
    let losses: Vec<f64> = s.tried.iter().filter_map(|t| t.loss).collect();
    let y = loss_axis(&losses, None).padded(0.06, 0.1);
    let title = format!("Best {} of {} rates", rate(s.best), s.tried.len());
    let ends = match s.by {
        By::Validation => "final loss",
        By::Training => "final training loss",
        By::Score => "minus the final score",
    };
    let mut entries = vec![(Sample::Marker(0, Ink::Good), ends.to_owned())];
    if s.tried.iter().any(|t| t.loss.is_none()) {
        entries.push((Sample::Cross, "diverged".to_owned()));
    }
    if !s.band.is_empty() {
        entries.push((Sample::Line(Ink::Fit, &[]), "fitted".to_owned()));
    }
    if s.interval.is_some() {
        entries.push((Sample::Area(Ink::Good, 0.14), "best rate, 80 %".to_owned()));
    }
    let lines = legend_lines(&entries.iter().map(|(_, w)| w.clone()).collect::<Vec<_>>(), width);
    let top = 44.0 + 18.0 * lines as f64;
    let mut panel = Panel::new((width, height), top, (x, "learning rate"), (y, ends), (&title, &s.because));
    panel.legend(entries);
    let (roof, floor) = (panel.frame.y, panel.bottom());
    if let Some((from, to)) = s.interval {
        let (a, b) = (panel.across(from), panel.across(to));
        panel.inside(Path::shape(vec![(a, roof), (b, roof), (b, floor), (a, floor)], Ink::Good, 0.14));
    }
    let mut area: Vec<(f64, f64)> = s.band.iter().map(|b| panel.at(b.lr.get(), b.high)).collect();
    area.extend(s.band.iter().rev().map(|b| panel.at(b.lr.get(), b.low)));
    if !area.is_empty() {
        panel.inside(Path::shape(area, Ink::Fit, 0.15));
        let mid = s.band.iter().map(|b| panel.at(b.lr.get(), b.mid)).collect();
        panel.inside(Path::line(mid, Ink::Fit, 1.6));
    }
    let next = panel.across(s.next_lr);
    panel.inside(Path { dashes: &[5.0, 3.0], ..Path::line(vec![(next, roof), (next, floor)], Ink::Good, 1.6) });
    let words = format!("next {}", rate(s.next_lr));
    let at = (next + 5.0).min(panel.right() - font::width(&words, 12.0, false));
    panel.scene.text(Text { size: 12.0, ink: Ink::Good, halo: true, ..Text::new(at, roof + 14.0, words) });
    for t in &s.tried {
        match t.loss {
            Some(end) => {
                let (verdict, _) = s.verdict(t.lr, false);
                let (px, py) = panel.at(t.lr, end);
                let note = Some(format!("lr {} ({verdict}): final loss {}", rate(t.lr), loss(end)));
                let above = panel.y.place(end) > 1.0;
                let dot = marker(if above { 3 } else { 0 }, px, py.max(roof + 6.0), Ink::from(verdict));
                panel.scene.path(Path { note, ..dot });
            }
            None => cross(panel.across(t.lr), roof + 10.0).into_iter().for_each(|p| panel.scene.path(p)),
        }
    }
    panel.scene
}
