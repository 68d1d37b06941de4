//! [`Trial`]: what is known about one training run. [`fold`] makes trials out of events.

use crate::curve::{Curve, Point};
use crate::event::{Act, Event};
use crate::job::Job;
use crate::spec::{End, TrialId, TrialSpec};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One action of a controller in a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Acted {
    /// Step after which it acted, counted from 0.
    pub step: u64,
    /// What it did.
    pub act: Act,
    /// Its factor from then on.
    pub factor: f64,
    /// Why, for people.
    pub why: String,
}

/// One training run, as far as it is known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Trial {
    /// Number in the study.
    pub id: TrialId,
    /// What was asked for.
    pub spec: TrialSpec,
    /// Mini-batch losses.
    pub train: Curve,
    /// Validation losses; `step` counts the steps taken before the evaluation.
    pub val: Curve,
    /// Accuracy or R2 at the points of `val`, where the task has one (as `loss` of the points).
    pub score: Curve,
    /// How it ended; `None` while it runs.
    pub end: Option<End>,
    /// Actions of its controller, in order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<Acted>,
    /// Steps that were run.
    pub steps_run: u64,
    /// Steps that left nothing behind: those of branches, and those before a rewind. They count as
    /// cost.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub steps_void: u64,
    /// Wall-clock seconds, where the executor measured them.
    pub seconds: Option<f64>,
}

fn is_zero(steps: &u64) -> bool {
    *steps == 0
}

impl Trial {
    /// A trial that has not begun.
    pub fn new(id: TrialId, spec: TrialSpec) -> Self {
        Self {
            id,
            spec,
            train: Curve::new(),
            val: Curve::new(),
            score: Curve::new(),
            end: None,
            acts: Vec::new(),
            steps_run: 0,
            steps_void: 0,
            seconds: None,
        }
    }

    /// Whether it was ended because its loss exploded or was not finite. Whether its rate diverged
    /// is for [`crate::divergence::Outcome`] to say: a run may end worse than untrained as well.
    pub fn exploded(&self) -> bool {
        matches!(self.end, Some(End::Diverged { .. }))
    }

    /// Whether all steps were run.
    pub fn finished(&self) -> bool {
        matches!(self.end, Some(End::Finished))
    }

    /// All optimizer steps that count as cost: `steps_run + steps_void`.
    pub fn steps_paid(&self) -> u64 {
        self.steps_run + self.steps_void
    }

    /// Validation loss after the last step: the number by which finished trials are compared.
    /// `None` when the trial did not finish or that loss is not finite.
    pub fn final_loss(&self) -> Option<f64> {
        self.val.last().filter(|_| self.finished()).map(|p| p.loss).filter(|l| l.is_finite())
    }

    /// Validation loss of the untrained model, where it was evaluated.
    /// [`crate::divergence::untrained_loss`] also takes the first mini-batch loss.
    pub fn start_loss(&self) -> Option<f64> {
        self.val.first().filter(|p| p.step == 0).map(|p| p.loss).filter(|l| l.is_finite())
    }

    /// Adds one event of this trial.
    fn apply(&mut self, event: &Event) {
        match event {
            Event::Step { step, lr, loss, .. } => {
                self.train.push(Point { step: *step, lr: *lr, loss: *loss });
                self.steps_run = self.steps_run.max(step + 1);
            }
            Event::Eval { step, lr, val_loss, score, .. } => {
                self.val.push(Point { step: *step, lr: *lr, loss: *val_loss });
                if let Some(score) = score {
                    self.score.push(Point { step: *step, lr: *lr, loss: *score });
                }
            }
            Event::Acted { step, act, factor, why, .. } => {
                match act {
                    Act::Changed => {}
                    Act::Rewound { to, .. } => {
                        self.train.truncate(*to);
                        // An evaluation is of the steps before it.
                        self.val.truncate(to + 1);
                        self.score.truncate(to + 1);
                        self.steps_void += self.steps_run.saturating_sub(*to);
                        self.steps_run = *to;
                    }
                    Act::Branched { factors, steps, .. } => self.steps_void += factors.len() as u64 * steps,
                }
                self.acts.push(Acted { step: *step, act: act.clone(), factor: *factor, why: why.clone() });
            }
            Event::Ended { end, steps, seconds, .. } => {
                self.end = Some(end.clone());
                self.steps_run = *steps;
                self.seconds = *seconds;
            }
            Event::Study { .. }
            | Event::Started { .. }
            | Event::Submitted { .. }
            | Event::Asked { .. }
            | Event::Concluded { .. } => {}
        }
    }
}

impl Job {
    /// Steps spent on `trials`, in full runs.
    pub fn cost_runs(&self, trials: &[Trial]) -> f64 {
        trials.iter().map(|t| t.steps_paid()).sum::<u64>() as f64 / self.steps as f64
    }
}

/// The trials of a log of events, by number. Events of a trial that never started are ignored.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> BTreeMap<TrialId, Trial> {
    let mut trials = BTreeMap::new();
    for event in events {
        fold_one(&mut trials, event);
    }
    trials
}

/// Adds one more event to `trials`: [`fold`], one event at a time.
pub fn fold_one(trials: &mut BTreeMap<TrialId, Trial>, event: &Event) {
    match event {
        Event::Study { .. } | Event::Submitted { .. } | Event::Asked { .. } | Event::Concluded { .. } => {}
        Event::Started { trial, spec } => {
            trials.insert(*trial, Trial::new(*trial, spec.clone()));
        }
        Event::Step { trial, .. }
        | Event::Eval { trial, .. }
        | Event::Acted { trial, .. }
        | Event::Ended { trial, .. } => {
            if let Some(known) = trials.get_mut(trial) {
                known.apply(event);
            }
        }
    }
}
