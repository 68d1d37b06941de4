//! The picture of a comparison. Top: the widest valley of each kind on one pair of axes
//! ([`overview`]). Below: every way as a small plot on the same loss axis, with the fixed rate
//! behind it.

use super::overview;
use crate::figure::font;
use crate::figure::ink::Ink;
use crate::figure::panel::{cross, marker};
use crate::figure::scene::{Anchor, Path, Rect, Scene, Text};
use crate::number::{loss, rate, significant};
use crate::view::{Axis, bounds, loss_axis};
use stepsize::compare::{Cell, Compared, Family, Row};

/// Width of the picture, panels across it, and the size of one with its gap.
const WIDTH: f64 = 960.0;
const ACROSS: usize = 5;
const TALL: f64 = 158.0;
const TOP: f64 = 72.0;

/// The whole picture.
pub fn draw(compared: &Compared, task: &str) -> Scene {
    let title = "Final loss over the initial rate";
    let rows: Vec<&Row> = compared.rows.iter().filter(|r| !r.cells.is_empty()).collect();
    // The overview has shown a single way already.
    let lines = if rows.len() > 1 { rows.len().div_ceil(ACROSS) } else { 0 };
    // A logarithmic axis has no place for a loss of exactly 0, and a lucky seed must not stretch
    // the axis.
    let losses: Vec<f64> = rows.iter().flat_map(|r| &r.cells).filter_map(|c| c.mean).filter(|l| *l != 0.0).collect();
    let y = loss_axis(&losses, compared.untrained).padded(0.06, 0.1);
    let overview = overview::draw(compared, y, WIDTH);
    let above = TOP + overview.as_ref().map_or(0.0, |o| o.height);
    let heading = if lines > 0 { 40.0 } else { 0.0 };
    let height = above + heading + TALL * lines as f64 + 16.0;
    let about = overview.as_ref().map_or(String::new(), |o| o.description.clone());
    let mut scene = Scene::new(WIDTH, height, title, &about);
    scene.text(Text { bold: true, size: 20.0, ..Text::new(24.0, 34.0, title.to_owned()) });
    let task = format!("{task}; {} steps, mean of {} seeds", compared.steps, compared.seeds);
    scene.text(Text { ink: Ink::Faint, ..Text::new(24.0, 57.0, font::shorten(&task, 13.0, WIDTH - 48.0)) });
    if let Some(overview) = overview {
        scene.place(overview, 0.0, TOP);
    }
    if lines > 0 {
        let text = format!(
            "The {} ways with an initial rate: green, bars from seed to seed; grey: one fixed rate; dashes: what find came to; x \
             diverged; diamond: the advised rate",
            rows.len()
        );
        scene.text(Text { size: 12.0, ink: Ink::Faint, ..Text::new(24.0, above + 16.0, text) });
    }
    let found = compared.rows.iter().find(|r| r.name == "find").and_then(|r| r.best.as_ref()?.mean);
    for (i, row) in rows.iter().enumerate().take(lines * ACROSS) {
        let (column, line) = ((i % ACROSS) as f64, (i / ACROSS) as f64);
        let width = (WIDTH - 24.0) / ACROSS as f64;
        let frame = Rect {
            x: 12.0 + column * width + 44.0,
            y: above + heading + line * TALL + 22.0,
            width: width - 52.0,
            height: TALL - 58.0,
        };
        panel(&mut scene, frame, row, compared.rows.first(), y, found);
    }
    scene
}

