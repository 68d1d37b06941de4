//! [`Engine`]: one training run that can be stepped at any rate. [`crate::train()`] is the loop
//! that runs one.

use crate::{Error, Result};

/// Result of an evaluation on held-out data.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean validation loss; non-finite when the model is broken.
    pub val_loss: f64,
    /// Accuracy (0..1) or R2, where the task has one.
    pub score: Option<f64>,
}

/// Everything that a run needs to continue bit for bit: weights, optimizer state, data position and
/// seeds, in an encoding of the engine's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(pub Vec<u8>);

/// What an engine can show of a step before it moves the weights.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct GradientStats {
    /// Mini-batch loss.
    pub loss: f64,
    /// Euclidean norm of the gradient of all parameters, before any clipping.
    pub norm: f64,
    /// Cosine between the downhill direction and the last move of the weights; `None` when nothing
    /// has moved yet.
    pub alignment: Option<f64>,
}

/// One training run.
///
/// The contract, which `stepsize::testing::engine` (feature `testing`) checks:
/// - The same seed and the same rates give the same losses, bit for bit, on any thread.
/// - `evaluate` and `save` change nothing.
/// - `restore(save())` into a fresh engine of the same job continues bit for bit.
/// - `step_seeing` does what `step` does at the same rate.
/// - A non-finite loss is returned as it is. An `Err` means that the engine broke, not that
///   training diverged.
pub trait Engine: Send {
    /// Takes one optimizer step at rate `lr` and returns the mini-batch loss before the update. A
    /// rate that is negative or not finite is an error.
    fn step(&mut self, lr: f64) -> Result<f64>;
    /// Evaluates on held-out data.
    fn evaluate(&mut self) -> Result<Evaluation>;
    /// The whole state, to be restored here or in another engine of the same job.
    fn save(&mut self) -> Result<Snapshot>;
    /// Continues from a saved state. A snapshot of another job, or a damaged one, is a state error
    /// ([`Error::is_state`]) and changes nothing.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<()>;
    /// Takes one optimizer step whose rate `decide` chooses from its gradient; returns the
    /// mini-batch loss.
    ///
    /// # Errors
    /// When `decide` fails. Always in an engine that does not show its gradients, which is the
    /// default.
    fn step_seeing(&mut self, decide: &mut dyn FnMut(&GradientStats) -> Result<f64>) -> Result<f64> {
        let _ = decide;
        Err(Error::invalid(
            "this engine does not show its gradients, which the controller needs: use another controller",
        ))
    }
    /// Skips the next `batches` batches of the data. `false` when this engine cannot, which is the
    /// default.
    ///
    /// # Errors
    /// When the engine broke.
    fn skip(&mut self, batches: u64) -> Result<bool> {
        let _ = batches;
        Ok(false)
    }
}
