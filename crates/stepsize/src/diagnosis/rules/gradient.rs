//! `LR022`: the norm of the gradient grew tenfold over the run, or rose once to a hundred times its median.

use super::{Finding, Rule, RuleInput, show};

pub struct Gradient;

impl Rule for Gradient {
    fn code(&self) -> &'static str {
        "LR022"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let (grown, worst) = (seen.features.get("grad_change").exp(), seen.features.get("grad_worst").exp());
        if !(grown > 10.0 || worst > 100.0) {
            return None;
        }
        let points = seen.record.grad_norm.points();
        let at = points.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some(Finding {
            code: self.code(),
            title: "gradient norm explodes",
            evidence: format!(
                "the norm of the gradient ends at {} times its start and reaches {} times its median at step {}",
                show(grown),
                show(worst),
                show(at.0)
            ),
            numbers: vec![("end_over_start", grown), ("worst_over_median", worst), ("step", at.0)],
            advice: "clip the norm at three times its median; if it grows on, lower the rate by a third".to_owned(),
            confidence: 0.8,
            span: Some((at.0, at.0)),
        })
    }
}
