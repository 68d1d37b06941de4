//! [`Record`]: what a training log says of one run, whichever tool wrote it: a few series over
//! steps and a few facts.
//!
//! [`Series::new`] tidies the readings. Afterwards steps rise and values are finite. The steps of
//! values that were not finite are kept apart. Where the steps go back (a run that was resumed from
//! a checkpoint), the later readings replace the earlier ones and the place is noted.

use crate::{Curve, Trial};
use std::collections::BTreeMap;

/// Readings of one quantity over steps.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Series {
    points: Vec<(f64, f64)>,
    broken: Vec<f64>,
    restarts: Vec<f64>,
}

impl Series {
    /// Makes a series from readings (step, value) in the order in which they were logged.
    pub fn new(raw: impl IntoIterator<Item = (f64, f64)>) -> Self {
        let mut seen = Self::default();
        let mut last = f64::NEG_INFINITY;
        for (step, value) in raw {
            if !step.is_finite() {
                continue;
            }
            if step < last {
                seen.restarts.push(step);
                let keep = seen.points.partition_point(|p| p.0 < step);
                seen.points.truncate(keep);
                seen.broken.retain(|s| *s < step);
            }
            last = step;
            if !value.is_finite() {
                if seen.broken.last() != Some(&step) {
                    seen.broken.push(step);
                }
                continue;
            }
            match seen.points.last_mut() {
                Some(end) if end.0 == step => end.1 = value,
                _ => seen.points.push((step, value)),
            }
        }
        seen
    }

    /// The finite readings, steps rising.
    pub fn points(&self) -> &[(f64, f64)] {
        &self.points
    }

    /// Steps at which the value was NaN or infinite.
    pub fn broken(&self) -> &[f64] {
        &self.broken
    }

    /// Steps to which the log went back.
    pub fn restarts(&self) -> &[f64] {
        &self.restarts
    }

    /// Number of finite readings.
    pub fn len(&self) -> usize {
        self.points.len()
    }

    /// Whether the log holds no reading, not even one that is not finite.
    pub fn is_empty(&self) -> bool {
        self.points.is_empty() && self.broken.is_empty()
    }

    /// The finite values.
    pub fn values(&self) -> Vec<f64> {
        self.points.iter().map(|p| p.1).collect()
    }

    /// First and last step, including those of broken readings.
    pub fn span(&self) -> Option<(f64, f64)> {
        let steps = || self.points.iter().map(|p| p.0).chain(self.broken.iter().copied());
        let low = steps().fold(f64::INFINITY, f64::min);
        let high = steps().fold(f64::NEG_INFINITY, f64::max);
        (low <= high).then_some((low, high))
    }

    /// Median of the values at steps from `from` to `to`, both included.
    pub fn median_between(&self, from: f64, to: f64) -> Option<f64> {
        let values: Vec<f64> = self.points.iter().filter(|p| p.0 >= from && p.0 <= to).map(|p| p.1).collect();
        super::stats::median(&values)
    }

    /// The last value at or before `step`, else the first one; `None` without any.
    pub fn at(&self, step: f64) -> Option<f64> {
        let after = self.points.partition_point(|p| p.0 <= step);
        self.points.get(after.saturating_sub(1)).map(|p| p.1)
    }
}

/// One run as its log shows it. Every field may be empty: most logs hold only one or two series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Record {
    /// Name of the run, for people.
    pub name: String,
    /// Training loss; lower is better.
    pub loss: Series,
    /// Loss on held-out data; lower is better.
    pub val_loss: Series,
    /// The rate that was applied at each step, schedule included.
    pub lr: Series,
    /// Norm of the gradient.
    pub grad_norm: Series,
    /// Accuracy or another score on held-out data, else on training data; higher is better.
    pub score: Series,
    /// What else the log says.
    pub facts: Facts,
}

/// What a log says beside its series.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Facts {
    /// The base rate, from a configuration or a name.
    pub lr: Option<f64>,
    /// Number of classes of a classification by cross-entropy. The untrained loss is about its
    /// logarithm.
    pub classes: Option<u32>,
    /// Length of the planned run, in the unit of the steps.
    pub total_steps: Option<f64>,
    /// The optimizer by name.
    pub optimizer: Option<String>,
    /// The schedule by name.
    pub schedule: Option<String>,
    /// Whether the run is known to be unfinished.
    pub running: bool,
    /// What the weights were before the first step of the run.
    pub weights: Weights,
    /// Whether the readings are of as many runs, a row each, and no curve.
    pub table: bool,
    /// Whether the run is one of gradient boosting, whose rounds add trees and are no steps.
    pub boosted: bool,
    /// Whether a person ended the run before it was over.
    pub interrupted: bool,
    /// Whether the score is another measure than the share of cases that are right: a mean average
    /// precision, BLEU, a reward. Such a score shows whether it rises, not how far the loss has
    /// come.
    pub other_score: bool,
    /// Whether the loss is that of one side of a game: of a generator, a discriminator, a policy or
    /// its critic. Such a loss does not show how well the run trains ([`super::is_game`]).
    pub game: bool,
    /// Every other setting, by name.
    pub other: BTreeMap<String, String>,
}

/// What the weights were before the first step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Weights {
    /// The log does not say.
    #[default]
    Unknown,
    /// Random: the run trains from scratch.
    Fresh,
    /// Those of a training before: a fine-tune, or a run that was resumed.
    Trained,
}

