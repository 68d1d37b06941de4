//! The rules: each looks for one thing that may be wrong with a run. One file a rule;
//! [`Code`](super::Code) lists what they find.
//!
//! A rule returns a [`Finding`] with the numbers that show it. It returns `None` when the log does
//! not hold what it looks at. Comparisons with NaN are false, so conditions are written such that
//! an unknown number finds nothing.

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

use super::{Finding, RuleInput};

pub(super) use diverged::{TWICE, WORSE, ending, overcoming};
pub(super) use place::{place, unknown};

/// Looks for one thing in a run.
pub(super) type Check = fn(&RuleInput<'_>) -> Option<Finding>;

/// All rules, in the order in which findings are shown.
pub(super) const ALL: [Check; 15] = [
    diverged::check,
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

/// A number for people: three significant digits.
pub(super) fn show(value: f64) -> String {
    match value.abs() {
        v if v == 0.0 || (1e-3..1e5).contains(&v) => {
            let digits = (2 - v.max(1e-3).log10().floor() as i32).clamp(0, 5);
            let text = format!("{value:.*}", usize::try_from(digits).unwrap_or(0));
            if text.contains('.') { text.trim_end_matches('0').trim_end_matches('.').to_owned() } else { text }
        }
        _ => format!("{value:.2e}"),
    }
}

/// A share for people.
fn percent(share: f64) -> String {
    format!("{:.0} %", 100.0 * share)
}
