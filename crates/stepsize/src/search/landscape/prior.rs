//! The prior over landscapes, fitted to jobs whose landscape is known.
//!
//! The two-wall form was fitted by robust least squares to everything known about 75 jobs of 19
//! families of the bench (probes at T/64 to T/2 and the truth). Mean and covariance of the fitted
//! shapes are the constants below: the mean by kind of schedule, the covariance pooled, every
//! family weighing the same, outliers drawn in. It is heavy-tailed (Student-t), because a job may
//! be unlike all of them. It leaves open where on the axis of rates the landscape lies. It places
//! the floor below the lowest reading by what longer runs gained on those jobs, as a share of the
//! depth seen.

use super::{Context, DIM, Params, Reading, depth};
use crate::draws::Draws;

/// Numbers that describe the shape: gap `xr - x0`, log slopes of the left and of the right wall,
/// shift `c`.
const SHAPE: usize = 4;
/// Mean shape where the schedule ignores the horizon.
const FREE: [f64; SHAPE] = [8.28, 0.20, 0.33, -0.21];
/// Mean shape where the schedule is compressed with the run.
const DECAYED: [f64; SHAPE] = [8.25, 0.32, 0.23, -0.23];
/// Cholesky factor of the covariance of shapes.
const FACTOR: [[f64; SHAPE]; SHAPE] =
    [[5.16, 0.0, 0.0, 0.0], [0.01, 0.55, 0.0, 0.0], [0.0, 0.29, 0.92, 0.0], [-0.53, -0.06, 0.14, 0.43]];
/// Degrees of freedom of the prior.
const FREEDOM: f64 = 6.0;
/// The best reading is assumed to lie this many octaves below the right wall of its length ...
const BELOW: f64 = 2.0;
/// ... give or take this many (on the fit jobs 1.3 and 3.1).
const PLACE_SD: f64 = 4.0;
/// The log of the depth at the floor is that of the depth seen plus `DEEPER - DEEPER_FALL * s`
/// (medians on the fit jobs: 0.12 at T/2, 0.2 at T/4, 0.4 at T/8, 0.7 at T/16, with long tails
/// above) ...
const DEEPER: f64 = 0.15;
const DEEPER_FALL: f64 = 0.2;
/// ... give or take this at a full run, and half of it more per octave.
const DEEPER_SD: f64 = 0.3;
/// A rate that exploded bounds the right wall from above, to this many octaves.
const BOUND_SD: f64 = 0.7;

/// The prior for one set of readings.
pub(super) struct Prior {
    /// The lowest reading.
    best: Reading,
    depth: f64,
    depth_sd: f64,
    mean: [f64; SHAPE],
    context: Context,
}

impl Prior {
    pub fn new(readings: &[Reading], context: Context) -> Self {
        let best = readings.iter().min_by(|a, b| a.y.total_cmp(&b.y)).copied().unwrap_or(Reading {
            x: -6.64,
            s: -4.0,
            y: context.untrained,
            seed: 0,
        });
        let mean = if context.horizon_free { FREE } else { DECAYED };
        let depth = depth(readings, context).ln() + DEEPER - DEEPER_FALL * best.s;
        Self { best, depth, depth_sd: DEEPER_SD * (1.0 - 0.5 * best.s), mean, context }
    }

    pub fn draw(&self, draws: &mut Draws) -> Params {
        let z: [f64; SHAPE] = std::array::from_fn(|_| draws.normal());
        let shape = |i: usize| self.mean[i] + (0..=i).map(|j| FACTOR[i][j] * z[j]).sum::<f64>();
        let xr = self.best.x + BELOW + PLACE_SD * draws.normal() + shape(3) * self.best.s;
        let depth = self.depth + self.depth_sd * draws.normal();
        [depth, xr - shape(0), shape(1), xr, shape(2), shape(3)]
    }

    pub fn log_density(&self, p: &Params) -> f64 {
        let [depth, x0, la, xr, lb, c]: [f64; DIM] = *p;
        let shape = [xr - x0, la, lb, c];
        let mut z = [0.0; SHAPE];
        for i in 0..SHAPE {
            let known: f64 = (0..i).map(|j| FACTOR[i][j] * z[j]).sum();
            z[i] = (shape[i] - self.mean[i] - known) / FACTOR[i][i];
        }
        let distance: f64 = z.iter().map(|z| z * z).sum();
        let place = (xr - c * self.best.s - self.best.x - BELOW) / PLACE_SD;
        let depth = (depth - self.depth) / self.depth_sd;
        self.log_bound(p)
            - 0.5 * (FREEDOM + SHAPE as f64) * (distance / FREEDOM).ln_1p()
            - 0.5 * (place.powi(2) + depth.powi(2))
    }

    /// The part of the density that keeps the right wall below what exploded. Draws do not know it.
    pub fn log_bound(&self, p: &Params) -> f64 {
        let ceiling = self.context.ceiling;
        if ceiling.is_finite() { -0.5 * ((p[3] - ceiling - 1.0).max(0.0) / BOUND_SD).powi(2) } else { 0.0 }
    }
}
