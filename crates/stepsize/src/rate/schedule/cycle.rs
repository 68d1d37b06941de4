//! [`OneCycle`], and where a repeated part stands at a time.
//!
//! One-cycle (Smith & Topin 2017) follows PyTorch 2.15 `OneCycleLR` step by step: phase ends at
//! `rise * steps - 1` (and `2 rise * steps - 2`), which need not be whole, and the last value at
//! `steps - 1`. Repetition with growing cycles is SGDR (Loshchilov & Hutter 2016, section 3): cycle
//! i lasts `length * stretch^i`.

use super::shape::Shape;
use crate::{Error, Result};

/// Parameters of the one-cycle shape, with PyTorch's defaults from [`OneCycle::new`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct OneCycle {
    /// Length in steps.
    pub steps: u64,
    /// Share of the steps that rise to the peak (`pct_start`): above 0, and below 1, or at most 0.5
    /// with three phases.
    pub rise: f64,
    /// Peak over first value (`div_factor`).
    pub div: f64,
    /// First over last value (`final_div_factor`).
    pub final_div: f64,
    /// Straight instead of cosine phases (`anneal_strategy="linear"`).
    pub linear: bool,
    /// Rise, fall back as fast, then run out (`three_phase`); otherwise rise, then fall to the last
    /// value.
    pub three_phase: bool,
}

impl OneCycle {
    /// One cycle of `steps` steps: rise over 30 % from 1/25 of the peak, then cosine down to 1/10
    /// 000 of the start.
    pub fn new(steps: u64) -> Self {
        Self { steps, rise: 0.3, div: 25.0, final_div: 1e4, linear: false, three_phase: false }
    }

    pub(super) fn check(self) -> Result<Self> {
        super::check_steps(self.steps)?;
        let most = if self.three_phase { 0.5 } else { 1.0 };
        if !(self.rise > 0.0 && self.rise <= most) {
            return Err(Error::invalid(format!(
                "the rise of a one-cycle must be a share above 0 and at most {most}, not {}",
                self.rise
            )));
        }
        for (name, value) in [("div", self.div), ("final_div", self.final_div)] {
            if !(1e-50..=1e50).contains(&value) {
                return Err(Error::invalid(format!(
                    "{name} of a one-cycle must be between 1e-50 and 1e50, not {value}"
                )));
            }
        }
        Ok(self)
    }

    /// First, highest and last value.
    fn levels(&self) -> (f64, f64, f64) {
        let start = 1.0 / self.div;
        (start, 1.0, start / self.final_div)
    }

    pub(super) fn bound(&self) -> f64 {
        let (start, peak, end) = self.levels();
        start.max(peak).max(end)
    }

    pub(super) fn at(&self, t: f64) -> f64 {
        let (start, peak, end) = self.levels();
        let (steps, shape) = (self.steps as f64, if self.linear { Shape::Linear } else { Shape::Cosine });
        let (top, last) = (self.rise * steps - 1.0, steps - 1.0);
        let back = 2.0 * self.rise * steps - 2.0;
        let t = t.min(last);
        let (begin, until, from, to) = if t <= top {
            (0.0, top, start, peak)
        } else if self.three_phase && t <= back {
            (top, back, peak, start)
        } else if self.three_phase {
            (back, last, start, end)
        } else {
            (top, last, peak, end)
        };
        // A phase without extent (in very short cycles) has its end value.
        if until > begin { shape.between(from, to, t - begin, until - begin) } else { to }
    }
}

/// Start of cycle `i` when the first lasts `length` and each is `stretch` times as long as the one
/// before.
pub(super) fn cycle_start(length: f64, stretch: f64, i: i32) -> f64 {
    if stretch == 1.0 { length * f64::from(i) } else { length * (stretch.powi(i) - 1.0) / (stretch - 1.0) }
}

/// Cycle that holds time `t`, as its number and the time in it, scaled to the first cycle's length.
pub(super) fn cycle_at(length: f64, stretch: f64, t: f64) -> (f64, f64) {
    if stretch == 1.0 {
        // The remainder of a division is exact, even where a step is beyond 2^53.
        let local = t % length;
        return (((t - local) / length).round(), local);
    }
    // Next to a boundary the logarithm may be off by one; the sums decide.
    let guess = ((1.0 + t / length * (stretch - 1.0)).ln() / stretch.ln()).floor().max(0.0);
    let mut i = guess as i32;
    while i > 0 && cycle_start(length, stretch, i) > t {
        i -= 1;
    }
    while cycle_start(length, stretch, i + 1) <= t {
        i += 1;
    }
    let local = (t - cycle_start(length, stretch, i)) / stretch.powi(i);
    (f64::from(i), local.clamp(0.0, length))
}
