//! `LR020`: the first loss is far above ln(classes), that of guessing. The last layer starts too
//! large, and the first steps are spent on shrinking it.

use super::show;
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Times the loss of guessing. Chosen by eye, not fitted.
const LIMIT: f64 = 1.5;
/// A log whose first reading lies later than this share of the run does not show the first loss.
const LATE: f64 = 0.02;
/// Fewest readings: the mean over a whole run is no first loss.
const FEWEST: usize = 3;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let classes = seen.record.facts.classes.filter(|c| *c > 1)?;
    if seen.record.main().len() < FEWEST {
        return None;
    }
    let (first, start) = *seen.record.main().points().first()?;
    let guessing = f64::from(classes).ln();
    if seen.features.get(Feature::FirstAt) > LATE || start <= LIMIT * guessing {
        return None;
    }
    Some(Finding {
        code: Code::HighStart,
        evidence: format!(
            "the first loss is {}; guessing among {classes} classes costs {}",
            show(start),
            show(guessing)
        ),
        numbers: vec![("start", start), ("guessing", guessing)],
        advice: "scale the initial weights of the last layer down, or set them to zero; the rate can then be judged from the \
                 first steps"
            .to_owned(),
        confidence: 0.85,
        span: Some((first, first)),
    })
}
