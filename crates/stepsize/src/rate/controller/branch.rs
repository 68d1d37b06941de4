//! [`BranchTest`]: from time to time, checks whether half or double the rate is better from here.
//!
//! Every `every` steps the loop tries the present rate, `1/ratio` of it and `ratio` times it, for
//! `steps` steps each from the same state on identical batches, and then discards these branches.
//! The loss that counts is the one after a decay to zero over the last `decay` of each branch.
//! Without that decay a lower rate nearly always looks better, because it reduces the noise at once
//! (short-horizon bias: Wu et al. 2018, arXiv 1803.02021); the decayed loss is the one that
//! predicts the end of a run (Hägele et al. 2024, arXiv 2405.18392). The factor moves only when a
//! neighbour is better by more than `margin` of the loss at the present rate.
//!
//! The cost is `3 steps / every` of the run. Even a decayed branch says nothing about the time
//! after the branch.

use super::spec::Parameters;
use super::state::{StateReader, Writer};
use super::{Controller, Metric, Needs, Observation, Request, State};
use crate::notation::Call;
use crate::{Error, Lr, Result};
use std::fmt;

/// Parameters of the branch test.
#[derive(Debug, Clone, PartialEq)]
pub struct BranchTest {
    /// Steps from one test to the next.
    pub every: u64,
    /// Steps of a branch.
    pub steps: u64,
    /// Share of a branch, at its end, over which the rate falls to zero; in `0..=1`.
    pub decay: f64,
    /// Ratio of neighbouring rates, above 1.
    pub ratio: f64,
    /// Smallest gain that moves the factor, as a share of the loss at the present rate.
    pub margin: f64,
    /// Lowest factor.
    pub min_factor: f64,
    /// Highest factor.
    pub max_factor: f64,
}

impl Default for BranchTest {
    fn default() -> Self {
        Self { every: 500, steps: 50, decay: 0.5, ratio: 2.0, margin: 0.01, min_factor: 1e-3, max_factor: 1e3 }
    }
}

impl BranchTest {
    /// The controller.
    ///
    /// # Errors
    /// When a parameter is outside its range.
    pub fn build(self) -> Result<Box<dyn Controller>> {
        let range = self.min_factor > 0.0 && self.min_factor <= 1.0 && (1.0..=1e12).contains(&self.max_factor);
        let sizes = self.every > 0 && self.steps > 0 && (0.0..=1.0).contains(&self.decay);
        let rule = self.ratio > 1.0 && self.ratio <= 1e6 && self.margin >= 0.0 && self.margin.is_finite();
        if !(range && sizes && rule) {
            return Err(Error::invalid(format!(
                "branch needs every >= 1, steps >= 1, 0 <= decay <= 1, ratio > 1, margin >= 0 and \
                 0 < min_factor <= 1 <= max_factor, not {self}"
            )));
        }
        Ok(Box::new(Live { spec: self, factor: 1.0, seen: 0 }))
    }
}

impl Parameters for BranchTest {
    fn read(call: &Call) -> Result<Self> {
        let a = call.arguments(&["every", "steps", "decay", "ratio", "margin", "min_factor", "max_factor"], &[])?;
        let d = Self::default();
        Ok(Self {
            every: a.count("every")?.unwrap_or(d.every),
            steps: a.count("steps")?.unwrap_or(d.steps),
            decay: a.number("decay")?.unwrap_or(d.decay),
            ratio: a.number("ratio")?.unwrap_or(d.ratio),
            margin: a.number("margin")?.unwrap_or(d.margin),
            min_factor: a.number("min_factor")?.unwrap_or(d.min_factor),
            max_factor: a.number("max_factor")?.unwrap_or(d.max_factor),
        })
    }

    fn start(&self, _base: Lr) -> Result<Box<dyn Controller>> {
        self.clone().build()
    }
}

impl fmt::Display for BranchTest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { every, steps, decay, ratio, margin, min_factor, max_factor } = self;
        write!(
            f,
            "branch(every={every}, steps={steps}, decay={decay:?}, ratio={ratio:?}, margin={margin:?}, \
             min_factor={min_factor:?}, max_factor={max_factor:?})"
        )
    }
}

struct Live {
    spec: BranchTest,
    factor: f64,
    /// Steps since the last test.
    seen: u64,
}

impl Controller for Live {
    fn metric(&self) -> Metric {
        Metric::TrainLoss
    }

    fn needs(&self) -> Needs {
        Needs { branch: true, ..Needs::default() }
    }

    fn factor(&self) -> f64 {
        self.factor
    }

    fn observe(&mut self, _seen: &Observation) -> Result<Request> {
        self.seen += 1;
        if self.seen < self.spec.every {
            return Ok(Request::Go);
        }
        self.seen = 0;
        let factors = vec![1.0 / self.spec.ratio, 1.0, self.spec.ratio];
        Ok(Request::Branch { factors, steps: self.spec.steps, decay: self.spec.decay })
    }

    fn judged(&mut self, losses: &[f64]) -> Result<String> {
        let &[low, stay, high] = losses else {
            return Err(Error::invalid(format!("branch asked for 3 losses and was given {}", losses.len())));
        };
        let ratio = self.spec.ratio;
        let (change, best) = if low <= high { (1.0 / ratio, low) } else { (ratio, high) };
        // A diverged branch (infinite) never wins, and a diverged present rate loses to any finite
        // one.
        let better = best.is_finite() && (!stay.is_finite() || stay - best > self.spec.margin * stay.abs());
        if !better {
            return Ok(format!("no rate beside the present one is better by {:?} of the loss", self.spec.margin));
        }
        self.factor = (self.factor * change).clamp(self.spec.min_factor, self.spec.max_factor);
        Ok(format!("{change:?} times the rate is better from here: {best:.4e} against {stay:.4e}"))
    }

    fn save(&self) -> State {
        Writer::new().put("factor", self.factor).put("seen", self.seen as f64).state()
    }

    fn restore(&mut self, state: &State) -> Result<()> {
        let mut reader = StateReader::new("branch", state);
        let factor = reader.within("factor", self.spec.min_factor, self.spec.max_factor)?;
        reader.within("seen", 0.0, (self.spec.every - 1) as f64)?;
        let seen = reader.count("seen")?;
        reader.finish()?;
        (self.factor, self.seen) = (factor, seen);
        Ok(())
    }
}
