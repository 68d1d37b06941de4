//! [`Knots`]: a curve of losses read at the times 1, 1/2, 1/4 ... 1/64, with its noise, spikes and
//! extremes.

use crate::diagnosis::record::Series;
use crate::diagnosis::stats;

/// Number of knots: the times 1, 1/2 .. 1/64.
pub(super) const KNOTS: usize = 7;
/// A knot at time `t` is the median of the readings between these two times `t`: wide enough for
/// sparse logs, narrow enough that neighbouring knots share no reading.
pub(super) const BEFORE: f64 = 0.85;
/// The upper end of that range.
pub(super) const AFTER: f64 = 1.1;
/// Fewest readings of a curve.
const FEWEST: usize = 4;
/// A log whose first reading lies later than this share of its last step does not count from 0.
const LATE: f64 = 0.34;
/// Share of the range of a loss by which it is kept above zero when it is shifted.
const ABOVE_ZERO: f64 = 0.05;
/// The start of a curve is the median of its first readings up to this time ...
const START: f64 = 0.01;
/// ... and of at most this many.
const STARTING: usize = 5;
/// Fewest readings in which spikes and tails are counted.
const COUNTED: usize = 12;
/// Readings about one that is tested for a spike, itself included; it is the middle one.
const WINDOW: usize = 9;
/// Deviations above the median of its window that make a reading a spike.
const SPIKE: f64 = 5.0;
/// Least deviation of the noise that spikes are measured in.
const LEAST_NOISE: f64 = 1e-6;
/// Blocks of the smoothed curve.
const SMOOTH: usize = 32;
/// Blocks of the second half in which rises are counted, and fewest that must be there.
const RISES: (usize, usize) = (16, 4);
/// The quantiles by which the tails of the late readings are compared.
const TAILS: (f64, f64) = (0.05, 0.95);

/// A loss curve read at its knots. "Log loss" below is `z` of [`super`].
pub(super) struct Knots {
    /// Step at which time is 0.
    pub origin: f64,
    /// Steps from there to the last reading, where time is 1.
    pub length: f64,
    /// Time of the first reading.
    pub first: f64,
    /// Number of readings.
    pub points: usize,
    /// Time and log loss of every reading.
    pub curve: Vec<(f64, f64)>,
    /// Log loss at the start.
    pub start: f64,
    /// Loss at the start.
    pub flat_start: f64,
    /// Log loss at 1, 1/2, .. 1/64; NaN before the first reading.
    pub z: [f64; KNOTS],
    /// The loss itself at the same times.
    pub flat: [f64; KNOTS],
    /// Noise of the log loss over the first two fifths of the readings.
    pub noise_start: f64,
    /// Noise over the others.
    pub noise_end: f64,
    /// Share of readings far above their neighbours.
    pub spikes: f64,
    /// Correlation of neighbours in the second half.
    pub neighbours: f64,
    /// Share of rises among the means of the blocks of the second half.
    pub ups: f64,
    /// Highest log loss.
    pub worst: f64,
    /// Mean time and mean log loss of each block.
    pub smooth: Vec<(f64, f64)>,
    /// How much farther the high late readings lie from the middle than the low ones, in log.
    pub tail: f64,
    /// Last log loss.
    pub last: f64,
    /// Lowest log loss.
    pub lowest: f64,
    /// Its time.
    pub lowest_at: f64,
}

