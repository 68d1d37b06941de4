//! Named schedules, composed of the primitives. Each says what it equals and where it comes from.

use super::{OneCycle, Schedule, Shape, check_steps, checked};
use crate::{Error, Result};

impl Schedule {
    /// From 1 straight to 0 over `steps` (transformers `get_linear_schedule_with_warmup` after its
    /// warm-up).
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn linear(steps: u64) -> Result<Self> {
        Self::ramp(1.0, 0.0, steps, Shape::Linear)
    }

    /// From 1 to 0 over `steps` along half a cosine (Loshchilov & Hutter 2016).
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn cosine(steps: u64) -> Result<Self> {
        Self::ramp(1.0, 0.0, steps, Shape::Cosine)
    }

    /// From 1 to `floor` as `(1 - step/steps)^power` (PyTorch `PolynomialLR`, optax
    /// `polynomial_schedule`).
    ///
    /// # Errors
    /// When `steps` is zero or `power` is not above zero.
    pub fn polynomial(steps: u64, power: f64, floor: f64) -> Result<Self> {
        Self::ramp(1.0, floor, steps, Shape::Power(power))
    }

    /// From 0 straight to 1 over `steps` (Goyal et al. 2017): step 0 has factor 0, step `steps`
    /// factor 1.
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn warmup(steps: u64) -> Result<Self> {
        Self::ramp(0.0, 1.0, steps, Shape::Linear)
    }

    /// From `from` to 1 over `steps`. [`Shape::Sqrt`] means the mirror image of the 1-sqrt decay,
    /// `1 - sqrt(1 - p)` (transformers `warmup_type="1-sqrt"`).
    ///
    /// # Errors
    /// When `steps` is zero, or `from` is not a legal factor, or is zero with
    /// [`Shape::Exponential`].
    pub fn warmup_with(steps: u64, from: f64, shape: Shape) -> Result<Self> {
        let shape = if shape == Shape::Sqrt { Shape::Power(0.5) } else { shape };
        Self::ramp(from, 1.0, steps, shape)
    }

    /// `factor` for `steps` (PyTorch `ConstantLR` before its end: a constant warm-up).
    ///
    /// # Errors
    /// When `steps` is zero or `factor` is not a legal factor.
    pub fn hold(factor: f64, steps: u64) -> Result<Self> {
        Self::flat(factor)?.take(steps)
    }

    /// `1/(1 + rate step/every)` (keras `InverseTimeDecay`), endless.
    ///
    /// # Errors
    /// When `rate` is negative or `every` is not above zero.
    pub fn inverse_time(rate: f64, every: f64) -> Result<Self> {
        Self::inverse(rate, every, 1.0, false)
    }

    /// `1/sqrt(1 + step/timescale)` (transformers `get_inverse_sqrt_schedule` after its warm-up),
    /// endless.
    ///
    /// # Errors
    /// When `timescale` is not above zero.
    pub fn inverse_sqrt(timescale: f64) -> Result<Self> {
        Self::inverse(1.0, timescale, 0.5, false)
    }

    /// `model^-1/2 min(s^-1/2, s warmup^-3/2)` with `s = step + 1` (Vaswani et al. 2017, section
    /// 5.3); without `model` the same shape with peak 1. Equals a straight warm-up over
    /// `warmup - 1` steps, then an inverse square root.
    ///
    /// # Errors
    /// When `warmup` is zero or `model` is not above zero.
    pub fn noam(warmup: u64, model: Option<f64>) -> Result<Self> {
        check_steps(warmup)?;
        let w = warmup as f64;
        let decay = Self::inverse_sqrt(w)?;
        let shape =
            if warmup == 1 { decay } else { Self::ramp(1.0 / w, 1.0, warmup - 1, Shape::Linear)?.then(decay)? };
        match model {
            None => Ok(shape),
            Some(model) if model > 0.0 && model.is_finite() => {
                Self::product(vec![Self::flat(1.0 / (model * w).sqrt())?, shape])
            }
            Some(model) => Err(Error::invalid(format!("the width of a model must be above zero, not {model}"))),
        }
    }

    /// Multiplied by `factor` at each of `milestones` (PyTorch `MultiStepLR`), endless.
    ///
    /// # Errors
    /// When the milestones do not rise from above zero.
    pub fn multi_step(factor: f64, milestones: &[u64]) -> Result<Self> {
        let values = (1..=milestones.len()).map(|i| factor.powi(i as i32));
        Self::piecewise(None, 1.0, &milestones.iter().copied().zip(values).collect::<Vec<_>>())
    }

