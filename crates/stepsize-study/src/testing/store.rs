//! The contract of [`Store`].

use super::spec;
use crate::store::Store;
use stepsize::Job;
use stepsize::{End, Event, Question, Schedule, TrialId, VERSION};

/// Opens the store: an empty one at the first call, and the same one at later calls where it
/// outlives its object.
pub type OpenStore<'a> = &'a mut dyn FnMut() -> Box<dyn Store>;

/// A small study with an event of every kind that a trial has, among them a loss that is not a
/// number.
fn events() -> Vec<Event> {
    let (trial, job) = (TrialId(0), Job::new(10, Schedule::constant(), 3).unwrap());
    vec![
        Event::Study { version: VERSION, question: Question::in_words("find", "a test", job) },
        Event::Started { trial, spec: spec(0.1, 10) },
        Event::Submitted { trial, handle: "job 17".into() },
        Event::Eval { trial, step: 0, lr: 0.1, val_loss: 2.303_471_1, score: Some(0.1) },
        Event::Step { trial, step: 0, lr: 0.1, loss: 0.1 + 0.2 },
        Event::Step { trial, step: 1, lr: 0.1, loss: f64::NAN },
        Event::Ended {
            trial,
            end: End::Diverged { step: 1, why: "training loss NaN".into() },
            steps: 2,
            seconds: None,
        },
    ]
}

/// Events as text, because a loss that is not a number does not equal itself.
fn lines(events: &[Event]) -> Vec<String> {
    events.iter().map(Event::to_json).collect()
}

/// `read` gives every event that was appended, oldest first and number by number, at any time;
/// readings that still wait to be written are among them. Reading changes nothing.
pub fn events_come_back_in_order(open: OpenStore<'_>) {
    let (mut store, events) = (open(), events());
    for (i, event) in events.iter().enumerate() {
        assert_eq!(lines(&store.read().unwrap()), lines(&events[..i]), "before event {i}");
        store.append(event).unwrap();
        assert_eq!(lines(&store.read().unwrap()), lines(&events[..=i]), "after event {i}");
    }
    store.flush().unwrap();
    assert_eq!(lines(&store.read().unwrap()), lines(&events), "after a flush");
}

/// A deferred event is an event like any other, in its place.
pub fn deferred_events_are_synced_in_order(open: OpenStore<'_>) {
    let (mut store, events) = (open(), events());
    for event in &events {
        match event {
            Event::Ended { .. } => store.append_deferred(event).unwrap(),
            _ => store.append(event).unwrap(),
        }
    }
    store.sync().unwrap();
    store.sync().unwrap();
    assert_eq!(lines(&store.read().unwrap()), lines(&events));
}

/// A store that was dropped and opened again holds every event. Only for stores that outlive their
/// object.
pub fn a_store_opened_again_holds_every_event(open: OpenStore<'_>) {
    let events = events();
    let (first, rest) = events.split_at(4);
    for part in [first, rest] {
        let mut store = open();
        for event in part {
            store.append(event).unwrap();
        }
        store.flush().unwrap();
    }
    assert_eq!(lines(&open().read().unwrap()), lines(&events));
}
