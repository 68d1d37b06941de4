//! [`Controller`]: feedback on the rate. It receives what training shows and returns a
//! dimensionless factor, so it composes with any schedule. (optax's `reduce_on_plateau` returns a
//! scale too; PyTorch's changes the rate in place and does not compose.) What it cannot do by
//! itself, such as going back or looking ahead, it asks of the training loop: [`Request`].

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

/// A controller's whole state as named finite numbers: readable in a checkpoint, and enough to
/// continue exactly.
pub type State = BTreeMap<String, f64>;

/// The metric that a controller watches.
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
    /// Zero-based step that was taken last.
    pub step: u64,
    /// The watched metric.
    pub value: f64,
}

/// What is known before a step is taken: its loss and gradient, and the rate that the schedule
/// gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gradient {
    /// Zero-based step about to be taken.
    pub step: u64,
    /// Mini-batch loss.
    pub loss: f64,
    /// Euclidean norm of the gradient of all parameters.
    pub norm: f64,
    /// Cosine between the downhill direction and the last move of the weights. For plain SGD this
    /// is the cosine of successive gradients. `None` when nothing has moved yet.
    pub alignment: Option<f64>,
    /// Base rate times schedule, without any controller.
    pub scheduled: f64,
}

/// What a controller needs of the training loop, besides reports.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Whether it must see each step's gradient before its rate is asked for: [`Controller::heed`].
    pub gradient: bool,
    /// Interval in steps at which the loop keeps states, for [`Request::Rewind`]. When set, the
    /// controller also receives non-finite losses, which otherwise end the run.
    pub keep: Option<u64>,
    /// Whether it asks for branches of the run: [`Request::Branch`].
    pub branch: bool,
}

/// What a controller asks of the loop after a report. A change of the rate is not a request: it
/// shows in the factor.
#[derive(Debug, Clone, PartialEq)]
pub enum Request {
    /// Nothing: continue.
    Go,
    /// Continue from a state of at least `back` steps ago, or else from the oldest that is kept,
    /// and skip the batches since. The controller has already cut its factor.
    Rewind {
        /// Smallest number of steps to go back.
        back: u64,
        /// Evidence, for people.
        why: String,
    },
    /// Try `steps` steps from here at each of these multiples of the present rate, on identical
    /// batches, and report the losses at their ends to [`Controller::judged`]. Then continue as if
    /// the branches had not been.
    Branch {
        /// Multiples of the rate.
        factors: Vec<f64>,
        /// Steps of each branch.
        steps: u64,
        /// Share of the steps, at the end of each branch, over which the rate falls linearly to
        /// zero.
        decay: f64,
    },
    /// End the run; the text says why.
    Stop(String),
}

/// Feedback on the rate: reports in, a factor out. Its contract is checked by
/// `stepsize::testing::controller` (feature `testing`).
pub trait Controller: Send {
    /// The metric that it watches.
    fn metric(&self) -> Metric {
        Metric::ValLoss
    }
    /// What it needs besides reports; the same throughout a run.
    fn needs(&self) -> Needs {
        Needs::default()
    }
    /// The factor on the scheduled rate, finite and >= 0. Asking changes nothing.
    fn factor(&self) -> f64;
    /// Receives a report of the metric that it watches.
    ///
    /// # Errors
    /// When the value cannot be used. Our own controllers reject non-finite values; the modes of
    /// other packages count them as those packages do.
    fn observe(&mut self, seen: &Observation) -> Result<Request>;
    /// Receives a report of any metric, and ignores those that it does not watch.
    ///
    /// # Errors
    /// As [`Controller::observe`].
    fn report(&mut self, metric: Metric, seen: &Observation) -> Result<Request> {
        if metric == self.metric() { self.observe(seen) } else { Ok(Request::Go) }
    }
    /// Receives the gradient of the step about to be taken. Called only when [`Needs::gradient`] is
    /// set.
    ///
    /// # Errors
    /// When the gradient cannot be used.
    fn heed(&mut self, _gradient: &Gradient) -> Result<()> {
        Ok(())
    }
    /// Receives the losses at the ends of the branches, in the order in which it asked for them;
    /// infinite where one diverged. Returns its decision as a sentence for the log.
    ///
    /// # Errors
    /// When there are not as many losses as branches.
    fn judged(&mut self, _losses: &[f64]) -> Result<String> {
        Ok(String::new())
    }
    /// The whole state; every value finite.
    fn save(&self) -> State;
    /// Continues from a saved state.
    ///
    /// # Errors
    /// When a name is missing or unknown, or a value is out of range. The controller is then
    /// unchanged.
    fn restore(&mut self, state: &State) -> Result<()>;
}
