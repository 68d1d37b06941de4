//! [`Report`]: everything that a picture, a page or a table needs, as data.
//!
//! A report is a function of trials and of their estimate, so it can be made again from a recorded
//! log at any time. It decides what is *shown*: the verdict on each rate (see [`Placement`]), how
//! curves are thinned ([`thin`]), and what the cost of the search is compared with (see [`Cost`]).
//! It does not choose the rate and draws nothing.

mod cost;
mod history;
mod thin;

pub use cost::{Cost, FullGrid, Money};
pub use history::concluded_from;
pub use thin::{extremes, smooth, thin};

use crate::divergence::lowest_diverged;
use crate::event::{Event, FollowUp};
use crate::spec::End;
use crate::stats::upper_median;
use crate::trial::{Trial, fold};
use crate::{Answer, Curve, Error, Estimate, Job, Lr, Placement, Point, Question, Reason, Refusal, Remedy, Result};
use serde::{Deserialize, Serialize};

/// Points kept of one curve: more than a picture a thousand pixels wide can show of a smoothed
/// line.
const CURVE_POINTS: usize = 240;

/// Everything that is shown about a study.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was asked.
    pub question: Question,
    /// What was trained.
    pub task: String,
    /// The full run.
    pub job: Job,
    /// The full run's schedule in notation; `its own` if a command sets it itself.
    pub schedule: String,
    /// The rate or the refusal.
    pub estimate: Estimate,
    /// Every trial, in the order of their numbers.
    pub runs: Vec<TrialSummary>,
    /// Median validation loss of the untrained model, where it was evaluated (the upper one of an
    /// even count).
    pub untrained: Option<f64>,
    /// What the search cost, and what a full grid would have cost.
    pub cost: Cost,
    /// Whether the search was interrupted.
    pub interrupted: bool,
    /// What to do about a refusal, in words: those of the remedies themselves until a front end
    /// gives its own ([`Report::with_words`]). Empty for an answer.
    #[serde(default)]
    pub advice: String,
    /// The full run that followed, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub followed: Option<FollowUp>,
    /// What the method would have concluded at which cost, in full runs, the cheapest first; empty
    /// unless it was asked for ([`Report::with_history`]).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub history: Vec<(f64, Estimate)>,
}

/// One trial, ready to draw.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialSummary {
    /// Number of the trial.
    pub trial: u32,
    /// Base rate.
    pub lr: Lr,
    /// Steps it was asked to run.
    pub steps: u64,
    /// Steps it ran.
    pub steps_run: u64,
    /// Seed.
    pub seed: u64,
    /// Validation loss after the last step; `None` when it did not finish or that loss is not
    /// finite.
    pub loss: Option<f64>,
    /// Accuracy or R2 at the last evaluation, where the task has one.
    pub score: Option<f64>,
    /// Where the rate lies.
    pub verdict: Placement,
    /// How it ended, for people: empty when it finished.
    pub end: String,
    /// Smoothed mini-batch loss, thinned; finite.
    pub train: Vec<Point>,
    /// The mini-batch losses themselves, thinned so that the lowest and the highest of each stretch
    /// remain; finite.
    #[serde(default)]
    pub raw: Vec<Point>,
    /// Validation losses; finite. `step` counts the steps taken before.
    pub val: Vec<Point>,
}

impl Report {
    /// A report of `trials` and of the estimate drawn from them.
    pub fn new(question: &Question, estimate: &Estimate, trials: &[Trial]) -> Self {
        let Question { task, job, .. } = question;
        let runs = trials.iter().map(|t| TrialSummary::new(t, estimate, trials)).collect();
        Self {
            question: question.clone(),
            task: task.to_owned(),
            job: job.clone(),
            schedule: if job.own_schedule { "its own".to_owned() } else { job.schedule.to_string() },
            estimate: estimate.clone(),
            runs,
            untrained: upper_median(&trials.iter().filter_map(Trial::start_loss).collect::<Vec<f64>>()),
            cost: Cost::new(job, trials),
            interrupted: false,
            advice: String::new(),
            followed: None,
            history: Vec::new(),
        }
        .with_words(Remedy::to_string)
    }

