//! `LR020`: the first loss is far above ln(classes), that of guessing: the last layer starts too large, and the first steps
//! go into shrinking it.

use super::{Finding, Rule, RuleInput, show};

/// Times the loss of guessing.
const LIMIT: f64 = 1.5;

pub struct Start;

impl Rule for Start {
    fn code(&self) -> &'static str {
        "LR020"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let classes = seen.record.facts.classes.filter(|c| *c > 1)?;
        let series = seen.record.main();
        let (first, start) = *series.points().first()?;
        let guessing = f64::from(classes).ln();
        if seen.features.get("first_at") > 0.02 || start <= LIMIT * guessing {
            return None;
        }
        Some(Finding {
            code: self.code(),
            title: "starts above guessing",
            evidence: format!("the first loss is {}; guessing among {classes} classes costs {}", show(start), show(guessing)),
            numbers: vec![("start", start), ("guessing", guessing)],
            advice: "scale the last layer's initial weights down (or zero them); the rate can then be judged from the first steps".to_owned(),
            confidence: 0.85,
            span: Some((first, first)),
        })
    }
}
