//! [`Study`]: a search as a state machine. It gives out trials, takes in what happens to them, and
//! concludes.
//!
//! Two kinds of caller drive it. [`Study::run`] lets an executor run the trials. A training loop
//! that keeps its own thread (Python, a notebook) calls [`Study::ask`], [`Study::tell`] and
//! [`Study::conclude`] itself. Order, numbering, replay and what counts as evidence are the same
//! for both: the probe is asked for a batch when the batch before it has ended, and every event is
//! stored before anything is done about it.
//!
//! Resume is replay. The probe is asked again from the beginning. A trial that has ended and whose
//! recorded spec is the one asked for is taken from the store; any other trial runs. A kill at any
//! moment therefore costs at most the trials that were running.

mod run;
mod wishes;

use crate::executor::Handle;
use crate::store::Store;
use std::collections::{BTreeMap, VecDeque};
use stepsize::divergence::explosion;
use stepsize::{
    End, Error, Estimate, Event, Probe, Question, QuestionKind, Result, Trial, TrialId, TrialSpec, VERSION, fold,
    fold_one,
};
use wishes::Wishes;

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Run this trial.
    Run(TrialId, TrialSpec),
    /// Nothing until one of the running trials has ended.
    Wait,
    /// Nothing: the probe wants no more trials.
    Over,
}

/// How a study ended.
#[derive(Debug, Clone)]
pub struct StudyResult {
    /// The conclusion.
    pub estimate: Estimate,
    /// All ended trials, in the order of their numbers.
    pub trials: Vec<Trial>,
    /// Trials that could not be run and were left out. They are no evidence.
    pub given_up: Vec<Trial>,
    /// Whether the study was interrupted. The estimate then rests on the trials that had ended.
    pub interrupted: bool,
}

/// A study under way. `'s` is the lifetime of its store.
pub struct Study<'s> {
    probe: Box<dyn Probe>,
    store: Box<dyn Store + 's>,
    /// The trials of the store as they were when the study was opened.
    known: BTreeMap<TrialId, Trial>,
    /// What an executor needs to find trials again that outlived a process.
    handles: Vec<Handle>,
    /// The first event, when this process stored it.
    begun: Option<Event>,
    /// Trials of the batches that have ended.
    done: Vec<Trial>,
    /// Trials of this batch that have not begun.
    wanted: Wanted,
    /// Trials of this batch that are running.
    live: BTreeMap<TrialId, Trial>,
    /// Trials of this batch that have ended.
    ended: Vec<Trial>,
    /// Trials that the pruner may compare with: those of earlier batches, and of this one if it
    /// does not wait for its end.
    settled: Vec<Trial>,
    /// Whether the probe wants no more trials.
    over: bool,
    /// The conclusion, while it is the last event of the store.
    concluded: Option<Estimate>,
    /// How often [`Study::run`] tries a trial again that failed.
    retries: u32,
    /// Trials that failed too often, without which the search continues.
    given_up: Vec<Trial>,
    /// Whether the answer needs every trial: a comparison knows its trials by their numbers.
    needs_all: bool,
    /// As it was asked; a wish may give it another budget.
    question: Question,
    /// What a person asked for while it ran, and what limits of time and money left.
    wishes: Wishes,
    /// The budget that such limits leave.
    bound: Option<Bound<'s>>,
}

/// Gives the budget in full runs that limits leave after these trials; `None` where it need not
/// change.
type Bound<'s> = Box<dyn FnMut(&[Trial]) -> Option<f64> + Send + 's>;
type Wanted = VecDeque<(TrialId, TrialSpec)>;
type Watch<'w> = &'w mut dyn FnMut(&Event);

impl<'s> Study<'s> {
    /// Opens a study of `question` with what `store` already holds of it. `probe` answers the
    /// question: as a rule [`Question::probe`].
    ///
    /// # Errors
    /// When the store cannot be read or written, or holds another question ([`Error::is_state`]).
    pub fn open(question: &Question, probe: Box<dyn Probe>, mut store: Box<dyn Store + 's>) -> Result<Self> {
        let recorded = store.read()?;
        let mut begun = None;
        match recorded.first() {
            Some(Event::Study { question: asked, .. }) => question.check(asked)?,
            Some(_) => {
                return Err(Error::state("the store does not begin with a study: it was written by something else"));
            }
            None => {
                let first = Event::Study { version: VERSION, question: question.clone() };
                store.append(&first)?;
                begun = Some(first);
            }
        }
        let concluded = match recorded.iter().rfind(|event| !matches!(event, Event::Followed { .. })) {
            Some(Event::Concluded { estimate }) => Some(estimate.clone()),
            _ => None,
        };
        Ok(Self {
            probe,
            store,
            known: fold(&recorded),
            handles: handles(&recorded),
            begun,
            done: Vec::new(),
            wanted: Wanted::new(),
            live: BTreeMap::new(),
            ended: Vec::new(),
            settled: Vec::new(),
            over: false,
            concluded,
            retries: 0,
            given_up: Vec::new(),
            needs_all: matches!(question.kind, QuestionKind::Compare { .. }),
            question: question.clone(),
            wishes: Wishes::of(&recorded, question),
            bound: None,
        })
    }

