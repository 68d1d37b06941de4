//! [`Engine`]: one training run that can be stepped at any rate; and [`train`], the loop that runs one.
//!
//! The loop is the only place where rates meet a model. It emits [`Event`]s and nothing else.

use crate::controller::{Metric, Verdict};
use crate::event::Event;
use crate::policy::Policy;
use crate::pruner::explosion;
use crate::trial::{End, Trial, TrialId, TrialSpec, fold_one};
use crate::{Error, Result};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// What an evaluation on held-out data gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Evaluation {
    /// Mean validation loss; non-finite when the model is broken.
    pub val_loss: f64,
    /// Accuracy (0..1) or R2, where the task has one.
    pub score: Option<f64>,
}

/// Everything that a run needs to go on bit for bit: weights, optimizer state, data position and seeds, in the
/// engine's own encoding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot(pub Vec<u8>);

/// One training run.
///
/// Contract, checked by a conformance suite over every implementation:
/// - the same seed and the same rates give the same losses, bit for bit, on any thread;
/// - `evaluate` changes nothing;
/// - `restore(save())` into a fresh engine of the same job continues bit for bit;
/// - a non-finite loss is returned as it is; an `Err` means that the engine broke, not that training diverged.
pub trait Engine: Send {
    /// Takes one optimizer step at rate `lr` (finite, >= 0) and returns the mini-batch loss before the update.
    fn step(&mut self, lr: f64) -> Result<f64>;
    /// Evaluates on held-out data.
    fn evaluate(&mut self) -> Result<Evaluation>;
    /// The whole state.
    fn save(&mut self) -> Result<Snapshot>;
    /// Puts a saved state back.
    fn restore(&mut self, snapshot: &Snapshot) -> Result<()>;
}

/// Steps at which [`train`] evaluates: after 0 steps, at `steps`, and at about `count` points between, spaced evenly,
/// together with `steps/2`, `/4`, `/8` and `/16` (a horizon-free run is read at each of those lengths).
pub fn evaluation_steps(steps: u64, count: u64) -> Vec<u64> {
    let mut at: Vec<u64> = (0..=count).map(|i| steps * i / count.max(1)).collect();
    at.extend([2, 4, 8, 16].iter().map(|d| steps / d));
    at.sort_unstable();
    at.dedup();
    at
}

/// Runs one trial on a fresh engine and hands every event to `sink`, which may end the run.
///
/// `sink` answers `ControlFlow::Break(end)` to stop the trial with that end (pruned, stopped). Divergence is judged
/// here by [`explosion`] when the spec asks for it.
///
/// # Errors
/// When the engine fails. The trial is then ended with [`End::Failed`] first.
pub fn train(
    engine: &mut dyn Engine,
    trial: TrialId,
    spec: &TrialSpec,
    policy: &mut Policy,
    evals: &[u64],
    sink: &mut dyn FnMut(Event) -> ControlFlow<End>,
) -> Result<End> {
    resume(engine, Trial::new(trial, spec.clone()), policy, evals, sink)
}

/// Goes on with a trial of which `begun` is known, on an engine and a policy that are as they were then.
///
/// The step at which `sink` says stop is made to its end (evaluation, report to the controller) before the loop ends, so
/// that engine and policy can be saved and gone on with as if nothing had happened.
///
/// # Errors
/// As [`train`].
pub fn resume(
    engine: &mut dyn Engine,
    begun: Trial,
    policy: &mut Policy,
    evals: &[u64],
    sink: &mut dyn FnMut(Event) -> ControlFlow<End>,
) -> Result<End> {
    let (trial, spec, begin) = (begun.id, begun.spec.clone(), begun.steps_run);
    let mut seen = BTreeMap::from([(trial, begun)]);
    let mut run = || -> Result<(End, u64)> {
        let mut emit = |event: Event, seen: &mut BTreeMap<TrialId, Trial>| -> ControlFlow<End> {
            fold_one(seen, &event);
            sink(event)
        };
        let first = policy.lr(0);
        if begin == 0 && evals.first() == Some(&0) {
            let e = engine.evaluate()?;
            let event = Event::Eval { trial, step: 0, lr: first, val_loss: e.val_loss, score: e.score };
            if let ControlFlow::Break(end) = emit(event, &mut seen) {
                return Ok((end, 0));
            }
        }
        for step in begin..spec.steps {
            let lr = policy.lr(step);
            let loss = engine.step(lr)?;
            let mut flow = emit(Event::Step { trial, step, lr, loss }, &mut seen);
            let mut val_loss = None;
            if evals.binary_search(&(step + 1)).is_ok() || !loss.is_finite() {
                let e = engine.evaluate()?;
                val_loss = Some(e.val_loss);
                let event = Event::Eval { trial, step: step + 1, lr, val_loss: e.val_loss, score: e.score };
                if let ControlFlow::Break(end) = emit(event, &mut seen) {
                    flow = ControlFlow::Break(end);
                }
            }
            if spec.stop_on_divergence
                && let Some(why) = explosion(&seen[&trial])
            {
                return Ok((End::Diverged { step, why }, step + 1));
            }
            for (metric, value) in [(Metric::TrainLoss, Some(loss)), (Metric::ValLoss, val_loss)] {
                let Some(value) = value else { continue };
                match policy.observe(metric, step, value) {
                    Ok(Verdict::Go) => {}
                    Ok(Verdict::Stop(why)) => return Ok((End::Pruned { why }, step + 1)),
                    // A controller that has no use for a broken loss ends the run; nothing is wrong with the engine.
                    Err(error) if !value.is_finite() => {
                        return Ok((End::Diverged { step, why: error.to_string() }, step + 1));
                    }
                    Err(error) => return Err(error),
                }
            }
            if let ControlFlow::Break(end) = flow {
                return Ok((end, step + 1));
            }
        }
        Ok((End::Finished, spec.steps))
    };
    match run() {
        Ok((end, steps)) => {
            let _ = sink(Event::Ended { trial, end: end.clone(), steps, seconds: None });
            Ok(end)
        }
        Err(error) => {
            let steps = seen.get(&trial).map_or(0, |t| t.steps_run);
            let end = End::Failed { why: error.to_string() };
            let _ = sink(Event::Ended { trial, end, steps, seconds: None });
            Err(Error::engine(error))
        }
    }
}
