//! [`Curve`]: the readings of one run. Smoothing makes a new series and keeps the raw one.

use serde::{Deserialize, Serialize};

/// One reading.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Optimizer step, counted from 0.
    pub step: u64,
    /// The rate applied at that step (base x schedule x controller); may be zero.
    pub lr: f64,
    /// The loss. It may be non-finite; fits leave such readings out.
    #[serde(deserialize_with = "crate::event::nan_if_null")]
    pub loss: f64,
}

/// Readings of one quantity over one run, in the order of their steps.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Curve {
    points: Vec<Point>,
}

impl Curve {
    /// An empty curve.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a reading at the end.
    pub fn push(&mut self, point: Point) {
        self.points.push(point);
    }

    /// Removes the readings of `step` and later.
    pub(crate) fn truncate(&mut self, step: u64) {
        self.points.retain(|p| p.step < step);
    }

    /// All readings.
    pub fn points(&self) -> &[Point] {
        &self.points
    }

    /// The last reading.
    pub fn last(&self) -> Option<&Point> {
        self.points.last()
    }

    /// The first reading.
    pub fn first(&self) -> Option<&Point> {
        self.points.first()
    }

    /// The losses alone.
    pub fn losses(&self) -> Vec<f64> {
        self.points.iter().map(|p| p.loss).collect()
    }

    /// The rates alone.
    pub fn lrs(&self) -> Vec<f64> {
        self.points.iter().map(|p| p.lr).collect()
    }

    /// Whether any reading is NaN or infinite.
    pub fn has_non_finite(&self) -> bool {
        self.points.iter().any(|p| !p.loss.is_finite())
    }

    /// The lowest finite loss.
    pub fn best(&self) -> Option<f64> {
        self.points.iter().map(|p| p.loss).filter(|l| l.is_finite()).min_by(f64::total_cmp)
    }

    /// Mean of the finite losses among the last `count` readings.
    pub fn tail_mean(&self, count: usize) -> Option<f64> {
        let tail: Vec<f64> = self.points.iter().rev().take(count).map(|p| p.loss).filter(|l| l.is_finite()).collect();
        (!tail.is_empty()).then(|| tail.iter().sum::<f64>() / tail.len() as f64)
    }

    /// Losses smoothed by an exponential moving average with bias correction; `beta` (0 to 1) is
    /// the weight of the past.
    ///
    /// `m_k = beta m_{k-1} + (1-beta) x_k`, shown as `m_k / (1 - beta^(k+1))` (Kingma & Ba 2014,
    /// section 3). Non-finite readings repeat the value before them.
    pub fn ema(&self, beta: f64) -> Vec<f64> {
        let (mut mean, mut weight, mut shown) = (0.0, 0.0, f64::NAN);
        self.points
            .iter()
            .map(|p| {
                if p.loss.is_finite() {
                    mean = beta * mean + (1.0 - beta) * p.loss;
                    weight = beta * weight + (1.0 - beta);
                    shown = mean / weight;
                }
                shown
            })
            .collect()
    }
}

impl FromIterator<Point> for Curve {
    fn from_iter<I: IntoIterator<Item = Point>>(iter: I) -> Self {
        Self { points: iter.into_iter().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn smoothing_a_constant_gives_the_constant_and_skips_nan() {
        let curve: Curve =
            [2.0, f64::NAN, 2.0].iter().enumerate().map(|(i, &loss)| Point { step: i as u64, lr: 0.1, loss }).collect();
        for value in curve.ema(0.9) {
            assert!((value - 2.0).abs() < 1e-12);
        }
        assert!(curve.has_non_finite());
    }
}
