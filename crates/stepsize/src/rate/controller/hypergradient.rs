//! [`Hypergradient`]: raises the rate while successive steps agree, and lowers it when they turn
//! back.
//!
//! The derivative of the loss after a step with respect to that step's rate is `-<g_t, u>`, where
//! `u` is the direction of the step before (Baydin et al. 2018, arXiv 1703.04782; the idea is in
//! Almeida et al. 1999). They add `beta <g_t, u>` to the rate. Here the factor is multiplied, so
//! that no scale of loss or gradient enters:
//! `factor <- clamp(factor exp(beta cos), min_factor, max_factor)`, where `cos` is the cosine
//! between the downhill direction and the last move of the weights. For plain SGD this is the
//! cosine of successive gradients; with momentum or Adam, that of the gradient with the move that
//! was really made.
//!
//! It is greedy: it finds the rate that helps the *next* step, which is lower than the one that
//! helps the run (short-horizon bias: Wu et al. 2018, arXiv 1803.02021). Use it, with a ceiling, to
//! raise a rate that is far too low; do not take its rate as the answer.

use super::spec::Parameters;
use super::state::{StateReader, Writer};
use super::{Controller, Gradient, Needs, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters of the hypergradient controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Hypergradient {
    /// Growth of the natural log of the factor at cosine 1; above 0 and at most 1.
    pub beta: f64,
    /// Lowest factor.
    pub min_factor: f64,
    /// Highest factor.
    pub max_factor: f64,
}

impl Default for Hypergradient {
    fn default() -> Self {
        Self { beta: 0.02, min_factor: 1e-3, max_factor: 100.0 }
    }
}

impl Hypergradient {
    /// The controller.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let range = self.min_factor > 0.0 && self.min_factor <= 1.0 && (1.0..=1e12).contains(&self.max_factor);
        if !(range && self.beta > 0.0 && self.beta <= 1.0) {
            return Err(Error::invalid(format!(
                "hypergradient needs 0 < beta <= 1 and 0 < min_factor <= 1 <= max_factor <= 1e12, not {self}"
            )));
        }
        Ok(Box::new(Live { spec: self, log: 0.0 }))
    }
}

impl Parameters for Hypergradient {
    fn read(call: &Call) -> Result<Self> {
        let a = call.arguments(&["beta", "min_factor", "max_factor"], &[])?;
        let d = Self::default();
        Ok(Self {
            beta: a.number("beta")?.unwrap_or(d.beta),
            min_factor: a.number("min_factor")?.unwrap_or(d.min_factor),
            max_factor: a.number("max_factor")?.unwrap_or(d.max_factor),
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for Hypergradient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { beta, min_factor, max_factor } = self;
        write!(f, "hypergradient(beta={beta:?}, min_factor={min_factor:?}, max_factor={max_factor:?})")
    }
}

struct Live {
    spec: Hypergradient,
    /// Natural log of the factor.
    log: f64,
}

impl Controller for Live {
    fn needs(&self) -> Needs {
        Needs { gradient: true, ..Needs::default() }
    }

    fn factor(&self) -> f64 {
        self.log.exp()
    }

    fn observe(&mut self, _seen: &Observation) -> Result<Request> {
        Ok(Request::Go)
    }

    fn heed(&mut self, gradient: &Gradient) -> Result<()> {
        // A non-finite gradient says nothing about the rate. The loop deals with the loss.
        if let Some(cosine) = gradient.alignment.filter(|c| c.is_finite()) {
            let log = self.log + self.spec.beta * cosine.clamp(-1.0, 1.0);
            self.log = log.clamp(self.spec.min_factor.ln(), self.spec.max_factor.ln());
        }
        Ok(())
    }

    fn save(&self) -> State {
        Writer::new().put("log_factor", self.log).state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("hypergradient", state);
        let log = reader.within("log_factor", self.spec.min_factor.ln(), self.spec.max_factor.ln())?;
        reader.finish()?;
        self.log = log;
        Ok(())
    }
}