    /// A report of a recorded study, with its last conclusion. Without one the answer is a refusal.
    ///
    /// # Errors
    /// When the events do not begin with the study they belong to.
    pub fn from_events(events: &[Event]) -> Result<Self> {
        let Some(question) = events.iter().find_map(Event::question) else {
            return Err(Error::invalid("the log holds no study: its first line should be an event \"study\""));
        };
        let trials: Vec<Trial> = fold(events).into_values().collect();
        let concluded = events.iter().rev().find_map(|e| match e {
            Event::Concluded { estimate } => Some(estimate.clone()),
            _ => None,
        });
        let estimate = concluded.unwrap_or_else(|| unconcluded(&question.job, &trials));
        let followed = events.iter().rev().find_map(|e| match e {
            Event::Followed { up } => Some(up.clone()),
            _ => None,
        });
        Ok(Self { followed, ..Self::new(question, &estimate, &trials) })
    }

    /// The same with the price of one hour of one running trial, in any currency.
    ///
    /// # Errors
    /// When the price is not finite or below zero.
    pub fn with_price(mut self, per_hour: f64) -> Result<Self> {
        self.cost = self.cost.with_price(per_hour)?;
        Ok(self)
    }

    /// The same with the seconds that passed on the clock.
    pub fn with_wall_seconds(mut self, seconds: f64) -> Self {
        self.cost.wall_seconds = Some(seconds);
        self
    }

    /// The same, marked as interrupted.
    pub fn with_interrupted(mut self, interrupted: bool) -> Self {
        self.interrupted = interrupted;
        self
    }

    /// The same with the remedies of a refusal in the words of a front end.
    pub fn with_words(mut self, word: impl Fn(&Remedy) -> String) -> Self {
        let remedies = self.estimate.refusal().map_or(&[][..], |refusal| &refusal.remedies);
        self.advice = remedies.iter().map(word).collect::<Vec<_>>().join("; ");
        self
    }

    /// The recommended rate, if there is one.
    pub fn lr(&self) -> Option<Lr> {
        self.estimate.lr()
    }

    /// The 80 % interval, where the method has one.
    pub fn interval(&self) -> Option<(Lr, Lr)> {
        match &self.estimate.answer {
            Answer::Rate(rate) => rate.interval,
            Answer::Refused(_) => None,
        }
    }

    /// The run of a range test: the only run, and its rate grew by a factor of ten or more.
    pub fn range_test(&self) -> Option<&TrialSummary> {
        let [run] = self.runs.as_slice() else { return None };
        let (first, last) = (run.train.first()?, run.train.last()?);
        (first.lr > 0.0 && last.lr >= 10.0 * first.lr).then_some(run)
    }

    /// The lengths of the trials in steps, longest first.
    pub fn lengths(&self) -> Vec<u64> {
        let mut lengths: Vec<u64> = self.runs.iter().map(|r| r.steps).collect();
        lengths.sort_unstable_by(|a, b| b.cmp(a));
        lengths.dedup();
        lengths
    }
}

impl TrialSummary {
    /// What is shown of `trial` among `trials`, its verdict by `estimate`.
    pub fn new(trial: &Trial, estimate: &Estimate, trials: &[Trial]) -> Self {
        let finite = |curve: &Curve| curve.points().iter().filter(|p| p.loss.is_finite()).copied().collect::<Vec<_>>();
        let end = match &trial.end {
            Some(End::Finished) => String::new(),
            Some(End::Diverged { why, .. }) => format!("diverged: {why}"),
            Some(End::Pruned { why }) => format!("pruned: {why}"),
            Some(End::Failed { why }) => format!("failed: {why}"),
            Some(End::Stopped) => "stopped".to_owned(),
            None => "not ended".to_owned(),
        };
        Self {
            trial: trial.id.0,
            lr: trial.spec.lr,
            steps: trial.spec.steps,
            steps_run: trial.steps_run,
            seed: trial.spec.seed,
            loss: trial.final_loss(),
            score: trial.score.last().map(|p| p.loss).filter(|s| s.is_finite()),
            verdict: Placement::among(trial, estimate, trials),
            end,
            train: thin(&smooth(&trial.train), CURVE_POINTS),
            raw: extremes(&finite(&trial.train), CURVE_POINTS),
            val: finite(&trial.val),
        }
    }
}

/// The estimate of a log without a conclusion.
fn unconcluded(job: &Job, trials: &[Trial]) -> Estimate {
    let because = format!("the log ends before the search did, after {} trials", trials.len());
    Estimate {
        divergence_lr: lowest_diverged(trials),
        cost_runs: job.cost_runs(trials),
        why: because.clone(),
        answer: Answer::Refused(Refusal { reason: Reason::TooShort, because, remedies: vec![Remedy::Resume] }),
        landscape: Vec::new(),
    }
}

#[cfg(test)]
mod tests;
