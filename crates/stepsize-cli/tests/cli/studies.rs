//! Studies as their user meets them: kept through a kill, resumed, listed, exported, removed.

use crate::harness::{Bench, answered, cut_off};
use serde_json::Value;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

/// A search of some seconds.
const SEARCH: &str = "sweep --json --model mlp:32 --steps 400 --per-decade 4 --seeds 3 --jobs 2 --study x";

/// Begins a search and waits until it has ended `trials` trials.
fn begun(bench: &Bench, line: &str, trials: usize) -> Child {
    let mut child = bench.command(line).stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while bench.run("export x").out.matches("\"ended\"").count() < trials {
        if let Some(end) = child.try_wait().unwrap() {
            panic!("{line}: {end}: {}", std::io::read_to_string(child.stderr.take().unwrap()).unwrap());
        }
        assert!(begin.elapsed() < Duration::from_secs(60), "no trial ended");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn killed(mut child: Child) {
    child.kill().unwrap();
    child.wait().unwrap();
}

/// Numbers of the trials that `event` tells of, in order.
fn trials(export: &str, event: &str) -> Vec<u64> {
    let events = export.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    events.filter(|e| e["event"] == event).map(|e| e["trial"].as_u64().unwrap()).collect()
}

#[test]
fn a_killed_search_goes_on_and_runs_no_finished_trial_again() {
    let whole = Bench::new();
    let answer: Value = serde_json::from_str(&whole.run(SEARCH).out).unwrap();
    let bench = Bench::new();
    let mut ended = 0;
    for line in [SEARCH, SEARCH, "resume x", SEARCH] {
        killed(begun(&bench, line, ended + 3));
        assert!(bench.run("studies").out.contains("unfinished"), "{line}");
        ended = trials(&bench.run("export x").out, "ended").len();
    }
    let seen = bench.run("resume x --json");
    let again: Value = serde_json::from_str(&seen.out).unwrap_or_else(|e| panic!("{e}: {}", seen.err));
    assert_eq!((&again["lr"], &again["why"], &again["points"]), (&answer["lr"], &answer["why"], &answer["points"]));
    let mut ids = trials(&bench.run("export x").out, "ended");
    ids.sort_unstable();
    assert_eq!(ids, (0..ids.len() as u64).collect::<Vec<_>>(), "each trial ended once");
    assert!(bench.run("studies").out.contains("concluded"));
}

#[test]
fn a_second_process_on_a_study_is_refused_and_told_by_whom_until_the_first_is_gone() {
    let bench = Bench::new();
    let child = begun(&bench, SEARCH, 1);
    let by = format!("in use by process {}", child.id());
    for line in [SEARCH, "resume x", "rm x"] {
        let seen = bench.run(line);
        assert!(seen.code == Some(1) && seen.err.contains(&by), "{line}: {}", seen.err);
    }
    assert!(bench.run("studies").out.contains("running"));
    // Another study of the same file is free.
    let seen = bench.run("find --probe descent --model linear --steps 30 --study other");
    assert!(matches!(seen.code, Some(0 | 3)), "{}", seen.err);
    killed(child);
    let seen = bench.run("rm x");
    assert_eq!((seen.code, seen.out.as_str()), (Some(0), "removed study x\n"), "{}", seen.err);
    let listed = bench.run("studies").out;
    assert!(listed.contains("other") && !listed.contains("sweep"), "{listed}");
}

#[test]
fn studies_are_listed_with_what_they_found() {
    let bench = Bench::new();
    bench.record("found", &answered());
    bench.record("half", &cut_off());
    let listed = bench.run("studies").out;
    let lines: Vec<Vec<&str>> = listed.lines().map(|l| l.split_whitespace().collect()).collect();
    assert_eq!(lines[0][..4], ["NAME", "STATE", "TRIALS", "LR"]);
    assert_eq!(lines[1][..4], ["found", "concluded", "11", "0.12"]);
    assert_eq!(lines[2][..3], ["half", "unfinished", "11"]);
    assert!(listed.contains("find --probe race; a made-up landscape"));
}

#[test]
fn an_export_holds_every_reading() {
    let bench = Bench::new();
    bench.record("x", &answered());
    let json: Vec<stepsize::Event> =
        bench.run("export x").out.lines().map(|l| stepsize::Event::from_json(l).unwrap()).collect();
    assert_eq!(format!("{json:?}"), format!("{:?}", answered()));
    bench.run("export x --format csv --out a.csv");
    let csv = String::from_utf8(bench.read("a.csv")).unwrap();
    let count = |kind: &str| csv.lines().filter(|l| l.split(',').nth(5) == Some(kind)).count();
    let steps = json.iter().filter(|e| matches!(e, stepsize::Event::Step { .. })).count();
    assert_eq!((count("step"), count("eval")), (steps, 22));
    assert_eq!(csv.lines().next(), Some("trial,base_lr,steps,seed,end,kind,step,lr,loss,score"));
    assert_eq!(csv.lines().nth(1), Some("0,0.001,50,0,finished,step,0,0.001,2.3,"));
    assert!(csv.contains("\n4,4,50,0,diverged,eval,6,4,NaN,0.9\n"));
    assert_eq!(bench.run("export x --format tensorboard").code, Some(2), "a directory is needed");
}

/// A file may grow to 300 KiB here, as on a small disk: `ulimit -f`, with the signal ignored so
/// that writing fails.
#[cfg(unix)]
#[test]
fn a_full_disk_stops_the_search_with_its_trials_kept() {
    let bench = Bench::new();
    let words: Vec<String> = SEARCH.split(' ').map(str::to_owned).collect();
    let mut limited = std::process::Command::new("sh");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 600; exec \"$@\"", "sh", env!("CARGO_BIN_EXE_stepsize")]);
    let seen = limited.args(&words).current_dir(bench.path("")).output().unwrap();
    let err = String::from_utf8(seen.stderr).unwrap();
    assert_eq!(seen.status.code(), Some(1), "{err}");
    assert!(err.contains("cannot write to the studies") && err.contains("make room") | err.contains("fix it"), "{err}");
    let before = trials(&bench.run("export x").out, "ended");
    assert!(!before.is_empty());
    // With room it goes on: nothing that had ended runs again.
    assert_eq!(bench.run(SEARCH).code, Some(0));
    let after = trials(&bench.run("export x").out, "ended");
    assert_eq!(after[..before.len()], before);
    let mut ids = after.clone();
    ids.sort_unstable();
    assert_eq!(ids, (0..ids.len() as u64).collect::<Vec<_>>());
}
