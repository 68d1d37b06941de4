//! [`Policy`]: `lr(step) = base x schedule.factor(step) x controller.factor()`. No other code
//! multiplies the three.

use crate::controller::{Controller, Gradient, Metric, Needs, Observation, Request};
use crate::run::engine::GradientStats;
use crate::{Lr, Result, Schedule};

/// The rate of one run: base rate, schedule and, if there is one, a controller.
pub struct Policy {
    base: Lr,
    schedule: Schedule,
    controller: Option<Box<dyn Controller>>,
}

impl Policy {
    /// A base rate and a schedule, without a controller.
    pub fn new(base: Lr, schedule: Schedule) -> Self {
        Self { base, schedule, controller: None }
    }

    /// Adds a controller.
    pub fn with_controller(mut self, controller: Box<dyn Controller>) -> Self {
        self.controller = Some(controller);
        self
    }

    /// The rate to apply at zero-based `step`, at least 0. Asking changes nothing.
    pub fn lr(&self, step: u64) -> f64 {
        self.scheduled(step) * self.factor()
    }

    /// The rate at zero-based `step` without the controller's factor.
    fn scheduled(&self, step: u64) -> f64 {
        self.base.get() * self.schedule.factor(step)
    }

    /// The controller's factor; 1 without one.
    pub fn factor(&self) -> f64 {
        self.controller.as_ref().map_or(1.0, |c| c.factor())
    }

    /// What the controller needs of the training loop, besides reports.
    pub fn needs(&self) -> Needs {
        self.controller.as_ref().map_or(Needs::default(), |c| c.needs())
    }

    /// Reports `value` of `metric` after `step`. A controller that watches another metric ignores
    /// it.
    ///
    /// # Errors
    /// When the controller rejects the value.
    pub fn observe(&mut self, metric: Metric, step: u64, value: f64) -> Result<Request> {
        match &mut self.controller {
            Some(controller) => controller.report(metric, &Observation { step, value }),
            None => Ok(Request::Go),
        }
    }

    /// Shows the controller the gradient of `step`, before its rate is asked for.
    ///
    /// # Errors
    /// When the controller rejects the gradient.
    pub fn heed(&mut self, step: u64, seen: &GradientStats) -> Result<()> {
        let gradient = Gradient {
            step,
            loss: seen.loss,
            norm: seen.norm,
            alignment: seen.alignment,
            scheduled: self.scheduled(step),
        };
        self.controller.as_mut().map_or(Ok(()), |c| c.heed(&gradient))
    }

    /// Reports the final losses of the requested branches. Returns the controller's decision as a
    /// sentence for the log.
    ///
    /// # Errors
    /// When the controller did not ask for branches, or for another number of them.
    pub fn judged(&mut self, losses: &[f64]) -> Result<String> {
        self.controller.as_mut().map_or(Ok(String::new()), |c| c.judged(losses))
    }

    /// The controller, for saving and restoring its state.
    pub fn controller(&mut self) -> Option<&mut (dyn Controller + 'static)> {
        self.controller.as_deref_mut()
    }
}
