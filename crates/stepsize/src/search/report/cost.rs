//! [`Cost`]: what a search cost, and what a full grid over the same span would have cost.
//!
//! The grid: [`GRID_PER_DECADE`] rates a decade over the span of the rates whose trials were not
//! ended early, as those near zero are, one seed, every run at full length. It is the plain way to
//! the same picture, not the best one.
//! Seconds are those of the trials added up, however many ran at once; money is their price.

use crate::defaults::GRID_PER_DECADE;
use crate::spec::End;
use crate::trial::Trial;
use crate::{Error, Job, Lr, Result};
use serde::{Deserialize, Serialize};

/// The longest trial is at least so many times as long as the shortest, where their times tell how
/// long one takes to start.
const APART: f64 = 1.5;

/// What a search cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// Trials.
    pub trials: usize,
    /// Optimizer steps.
    pub steps: u64,
    /// Steps, in full runs.
    pub runs: f64,
    /// Seconds of all trials added up. A trial that was not timed counts at the speed of the
    /// others.
    pub seconds: Option<f64>,
    /// Seconds from start to end by the clock, where known.
    pub wall_seconds: Option<f64>,
    /// The grid to compare with; `None` without trials that were not ended early.
    pub grid: Option<FullGrid>,
    /// The cost in money, where a price is known.
    pub money: Option<Money>,
}

/// A full grid over the span that was searched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FullGrid {
    /// Rates a decade.
    pub per_decade: u32,
    /// Lowest rate.
    pub low: Lr,
    /// Highest rate.
    pub high: Lr,
    /// Number of rates; each is run once at full length.
    pub runs: usize,
    /// Optimizer steps.
    pub steps: u64,
    /// Seconds, at the speed of the trials: the time that each takes to start counts once a run.
    pub seconds: Option<f64>,
}

/// Costs in the currency of the price.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Money {
    /// Price of one hour of one running trial.
    pub per_hour: f64,
    /// Price of the search.
    pub search: f64,
    /// Price of the full grid.
    pub grid: f64,
}

/// Seconds that a trial takes to start, from trials of different lengths: what a straight line
/// through their times leaves at 0 steps. 0 where all are about as long.
fn start(timed: &[(f64, u64)]) -> f64 {
    let shortest = timed.iter().map(|t| t.1).min().unwrap_or(0) as f64;
    let longest = timed.iter().map(|t| t.1).max().unwrap_or(0) as f64;
    if longest < APART * shortest || longest == 0.0 {
        return 0.0;
    }
    let count = timed.len() as f64;
    let mean = |of: &dyn Fn(&(f64, u64)) -> f64| timed.iter().map(of).sum::<f64>() / count;
    let (seconds, steps) = (mean(&|t| t.0), mean(&|t| t.1 as f64));
    let slope = mean(&|t| (t.0 - seconds) * (t.1 as f64 - steps)) / mean(&|t| (t.1 as f64 - steps).powi(2));
    let least = timed.iter().map(|t| t.0).fold(f64::INFINITY, f64::min);
    (seconds - slope * steps).clamp(0.0, least)
}

impl Cost {
    /// The cost of `trials` in a search for the rate of `job`.
    pub fn new(job: &Job, trials: &[Trial]) -> Self {
        let steps = trials.iter().map(|t| t.steps_paid()).sum();
        let timed: Vec<(f64, u64)> = trials.iter().filter_map(|t| Some((t.seconds?, t.steps_paid()))).collect();
        let (clock, counted) = timed.iter().fold((0.0, 0), |(s, n), (seconds, steps)| (s + seconds, n + steps));
        let pace = (counted > 0).then(|| clock / counted as f64);
        let seconds_of = |steps: u64| pace.map(|p| p * steps as f64);
        let start = start(&timed);
        let pace_of_steps = (counted > 0).then(|| (clock - start * timed.len() as f64) / counted as f64);
        let rates = || trials.iter().filter(|t| !matches!(t.end, Some(End::Pruned { .. }))).map(|t| t.spec.lr);
        let low = rates().min_by(|a, b| a.get().total_cmp(&b.get()));
        let high = rates().max_by(|a, b| a.get().total_cmp(&b.get()));
        let grid = low.zip(high).and_then(|(low, high)| {
            let runs = Lr::log_space(low, high, GRID_PER_DECADE).ok()?.len();
            let steps = job.steps.saturating_mul(runs as u64);
            let seconds = pace_of_steps.map(|p| (1e3 * (start * runs as f64 + p * steps as f64)).round() / 1e3);
            Some(FullGrid { per_decade: GRID_PER_DECADE, low, high, runs, steps, seconds })
        });
        Self {
            trials: trials.len(),
            steps,
            runs: job.cost_runs(trials),
            seconds: seconds_of(steps),
            wall_seconds: None,
            grid,
            money: None,
        }
    }

    /// The same with a price.
    pub(super) fn with_price(mut self, per_hour: f64) -> Result<Self> {
        if !(per_hour.is_finite() && per_hour >= 0.0) {
            return Err(Error::invalid(format!("a price per hour must be finite and not below zero, not {per_hour}")));
        }
        let hours = |seconds: Option<f64>| seconds.map(|s| s / 3600.0);
        let grid = self.grid.as_ref().and_then(|g| hours(g.seconds));
        self.money = hours(self.seconds).zip(grid).map(|(search, grid)| Money {
            per_hour,
            search: search * per_hour,
            grid: grid * per_hour,
        });
        Ok(self)
    }
}
