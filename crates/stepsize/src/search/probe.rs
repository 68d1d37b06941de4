//! [`Probe`]: a plan of trials that answers a question about the rate; [`Estimate`]: the answer, or
//! a stated refusal.
//!
//! A probe is a pure function of the trials done so far. That is why a study resumes by replay.

mod race;

pub use race::{Race, what_a_budget_buys};

use crate::pruner::Pruner;
use crate::{Estimate, Result, Trial, TrialSpec};

mod begun;
mod capped;
mod descent;
mod evidence;
mod first_fall;
mod grid;
mod ladder;
mod of_question;
mod opening;
mod pruned;
mod random;
mod range_test;
pub mod suggest;
mod suspect;
mod warming;

pub use crate::question::RangeTestRule;
pub use capped::Capped;
pub use descent::Descent;
pub use first_fall::FirstFall;
pub use grid::Grid;
pub use ladder::Ladder;
pub use opening::Opening;
pub use pruned::Pruned;
pub use random::Random;
pub use range_test::{Bounds, RangeTest, smith};

/// A plan of trials.
pub trait Probe: Send + Sync {
    /// The word for it in progress and in the question of a study. `race`, `sweep`, `random`,
    /// `descent`, `first-fall` and `range-test` are also what a person asks for; `opening` and
    /// `ladder` stand in for `race` and `range-test` where a command allows nothing better, and
    /// `compare` is a comparison.
    fn name(&self) -> &'static str;
    /// The next batch of trials to run at once; empty when nothing more is worth its cost. `done`
    /// holds all earlier trials in the order of their numbers, each of them ended.
    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>>;
    /// What `done` says. Works at any moment, so that an interrupted study still answers.
    fn estimate(&self, done: &[Trial]) -> Result<Estimate>;
    /// The rule by which this probe's trials may be ended early; `None` when each must run to its
    /// end.
    fn pruner(&self) -> Option<&dyn Pruner> {
        None
    }
}
