//! [`Session`]: a study whose trials are run by the caller, who asks for specs and tells events.
//!
//! [`crate::study`] pulls events out of an executor; here they are pushed in, by a training loop that keeps its own
//! thread (Python, a notebook). Order, numbering, replay and what counts as evidence are the same: a batch is asked for
//! when the one before it has ended, and a pruner sees settled batches only.

use crate::store::Store;
use crate::study::{Question, StudyResult, Wanted, numbered, replay};
use std::collections::BTreeMap;
use stepsize::divergence::explosion;
use stepsize::{End, Error, Event, Probe, Result, Trial, TrialId, TrialSpec, VERSION, fold, fold_one};

/// What to do next.
#[derive(Debug, Clone, PartialEq)]
pub enum Next {
    /// Run this trial.
    Run(TrialId, TrialSpec),
    /// Nothing until one of the running trials has ended.
    Wait,
    /// Nothing more is worth its cost.
    Over,
}

/// A study under way.
pub struct Session {
    probe: Box<dyn Probe>,
    store: Box<dyn Store + Send>,
    known: BTreeMap<TrialId, Trial>,
    done: Vec<Trial>,
    wanted: Wanted,
    live: BTreeMap<TrialId, Trial>,
    ended: Vec<Trial>,
    over: bool,
}

impl Session {
    /// A study of `question`, with what `store` already holds of it.
    ///
    /// # Errors
    /// When the store cannot be read or written, or belongs to another question.
    pub fn new(question: &Question, probe: Box<dyn Probe>, mut store: Box<dyn Store + Send>) -> Result<Self> {
        let recorded = store.read()?;
        if let Some(first) = recorded.first() {
            question.check(first)?;
        } else {
            let Question { text, task, job } = question.clone();
            store.append(&Event::Study { version: VERSION, question: text, task, job })?;
        }
        let known = fold(&recorded);
        let (done, live, ended) = (Vec::new(), BTreeMap::new(), Vec::new());
        Ok(Self { probe, store, known, done, wanted: Wanted::new(), live, ended, over: false })
    }

    /// The next trial. A trial of the store that has ended is not run again.
    ///
    /// # Errors
    /// When the probe or the store fails, or the store belongs to another question.
    pub fn ask(&mut self) -> Result<Next> {
        loop {
            if let Some((trial, spec)) = self.wanted.pop_front() {
                self.record(&Event::Started { trial, spec: spec.clone() })?;
                return Ok(Next::Run(trial, spec));
            }
            if !self.live.is_empty() {
                return Ok(Next::Wait);
            }
            self.done.append(&mut self.ended);
            self.done.sort_by_key(|t| t.id);
            let specs = if self.over { Vec::new() } else { self.probe.ask(&self.done)? };
            self.over = specs.is_empty();
            if self.over {
                return Ok(Next::Over);
            }
            (self.ended, self.wanted) = replay(&self.known, numbered(&self.done, specs))?;
        }
    }

