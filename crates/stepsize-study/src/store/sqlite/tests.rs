#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use super::*;
use crate::store::Memory;
use std::path::Path;
use stepsize::{End, Job, Lr, Question, Schedule, TrialId, TrialSpec};

/// A directory of its own, taken away at the end.
struct TempDir(PathBuf);

impl TempDir {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("stepsize-store-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn file(&self) -> PathBuf {
        self.0.join("studies.db")
    }

    fn study(&self, name: &str) -> Result<Sqlite> {
        Studies::open(&self.file())?.study(name, &["find".into()], Path::new("here"))
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn job() -> Job {
    Job::new(10, Schedule::cosine(10).unwrap(), u64::MAX).unwrap()
}

fn spec() -> TrialSpec {
    job().trial(Lr::new(0.1).unwrap(), 10, u64::MAX).unwrap()
}

fn asked() -> Event {
    Event::Study { version: 1, question: Question::in_words("find", "\"quoted\" and \u{1f600}", job()) }
}

fn step(trial: u32, step: u64, loss: f64) -> Event {
    Event::Step { trial: TrialId(trial), step, lr: 0.1 + 0.2, loss }
}

fn ended(trial: u32) -> Event {
    Event::Ended { trial: TrialId(trial), end: End::Finished, steps: 10, seconds: Some(0.1 + 0.2) }
}

/// One event of every kind, and numbers that are hard to keep.
fn all() -> Vec<Event> {
    let trial = TrialId(0);
    vec![
        asked(),
        Event::Started { trial, spec: spec() },
        Event::Submitted { trial, handle: "pid=1 start=2 boot=x".into() },
        Event::Eval { trial, step: 0, lr: 0.0, val_loss: 1.0 / 3.0, score: None },
        step(0, 0, f64::MIN_POSITIVE),
        step(0, 1, 1e308),
        step(0, i64::MAX as u64, -0.1),
        Event::Eval { trial, step: 10, lr: 1e-300, val_loss: 5e-324, score: Some(0.1) },
        ended(0),
    ]
}

fn fill(store: &mut dyn Store, events: &[Event]) -> Result<()> {
    events.iter().try_for_each(|event| store.append(event))
}

#[test]
fn every_event_comes_back_as_it_went() {
    let place = TempDir::new("events");
    let mut memory = Memory::new();
    fill(&mut memory, &all()).unwrap();
    let mut store = place.study("x").unwrap();
    fill(&mut store, &all()).unwrap();
    assert_eq!(store.read().unwrap(), memory.read().unwrap());
    drop(store);
    assert_eq!(place.study("x").unwrap().read().unwrap(), memory.read().unwrap());
    assert_eq!(Studies::look(&place.file()).unwrap().events("x").unwrap(), memory.read().unwrap());
}

#[test]
fn a_loss_that_is_no_number_comes_back_as_none() {
    let place = TempDir::new("nan");
    let mut store = place.study("x").unwrap();
    fill(&mut store, &[asked(), step(0, 0, f64::NAN), step(0, 1, f64::INFINITY), ended(0)]).unwrap();
    let losses = |events: Vec<Event>| -> Vec<bool> {
        let loss = |e: &Event| if let Event::Step { loss, .. } = e { Some(loss.is_nan()) } else { None };
        events.iter().filter_map(loss).collect()
    };
    assert_eq!(losses(Studies::look(&place.file()).unwrap().events("x").unwrap()), [true, true]);
}

#[test]
fn readings_wait_for_each_other_and_are_there_before_what_rests_on_them() {
    let place = TempDir::new("wait");
    let mut store = place.study("x").unwrap();
    let seen = || Studies::look(&place.file()).unwrap().events("x").unwrap().len();
    fill(&mut store, &[asked()]).unwrap();
    assert_eq!(seen(), 1);
    store.append(&step(0, 0, 1.0)).unwrap();
    assert_eq!((store.read().unwrap().len(), seen()), (2, 1));
    store.flush().unwrap();
    assert_eq!(seen(), 2);
    fill(&mut store, &[step(0, 1, 1.0), ended(0)]).unwrap();
    assert_eq!(seen(), 4);
    // A deferred end is seen by others at once, and syncing it adds nothing.
    fill(&mut store, &[step(1, 0, 1.0)]).unwrap();
    store.append_deferred(&ended(1)).unwrap();
    assert_eq!(seen(), 6);
    for _ in 0..2 {
        store.sync().unwrap();
    }
    assert_eq!((store.read().unwrap().len(), seen()), (6, 6));
    store.append(&step(1, 0, 1.0)).unwrap();
    std::thread::sleep(LATEST);
    store.append(&step(1, 1, 1.0)).unwrap();
    assert_eq!(seen(), 8);
}

#[test]
fn a_study_has_one_holder_and_a_dropped_one_leaves_nothing() {
    let place = TempDir::new("lock");
    let held = place.study("x").unwrap();
    let fault = place.study("x").unwrap_err().to_string();
    assert!(fault.contains(&format!("in use by process {}", std::process::id())), "{fault}");
    assert!(place.study("y").is_ok());
    let fault = Studies::open(&place.file()).unwrap().remove("x").unwrap_err().to_string();
    assert!(fault.contains("in use"), "{fault}");
    drop(held);
    let names: Vec<_> = std::fs::read_dir(&place.0).unwrap().map(|f| f.unwrap().file_name()).collect();
    assert_eq!(names, ["studies.db"]);
    // What a kill leaves: the file without its lock.
    std::fs::write(place.0.join("studies.db-1.lock"), "process 1").unwrap();
    assert_eq!(Studies::look(&place.file()).unwrap().list().unwrap()[0].state, StudyStatus::Unfinished);
    assert!(place.study("x").is_ok());
}

#[test]
fn of_many_that_want_one_study_at_once_each_holds_it_alone() {
    let place = TempDir::new("race");
    let holders = std::sync::atomic::AtomicUsize::new(0);
    let turns: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let mut turns = 0;
                    for _ in 0..40 {
                        if let Ok(mut study) = place.study("x") {
                            assert_eq!(holders.fetch_add(1, std::sync::atomic::Ordering::SeqCst), 0);
                            study.append(&asked()).unwrap();
                            holders.fetch_sub(1, std::sync::atomic::Ordering::SeqCst);
                            turns += 1;
                        }
                    }
                    turns
                })
            })
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).sum()
    });
    assert!(turns > 0);
    assert_eq!(Studies::look(&place.file()).unwrap().events("x").unwrap().len(), turns);
}

