//! [`Landscape`]: a posterior over the loss of a full run as a function of the rate, from readings
//! of short runs.
//!
//! Model ("two walls"). With `x = log2 lr`, `s = log2(n/T) <= 0` for a probe of `n` steps, `I` the
//! untrained loss:
//!
//! ```text
//! loss(x, s) = F + max(I - F, 0.02 I) / (1 + 2^(a (x + s - x0)))  +  0.1 I 2^(b (x - xr + c s))
//!              floor   left wall: progress, by lr x n only           right wall: noise, breaking
//! ```
//!
//! On the left a run is limited by how far it moves, which depends on `lr x n` alone (gradient
//! flow). On the right it is limited by noise, instability or overfitting. That wall shifts with
//! the horizon by `c` octaves an octave: 0 is a fixed wall, 1 is overfitting in `lr x n`, below 0
//! is noise that longer schedules anneal. So the shift of the best rate with the horizon is fitted,
//! not assumed.
//!
//! No such form fits every job. What it leaves out is a Gaussian process on the log loss (the
//! discrepancy of Kennedy & O'Hagan 2001), which is part of the likelihood: readings close to each
//! other share their deviations and count for less. Misfit and seed noise grow in proportion to how
//! far the loss of a job falls (its depth, in log loss): over jobs whose depths differ a
//! hundredfold their ratio to the depth changes by a factor of about 3. So both are stated as
//! shares of the depth. The scale of all misfit is still unknown and integrated out: the likelihood
//! is a multivariate Student-t, and the draws of the discrepancy have the scale that goes with it.
//! The prior over the shape was fitted to jobs whose landscape is known (empirical Bayes). The
//! posterior is sampled by affine-invariant stretch moves (Goodman & Weare 2010). Everything is
//! seeded: the same readings give the same samples.

mod discrepancy;
mod evidence;
mod noise;
mod prior;

use crate::draws::Draws;
use discrepancy::{Discrepancy, Gains};
pub(crate) use evidence::for_a_landscape;
use noise::Noise;
use prior::Prior;

/// One reading: log loss `y` at `x = log2 lr` after a run of `n` steps, `s = log2(n / T)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// `log2 lr`.
    pub x: f64,
    /// `log2(n / T)`, 0 for a full run.
    pub s: f64,
    /// Natural logarithm of the loss.
    pub y: f64,
    /// Seed of the run: readings of one seed share part of their noise.
    pub seed: u64,
}

/// What is known besides the readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    /// Log of the untrained loss.
    pub untrained: f64,
    /// Lowest `log2 lr` that diverged; infinite when none did.
    pub ceiling: f64,
    /// Whether the schedule ignores the horizon (constant): the right wall then moves more.
    pub horizon_free: bool,
}

/// Number of parameters. They are: log of the depth `ln(ln I - ln F)`, left-wall place `x0` and log
/// slope, right-wall place `xr`, log slope, shift `c`.
const DIM: usize = 6;
type Params = [f64; DIM];

/// Readings worse than the untrained loss by more than this (in log) say only "broken".
const CAP: f64 = 0.7;
/// A job is taken to be this deep at least.
const LEAST_DEPTH: f64 = 0.05;
/// Degrees of freedom of the likelihood.
const FREEDOM: f64 = 4.0;
// Sizes of the sampler. Not tuned, but measured: on 12 made-up landscapes with 4 to 10 readings,
// and 4 seeds each, the rate with the least expected regret and both ends of the 80 % interval lie
// 0.19 to 0.25 octaves (root mean square) from those of a sampler with 4 times the walkers and
// draws and 10 times the rounds kept. That is one step of the lattice of rates. Twice the walkers,
// twice the draws of the prior, 80 rounds more of burn-in, or half the thinning change the distance
// of the rate by less than 0.03 octaves, and a quarter of the draws or of the burn-in by less than
// 0.04. Only more rounds kept help (5 times: 0.13 to 0.17), at their full price in time.
/// Walkers of the sampler: eight a parameter.
const WALKERS: usize = 48;
/// Draws from the prior; the best of them are where the walkers start.
const PRIOR_DRAWS: usize = 3000;
/// Rounds in which every walker is offered one move.
const ROUNDS: usize = 200;
/// Rounds before samples are kept.
const BURN_IN: usize = 120;
/// Of the rounds after that, one in so many is kept.
const THIN: usize = 8;
/// The walkers start this far around the best draws of the prior.
const JITTER: f64 = 0.02;

/// Posterior samples of the landscape.
#[derive(Debug, Clone)]
pub struct Landscape {
    samples: Vec<Params>,
    /// For each sample, a draw of the discrepancy.
    discrepancies: Vec<Discrepancy>,
    readings: Vec<Reading>,
    noise: Noise,
    /// For each sample, what tells the noise of further readings of the same seeds.
    shared: Vec<Vec<f64>>,
    untrained: f64,
}

/// By how much the lowest reading lies below the untrained log loss.
fn depth(readings: &[Reading], context: Context) -> f64 {
    let lowest = readings.iter().map(|r| r.y).fold(context.untrained, f64::min);
    (context.untrained - lowest).max(LEAST_DEPTH)
}

