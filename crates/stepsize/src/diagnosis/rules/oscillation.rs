//! `LR011`: neighbouring losses alternate between high and low, as when steps jump across a valley.
//!
//! The correlation of neighbours about the trend of the second half is clearly below zero.
//! Independent noise gives zero.

use super::show;
use crate::diagnosis::stats::neighbours;
use crate::diagnosis::{Code, Finding, RuleInput};

/// The number that the finding has.
pub const SHARED: &str = "neighbour_correlation";
/// Correlation that counts. Chosen by eye, not fitted.
const LIMIT: f64 = -0.3;
/// It must also lie this many deviations below zero. The correlation of n independent readings has
/// the deviation 1/sqrt(n).
const DEVIATIONS: f64 = 3.0;
/// Fewest readings of the second half. Chosen by eye, not fitted.
const READINGS: usize = 16;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let points = seen.record.main().points();
    let late = &points[points.len() / 2..];
    if late.len() < READINGS {
        return None;
    }
    let values: Vec<f64> = late.iter().map(|p| p.1).collect();
    let shared = neighbours(&values)?;
    if shared > LIMIT.min(-DEVIATIONS / (values.len() as f64).sqrt()) {
        return None;
    }
    Some(Finding {
        code: Code::Oscillation,
        evidence: format!(
            "neighbouring losses of the second half alternate between high and low (correlation {})",
            show(shared)
        ),
        numbers: vec![(SHARED, shared), ("readings", values.len() as f64)],
        advice: "halve the rate or the momentum: steps of this size jump across the valley".to_owned(),
        confidence: 0.75,
        span: Some((late[0].0, late[late.len() - 1].0)),
    })
}