#[test]
fn a_removed_study_is_gone_and_its_name_is_free() {
    let place = TempDir::new("rm");
    fill(&mut place.study("x").unwrap(), &all()).unwrap();
    fill(&mut place.study("y").unwrap(), &all()[..3]).unwrap();
    Studies::open(&place.file()).unwrap().remove("x").unwrap();
    let studies = Studies::look(&place.file()).unwrap();
    assert_eq!(studies.list().unwrap().len(), 1);
    assert_eq!(studies.events("y").unwrap().len(), 3);
    assert!(studies.events("x").unwrap_err().to_string().contains("it holds y"));
    assert_eq!(place.study("x").unwrap().read().unwrap(), []);
    for name in ["", " ", "a\nb"] {
        assert!(place.study(name).unwrap_err().to_string().contains("needs a name"), "{name:?}");
    }
}

#[test]
fn the_command_that_began_a_study_is_kept() {
    let place = TempDir::new("command");
    let words = ["find".to_owned(), "--schedule".to_owned(), "warmup(10%) then \"cosine\"".to_owned()];
    for command in [&words[..], &["resume".to_owned()]] {
        drop(Studies::open(&place.file()).unwrap().study("x", command, Path::new("a b")).unwrap());
    }
    assert_eq!(Studies::look(&place.file()).unwrap().command("x").unwrap(), (words.to_vec(), PathBuf::from("a b")));
}

#[test]
fn a_newer_a_foreign_and_a_broken_file_are_refused_and_kept() {
    let place = TempDir::new("schema");
    let refused = |what: &str| {
        let before = std::fs::read(place.file()).unwrap();
        let faults = [place.study("x").unwrap_err(), Studies::look(&place.file()).unwrap_err()];
        assert!(faults.iter().all(|f| f.to_string().contains(what)), "{what}: {faults:?}");
        assert_eq!(std::fs::read(place.file()).unwrap(), before);
        std::fs::remove_file(place.file()).unwrap();
    };
    fill(&mut place.study("x").unwrap(), &all()).unwrap();
    Connection::open(place.file()).unwrap().pragma_update(None, "user_version", 7).unwrap();
    refused("newer Stepsize (schema 7, this one knows up to 2)");
    Connection::open(place.file()).unwrap().execute_batch("CREATE TABLE trials (id)").unwrap();
    refused("of another program");
    std::fs::write(place.file(), "no database\n".repeat(500)).unwrap();
    refused("it is not a SQLite file");
}