fn predict(p: &Params, untrained: f64, x: f64, s: f64) -> f64 {
    let (floor, start) = ((untrained - p[0].exp()).exp(), untrained.exp());
    let progress = (p[2].exp() * (x + s - p[1])).clamp(-43.0, 43.0).exp2();
    let noise = (p[4].exp() * (x - p[3] + p[5] * s)).clamp(-43.0, 5.0).exp2();
    (floor + (start - floor).max(0.02 * start) / (1.0 + progress) + 0.1 * start * noise).ln()
}

/// Readings with their noise, and the covariance of all that the two walls leave out.
struct NoisyReadings {
    readings: Vec<Reading>,
    noise: Noise,
    gains: Gains,
    untrained: f64,
}

impl NoisyReadings {
    fn new(readings: &[Reading], context: Context) -> Self {
        let depth = depth(readings, context);
        let readings: Vec<Reading> =
            readings.iter().map(|r| Reading { y: r.y.min(context.untrained + CAP), ..*r }).collect();
        let noise = Noise::new(&readings, depth);
        let gains = Gains::new(&readings, &noise, depth);
        Self { readings, noise, gains, untrained: context.untrained }
    }

    fn misses(&self, p: &Params) -> Vec<f64> {
        self.readings.iter().map(|r| r.y - predict(p, self.untrained, r.x, r.s)).collect()
    }

    fn log_likelihood(&self, p: &Params) -> f64 {
        let count = self.readings.len() as f64;
        -0.5 * (FREEDOM + count) * (self.gains.square(self.misses(p)) / FREEDOM).ln_1p()
    }

    /// A draw of the scale of all misfit, given the misses of one sample (inverse chi-square).
    fn scale(&self, misses: Vec<f64>, draws: &mut Draws) -> f64 {
        let chi_square: f64 = (0..FREEDOM as usize + misses.len()).map(|_| draws.normal().powi(2)).sum();
        ((FREEDOM + self.gains.square(misses)) / chi_square).sqrt()
    }
}

impl Landscape {
    /// Samples the posterior given `readings`. The same readings and seed give the same samples.
    pub fn fit(readings: &[Reading], context: Context, seed: u64) -> Self {
        let mut draws = Draws::new(seed, 0);
        let prior = Prior::new(readings, context);
        let evidence = NoisyReadings::new(readings, context);
        let density = |p: &Params| prior.log_density(p) + evidence.log_likelihood(p);

        let mut candidates: Vec<(f64, Params)> = (0..PRIOR_DRAWS)
            .map(|_| {
                let p = prior.draw(&mut draws);
                (density(&p), p)
            })
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut walkers: Vec<(f64, Params)> = candidates[..WALKERS]
            .iter()
            .map(|(_, p)| {
                let p = std::array::from_fn(|i| p[i] + JITTER * draws.normal());
                (density(&p), p)
            })
            .collect();

        let half = WALKERS / 2;
        let mut samples = Vec::new();
        for round in 0..ROUNDS {
            for side in 0..2 {
                for w in side * half..(side + 1) * half {
                    let other = (1 - side) * half + ((draws.uniform() * half as f64) as usize).min(half - 1);
                    let z = (1.0 + draws.uniform()).powi(2) / 2.0;
                    let (anchor, here) = (walkers[other].1, walkers[w].1);
                    let p: Params = std::array::from_fn(|i| anchor[i] + z * (here[i] - anchor[i]));
                    let d = density(&p);
                    if draws.uniform().ln() < (DIM - 1) as f64 * z.ln() + d - walkers[w].0 {
                        walkers[w] = (d, p);
                    }
                }
            }
            if round >= BURN_IN && round % THIN == 0 {
                samples.extend(walkers.iter().map(|w| w.1));
            }
        }
        let NoisyReadings { readings, noise, gains, untrained } = &evidence;
        let (discrepancies, shared) = samples
            .iter()
            .map(|p| {
                let misses = evidence.misses(p);
                let scale = evidence.scale(misses.clone(), &mut draws);
                let discrepancy = Discrepancy::draw(readings, noise, gains, &misses, scale, &mut draws);
                let left = readings.iter().zip(misses).map(|(r, miss)| miss - discrepancy.at(r.x, r.s, readings));
                let shared = noise.weights(left.collect());
                (discrepancy, shared)
            })
            .unzip();
        let untrained = *untrained;
        let NoisyReadings { readings, noise, .. } = evidence;
        Self { samples, discrepancies, readings, noise, shared, untrained }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Always `false`: a fit has samples.
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
    }

    /// The reading at `x` and `s` of a run with `seed`, as each sample expects it, and the standard
    /// deviation about that.
    pub fn next_reading(&self, x: f64, s: f64, seed: u64) -> (Vec<f64>, f64) {
        let (gains, sd) = self.noise.at(x, s, seed, &self.readings);
        let losses = self.losses(x, s).into_iter().zip(&self.shared);
        let known = |shared: &[f64]| gains.iter().zip(shared).map(|(g, w)| g * w).sum::<f64>();
        (losses.map(|(y, shared)| y + known(shared)).collect(), sd)
    }

    /// Log loss at `x` and `s` under each sample.
    pub fn losses(&self, x: f64, s: f64) -> Vec<f64> {
        self.samples
            .iter()
            .zip(&self.discrepancies)
            .map(|(p, d)| predict(p, self.untrained, x, s) + d.at(x, s, &self.readings))
            .collect()
    }
}
