//! [`Grid`]: the sweep, also called sensitivity analysis: every rate of a log-spaced grid with
//! every seed.
//!
//! The answer is the rate with the lowest mean final validation loss over seeds, with an 80 %
//! interval from two seeds on (`probe/evidence.rs`). While the best rate is the outermost one, the
//! grid grows by a decade on that side with the same density and all seeds, at most `widen` times
//! per side: upward when nothing learned, downward when all diverged. If the best is still the
//! outermost then, it refuses.
//!
//! With `steps` below the horizon each trial runs the whole schedule compressed to that length. The
//! best rate of short runs is not that of long ones: this probe does not correct for it (`race`
//! does).

use crate::lr::Lr;
use crate::probe::Probe;
use crate::probe::evidence::{Evidence, MIN_STEPS, refused, same_rate};
use crate::spec::TrialSpec;
use crate::trial::Trial;
use crate::{Error, Estimate, Job, Reason, Remedy, Result, Side};

/// Decades by which a grid may grow on each side: a span that is off by more than three is a wrong
/// question.
const WIDEN: u32 = 3;

/// All rates of a log grid times all seeds.
#[derive(Debug, Clone)]
pub struct Grid {
    job: Job,
    rates: Vec<Lr>,
    per_decade: u32,
    seeds: u32,
    steps: u64,
    widen: u32,
}

impl Grid {
    /// Rates from `low` to `high`, both included, `per_decade` per factor of ten; one seed, full
    /// length.
    ///
    /// # Errors
    /// When `low > high` or `per_decade` is zero.
    ///
    /// ```
    /// use stepsize::Job;
    /// use stepsize::probe::{Grid, Probe};
    /// use stepsize::{Lr, Schedule};
    /// let job = Job::new(1000, Schedule::constant(), 0)?;
    /// let grid = Grid::new(job, Lr::new(1e-4)?, Lr::new(1.0)?, 2)?.with_seeds(3)?;
    /// assert_eq!(grid.ask(&[])?.len(), 9 * 3);
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn new(job: Job, low: Lr, high: Lr, per_decade: u32) -> Result<Self> {
        let rates = Lr::log_space(low, high, per_decade)?;
        let steps = job.steps;
        Ok(Self { job, rates, per_decade, seeds: 1, steps, widen: WIDEN })
    }

    /// Runs each rate with `seeds` seeds, counting up from the job's.
    ///
    /// # Errors
    /// When `seeds` is zero.
    pub fn with_seeds(mut self, seeds: u32) -> Result<Self> {
        if seeds == 0 {
            return Err(Error::invalid("a grid needs at least 1 seed"));
        }
        self.seeds = seeds;
        Ok(self)
    }

    /// Makes trials of `steps` steps, with the schedule compressed to that length.
    ///
    /// # Errors
    /// When `steps` is zero or above the job's.
    pub fn with_steps(mut self, steps: u64) -> Result<Self> {
        self.steps = check_steps(steps, &self.job)?;
        Ok(self)
    }

    /// Lets the grid grow by at most `times` decades on each side; 0 keeps the span.
    pub fn with_widening(mut self, times: u32) -> Self {
        self.widen = times;
        self
    }

    fn specs(&self, rates: &[Lr]) -> Result<Vec<TrialSpec>> {
        specs(&self.job, rates, self.steps, self.seeds)
    }

    /// The grid with a decade more on `side`.
    fn grown(&self, rates: &[Lr], side: Side) -> Vec<Lr> {
        let step = 10f64.powf(1.0 / f64::from(self.per_decade));
        let mut rates = rates.to_vec();
        for _ in 0..self.per_decade {
            match side {
                Side::Low => rates.insert(0, rates[0] * step.recip()),
                Side::High => rates.push(rates[rates.len() - 1] * step),
            }
        }
        rates
    }
}

impl Probe for Grid {
    fn name(&self) -> &'static str {
        "sweep"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let (mut rates, mut low, mut high) = (self.rates.clone(), 0, 0);
        loop {
            let specs = self.specs(&rates)?;
            let open: Vec<TrialSpec> =
                specs.into_iter().filter(|s| !done.iter().any(|t| same_spec(&t.spec, s))).collect();
            if !open.is_empty() {
                return Ok(open);
            }
            // Only what was planned so far decides, so that replaying a finished study takes the
            // same way.
            let planned = done.iter().filter(|t| rates.iter().any(|r| same_rate(*r, t.spec.lr)));
            match Evidence::of(planned).outward() {
                Some(Side::Low) if low < self.widen => {
                    low += 1;
                    rates = self.grown(&rates, Side::Low);
                }
                Some(Side::High) if high < self.widen => {
                    high += 1;
                    rates = self.grown(&rates, Side::High);
                }
                _ => return Ok(Vec::new()),
            }
        }
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        Ok(conclude(&self.job, self.steps, done))
    }
}

/// Trials of every rate with every seed, seeds counting up from the job's.
pub(super) fn specs(job: &Job, rates: &[Lr], steps: u64, seeds: u32) -> Result<Vec<TrialSpec>> {
    rates
        .iter()
        .flat_map(|&lr| (0..u64::from(seeds)).map(move |s| (lr, job.seed.wrapping_add(s))))
        .map(|(lr, seed)| job.trial(lr, steps, seed))
        .collect()
}

/// Whether two specs ask for the same run.
pub(super) fn same_spec(a: &TrialSpec, b: &TrialSpec) -> bool {
    same_rate(a.lr, b.lr) && a.seed == b.seed && a.steps == b.steps
}

/// Checks a length for trials of `job`.
pub(super) fn check_steps(steps: u64, job: &Job) -> Result<u64> {
    if steps == 0 || steps > job.steps {
        return Err(Error::invalid(format!("a trial of this job has 1 to {} steps, not {steps}", job.steps)));
    }
    Ok(steps)
}

/// The estimate from the trials of `steps` steps.
pub(super) fn conclude(job: &Job, steps: u64, done: &[Trial]) -> Estimate {
    let cost = job.cost_runs(done);
    let least = MIN_STEPS.min(job.steps);
    if steps < least {
        return refused(
            Reason::TooShort,
            format!("trials of {steps} steps say little of a run of {}", job.steps),
            &[Remedy::LongerTrials { at_least: Some(least) }],
            done,
            cost,
        );
    }
    Evidence::of(done.iter().filter(|t| t.spec.steps == steps)).conclude(done, cost)
}