    /// Takes in a step, an evaluation or the end of a running trial. Gives the trial's end when it is over: as told, or
    /// because it exploded or can no longer be the answer. What is told of a trial that is over is passed over.
    ///
    /// # Errors
    /// When the store fails, or the event is no event of a trial.
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
        self.record(event)?;
        if let Some(end) = self.judge(id) {
            let steps = self.live.get(&id).map_or(0, |t| t.steps_run);
            self.record(&Event::Ended { trial: id, end, steps, seconds: None })?;
        }
        let end = self.live.get(&id).and_then(|t| t.end.clone());
        if let Some(end) = &end
            && let Some(trial) = self.live.remove(&id)
        {
            match end {
                // No evidence: it is handed out again.
                End::Stopped | End::Failed { .. } => self.wanted.push_front((id, trial.spec)),
                End::Finished | End::Diverged { .. } | End::Pruned { .. } => self.ended.push(trial),
            }
        }
        Ok(end)
    }

    /// The conclusion from what has ended so far.
    ///
    /// # Errors
    /// When the probe or the store fails.
    pub fn conclude(&mut self) -> Result<StudyResult> {
        self.done.append(&mut self.ended);
        self.done.sort_by_key(|t| t.id);
        let estimate = self.probe.estimate(&self.done)?;
        let last = Event::Concluded { estimate: estimate.clone() };
        if self.store.read()?.last() != Some(&last) {
            self.store.append(&last)?;
        }
        Ok(StudyResult { estimate, trials: self.done.clone(), interrupted: !self.over })
    }

    /// To be called in a child that was forked while this process held the study: see [`Store::forked`].
    pub fn forked(&mut self) {
        self.store.forked();
    }

    fn judge(&self, id: TrialId) -> Option<End> {
        let live = self.live.get(&id).filter(|t| t.end.is_none())?;
        if live.spec.stop_on_divergence
            && let Some(why) = explosion(live)
        {
            return Some(End::Diverged { step: live.steps_run.saturating_sub(1), why });
        }
        self.probe.pruner().and_then(|p| p.judge(live, &self.done)).map(|why| End::Pruned { why })
    }

    fn record(&mut self, event: &Event) -> Result<()> {
        self.store.append(event)?;
        fold_one(&mut self.live, event);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{InProcess, Memory, study};
    use std::sync::Arc;
    use std::sync::atomic::AtomicBool;
    use stepsize::probe::Race;
    use stepsize::quadratic::NoisyQuadratic;
    use stepsize::{Engine, Job, Policy, Schedule, evaluation_steps};

    fn question() -> Question {
        let job = Job::new(400, Schedule::parse("cosine", 400).unwrap(), 0).unwrap();
        Question { text: "find".into(), task: "a quadratic".into(), job }
    }

    fn run(session: &mut Session, most: usize) -> usize {
        let mut trials = 0;
        while trials < most
            && let Next::Run(trial, spec) = session.ask().unwrap()
        {
            trials += 1;
            let mut engine = NoisyQuadratic::new().with_reading_noise(0.01, spec.seed);
            let mut policy = Policy::new(spec.lr, spec.schedule.clone());
            let evals = evaluation_steps(spec.steps, 8);
            stepsize::train(&mut engine, trial, &spec, &mut policy, &evals, &mut |event| match session
                .tell(&event)
                .unwrap()
            {
                Some(end) => std::ops::ControlFlow::Break(end),
                None => std::ops::ControlFlow::Continue(()),
            })
            .unwrap();
        }
        trials
    }

    #[test]
    fn asked_and_told_it_answers_as_the_study_loop() {
        let question = question();
        let race = Race::new(question.job.clone());
        let mut session = Session::new(&question, Box::new(race.clone()), Box::<Memory>::default()).unwrap();
        assert!(run(&mut session, usize::MAX) > 3);
        let told = session.conclude().unwrap();
        let engines =
            Arc::new(|seed| Ok(Box::new(NoisyQuadratic::new().with_reading_noise(0.01, seed)) as Box<dyn Engine>));
        let mut pool = InProcess::new(2, engines).unwrap();
        let (mut store, stop) = (Memory::new(), AtomicBool::new(false));
        let ran = study(&question, &race, race.pruner(), &mut pool, &mut store, &stop, &mut |_| {}).unwrap();
        assert_eq!(told.estimate.answer, ran.estimate.answer);
        assert_eq!(told.trials.len(), ran.trials.len());
        assert!(!told.interrupted && told.estimate.lr().is_some());
    }

    #[test]
    fn what_was_recorded_is_not_run_again() {
        struct Shared(Arc<std::sync::Mutex<Memory>>);
        impl Store for Shared {
            fn append(&mut self, event: &Event) -> Result<()> {
                self.0.lock().unwrap().append(event)
            }
            fn read(&self) -> Result<Vec<Event>> {
                self.0.lock().unwrap().read()
            }
        }
        let (question, memory) = (question(), Arc::new(std::sync::Mutex::new(Memory::new())));
        let open = || {
            let race = Box::new(Race::new(question.job.clone()));
            Session::new(&question, race, Box::new(Shared(Arc::clone(&memory)))).unwrap()
        };
        let mut first = open();
        assert_eq!(run(&mut first, 4), 4);
        let cut = first.conclude().unwrap();
        assert!(cut.interrupted);
        let rest = run(&mut open(), usize::MAX);
        let race = Box::new(Race::new(question.job.clone()));
        let whole = run(&mut Session::new(&question, race, Box::<Memory>::default()).unwrap(), usize::MAX);
        assert_eq!(rest + 4, whole);
    }

    #[test]
    fn a_store_of_another_question_is_refused() {
        let mut store = Memory::new();
        let Question { text, task, .. } = question();
        let job = Job::new(800, Schedule::parse("cosine", 800).unwrap(), 0).unwrap();
        store.append(&Event::Study { version: VERSION, question: text, task, job }).unwrap();
        let refused = Session::new(&question(), Box::new(Race::new(question().job)), Box::new(store)).err().unwrap();
        assert!(refused.is_state() && refused.to_string().contains("steps: 800"), "{refused}");
    }

    #[test]
    fn a_batch_waits_for_its_last_trial_and_an_exploded_trial_is_over() {
        let mut session =
            Session::new(&question(), Box::new(Race::new(question().job)), Box::<Memory>::default()).unwrap();
        let mut running = Vec::new();
        while let Next::Run(trial, _) = session.ask().unwrap() {
            running.push(trial);
        }
        assert_eq!(session.ask().unwrap(), Next::Wait);
        for trial in running {
            let end = session.tell(&Event::Step { trial, step: 0, lr: 1.0, loss: f64::NAN }).unwrap();
            assert!(matches!(end, Some(End::Diverged { step: 0, .. })), "{end:?}");
            assert_eq!(session.tell(&Event::Step { trial, step: 1, lr: 1.0, loss: 1.0 }).unwrap(), Some(End::Stopped));
        }
        assert!(matches!(session.ask().unwrap(), Next::Run(..)));
    }
}
