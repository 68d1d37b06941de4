//! Robust statistics of small samples. Nothing here knows what is measured.

/// Standard normal quantile of 0.9: one side of an 80 % interval, in standard deviations.
pub(crate) const Z80: f64 = 1.281_551_565_544_6;

/// Standard deviation of a normal distribution whose median absolute value is 1.
const PER_MEDIAN: f64 = 1.4826;

/// Mean; `None` of nothing.
pub(crate) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The quantile `q` (0 to 1), interpolated linearly between the two nearest ranks (type 7 of
/// Hyndman & Fan 1996, the default of R and NumPy); NaN values are left out. `None` of nothing.
pub(crate) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(last);
    Some(if part == 0.0 { sorted[low] } else { sorted[low] * (1.0 - part) + sorted[high] * part })
}

/// Median: of an even count the mean of the middle two. `None` of nothing.
pub(crate) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Upper median: of an even count the higher of the middle two, so always one of the values. `None`
/// of nothing.
pub(crate) fn upper_median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied()
}

/// Standard deviation of the noise about a smooth curve: from second differences of neighbours, by
/// the median, so that neither the trend nor single spikes count. (For white noise `x[i-1] - 2 x[i]
/// + x[i+1]` has six times its variance.) `None` with fewer than three values.
pub(crate) fn noise(values: &[f64]) -> Option<f64> {
    let bends: Vec<f64> = values.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).collect();
    median(&bends).map(|m| PER_MEDIAN * m / 6f64.sqrt())
}

/// The same from first differences (twice the variance of white noise). It counts a steep trend as
/// noise, and is what the thresholds of the range test were set with. `None` with fewer than two
/// values.
pub(crate) fn step_noise(values: &[f64]) -> Option<f64> {
    let steps: Vec<f64> = values.windows(2).map(|w| (w[1] - w[0]).abs()).collect();
    median(&steps).map(|m| PER_MEDIAN * m / std::f64::consts::SQRT_2)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_between_ranks_and_the_two_medians_differ_for_even_counts() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[]), quantile(&[0.0, 1.0], 0.25)), (Some(2.0), None, Some(0.25)));
        let even = [4.0, 1.0, 3.0, 2.0];
        assert_eq!((median(&even), upper_median(&even), upper_median(&[])), (Some(2.5), Some(3.0), None));
    }

    #[test]
    fn a_straight_line_has_no_noise_unless_its_steps_are_counted() {
        let line: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(noise(&line), Some(0.0));
        assert!(step_noise(&line).unwrap() > 1.0);
        assert_eq!((noise(&[1.0, 2.0]), step_noise(&[1.0])), (None, None));
    }
}
