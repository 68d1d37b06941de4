//! What a person asks of a study that runs: rates beside its plan, and another budget.
//!
//! The plan of the probe does not see the rates that were added, so that replay makes the same
//! batches. They have numbers of their own, which replay leaves out; the budget changes between
//! two batches, which replay does after as many planned trials.

use super::{Study, Wanted};
use std::collections::BTreeMap;
use stepsize::{Event, Question, Result, Trial, TrialId, TrialSpec, Wish};

/// The wishes of a study.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// Rates that were added.
    added: BTreeMap<TrialId, TrialSpec>,
    /// Budgets, each with the number of planned trials after which it holds.
    budgets: Vec<(u32, f64)>,
    /// How many of them hold.
    hold: usize,
}

impl Wishes {
    /// Those of a recorded study.
    pub(super) fn of(recorded: &[Event], question: &Question) -> Self {
        let mut wishes = Self::default();
        for event in recorded {
            if let Event::Asked { wish, trial, planned } = event {
                wishes.take_in(question, wish, *trial, *planned);
            }
        }
        wishes
    }

    fn take_in(&mut self, question: &Question, wish: &Wish, trial: Option<TrialId>, planned: u32) {
        match (wish, trial) {
            (Wish::Budget { runs }, _) => self.budgets.push((planned, *runs)),
            (Wish::Rate { lr, steps }, Some(id)) => {
                let steps = steps.unwrap_or(question.job.steps);
                if let Ok(spec) = question.job.trial(*lr, steps, question.job.seed) {
                    self.added.insert(id, spec);
                }
            }
            _ => {}
        }
    }

    /// Whether this trial was added by a person.
    pub(super) fn added(&self, trial: TrialId) -> bool {
        self.added.contains_key(&trial)
    }
}

impl Study<'_> {
    /// The trials that the probe planned, of those that have ended.
    pub(super) fn planned(&self) -> Vec<Trial> {
        self.done.iter().filter(|t| !self.wishes.added(t.id)).cloned().collect()
    }

    /// The next batch after the planned trials `done`: of the probe, and what was added and has not
    /// run.
    pub(super) fn batch_after(&mut self, done: &[Trial]) -> Result<Vec<(TrialId, TrialSpec)>> {
        let count = u32::try_from(done.len()).unwrap_or(u32::MAX);
        while let Some((_, runs)) = self.wishes.budgets.get(self.wishes.hold).filter(|(after, _)| *after <= count) {
            self.probe = self.question.with_budget(*runs)?.probe()?;
            self.wishes.hold += 1;
        }
        let specs = self.probe.ask(done)?;
        let next = done.last().map_or(0, |t| t.id.0 + 1);
        let free = (next..).map(TrialId).filter(|id| !self.wishes.added(*id));
        let mut batch: Vec<(TrialId, TrialSpec)> = free.zip(specs).collect();
        let ended = |id: &TrialId| self.done.iter().any(|t| t.id == *id);
        batch.extend(self.wishes.added.iter().filter(|(id, _)| !ended(id)).map(|(id, spec)| (*id, spec.clone())));
        Ok(batch)
    }

    /// The event of a wish that can be granted; `None` where there is nothing to do.
    pub(super) fn granted(&self, wish: &Wish) -> Option<Event> {
        let all = || self.done.iter().chain(&self.ended).map(|t| t.id);
        let ids: Vec<TrialId> = all().chain(self.live.keys().copied()).chain(self.wanted.iter().map(|w| w.0)).collect();
        let planned = u32::try_from(ids.iter().filter(|id| !self.wishes.added(**id)).count()).ok()?;
        let trial = match wish {
            Wish::StopTrial { trial } => Some(self.running(*trial)?.id),
            Wish::Stop => None,
            Wish::Budget { runs } => {
                self.question.with_budget(*runs).ok()?;
                None
            }
            Wish::Rate { lr, steps } => {
                self.question.job.trial(*lr, steps.unwrap_or(self.question.job.steps), self.question.job.seed).ok()?;
                let last = ids.iter().chain(self.wishes.added.keys()).max().map_or(0, |id| id.0 + 1);
                Some(TrialId(last))
            }
        };
        Some(Event::Asked { wish: wish.clone(), trial, planned })
    }

    /// Takes in a wish that has just been stored: the next batch, or this one, has it.
    pub(super) fn grant(&mut self, event: &Event) {
        let Event::Asked { wish, trial, planned } = event else { return };
        self.wishes.take_in(&self.question, wish, *trial, *planned);
        if let Some(id) = trial.filter(|id| self.wishes.added(*id)) {
            let spec = self.wishes.added[&id].clone();
            Wanted::push_back(&mut self.wanted, (id, spec));
        }
        if matches!(wish, Wish::Budget { .. } | Wish::Rate { .. }) {
            self.over = false;
        }
    }
}
