//! Greedy up and down: [`Greedy`], our own, and [`TransformersGreedy`], which does what
//! transformers does.
//!
//! The idea (Subramanian and Ganapathiraman 2023; arXiv 2512.14527): raise the rate while the
//! metric improves, lower it while it does not, by the same small factor.
//!
//! Ours averages `average` reports into a reading. A reading is good when it is below the best of
//! the last `memory` readings by more than `threshold` of that best. More than `patience` good
//! readings in a row divide the factor by `factor`; more than `patience` bad ones multiply it. Then
//! `cooldown` readings are ignored. What differs from transformers, and why:
//! - The bounds are factors of the base rate. In transformers they are rates with a floor of 1e-3,
//!   so a usual fine-tuning rate lies below the floor and can only rise (the floor trap).
//! - The best is forgotten after `memory` readings. transformers remembers one lucky reading for
//!   ever, counts every later one as bad, and sinks to the floor.
//! - At the floor, more than `patience` bad readings put the factor back to 1. transformers stays
//!   there for 500 more such stretches.
//! - A reading that is not finite is an error, as in [`super::Plateau`].

mod transformers;

pub use transformers::TransformersGreedy;

use super::mean::Mean;
use super::spec::Parameters;
use super::state::{StateReader, Writer};
use super::{Controller, Direction, Metric, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters of our greedy controller.
#[derive(Debug, Clone, PartialEq)]
pub struct Greedy {
    /// The metric that it watches.
    pub metric: Metric,
    /// Which way is better.
    pub mode: Direction,
    /// Good or bad readings in a row that do not move the factor yet.
    pub patience: u64,
    /// Multiplier of a step down and divisor of a step up; above 0 and below 1.
    pub factor: f64,
    /// Smallest improvement that counts, as a share of the best reading.
    pub threshold: f64,
    /// Reports averaged into one reading.
    pub average: u64,
    /// Number of past readings among which the best is looked for.
    pub memory: u64,
    /// Readings ignored after a move.
    pub cooldown: u64,
    /// Lowest factor.
    pub min_factor: f64,
    /// Highest factor.
    pub max_factor: f64,
}

/// Longest memory, so that it cannot exhaust the memory of the machine.
const LONGEST: u64 = 1 << 16;

impl Default for Greedy {
    fn default() -> Self {
        Self {
            metric: Metric::TrainLoss,
            mode: Direction::Min,
            patience: 2,
            factor: 0.9,
            threshold: 1e-4,
            average: 20,
            memory: 10,
            cooldown: 0,
            min_factor: 0.01,
            max_factor: 10.0,
        }
    }
}

impl Greedy {
    /// The controller.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let bounds = self.min_factor > 0.0 && self.min_factor <= 1.0 && (1.0..=1e12).contains(&self.max_factor);
        let counts = (1..=LONGEST).contains(&self.memory) && (1..=LONGEST).contains(&self.average);
        let rule = self.factor > 0.0 && self.factor < 1.0 && self.threshold >= 0.0 && self.threshold.is_finite();
        if !(bounds && counts && rule) {
            return Err(Error::invalid(format!(
                "greedy needs 0 < factor < 1, threshold >= 0, average and memory of 1 to 65536, and \
                 0 < min_factor <= 1 <= max_factor, not {self}"
            )));
        }
        let mean = Mean::new(self.average);
        Ok(Box::new(Live { spec: self, factor: 1.0, past: Vec::new(), good: 0, bad: 0, pause: 0, mean }))
    }
}

impl Parameters for Greedy {
    fn read(call: &Call) -> Result<Self> {
        let names = ["patience", "factor", "threshold", "average", "memory", "cooldown", "min_factor", "max_factor"];
        let a = call.arguments(&names, &["min", "max", "train", "val"])?;
        let d = Self::default();
        // A validation loss is rare, and already a mean.
        let metric = if a.one_of(&["train", "val"])? == Some("val") { Metric::ValLoss } else { d.metric };
        let average = if metric == Metric::ValLoss { 1 } else { d.average };
        Ok(Self {
            metric,
            mode: Direction::read(&a)?,
            patience: a.count("patience")?.unwrap_or(d.patience),
            factor: a.number("factor")?.unwrap_or(d.factor),
            threshold: a.number("threshold")?.unwrap_or(d.threshold),
            average: a.count("average")?.unwrap_or(average),
            memory: a.count("memory")?.unwrap_or(d.memory),
            cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
            min_factor: a.number("min_factor")?.unwrap_or(d.min_factor),
            max_factor: a.number("max_factor")?.unwrap_or(d.max_factor),
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for Greedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let max = self.mode.word();
        let val = if self.metric == Metric::ValLoss { ", val" } else { "" };
        let Self { patience, factor, threshold, average, memory, cooldown, min_factor, max_factor, .. } = self;
        write!(
            f,
            "greedy(patience={patience}, factor={factor:?}, threshold={threshold:?}, average={average}, memory={memory}, \
             cooldown={cooldown}, min_factor={min_factor:?}, max_factor={max_factor:?}{max}{val})"
        )
    }
}

struct Live {
    spec: Greedy,
    factor: f64,
    /// The last readings, oldest first, at most `memory`.
    past: Vec<f64>,
    good: u64,
    bad: u64,
    /// Readings still to be ignored.
    pause: u64,
    /// Reports since the last reading.
    mean: Mean,
}

impl Live {
    fn read(&mut self, value: f64) {
        let sign = if self.spec.mode == Direction::Max { -1.0 } else { 1.0 };
        let best = self.past.iter().map(|v| sign * v).min_by(f64::total_cmp);
        let good = best.is_none_or(|best| sign * value < best - self.spec.threshold * best.abs());
        if self.past.len() as u64 == self.spec.memory {
            self.past.remove(0);
        }
        self.past.push(value);
        if self.pause > 0 {
            self.pause -= 1;
            return;
        }
        (self.good, self.bad) = if good { (self.good + 1, 0) } else { (0, self.bad + 1) };
        if self.good > self.spec.patience {
            self.move_to((self.factor / self.spec.factor).min(self.spec.max_factor));
        } else if self.bad > self.spec.patience {
            if self.factor == self.spec.min_factor {
                self.past.clear();
                self.move_to(1.0);
            } else {
                self.move_to((self.factor * self.spec.factor).max(self.spec.min_factor));
            }
        }
    }

    fn move_to(&mut self, factor: f64) {
        self.factor = factor;
        (self.good, self.bad, self.pause) = (0, 0, self.spec.cooldown);
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
                "greedy was given {} at step {}: a diverged run gets neither better nor worse; end it or go back to a \
                 saved state",
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
            .put("good", self.good as f64)
            .put("bad", self.bad as f64)
            .put("pause", self.pause as f64);
        self.mean.put(writer).list("reading", &self.past).state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("greedy", state);
        let factor = reader.within("factor", self.spec.min_factor, self.spec.max_factor)?;
        let (good, bad, pause) = (reader.count("good")?, reader.count("bad")?, reader.count("pause")?);
        let mean = self.mean.taken(&mut reader)?;
        let past = reader.list("reading", self.spec.memory as usize)?;
        reader.finish()?;
        (self.factor, self.good, self.bad, self.pause) = (factor, good, bad, pause);
        (self.mean, self.past) = (mean, past);
        Ok(())
    }
}
