//! The valleys of a comparison on one pair of axes: the fixed rate against the widest valley of
//! each kind. A panel beside it shows the methods that find their own step size; its axis is a
//! factor on the advised rate.

use crate::figure::ink::Ink;
use crate::figure::panel::{Panel, Sample, cross, marker};
use crate::figure::scene::{Path, Scene};
use crate::number::{loss, rate, significant};
use crate::view::{Axis, bounds};
use stepsize::compare::{Compared, Family, NEAR, Row};

/// Height of the panels.
pub const TALL: f64 = 400.0;
/// Room for the legend above the frames.
const TOP: f64 = 96.0;
/// Methods without a rate that are shown.
const MOST: usize = 3;
/// What distinguishes the lines of a panel: colour, dashes and sign.
const STYLES: [(Ink, &[f64], usize); 4] =
    [(Ink::Text, &[], 0), (Ink::TooLow, &[7.0, 3.0], 1), (Ink::TooHigh, &[2.0, 2.5], 2), (Ink::Good, &[], 3)];

/// A line of a panel.
struct Valley<'a> {
    row: &'a Row,
    /// Its rates are divided by this.
    unit: f64,
    style: usize,
}

/// The picture, `width` wide, with the loss axis `y`. `None` when there is nothing to draw.
pub fn draw(compared: &Compared, y: Axis, width: f64) -> Option<Scene> {
    let rates = kinds(compared);
    let free = free(compared);
    let share = if free.is_empty() { 1.0 } else { 0.6 };
    let title = "The widest valley of each kind";
    let mut scene = Scene::new(width, TALL, title, &words(&rates));
    let left = panel(compared, &rates, y, (width * share, title), "initial rate")?;
    scene.place(left, 0.0, 0.0);
    if !free.is_empty() {
        let right = (width * (1.0 - share), "Methods that need no rate");
        scene.place(panel(compared, &free, y, right, "factor on the advised rate")?, width * share, 0.0);
    }
    Some(scene)
}

/// The fixed rate, and the widest of each kind with an initial rate.
fn kinds(compared: &Compared) -> Vec<Valley<'_>> {
    let kinds = [Family::Fixed, Family::Decay, Family::Cycle, Family::Feedback];
    let widest = |(style, kind): (usize, Family)| {
        let row = ranked(compared, kind).into_iter().next()?;
        Some(Valley { row, unit: 1.0, style })
    };
    kinds.into_iter().enumerate().filter_map(widest).collect()
}

/// The widest of the methods that need no rate.
fn free(compared: &Compared) -> Vec<Valley<'_>> {
    let rows = ranked(compared, Family::Free).into_iter().take(MOST).enumerate();
    rows.filter_map(|(i, row)| {
        let unit = row.cells.get(row.advised?)?.lr.get();
        Some(Valley { row, unit, style: i + 1 })
    })
    .collect()
}

/// The ways of a kind, the widest valley first; the deepest first among equals.
fn ranked(compared: &Compared, kind: Family) -> Vec<&Row> {
    let mut rows: Vec<&Row> = compared.rows.iter().filter(|r| r.family == kind && r.best.is_some()).collect();
    let depth = |r: &Row| r.best.as_ref().and_then(|b| b.mean).unwrap_or(f64::INFINITY);
    rows.sort_by(|a, b| b.width.total_cmp(&a.width).then(depth(a).total_cmp(&depth(b))));
    rows
}

fn words(valleys: &[Valley<'_>]) -> String {
    let one = |v: &Valley<'_>| format!("{}: {} decades", v.row.name, significant(v.row.width, 2));
    format!("Width of the valleys: {}.", valleys.iter().map(one).collect::<Vec<_>>().join("; "))
}

fn panel(
    compared: &Compared,
    valleys: &[Valley<'_>],
    y: Axis,
    (width, title): (f64, &str),
    x_name: &str,
) -> Option<Scene> {
    let rates = valleys.iter().flat_map(|v| v.row.cells.iter().map(|c| c.lr.get() / v.unit));
    let (low, high) = bounds(rates)?;
    let x = Axis::new(low, high, true).padded(0.04, 0.04);
    let names = ((x, x_name), (y, "final validation loss"));
    let mut panel = Panel::new((width, TALL), TOP, names.0, names.1, (title, &words(valleys)));
    let mut legend: Vec<(Sample, String)> = valleys
        .iter()
        .map(|v| {
            let (ink, dashes, _) = STYLES[v.style];
            let width = significant(v.row.width, 2);
            (Sample::Line(ink, dashes), format!("{}: {width} decades", v.row.name))
        })
        .collect();
    let (left, right) = (panel.frame.x, panel.right());
    let mut level = |value: f64, dashes: &'static [f64], width: f64| {
        let up = panel.up(value);
        panel.inside(Path { dashes, ..Path::line(vec![(left, up), (right, up)], Ink::Fit, width) });
    };
    if let Some(target) = compared.target {
        level(target * (1.0 + NEAR), &[1.0, 3.0], 1.4);
        legend.push((Sample::Line(Ink::Fit, &[1.0, 3.0]), format!("{:.0} % above the best fixed rate", 100.0 * NEAR)));
    }
    if let Some(found) = compared.rows.iter().find(|r| r.name == "find").and_then(|r| r.best.as_ref()?.mean) {
        level(found, &[8.0, 3.0, 2.0, 3.0], 1.4);
        legend.push((Sample::Line(Ink::Fit, &[8.0, 3.0, 2.0, 3.0]), "find, search included".to_owned()));
    }
    let mut crosses: Vec<f64> = Vec::new();
    for valley in valleys {
        let (ink, dashes, sign) = STYLES[valley.style];
        // A rate that diverged is a wall: the line leaves through the top.
        let wall = panel.frame.y - 40.0;
        let at = |panel: &Panel, lr: f64, mean: Option<f64>| match mean {
            Some(mean) => panel.at(lr / valley.unit, mean),
            None => (panel.across(lr / valley.unit), wall),
        };
        let line = valley.row.cells.iter().map(|c| at(&panel, c.lr.get(), c.mean)).collect();
        panel.inside(Path { dashes, ..Path::line(line, ink, if valley.style == 0 { 3.0 } else { 2.2 }) });
        for cell in &valley.row.cells {
            let (across, up) = at(&panel, cell.lr.get(), cell.mean);
            let Some(mean) = cell.mean else {
                crosses.push(across);
                continue;
            };
            let note = Some(format!("{} from lr {}: loss {}", valley.row.name, rate(cell.lr.get()), loss(mean)));
            panel.inside(Path { note, ..marker(sign, across, up, ink) });
        }
    }
    crosses.sort_by(f64::total_cmp);
    crosses.dedup_by(|a, b| (*a - *b).abs() < 1.0);
    if !crosses.is_empty() {
        legend.push((Sample::Cross, "a seed diverged".to_owned()));
    }
    for across in crosses {
        let up = panel.frame.y + 8.0;
        cross(across, up).into_iter().for_each(|path| panel.inside(path));
    }
    // The lines of the left panel mean the same in the right one, which is narrow.
    if valleys.iter().any(|v| v.row.family == Family::Free) {
        legend.truncate(valleys.len());
    }
    panel.legend(legend);
    Some(panel.scene)
}
