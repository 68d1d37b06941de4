//! [`Ladder`]: a range test for commands, whose rate cannot be changed during a run: short runs at
//! rising rates, each from the start.
//!
//! A rung is *broken* when its run diverged, or when it lost half of the best rung's fall from the
//! untrained loss: the rule of [`crate::probe::RangeTest`]. The *edge* is the first broken rung
//! above the best one. The answer is a quarter of it, for the reasons given there. The ladder
//! climbs a decade at a time and stops at the edge.
//!
//! Unlike in a ramp, no rung profits from what lower rates have learned, so the edge is that of
//! training from the start. There is one reading per rung and no estimate of the noise, hence no
//! interval.

use crate::divergence::untrained_loss;
use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::evidence::{LEARNED, answered, refused, same_rate};
use crate::probe::grid::{check_steps, specs};
use crate::probe::range_test::MARGIN;
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Error, Estimate, Job, Reason, Remedy, Result};

/// Rungs per decade, which gives the edge to a factor of 2.2.
const PER_DECADE: u32 = 3;

/// Short runs at rising rates.
#[derive(Debug, Clone)]
pub struct Ladder {
    job: Job,
    rates: Vec<Lr>,
    steps: u64,
}

/// What the rungs say.
struct Climb {
    best: Option<(Lr, f64)>,
    edge: Option<Lr>,
}

impl Ladder {
    /// Runs of `steps` steps at rates from `low` to `high`.
    ///
    /// # Errors
    /// When `low >= high`, or `steps` is zero or above the job's.
    pub fn new(job: Job, low: Lr, high: Lr, steps: u64) -> Result<Self> {
        if low >= high {
            return Err(Error::invalid(format!("a range test needs low < high, not {low} to {high}")));
        }
        let steps = check_steps(steps, &job)?;
        Ok(Self { rates: Lr::log_space(low, high, PER_DECADE)?, job, steps })
    }

    fn climb(&self, done: &[Trial]) -> Climb {
        let mut rungs: Vec<(Lr, f64)> =
            done.iter().map(|t| (t.spec.lr, t.final_loss().unwrap_or(f64::INFINITY))).collect();
        rungs.sort_by(|a, b| a.0.get().total_cmp(&b.0.get()));
        let best = rungs.iter().copied().filter(|r| r.1.is_finite()).min_by(|a, b| a.1.total_cmp(&b.1));
        let edge = match best {
            None => rungs.first().map(|r| r.0),
            Some((at, least)) => {
                let lost = least + (start(done).unwrap_or(least) - least) / 2.0;
                rungs.iter().find(|r| r.0 > at && r.1 > lost).map(|r| r.0)
            }
        };
        Climb { best, edge }
    }
}

/// The untrained loss; where no run has it, the highest reading of all rungs that did not diverge.
fn start(done: &[Trial]) -> Option<f64> {
    let highest = || done.iter().filter_map(Trial::final_loss).max_by(f64::total_cmp);
    done.iter().find_map(untrained_loss).or_else(highest)
}

impl Probe for Ladder {
    fn name(&self) -> &'static str {
        "ladder"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let broken = !done.is_empty() && self.climb(done).edge.is_some();
        // By their rates, not by their number: a trial that could not be run is left out.
        let highest = done.iter().map(|t| t.spec.lr).max_by(|a, b| a.get().total_cmp(&b.get()));
        let above = |rate: &&Lr| highest.is_none_or(|top| **rate > top && !same_rate(**rate, top));
        let next = self.rates.iter().filter(above).take(PER_DECADE as usize).copied().collect::<Vec<_>>();
        if broken { Ok(Vec::new()) } else { specs(&self.job, &next, self.steps, 1) }
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let cost = self.job.cost_runs(done);
        let refuse = |reason, because: String, remedies: &[Remedy]| refused(reason, because, remedies, done, cost);
        let Climb { best, edge } = self.climb(done);
        let (low, high) = (self.rates[0], self.rates[self.rates.len() - 1]);
        let mut estimate = match (best, edge) {
            (None, None) => refuse(Reason::TooShort, "no run has ended".into(), &[Remedy::Resume]),
            (None, Some(lowest)) => refuse(
                Reason::AllDiverged,
                format!("the lowest rate tried, {lowest}, already diverged"),
                &[Remedy::LowerRates, Remedy::CheckModelAndData],
            ),
            (Some((_, least)), _) if start(done).is_some_and(|s| s - least <= LEARNED * s.abs()) || done.len() < 3 => {
                refuse(
                    Reason::Flat,
                    format!(
                        "no run of {} steps between {low} and {high} learned anything; lowest loss {least:.4}",
                        self.steps
                    ),
                    &[Remedy::LongerTrials { at_least: None }, Remedy::CheckRateIsUsed],
                )
            }
            (Some((at, _)), None) => refuse(
                Reason::AtEdge,
                format!("training did not break up to a rate of {high}; the lowest loss is at {at}"),
                &[Remedy::HigherRates],
            ),
            (Some((at, _)), Some(edge)) => {
                let lr = edge * MARGIN.recip();
                let why = format!(
                    "{} runs of {} steps from the start: the lowest loss is at {at}, training breaks at {edge}; the answer is a \
                     quarter of that",
                    done.len(),
                    self.steps
                );
                answered(lr, None, why, done, cost)
            }
        };
        estimate.divergence_lr = edge;
        Ok(estimate)
    }
}
