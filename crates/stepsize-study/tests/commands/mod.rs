//! Helpers: commands as small shell scripts, and a look at processes.
#![allow(dead_code)] // each test file takes what it needs

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use stepsize::{End, Event, Lr, Schedule, TrialId, TrialSpec};
use stepsize_study::executor::{RateFrom, Template};
use stepsize_study::{Commands, Executor, Local};

pub fn of(words: &[&str]) -> Commands {
    let words: Vec<String> = words.iter().map(|w| (*w).to_owned()).collect();
    Commands::new(Template::new(&words, RateFrom::Environment).unwrap(), 5)
}

/// A shell script as a command; `{steps}` is among its arguments.
pub fn sh(script: &str) -> Commands {
    of(&["sh", "-c", script, "sh", if script.contains("while :; do i=") { "" } else { "{steps}" }])
}

pub fn spec(lr: f64, steps: u64) -> TrialSpec {
    TrialSpec { lr: Lr::new(lr).unwrap(), schedule: Schedule::constant(), steps, seed: 3, stop_on_divergence: true }
}

/// The events of one trial, to its end.
pub fn run(commands: Commands, steps: u64) -> Vec<Event> {
    let mut local = Local::new(commands).unwrap();
    local.submit(TrialId(0), &spec(0.25, steps)).unwrap();
    until(&mut local, 1)
}

/// Events until so many trials have ended.
pub fn until(local: &mut dyn Executor, mut ends: usize) -> Vec<Event> {
    let mut events = Vec::new();
    while ends > 0 {
        if let Some(event) = local.next(Duration::from_secs(1)).unwrap() {
            ends -= usize::from(matches!(event, Event::Ended { .. }));
            events.push(event);
        }
    }
    events
}

pub fn end_of(events: &[Event]) -> End {
    match events.last() {
        Some(Event::Ended { end, .. }) => end.clone(),
        other => panic!("{other:?}"),
    }
}

pub fn evals(events: &[Event]) -> Vec<(u64, f64)> {
    let eval = |e: &Event| match e {
        Event::Eval { step, val_loss, .. } => Some((*step, *val_loss)),
        _ => None,
    };
    events.iter().filter_map(eval).collect()
}

/// A new directory.
pub fn directory() -> PathBuf {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let name = format!("stepsize-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
    let dir = std::env::temp_dir().join(name);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}

/// The first line of a file, once it is there and complete.
pub fn text(path: &Path) -> String {
    loop {
        match std::fs::read_to_string(path) {
            Ok(text) if text.ends_with('\n') => return text.trim().to_owned(),
            _ => std::thread::sleep(Duration::from_millis(5)),
        }
    }
}

/// The process numbers in a file, once there are so many.
pub fn pids(path: &Path, count: usize) -> Vec<u32> {
    loop {
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let pids: Vec<u32> = text.lines().filter_map(|l| l.trim().parse().ok()).collect();
        if pids.len() >= count && text.ends_with('\n') {
            return pids;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Whether a process runs (a zombie does not).
pub fn alive(pid: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    stat.rsplit(')').next().and_then(|s| s.split_whitespace().next().map(|state| state != "Z")).unwrap_or(false)
}

/// Highest memory of this process so far.
pub fn peak_kilobytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|l| l.starts_with("VmHWM")).unwrap();
    line.split_whitespace().nth(1).unwrap().parse().unwrap()
}
