//! Metric points stored per second, for `bench/store_speed`: `store MODE DIRECTORY SECONDS` prints
//! one number.
//!
//! `each`: every point is on the disk before the next one. `study`: as a study stores them, 100
//! points a trial, every decision committed with the points it rests on, every end of a trial on
//! the disk.

use std::path::Path;
use std::time::{Duration, Instant};
use stepsize::{End, Event, Job, Lr, Question, Result, Schedule, TrialId};
use stepsize_study::{Store, Studies};

/// Points of one trial.
const POINTS: u64 = 100;

fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [mode, directory, seconds] = words.as_slice() else {
        return Err(stepsize::Error::invalid("store each|study DIRECTORY SECONDS"));
    };
    let seconds: f64 =
        seconds.parse().map_err(|e| stepsize::Error::invalid(format!("SECONDS is not a number: {e}")))?;
    let each = mode == "each";
    let path = Path::new(directory);
    let mut store = Studies::open(&path.join("store.db"))?.study(mode, &[], path)?;
    let job = Job::new(POINTS, Schedule::cosine(POINTS)?, 0)?;
    let spec = job.trial(Lr::new(0.1)?, POINTS, 0)?;
    let question = Question::in_words(mode.clone(), "", job);
    store.append(&Event::Study { version: stepsize::VERSION, question })?;
    let begin = Instant::now();
    let limit = Duration::from_secs_f64(seconds);
    let mut points = 0;
    for trial in (0..).map(TrialId) {
        store.append(&Event::Started { trial, spec: spec.clone() })?;
        for step in 0..POINTS {
            store.append(&Event::Step { trial, step, lr: 0.1, loss: 1.0 / (step + 1) as f64 })?;
            if each {
                store.flush()?;
            }
            points += 1;
            if each && begin.elapsed() > limit {
                break;
            }
        }
        store.append(&Event::Ended { trial, end: End::Finished, steps: POINTS, seconds: None })?;
        if begin.elapsed() > limit {
            break;
        }
    }
    println!("{}", points as f64 / begin.elapsed().as_secs_f64());
    Ok(())
}
