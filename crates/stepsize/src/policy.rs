//! [`Policy`]: `lr(step) = base x schedule.factor(step) x controller.factor()`, the only place where the three meet.

use crate::controller::{Controller, Metric, Observation, Verdict};
use crate::{Lr, Result, Schedule};

/// The rate of one run.
pub struct Policy {
    base: Lr,
    schedule: Schedule,
    controller: Option<Box<dyn Controller>>,
}

impl Policy {
    /// A base rate with a schedule and no feedback.
    pub fn new(base: Lr, schedule: Schedule) -> Self {
        Self { base, schedule, controller: None }
    }

    /// The same with a controller.
    pub fn with_controller(mut self, controller: Box<dyn Controller>) -> Self {
        self.controller = Some(controller);
        self
    }

    /// The rate to apply at zero-based `step`, >= 0. Asking changes nothing.
    pub fn lr(&self, step: u64) -> f64 {
        let feedback = self.controller.as_ref().map_or(1.0, |c| c.factor());
        self.base.get() * self.schedule.factor(step) * feedback
    }

    /// Reports `value` of `metric` after `step` was taken; the controller takes it in if it watches that metric.
    ///
    /// # Errors
    /// When the controller rejects the value.
    pub fn observe(&mut self, metric: Metric, step: u64, value: f64) -> Result<Verdict> {
        match &mut self.controller {
            Some(controller) if controller.metric() == metric => controller.observe(&Observation { step, value }),
            _ => Ok(Verdict::Go),
        }
    }

    /// The controller, to save or restore its state.
    pub fn controller(&mut self) -> Option<&mut (dyn Controller + 'static)> {
        self.controller.as_deref_mut()
    }
}
