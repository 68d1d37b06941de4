#![allow(clippy::unwrap_used)]

use super::*;
use crate::{InProcess, Memory};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stepsize::probe::Race;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Engine, FindProbe, Job, Policy, Schedule, evaluation_steps};

fn question() -> Question {
    let job = Job::new(400, Schedule::parse("cosine", 400).unwrap(), 0).unwrap();
    Question::in_words("find", "a quadratic", job)
}

fn run(study: &mut Study, most: usize) -> usize {
    let mut trials = 0;
    while trials < most
        && let Next::Run(trial, spec) = study.ask().unwrap()
    {
        trials += 1;
        let mut engine = NoisyQuadratic::new().with_reading_noise(0.01, spec.seed);
        let mut policy = Policy::new(spec.lr, spec.schedule.clone());
        let evals = evaluation_steps(spec.steps, 8);
        stepsize::train(
            &mut engine,
            trial,
            &spec,
            &mut policy,
            &evals,
            &mut |event| match study.tell(&event).unwrap() {
                Some(end) => std::ops::ControlFlow::Break(end),
                None => std::ops::ControlFlow::Continue(()),
            },
        )
        .unwrap();
    }
    trials
}

#[test]
fn asked_and_told_it_answers_as_with_an_executor() {
    let question = question();
    let race = Race::new(question.job.clone());
    let mut study = Study::open(&question, Box::new(race.clone()), Box::<Memory>::default()).unwrap();
    assert!(run(&mut study, usize::MAX) > 3);
    let told = study.conclude().unwrap();
    let engines =
        Arc::new(|seed| Ok(Box::new(NoisyQuadratic::new().with_reading_noise(0.01, seed)) as Box<dyn Engine>));
    let mut pool = InProcess::new(2, engines).unwrap();
    let study = Study::open(&question, Box::new(race), Box::<Memory>::default()).unwrap();
    let ran = study.run(&mut pool, &AtomicBool::new(false), &mut |_| {}).unwrap();
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
        Study::open(&question, race, Box::new(Shared(Arc::clone(&memory)))).unwrap()
    };
    let mut first = open();
    assert_eq!(run(&mut first, 4), 4);
    let cut = first.conclude().unwrap();
    assert!(cut.interrupted);
    let rest = run(&mut open(), usize::MAX);
    let race = Box::new(Race::new(question.job.clone()));
    let whole = run(&mut Study::open(&question, race, Box::<Memory>::default()).unwrap(), usize::MAX);
    assert_eq!(rest + 4, whole);
}

#[test]
fn a_store_of_another_question_is_refused() {
    let mut store = Memory::new();
    let job = Job::new(800, Schedule::parse("cosine", 800).unwrap(), 0).unwrap();
    store.append(&Event::Study { version: VERSION, question: Question { job, ..question() } }).unwrap();
    let refused = Study::open(&question(), Box::new(Race::new(question().job)), Box::new(store)).err().unwrap();
    assert!(refused.is_state() && refused.to_string().contains("steps: 800"), "{refused}");
}

#[test]
fn a_batch_waits_for_its_last_trial_and_an_exploded_trial_is_over() {
    let mut study = Study::open(&question(), Box::new(Race::new(question().job)), Box::<Memory>::default()).unwrap();
    let mut running = Vec::new();
    while let Next::Run(trial, _) = study.ask().unwrap() {
        running.push(trial);
    }
    assert_eq!(study.ask().unwrap(), Next::Wait);
    for trial in running {
        let end = study.tell(&Event::Step { trial, step: 0, lr: 1.0, loss: f64::NAN }).unwrap();
        assert!(matches!(end, Some(End::Diverged { step: 0, .. })), "{end:?}");
        assert_eq!(study.tell(&Event::Step { trial, step: 1, lr: 1.0, loss: 1.0 }).unwrap(), Some(End::Stopped));
    }
    assert!(matches!(study.ask().unwrap(), Next::Run(..)));
}

#[test]
fn a_budget_that_limits_leave_is_kept_to_and_recorded_for_replay() {
    let kind = QuestionKind::Find { probe: FindProbe::Race, start: None, budget: None, low: None, high: None };
    let question = Question { kind, ..question() };
    let engines =
        Arc::new(|seed| Ok(Box::new(NoisyQuadratic::new().with_reading_noise(0.01, seed)) as Box<dyn Engine>));
    let search = |bound: Option<f64>| {
        let mut pool = InProcess::new(1, engines.clone()).unwrap();
        let mut study = Study::open(&question, question.probe().unwrap(), Box::<Memory>::default()).unwrap();
        if let Some(runs) = bound {
            let mut left = Some(runs);
            study = study.with_bound(move |done| if done.is_empty() { None } else { left.take() });
        }
        let mut events = Vec::new();
        let found = study.run(&mut pool, &AtomicBool::new(false), &mut |event| events.push(event.clone())).unwrap();
        (found.trials.iter().map(|t| t.steps_run).sum::<u64>() as f64 / 400.0, found, events)
    };
    let (cost, found, events) = search(Some(0.4));
    assert!(cost <= 0.4 && cost < search(None).0, "{cost}");
    assert!(!found.interrupted && events.iter().any(|e| matches!(e, Event::Asked { planned: 1.., .. })));
    // What was recorded is a search that has ended, of the same answer, without the limit.
    let mut memory = Memory::new();
    let before = events.split(|e| matches!(e, Event::Concluded { .. })).next().unwrap();
    before.iter().for_each(|event| memory.append(event).unwrap());
    let mut again = Study::open(&question, question.probe().unwrap(), Box::new(memory)).unwrap();
    assert_eq!(again.ask().unwrap(), Next::Over);
    assert_eq!(again.conclude().unwrap().estimate.answer, found.estimate.answer);
    // A budget that is too small for any search changes nothing.
    assert!((search(Some(0.001)).0 - search(None).0).abs() < 1e-9);
}
