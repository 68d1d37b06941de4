//! Robust statistics of small samples.

/// Mean; `None` without values.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

/// The quantile `q` (0..=1), linearly interpolated between the two nearest ranks; NaN is ignored.
/// `None` without values.
pub(super) fn quantile(values: &[f64], q: f64) -> Option<f64> {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|v| !v.is_nan()).collect();
    sorted.sort_by(f64::total_cmp);
    let last = sorted.len().checked_sub(1)?;
    let place = q.clamp(0.0, 1.0) * last as f64;
    let (low, part) = (place.floor() as usize, place.fract());
    let high = (low + 1).min(last);
    Some(if part == 0.0 { sorted[low] } else { sorted[low] * (1.0 - part) + sorted[high] * part })
}

/// Median; `None` without values.
pub(super) fn median(values: &[f64]) -> Option<f64> {
    quantile(values, 0.5)
}

/// Standard deviation of the noise about a smooth curve: the median of the absolute second
/// differences, so that neither the trend nor single spikes count.
///
/// The second difference of white noise has six times its variance, and the deviation of a normal
/// distribution is 1.4826 times its median absolute deviation.
pub(super) fn noise(values: &[f64]) -> Option<f64> {
    let bends: Vec<f64> = values.windows(3).map(|w| (w[0] - 2.0 * w[1] + w[2]).abs()).collect();
    median(&bends).map(|m| 1.4826 * m / 6f64.sqrt())
}

/// Slope of the least-squares line through the points; `None` with fewer than two different
/// abscissae.
pub(super) fn slope(points: &[(f64, f64)]) -> Option<f64> {
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let sxx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    let sxy: f64 = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum();
    (sxx > 0.0).then(|| sxy / sxx)
}

/// Correlation of neighbouring values without their linear trend; `None` with fewer than eight
/// values, or when all are on the line.
pub(super) fn neighbours(values: &[f64]) -> Option<f64> {
    if values.len() < 8 {
        return None;
    }
    let points: Vec<(f64, f64)> = values.iter().enumerate().map(|(i, v)| (i as f64, *v)).collect();
    let tilt = slope(&points)?;
    let rest: Vec<f64> = points.iter().map(|p| p.1 - tilt * p.0).collect();
    let centre = mean(&rest)?;
    let total: f64 = rest.iter().map(|r| (r - centre).powi(2)).sum();
    let shared: f64 = rest.windows(2).map(|w| (w[0] - centre) * (w[1] - centre)).sum();
    (total > 0.0).then(|| shared / total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!((median(&[3.0, 1.0, 2.0]), median(&[]), quantile(&[0.0, 1.0], 0.25)), (Some(2.0), None, Some(0.25)));
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]), Some(2.0));
        let zigzag: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
        assert!(neighbours(&zigzag).unwrap() < -0.9);
        let line: Vec<f64> = (0..40).map(f64::from).collect();
        assert_eq!(noise(&line), Some(0.0));
    }
}
