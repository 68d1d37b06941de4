//! [`refine`]: a schedule from gradient norms.

use super::OptimizerFamily;
use crate::stats::upper_median;
use crate::{Error, Result, Schedule};

/// Refines a schedule from the gradient norms of an earlier run of the same job (Defazio et al.
/// 2023, arXiv 2310.07831, section 4).
///
/// The norms are smoothed by a running median over the share `width` of the run. Then `w_t =
/// |g_t|^-2` for SGD and `|g_t|^-1` for Adam, and `factor_t ~ w_t sum_{p>t} w_p`, scaled so that
/// the largest factor is 1. Constant norms give linear decay; norms that are large at the start
/// give a warm-up, norms that grow at the end a longer decay. The schedule has `steps` steps, in at
/// most `points` straight pieces.
///
/// # Errors
/// If there are fewer than 10 norms, if one is not finite and above zero, if `width` is not in
/// 0..=1 or `points` is below 2.
pub fn refine(norms: &[f64], steps: u64, family: OptimizerFamily, width: f64, points: usize) -> Result<Schedule> {
    if norms.len() < 10 || !(0.0..=1.0).contains(&width) || points < 2 {
        return Err(Error::invalid(format!(
            "a refined schedule needs at least 10 gradient norms, a width in 0..=1 and 2 points or more, not {} norms, \
             {width} and {points}",
            norms.len()
        )));
    }
    if let Some((step, bad)) = norms.iter().enumerate().find(|(_, g)| !(g.is_finite() && **g > 0.0)) {
        return Err(Error::invalid(format!(
            "gradient norm {bad} at reading {step}: norms are finite and above zero; take a run that did not diverge"
        )));
    }
    let smooth = running_median(norms, ((width * norms.len() as f64).round() as usize).max(1));
    let power = if family == OptimizerFamily::Sgd { -2.0 } else { -1.0 };
    let weights: Vec<f64> = smooth.iter().map(|g| g.powf(power)).collect();
    let mut after = 0.0;
    let mut factors: Vec<f64> = weights
        .iter()
        .rev()
        .map(|w| {
            // Half of its own weight counts as still to come; otherwise the last factor would be 0.
            let factor = w * (after + 0.5 * w);
            after += w;
            factor
        })
        .collect();
    factors.reverse();
    let peak = factors.iter().fold(0.0, |m: f64, f| m.max(*f));
    let points = points.min(factors.len()).min(usize::try_from(steps).unwrap_or(usize::MAX));
    // Means over equal stretches, placed at their middles and joined by lines.
    let value = |i: usize| {
        let (a, b) = (i * factors.len() / points, (i + 1) * factors.len() / points);
        factors[a..b].iter().sum::<f64>() / (b - a) as f64 / peak
    };
    let lasts = |i: usize| (i as u64 + 1) * steps / points as u64 - i as u64 * steps / points as u64;
    let mut parts = Vec::new();
    for i in 0..points {
        let (now, next) = (value(i), if i + 1 < points { value(i + 1) } else { 0.0 });
        parts.push(Schedule::ramp(now, next, lasts(i), crate::schedule::Shape::Linear)?);
    }
    Schedule::sequence(parts)
}

fn running_median(values: &[f64], width: usize) -> Vec<f64> {
    let half = width / 2;
    (0..values.len())
        .map(|i| {
            let window = &values[i.saturating_sub(half)..(i + half + 1).min(values.len())];
            upper_median(window).unwrap_or(values[i]) // a window holds at least its middle
        })
        .collect()
}
