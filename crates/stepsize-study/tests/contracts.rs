//! The contracts of `Store` and `Executor` (`stepsize_study::testing`) over what runs inside this
//! process. The executors of commands are in `executors.rs`.

#![allow(clippy::unwrap_used, clippy::panic)] // a test may fail loudly

mod commands;

use std::sync::Arc;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Engine, Event, Result};
use stepsize_study::testing::{executor, store};
use stepsize_study::{Executor, InProcess, Memory, Store, Studies};

fn in_process() -> Box<dyn Executor> {
    let engines = Arc::new(|_| Ok(Box::new(NoisyQuadratic::new()) as Box<dyn Engine>));
    Box::new(InProcess::new(2, engines).unwrap())
}

#[test]
fn threads_keep_the_contract_of_an_executor() {
    executor::every_trial_ends_once(&mut in_process);
    executor::a_trial_reports_in_order_and_finishes(&mut in_process);
    executor::a_cancelled_trial_ends(&mut in_process);
    executor::cancelling_an_ended_trial_does_nothing(&mut in_process);
    executor::waiting_ends_when_nothing_happens(&mut in_process);
}

#[test]
fn memory_keeps_the_contract_of_a_store() {
    let mut open = || Box::new(Memory::new()) as Box<dyn Store>;
    store::events_come_back_in_order(&mut open);
    store::deferred_events_are_synced_in_order(&mut open);
}

#[test]
fn a_file_keeps_the_contract_of_a_store() {
    let dir = commands::directory();
    for (name, check) in [
        ("order", store::events_come_back_in_order as fn(store::OpenStore<'_>)),
        ("noted", store::deferred_events_are_synced_in_order),
        ("again", store::a_store_opened_again_holds_every_event),
    ] {
        let open = || Studies::open(&dir.join("contract.db")).unwrap().study(name, &[], &dir).unwrap();
        check(&mut || Box::new(open()) as Box<dyn Store>);
    }
    std::fs::remove_dir_all(&dir).unwrap();
}

/// Keeps the newest event first.
#[derive(Default)]
struct Backwards(Vec<Event>);

impl Store for Backwards {
    fn append(&mut self, event: &Event) -> Result<()> {
        self.0.insert(0, event.clone());
        Ok(())
    }

    fn read(&self) -> Result<Vec<Event>> {
        Ok(self.0.clone())
    }
}

#[test]
#[should_panic(expected = "after event 1")]
fn the_contract_finds_a_store_that_loses_the_order() {
    store::events_come_back_in_order(&mut || Box::<Backwards>::default() as Box<dyn Store>);
}

#[test]
#[should_panic(expected = "of another trial")]
fn the_contract_finds_an_executor_that_names_another_trial() {
    struct Confused(Box<dyn Executor>);
    impl Executor for Confused {
        fn slots(&self) -> usize {
            1
        }
        fn submit(&mut self, trial: stepsize::TrialId, spec: &stepsize::TrialSpec) -> Result<()> {
            self.0.submit(stepsize::TrialId(trial.0 + 1), spec)
        }
        fn next(&mut self, wait: std::time::Duration) -> Result<Option<Event>> {
            self.0.next(wait)
        }
        fn cancel(&mut self, trial: stepsize::TrialId) -> Result<()> {
            self.0.cancel(trial)
        }
    }
    executor::every_trial_ends_once(&mut || Box::new(Confused(in_process())) as Box<dyn Executor>);
}
