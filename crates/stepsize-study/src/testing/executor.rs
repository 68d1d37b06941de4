//! The contract of [`Executor`].

use super::spec;
use crate::executor::Executor;
use std::time::{Duration, Instant};
use stepsize::{End, Event, TrialId};

/// Makes a fresh executor whose trials take the steps that they are asked for and report a loss.
pub type FreshExecutor<'a> = &'a mut dyn FnMut() -> Box<dyn Executor>;

/// Steps of a trial that ends soon, and of one that runs until it is cancelled.
const SHORT: u64 = 5;
const LONG: u64 = 1 << 40;
/// How long a check waits for an end before it fails: a cluster may need most of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// The trial that an event belongs to.
fn trial_of(event: &Event) -> Option<TrialId> {
    match event {
        Event::Started { trial, .. }
        | Event::Submitted { trial, .. }
        | Event::Step { trial, .. }
        | Event::Eval { trial, .. }
        | Event::Acted { trial, .. }
        | Event::Ended { trial, .. } => Some(*trial),
        Event::Study { .. } | Event::Asked { .. } | Event::Concluded { .. } => None,
    }
}

/// Events until `ends` trials have ended.
fn until_ended(executor: &mut dyn Executor, ends: usize) -> Vec<Event> {
    let (begin, mut events, mut ended) = (Instant::now(), Vec::new(), 0);
    while ended < ends {
        assert!(begin.elapsed() < PATIENCE, "{ended} of {ends} trials ended in {PATIENCE:?}: {events:?}");
        if let Some(event) = executor.next(Duration::from_millis(50)).unwrap() {
            ended += usize::from(matches!(event, Event::Ended { .. }));
            events.push(event);
        }
    }
    events
}

/// As many trials as there are slots, at least one, run at once; each ends exactly once, after all
/// its other events, and no event names another trial or none.
pub fn every_trial_ends_once(fresh: FreshExecutor<'_>) {
    let mut executor = fresh();
    let slots = executor.slots();
    assert!(slots > 0, "an executor without a slot runs nothing");
    for i in 0..slots.min(4) {
        executor.submit(TrialId(i as u32), &spec(0.25, SHORT)).unwrap();
    }
    let submitted = slots.min(4);
    let mut events = until_ended(executor.as_mut(), submitted);
    // An event that comes after the end would be lost: the study no longer listens.
    while let Some(event) = executor.next(Duration::from_millis(50)).unwrap() {
        events.push(event);
    }
    let own = |event: &Event| trial_of(event).is_some_and(|t| (t.0 as usize) < submitted);
    assert!(events.iter().all(own), "an event of another trial: {events:?}");
    for trial in (0..submitted as u32).map(TrialId) {
        let own: Vec<&Event> = events.iter().filter(|e| trial_of(e) == Some(trial)).collect();
        let ends = own.iter().filter(|e| matches!(e, Event::Ended { .. })).count();
        assert!(ends == 1 && matches!(own.last(), Some(Event::Ended { .. })), "trial {trial}: {own:?}");
    }
}

/// A trial that trains finishes, its steps and evaluations come in order, and one of them has a
/// loss.
pub fn a_trial_reports_in_order_and_finishes(fresh: FreshExecutor<'_>) {
    let mut executor = fresh();
    executor.submit(TrialId(0), &spec(0.25, SHORT)).unwrap();
    let events = until_ended(executor.as_mut(), 1);
    assert!(matches!(events.last(), Some(Event::Ended { end: End::Finished, .. })), "{events:?}");
    let of = |event: &Event| match event {
        Event::Step { step, loss, .. } => Some((step + 1, *loss)),
        Event::Eval { step, val_loss, .. } => Some((*step, *val_loss)),
        _ => None,
    };
    let readings: Vec<(u64, f64)> = events.iter().filter_map(of).collect();
    assert!(readings.iter().any(|r| r.1.is_finite()), "no loss: {events:?}");
    assert!(readings.is_sorted_by_key(|r| r.0) && readings.iter().all(|r| r.0 <= SHORT), "{readings:?}");
}

/// A cancelled trial ends, as stopped. Only for executors whose trials can run for ever.
pub fn a_cancelled_trial_ends(fresh: FreshExecutor<'_>) {
    let mut executor = fresh();
    executor.submit(TrialId(0), &spec(0.25, LONG)).unwrap();
    executor.cancel(TrialId(0)).unwrap();
    let events = until_ended(executor.as_mut(), 1);
    assert!(matches!(events.last(), Some(Event::Ended { end: End::Stopped, .. })), "{:?}", events.last());
}

/// Cancelling a trial that has ended, or that never was, is not an error and gives no event.
pub fn cancelling_an_ended_trial_does_nothing(fresh: FreshExecutor<'_>) {
    let mut executor = fresh();
    executor.submit(TrialId(0), &spec(0.25, SHORT)).unwrap();
    until_ended(executor.as_mut(), 1);
    executor.cancel(TrialId(0)).unwrap();
    executor.cancel(TrialId(7)).unwrap();
    assert_eq!(executor.next(Duration::from_millis(50)).unwrap(), None);
}

/// `next` returns `None` when its time has passed and nothing happened; the study looks at its stop
/// flag then.
pub fn waiting_ends_when_nothing_happens(fresh: FreshExecutor<'_>) {
    let mut executor = fresh();
    let begin = Instant::now();
    assert_eq!(executor.next(Duration::from_millis(50)).unwrap(), None);
    assert!(begin.elapsed() < Duration::from_secs(10), "waited {:?} for 50 ms", begin.elapsed());
}
