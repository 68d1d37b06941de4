//! The rules: each looks for one thing that may be wrong with a run. One file a rule;
//! [`Code`](super::Code) lists what they find.
//!
//! A rule returns a [`Finding`] with the numbers that show it. It returns `None` when the log does
//! not hold what it looks at. Comparisons with NaN are false, so conditions are written such that
//! an unknown number finds nothing.

mod collapsed;
mod dead;
mod decay;
mod diverged;
mod gradient;
mod horizon;
mod idle;
mod oscillation;
mod overfit;
mod place;
mod plateau;
mod quick;
mod resumed;
mod spikes;
mod start;
mod warmup;

use super::{Code, Finding, RuleInput, advice};
use crate::Placement;

pub(super) use diverged::{TWICE, WORSE, ending, ends_far_above, learned, octaves, overcoming};
pub(super) use idle::{died, lowers};
pub(super) use place::{outside, place, torn, unknown, unseen};

/// Looks for one thing in a run.
pub(super) type Check = fn(&RuleInput<'_>) -> Option<Finding>;

/// A verdict that a rule gives.
#[derive(Debug)]
pub(super) struct Decided {
    pub verdict: Placement,
    /// From the rate of the run to the next one; `None` where no rate follows.
    pub octaves: Option<f64>,
    pub finding: Finding,
}

/// The first of the rules that decide the verdict, if one does.
pub(super) fn decide(seen: &RuleInput<'_>) -> Option<Decided> {
    if seen.record.facts.table || seen.record.facts.boosted {
        return None;
    }
    // The losses of a game may stand still or jump: those of two equal players do.
    let others = || dead::check(seen).or_else(|| collapsed::check(seen)).filter(|_| !seen.record.facts.game);
    diverged::check(seen).or_else(others)
}

/// The other rules, in the order in which findings are shown.
pub(super) const ALL: [Check; 14] = [
    idle::check,
    gradient::check,
    spikes::check,
    oscillation::check,
    warmup::check,
    quick::check,
    plateau::check,
    horizon::too_short,
    horizon::too_long,
    resumed::check,
    overfit::check,
    start::check,
    decay::paid,
    decay::not_annealed,
];

/// Whether a finding may stand beside a verdict: one run gets one direction, and a rate that is
/// right is kept.
pub(super) fn agrees(code: Code, verdict: Placement) -> bool {
    match verdict {
        // A rate too high to learn is not to be raised, which `Idle` advises.
        Placement::TooHigh | Placement::Diverged => code != Code::Idle,
        Placement::TooLow => !matches!(code, Code::Oscillation | Code::Quick),
        Placement::Good => !matches!(code, Code::Idle | Code::Oscillation | Code::Quick),
        Placement::Unknown => true,
    }
}

/// Whether a finding says of a loss what only a loss that is to fall shows. That of a game is not.
pub(super) fn needs_fall(code: Code) -> bool {
    matches!(code, Code::Plateau | Code::Oscillation | Code::Quick | Code::NotAnnealed | Code::Idle | Code::Warmup)
}

/// Whether a finding says when a loss fell, which one that learned nothing did not.
pub(super) fn needs_learning(code: Code) -> bool {
    matches!(code, Code::Plateau | Code::Quick | Code::NotAnnealed | Code::DecayPaid)
}

/// Whether a finding needs the beginning of a training from scratch.
pub(super) fn needs_start(code: Code) -> bool {
    matches!(code, Code::Idle | Code::Quick | Code::Warmup | Code::HighStart)
}

/// A number for people: three significant digits, down to 0.0001 without a power of ten.
pub(super) fn show(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || (1e-4..1e5).contains(&v) => {
            let digits = (2 - v.max(1e-4).log10().floor() as i32).clamp(0, 6);
            let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => {
            let text = format!("{value:.2e}");
            let Some((digits, power)) = text.split_once('e') else { return text };
            format!("{}e{power}", digits.trim_end_matches('0').trim_end_matches('.'))
        }
    }
}

/// A share for people; never "0 %", which says nothing.
pub(super) fn percent(share: f64) -> String {
    match 100.0 * share {
        p if p.abs() < 0.05 => "less than 0.1 %".to_owned(),
        p if p.abs() < 0.95 => format!("{p:.1} %"),
        p => format!("{p:.0} %"),
    }
}