#[test]
fn processes_that_make_the_file_at_the_same_time_all_find_it_good() {
    let place = TempDir::new("together");
    for round in 0..100 {
        let file = place.0.join(format!("{round}.db"));
        let begin = std::sync::Barrier::new(4);
        std::thread::scope(|scope| {
            for name in ["a", "b"] {
                let (file, begin) = (&file, &begin);
                scope.spawn(move || {
                    begin.wait();
                    let mut store =
                        Studies::open(file).unwrap().study(name, &["find".into()], Path::new("here")).unwrap();
                    fill(&mut store, &[asked()]).unwrap();
                });
                scope.spawn(move || {
                    begin.wait();
                    for _ in 0..20 {
                        match Studies::look(file).and_then(|studies| studies.events(name)) {
                            Ok(_) => return,
                            Err(e) => assert!(e.to_string().contains("there is no"), "{e}"),
                        }
                    }
                });
            }
        });
    }
}

#[test]
fn a_full_disk_is_a_fault_that_keeps_what_was_there() {
    let place = TempDir::new("full");
    let mut store = place.study("x").unwrap();
    fill(&mut store, &all()).unwrap();
    // SQLite's own bound on the size of the file reports what a full disk does.
    store.db.pragma_update(None, "max_page_count", 12).unwrap();
    let mut before = store.read().unwrap();
    let fault = (1..1000).find_map(|trial| {
        let events: Vec<Event> = (0..200).map(|i| step(trial, i, 1.0)).chain([ended(trial)]).collect();
        let result = fill(&mut store, &events);
        if result.is_ok() {
            before.extend(events);
        }
        result.err()
    });
    let fault = fault.unwrap();
    assert!(fault.is_io() && fault.path() == Some(&place.file()), "{fault:?}");
    let fault = fault.to_string();
    assert!(fault.contains("the disk is full") && fault.contains("make room"), "{fault}");
    drop(store);
    let mut store = place.study("x").unwrap();
    assert_eq!(store.read().unwrap(), before);
    fill(&mut store, &all()).unwrap();
    assert_eq!(store.read().unwrap().len(), before.len() + all().len());
}

#[test]
fn a_clock_that_jumps_changes_no_order_and_no_decision() {
    let place = TempDir::new("clock");
    fill(&mut place.study("x").unwrap(), &all()).unwrap();
    let jump = "UPDATE event SET at = CASE seq % 3 WHEN 0 THEN -1e10 WHEN 1 THEN 4e9 ELSE 0 END";
    Connection::open(place.file()).unwrap().execute_batch(jump).unwrap();
    let mut store = place.study("x").unwrap();
    assert_eq!(store.read().unwrap(), all());
    fill(&mut store, &[step(0, 3, 1.0), ended(1)]).unwrap();
    assert_eq!(store.read().unwrap()[all().len()..], [step(0, 3, 1.0), ended(1)]);
    drop(store);
    assert_eq!(Studies::look(&place.file()).unwrap().list().unwrap()[0].state, StudyStatus::Unfinished);
}

#[test]
fn a_directory_that_cannot_be_written_is_a_fault_that_names_it() {
    let place = TempDir::new("unwritable");
    let file = place.0.join("no/such/studies.db");
    let fault = Studies::open(&file).unwrap_err();
    assert!(fault.is_io() && fault.path() == Some(&file), "{fault:?}");
    let fault = fault.to_string();
    assert!(fault.contains("its directory must be there") && fault.contains("no/such"), "{fault}");
    assert!(Studies::look(&file).unwrap_err().to_string().contains("there is no study file"));
    // Nobody may make files in /proc, not even root.
    #[cfg(target_os = "linux")]
    assert!(Studies::open(Path::new("/proc/studies.db")).unwrap_err().to_string().contains("allowed to write"));
}
