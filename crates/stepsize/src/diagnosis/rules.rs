//! [`Rule`]: one thing that may be wrong with a run, with the numbers that show it. One rule a file.
//!
//! | code | what | file |
//! |---|---|---|
//! | `LR000` | cannot tell where the rate lies, because ... | `place.rs` |
//! | `LR001` | diverged | `diverged.rs` |
//! | `LR002`, `LR003`, `LR004` | rate too low, too high, about right | `place.rs` |
//! | `LR010` | plateau | `plateau.rs` |
//! | `LR011` | oscillation | `oscillation.rs` |
//! | `LR012` | spikes | `spikes.rs` |
//! | `LR013` | learned too quickly | `quick.rs` |
//! | `LR014` | overfit | `overfit.rs` |
//! | `LR015` | warm-up missing or too short | `warmup.rs` |
//! | `LR016`, `LR017` | schedule shorter, longer than the run | `horizon.rs` |
//! | `LR018` | the rate jumped, or the run was resumed with another one | `resumed.rs` |
//! | `LR019` | learned nothing | `idle.rs` |
//! | `LR020` | the loss starts above that of guessing | `start.rs` |
//! | `LR021` | the loss fell when the rate was lowered (which is no reason to lower it) | `decay.rs` |
//! | `LR022` | gradient norm explodes | `gradient.rs` |
//! | `LR023` | not annealed: not to be compared with decayed runs | `decay.rs` |
//!
//! Codes are never used again for something else. A rule stays silent when the log does not hold what it looks at.

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

pub use diverged::CODE as DIVERGED;
pub(super) use diverged::{WORSE, ending, overcoming};
pub(super) use idle::CODE as IDLE;
pub(super) use place::{place, unknown};

/// One thing that may be wrong with a run.
pub trait Rule {
    /// Stable code.
    fn code(&self) -> &'static str;
    /// The finding, if it is there.
    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding>;
}

/// All rules, in the order in which findings are shown.
pub fn all() -> [&'static dyn Rule; 15] {
    [
        &diverged::Diverged,
        &idle::Idle,
        &gradient::Gradient,
        &spikes::Spikes,
        &oscillation::Oscillation,
        &warmup::Warmup,
        &quick::Quick,
        &plateau::Plateau,
        &horizon::TooShort,
        &horizon::Unfinished,
        &resumed::Resumed,
        &overfit::Overfit,
        &start::Start,
        &decay::Decay,
        &decay::Unannealed,
    ]
}

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
