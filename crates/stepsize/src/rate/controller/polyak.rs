//! [`Polyak`]: the Polyak step as a cap on the scheduled rate.
//!
//! `cap = scale (1 - momentum) (f - floor) / |g|^2`, and the factor is `min(1, cap / scheduled)`.
//! The cap is the step that would reach `floor` if the loss followed its tangent (Polyak 1987; for
//! mini-batches with an upper bound SPS_max, Loizou et al. 2021, arXiv 2002.10542). Loss and
//! squared norm are averaged over steps with weight `average` on the past, corrected for the start,
//! as MoMo does (Schaipp et al. 2024, arXiv 2305.07583); 0 is SPS_max. With momentum a rate acts
//! `1/(1 - momentum)` times.
//!
//! The floor 0 suits losses that can reach 0. For others give the lowest loss to hope for, or the
//! cap acts too late. The controller does not know the preconditioner: for Adam use the MoMo-Adam
//! optimizer.

use super::spec::Parameters;
use super::state::{StateReader, Writer};
use super::{Controller, Gradient, Needs, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters of the Polyak cap.
#[derive(Debug, Clone, PartialEq)]
pub struct Polyak {
    /// Loss that the run may reach.
    pub floor: f64,
    /// Multiplier of the cap, above 0.
    pub scale: f64,
    /// Momentum of the optimizer, in `0..1`.
    pub momentum: f64,
    /// Weight of the past in the averages, in `0..1`.
    pub average: f64,
}

impl Default for Polyak {
    fn default() -> Self {
        Self { floor: 0.0, scale: 1.0, momentum: 0.0, average: 0.9 }
    }
}

impl Polyak {
    /// The controller.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let shares = (0.0..1.0).contains(&self.momentum) && (0.0..1.0).contains(&self.average);
        if !(shares && self.floor.is_finite() && self.scale.is_finite() && self.scale > 0.0) {
            return Err(Error::invalid(format!(
                "polyak needs a finite floor, scale > 0, and momentum and average in 0..1, not {self}"
            )));
        }
        Ok(Box::new(Live { spec: self, loss: 0.0, square: 0.0, weight: 0.0, factor: 1.0 }))
    }
}

impl Parameters for Polyak {
    fn read(call: &Call) -> Result<Self> {
        let a = call.arguments(&["floor", "scale", "momentum", "average"], &[])?;
        let d = Self::default();
        Ok(Self {
            floor: a.number("floor")?.unwrap_or(d.floor),
            scale: a.number("scale")?.unwrap_or(d.scale),
            momentum: a.number("momentum")?.unwrap_or(d.momentum),
            average: a.number("average")?.unwrap_or(d.average),
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for Polyak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { floor, scale, momentum, average } = self;
        write!(f, "polyak(floor={floor:?}, scale={scale:?}, momentum={momentum:?}, average={average:?})")
    }
}

struct Live {
    spec: Polyak,
    /// Weighted sums of the losses and of the squared norms, and the sum of their weights.
    loss: f64,
    square: f64,
    weight: f64,
    factor: f64,
}

impl Controller for Live {
    fn needs(&self) -> Needs {
        Needs { gradient: true, ..Needs::default() }
    }

    fn factor(&self) -> f64 {
        self.factor
    }

    fn observe(&mut self, _seen: &Observation) -> Result<Request> {
        Ok(Request::Go)
    }

    fn heed(&mut self, gradient: &Gradient) -> Result<()> {
        let square = gradient.norm * gradient.norm;
        if !(gradient.loss.is_finite() && square.is_finite()) {
            return Ok(());
        }
        let past = self.spec.average;
        self.loss = past * self.loss + (1.0 - past) * gradient.loss;
        self.square = past * self.square + (1.0 - past) * square;
        self.weight = past * self.weight + (1.0 - past);
        let above = (self.loss / self.weight - self.spec.floor).max(0.0);
        let cap = self.spec.scale * (1.0 - self.spec.momentum) * above / (self.square / self.weight);
        // A gradient of zero gives no cap, and a rate of zero needs none.
        let capped = cap.is_finite() && gradient.scheduled > 0.0;
        self.factor = if capped { (cap / gradient.scheduled).min(1.0) } else { 1.0 };
        Ok(())
    }

    fn save(&self) -> State {
        Writer::new()
            .put("loss", self.loss)
            .put("square", self.square)
            .put("weight", self.weight)
            .put("factor", self.factor)
            .state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("polyak", state);
        let (loss, square) = (reader.within("loss", f64::MIN, f64::MAX)?, reader.within("square", 0.0, f64::MAX)?);
        let (weight, factor) = (reader.within("weight", 0.0, 1.0)?, reader.within("factor", 0.0, 1.0)?);
        reader.finish()?;
        (self.loss, self.square, self.weight, self.factor) = (loss, square, weight, factor);
        Ok(())
    }
}
