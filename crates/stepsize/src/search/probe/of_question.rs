//! The probe of a [`Question`]. The command line and Python both make their probes here.

use crate::compare::Comparison;
use crate::defaults::{
    GRID_PER_DECADE, OPENING_BUDGET, OPENING_START, RANDOM_DRAWS, RANGE_TEST_SPAN, RANGE_TEST_STEPS, SPAN,
};
use crate::probe::suggest::Ramp;
use crate::probe::{
    Capped, Descent, FirstFall, Grid, Ladder, Opening, Probe, Pruned, Race, Random, RangeTest, RangeTestRule,
};
use crate::{Error, FindProbe, Job, Lr, Question, QuestionKind, Result, SweepRates};

impl Question {
    /// The probe that answers this question, with its budget and pruner.
    ///
    /// # Errors
    /// When an option is out of range, the budget does not pay for the first round of trials, or
    /// the question is in words.
    ///
    /// ```
    /// use stepsize::{FindProbe, Job, Question, QuestionKind, Schedule};
    /// let kind = QuestionKind::Find { probe: FindProbe::Race, start: None, budget: Some(0.5), low: None, high: None };
    /// let job = Job::new(1000, Schedule::constant(), 0)?;
    /// let question = Question { kind, pruner: None, task: "a quadratic".into(), job };
    /// assert_eq!(question.to_string(), "find --probe race --budget 0.5");
    /// assert!(!question.probe()?.ask(&[])?.is_empty());
    /// # Ok::<(), stepsize::Error>(())
    /// ```
    pub fn probe(&self) -> Result<Box<dyn Probe>> {
        let (probe, budget) = self.unlimited()?;
        let probe = match budget {
            Some(runs) => Box::new(Capped::new(probe, self.job.clone(), runs)?),
            None => probe,
        };
        Ok(match self.pruner {
            Some(rule) => Box::new(Pruned::new(probe, rule)),
            None => probe,
        })
    }

    /// The plan of a comparison; `None` for any other question.
    ///
    /// # Errors
    /// As [`Comparison::new`].
    pub fn comparison(&self) -> Result<Option<Comparison>> {
        let QuestionKind::Compare { low, high, per_decade, seeds, ways, searches, .. } = &self.kind else {
            return Ok(None);
        };
        let rates = Lr::log_space(*low, *high, *per_decade)?;
        let comparison = Comparison::new(self.job.clone(), ways.clone(), rates, *seeds)?;
        Ok(Some(if *searches { comparison } else { comparison.without_searches() }))
    }

    /// The probe without its pruner, and the budget that it does not keep by itself.
    ///
    /// # Errors
    /// As [`Question::probe`], except that no budget is too small.
    pub fn unlimited(&self) -> Result<(Box<dyn Probe>, Option<f64>)> {
        if let Some(comparison) = self.comparison()? {
            return Ok((Box::new(comparison), None));
        }
        let job = self.job.clone();
        Ok(match &self.kind {
            QuestionKind::Find { probe: FindProbe::Race | FindProbe::Opening, low, high, .. }
                if low.is_some() || high.is_some() =>
            {
                return Err(Error::invalid(
                    "this search finds the span of rates by itself and takes no lowest or highest rate; give a first guess, or \
                     search a span with the probe sweep or random",
                ));
            }
            // These two plan by their budget.
            QuestionKind::Find { probe: FindProbe::Race, start, budget, .. } => (race(job, *start, *budget)?, None),
            QuestionKind::Find { probe: FindProbe::Opening, start, budget, .. } => {
                let start = start.map_or_else(|| Lr::new(OPENING_START), Ok)?;
                (Box::new(Opening::new(job, start, budget.unwrap_or(OPENING_BUDGET))?), None)
            }
            QuestionKind::Find { probe, budget, low, high, .. } => (find(job, *probe, (*low, *high))?, *budget),
            QuestionKind::Sweep { rates, low, high, widen, seeds, trial_steps, budget } => {
                let steps = trial_steps.unwrap_or(job.steps);
                let seed = job.seed;
                let probe: Box<dyn Probe> = match rates {
                    SweepRates::Random(count) => {
                        Box::new(Random::new(job, *low, *high, *count, seed)?.with_seeds(*seeds)?.with_steps(steps)?)
                    }
                    SweepRates::PerDecade(count) => {
                        let grid = Grid::new(job, *low, *high, *count)?.with_seeds(*seeds)?.with_steps(steps)?;
                        Box::new(if *widen { grid } else { grid.with_widening(0) })
                    }
                };
                (probe, *budget)
            }
            QuestionKind::RangeTest { rule, low, high, trial_steps, short_trials: true, budget, .. } => {
                if *rule != RangeTestRule::Edge {
                    return Err(Error::invalid(format!("short trials are read by the rule edge, not {}", rule.name())));
                }
                (Box::new(Ladder::new(job, *low, *high, *trial_steps)?), *budget)
            }
            QuestionKind::RangeTest { rule, linear, low, high, trial_steps, short_trials: false, budget } => {
                let ramp = if *linear { Ramp::Linear } else { Ramp::Exponential };
                let probe = RangeTest::new(job, *low, *high, *trial_steps)?.with_ramp(ramp).with_reading(*rule);
                (Box::new(probe), *budget)
            }
            QuestionKind::Compare { .. } | QuestionKind::Words(_) => {
                return Err(Error::invalid(format!(
                    "the question \"{self}\" is in words; only the program that asked it has its probe"
                )));
            }
        })
    }
}

fn race(job: Job, start: Option<Lr>, budget: Option<f64>) -> Result<Box<dyn Probe>> {
    let mut race = Race::new(job);
    if let Some(runs) = budget {
        race = race.with_max_cost(runs)?.affordable()?;
    }
    if let Some(lr) = start {
        race = race.starting_at(lr);
    }
    Ok(Box::new(race))
}

/// A search that knows no budget.
fn find(job: Job, probe: FindProbe, span: (Option<Lr>, Option<Lr>)) -> Result<Box<dyn Probe>> {
    let or = |ends: (f64, f64)| -> Result<(Lr, Lr)> {
        Ok((span.0.map_or_else(|| Lr::new(ends.0), Ok)?, span.1.map_or_else(|| Lr::new(ends.1), Ok)?))
    };
    Ok(match probe {
        FindProbe::Race | FindProbe::Opening => race(job, None, None)?,
        FindProbe::Sweep => {
            let (low, high) = or(SPAN)?;
            Box::new(Grid::new(job, low, high, GRID_PER_DECADE)?)
        }
        FindProbe::Random => {
            let ((low, high), seed) = (or(SPAN)?, job.seed);
            Box::new(Random::new(job, low, high, RANDOM_DRAWS, seed)?)
        }
        FindProbe::Descent => Box::new(Descent::new(job)),
        FindProbe::FirstFall => Box::new(FirstFall::new(job)),
        FindProbe::RangeTest => {
            let (low, high) = or(RANGE_TEST_SPAN)?;
            Box::new(RangeTest::new(job, low, high, RANGE_TEST_STEPS)?)
        }
    })
}
