//! [`KerasPlateau`]: `keras.callbacks.ReduceLROnPlateau` of Keras 3.15.1, report by report.
//!
//! `better`: `x + min_delta < best` (for `max` mirrored), compared in single precision; the first
//! report always is. It cuts at `patience` bad reports: `rate = max(rate * factor, min_lr)`, in
//! single precision, unless the rate is at `min_lr` already. In that case it keeps waiting and cuts
//! again as soon as it can, as Keras does.
//!
//! Its faults are kept: a first NaN stays the best for ever; a cooldown is one report short,
//! because the counter falls before it is looked at; patience 0 acts as 1. One is not kept: Keras
//! forgets its state at every `fit`, and this state is saved.

use super::Direction;
use crate::controller::spec::Parameters;
use crate::controller::state::{StateReader, Writer};
use crate::controller::{Controller, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters, by Keras's names and defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct KerasPlateau {
    /// `min` or `max` (Keras's `auto` is `min` for a loss).
    pub mode: Direction,
    /// Multiplier of a cut, below 1.
    pub factor: f64,
    /// Bad reports at which it cuts.
    pub patience: u64,
    /// Absolute improvement that counts.
    pub min_delta: f64,
    /// Reports after a cut that are not counted; one fewer in fact, as in Keras.
    pub cooldown: u64,
    /// Lowest rate.
    pub min_lr: f64,
}

impl Default for KerasPlateau {
    fn default() -> Self {
        Self { mode: Direction::Min, factor: 0.1, patience: 10, min_delta: 1e-4, cooldown: 0, min_lr: 0.0 }
    }
}

impl KerasPlateau {
    /// The controller of a run with base rate `base`.
    ///
    /// # Errors
    /// When `factor` is not below 1 (as in Keras), or a parameter is not finite or negative.
    pub fn build(self, base: Lr) -> Result<Box<dyn Controller>> {
        let legal = [self.factor, self.min_delta, self.min_lr].iter().all(|v| v.is_finite() && *v >= 0.0);
        if !legal || self.factor >= 1.0 {
            return Err(Error::invalid(format!(
                "plateau_keras needs a factor below 1 and finite parameters >= 0, not {self}"
            )));
        }
        let rate = base.get() as f32;
        if rate == 0.0 || !rate.is_finite() {
            return Err(Error::invalid(format!(
                "plateau_keras holds rates in single precision, which cannot hold {base}"
            )));
        }
        Ok(Box::new(Live { spec: self, base: rate, rate, best: None, wait: 0, cooldown: 0 }))
    }
}

impl Parameters for KerasPlateau {
    fn read(call: &Call) -> Result<Self> {
        let names = ["patience", "factor", "min_delta", "cooldown", "min_lr"];
        let a = call.arguments(&names, &["min", "max"])?;
        let d = Self::default();
        Ok(Self {
            mode: Direction::read(&a)?,
            factor: a.number("factor")?.unwrap_or(d.factor),
            patience: a.count("patience")?.unwrap_or(d.patience),
            min_delta: a.number("min_delta")?.unwrap_or(d.min_delta),
            cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
            min_lr: a.number("min_lr")?.unwrap_or(d.min_lr),
        })
    }

    fn start(&self, base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build(base)
    }
}

impl fmt::Display for KerasPlateau {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.mode.word();
        let Self { patience, factor, min_delta, cooldown, min_lr, .. } = self;
        write!(
            f,
            "plateau_keras(patience={patience}, factor={factor:?}, min_delta={min_delta:?}, cooldown={cooldown}, \
             min_lr={min_lr:?}{max})"
        )
    }
}

struct Live {
    spec: KerasPlateau,
    base: f32,
    rate: f32,
    best: Option<f64>,
    wait: u64,
    cooldown: u64,
}

impl Live {
    fn better(&self, x: f64) -> bool {
        match (self.best, self.spec.mode) {
            (None, _) => true,
            (Some(best), Direction::Min) => ((x + self.spec.min_delta) as f32) < best as f32,
            (Some(best), Direction::Max) => ((x - self.spec.min_delta) as f32) > best as f32,
        }
    }
}

impl Controller for Live {
    fn factor(&self) -> f64 {
        f64::from(self.rate) / f64::from(self.base)
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        if self.cooldown > 0 {
            self.cooldown -= 1;
            self.wait = 0;
        }
        if self.better(seen.value) {
            self.best = Some(seen.value);
            self.wait = 0;
        } else if self.cooldown == 0 {
            self.wait += 1;
            if self.wait >= self.spec.patience && self.rate > self.spec.min_lr as f32 {
                self.rate = (f64::from(self.rate) * self.spec.factor).max(self.spec.min_lr) as f32;
                self.cooldown = self.spec.cooldown;
                self.wait = 0;
            }
        }
        Ok(Request::Go)
    }

    fn save(&self) -> State {
        let writer = Writer::new()
            .put("rate", f64::from(self.rate))
            .put("wait", self.wait as f64)
            .put("cooldown", self.cooldown as f64)
            .put("seen", f64::from(u8::from(self.best.is_some())));
        match self.best {
            Some(best) => writer.put("best", best).state(),
            None => writer.state(),
        }
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("plateau_keras", state);
        let rate = reader.within("rate", 0.0, f64::from(f32::MAX))? as f32;
        let (wait, cooldown) = (reader.count("wait")?, reader.count("cooldown")?);
        let best = if reader.within("seen", 0.0, 1.0)? == 1.0 { Some(reader.number("best")?) } else { None };
        reader.finish()?;
        (self.rate, self.wait, self.cooldown, self.best) = (rate, wait, cooldown, best);
        Ok(())
    }
}
