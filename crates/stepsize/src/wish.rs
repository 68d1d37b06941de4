//! [`Wish`]: what a person asks of a search that runs.

use crate::lr::Lr;
use crate::question::{Question, QuestionKind};
use crate::spec::{TrialId, TrialSpec};
use crate::{Error, Result};
use serde::{Deserialize, Serialize};

/// What a person asks of a search while it runs, beside its question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "wish", rename_all = "snake_case")]
pub enum Wish {
    /// End this trial. It counts as pruned: it is not run again.
    StopTrial {
        /// Which trial.
        trial: TrialId,
    },
    /// End the search and conclude from what has ended.
    Stop,
    /// Spend at most this much in all, in place of the budget of the question.
    Budget {
        /// In full runs.
        runs: f64,
    },
    /// Try this rate too. The method plans as if the trial were not there; the conclusion rests on
    /// it as well.
    Rate {
        /// The rate.
        lr: Lr,
        /// Steps of the trial; those of the full run where it is `None`.
        #[serde(default)]
        steps: Option<u64>,
    },
}

impl Question {
    /// The trial of a rate that a person adds, of `steps` steps or of the full run.
    ///
    /// # Errors
    /// When it has no steps, or more than the full run.
    pub fn added_trial(&self, lr: Lr, steps: Option<u64>) -> Result<TrialSpec> {
        let steps = steps.unwrap_or(self.job.steps);
        if steps > self.job.steps {
            return Err(Error::invalid(format!(
                "a trial has at most the {} steps of the full run, not {steps}",
                self.job.steps
            )));
        }
        self.job.trial(lr, steps, self.job.seed)
    }

    /// The same question with another budget, in full runs.
    ///
    /// # Errors
    /// When it has no budget (a comparison, a question in words), or the budget does not pay for
    /// the first trials.
    pub fn with_budget(&self, runs: f64) -> Result<Self> {
        let mut question = self.clone();
        match &mut question.kind {
            QuestionKind::Find { budget, .. }
            | QuestionKind::Sweep { budget, .. }
            | QuestionKind::RangeTest { budget, .. } => *budget = Some(runs),
            QuestionKind::Compare { .. } | QuestionKind::Words(_) => {
                return Err(Error::invalid(format!("`{self}` has no budget that could change")));
            }
        }
        question.probe()?;
        Ok(question)
    }
}
