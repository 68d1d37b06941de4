//! [`TorchPlateau`]: `torch.optim.lr_scheduler.ReduceLROnPlateau` of PyTorch 2.15, report by
//! report.
//!
//! `better`: `x < best (1 - threshold)` or `x < best - threshold` (for `max` mirrored). It cuts
//! after *more* than `patience` bad reports: `rate = max(rate * factor, min_lr)`, unless the change
//! is at most `eps`.
//!
//! Its faults are kept: NaN counts as bad; the relative rule has the wrong sign for negative
//! metrics (a slightly worse value replaces the best); rates near `eps` never fall. `min_lr` and
//! `eps` are rates, so the mode needs the base rate.

use super::Direction;
use crate::controller::spec::Parameters;
use crate::controller::state::{StateReader, Writer};
use crate::controller::{Controller, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters, by PyTorch's names and defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct TorchPlateau {
    /// `min` or `max`.
    pub mode: Direction,
    /// Multiplier of a cut, below 1.
    pub factor: f64,
    /// Bad reports in a row that do not cut yet.
    pub patience: u64,
    /// Smallest improvement that counts.
    pub threshold: f64,
    /// Whether `threshold` is absolute; relative otherwise.
    pub absolute: bool,
    /// Reports after a cut that are not counted.
    pub cooldown: u64,
    /// Lowest rate.
    pub min_lr: f64,
    /// Changes of the rate up to this are skipped.
    pub eps: f64,
}

impl Default for TorchPlateau {
    fn default() -> Self {
        Self {
            mode: Direction::Min,
            factor: 0.1,
            patience: 10,
            threshold: 1e-4,
            absolute: false,
            cooldown: 0,
            min_lr: 0.0,
            eps: 1e-8,
        }
    }
}

impl TorchPlateau {
    /// The controller of a run with base rate `base`.
    ///
    /// # Errors
    /// When `factor` is not below 1 (as in PyTorch), or a parameter is not finite or negative.
    pub fn build(self, base: Lr) -> Result<Box<dyn Controller>> {
        let legal = [self.factor, self.threshold, self.min_lr, self.eps].iter().all(|v| v.is_finite() && *v >= 0.0);
        if !legal || self.factor >= 1.0 {
            return Err(Error::invalid(format!(
                "plateau_torch needs a factor below 1 and finite parameters >= 0, not {self}"
            )));
        }
        let (best, rate) = (self.mode.worst(), base.get());
        Ok(Box::new(Live { spec: self, base: rate, rate, best, bad: 0, cooldown: 0 }))
    }
}

impl Parameters for TorchPlateau {
    fn read(call: &Call) -> Result<Self> {
        let names = ["patience", "factor", "threshold", "cooldown", "min_lr", "eps"];
        let a = call.arguments(&names, &["min", "max", "rel", "abs"])?;
        let d = Self::default();
        Ok(Self {
            mode: Direction::read(&a)?,
            factor: a.number("factor")?.unwrap_or(d.factor),
            patience: a.count("patience")?.unwrap_or(d.patience),
            threshold: a.number("threshold")?.unwrap_or(d.threshold),
            absolute: a.one_of(&["rel", "abs"])? == Some("abs"),
            cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
            min_lr: a.number("min_lr")?.unwrap_or(d.min_lr),
            eps: a.number("eps")?.unwrap_or(d.eps),
        })
    }

    fn start(&self, base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build(base)
    }
}

impl fmt::Display for TorchPlateau {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.mode.word();
        let abs = if self.absolute { ", abs" } else { "" };
        let Self { patience, factor, threshold, cooldown, min_lr, eps, .. } = self;
        write!(
            f,
            "plateau_torch(patience={patience}, factor={factor:?}, threshold={threshold:?}, cooldown={cooldown}, \
             min_lr={min_lr:?}, eps={eps:?}{max}{abs})"
        )
    }
}

struct Live {
    spec: TorchPlateau,
    base: f64,
    rate: f64,
    best: f64,
    bad: u64,
    cooldown: u64,
}

impl Live {
    fn better(&self, x: f64) -> bool {
        let t = self.spec.threshold;
        match (self.spec.mode, self.spec.absolute) {
            (Direction::Min, false) => x < self.best * (1.0 - t),
            (Direction::Min, true) => x < self.best - t,
            (Direction::Max, false) => x > self.best * (t + 1.0),
            (Direction::Max, true) => x > self.best + t,
        }
    }
}

impl Controller for Live {
    fn factor(&self) -> f64 {
        self.rate / self.base
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        if self.better(seen.value) {
            self.best = seen.value;
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.bad = 0;
        }
        if self.bad > self.spec.patience {
            let lower = (self.rate * self.spec.factor).max(self.spec.min_lr);
            if self.rate - lower > self.spec.eps {
                self.rate = lower;
            }
            self.cooldown = self.spec.cooldown;
            self.bad = 0;
        }
        Ok(Request::Go)
    }

    fn save(&self) -> State {
        Writer::new()
            .put("rate", self.rate)
            .put("best", self.best)
            .put("bad", self.bad as f64)
            .put("cooldown", self.cooldown as f64)
            .state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("plateau_torch", state);
        let rate = reader.within("rate", 0.0, f64::MAX)?;
        let best = reader.number("best")?;
        let (bad, cooldown) = (reader.count("bad")?, reader.count("cooldown")?);
        reader.finish()?;
        (self.rate, self.best, self.bad, self.cooldown) = (rate, best, bad, cooldown);
        Ok(())
    }
}
