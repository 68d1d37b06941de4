//! [`Pruner`]: ends a trial that can no longer be the answer. It sees curves, never the study.
//!
//! The pruner of a search compares a trial only with trials of batches that have ended, so that its
//! decisions never depend on timing: the same seed gives the same study on any number of threads. A
//! pruner that the user asks for by name ([`PrunerKind`]) may give that up: a sweep is one batch,
//! in which it would otherwise have nothing to compare with.

mod diverging;
mod halving;
mod median;
mod one_sided;

pub use diverging::Diverging;
pub use halving::Halving;
pub use median::Median;
pub use one_sided::OneSided;

use crate::curve::Curve;
use crate::trial::Trial;
use crate::{Error, Result};
use std::str::FromStr;

/// Decides whether a running trial is ended.
pub trait Pruner: Send + Sync {
    /// `Some(why)` ends `live`. `settled` are the ended trials to compare it with, by number.
    fn judge(&self, live: &Trial, settled: &[Trial]) -> Option<String>;
    /// Whether `settled` omits the ended trials of the batch that `live` belongs to. If it does,
    /// decisions do not depend on how fast the others ran.
    fn waits_for_batches(&self) -> bool {
        true
    }
}

/// The pruners that can be asked for by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrunerKind {
    /// No pruner, not even that of the search.
    None,
    /// [`OneSided`]: safe under decaying schedules.
    OneSided,
    /// [`Diverging`].
    Diverging,
    /// [`Median`]: unsafe under decaying schedules.
    Median,
    /// [`Halving`]: unsafe under decaying schedules.
    Halving,
}

impl PrunerKind {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::None, Self::OneSided, Self::Diverging, Self::Median, Self::Halving];

    /// The name on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::OneSided => "one-sided",
            Self::Diverging => "diverging",
            Self::Median => "median",
            Self::Halving => "halving",
        }
    }

    /// The pruner with its default parameters.
    pub fn pruner(self) -> Option<Box<dyn Pruner>> {
        match self {
            Self::None => None,
            Self::OneSided => Some(Box::new(OneSided::default())),
            Self::Diverging => Some(Box::new(Diverging::default())),
            Self::Median => Some(Box::new(Median::default())),
            Self::Halving => Some(Box::new(Halving::default())),
        }
    }

    /// Whether it may end the best rate when the schedule decays.
    pub fn is_unsafe_under_decay(self) -> bool {
        matches!(self, Self::Median | Self::Halving)
    }
}

impl FromStr for PrunerKind {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == text).ok_or_else(|| {
            let names = Self::ALL.map(Self::name).join(", ");
            Error::invalid(format!("`{text}` is not a pruner; the pruners are {names}"))
        })
    }
}

/// The curve to compare: validation losses where there are any, else training losses.
fn curve(trial: &Trial) -> &Curve {
    if trial.val.last().is_some() { &trial.val } else { &trial.train }
}

/// The finite loss of a run at `step`, or at its last reading before.
fn at(trial: &Trial, step: u64) -> Option<f64> {
    let before = curve(trial).points().iter().rev().find(|p| p.step <= step)?;
    before.loss.is_finite().then_some(before.loss)
}
