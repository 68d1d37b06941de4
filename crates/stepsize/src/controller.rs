//! [`Controller`]: a closed-loop factor on the rate. It watches one metric and answers with a dimensionless factor, so
//! that it composes with any schedule (as optax's `reduce_on_plateau` scale does, and PyTorch's in-place change of the
//! rate does not).

mod plateau;
mod spec;
mod state;

pub use plateau::{Direction, KerasPlateau, OptaxPlateau, Plateau, TorchPlateau};
pub use spec::ControllerSpec;

use crate::Result;
use std::collections::BTreeMap;

/// A controller's whole state as named scalars: readable in a checkpoint, sufficient to go on exactly.
pub type State = BTreeMap<String, f64>;

/// What a controller watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Metric {
    /// Every mini-batch loss.
    TrainLoss,
    /// Every validation loss.
    ValLoss,
}

/// One report to a controller.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Observation {
    /// Zero-based step that was last taken.
    pub step: u64,
    /// The watched metric.
    pub value: f64,
}

/// What a controller says of the run after a report. A change of rate is no verdict: it shows in the factor.
#[derive(Debug, Clone, PartialEq)]
pub enum Verdict {
    /// Go on.
    Go,
    /// End the run; the text says why.
    Stop(String),
}

/// Closed loop: reports in, a factor out.
pub trait Controller: Send {
    /// What this controller wants reported.
    fn metric(&self) -> Metric {
        Metric::ValLoss
    }
    /// The factor on the scheduled rate, finite and >= 0. Asking changes nothing.
    fn factor(&self) -> f64;
    /// Takes in one report.
    ///
    /// # Errors
    /// When the value cannot be used (our own controllers reject non-finite reports; the conformance modes count them
    /// as the packages do).
    fn observe(&mut self, seen: &Observation) -> Result<Verdict>;
    /// The whole state.
    fn save(&self) -> State;
    /// Puts a state back.
    ///
    /// # Errors
    /// When a name is missing, unknown or out of range: the controller is then unchanged.
    fn restore(&mut self, state: &State) -> Result<()>;
}
