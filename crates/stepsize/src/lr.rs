//! [`Lr`]: a learning rate, and spacing on its logarithmic axis.
//!
//! A base rate is finite and above zero; any such rate is legal, above 1 too. `Lr * f64` is a rate
//! again; `Lr * Lr` does not compile, because a rate squared has no meaning (burn multiplies rates
//! when it composes schedulers). The rate *applied* at a step is `base * factor(step)` and may be
//! zero (warm-up from zero, decay to zero), so it is a plain `f64`: see [`crate::Policy::lr`].

use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::fmt;

/// A base learning rate: finite and above zero.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Lr(f64);

impl Lr {
    /// A rate from a number.
    ///
    /// # Errors
    /// When `value` is not finite or not above zero.
    ///
    /// ```
    /// use stepsize::Lr;
    /// assert_eq!(Lr::new(3e-4)?.get(), 3e-4);
    /// assert!(Lr::new(0.0).is_err() && Lr::new(f64::NAN).is_err());
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(value: f64) -> Result<Self> {
        if value.is_finite() && value > 0.0 {
            Ok(Self(value))
        } else {
            Err(Error::invalid(format!("a learning rate must be finite and above zero, not {value}")))
        }
    }

    /// The rate whose base-2 logarithm is `octaves`, clamped to what an `f64` holds.
    pub fn from_log2(octaves: f64) -> Self {
        Self(octaves.exp2().clamp(f64::MIN_POSITIVE, f64::MAX))
    }

    /// The rate as a number.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Base-2 logarithm, in octaves: the axis of all searches.
    pub fn log2(self) -> f64 {
        self.0.log2()
    }

    /// Rates from `low` to `high`, both included, evenly spaced in the logarithm, at least
    /// `per_decade` in each factor of ten.
    ///
    /// # Errors
    /// When `low > high` or `per_decade` is zero.
    pub fn log_space(low: Lr, high: Lr, per_decade: u32) -> Result<Vec<Lr>> {
        if low > high || per_decade == 0 {
            return Err(Error::invalid(format!(
                "a grid needs low <= high and at least 1 rate per decade, not {low} to {high} with {per_decade}"
            )));
        }
        let decades = (high.0 / low.0).log10();
        let intervals = (decades * f64::from(per_decade) - 1e-9).ceil().max(0.0) as u32;
        let step = if intervals == 0 { 0.0 } else { decades / f64::from(intervals) };
        Ok((0..=intervals)
            .map(|i| match i {
                0 => low,
                i if i == intervals => high,
                i => Lr(low.0 * 10f64.powf(step * f64::from(i))).rounded(),
            })
            .collect())
    }

    /// The rate as a person would write it, where a power of ten missed it by the last digits:
    /// 0.00001 for 0.000009999999999999999.
    fn rounded(self) -> Lr {
        let short: f64 = format!("{:.11e}", self.0).parse().unwrap_or(self.0);
        if (short / self.0 - 1.0).abs() < 1e-14 { Lr(short) } else { self }
    }
}

impl std::ops::Mul<f64> for Lr {
    type Output = Lr;

    /// Scales the rate; `factor` must be finite and above zero, as every rate is.
    fn mul(self, factor: f64) -> Lr {
        debug_assert!(factor.is_finite() && factor > 0.0, "a rate times {factor} is not a rate");
        Lr((self.0 * factor).clamp(f64::MIN_POSITIVE, f64::MAX))
    }
}

impl TryFrom<f64> for Lr {
    type Error = Error;
    fn try_from(value: f64) -> Result<Self> {
        Self::new(value)
    }
}

impl From<Lr> for f64 {
    fn from(lr: Lr) -> f64 {
        lr.0
    }
}

impl std::str::FromStr for Lr {
    type Err = Error;
    fn from_str(text: &str) -> Result<Self> {
        let value: f64 = text.trim().parse().map_err(|e: std::num::ParseFloatError| {
            Error::invalid(format!("a learning rate is a number such as 0.01 or 3e-4, not {text:?}")).with_source(e)
        })?;
        Self::new(value)
    }
}

impl fmt::Display for Lr {
    /// Three significant digits: `0.0123`, `3.00e-5`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exponent = self.0.log10().floor() as i32;
        if (-4..4).contains(&exponent) {
            let digits = usize::try_from(2 - exponent).unwrap_or(0);
            write!(f, "{:.*}", digits, self.0)
        } else {
            write!(f, "{:.2e}", self.0)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grid_holds_both_ends_and_the_density() {
        let grid = Lr::log_space(Lr::new(1e-5).unwrap(), Lr::new(1.0).unwrap(), 4).unwrap();
        assert_eq!(grid.len(), 21);
        assert_eq!((grid[0].get(), grid[20].get()), (1e-5, 1.0));
        assert!((grid[4].get() - 1e-4).abs() < 1e-18);
        // As they are written on a command line.
        let decades = Lr::log_space(Lr::new(1e-6).unwrap(), Lr::new(1e-2).unwrap(), 1).unwrap();
        assert_eq!(decades.iter().map(|lr| lr.get()).collect::<Vec<_>>(), [1e-6, 1e-5, 1e-4, 1e-3, 1e-2]);
    }

    #[test]
    fn json_refuses_what_is_not_a_rate() {
        assert!(serde_json::from_str::<Lr>("-1").is_err());
        assert_eq!(serde_json::from_str::<Lr>("2.5").unwrap().get(), 2.5);
    }

    #[test]
    fn text_has_three_digits() {
        let show = |x: f64| Lr::new(x).unwrap().to_string();
        assert_eq!((show(0.012345), show(3e-7), show(12.0)), ("0.0123".into(), "3.00e-7".into(), "12.0".into()));
    }
}
