//! Statistics of curves, beside those of [`crate::stats`]: nothing here knows what is measured.

pub(super) use crate::stats::{mean, median, noise, quantile};

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

/// The value at `x`, by lines between points that rise in x; level beyond them, 0 without any.
pub fn between(points: &[(f64, f64)], x: f64) -> f64 {
    let at = points.partition_point(|p| p.0 <= x);
    match (at.checked_sub(1).map(|i| points[i]), points.get(at)) {
        (Some(a), Some(b)) => a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0),
        (Some(only), None) | (None, Some(&only)) => only.1,
        (None, None) => 0.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_values() {
        assert_eq!(slope(&[(0.0, 1.0), (1.0, 3.0), (2.0, 5.0)]), Some(2.0));
        let zigzag: Vec<f64> = (0..40).map(|i| f64::from(i % 2)).collect();
        assert!(neighbours(&zigzag).unwrap() < -0.9);
    }
}
