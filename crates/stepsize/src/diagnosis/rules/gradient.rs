//! `LR022`: the norm of the gradient grew tenfold over the run, or rose once to a hundred times its
//! median.

use super::show;
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Growth of the norm from start to end that counts. Chosen by eye, not fitted.
const GROWN: f64 = 10.0;
/// Highest norm over the median that counts. Chosen by eye, not fitted.
const WORST: f64 = 100.0;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let grown = seen.features.get(Feature::GradChange).exp();
    let worst = seen.features.get(Feature::GradWorst).exp();
    if !(grown > GROWN || worst > WORST) {
        return None;
    }
    let points = seen.record.grad_norm.points();
    let at = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    Some(Finding {
        code: Code::GradientExplodes,
        evidence: format!(
            "the gradient norm ends at {} times its start and reaches {} times its median at step {}",
            show(grown),
            show(worst),
            show(at.0)
        ),
        numbers: vec![("end_over_start", grown), ("worst_over_median", worst), ("step", at.0)],
        advice: "clip the norm at three times its median".to_owned(),
        confidence: 0.8,
        span: Some((at.0, at.0)),
    })
}