    /// Lets [`Study::run`] try a trial that failed again, so often; then it continues without it,
    /// as long as few fail. A failure before any trial has ended is the fault of the job, and ends
    /// the study at once unless it is one that passes, such as a lost connection; so does one
    /// without retries.
    #[must_use]
    pub fn with_retries(self, retries: u32) -> Self {
        Self { retries, ..self }
    }

    /// Lets [`Study::run`] ask before each batch which budget limits of time and money leave, in
    /// full runs, so that the search is planned for it. It is recorded as a wish, for replay.
    #[must_use]
    pub fn with_bound(self, bound: impl FnMut(&[Trial]) -> Option<f64> + Send + 's) -> Self {
        Self { bound: Some(Box::new(bound)), ..self }
    }

    /// The next trial. A trial of the store that has ended is not run again.
    ///
    /// # Errors
    /// When the probe or the store fails, or the store's trials are not those of this question
    /// ([`Error::is_state`]).
    pub fn ask(&mut self) -> Result<Next> {
        loop {
            if let Some((trial, spec)) = self.start(&mut |_| ())? {
                return Ok(Next::Run(trial, spec));
            }
            if !self.live.is_empty() {
                return Ok(Next::Wait);
            }
            if !self.next_batch()? {
                return Ok(Next::Over);
            }
        }
    }

    /// Takes in a step, an evaluation or the end of a running trial. Returns the trial's end when
    /// it is over: as reported, or because the trial exploded or was pruned. Events of a trial that
    /// is over already are ignored.
    ///
    /// # Errors
    /// When the store fails, or the event is not about a running trial.
    pub fn tell(&mut self, event: &Event) -> Result<Option<End>> {
        let (Event::Step { trial, .. }
        | Event::Eval { trial, .. }
        | Event::Acted { trial, .. }
        | Event::Ended { trial, .. }) = event
        else {
            return Err(Error::invalid("only steps, evaluations and ends of trials can be told"));
        };
        let id = *trial;
        if !self.live.contains_key(&id) {
            return Ok(Some(End::Stopped));
        }
        self.store.append(event)?;
        self.fold(event);
        if let Some(end) = self.exploded(id).or_else(|| self.pruned(id)) {
            let event = self.end_of(id, end);
            self.store.append(&event)?;
            self.fold(&event);
        }
        let Some(trial) = self.take_ended(id) else { return Ok(None) };
        let end = trial.end.clone();
        match &end {
            // No evidence: it is given out again.
            Some(End::Stopped | End::Failed { .. }) => self.wanted.push_front((id, trial.spec)),
            _ => self.settle(trial),
        }
        Ok(end)
    }

    /// The conclusion from what has ended so far. It is stored unless the store ends with it
    /// already.
    ///
    /// # Errors
    /// When the probe or the store fails.
    pub fn conclude(&mut self) -> Result<StudyResult> {
        self.end_batch();
        let mut estimate = self.probe.estimate(&self.done)?;
        for trial in &self.given_up {
            let left_out = format!("trial {} at lr {} could not be run and is left out", trial.id, trial.spec.lr);
            let why = &mut estimate.why;
            *why += &if why.ends_with('.') { format!(" T{}.", &left_out[1..]) } else { format!("; {left_out}") };
        }
        if self.concluded.as_ref() != Some(&estimate) {
            self.store.append(&Event::Concluded { estimate: estimate.clone() })?;
            self.concluded = Some(estimate.clone());
        }
        let (trials, given_up) = (self.done.clone(), self.given_up.clone());
        Ok(StudyResult { estimate, trials, given_up, interrupted: !self.over })
    }

    /// To be called in a child that was forked while this process held the study: see
    /// [`Store::forked`].
    pub fn forked(&mut self) {
        self.store.forked();
    }

    /// Starts the next trial of this batch, if there is one.
    fn start(&mut self, watch: Watch<'_>) -> Result<Option<(TrialId, TrialSpec)>> {
        let Some((trial, spec)) = self.wanted.pop_front() else { return Ok(None) };
        let event = Event::Started { trial, spec: spec.clone() };
        self.store.append(&event)?;
        self.fold(&event);
        watch(&event);
        Ok(Some((trial, spec)))
    }

