//! [`TransformersGreedy`]: `transformers.optimization.GreedyLR` of transformers 5.24.0, report by
//! report, for one parameter group.
//!
//! `better` as in PyTorch's plateau. More than `patience` good reports in a row:
//! `rate = min(rate / factor, max_lr)`, then `warmup` reports are not counted. More than `patience`
//! bad ones: `rate = max(rate * factor, min_lr)`, then `cooldown` are not counted. Changes of at
//! most `eps` are skipped. After `reset` cuts at the floor, the rate and the memory return to the
//! start. With `smooth`, the mean of the last `window` reports is judged.
//!
//! Its faults are kept: a base rate below `min_lr` (1e-3 unless set) can only rise, and is reset
//! for being "at the floor"; the best is never forgotten; NaN counts as bad and spoils the smoothed
//! mean for ever. `min_lr`, `max_lr` and `eps` are rates, so the mode needs the base rate.

use crate::controller::spec::Parameters;
use crate::controller::state::{StateReader, Writer};
use crate::controller::{Controller, Direction, Metric, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters, by transformers' names and defaults.
#[derive(Debug, Clone, PartialEq)]
pub struct TransformersGreedy {
    /// The metric that it watches.
    pub metric: Metric,
    /// `min` or `max`.
    pub mode: Direction,
    /// Multiplier of a cut, below 1.
    pub factor: f64,
    /// Good or bad reports in a row that do not move the rate yet.
    pub patience: u64,
    /// Smallest improvement that counts.
    pub threshold: f64,
    /// Whether `threshold` is a share of the best; absolute otherwise.
    pub relative: bool,
    /// Reports after a cut that are not counted.
    pub cooldown: u64,
    /// Reports after a rise that are not counted.
    pub warmup: u64,
    /// Lowest rate.
    pub min_lr: f64,
    /// Highest rate.
    pub max_lr: f64,
    /// Changes of the rate up to this are skipped.
    pub eps: f64,
    /// Reports whose mean is judged (`smooth=True, window_size=`); 0 judges each alone.
    pub window: u64,
    /// Cuts at the floor before everything goes back to the start (`reset_start`).
    pub reset: u64,
}

/// Longest window, so that it cannot exhaust memory.
const LONGEST: u64 = 1 << 16;

impl Default for TransformersGreedy {
    fn default() -> Self {
        Self {
            metric: Metric::ValLoss,
            mode: Direction::Min,
            factor: 0.95,
            patience: 10,
            threshold: 1e-6,
            relative: false,
            cooldown: 0,
            warmup: 0,
            min_lr: 1e-3,
            max_lr: 1.0,
            eps: 1e-8,
            window: 0,
            reset: 500,
        }
    }
}

impl TransformersGreedy {
    /// The controller of a run with base rate `base`.
    ///
    /// # Errors
    /// When `factor` is not below 1 (as in transformers), or a parameter is not finite or negative.
    pub fn build(self, base: Lr) -> Result<Box<dyn Controller>> {
        let numbers = [self.factor, self.threshold, self.min_lr, self.max_lr, self.eps];
        let legal = numbers.iter().all(|v| v.is_finite() && *v >= 0.0) && self.factor > 0.0;
        if !legal || self.factor >= 1.0 || self.window > LONGEST {
            return Err(Error::invalid(format!(
                "greedy_transformers needs a factor above 0 and below 1, finite parameters >= 0 and a window of at most \
                 {LONGEST}, not {self}"
            )));
        }
        let (best, rate, reset) = (self.mode.worst(), base.get(), self.reset as i64);
        Ok(Box::new(Live {
            spec: self,
            base: rate,
            rate,
            best,
            good: 0,
            bad: 0,
            cooldown: 0,
            warmup: 0,
            reset,
            values: Vec::new(),
            sum: 0.0,
        }))
    }
}

impl Parameters for TransformersGreedy {
    fn read(call: &Call) -> Result<Self> {
        let names =
            ["patience", "factor", "threshold", "cooldown", "warmup", "min_lr", "max_lr", "eps", "window", "reset"];
        let a = call.arguments(&names, &["min", "max", "rel", "abs", "train", "val"])?;
        let d = Self::default();
        Ok(Self {
            metric: if a.one_of(&["train", "val"])? == Some("train") { Metric::TrainLoss } else { d.metric },
            mode: Direction::read(&a)?,
            factor: a.number("factor")?.unwrap_or(d.factor),
            patience: a.count("patience")?.unwrap_or(d.patience),
            threshold: a.number("threshold")?.unwrap_or(d.threshold),
            relative: a.one_of(&["rel", "abs"])? == Some("rel"),
            cooldown: a.count("cooldown")?.unwrap_or(d.cooldown),
            warmup: a.count("warmup")?.unwrap_or(d.warmup),
            min_lr: a.number("min_lr")?.unwrap_or(d.min_lr),
            max_lr: a.number("max_lr")?.unwrap_or(d.max_lr),
            eps: a.number("eps")?.unwrap_or(d.eps),
            window: a.count("window")?.unwrap_or(d.window),
            reset: a.count("reset")?.unwrap_or(d.reset),
        })
    }

    fn start(&self, base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build(base)
    }
}

impl fmt::Display for TransformersGreedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let word = |given: bool, word: &'static str| if given { word } else { "" };
        write!(
            f,
            "greedy_transformers(patience={}, factor={:?}, threshold={:?}, cooldown={}, warmup={}, min_lr={:?}, \
             max_lr={:?}, eps={:?}, window={}, reset={}{}{}{})",
            self.patience,
            self.factor,
            self.threshold,
            self.cooldown,
            self.warmup,
            self.min_lr,
            self.max_lr,
            self.eps,
            self.window,
            self.reset,
            self.mode.word(),
            word(self.relative, ", rel"),
            word(self.metric == Metric::TrainLoss, ", train"),
        )
    }
}