impl Knots {
    /// `None` with fewer than four readings.
    pub fn of(series: &Series) -> Option<Self> {
        let points = series.points();
        let (first, last) = (points.first()?, points.last()?);
        if points.len() < FEWEST {
            return None;
        }
        // The steps of a log that begins late may count from anywhere: time begins at its first
        // reading.
        let origin = if first.0 >= 0.0 && first.0 <= LATE * last.0 { 0.0 } else { first.0 };
        let length = (last.0 - origin).max(f64::MIN_POSITIVE);
        let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        let shift = if low > 0.0 { 0.0 } else { ABOVE_ZERO * (high - low).max(f64::MIN_POSITIVE) - low };
        let curve: Vec<(f64, f64)> =
            points.iter().map(|(s, y)| ((s - origin) / length, (y + shift).max(f64::MIN_POSITIVE).ln())).collect();
        let (z, start) = knots(&curve);
        let raw: Vec<(f64, f64)> = curve.iter().map(|(t, z)| (*t, z.exp())).collect();
        let (flat, flat_start) = knots(&raw);
        let values: Vec<f64> = curve.iter().map(|p| p.1).collect();
        let (early, late) = values.split_at(values.len() * 2 / 5);
        let noise_end = stats::noise(late).unwrap_or(f64::NAN);
        let lowest = curve.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let half = &values[values.len() / 2..];
        let mut made = Self {
            origin,
            length,
            first: curve[0].0,
            points: points.len(),
            start,
            flat_start,
            z,
            flat,
            noise_start: stats::noise(early).unwrap_or(f64::NAN),
            noise_end,
            spikes: spikes(&values, noise_end),
            neighbours: stats::neighbours(half).unwrap_or(f64::NAN),
            ups: ups(half),
            smooth: blocks(&curve, SMOOTH),
            tail: tail(half),
            worst: values.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            last: values[values.len() - 1],
            lowest: lowest.1,
            lowest_at: lowest.0,
            curve: Vec::new(),
        };
        made.curve = curve;
        Some(made)
    }

    /// Log loss about time `t`.
    pub fn around(&self, t: f64) -> Option<f64> {
        around(&self.curve, t)
    }
}

fn knots(curve: &[(f64, f64)]) -> ([f64; KNOTS], f64) {
    let z = std::array::from_fn(|k| around(curve, 0.5f64.powi(k as i32)).unwrap_or(f64::NAN));
    let early: Vec<f64> = curve.iter().take_while(|p| p.0 <= START).take(STARTING).map(|p| p.1).collect();
    let start = stats::median(&early).unwrap_or(curve[0].1);
    (z, start)
}

/// Median of the readings about time `t`, else the value on the line between the two readings that
/// enclose it; `None` before the first reading.
fn around(curve: &[(f64, f64)], t: f64) -> Option<f64> {
    let near: Vec<f64> = curve.iter().filter(|p| p.0 >= BEFORE * t && p.0 <= AFTER * t).map(|p| p.1).collect();
    if !near.is_empty() {
        return stats::median(&near);
    }
    let after = curve.partition_point(|p| p.0 < t);
    let (a, b) = (curve.get(after.checked_sub(1)?)?, curve.get(after)?);
    Some(a.1 + (b.1 - a.1) * (t - a.0) / (b.0 - a.0))
}

/// Share of readings far above the median of those about them.
fn spikes(values: &[f64], noise: f64) -> f64 {
    if values.len() < COUNTED || !noise.is_finite() {
        return f64::NAN;
    }
    let above = |w: &&[f64]| stats::median(w).is_some_and(|m| w[WINDOW / 2] - m > SPIKE * noise.max(LEAST_NOISE));
    let windows = values.windows(WINDOW);
    let count = windows.len() as f64;
    windows.filter(above).count() as f64 / count
}

/// Mean time and mean value of each of about `count` blocks.
fn blocks(curve: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let size = (curve.len() / count).max(1);
    let mean = |part: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| part.iter().map(of).sum::<f64>() / part.len() as f64;
    curve.chunks(size).map(|part| (mean(part, |p| p.0), mean(part, |p| p.1))).collect()
}

/// How much farther the high deviations from the middle of two neighbours reach than the low ones,
/// in log.
fn tail(values: &[f64]) -> f64 {
    let bends: Vec<f64> = values.windows(3).map(|w| w[1] - (w[0] + w[2]) / 2.0).collect();
    let at = |q: f64| stats::quantile(&bends, q);
    match (at(TAILS.0), at(0.5), at(TAILS.1)) {
        (Some(low), Some(middle), Some(high)) if values.len() >= COUNTED && middle > low && high > middle => {
            ((high - middle) / (middle - low)).ln()
        }
        _ => f64::NAN,
    }
}

/// Share of rises among the means of blocks.
fn ups(values: &[f64]) -> f64 {
    let size = (values.len() / RISES.0).max(1);
    let means: Vec<f64> = values.chunks(size).filter_map(stats::mean).collect();
    if means.len() < RISES.1 {
        return f64::NAN;
    }
    means.windows(2).filter(|w| w[1] > w[0]).count() as f64 / (means.len() - 1) as f64
}