fn panel(scene: &mut Scene, frame: Rect, row: &Row, fixed: Option<&Row>, y: Axis, found: Option<f64>) {
    let Some((low, high)) = bounds(row.cells.iter().map(|c| c.lr.get())) else { return };
    let x = Axis::new(low, high, true).padded(0.04, 0.04);
    let clip = scene.clip(frame);
    let at = |lr: f64, value: f64| {
        let up = frame.y + (1.0 - y.place(value).clamp(-1.0, 2.0)) * frame.height;
        (frame.x + x.place(lr).clamp(-1.0, 2.0) * frame.width, up)
    };
    let (bottom, right) = (frame.y + frame.height, frame.x + frame.width);
    scene.text(Text { bold: true, size: 12.0, ..Text::new(frame.x, frame.y - 7.0, row.name.clone()) });
    let small =
        |x: f64, y: f64, text: String, anchor| Text { size: 10.5, ink: Ink::Faint, anchor, ..Text::new(x, y, text) };
    for value in y.ticks(3).0 {
        let up = at(low, value).1;
        scene.path(Path::line(vec![(frame.x, up), (right, up)], Ink::Grid, 1.0));
        scene.text(small(frame.x - 5.0, up + 3.5, significant(value, 2), Anchor::End));
    }
    for value in x.ticks(3).0 {
        let across = at(value, y.low).0;
        scene.path(Path::line(vec![(across, bottom), (across, bottom + 4.0)], Ink::Frame, 1.0));
        scene.text(small(across, bottom + 16.0, rate(value), Anchor::Middle));
    }
    scene.path(Path::line(vec![(frame.x, frame.y), (frame.x, bottom), (right, bottom)], Ink::Frame, 1.0));
    if let Some(found) = found {
        let up = at(low, found).1;
        let dashes: &[f64] = &[4.0, 4.0];
        scene.path(Path { dashes, clip: Some(clip), ..Path::line(vec![(frame.x, up), (right, up)], Ink::Fit, 1.2) });
    }
    // Methods without a rate have factors instead: they need another axis.
    if let Some(fixed) = fixed.filter(|f| row.family != Family::Free && f.name != row.name) {
        curve(scene, &fixed.cells, &at, Ink::Grid, 3.0, clip);
        curve(scene, &fixed.cells, &at, Ink::Frame, 1.2, clip);
    }
    curve(scene, &row.cells, &at, Ink::Good, 2.0, clip);
    for (i, cell) in row.cells.iter().enumerate() {
        let Some(mean) = cell.mean else {
            for path in cross(at(cell.lr.get(), y.low).0, frame.y + 7.0) {
                scene.path(Path { note: Some(note(row, cell)), ..path });
            }
            continue;
        };
        let (across, up) = at(cell.lr.get(), mean);
        if let Some((least, most)) = bounds(cell.losses.iter().flatten().copied()) {
            let ends = vec![(across, at(cell.lr.get(), least).1), (across, at(cell.lr.get(), most).1)];
            scene.path(Path { clip: Some(clip), ..Path::line(ends, Ink::Good, 1.4) });
        }
        let rank = if row.advised == Some(i) { 2 } else { 0 };
        let sign = if rank == 2 { marker(2, across, up, Ink::Good) } else { Path::circle(across, up, 3.4, Ink::Good) };
        scene.path(Path { clip: Some(clip), note: Some(note(row, cell)), ..sign });
    }
}

/// A line through the means, broken where a seed diverged.
fn curve(scene: &mut Scene, cells: &[Cell], at: &impl Fn(f64, f64) -> (f64, f64), ink: Ink, width: f64, clip: usize) {
    for part in cells.split(|c| c.mean.is_none()).filter(|part| part.len() > 1) {
        let points = part.iter().filter_map(|c| Some(at(c.lr.get(), c.mean?))).collect();
        scene.path(Path { clip: Some(clip), ..Path::line(points, ink, width) });
    }
}

fn note(row: &Row, cell: &Cell) -> String {
    let lr = rate(cell.lr.get());
    match cell.mean {
        Some(mean) => format!("{} from lr {lr}: loss {}", row.name, loss(mean)),
        None => {
            let bad = cell.losses.iter().filter(|l| l.is_none()).count();
            format!("{} from lr {lr}: {bad} of {} seeds diverged", row.name, cell.losses.len())
        }
    }
}
