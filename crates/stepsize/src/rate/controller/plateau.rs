//! Reduce on plateau: [`Plateau`], our own, and [`TorchPlateau`], [`KerasPlateau`] and
//! [`OptaxPlateau`], which do what those packages do.
//!
//! Ours cuts the factor when the watched metric shows no *trend* of improvement, and takes a cut
//! back that did not help.
//!
//! 1. *Readings.* The mean of `average` reports is one reading: 1 for a validation loss, many for
//!    mini-batch losses.
//! 2. *Plateau.* Over the last `patience` readings, either the Mann-Kendall test (Mann 1945,
//!    Kendall 1975) sees no improvement at one-sided 10 %, or the Theil-Sen slope (Sen 1968) times
//!    the window is at most `threshold` of the median. From a patience of 8 on, a steady fall after
//!    a spike is a trend, although nothing is below the best (PyTorch cuts there). Noise around a
//!    level is not a trend. Both tests use ranks and differences, so they work at any scale and
//!    with negative metrics.
//! 3. *Cut.* `factor <- max(factor * cut, min_factor)`. Then exactly `cooldown` readings are
//!    ignored, and a fresh window of the same length is filled.
//! 4. *Judgement.* If the windows before and after the cut together show no improvement, the cut
//!    did not help. The factor returns to what it was and the patience doubles, at most `undo`
//!    times in a run (so the patience ends at `2^undo` times its start). After that cuts stay.
//!
//! A report that is not finite is an error, because divergence is a fact about the run and not a
//! bad epoch. The controller never stops the run, and never raises the factor above what a cut took
//! away.

mod keras;
mod optax;
mod torch;
mod trend;

pub use keras::KerasPlateau;
pub use optax::OptaxPlateau;
pub use torch::TorchPlateau;

use super::mean::Mean;
use super::spec::Parameters;
use super::state::{StateReader, Writer};
use super::{Controller, Metric, Observation, Request, State};
use crate::notation::{Arguments, Call};
use crate::{Error, Lr, Result};
use std::fmt;
use trend::improves;

/// Which way is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Direction {
    /// Lower is better.
    #[default]
    Min,
    /// Higher is better.
    Max,
}

impl Direction {
    /// Reads `min` or `max` among the arguments of a controller; `min` when neither is given.
    pub(super) fn read(arguments: &Arguments<'_>) -> Result<Self> {
        Ok(if arguments.one_of(&["min", "max"])? == Some("max") { Direction::Max } else { Direction::Min })
    }

    /// What [`Direction::read`] reads, as it ends a list of arguments.
    pub(super) fn word(self) -> &'static str {
        match self {
            Direction::Min => "",
            Direction::Max => ", max",
        }
    }

    /// The value that any other improves on.
    pub(super) fn worst(self) -> f64 {
        match self {
            Direction::Min => f64::INFINITY,
            Direction::Max => f64::NEG_INFINITY,
        }
    }
}

/// Parameters of our plateau.
#[derive(Debug, Clone, PartialEq)]
pub struct Plateau {
    /// The metric that it watches.
    pub metric: Metric,
    /// Which way is better.
    pub mode: Direction,
    /// Readings in a window, at least 4: with fewer, no trend can be significant.
    pub patience: u64,
    /// Multiplier of a cut, above 0 and below 1.
    pub factor: f64,
    /// Smallest improvement over a window that counts, as a share of the median.
    pub threshold: f64,
    /// Reports averaged into one reading.
    pub average: u64,
    /// Readings ignored after a change of the factor.
    pub cooldown: u64,
    /// Lowest factor.
    pub min_factor: f64,
    /// How many cuts may be taken back.
    pub undo: u32,
}

/// Longest window: 2^20 readings, so that a patience cannot exhaust memory.
const LONGEST: u64 = 1 << 20;

impl Default for Plateau {
    fn default() -> Self {
        Self {
            metric: Metric::ValLoss,
            mode: Direction::Min,
            patience: 10,
            factor: 0.5,
            threshold: 1e-4,
            average: 1,
            cooldown: 0,
            min_factor: 1e-3,
            undo: 3,
        }
    }
}

impl Plateau {
    /// The controller.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    ///
    /// ```
    /// use stepsize::controller::{Controller, Observation, Plateau};
    /// let mut plateau = Plateau { patience: 5, ..Plateau::default() }.build()?;
    /// for step in 0..5 {
    ///     plateau.observe(&Observation { step, value: 1.0 })?;
    /// }
    /// assert_eq!(plateau.factor(), 0.5);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let legal = (4..=LONGEST)
            .contains(&(self.patience.saturating_mul(1u64.checked_shl(self.undo).unwrap_or(u64::MAX))))
            && self.patience >= 4
            && self.factor > 0.0
            && self.factor < 1.0
            && self.threshold.is_finite()
            && self.threshold >= 0.0
            && (1..=LONGEST).contains(&self.average)
            && self.min_factor > 0.0
            && self.min_factor <= 1.0;
        if !legal {
            return Err(Error::invalid(format!(
                "plateau needs patience >= 4 (and patience x 2^undo <= 2^20), 0 < factor < 1, threshold >= 0, \
                 average >= 1 and 0 < min_factor <= 1, not {self}"
            )));
        }
        Ok(Box::new(Live {
            length: self.patience,
            mean: Mean::new(self.average),
            spec: self,
            factor: 1.0,
            window: Vec::new(),
            before: Vec::new(),
            taken: 1.0,
            cooldown: 0,
            undone: 0,
        }))
    }
}

