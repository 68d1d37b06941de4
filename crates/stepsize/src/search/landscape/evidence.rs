//! Whether readings look like a landscape of rates or like noise that the rate has no part in.
//!
//! Two models of the log loss are compared by their marginal likelihood (Rasmussen & Williams 2006,
//! section 5.4.1). *Noise*: a line in the octaves of the length, and independent deviations of one
//! unknown size; line and size are integrated out, the line over a range as wide as the depth, the
//! size with the Jeffreys prior. *Landscape*: the two walls, averaged over draws of the prior, with
//! a misfit and a noise that are shares of the depth and smaller where little was learned: rates
//! too low to move anything end alike. A scale of both is integrated out.

use super::prior::Prior;
use super::{Context, PRIOR_DRAWS, Reading, depth, predict};
use crate::draws::Draws;
use crate::search::cholesky::Cholesky;

/// Readings worse than the untrained loss by more than this (in log) are as bad as that: a wall is
/// steep, and how high it goes tells nothing.
const CAP: f64 = 0.1;
/// Standard deviation of the misfit, as a share of the depth, ...
const MISFIT: f64 = 0.1;
/// ... and of the noise between seeds, where as much as at the best rate was learned ...
const NOISE: f64 = 0.04;
/// ... and where nothing was.
const STILL: f64 = 0.01;
/// The misfit has this share of its size where nothing was learned.
const STILL_MISFIT: f64 = 0.2;
/// Growth of the noise's variance per octave by which a run is shorter than the full one.
const SHORTER: f64 = 0.7;
/// Correlation lengths of the misfit, octaves of the rate and of the length.
const LENGTHS: (f64, f64) = (1.3, 2.5);
/// Degrees of freedom of the scale.
const FREEDOM: usize = 20;
/// Readings beyond the parameters of the line that are needed.
const SPARE: usize = 2;

/// Log ratio of the likelihoods of the landscape and of noise; `None` of too few readings.
///
/// `readings` are one of each trial, its last.
pub fn for_a_landscape(readings: &[Reading], context: Context, seed: u64) -> Option<f64> {
    let limit = context.untrained + CAP;
    let readings: Vec<Reading> = readings.iter().map(|r| Reading { y: r.y.min(limit), ..*r }).collect();
    let noise = of_noise(&readings, context)?;
    let covariance = covariance(&readings, context);
    let factor = Cholesky::new(readings.len(), covariance);
    let prior = Prior::new(&readings, context);
    let mut draws = Draws::new(seed, 1);
    let count = readings.len();
    let (mut likelihoods, mut weights) = (Vec::new(), 0.0);
    for _ in 0..PRIOR_DRAWS {
        let p = prior.draw(&mut draws);
        let misses = readings.iter().map(|r| r.y - predict(&p, context.untrained, r.x, r.s).min(limit)).collect();
        let square: f64 = factor.forward(misses).iter().map(|z| z * z).sum();
        let freedom = FREEDOM as f64;
        let bound = prior.log_bound(&p);
        weights += bound.exp();
        likelihoods.push(bound - 0.5 * (freedom + count as f64) * (square / freedom).ln_1p());
    }
    let top = likelihoods.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = top + likelihoods.iter().map(|l| (l - top).exp()).sum::<f64>().ln() - weights.ln();
    let norm = ln_gamma_half(FREEDOM + count)
        - ln_gamma_half(FREEDOM)
        - 0.5 * count as f64 * (FREEDOM as f64 * std::f64::consts::PI).ln();
    Some(mean + norm - factor.half_log_det() - noise)
}

/// Log likelihood of readings that the rate has no part in.
fn of_noise(readings: &[Reading], context: Context) -> Option<f64> {
    let first = readings.first()?.s;
    let sloped = readings.iter().any(|r| r.s != first);
    let free = readings.len().checked_sub(1 + usize::from(sloped)).filter(|free| *free >= SPARE)?;
    let n = readings.len() as f64;
    let mean = |of: &dyn Fn(&Reading) -> f64| readings.iter().map(of).sum::<f64>() / n;
    let (s, y) = (mean(&|r| r.s), mean(&|r| r.y));
    let spread = readings.iter().map(|r| (r.s - s).powi(2)).sum::<f64>();
    let slope = if sloped { readings.iter().map(|r| (r.s - s) * (r.y - y)).sum::<f64>() / spread } else { 0.0 };
    let left: f64 = readings.iter().map(|r| (r.y - y - slope * (r.s - s)).powi(2)).sum();
    let (lines, half_log_det) = if sloped { (2.0, 0.5 * (n * spread).ln()) } else { (1.0, 0.5 * n.ln()) };
    let per_depth = lines * depth(readings, context).ln();
    let likelihood = ln_gamma_half(free) - 0.5 * free as f64 * (std::f64::consts::PI * left.max(1e-12)).ln();
    Some(likelihood - half_log_det - per_depth)
}

