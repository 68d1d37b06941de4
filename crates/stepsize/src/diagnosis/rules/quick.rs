//! `LR013`: learned too quickly: four fifths of the fall in the first twentieth of the run, then flat.
//!
//! Usually a rate that is too high for the rest of the run, a run that is far longer than it needs to be, or repeated data.

use super::{Finding, Rule, RuleInput, percent};

pub struct Quick;

impl Rule for Quick {
    fn code(&self) -> &'static str {
        "LR013"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let features = &seen.features;
        let (early, late, drop) = (features.get("share_16"), features.get("rel_slope_1"), features.get("drop"));
        if !(early > 0.8 && late < 0.05 && drop > 0.1 && features.get("first_at") < 0.05) {
            return None;
        }
        let evidence = format!(
            "{} of the fall of the log loss was made in the first sixteenth of the run, {} in its second half",
            percent(early),
            percent(late.max(0.0))
        );
        let (first, last) = seen.record.main().span()?;
        Some(Finding {
            code: self.code(),
            title: "learned too quickly",
            evidence,
            numbers: vec![("share_first_16th", early), ("share_last_half", late)],
            advice: "either the run is longer than it needs to be, or the rate is too high to settle: end with a decay to 0 \
                     over the last fifth and see whether the loss falls"
                .to_owned(),
            confidence: 0.7,
            span: Some((first, first + (last - first) / 16.0)),
        })
    }
}
