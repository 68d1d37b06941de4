//! [`Norms`]: an engine whose gradient norms are overheard, when they are asked for.

use std::sync::{Arc, Mutex, PoisonError};
use stepsize::{Engine, Evaluation, GradientStats, Result, Snapshot};

/// The norm of the last step's gradient, until it is taken.
#[derive(Clone, Default)]
pub struct Last(Arc<Mutex<Option<f64>>>);

impl Last {
    /// Takes it.
    pub fn take(&self) -> Option<f64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    fn set(&self, norm: f64) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(norm);
    }
}

/// An engine that is listened to.
pub struct Norms {
    engine: Box<dyn Engine>,
    listen: bool,
    last: Last,
}

impl Norms {
    /// Over `engine`; passes everything through unless it shall `listen`.
    pub fn new(engine: Box<dyn Engine>, listen: bool) -> Self {
        Self { engine, listen, last: Last::default() }
    }

    /// Where the norms are to be had.
    pub fn last(&self) -> Last {
        self.last.clone()
    }
}

impl Engine for Norms {
    fn step(&mut self, lr: f64) -> Result<f64> {
        if self.listen { self.step_seeing(&mut |_| Ok(lr)) } else { self.engine.step(lr) }
    }

    fn step_seeing(&mut self, decide: &mut dyn FnMut(&GradientStats) -> Result<f64>) -> Result<f64> {
        let (listen, last) = (self.listen, self.last.clone());
        self.engine.step_seeing(&mut |seen| {
            if listen {
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
