//! [`Shape`]: how a ramp goes from one value to another.
//!
//! With `p = t/n` in 0..1, a ramp is `from * w(p) + to * (1 - w(p))`, where `w` falls from 1 to 0.
//! The sum of two non-negative terms keeps full relative precision at both ends, where the textbook
//! form `to + (from - to) * w` cancels.
//!
//! Where a ramp begins and how long it is: see [`super::Schedule::ramp`].

use crate::{Error, Result};
use std::f64::consts::FRAC_PI_2;

/// The path of a ramp between its two values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Shape {
    /// `w = 1 - p`.
    Linear,
    /// `w = (1 + cos(pi p))/2` (Loshchilov & Hutter 2016, eq. 5). Computed as `sin^2(pi (1-p)/2)`,
    /// which does not cancel.
    Cosine,
    /// `w = ((1 + cos(pi p))/2)^exponent` (optax `cosine_decay_schedule`).
    CosinePower(f64),
    /// `from * (to/from)^p`; both ends must be above zero.
    Exponential,
    /// `w = 1 - sqrt(p)`: the "1-sqrt" cool-down (Hagele et al. 2024).
    Sqrt,
    /// `w = (1 - p)^power` (optax `polynomial_schedule`).
    Power(f64),
}

impl Shape {
    /// Rejects exponents that are not finite and above zero.
    pub(super) fn check(self, from: f64, to: f64) -> Result<Self> {
        match self {
            Shape::CosinePower(e) | Shape::Power(e) if !(e.is_finite() && e > 0.0) => {
                Err(Error::invalid(format!("the exponent of a ramp must be finite and above zero, not {e}")))
            }
            Shape::Exponential if from <= 0.0 || to <= 0.0 => Err(Error::invalid(format!(
                "an exponential ramp needs both ends above zero, not {from} to {to}; give a small positive end"
            ))),
            shape => Ok(shape),
        }
    }

    /// Value at time `t` of a ramp over `n` > 0; `t` is clamped to 0..n.
    pub(super) fn between(self, from: f64, to: f64, t: f64, n: f64) -> f64 {
        let t = t.clamp(0.0, n);
        let (left, gone) = ((n - t) / n, t / n);
        let (w, v) = match self {
            Shape::Linear => (left, gone),
            Shape::Cosine => ((FRAC_PI_2 * left).sin().powi(2), (FRAC_PI_2 * gone).sin().powi(2)),
            Shape::CosinePower(e) => both((FRAC_PI_2 * left).sin().powi(2).powf(e)),
            Shape::Power(e) => both(left.powf(e)),
            Shape::Sqrt => (1.0 - gone.sqrt(), gone.sqrt()),
            Shape::Exponential if t >= n => (0.0, 1.0),
            Shape::Exponential => return from * (to / from).powf(gone),
        };
        from * w + to * v
    }
}

fn both(w: f64) -> (f64, f64) {
    (w, 1.0 - w)
}
