//! The noise of readings: what differs from seed to seed.
//!
//! Runs of one seed share initial weights and the order of their data, so their noise is alike at
//! rates and lengths that are close. On the jobs of the bench (runs of T to T/16, four seeds) the
//! correlation of the deviation from the mean of all seeds is 0.77, 0.61, 0.36 and 0.15 at rates
//! 0.25, 0.5, 1 and 2 octaves apart (medians of 111 jobs), and 0.46, 0.25 and 0.12 at lengths 1, 2
//! and 3 octaves apart, for constant and decaying schedules alike: that of an Ornstein-Uhlenbeck
//! process whose length is one octave on both axes. Without it, runs of one seed would count as
//! independent evidence, and the answer would seem the more certain the more of them there are.

use super::Reading;
use crate::draws::Draws;
use crate::search::cholesky::Cholesky;

/// Standard deviation of a full run's reading near the best rate, as a share of the depth (on those
/// jobs a median of 0.04, tenths 0.012 and 0.115; 0.05, 0.06 and 0.075 at T/2, T/4 and T/8).
const NOISE: f64 = 0.04;
/// Growth of the variance per octave by which a run is shorter than the full one.
const SHORTER: f64 = 0.7;
/// Octaves of the rate, and of the length, over which the noise of one seed loses all but 1/e of
/// its correlation.
const LENGTH: f64 = 1.0;
/// Added, of its own in each reading, as a share of the distance to the best reading of its length:
/// far from the best rate the form matters less.
const SLACK: f64 = 0.2;

/// The noise of some readings.
#[derive(Debug, Clone)]
pub(super) struct Noise {
    /// Standard deviation of what depends on the seed.
    by_seed: Vec<f64>,
    /// Standard deviation of what each reading has of its own.
    own: Vec<f64>,
    factor: Cholesky,
    /// Standard deviation at the best rate, of full runs.
    sd: f64,
}

/// Correlation of what depends on the seed.
fn alike(a: &Reading, b: &Reading) -> f64 {
    if a.seed == b.seed { (-((a.x - b.x).abs() + (a.s - b.s).abs()) / LENGTH).exp() } else { 0.0 }
}

/// How much larger the noise is in runs of length `s` than in full ones, as a factor.
fn growth(s: f64) -> f64 {
    (1.0 - SHORTER * s).max(1.0).sqrt()
}

impl Noise {
    /// Of `readings` of a job that is `depth` deep.
    pub fn new(readings: &[Reading], depth: f64) -> Self {
        let sd = NOISE * depth;
        let by_seed: Vec<f64> = readings.iter().map(|r| sd * growth(r.s)).collect();
        let own = readings.iter().map(|r| {
            let lowest = readings.iter().filter(|o| o.s == r.s).map(|o| o.y).fold(f64::INFINITY, f64::min);
            SLACK * (r.y - lowest) * growth(r.s)
        });
        let own: Vec<f64> = own.collect();
        let covariance = |i: usize, j: usize| covariance(readings, &by_seed, &own, i, j);
        let factor = Cholesky::new(readings.len(), covariance);
        Self { by_seed, own, factor, sd }
    }

    /// Covariance of two readings, by their numbers.
    pub fn covariance(&self, readings: &[Reading], i: usize, j: usize) -> f64 {
        covariance(readings, &self.by_seed, &self.own, i, j)
    }

    /// A draw of the noise of all readings.
    pub fn draw(&self, draws: &mut Draws) -> Vec<f64> {
        self.factor.times(&self.own.iter().map(|_| draws.normal()).collect::<Vec<_>>())
    }

    /// Weights by which the noise of all readings tells that of further ones ([`Noise::at`]).
    pub fn weights(&self, noise: Vec<f64>) -> Vec<f64> {
        self.factor.solve(noise)
    }

    /// Of a further reading near the best rate: its covariance with all readings, and the standard
    /// deviation that is left when their noise is known.
    pub fn at(&self, x: f64, s: f64, seed: u64, readings: &[Reading]) -> (Vec<f64>, f64) {
        let here = Reading { x, s, y: 0.0, seed };
        let sd = self.sd * growth(s);
        let gains: Vec<f64> =
            readings.iter().zip(&self.by_seed).map(|(r, other)| sd * other * alike(r, &here)).collect();
        let known: f64 = self.factor.forward(gains.clone()).iter().map(|z| z * z).sum();
        (gains, (sd * sd - known).max(0.0).sqrt())
    }
}

fn covariance(readings: &[Reading], by_seed: &[f64], own: &[f64], i: usize, j: usize) -> f64 {
    let shared = by_seed[i] * by_seed[j] * alike(&readings[i], &readings[j]);
    if i == j { shared + own[i].powi(2) + 1e-9 } else { shared }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reading(x: f64, seed: u64) -> Reading {
        Reading { x, s: 0.0, y: 0.0, seed }
    }

    #[test]
    fn runs_of_one_seed_share_noise_at_neighbouring_rates_and_other_seeds_share_none() {
        let readings = [reading(0.0, 0), reading(1.0, 0), reading(0.0, 1)];
        let noise = Noise::new(&readings, 1.0);
        let of = |i, j| noise.covariance(&readings, i, j) / NOISE.powi(2);
        assert!((of(0, 1) - (-1f64).exp()).abs() < 1e-9 && of(0, 2) == 0.0);
        // Another run of the same seed beside a known one tells less that is new than one of a new
        // seed.
        let (old, new) = (noise.at(0.25, 0.0, 0, &readings).1, noise.at(0.25, 0.0, 2, &readings).1);
        assert!(old < 0.8 * new && (new - NOISE).abs() < 1e-9, "{old} {new}");
    }
}
