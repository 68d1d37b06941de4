//! `LR021`: the loss fell when the rate was lowered. That is what lowering does to any run that bounces about a valley, and
//! no reason to have lowered it earlier. `LR023`: with a constant rate the end is not
//! annealed, so its loss must not be compared with that of a decayed run.

use super::{Finding, Rule, RuleInput, percent, show};

pub struct Decay;

impl Rule for Decay {
    fn code(&self) -> &'static str {
        "LR021"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let features = &seen.features;
        let (share, gain, half) = (features.get("decay_rel"), features.get("decay_gain"), features.get("lr_half_at"));
        if !(share > 0.05 && gain > 0.05) {
            return None;
        }
        let (first, last) = seen.record.main().span()?;
        let from = first + half * (last - first);
        Some(Finding {
            code: self.code(),
            title: "the decay paid",
            evidence: format!(
                "{} of the fall of the log loss came after the rate had halved, at {} of the run; an octave of time before that brought less by {}",
                percent(share),
                percent(half),
                show(gain)
            ),
            numbers: vec![("share_after_half", share), ("half_at", half), ("gain_per_octave", gain)],
            advice: "as it should be: the rate was above what its noise floor allows, and the decay took that away. Do not lower \
                     the base rate because of it; a longer decay may pay more"
                .to_owned(),
            confidence: 0.8,
            span: Some((from, last)),
        })
    }
}

pub struct Unannealed;

impl Rule for Unannealed {
    fn code(&self) -> &'static str {
        "LR023"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let features = &seen.features;
        let (end, noise) = (features.get("lr_end_log2"), features.get("noise_rel"));
        if !(end > -0.5 && features.get("lr_peak_at") < 0.5 && noise > 0.02 && features.get("drop") > 0.05) {
            return None;
        }
        Some(Finding {
            code: self.code(),
            title: "not annealed",
            evidence: format!(
                "the rate ends at {} of its peak, and the loss still shakes by {} of its fall",
                percent(end.exp2()),
                percent(noise)
            ),
            numbers: vec![("end_share_of_peak", end.exp2()), ("noise_share", noise)],
            advice: "decay the rate to 0 over the last fifth of the run. Until then compare this loss only with runs of the same \
                     rate: an un-annealed loss flatters lower rates"
                .to_owned(),
            confidence: 0.8,
            span: None,
        })
    }
}
