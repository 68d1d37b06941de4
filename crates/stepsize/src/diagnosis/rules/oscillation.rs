//! `LR011`: neighbouring losses take turns: high, low, high, as when steps jump across a valley.
//!
//! The correlation of neighbours about the trend of the second half is clearly below zero; independent noise gives zero.

use super::{Finding, Rule, RuleInput, show};
use crate::diagnosis::stats::neighbours;

/// Correlation below which it is no chance.
const LIMIT: f64 = -0.3;

pub struct Oscillation;

impl Rule for Oscillation {
    fn code(&self) -> &'static str {
        "LR011"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let points = seen.record.main().points();
        let late = &points[points.len() / 2..];
        if late.len() < 16 {
            return None;
        }
        let values: Vec<f64> = late.iter().map(|p| p.1).collect();
        let shared = neighbours(&values)?;
        // Three deviations of the correlation of so many independent readings.
        if shared > LIMIT.min(-3.0 / (values.len() as f64).sqrt()) {
            return None;
        }
        Some(Finding {
            code: self.code(),
            title: "oscillation",
            evidence: format!("neighbouring losses of the second half correlate by {}", show(shared)),
            numbers: vec![("neighbour_correlation", shared), ("readings", values.len() as f64)],
            advice: "halve the rate or the momentum: steps of this size jump across the valley".to_owned(),
            confidence: 0.75,
            span: Some((late[0].0, late[late.len() - 1].0)),
        })
    }
}
