//! The curve of final losses over rates: its vertex, its width, and the landscape fitted to it.
//! Rates are binary logs here.

use super::TOLERANCE;
use crate::landscape::{Context, Landscape, Reading};
use crate::{Band, Lr};

/// Fewest losses that the landscape is fitted to.
const FEWEST: usize = 4;
/// Least ratio of the untrained loss to the best one: the form needs room between them. Not fitted.
const ROOM: f64 = 1.02;
/// Rates an octave at which the landscape is evaluated.
const PER_OCTAVE: f64 = 4.0;
/// Octaves by which the interval is wider than the draws on each side: one step between the rates
/// evaluated.
const WIDER: f64 = 1.0 / PER_OCTAVE;

/// Where the fitted landscape is lowest, else the vertex of the parabola through the logs of the
/// best loss and its neighbours. It is at most half way to a neighbour, and the best rate itself
/// when that has only one neighbour.
pub(super) fn vertex(points: &[(f64, f64)], at: usize, fitted: Option<f64>) -> f64 {
    let Some([a, b, c]) = at.checked_sub(1).and_then(|i| points.get(i..=at + 1)).and_then(|p| p.first_chunk()) else {
        return points[at].0;
    };
    let log = |y: f64| if b.1 > 0.0 { y.ln() } else { y };
    let (first, second) = ((log(b.1) - log(a.1)) / (b.0 - a.0), (log(c.1) - log(b.1)) / (c.0 - b.0));
    let bend = (second - first) / (c.0 - a.0);
    let parabola = if bend > 0.0 { (a.0 + b.0) / 2.0 - first / (2.0 * bend) } else { b.0 };
    fitted.unwrap_or(parabola).clamp((a.0 + b.0) / 2.0, (b.0 + c.0) / 2.0)
}

/// Octaves over which the parabola through the logs of the best loss and its neighbours stays
/// within the tolerance.
pub(super) fn bowl(points: &[(f64, f64)], at: usize) -> f64 {
    let Some([a, b, c]) = at.checked_sub(1).and_then(|i| points.get(i..=at + 1)).and_then(|p| p.first_chunk()) else {
        return 0.0;
    };
    if b.1 <= 0.0 {
        return 0.0;
    }
    let (first, second) = ((b.1 / a.1).ln() / (b.0 - a.0), (c.1 / b.1).ln() / (c.0 - b.0));
    let bend = (second - first) / (c.0 - a.0);
    if bend > 0.0 { (2.0 * (TOLERANCE.ln_1p() / bend).sqrt()).min(c.0 - a.0) } else { 0.0 }
}

/// Octaves about the best over which the loss, joined by lines, stays below `limit`.
pub(super) fn width(points: &[(f64, f64)], at: usize, limit: f64) -> f64 {
    let reach = |next: &dyn Fn(usize) -> Option<usize>| {
        let mut i = at;
        loop {
            let Some(j) = next(i).filter(|j| *j < points.len()) else { return points[i].0 };
            if points[j].1 > limit {
                let part = (limit - points[i].1) / (points[j].1 - points[i].1);
                return points[i].0 + part * (points[j].0 - points[i].0);
            }
            i = j;
        }
    };
    reach(&|i| Some(i + 1)) - reach(&|i| i.checked_sub(1))
}

/// What the two-wall landscape says of the best rate.
#[derive(Default)]
pub(super) struct Fitted {
    /// Median of its binary log.
    pub middle: Option<f64>,
    /// Its 80 % interval, as rates.
    pub interval: Option<(f64, f64)>,
    /// Expected loss over rates.
    pub band: Vec<Band>,
    /// Draws of its binary log.
    pub draws: Vec<f64>,
}

/// Fits the two-wall landscape. Needs four losses, all above zero; `start` is the untrained loss
/// where it is known.
pub(super) fn fit(points: &[(f64, f64)], divergence: Option<f64>, start: Option<f64>) -> Fitted {
    let worst = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
    let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
    if points.len() < FEWEST || low <= 0.0 {
        return Fitted::default();
    }
    let untrained = start.unwrap_or(worst).max(ROOM * low).ln();
    let reading = |(i, (x, y)): (usize, &(f64, f64))| Reading { x: *x, s: 0.0, y: y.ln(), seed: i as u64 };
    let readings: Vec<Reading> = points.iter().enumerate().map(reading).collect();
    let ceiling = divergence.map_or(f64::INFINITY, f64::log2);
    let landscape = Landscape::fit(&readings, Context { untrained, ceiling, horizon_free: true }, 0);
    let (from, to) = (points[0].0, points[points.len() - 1].0);
    let steps = ((to - from) * PER_OCTAVE).ceil().max(1.0) as usize;
    let grid: Vec<f64> = (0..=steps).map(|i| from + (to - from) * i as f64 / steps as f64).collect();
    let table: Vec<Vec<f64>> = grid.iter().map(|x| landscape.losses(*x, 0.0)).collect();
    let lowest: Vec<f64> = (0..landscape.len())
        .filter_map(|s| (0..grid.len()).min_by(|a, b| table[*a][s].total_cmp(&table[*b][s])).map(|i| grid[i]))
        .collect();
    let at = |q: f64| crate::diagnosis::stats::quantile(&lowest, q);
    let interval = at(0.1).zip(at(0.9)).map(|(l, h)| ((l - WIDER).exp2(), (h + WIDER).exp2()));
    let band = grid
        .iter()
        .zip(&table)
        .filter_map(|(x, losses)| {
            let of = |q: f64| crate::diagnosis::stats::quantile(losses, q).map(f64::exp);
            Some(Band { lr: Lr::from_log2(*x), low: of(0.1)?, mid: of(0.5)?, high: of(0.9)?, p_keeps_98_pct: None })
        })
        .collect();
    Fitted { middle: at(0.5), interval, band, draws: lowest }
}
