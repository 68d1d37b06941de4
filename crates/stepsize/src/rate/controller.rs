//! [`Controller`]: a closed-loop factor on the rate. It is told what training shows and answers with a dimensionless factor,
//! so that it composes with any schedule (as optax's `reduce_on_plateau` scale does, and PyTorch's in-place change of the
//! rate does not). What it cannot do itself (go back, look ahead) it asks of the loop: [`Request`].

mod branch;
mod greedy;
mod hypergradient;
mod mean;
mod plateau;
mod polyak;
mod rewind;
mod spec;
mod state;
mod together;

pub use branch::BranchTest;
pub use greedy::{Greedy, TransformersGreedy};
pub use hypergradient::Hypergradient;
pub use plateau::{Direction, KerasPlateau, OptaxPlateau, Plateau, TorchPlateau};
pub use polyak::Polyak;
pub use rewind::Rewind;
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

/// What is known of a step before it is taken: its loss and gradient, and the rate that the schedule would apply.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gradient {
    /// Zero-based step about to be taken.
    pub step: u64,
    /// Mini-batch loss.
    pub loss: f64,
    /// Euclidean norm of the gradient of all parameters.
    pub norm: f64,
    /// Cosine between the downhill direction and the last move of the weights; of plain SGD that of successive gradients.
    /// `None` when nothing has moved yet.
    pub alignment: Option<f64>,
    /// Base rate times schedule, without any controller.
    pub scheduled: f64,
}

/// What a controller needs of the loop besides reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// To see each step's gradient before the rate is asked for: [`Controller::heed`].
    pub gradient: bool,
    /// States kept every so many steps, to go back to: [`Request::Rewind`]. It is then also told of losses that would end
    /// the run.
    pub keep: Option<u64>,
    /// Branches of the run: [`Request::Branch`].
    pub branch: bool,
}

/// What a controller says of the run after a report. A change of rate is no verdict: it shows in the factor.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Go on.
    Go,
    /// Go on from a state of at least `back` steps ago (from the oldest that is kept, if there is none so old), and pass
    /// over the batches since. The factor has been cut already.
    Rewind {
        /// Least number of steps to go back.
        back: u64,
        /// Evidence, for people.
        why: String,
    },
    /// Try `steps` steps from here at each of these multiples of the present rate, on identical batches, and say how each
    /// ended: [`Controller::judged`]. Nothing of the branches stays.
    Branch {
        /// Multiples of the rate.
        factors: Vec<f64>,
        /// Steps of each branch.
        steps: u64,
        /// Share of them, at the end, over which the rate falls evenly to zero.
        decay: f64,
    },
    /// End the run; the text says why.
    Stop(String),
}

/// Closed loop: reports in, a factor out.
pub trait Controller: Send {
    /// What this controller wants reported.
    fn metric(&self) -> Metric {
        Metric::ValLoss
    }
    /// What it needs besides, the same throughout a run.
    fn needs(&self) -> Needs {
        Needs::default()
    }
    /// The factor on the scheduled rate, finite and >= 0. Asking changes nothing.
    fn factor(&self) -> f64;
    /// Takes in one report.
    ///
    /// # Errors
    /// When the value cannot be used (our own controllers reject non-finite reports; the conformance modes count them
    /// as the packages do).
    fn observe(&mut self, seen: &Observation) -> Result<Request>;
    /// Takes in a report of any metric, and passes over those that it does not watch.
    ///
    /// # Errors
    /// As [`Controller::observe`].
    fn report(&mut self, metric: Metric, seen: &Observation) -> Result<Request> {
        if metric == self.metric() { self.observe(seen) } else { Ok(Request::Go) }
    }
    /// Takes in the gradient of the step about to be taken; only called when [`Needs::gradient`].
    ///
    /// # Errors
    /// When it cannot be used.
    fn heed(&mut self, _gradient: &Gradient) -> Result<()> {
        Ok(())
    }
    /// Takes in the losses at the ends of the branches that it asked for, in order; infinite where one diverged. Says in
    /// words what follows.
    ///
    /// # Errors
    /// When there are not as many as it asked for.
    fn judged(&mut self, _losses: &[f64]) -> Result<String> {
        Ok(String::new())
    }
    /// The whole state.
    fn save(&self) -> State;
    /// Puts a state back.
    ///
    /// # Errors
    /// When a name is missing, unknown or out of range: the controller is then unchanged.
    fn restore(&mut self, state: &State) -> Result<()>;
}