impl Record {
    /// A trial of a study, as if its log had been read. The steps are those of the trial, which may
    /// be short.
    pub fn of_trial(trial: &Trial) -> Self {
        let series = |c: &Curve| Series::new(c.points().iter().map(|p| (p.step as f64, p.loss)));
        Self {
            name: trial.id.to_string(),
            loss: series(&trial.train),
            val_loss: series(&trial.val),
            lr: Series::new(trial.train.points().iter().map(|p| (p.step as f64, p.lr))),
            score: series(&trial.score),
            grad_norm: Series::default(),
            facts: Facts {
                lr: Some(trial.spec.lr.get()),
                total_steps: Some(trial.spec.steps as f64),
                running: trial.end.is_none(),
                weights: Weights::Fresh,
                ..Facts::default()
            },
        }
    }

    /// The base rate: the one among the facts, else the highest that was applied.
    pub fn base_lr(&self) -> Option<f64> {
        let peak = || self.lr.points().iter().map(|p| p.1).fold(f64::NEG_INFINITY, f64::max);
        self.facts.lr.or_else(|| Some(peak())).filter(|lr| lr.is_finite() && *lr > 0.0)
    }

    /// The series whose shape is judged: the training loss where it has enough readings, else the
    /// validation loss.
    pub fn main(&self) -> &Series {
        if self.loss.len() >= 6 || self.loss.len() + self.loss.broken().len() >= self.val_loss.len() {
            &self.loss
        } else {
            &self.val_loss
        }
    }

    /// First and last step of the losses.
    pub fn span(&self) -> Option<(f64, f64)> {
        match (self.loss.span(), self.val_loss.span()) {
            (Some(a), Some(b)) => Some((a.0.min(b.0), a.1.max(b.1))),
            (a, b) => a.or(b),
        }
    }

    /// The loss by which runs are compared: the last validation loss, else the mean of the last
    /// twentieth of the training loss (at least three readings). `None` when the run has no loss or
    /// its last reading is not finite.
    pub fn final_loss(&self) -> Option<f64> {
        let ended_broken = |s: &Series| match (s.broken().last(), s.points().last()) {
            (Some(b), Some(p)) => *b > p.0,
            (Some(_), None) => true,
            _ => false,
        };
        if ended_broken(&self.loss) || ended_broken(&self.val_loss) {
            return None;
        }
        if let Some(last) = self.val_loss.points().last() {
            return Some(last.1);
        }
        let values = self.loss.values();
        super::stats::mean(&values[values.len() - Self::tail(values.len())..])
    }

    /// Of so many training losses, how many of the last make the final loss, which is their mean.
    pub(super) fn tail(readings: usize) -> usize {
        readings.div_ceil(20).max(3).min(readings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Event, Lr, Schedule, TrialId, TrialSpec, fold};

    #[test]
    fn a_series_is_tidy() {
        let raw = [(0.0, 3.0), (1.0, 2.0), (2.0, f64::NAN), (3.0, 1.5), (3.0, 1.4), (1.0, 1.9), (2.0, 1.8)];
        let series = Series::new(raw);
        assert_eq!(series.points(), [(0.0, 3.0), (1.0, 1.9), (2.0, 1.8)]);
        assert_eq!((series.restarts(), series.broken().len()), ([1.0].as_slice(), 0));
        assert_eq!((series.at(1.5), series.at(-1.0), series.at(9.0)), (Some(1.9), Some(3.0), Some(1.8)));
    }

    #[test]
    fn a_trial_is_a_record_of_its_readings_and_its_rate() {
        let (trial, lr) = (TrialId(3), 0.1);
        let spec = TrialSpec {
            lr: Lr::new(lr).unwrap(),
            schedule: Schedule::flat(1.0).unwrap(),
            steps: 2,
            seed: 0,
            stop_on_divergence: true,
        };
        let events = [
            Event::Started { trial, spec },
            Event::Step { trial, step: 0, lr, loss: 2.3 },
            Event::Step { trial, step: 1, lr, loss: f64::NAN },
            Event::Eval { trial, step: 2, lr, val_loss: 2.2, score: Some(0.4) },
        ];
        let record = Record::of_trial(&fold(&events)[&trial]);
        assert_eq!((record.loss.points(), record.loss.broken()), ([(0.0, 2.3)].as_slice(), [1.0].as_slice()));
        assert_eq!(
            (record.val_loss.points(), record.score.points()),
            ([(2.0, 2.2)].as_slice(), [(2.0, 0.4)].as_slice())
        );
        assert_eq!((record.base_lr(), record.facts.total_steps, record.facts.running), (Some(lr), Some(2.0), true));
    }

    #[test]
    fn a_run_that_ended_broken_has_no_final_loss() {
        let mut record = Record { loss: Series::new([(0.0, 1.0), (1.0, f64::INFINITY)]), ..Record::default() };
        assert_eq!(record.final_loss(), None);
        record.loss = Series::new((0..100).map(|i| (f64::from(i), 1.0)));
        assert_eq!(record.final_loss(), Some(1.0));
        record.val_loss = Series::new([(0.0, 2.0), (99.0, 1.2)]);
        assert_eq!((record.final_loss(), record.main().len()), (Some(1.2), 100));
    }
}