    /// Ends this batch and asks the probe for the next one. Returns false when it wants no more.
    fn next_batch(&mut self) -> Result<bool> {
        self.end_batch();
        let planned = self.planned();
        let batch = if self.over { Vec::new() } else { self.batch_after(&planned)? };
        self.over = batch.is_empty();
        if self.over {
            return Ok(false);
        }
        let given_up;
        (self.ended, self.wanted, given_up) = replay(&self.known, batch, &self.wishes)?;
        self.given_up.extend(given_up);
        self.settled.clone_from(&self.done);
        if !self.waits_for_batches() {
            self.settled.extend(self.ended.iter().cloned());
        }
        Ok(true)
    }

    fn end_batch(&mut self) {
        self.done.append(&mut self.ended);
        self.done.sort_by_key(|t| t.id);
    }

    /// Whether the pruner sees trials of earlier batches only.
    fn waits_for_batches(&self) -> bool {
        self.probe.pruner().is_none_or(|pruner| pruner.waits_for_batches())
    }

    /// The end of a running trial that the pruner ends now.
    fn pruned(&self, id: TrialId) -> Option<End> {
        let live = self.running(id)?;
        self.probe.pruner().and_then(|p| p.judge(live, &self.settled)).map(|why| End::Pruned { why })
    }

    /// The end of a running trial whose losses have exploded. Executors see that by themselves.
    fn exploded(&self, id: TrialId) -> Option<End> {
        let live = self.running(id).filter(|t| t.spec.stop_on_divergence)?;
        explosion(live).map(|why| End::Diverged { step: live.steps_run.saturating_sub(1), why })
    }

    fn running(&self, id: TrialId) -> Option<&Trial> {
        self.live.get(&id).filter(|t| t.end.is_none())
    }

    /// The event with which the study itself ends a running trial.
    fn end_of(&self, trial: TrialId, end: End) -> Event {
        let steps = self.live.get(&trial).map_or(0, |t| t.steps_run);
        Event::Ended { trial, end, steps, seconds: None }
    }

    /// Takes in an event that has just been stored.
    fn fold(&mut self, event: &Event) {
        fold_one(&mut self.live, event);
        self.concluded = None;
    }

    /// Takes a trial out of the running ones if it has ended.
    fn take_ended(&mut self, id: TrialId) -> Option<Trial> {
        if self.running(id).is_some() { None } else { self.live.remove(&id) }
    }

    /// Counts a trial that has ended as evidence.
    fn settle(&mut self, trial: Trial) {
        if !self.waits_for_batches() {
            self.settled.push(trial.clone());
        }
        self.ended.push(trial);
    }
}

/// Whether a trial with this end is evidence and never runs again. A failure is not: it is fixed
/// and tried again.
fn is_over(end: &End) -> bool {
    !matches!(end, End::Stopped | End::Failed { .. })
}

/// What executors have stored, oldest first, and whether the trial has ended since.
fn handles(recorded: &[Event]) -> Vec<Handle> {
    let mut handles: Vec<Handle> = Vec::new();
    for event in recorded {
        match event {
            Event::Submitted { trial, handle } => {
                handles.push(Handle { trial: *trial, text: handle.clone(), open: true });
            }
            Event::Ended { trial, .. } => {
                handles.iter_mut().filter(|h| h.trial == *trial).for_each(|h| h.open = false);
            }
            _ => {}
        }
    }
    handles
}

/// Splits a batch into trials that the store has already, trials to run, and trials that were left
/// out: those that failed, in a batch that a later one followed.
fn replay(
    known: &BTreeMap<TrialId, Trial>,
    batch: Vec<(TrialId, TrialSpec)>,
    wishes: &Wishes,
) -> Result<(Vec<Trial>, Wanted, Vec<Trial>)> {
    let (mut ready, mut wanted, mut given_up) = (Vec::new(), Wanted::new(), Vec::new());
    // A planned trial that comes after this batch tells that the search continued.
    let last = |ids: &mut dyn Iterator<Item = TrialId>| ids.filter(|id| !wishes.added(*id)).max();
    let followed = last(&mut known.keys().copied()) > last(&mut batch.iter().map(|(id, _)| *id));
    for (id, spec) in batch {
        match known.get(&id) {
            Some(trial) if trial.spec != spec => {
                return Err(Error::state(format!(
                    "trial {id} of the store ran lr {} for {} steps, but this study asks for lr {} and {} steps: the store \
                     belongs to another question, or to another version of this search; choose another name or \
                     file",
                    trial.spec.lr, trial.spec.steps, spec.lr, spec.steps
                )));
            }
            Some(trial) if trial.end.as_ref().is_some_and(is_over) => ready.push(trial.clone()),
            Some(trial) if followed && matches!(trial.end, Some(End::Failed { .. })) => given_up.push(trial.clone()),
            _ => wanted.push_back((id, spec)),
        }
    }
    Ok((ready, wanted, given_up))
}

#[cfg(test)]
mod tests;
