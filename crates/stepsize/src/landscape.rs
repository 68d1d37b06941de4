//! [`Landscape`]: the posterior over the loss of a full run as a function of the rate, from readings of short runs.
//!
//! Model ("two walls"). With `x = log2 lr`, `s = log2(n/T) <= 0` for a probe of `n` steps, `I` the untrained loss:
//!
//! ```text
//! loss(x, s) = F + max(I - F, 0.02 I) / (1 + 2^(a (x + s - x0)))  +  0.1 I 2^(b (x - xr + c s))
//!              floor   left wall: progress, of lr x n only           right wall: noise and instability
//! ```
//!
//! On the left a run is limited by how far it moves, which depends on `lr x n` alone (gradient flow). On the right it is
//! limited by noise, instability or overfitting, which shifts with the horizon by `c` octaves an octave: 0 a fixed
//! wall, 1 overfitting in `lr x n`, below 0 noise that longer schedules anneal. So the horizon shift of the best rate
//! is fitted and not assumed.
//!
//! Priors are wide normals, the likelihood is Student-t with 4 degrees of freedom on log loss, tempered because
//! readings of one seed share their noise; the posterior is sampled by affine-invariant stretch moves (Goodman & Weare
//! 2010). Everything is seeded: the same readings give the same samples.

mod discrepancy;

use crate::draws::Draws;
use discrepancy::Discrepancy;

/// One reading: log loss `y` at `x = log2 lr` after a run of `n` steps, `s = log2(n / T)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Reading {
    /// `log2 lr`.
    pub x: f64,
    /// `log2(n / T)`, 0 for a full run.
    pub s: f64,
    /// Natural logarithm of the loss.
    pub y: f64,
}

/// What is known beside the readings.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Context {
    /// Log of the untrained loss.
    pub untrained: f64,
    /// Lowest `log2 lr` that diverged; infinite when none did.
    pub ceiling: f64,
    /// Whether the schedule ignores the horizon (constant): the right wall then moves more.
    pub horizon_free: bool,
}

/// Number of parameters: floor `f = ln F`, left-wall place `x0` and log slope, right-wall place `xr`, log slope, shift `c`.
const DIM: usize = 6;
type Params = [f64; DIM];

/// Weight on the log likelihood: readings share a seed and the model is wrong, so they count for less than they say.
const TEMPER: f64 = 0.4;
/// Readings worse than the untrained loss by more than this (in log) say only "broken".
const CAP: f64 = 0.7;
const WALKERS: usize = 48;
const PRIOR_DRAWS: usize = 1500;
const ROUNDS: usize = 160;
const BURN_IN: usize = 96;
const THIN: usize = 8;

/// Posterior samples of the landscape.
#[derive(Debug, Clone)]
pub struct Landscape {
    samples: Vec<Params>,
    /// For each sample, a draw of what the two walls leave unsaid.
    discrepancies: Vec<Discrepancy>,
    readings: Vec<Reading>,
    untrained: f64,
}

struct Prior {
    mean: Params,
    sd: Params,
    context: Context,
}

impl Prior {
    fn new(readings: &[Reading], context: Context) -> Self {
        let best = readings.iter().min_by(|a, b| a.y.total_cmp(&b.y)).copied().unwrap_or(Reading {
            x: -6.64,
            s: -4.0,
            y: context.untrained,
        });
        let shift = if context.horizon_free { (0.4, 0.5) } else { (0.0, 0.3) };
        Self {
            mean: [best.y - 0.7, best.x + best.s - 2.0, -0.2, best.x + 2.0, 0.2, shift.0],
            sd: [0.5, 3.5, 0.8, 3.0, 0.7, shift.1],
            context,
        }
    }

