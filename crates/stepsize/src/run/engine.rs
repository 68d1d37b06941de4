//! [`Engine`]: one training run that can be stepped at any rate. [`crate::train()`] is the loop
//! that runs one.

use crate::{Error, Result};

/// What an evaluation on held-out data gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean validation loss; non-finite when the model is broken.
    pub val_loss: f64,
    /// Accuracy (0..1) or R2, where the task has one.
    pub score: Option<f64>,
}

/// Everything that a run needs to go on bit for bit: weights, optimizer state, data position and
/// seeds, in the engine's own encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(pub Vec<u8>);

/// What an engine knows of a step before it moves the weights.
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
/// Contract, checked by a conformance suite over every implementation:
/// - the same seed and the same rates give the same losses, bit for bit, on any thread;
/// - `evaluate` changes nothing;
/// - `restore(save())` into a fresh engine of the same job continues bit for bit;
/// - `step_seeing` at the rate that `step` is given does what `step` does;
/// - a non-finite loss is returned as it is; an `Err` means that the engine broke, not that
///   training diverged.
pub trait Engine: Send {
    /// Takes one optimizer step at rate `lr` (finite, >= 0) and returns the mini-batch loss before
    /// the update.
    fn step(&mut self, lr: f64) -> Result<f64>;
    /// Evaluates on held-out data.
    fn evaluate(&mut self) -> Result<Evaluation>;
    /// The whole state.
    fn save(&mut self) -> Result<Snapshot>;
    /// Puts a saved state back.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<()>;
    /// One optimizer step whose rate is decided once its gradient is known; returns the mini-batch
    /// loss.
    ///
    /// # Errors
    /// When `decide` fails, and always in an engine that does not show its gradients.
    fn step_seeing(&mut self, decide: &mut dyn FnMut(&GradientStats) -> Result<f64>) -> Result<f64> {
        let _ = decide;
        Err(Error::invalid(
            "this engine does not show its gradients, which the controller needs: use another controller",
        ))
    }
    /// Passes over the next `batches` batches; `false` when this engine cannot.
    ///
    /// # Errors
    /// When the engine broke.
    fn skip(&mut self, batches: u64) -> Result<bool> {
        let _ = batches;
        Ok(false)
    }
}
