//! Whether readings follow an order in the rate, told by all of them, whatever their length.
//!
//! Two models of the log loss are compared by their marginal likelihood: a line in the octaves of
//! the length plus noise, and the same plus a smooth function of the rate (a Gaussian process with
//! a squared exponential kernel). Line and scale are integrated out (Jeffreys prior; Rasmussen &
//! Williams 2006, sections 2.7 and 5.4.1), smoothness and size of the function are averaged over
//! [`LENGTHS`] and [`SIZES`]. Of noise that does not depend on the rate, among brackets that two
//! seeds left in doubt, 7 % come out above [`SUPPORT`] (267 searches of `tests/probes/noise.rs`).

use crate::search::cholesky::Cholesky;

/// Correlation lengths of the smooth function, in octaves of the rate.
const LENGTHS: [f64; 2] = [1.5, 3.0];
/// Its variance in units of that of the noise.
const SIZES: [f64; 3] = [3.0, 10.0, 30.0];
/// Least log ratio of the two likelihoods with which the rate matters.
const SUPPORT: f64 = 1.5;
/// Readings beyond the parameters of the line that are needed.
const SPARE: usize = 3;

/// One reading: octaves of the rate, octaves of the length, log loss.
pub(super) type Triple = (f64, f64, f64);

/// Whether the readings follow an order in the rate.
pub(super) fn follow_the_rate(readings: &[Triple]) -> bool {
    support(readings).is_some_and(|log_ratio| log_ratio > SUPPORT)
}

/// Log ratio of the likelihoods of the two models; `None` of too few readings.
fn support(readings: &[Triple]) -> Option<f64> {
    let n = readings.len();
    let one_length = readings.iter().all(|r| r.1 == readings.first().map_or(0.0, |f| f.1));
    let mut line = vec![vec![1.0; n]];
    if !one_length {
        line.push(readings.iter().map(|r| r.1).collect());
    }
    if n < line.len() + SPARE {
        return None;
    }
    let y: Vec<f64> = readings.iter().map(|r| r.2).collect();
    let noise_only = log_likelihood(|_, _| 0.0, &y, &line);
    let smooth: Vec<f64> = LENGTHS
        .iter()
        .flat_map(|length| SIZES.iter().map(move |size| (length, size)))
        .map(|(length, size)| {
            let kernel = |i: usize, j: usize| size * (-0.5 * ((readings[i].0 - readings[j].0) / length).powi(2)).exp();
            log_likelihood(kernel, &y, &line)
        })
        .collect();
    let top = smooth.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let mean = smooth.iter().map(|l| (l - top).exp()).sum::<f64>() / smooth.len() as f64;
    Some(top + mean.ln() - noise_only)
}

/// Log likelihood of `y` about a combination of `line`, with the covariance `kernel` plus noise of
/// variance 1, up to a scale that is integrated out.
fn log_likelihood(kernel: impl Fn(usize, usize) -> f64, y: &[f64], line: &[Vec<f64>]) -> f64 {
    let factor = Cholesky::new(y.len(), |i, j| kernel(i, j) + if i == j { 1.0 } else { 0.0 });
    let (y, line) = (factor.forward(y.to_vec()), line.iter().map(|l| factor.forward(l.clone())).collect::<Vec<_>>());
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let gram = Cholesky::new(line.len(), |i, j| dot(&line[i], &line[j]));
    let shadow = gram.forward(line.iter().map(|l| dot(l, &y)).collect());
    let left = (dot(&y, &y) - dot(&shadow, &shadow)).max(1e-12);
    -0.5 * (y.len() - line.len()) as f64 * left.ln() - factor.half_log_det() - gram.half_log_det()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_basin_is_an_order_and_the_same_values_shuffled_are_none() {
        let basin = |x: f64| 0.1 * (x + 6.0).powi(2);
        let at = |xs: [f64; 8]| xs.map(|x| (x, -4.0, basin(x))).to_vec();
        let ordered = at([-10.0, -9.0, -8.0, -7.0, -6.0, -5.0, -4.0, -3.0]);
        assert!(follow_the_rate(&ordered));
        let shuffled: Vec<Triple> =
            ordered.iter().zip([3, 0, 6, 1, 5, 2, 7, 4]).map(|(r, i)| (r.0, r.1, ordered[i].2)).collect();
        assert!(!follow_the_rate(&shuffled));
        // A fall with the length alone is no order either.
        let longer: Vec<Triple> = (0..8).map(|i| (-6.0 - f64::from(i % 3), -f64::from(i), f64::from(i))).collect();
        assert!(!follow_the_rate(&longer) && support(&ordered[..3]).is_none());
    }
}
