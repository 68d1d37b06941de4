//! [`Knots`]: a curve of losses read at the times 1, 1/2, 1/4 ... 1/64, with its noise, spikes and extremes.

use crate::diagnosis::record::Series;
use crate::diagnosis::stats;

/// Knots: 1, 1/2 .. 1/64.
pub(super) const KNOTS: usize = 7;

/// A loss curve read at its knots.
pub(super) struct Knots {
    /// Step at which time begins, and steps until its end.
    pub origin: f64,
    pub length: f64,
    /// Time of the first reading.
    pub first: f64,
    pub points: usize,
    /// Time and log loss of every reading.
    pub curve: Vec<(f64, f64)>,
    pub start: f64,
    pub flat_start: f64,
    /// Log loss at 1, 1/2, .. 1/64; NaN before the first reading.
    pub z: [f64; KNOTS],
    /// The loss itself.
    pub flat: [f64; KNOTS],
    pub noise_start: f64,
    pub noise_end: f64,
    /// Share of readings far above their neighbours.
    pub spikes: f64,
    pub neighbours: f64,
    /// Share of rises among the means of sixteen blocks of the second half.
    pub ups: f64,
    pub worst: f64,
    /// Means of 32 blocks, at their middles.
    pub smooth: Vec<(f64, f64)>,
    /// How much farther the high late readings lie from the middle than the low ones, in log.
    pub tail: f64,
    pub last: f64,
    pub lowest: f64,
    pub lowest_at: f64,
}

impl Knots {
    /// `None` of fewer than four readings.
    pub fn of(series: &Series) -> Option<Self> {
        let points = series.points();
        let (first, last) = (points.first()?, points.last()?);
        if points.len() < 4 {
            return None;
        }
        // A log that begins late was not there from the beginning: its own first reading is then the origin.
        let origin = if first.0 >= 0.0 && first.0 <= 0.34 * last.0 { 0.0 } else { first.0 };
        let length = (last.0 - origin).max(f64::MIN_POSITIVE);
        let low = points.iter().map(|p| p.1).fold(f64::INFINITY, f64::min);
        let high = points.iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        let shift = if low > 0.0 { 0.0 } else { 0.05 * (high - low).max(f64::MIN_POSITIVE) - low };
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
            smooth: blocks(&curve, 32),
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
    let early: Vec<f64> = curve.iter().take_while(|p| p.0 <= 0.01).take(5).map(|p| p.1).collect();
    let start = stats::median(&early).unwrap_or(curve[0].1);
    (z, start)
}

/// Median of the readings about time `t`, or the value between the two that enclose it; `None` before the first.
fn around(curve: &[(f64, f64)], t: f64) -> Option<f64> {
    let near: Vec<f64> = curve.iter().filter(|p| p.0 >= 0.85 * t && p.0 <= 1.1 * t).map(|p| p.1).collect();
    if !near.is_empty() {
        return stats::median(&near);
    }
    let after = curve.partition_point(|p| p.0 < t);
    let (a, b) = (curve.get(after.checked_sub(1)?)?, curve.get(after)?);
    Some(a.1 + (b.1 - a.1) * (t - a.0) / (b.0 - a.0))
}

/// Share of readings more than five deviations above the median of the nine about them.
fn spikes(values: &[f64], noise: f64) -> f64 {
    if values.len() < 12 || !noise.is_finite() {
        return f64::NAN;
    }
    let above = |w: &&[f64]| stats::median(w).is_some_and(|m| w[4] - m > 5.0 * noise.max(1e-6));
    let windows = values.windows(9);
    let count = windows.len() as f64;
    windows.filter(above).count() as f64 / count
}

fn blocks(curve: &[(f64, f64)], count: usize) -> Vec<(f64, f64)> {
    let size = (curve.len() / count).max(1);
    let mean = |part: &[(f64, f64)], of: fn(&(f64, f64)) -> f64| part.iter().map(of).sum::<f64>() / part.len() as f64;
    curve.chunks(size).map(|part| (mean(part, |p| p.0), mean(part, |p| p.1))).collect()
}

fn tail(values: &[f64]) -> f64 {
    let bends: Vec<f64> = values.windows(3).map(|w| w[1] - (w[0] + w[2]) / 2.0).collect();
    let at = |q: f64| stats::quantile(&bends, q);
    match (at(0.05), at(0.5), at(0.95)) {
        (Some(low), Some(middle), Some(high)) if values.len() >= 12 && middle > low && high > middle => {
            ((high - middle) / (middle - low)).ln()
        }
        _ => f64::NAN,
    }
}

fn ups(values: &[f64]) -> f64 {
    let size = (values.len() / 16).max(1);
    let means: Vec<f64> = values.chunks(size).filter_map(stats::mean).collect();
    if means.len() < 4 {
        return f64::NAN;
    }
    means.windows(2).filter(|w| w[1] > w[0]).count() as f64 / (means.len() - 1) as f64
}
