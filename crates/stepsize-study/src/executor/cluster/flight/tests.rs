#![allow(clippy::unwrap_used)]

use super::super::queue::{Caps, Queue};
use super::super::{Folder, On, Place};
use super::*;
use crate::Commands;
use crate::executor::log::meaning::MetricReader;
use crate::executor::{RateFrom, Template};
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use stepsize::{Lr, Schedule};

/// A cluster that takes every call; its logs never end.
struct Fake;
struct Endless;

impl Log for Endless {
    fn read(&mut self) -> Vec<u8> {
        Vec::new()
    }
    fn is_complete(&self) -> bool {
        false
    }
}

impl Queue for Fake {
    fn name(&self) -> &'static str {
        "fake"
    }
    fn probe(&self) -> Result<Caps, Trouble> {
        Err(Trouble::Absent(String::new()))
    }
    fn submit(&self, job: &Submission) -> Result<String, Trouble> {
        Ok(job.key.clone())
    }
    fn list(&self, _: &str) -> Result<Vec<JobEntry>, Trouble> {
        Ok(Vec::new())
    }
    fn cancel(&self, _: &str) -> Result<(), Trouble> {
        Ok(())
    }
    fn log(&self, _: &Submission) -> Box<dyn Log> {
        Box::new(Endless)
    }
    fn knows_ends(&self) -> bool {
        false
    }
    fn log_outlives_job(&self) -> bool {
        true
    }
    fn pace(&self) -> Duration {
        Duration::from_secs(1)
    }
}

fn handed(name: &str) -> (StudyPlan, Flight) {
    let words = ["train", "{lr}"].map(str::to_owned);
    let mut commands = Commands::new(Template::new(&words, RateFrom::Arguments).unwrap(), 5);
    commands.dir = std::env::temp_dir().join(format!("stepsize-flight-{}-{name}", std::process::id()));
    let folder = Folder::open(&commands.dir, None).unwrap();
    let plan = StudyPlan {
        on: On::new(Place::Slurm { partition: None }),
        queue: Box::new(Fake),
        cwd: commands.dir.clone(),
        reader: Arc::new(MetricReader::new(&commands.reading, Some(5)).unwrap()),
        proven: Arc::default(),
        pace: Duration::from_secs(1),
        notice: Arc::new(|_| ()),
        commands,
        folder,
    };
    let lr = Lr::new(0.5).unwrap();
    let spec = TrialSpec { lr, schedule: Schedule::constant(), steps: 5, seed: 0, stop_on_divergence: true };
    let attempt = plan.folder.new_attempt(TrialId(0)).unwrap();
    let (events, _) = sync_channel(64);
    let mut flight = plan.flight(TrialId(0), &spec, attempt, FlightState::Intent, events).unwrap();
    flight.state = FlightState::live();
    flight.begun = Some(Instant::now());
    (plan, flight)
}

/// Long ago: the machine runs for longer than that.
fn long_ago() -> Instant {
    Instant::now().checked_sub(DRAIN + Duration::from_secs(1)).unwrap()
}

#[test]
fn a_log_is_drained_from_the_end_of_its_job_however_long_ago_that_was_asked_for() {
    let (plan, mut flight) = handed("drain");
    flight.why = Some(Why::Asked);
    flight.state = FlightState::Live { unknown: 0, asked: Some(long_ago()) };
    flight.attempt.write("exit", "143\n").unwrap();
    assert!(matches!(flight.look(&plan), Ok(Fate::Stays)), "the log of an ended job was not waited for");
    flight.state = FlightState::Draining { exit: Exit::Signal(15), since: Some(long_ago()), over: false };
    assert!(matches!(flight.look(&plan), Ok(Fate::Ends(Exit::Signal(15)))), "a log without an end is waited for");
    std::fs::remove_dir_all(&plan.folder.dir).unwrap();
}

fn entry(flight: &Flight, state: JobStatus) -> JobEntry {
    JobEntry { key: flight.attempt.key.clone(), id: "7".into(), state }
}

#[test]
fn a_signal_that_nobody_here_sent_waits_for_the_word_of_the_cluster() {
    let (plan, mut flight) = handed("torn");
    flight.attempt.write("exit", "137\n").unwrap();
    assert!(matches!(flight.look(&plan), Ok(Fate::Stays)));
    assert!(matches!(flight.state, FlightState::Torn { .. }), "{:?}", flight.state);
    let lost = entry(&flight, JobStatus::Lost("its node failed".into()));
    flight.listed(Some(&lost), &plan);
    assert!(matches!(flight.look(&plan), Ok(Fate::Again(why)) if why == "its node failed"));
    // Nor is it asked when we sent the signal.
    flight.why = Some(Why::Asked);
    flight.state = FlightState::live();
    assert!(matches!(flight.look(&plan), Ok(Fate::Stays)));
    assert!(matches!(flight.state, FlightState::Draining { exit: Exit::Signal(9), .. }), "{:?}", flight.state);
    std::fs::remove_dir_all(&plan.folder.dir).unwrap();
}

#[test]
fn a_job_is_lost_when_two_lists_in_a_row_do_not_know_it() {
    let (plan, mut flight) = handed("unknown");
    let running = entry(&flight, JobStatus::Running);
    for listed in [None, Some(&running), None] {
        flight.listed(listed, &plan);
        assert!(matches!(flight.state, FlightState::Live { .. }), "{:?}", flight.state);
    }
    flight.listed(None, &plan);
    assert!(matches!(&flight.state, FlightState::Lost { why, .. } if why.contains("fake")), "{:?}", flight.state);
    std::fs::remove_dir_all(&plan.folder.dir).unwrap();
}
