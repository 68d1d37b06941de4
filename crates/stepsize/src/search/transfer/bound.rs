//! [`Constants`]: the bound on the last iterate for one schedule.

use crate::{Error, Result, Schedule};
use serde::Serialize;

/// Longest schedule whose constants are summed step by step; longer ones are compressed to it,
/// which moves the ratios by less than 1e-3.
const LONGEST: u64 = 1 << 16;

/// The constants of the bound for one schedule.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Constants {
    /// `T1` with D = 1.
    pub t1: f64,
    /// `T2` with G = 1.
    pub t2: f64,
}

impl Constants {
    /// The constants of a schedule over `steps` steps.
    ///
    /// # Errors
    /// When the schedule is zero throughout.
    ///
    /// ```
    /// use stepsize::{Schedule, transfer::Constants};
    /// let linear = Constants::new(&Schedule::linear(10_000)?, 10_000)?;
    /// assert!((linear.rate() * 10_000f64.sqrt() - 1.0).abs() < 1e-3);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(schedule: &Schedule, steps: u64) -> Result<Self> {
        if steps > LONGEST {
            // T1 is proportional to 1/T, and T2 does not depend on T but for logarithms: the shape
            // alone counts.
            let short = Self::new(&schedule.compress(steps, LONGEST)?, LONGEST)?;
            let stretch = steps as f64 / LONGEST as f64;
            return Ok(Self { t1: short.t1 / stretch, t2: short.t2 });
        }
        let factors: Vec<f64> = (0..steps).map(|step| schedule.factor(step)).collect();
        Self::of(&factors)
    }

    fn of(factors: &[f64]) -> Result<Self> {
        // Steps at rate zero at the end change nothing.
        let end = factors.iter().rposition(|s| *s > 0.0).map_or(0, |i| i + 1);
        let s = &factors[..end];
        let (sum, squares): (f64, f64) = (s.iter().sum(), s.iter().map(|s| s * s).sum());
        if end == 0 || !sum.is_finite() {
            return Err(Error::invalid("the schedule is zero throughout, which trains nothing: choose another one"));
        }
        let (mut after, mut after_squares, mut double) = (0.0, 0.0, 0.0);
        for (k, s) in s.iter().enumerate().rev() {
            let (with, with_squares) = (after + s, after_squares + s * s);
            if k + 1 < end {
                double += s / after * with_squares / with;
            }
            (after, after_squares) = (with, with_squares);
        }
        Ok(Self { t1: 1.0 / (2.0 * sum), t2: squares / (2.0 * sum) + 0.5 * double })
    }

    /// The best base rate, `gamma*`, in units of D/G.
    pub fn rate(&self) -> f64 {
        (self.t1 / self.t2).sqrt()
    }

    /// The least bound on the loss above the best, `bound*`, in units of D G.
    pub fn bound(&self) -> f64 {
        2.0 * (self.t1 * self.t2).sqrt()
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    const T: u64 = 25_600;

    /// Best rate and bound of a schedule over those of linear decay at the same length.
    pub(crate) fn beside_linear(text: &str, steps: u64) -> (f64, f64) {
        let constants = |text: &str| Constants::new(&Schedule::parse(text, steps).unwrap(), steps).unwrap();
        let (linear, other) = (constants("linear"), constants(text));
        (other.rate() / linear.rate(), other.bound() / linear.bound())
    }

    #[test]
    fn the_published_table() {
        let linear = Constants::new(&Schedule::linear(T).unwrap(), T).unwrap();
        let root = (T as f64).sqrt();
        assert!((linear.rate() * root - 1.0).abs() < 1e-3 && (linear.bound() * root - 2.0).abs() < 1e-3);
        let table = [
            ("cosine", T, 0.971, 1.030),
            ("cosine(floor=0.1)", T, 0.807, 1.126),
            ("wsd(90%)", 6400, 0.909, 1.000),
            ("wsd(80%)", 6400, 0.833, 1.001),
            ("wsd(60%)", 6400, 0.708, 1.008),
            ("wsd(40%)", 6400, 0.607, 1.029),
            ("wsd(50%)", T, 0.656, 1.016),
            ("wsd(20%)", T, 0.514, 1.080),
            ("wsd(10%)", T, 0.461, 1.141),
            ("wsd(20%, sqrt)", T, 0.543, 1.063),
            ("constant", T, 0.292, 1.71),
        ];
        for (text, steps, rate, bound) in table {
            let (r, b) = beside_linear(text, steps);
            assert!((r - rate).abs() < 1.1e-3 && (b - bound).abs() < 2.1e-3, "{text}: {r:.4} {b:.4}");
        }
        assert!((beside_linear("constant", 400).0 - 0.37).abs() < 5e-3);
    }

    #[test]
    fn the_bound_in_the_slow_form_of_the_paper() {
        for text in ["linear", "warmup(10%) then cosine", "wsd(20%, sqrt)", "one_cycle", "linear * 0.5"] {
            let steps = 200;
            let schedule = Schedule::parse(text, steps).unwrap();
            let s: Vec<f64> = (0..steps).map(|t| schedule.factor(t)).collect();
            let sum = |v: &[f64]| v.iter().sum::<f64>();
            let square = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>();
            let mut t2 = square(&s) / (2.0 * sum(&s));
            for k in 0..s.len() - 1 {
                t2 += 0.5 * s[k] / sum(&s[k + 1..]) * square(&s[k..]) / sum(&s[k..]);
            }
            let fast = Constants::new(&schedule, steps).unwrap();
            assert!((fast.t2 / t2 - 1.0).abs() < 1e-9 && (fast.t1 * 2.0 * sum(&s) - 1.0).abs() < 1e-12, "{text}");
        }
        // Twice the shape is half the rate and the same bound.
        let c = |text: &str| Constants::new(&Schedule::parse(text, 300).unwrap(), 300).unwrap();
        assert!((c("2 * linear").rate() * 2.0 / c("linear").rate() - 1.0).abs() < 1e-9);
        assert!((c("2 * linear").bound() / c("linear").bound() - 1.0).abs() < 1e-9);
        assert!(Constants::new(&Schedule::flat(0.0).unwrap(), 10).unwrap_err().is_invalid());
    }

    #[test]
    fn long_schedules_are_summed_short() {
        let exact = |steps: u64| {
            let s = Schedule::parse("wsd(20%)", steps).unwrap();
            Constants::of(&(0..steps).map(|t| s.factor(t)).collect::<Vec<_>>()).unwrap()
        };
        let steps = 5 * LONGEST;
        let short = Constants::new(&Schedule::parse("wsd(20%)", steps).unwrap(), steps).unwrap();
        assert!((short.rate() / exact(steps).rate() - 1.0).abs() < 5e-3);
        assert!((short.t1 / exact(steps).t1 - 1.0).abs() < 1e-3);
    }
}