    /// `first` at step 0 and each of `points` (step, factor) from its step on; between them
    /// constant (`None`) or along a ramp (optax `piecewise_constant_schedule`,
    /// `piecewise_interpolate_schedule`); endless, or ending at the last point.
    ///
    /// # Errors
    /// When there is no point, or their steps do not rise from above zero.
    pub fn piecewise(shape: Option<Shape>, first: f64, points: &[(u64, f64)]) -> Result<Self> {
        let (mut begin, mut value, mut parts) = (0, first, Vec::new());
        for &(step, next) in points {
            if step <= begin {
                return Err(Error::invalid(format!("milestones must rise from above 0, but {step} follows {begin}")));
            }
            parts.push(match shape {
                None => Self::hold(value, step - begin)?,
                Some(shape) => Self::ramp(value, next, step - begin, shape)?,
            });
            (begin, value) = (step, next);
        }
        if shape.is_none() {
            parts.push(Self::flat(value)?);
        }
        Self::sequence(parts)
    }

    /// Cosine decay with warm restarts (Loshchilov & Hutter 2016): cycle i lasts
    /// `period * stretch^i` and its height above `floor` is `gain^i` (PyTorch
    /// `CosineAnnealingWarmRestarts`, keras `CosineDecayRestarts`); endless.
    ///
    /// # Errors
    /// When `period` is zero, `floor` is above 1, or `stretch` or `gain` is out of range.
    pub fn sgdr(period: u64, stretch: f64, gain: f64, floor: f64) -> Result<Self> {
        above(floor, Self::repeat_with(Self::cosine(period)?, None, stretch, gain)?)
    }

    /// One-cycle of `steps` with PyTorch's defaults: see [`OneCycle::new`].
    ///
    /// # Errors
    /// When `steps` is zero.
    pub fn one_cycle(steps: u64) -> Result<Self> {
        Self::one_cycle_with(OneCycle::new(steps))
    }

    /// Cyclical rate (Smith 2015): `up` steps from `low` to 1, `down` steps back, endless (PyTorch
    /// `CyclicLR`). `fade` multiplies the height above `low`: a factor of 1/2 a cycle makes
    /// "triangular2", an exponential "exp_range".
    ///
    /// # Errors
    /// When `up` or `down` is zero or `low` is above 1.
    pub fn triangular(up: u64, down: u64, low: f64, fade: Option<Schedule>) -> Result<Self> {
        let wave = Self::repeat(Self::warmup(up)?.then(Self::linear(down)?)?, None)?;
        match fade {
            None => above(low, wave),
            Some(fade) => above(low, Self::product(vec![wave, fade])?),
        }
    }

    /// Flat, then along a half cosine to 0 (fastai `fit_flat_cos`).
    ///
    /// # Errors
    /// When `flat` or `decay` is zero.
    pub fn flat_cosine(flat: u64, decay: u64) -> Result<Self> {
        Self::wsd(flat, decay, Shape::Cosine, 0.0)
    }

    /// Stable, then decay to `floor`: the last two phases of warm-up-stable-decay (Hu et al. 2024;
    /// transformers `get_wsd_schedule`). Put a warm-up before it with [`Schedule::then`].
    ///
    /// # Errors
    /// When `stable` or `decay` is zero or `floor` is not a legal factor.
    pub fn wsd(stable: u64, decay: u64, shape: Shape, floor: f64) -> Result<Self> {
        Self::hold(1.0, stable)?.then(Self::ramp(1.0, floor, decay, shape)?)
    }

    /// Range test (Smith 2015): `ratio^(k/(steps-1))` at step k, or the straight line, from 1 at
    /// the first step to `ratio` at the last.
    ///
    /// # Errors
    /// When `steps` is below 2 or `ratio` is not above zero.
    pub fn range_test(ratio: f64, steps: u64, shape: Shape) -> Result<Self> {
        if steps < 2 {
            return Err(Error::invalid(format!("a range test needs at least 2 steps, not {steps}")));
        }
        Self::ramp(1.0, ratio, steps - 1, shape)?.then(Self::hold(ratio, 1)?)
    }
}

/// `floor + (1 - floor) * wave`.
fn above(floor: f64, wave: Schedule) -> Result<Schedule> {
    let floor = checked(floor)?;
    if floor > 1.0 {
        return Err(Error::invalid(format!("the lowest factor of a cycle must be at most 1, its peak, not {floor}")));
    }
    if floor == 0.0 {
        return Ok(wave);
    }
    Schedule::sum(vec![Schedule::flat(floor)?, Schedule::product(vec![Schedule::flat(1.0 - floor)?, wave])?])
}
