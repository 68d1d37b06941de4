//! [`Norms`]: an engine that records the norm of each gradient on request.

use std::sync::{Arc, Mutex, PoisonError};
use stepsize::{Engine, Evaluation, GradientStats, Result, Snapshot};

/// The norm of the gradient of the last step, until it is taken.
#[derive(Clone, Default)]
pub struct Last(Arc<Mutex<Option<f64>>>);

impl Last {
    /// Takes the norm; `None` if there was no step since the last call.
    pub fn take(&self) -> Option<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, norm: f64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(norm);
    }
}

/// An engine around another one; passes everything through.
pub struct Norms {
    engine: Box<dyn Engine>,
    record: bool,
    last: Last,
}

impl Norms {
    /// Around `engine`; norms are kept only if `record` is set, because asking for gradients costs
    /// time.
    pub fn new(engine: Box<dyn Engine>, record: bool) -> Self {
        Self { engine, record, last: Last::default() }
    }

    /// Where the norms can be taken.
    pub fn last(&self) -> Last {
        self.last.clone()
    }
}

impl Engine for Norms {
    fn step(&mut self, lr: f64) -> Result<f64> {
        if self.record { self.step_seeing(&mut |_| Ok(lr)) } else { self.engine.step(lr) }
    }

    fn step_seeing(&mut self, decide: &mut dyn FnMut(&GradientStats) -> Result<f64>) -> Result<f64> {
        let (record, last) = (self.record, self.last.clone());
        self.engine.step_seeing(&mut |seen| {
            if record {
                last.set(seen.norm);
            }
            decide(seen)
        })
    }

    fn evaluate(&mut self) -> Result<Evaluation> {
        self.engine.evaluate()
    }

    fn save(&mut self) -> Result<Snapshot> {
        self.engine.save()
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        self.engine.restore(snapshot)
    }

    fn skip(&mut self, batches: u64) -> Result<bool> {
        self.engine.skip(batches)
    }
}