impl Parameters for Plateau {
    fn read(call: &Call) -> Result<Self> {
        let names = ["patience", "factor", "threshold", "average", "cooldown", "min_factor", "undo"];
        let a = call.arguments(&names, &["min", "max", "train", "val"])?;
        let d = Self::default();
        let undo = a.count("undo")?.unwrap_or(u64::from(d.undo));
        Ok(Self {
            metric: if a.one_of(&["train", "val"])? == Some("train") { Metric::TrainLoss } else { d.metric },
            mode: Direction::read(&a)?,
            patience: a.count("patience")?.unwrap_or(d.patience),
            factor: a.number("factor")?.unwrap_or(d.factor),
            threshold: a.number("threshold")?.unwrap_or(d.threshold),
            average: a.count("average")?.unwrap_or(d.average),
            cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
            min_factor: a.number("min_factor")?.unwrap_or(d.min_factor),
            undo: u32::try_from(undo).map_err(|_| call.error(format!("undo is at most 18, not {undo}")))?,
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for Plateau {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let train = if self.metric == Metric::TrainLoss { ", train" } else { "" };
        let max = self.mode.word();
        let Self { patience, factor, threshold, average, cooldown, min_factor, undo, .. } = self;
        write!(
            f,
            "plateau(patience={patience}, factor={factor:?}, threshold={threshold:?}, average={average}, \
             cooldown={cooldown}, min_factor={min_factor:?}, undo={undo}{max}{train})"
        )
    }
}

struct Live {
    spec: Plateau,
    factor: f64,
    /// Readings since the last change, at most `length`.
    window: Vec<f64>,
    /// The window that led to the cut on trial; empty when there is no such cut.
    before: Vec<f64>,
    /// The factor before that cut.
    taken: f64,
    /// Readings still to be ignored.
    cooldown: u64,
    /// Cuts taken back so far.
    undone: u32,
    /// Readings in a full window, at the present patience.
    length: u64,
    /// Reports since the last reading.
    mean: Mean,
}

impl Live {
    fn read(&mut self, value: f64) {
        if self.cooldown > 0 {
            self.cooldown -= 1;
            return;
        }
        if self.window.len() as u64 == self.length {
            self.window.remove(0);
        }
        self.window.push(value);
        if (self.window.len() as u64) < self.length {
            return;
        }
        if !self.before.is_empty() {
            let both = [self.before.as_slice(), self.window.as_slice()].concat();
            self.before.clear();
            if !improves(&both, self.spec.mode, self.spec.threshold) {
                self.factor = self.taken;
                self.undone += 1;
                self.length = self.length.saturating_mul(2);
                self.start_anew();
                return;
            }
        }
        let lower = (self.factor * self.spec.factor).max(self.spec.min_factor);
        if lower < self.factor && !improves(&self.window, self.spec.mode, self.spec.threshold) {
            self.taken = self.factor;
            self.factor = lower;
            if self.undone < self.spec.undo {
                self.before = std::mem::take(&mut self.window);
            }
            self.start_anew();
        }
    }

    fn start_anew(&mut self) {
        self.window.clear();
        self.cooldown = self.spec.cooldown;
    }
}

impl Controller for Live {
    fn metric(&self) -> Metric {
        self.spec.metric
    }

    fn factor(&self) -> f64 {
        self.factor
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        if !seen.value.is_finite() {
            return Err(Error::invalid(format!(
                "plateau was given {} at step {}: a diverged run has no trend; end it or go back to a saved state",
                seen.value, seen.step
            )));
        }
        if let Some(reading) = self.mean.add(seen.value) {
            self.read(reading);
        }
        Ok(Request::Go)
    }

    fn save(&self) -> State {
        let writer = Writer::new()
            .put("factor", self.factor)
            .put("factor_before_cut", self.taken)
            .put("cooldown", self.cooldown as f64)
            .put("undone", f64::from(self.undone));
        self.mean.put(writer).list("reading", &self.window).list("before_cut", &self.before).state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("plateau", state);
        let factor = reader.within("factor", self.spec.min_factor, 1.0)?;
        let taken = reader.within("factor_before_cut", self.spec.min_factor, 1.0)?;
        let cooldown = reader.count("cooldown")?;
        reader.within("undone", 0.0, f64::from(self.spec.undo))?;
        let undone = reader.count("undone")? as u32;
        let length = self.spec.patience << undone;
        let mean = self.mean.taken(&mut reader)?;
        let window = reader.list("reading", length as usize)?;
        let before = reader.list("before_cut", length as usize)?;
        reader.finish()?;
        if !before.is_empty() && before.len() as u64 != length {
            return Err(Error::state(format!("plateau needs {length} readings before the cut, not {}", before.len())));
        }
        (self.factor, self.taken, self.cooldown, self.undone) = (factor, taken, cooldown, undone);
        (self.length, self.mean, self.window, self.before) = (length, mean, window, before);
        Ok(())
    }
}