    fn log_density(&self, p: &Params) -> f64 {
        let normal: f64 = (0..DIM).map(|i| ((p[i] - self.mean[i]) / self.sd[i]).powi(2)).sum();
        let wall = if self.context.ceiling.is_finite() {
            ((p[3] - self.context.ceiling - 1.0).max(0.0) / 0.7).powi(2)
        } else {
            0.0
        };
        -0.5 * (normal + wall)
    }
}

fn predict(p: &Params, untrained: f64, x: f64, s: f64) -> f64 {
    let (floor, start) = (p[0].exp(), untrained.exp());
    let progress = (p[2].exp() * (x + s - p[1])).clamp(-43.0, 43.0).exp2();
    let noise = (p[4].exp() * (x - p[3] + p[5] * s)).clamp(-43.0, 5.0).exp2();
    (floor + (start - floor).max(0.02 * start) / (1.0 + progress) + 0.1 * start * noise).ln()
}

/// Readings with the weights of the likelihood.
struct Evidence {
    readings: Vec<(Reading, f64)>,
    untrained: f64,
}

impl Evidence {
    fn new(readings: &[Reading], context: Context) -> Self {
        let longest = readings.iter().map(|r| r.s).fold(f64::NEG_INFINITY, f64::max);
        let capped: Vec<Reading> =
            readings.iter().map(|r| Reading { y: r.y.min(context.untrained + CAP), ..*r }).collect();
        let weighted = capped
            .iter()
            .map(|r| {
                let lowest = capped.iter().filter(|o| o.s == r.s).map(|o| o.y).fold(f64::INFINITY, f64::min);
                // Away from the best rate the form matters less than near it; short readings count for less.
                let sd = (0.03f64.powi(2) + (0.2 * (r.y - lowest)).powi(2)).sqrt();
                (*r, sd * (1.0 + 0.3 * (longest - r.s)).sqrt())
            })
            .collect();
        Self { readings: weighted, untrained: context.untrained }
    }

    fn log_likelihood(&self, p: &Params) -> f64 {
        let sum: f64 = self
            .readings
            .iter()
            .map(|(r, sd)| {
                let z = (r.y - predict(p, self.untrained, r.x, r.s)) / sd;
                -2.5 * (z * z / 4.0).ln_1p()
            })
            .sum();
        TEMPER * sum
    }
}

impl Landscape {
    /// Samples the posterior given `readings`. The same readings and seed give the same samples.
    pub fn fit(readings: &[Reading], context: Context, seed: u64) -> Self {
        let mut draws = Draws::new(seed, 0);
        let prior = Prior::new(readings, context);
        let evidence = Evidence::new(readings, context);
        let density = |p: &Params| prior.log_density(p) + evidence.log_likelihood(p);

        let mut candidates: Vec<(f64, Params)> = (0..PRIOR_DRAWS)
            .map(|_| {
                let p = std::array::from_fn(|i| prior.mean[i] + prior.sd[i] * draws.normal());
                (density(&p), p)
            })
            .collect();
        candidates.sort_by(|a, b| b.0.total_cmp(&a.0));
        let mut walkers: Vec<(f64, Params)> = candidates[..WALKERS]
            .iter()
            .map(|(_, p)| {
                let p = std::array::from_fn(|i| p[i] + 0.02 * prior.sd[i] * draws.normal());
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
        let kept: Vec<(Reading, f64)> =
            evidence.readings.iter().filter(|(r, _)| r.y < context.untrained).copied().collect();
        let gains = discrepancy::Gains::new(&kept);
        let discrepancies = samples
            .iter()
            .map(|p| {
                let residual = |r: &Reading| r.y - predict(p, context.untrained, r.x, r.s);
                Discrepancy::draw(&kept, &gains, residual, &mut draws)
            })
            .collect();
        let readings = kept.iter().map(|(r, _)| *r).collect();
        Self { samples, discrepancies, readings, untrained: context.untrained }
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.samples.len()
    }

    /// Whether there are no samples (there always are).
    pub fn is_empty(&self) -> bool {
        self.samples.is_empty()
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
