//! Whether a series has a trend of improvement. By ranks: Mann-Kendall for its presence, Theil-Sen
//! for its size.
//!
//! Mann-Kendall: `S = sum over i < j of sign(x_j - x_i)`, variance
//! `(n(n-1)(2n+5) - sum t(t-1)(2t+5)) / 18` with ties of size t, `z = (S -+ 1) / sd` (Mann 1945;
//! Kendall 1975). Theil-Sen: the median of all pairwise slopes (Sen 1968).

use super::Direction;
use crate::stats::{Z80, median, upper_median};

/// Level of the test: one-sided 10 %. A false alarm costs one cut, which can be taken back; a
/// stricter level would take slow, noisy progress for a plateau.
const Z: f64 = Z80;
/// Longest series that is compared pair by pair. A longer one is first averaged down to at most
/// this many blocks.
const PAIRS: usize = 256;

/// Whether `values` improve: significantly, and over the series by more than `threshold` of the
/// median's size.
pub(super) fn improves(values: &[f64], mode: Direction, threshold: f64) -> bool {
    let blocks = values.len().div_ceil(PAIRS).max(1);
    // The sign makes "falls" mean "improves"; halving keeps differences of large values finite.
    let sign = if mode == Direction::Max { -0.5 } else { 0.5 };
    let x: Vec<f64> =
        values.chunks(blocks).map(|chunk| chunk.iter().map(|v| sign * v / chunk.len() as f64).sum::<f64>()).collect();
    let n = x.len();
    if n < 2 {
        return false;
    }
    let (mut score, mut slopes) = (0i64, Vec::with_capacity(n * (n - 1) / 2));
    for i in 0..n {
        for j in i + 1..n {
            let rise = x[j] - x[i];
            score += i64::from(rise > 0.0) - i64::from(rise < 0.0);
            slopes.push(rise / (j - i) as f64);
        }
    }
    let (Some(slope), Some(middle)) = (median(&slopes), upper_median(&x)) else { return false };
    let mut sorted = x;
    sorted.sort_by(f64::total_cmp);
    let pairs = |t: f64| t * (t - 1.0) * (2.0 * t + 5.0);
    let ties: f64 = sorted.chunk_by(|a, b| a == b).map(|c| pairs(c.len() as f64)).sum();
    let variance = (pairs(n as f64) - ties) / 18.0;
    let fall = -(n as f64 - 1.0) * slope;
    variance > 0.0 && (-score as f64 - 1.0) / variance.sqrt() > Z && fall > threshold * middle.abs()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn falls_are_seen_at_any_scale_and_sign() {
        for scale in [1e-12, 1.0, 1e12, 1e307] {
            for offset in [0.0, 1.0, -1.0] {
                let fall: Vec<f64> = (0..10).map(|k| scale * (offset - 0.01 * f64::from(k))).collect();
                let rise: Vec<f64> = fall.iter().rev().copied().collect();
                assert!(improves(&fall, Direction::Min, 1e-4) && !improves(&rise, Direction::Min, 1e-4));
                assert!(improves(&rise, Direction::Max, 1e-4) && !improves(&fall, Direction::Max, 1e-4));
            }
        }
        assert!(!improves(&[1.0; 10], Direction::Min, 0.0));
        assert!(!improves(&[], Direction::Min, 0.0) && !improves(&[1.0], Direction::Min, 0.0));
    }

    #[test]
    fn one_spike_hides_no_trend_and_makes_none() {
        let mut fall: Vec<f64> = (0..10).map(|k| 2.0 - 0.04 * f64::from(k)).collect();
        fall[1] = 0.2;
        assert!(improves(&fall, Direction::Min, 1e-4));
        let mut flat = [1.0; 10];
        flat[9] = 0.0;
        assert!(!improves(&flat, Direction::Min, 1e-4));
    }

    #[test]
    fn long_series_are_read_in_blocks() {
        let fall: Vec<f64> = (0..10_000).map(|k| 1.0 - 1e-5 * f64::from(k)).collect();
        assert!(improves(&fall, Direction::Min, 1e-4));
    }
}
