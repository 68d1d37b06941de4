//! The picture of `bench/data/anytime.csv`: what is lost against what is spent, for each search.

use stepsize_draw::figure::ink::Ink;
use stepsize_draw::figure::scene::{Anchor, Path, Rect, Scene, Text};
use stepsize_draw::view::Axis;

/// What is shown of one search at one budget.
pub struct Mark {
    pub method: String,
    /// Full runs spent.
    pub cost: f64,
    /// Geometric mean of loss over best loss, less one.
    pub regret: f64,
    /// Mean share of the improvement that is kept.
    pub kept: f64,
}

const WIDTH: f64 = 960.0;
const HEIGHT: f64 = 470.0;
/// Tops of the panels; below them is room for the axes and the legend.
const TOP: f64 = 56.0;
const BOTTOM: f64 = 350.0;
/// Entries of the legend in a line.
const ABREAST: usize = 4;

/// Line of a search: colour, dashes, width. They repeat after the last.
const STYLES: [(Ink, &[f64], f64); 9] = [
    (Ink::Good, &[], 3.0),
    (Ink::Diverged, &[], 1.5),
    (Ink::Diverged, &[6.0, 3.0], 1.5),
    (Ink::TooHigh, &[], 1.5),
    (Ink::TooHigh, &[6.0, 3.0], 1.5),
    (Ink::Fit, &[2.0, 2.5], 1.5),
    (Ink::TooLow, &[], 1.5),
    (Ink::TooLow, &[6.0, 3.0], 1.5),
    (Ink::Unknown, &[8.0, 3.0, 2.0, 3.0], 1.5),
];

/// Draws regret on the left and the lost improvement on the right.
pub fn draw(marks: &[Mark], title: &str) -> Scene {
    let mut scene = Scene::new(WIDTH, HEIGHT, title, "Regret and lost improvement of searches against their cost.");
    scene.text(Text { bold: true, size: 15.0, ..Text::new(60.0, 24.0, title.to_owned()) });
    let mut methods: Vec<&str> = vec!["race"]; // in the first style, whether or not it is there
    for mark in marks {
        if !methods.contains(&mark.method.as_str()) {
            methods.push(&mark.method);
        }
    }
    let x = Axis::new(0.2, 25.0, true);
    panel(&mut scene, 60.0, x, "regret: loss over the best loss, less one", marks, &methods, |m| m.regret);
    panel(&mut scene, 540.0, x, "improvement that is lost, mean", marks, &methods, |m| 1.0 - m.kept);
    for (i, method) in methods.iter().enumerate() {
        let (ink, dashes, width) = STYLES[i % STYLES.len()];
        let (left, y) = (60.0 + 225.0 * (i % ABREAST) as f64, BOTTOM + 72.0 + 20.0 * (i / ABREAST) as f64);
        scene.path(Path { dashes, ..Path::line(vec![(left, y - 4.0), (left + 28.0, y - 4.0)], ink, width) });
        scene.text(Text { size: 12.0, ..Text::new(left + 34.0, y, (*method).to_owned()) });
    }
    scene
}

fn panel(scene: &mut Scene, left: f64, x: Axis, name: &str, marks: &[Mark], methods: &[&str], value: fn(&Mark) -> f64) {
    let frame = Rect { x: left, y: TOP, width: 380.0, height: BOTTOM - TOP };
    let values: Vec<f64> = marks.iter().map(value).filter(|v| *v > 0.0).collect();
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let most = values.iter().copied().fold(0.0, f64::max);
    let y = Axis::new(least * 0.8, most * 1.25, true);
    let across = |v: f64| frame.x + x.place(v) * frame.width;
    let up = |v: f64| frame.y + (1.0 - y.place(v)) * frame.height;
    let (right, bottom) = (frame.x + frame.width, frame.y + frame.height);
    let clip = scene.clip(frame);
    let label = |x, y, text: String| Text { size: 12.0, ink: Ink::Faint, ..Text::new(x, y, text) };
    for v in [0.25, 0.6, 1.0, 2.0, 5.0, 10.0, 20.0] {
        scene.path(Path::line(vec![(across(v), frame.y), (across(v), bottom)], Ink::Grid, 1.0));
        scene.text(Text { anchor: Anchor::Middle, ..label(across(v), bottom + 18.0, v.to_string()) });
    }
    for v in [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0] {
        if (y.low..=y.high).contains(&v) {
            scene.path(Path::line(vec![(frame.x, up(v)), (right, up(v))], Ink::Grid, 1.0));
            let percent = format!("{} %", (v * 1e4).round() / 100.0);
            scene.text(Text { anchor: Anchor::End, ..label(frame.x - 6.0, up(v) + 4.0, percent) });
        }
    }
    scene.path(Path::line(vec![(frame.x, frame.y), (frame.x, bottom), (right, bottom)], Ink::Frame, 1.0));
    let middle = frame.x + frame.width / 2.0;
    scene.text(Text { anchor: Anchor::Middle, ..Text::new(middle, bottom + 40.0, "cost in full runs".into()) });
    scene.text(Text::new(frame.x, TOP - 10.0, name.to_owned()));
    for (i, method) in methods.iter().enumerate().rev() {
        let (ink, dashes, width) = STYLES[i % STYLES.len()];
        let of = marks.iter().filter(|m| m.method == *method && value(m) > 0.0);
        let points: Vec<(f64, f64)> = of.map(|m| (across(m.cost), up(value(m)))).collect();
        for &(px, py) in &points {
            scene.path(Path { clip: Some(clip), ..Path::circle(px, py, width + 0.8, ink) });
        }
        scene.path(Path { dashes, clip: Some(clip), ..Path::line(points, ink, width) });
    }
}
