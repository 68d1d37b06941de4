//! Pictures: a [`Report`] becomes a [`Scene`] of lines, shapes and text; a scene becomes SVG or
//! PNG.
//!
//! A scene names inks by meaning (a good rate, the frame, ...), never by colour. A file uses the
//! fixed colours of [`ink`]; the page sets them in its style sheet, in light and dark.

pub mod birds;
mod curves;
pub mod font;
pub mod ink;
mod landscape;
pub(crate) mod panel;
pub(crate) mod png;
pub mod scene;
pub mod svg;

use crate::number::{percent, rate};
use crate::view::View;
use ink::Ink;
use scene::{Anchor, Scene, Text};
use stepsize::{Answer, Rate, Report, Result};

pub use curves::key as rate_key;

/// Width of the picture in a file.
const WIDTH: f64 = 900.0;
/// Height of one plot in it.
const PLOT: f64 = 430.0;
/// Pixels of a PNG for each unit of the scene: sharp on a dense screen, and 15 cm wide in print.
const SCALE: f32 = 2.0;

/// Loss over rate; `None` when no run has anything to show.
pub fn sensitivity(report: &Report, width: f64, height: f64) -> Option<Scene> {
    match report.range_test() {
        Some(run) => landscape::range_test(report, run, width, height),
        None => View::new(report).map(|view| landscape::draw(&view, width, height)),
    }
}

/// Loss over steps, a line for each run; `None` when no run has a curve.
pub fn losses(report: &Report, width: f64, height: f64) -> Option<Scene> {
    curves::draw(report, width, height)
}

/// The picture for a file: the answer as its title and the plots below each other.
fn whole(report: &Report) -> Scene {
    let plots: Vec<Scene> =
        [sensitivity(report, WIDTH, PLOT), losses(report, WIDTH, PLOT)].into_iter().flatten().collect();
    let top = 74.0;
    let mut scene = Scene::new(WIDTH, top + PLOT * plots.len() as f64, &headline(report), &report.estimate.why);
    scene.text(Text { bold: true, size: 20.0, ..Text::new(24.0, 36.0, title(report)) });
    let below = font::shorten(&subtitle(report), 13.0, WIDTH - 48.0);
    scene.text(Text { ink: Ink::Faint, ..Text::new(24.0, 60.0, below) });
    for (i, plot) in plots.into_iter().enumerate() {
        scene.place(plot, 0.0, top + PLOT * i as f64);
    }
    if scene.is_bare() {
        scene.text(Text { anchor: Anchor::Start, ..Text::new(24.0, top, "no run has anything to show".to_owned()) });
    }
    scene
}

/// The answer in one line.
pub fn headline(report: &Report) -> String {
    let Some(lr) = report.lr() else {
        return match report.estimate.refusal() {
            Some(refusal) => format!("refused: {}", crate::show::reason(refusal)),
            None => "no answer".to_owned(),
        };
    };
    match report.interval() {
        Some((low, high)) => {
            format!("lr {} (80 % interval {} to {})", rate(lr.get()), rate(low.get()), rate(high.get()))
        }
        None => format!("lr {}", rate(lr.get())),
    }
}

/// The title of the picture: the answer, and how sure it is, if that is known.
fn title(report: &Report) -> String {
    match &report.estimate.answer {
        Answer::Rate(Rate { p_keeps_98_pct: Some(chance), .. }) => {
            format!("{}; {} chance to keep 98 % of the gain", headline(report), percent(*chance))
        }
        _ => headline(report),
    }
}

/// The line below the title: what is trained.
fn subtitle(report: &Report) -> String {
    format!("{}; {} steps, {}", report.task, report.job.steps, report.schedule)
}

/// The picture as an SVG file.
pub fn svg(report: &Report) -> String {
    svg::file(&whole(report))
}

/// The picture as a PNG file.
pub fn png(report: &Report) -> Result<Vec<u8>> {
    png::file(&whole(report), SCALE)
}

/// Any scene as a PNG file.
pub fn scene_png(scene: &Scene) -> Result<Vec<u8>> {
    png::file(scene, SCALE)
}
