//! The prior over landscapes, fitted to jobs whose landscape is known.
//!
//! The two-wall form was fitted by least squares to everything known about 40 jobs of the bench
//! (probes at T/16, T/8 and T/4 and the truth). Mean and covariance of the fitted shapes are the
//! constants below: the mean by kind of schedule, the covariance pooled, times 1.2 for jobs that
//! were not seen. It is heavy-tailed (Student-t), because a job may be unlike all of them. It
//! leaves open where on the axis of rates the landscape lies. It places the floor below the lowest
//! reading by what longer runs gained on those jobs.

use super::{Context, DIM, Params, Reading};
use crate::draws::Draws;

/// Numbers that describe the shape: depth `I - f`, gap `xr - x0`, log slopes of the left and of the
/// right wall, shift `c`.
const SHAPE: usize = 5;
/// Mean shape where the schedule ignores the horizon.
const FREE: [f64; SHAPE] = [2.30, 10.77, 0.12, -0.12, 0.07];
/// Mean shape where the schedule is compressed with the run.
const DECAYED: [f64; SHAPE] = [2.84, 10.48, 0.12, 0.18, 0.03];
/// Cholesky factor of the covariance of shapes.
const FACTOR: [[f64; SHAPE]; SHAPE] = [
    [1.81, 0.0, 0.0, 0.0, 0.0],
    [1.83, 2.79, 0.0, 0.0, 0.0],
    [0.08, 0.29, 0.51, 0.0, 0.0],
    [0.50, 0.27, 0.28, 0.80, 0.0],
    [-0.36, -0.06, 0.24, 0.02, 0.66],
];
/// Degrees of freedom of the prior.
const FREEDOM: f64 = 6.0;
/// The best reading is assumed to lie this many octaves below the right wall ...
const BELOW: f64 = 2.0;
/// ... give or take this many.
const PLACE_SD: f64 = 4.0;
/// The floor is the lowest log reading plus `FLOOR + FLOOR_FALL * s` (measured: -0.6 at T/16, -0.4
/// at T/8, -0.3 at T/4) ...
const FLOOR: f64 = -0.1;
const FLOOR_FALL: f64 = 0.15;
/// ... give or take this.
const FLOOR_SD: f64 = 0.6;
/// A rate that exploded bounds the right wall from above, to this many octaves.
const BOUND_SD: f64 = 0.7;

/// The prior for one set of readings.
pub(super) struct Prior {
    place: f64,
    floor: f64,
    mean: [f64; SHAPE],
    context: Context,
}

impl Prior {
    pub fn new(readings: &[Reading], context: Context) -> Self {
        let best = readings.iter().min_by(|a, b| a.y.total_cmp(&b.y)).copied().unwrap_or(Reading {
            x: -6.64,
            s: -4.0,
            y: context.untrained,
        });
        let mean = if context.horizon_free { FREE } else { DECAYED };
        Self { place: best.x - mean[1] + BELOW, floor: best.y + FLOOR + FLOOR_FALL * best.s, mean, context }
    }

    pub fn draw(&self, draws: &mut Draws) -> Params {
        let z: [f64; SHAPE] = std::array::from_fn(|_| draws.normal());
        let shape = |i: usize| self.mean[i] + (0..=i).map(|j| FACTOR[i][j] * z[j]).sum::<f64>();
        let x0 = self.place + PLACE_SD * draws.normal();
        let f = self.floor + FLOOR_SD * draws.normal();
        [f, x0, shape(2), x0 + shape(1), shape(3), shape(4)]
    }

    pub fn log_density(&self, p: &Params) -> f64 {
        let [f, x0, la, xr, lb, c]: [f64; DIM] = *p;
        let shape = [self.context.untrained - f, xr - x0, la, lb, c];
        let mut z = [0.0; SHAPE];
        for i in 0..SHAPE {
            let known: f64 = (0..i).map(|j| FACTOR[i][j] * z[j]).sum();
            z[i] = (shape[i] - self.mean[i] - known) / FACTOR[i][i];
        }
        let distance: f64 = z.iter().map(|z| z * z).sum();
        let place = (x0 - self.place) / PLACE_SD;
        let floor = (f - self.floor) / FLOOR_SD;
        let bound =
            if self.context.ceiling.is_finite() { (xr - self.context.ceiling - 1.0).max(0.0) / BOUND_SD } else { 0.0 };
        -0.5 * (FREEDOM + SHAPE as f64) * (distance / FREEDOM).ln_1p()
            - 0.5 * (place.powi(2) + floor.powi(2) + bound.powi(2))
    }
}
