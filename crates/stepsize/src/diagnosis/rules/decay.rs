//! `LR021`: the loss fell when the rate was lowered. Lowering does that to any run that bounces
//! about a valley; it is no reason to have lowered the rate earlier. `LR023`: with a constant rate
//! the end is not annealed, so its loss must not be compared with that of a decayed run.

use super::{percent, show};
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Least share of the fall that came after the rate had halved, and least gain per octave of time
/// over the octave before (log loss). Both chosen by eye.
const PAID: f64 = 0.05;
/// Binary log of the last rate over its peak above which the run was not annealed: the rate kept 70
/// % of its peak.
const UNDECAYED: f64 = -0.5;
/// A rate that ends above this share of its peak is constant.
const CONSTANT: f64 = 0.99;
/// A peak later than this share of the run is the end of a warm-up that fills the run. Chosen by
/// eye.
const EARLY_PEAK: f64 = 0.5;
/// Least noise, as a share of the fall, that an annealing could take away. Chosen by eye.
const SHAKING: f64 = 0.02;
/// Fewest readings of the rate that show its course.
const RATES: usize = 3;
/// Least fall of the log loss of a run that has learned at all. Chosen by eye.
const LEARNED: f64 = 0.05;

pub(super) fn paid(seen: &RuleInput<'_>) -> Option<Finding> {
    let (share, half) = (seen.features.get(Feature::DecayRel), seen.features.get(Feature::LrHalfAt));
    let gain = seen.features.get(Feature::DecayGain);
    if !(share > PAID && gain > PAID) {
        return None;
    }
    let (first, last) = seen.record.main().span()?;
    let from = first + half * (last - first);
    Some(Finding {
        code: Code::DecayPaid,
        evidence: format!(
            "{} of the fall of the log loss came after the rate had halved, at {} of the run; per doubling of time the loss \
             fell by {} more than just before",
            percent(share),
            percent(half),
            show(gain)
        ),
        numbers: vec![("share_after_half", share), ("half_at", half), ("gain_per_octave", gain)],
        advice: "nothing: most runs gain when the rate decays. Do not lower the base rate because of it; a longer decay may \
                 gain more"
            .to_owned(),
        confidence: 0.8,
        span: Some((from, last)),
    })
}

pub(super) fn not_annealed(seen: &RuleInput<'_>) -> Option<Finding> {
    let (end, noise) = (seen.features.get(Feature::LrEndLog2), seen.features.get(Feature::NoiseRel));
    // One reading of the rate is a setting: it says nothing of the end.
    if seen.record.lr.len() < RATES {
        return None;
    }
    let (peak_at, drop) = (seen.features.get(Feature::LrPeakAt), seen.features.get(Feature::Drop));
    if !(end > UNDECAYED && peak_at < EARLY_PEAK && noise > SHAKING && drop > LEARNED) {
        return None;
    }
    let rate = if end.exp2() > CONSTANT {
        "the rate is constant to the end".to_owned()
    } else {
        format!("the rate ends at {} of its peak", percent(end.exp2()))
    };
    Some(Finding {
        code: Code::NotAnnealed,
        evidence: format!("{rate}, and the loss still varies by {} of its fall", percent(noise)),
        numbers: vec![("end_share_of_peak", end.exp2()), ("noise_share", noise)],
        advice: "decay the rate to 0 over the last fifth of the run. Until then compare this loss only with runs at the same \
                 rate: a loss that is not annealed flatters lower rates"
            .to_owned(),
        confidence: 0.8,
        span: None,
    })
}
