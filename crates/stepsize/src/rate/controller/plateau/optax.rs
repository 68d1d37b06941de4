//! [`OptaxPlateau`]: `optax.contrib.reduce_on_plateau` of optax 0.2.8, report by report, in single
//! precision as it runs by default.
//!
//! `accumulation_size` reports make one average. `better`: `x < (1 - rtol) best - atol`. It cuts
//! when the count of bad averages *equals* `patience`: `scale = max(scale * factor, min_scale)`.
//!
//! Its faults are kept: patience 0 cuts on every improvement and never on a stall; a NaN spoils its
//! average and counts as bad; the relative rule has the wrong sign for negative metrics.

use crate::controller::spec::Parameters;
use crate::controller::state::{StateReader, Writer};
use crate::controller::{Controller, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters, by optax's names and defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct OptaxPlateau {
    /// Multiplier of a cut, above 0 and below 1.
    pub factor: f64,
    /// Count of bad averages at which it cuts.
    pub patience: u64,
    /// Relative improvement that counts.
    pub rtol: f64,
    /// Absolute improvement that counts.
    pub atol: f64,
    /// Averages after a cut that are not counted.
    pub cooldown: u64,
    /// Reports in one average.
    pub accumulation_size: u64,
    /// Lowest scale.
    pub min_scale: f64,
}

impl Default for OptaxPlateau {
    fn default() -> Self {
        Self { factor: 0.1, patience: 10, rtol: 1e-4, atol: 0.0, cooldown: 0, accumulation_size: 1, min_scale: 0.0 }
    }
}

impl OptaxPlateau {
    /// The controller.
    ///
    /// # Errors
    /// For what optax rejects (a factor outside (0, 1), negative or both zero tolerances, `rtol`
    /// above 1), and for a negative `min_scale` or an `accumulation_size` of 0.
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let legal = self.factor > 0.0
            && self.factor < 1.0
            && (0.0..=1.0).contains(&self.rtol)
            && self.atol.is_finite()
            && self.atol >= 0.0
            && self.rtol + self.atol > 0.0
            && (0.0..=1.0).contains(&self.min_scale)
            && self.accumulation_size > 0;
        if !legal {
            return Err(Error::invalid(format!(
                "plateau_optax needs 0 < factor < 1, tolerances >= 0 and not both 0, accumulation_size >= 1, not {self}"
            )));
        }
        let live = Live { spec: self, scale: 1.0, best: f32::INFINITY, bad: 0, cooldown: 0, count: 0, average: 0.0 };
        Ok(Box::new(live))
    }
}

impl Parameters for OptaxPlateau {
    fn read(call: &Call) -> Result<Self> {
        let names = ["patience", "factor", "rtol", "atol", "cooldown", "accumulation_size", "min_scale"];
        let a = call.arguments(&names, &[])?;
        let d = Self::default();
        Ok(Self {
            factor: a.number("factor")?.unwrap_or(d.factor),
            patience: a.count("patience")?.unwrap_or(d.patience),
            rtol: a.number("rtol")?.unwrap_or(d.rtol),
            atol: a.number("atol")?.unwrap_or(d.atol),
            cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
            accumulation_size: a.count("accumulation_size")?.unwrap_or(d.accumulation_size),
            min_scale: a.number("min_scale")?.unwrap_or(d.min_scale),
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for OptaxPlateau {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { patience, factor, rtol, atol, cooldown, accumulation_size, min_scale } = self;
        write!(
            f,
            "plateau_optax(patience={patience}, factor={factor:?}, rtol={rtol:?}, atol={atol:?}, cooldown={cooldown}, \
             accumulation_size={accumulation_size}, min_scale={min_scale:?})"
        )
    }
}

/// XLA on a CPU sets numbers below the normal range to zero.
fn normal(value: f32) -> f32 {
    if value.is_subnormal() { 0.0 } else { value }
}

struct Live {
    spec: OptaxPlateau,
    scale: f32,
    best: f32,
    bad: u64,
    cooldown: u64,
    count: u64,
    average: f32,
}

impl Live {
    /// Decides on a full average.
    fn decide(&mut self) {
        let bound = (1.0 - self.spec.rtol) as f32 * self.best - self.spec.atol as f32;
        if self.average < bound {
            self.best = self.average;
            self.bad = 0;
        } else {
            self.bad += 1;
        }
        if self.cooldown > 0 {
            self.bad = 0;
            self.cooldown -= 1;
        } else {
            let cut = self.bad == self.spec.patience;
            if cut {
                self.scale = normal(self.scale * self.spec.factor as f32);
                self.bad = 0;
                self.cooldown = self.spec.cooldown;
            }
            self.scale = self.scale.max(self.spec.min_scale as f32);
        }
        self.count = 0;
        self.average = 0.0;
    }
}

impl Controller for Live {
    fn factor(&self) -> f64 {
        f64::from(self.scale)
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        let sum = self.count as f32 * self.average + seen.value as f32;
        self.count += 1;
        self.average = sum / self.count as f32;
        if self.count == self.spec.accumulation_size {
            self.decide();
        }
        Ok(Request::Go)
    }

    fn save(&self) -> State {
        Writer::new()
            .put("scale", f64::from(self.scale))
            .put("best", f64::from(self.best))
            .put("bad", self.bad as f64)
            .put("cooldown", self.cooldown as f64)
            .put("count", self.count as f64)
            .put("average", f64::from(self.average))
            .state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("plateau_optax", state);
        let scale = reader.within("scale", 0.0, 1.0)? as f32;
        let (best, average) = (reader.number("best")? as f32, reader.number("average")? as f32);
        let (bad, cooldown) = (reader.count("bad")?, reader.count("cooldown")?);
        let count = reader.within("count", 0.0, (self.spec.accumulation_size - 1) as f64)? as u64;
        reader.finish()?;
        (self.scale, self.best, self.average) = (scale, best, average);
        (self.bad, self.cooldown, self.count) = (bad, cooldown, count);
        Ok(())
    }
}
