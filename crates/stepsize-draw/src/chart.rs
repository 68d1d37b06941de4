//! [`Chart`]: a plot in the units of its data, for the script of the pages. The live page and the
//! report draw the same charts; `web/src/chart.ts` names the same fields.
//!
//! A [`crate::figure`] has fixed pixels and is for files; a chart is measured in a browser, where
//! one can zoom, switch an axis and read values out.

mod chance;
mod judged;
mod losses;
mod sensitivity;
mod training;

pub use chance::chance;
pub use judged::judged;
pub use losses::{end_of_trial, losses, of_trial};
pub use sensitivity::sensitivity;
pub use training::training;

use crate::figure::ink::Ink;
use crate::view::Axis;
use serde::Serialize;
use stepsize::Point;

/// A plot.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Chart {
    /// Its heading.
    pub title: String,
    /// One sentence for those who do not see it.
    pub summary: String,
    /// Across.
    pub x: ChartAxis,
    /// Up.
    pub y: ChartAxis,
    /// What shapes, dashes and areas mean.
    pub legend: Vec<ChartSample>,
    /// Areas between two curves.
    pub bands: Vec<ChartBand>,
    /// Shaded ranges of x.
    pub spans: Vec<ChartSpan>,
    /// Straight lines at one value.
    pub rules: Vec<ChartRule>,
    /// Lines.
    pub lines: Vec<ChartLine>,
    /// Points.
    pub points: Vec<ChartPoint>,
}

/// An entry of the legend: a point, a line, or else an area.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartSample {
    /// Of a point.
    pub shape: Option<ChartShape>,
    /// Of a line; empty for a full one.
    pub dash: Option<&'static [f64]>,
    /// Its meaning.
    pub ink: Ink,
    /// Its words.
    pub name: String,
}

/// An axis with its name.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartAxis {
    /// What is measured.
    pub label: &'static str,
    /// From where to where.
    #[serde(flatten)]
    pub axis: Axis,
}

/// A line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartLine {
    /// What belongs together is marked together; empty for what nobody chooses.
    pub key: String,
    /// For the read-out.
    pub name: String,
    /// Its meaning.
    pub ink: Ink,
    /// Lengths of dashes and gaps, in pixels; empty for a full line.
    pub dash: &'static [f64],
    /// Thickness in pixels.
    pub width: f64,
    /// Drawn pale: raw readings below a smoothed line.
    pub faint: bool,
    /// Across.
    pub x: Vec<f64>,
    /// Up; as many.
    pub y: Vec<f64>,
    /// A further value at each point, for the read-out.
    pub extra: Option<ChartExtra>,
}

impl ChartLine {
    /// Loss over step, pale where it is `faint`, with the rate of each point where all are known.
    fn over_steps(name: &str, points: &[Point], ink: Ink, dash: &'static [f64], faint: bool) -> Self {
        let rated = points.iter().all(|p| p.lr.is_finite());
        Self {
            key: String::new(),
            name: name.to_owned(),
            ink,
            dash,
            width: if faint { 1.0 } else { 2.0 },
            faint,
            x: points.iter().map(|p| p.step as f64).collect(),
            y: points.iter().map(|p| p.loss).collect(),
            extra: rated.then(|| ChartExtra { name: "lr", values: points.iter().map(|p| p.lr).collect() }),
        }
    }
}

/// Further values of the points of a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartExtra {
    /// What they are.
    pub name: &'static str,
    /// One for each point.
    pub values: Vec<f64>,
}

/// A point.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartPoint {
    /// What belongs together is marked together.
    pub key: String,
    /// Across.
    pub x: f64,
    /// Up.
    pub y: f64,
    /// Lower end of its bar.
    pub low: Option<f64>,
    /// Upper end of its bar.
    pub high: Option<f64>,
    /// Its shape, so that colour never carries meaning alone.
    pub shape: ChartShape,
    /// Its meaning.
    pub ink: Ink,
    /// The read-out.
    pub note: String,
}

/// The shape of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChartShape {
    /// The longest trials.
    Dot,
    /// The second longest.
    Square,
    /// The third longest.
    Diamond,
    /// Shorter ones.
    Triangle,
    /// Pruned, stopped, or not ended: there is no final loss.
    Ring,
    /// Failed: a crash says nothing about the rate.
    Minus,
    /// Diverged.
    Cross,
    /// Above the frame.
    Arrow,
}

/// The area between two curves.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartBand {
    /// Its meaning.
    pub ink: Ink,
    /// What it is.
    pub name: String,
    /// Across.
    pub x: Vec<f64>,
    /// Lower curve.
    pub low: Vec<f64>,
    /// Upper curve.
    pub high: Vec<f64>,
}

/// A straight line at one value of one axis.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartRule {
    /// `x` or `y`.
    pub axis: char,
    /// Where.
    pub at: f64,
    /// Its meaning.
    pub ink: Ink,
    /// Lengths of dashes and gaps, in pixels.
    pub dash: &'static [f64],
    /// Its words.
    pub label: String,
}

/// A shaded range of x.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChartSpan {
    /// From here.
    pub from: f64,
    /// To here.
    pub to: f64,
    /// Its meaning.
    pub ink: Ink,
    /// Its words; may be empty.
    pub label: String,
}

/// The key of a trial: its line, its point and its row.
pub fn trial_key(trial: u32) -> String {
    format!("t{trial}")
}

impl ChartShape {
    /// The shape of the trials of one length, 0 the longest.
    fn of_rank(rank: usize) -> Self {
        match rank {
            0 => Self::Dot,
            1 => Self::Square,
            2 => Self::Diamond,
            _ => Self::Triangle,
        }
    }
}