struct Live {
    spec: TransformersGreedy,
    base: f64,
    rate: f64,
    best: f64,
    good: u64,
    bad: u64,
    cooldown: u64,
    warmup: u64,
    /// Cuts at the floor until the reset. Below zero for a `reset` of 0, as in transformers.
    reset: i64,
    /// The window and its running sum; transformers keeps the sum, with its rounding.
    values: Vec<f64>,
    sum: f64,
}

impl Live {
    fn better(&self, x: f64) -> bool {
        let t = self.spec.threshold;
        match (self.spec.mode, self.spec.relative) {
            (Direction::Min, true) => x < self.best * (1.0 - t),
            (Direction::Min, false) => x < self.best - t,
            (Direction::Max, true) => x > self.best * (1.0 + t),
            (Direction::Max, false) => x > self.best + t,
        }
    }

    fn smoothed(&mut self, value: f64) -> f64 {
        if self.spec.window == 0 {
            return value;
        }
        self.values.push(value);
        self.sum += value;
        if self.values.len() as u64 > self.spec.window {
            self.sum -= self.values.remove(0);
        }
        self.sum / self.values.len() as f64
    }

    fn raise(&mut self) {
        let higher = (self.rate / self.spec.factor).min(self.spec.max_lr);
        if higher - self.rate > self.spec.eps {
            self.rate = higher;
        }
        self.reset = self.spec.reset as i64;
        self.warmup = self.spec.warmup;
        self.good = 0;
    }

    fn lower(&mut self) {
        let lower = (self.rate * self.spec.factor).max(self.spec.min_lr);
        if self.rate - lower > self.spec.eps {
            self.rate = lower;
        }
        if self.rate <= self.spec.min_lr {
            self.reset -= 1;
            if self.reset <= 0 {
                self.rate = self.base;
                self.best = self.spec.mode.worst();
                (self.good, self.warmup) = (0, 0);
                self.reset = self.spec.reset as i64;
                self.values.clear();
                self.sum = 0.0;
            }
        }
        self.cooldown = self.spec.cooldown;
        self.bad = 0;
    }
}

impl Controller for Live {
    fn metric(&self) -> Metric {
        self.spec.metric
    }

    fn factor(&self) -> f64 {
        self.rate / self.base
    }

    fn observe(&mut self, seen: &Observation) -> Result<Request> {
        let value = self.smoothed(seen.value);
        if self.cooldown > 0 {
            self.cooldown -= 1;
            (self.good, self.bad) = (0, 0);
        } else if self.warmup > 0 {
            self.warmup -= 1;
            (self.good, self.bad) = (0, 0);
        } else {
            if self.better(value) {
                self.best = value;
                (self.good, self.bad) = (self.good + 1, 0);
            } else {
                (self.good, self.bad) = (0, self.bad + 1);
            }
            if self.good > self.spec.patience {
                self.raise();
            } else if self.bad > self.spec.patience {
                self.lower();
            }
        }
        Ok(Request::Go)
    }

    fn save(&self) -> State {
        let mut writer = Writer::new()
            .put("rate", self.rate)
            .put("best", self.best)
            .put("good", self.good as f64)
            .put("bad", self.bad as f64)
            .put("cooldown", self.cooldown as f64)
            .put("warmup", self.warmup as f64)
            .put("reset", self.reset as f64)
            .put("sum", self.sum)
            .put("values", self.values.len() as f64);
        for (i, value) in self.values.iter().enumerate() {
            writer = writer.put(&format!("value_{i}"), *value);
        }
        writer.state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("greedy_transformers", state);
        let rate = reader.within("rate", 0.0, f64::MAX)?;
        let best = reader.number("best")?;
        let (good, bad) = (reader.count("good")?, reader.count("bad")?);
        let (cooldown, warmup) = (reader.count("cooldown")?, reader.count("warmup")?);
        let reset = reader.within("reset", 0.0, self.spec.reset as f64)? as i64;
        let sum = reader.number("sum")?;
        let count = reader.within("values", 0.0, self.spec.window as f64)? as usize;
        // transformers keeps reports that are not finite.
        let values = (0..count).map(|i| reader.number(&format!("value_{i}"))).collect::<Result<Vec<_>>>()?;
        reader.finish()?;
        (self.rate, self.best, self.good, self.bad) = (rate, best, good, bad);
        (self.cooldown, self.warmup, self.reset) = (cooldown, warmup, reset);
        (self.sum, self.values) = (sum, values);
        Ok(())
    }
}