/// The covariance of misfit and noise of two readings, by their numbers.
fn covariance(readings: &[Reading], context: Context) -> impl Fn(usize, usize) -> f64 + use<'_> {
    let depth = depth(readings, context);
    let learned = move |r: &Reading| {
        let share = (context.untrained - r.y) / depth;
        if share < 0.0 { 1.0 } else { share.min(1.0) }
    };
    let noise = move |r: &Reading| depth * (1.0 - SHORTER * r.s).max(1.0).sqrt() * (STILL + NOISE * learned(r));
    move |i, j| {
        let (a, b) = (&readings[i], &readings[j]);
        let (dx, ds) = ((a.x - b.x).abs(), (a.s - b.s).abs());
        let size = |r: &Reading| MISFIT * depth * learned(r).max(STILL_MISFIT);
        let misfit = size(a) * size(b) * (-0.5 * ((dx / LENGTHS.0).powi(2) + (ds / LENGTHS.1).powi(2))).exp();
        let shared = if a.seed == b.seed { noise(a) * noise(b) * (-dx - ds).exp() } else { 0.0 };
        misfit + if i == j { noise(a).powi(2) + 1e-9 } else { shared }
    }
}

/// Log of the gamma function of `half / 2`.
fn ln_gamma_half(half: usize) -> f64 {
    let (start, first) = if half.is_multiple_of(2) { (2, 0.0) } else { (1, 0.5 * std::f64::consts::PI.ln()) };
    first + (start..half).step_by(2).map(|k| (k as f64 / 2.0).ln()).sum::<f64>()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    const CONTEXT: Context = Context { untrained: 0.8, ceiling: f64::INFINITY, horizon_free: false };

    fn at(readings: [(f64, f64); 6]) -> Vec<Reading> {
        readings.map(|(x, y)| Reading { x, s: -4.0, y, seed: 0 }).to_vec()
    }

    #[test]
    fn a_basin_is_told_from_the_same_losses_in_another_order() {
        let basin = at([(-13.25, 0.8), (-10.0, 0.77), (-6.75, 0.5), (-5.0, 0.2), (-3.5, 0.1), (-0.25, 0.6)]);
        let shuffled = at([(-13.25, 0.2), (-10.0, 0.77), (-6.75, 0.1), (-5.0, 0.8), (-3.5, 0.6), (-0.25, 0.5)]);
        let (basin, shuffled) = (for_a_landscape(&basin, CONTEXT, 0), for_a_landscape(&shuffled, CONTEXT, 0));
        assert!(basin.unwrap() > 1.0 && shuffled.unwrap() < -3.0, "{basin:?} {shuffled:?}");
    }

    #[test]
    fn a_second_seed_that_ends_elsewhere_speaks_for_noise_and_one_that_agrees_against_it() {
        let first = at([(-13.25, 0.8), (-10.0, 0.77), (-6.75, 0.5), (-5.0, 0.2), (-3.5, 0.1), (-0.25, 0.6)]);
        let again = |y| {
            let mut all = first.clone();
            all.push(Reading { x: -3.5, s: -4.0, y, seed: 1 });
            for_a_landscape(&all, CONTEXT, 0).unwrap()
        };
        assert!(again(0.12) > again(0.5) + 3.0, "{} {}", again(0.12), again(0.5));
    }

    #[test]
    fn too_few_readings_tell_nothing() {
        let few = &at([(-3.0, 0.1), (-6.0, 0.2), (0.0, 0.3), (1.0, 0.3), (2.0, 0.3), (3.0, 0.3)])[..2];
        assert_eq!(for_a_landscape(few, CONTEXT, 0), None);
    }

    #[test]
    fn the_gamma_function_of_halves() {
        assert!((ln_gamma_half(2)).abs() < 1e-12 && (ln_gamma_half(10) - 24f64.ln()).abs() < 1e-12);
        assert!((ln_gamma_half(5) - (0.75 * std::f64::consts::PI.sqrt()).ln()).abs() < 1e-12);
    }
}
