//! What the two walls leave out: a smooth random function of (log2 lr, log2 n/T), added to each
//! posterior sample.
//!
//! No six-parameter form fits every job. A Gaussian process on the residuals (Kennedy & O'Hagan
//! 2001) follows the readings where there are some and is uncertain where there are none. Each
//! sample carries one draw of it, made by Matheron's rule: a prior draw (random Fourier features,
//! Rahimi & Recht 2007) plus the kriging of what that draw misses at the readings.

use super::Reading;
use super::noise::Noise;
use crate::draws::Draws;
use crate::search::cholesky::Cholesky;

/// Standard deviation of the discrepancy, as a share of the depth. Residuals of the form fitted to
/// all of a job have a median of 0.05 (tenths 0.03 and 0.10), but what a search has not seen does
/// not take part in its fit: with 0.06 the predicted spread of the best rate is a tenth too small.
const SD: f64 = 0.1;
/// Correlation length along the rate, octaves.
const LENGTH_X: f64 = 1.3;
/// Correlation length along the horizon, octaves: the deviations of a short run carry over to the
/// full run only in part.
const LENGTH_S: f64 = 2.5;
/// Random Fourier features of a prior draw. Not tuned.
const FEATURES: usize = 16;

fn kernel(sd: f64, a: &Reading, b: &Reading) -> f64 {
    let (dx, ds) = ((a.x - b.x) / LENGTH_X, (a.s - b.s) / LENGTH_S);
    sd * sd * (-0.5 * (dx * dx + ds * ds)).exp()
}

/// The covariance of the readings, noise included, as its factor.
pub(super) struct Gains {
    factor: Cholesky,
    /// Standard deviation of the discrepancy, log loss.
    sd: f64,
}

impl Gains {
    /// `depth` is how far the loss falls.
    pub fn new(readings: &[Reading], noise: &Noise, depth: f64) -> Self {
        let sd = SD * depth;
        let covariance = |i: usize, j: usize| kernel(sd, &readings[i], &readings[j]) + noise.covariance(readings, i, j);
        Self { factor: Cholesky::new(readings.len(), covariance), sd }
    }

    /// `v' K^-1 v`.
    pub fn square(&self, v: Vec<f64>) -> f64 {
        self.factor.forward(v).iter().map(|z| z * z).sum()
    }
}

/// One draw of the discrepancy, given the readings.
#[derive(Debug, Clone)]
pub(super) struct Discrepancy {
    features: [[f64; 3]; FEATURES],
    weights: Vec<f64>,
    sd: f64,
    scale: f64,
}

impl Discrepancy {
    /// A draw given what one sample misses at the readings, with all standard deviations times
    /// `scale`.
    pub fn draw(
        readings: &[Reading],
        noise: &Noise,
        gains: &Gains,
        misses: &[f64],
        scale: f64,
        draws: &mut Draws,
    ) -> Self {
        let features = std::array::from_fn(|_| {
            [draws.normal() / LENGTH_X, draws.normal() / LENGTH_S, std::f64::consts::TAU * draws.uniform()]
        });
        let mut draw = Self { features, weights: Vec::new(), sd: gains.sd, scale };
        let noise = noise.draw(draws);
        let left = readings.iter().zip(misses).zip(noise).map(|((r, miss), e)| miss - draw.prior(r.x, r.s) - scale * e);
        draw.weights = gains.factor.solve(left.collect());
        draw
    }

    fn prior(&self, x: f64, s: f64) -> f64 {
        let sum: f64 = self.features.iter().map(|[w, v, b]| (w * x + v * s + b).cos()).sum();
        self.scale * self.sd * (2.0 / FEATURES as f64).sqrt() * sum
    }

    /// Its value at `x`, `s`. `readings` must be those that it was drawn with.
    pub fn at(&self, x: f64, s: f64, readings: &[Reading]) -> f64 {
        let here = Reading { x, s, y: 0.0, seed: 0 };
        let kriged: f64 = readings.iter().zip(&self.weights).map(|(r, w)| w * kernel(self.sd, r, &here)).sum();
        self.prior(x, s) + kriged
    }
}
