//! Real training, kept short: searches, resume by replay, checkpoints, Ctrl-C.

use crate::harness::{Bench, Seen};
use serde_json::Value;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use stepsize::Event;

fn json(seen: &Seen) -> Value {
    serde_json::from_str(&seen.out).unwrap_or_else(|e| panic!("{e}: {}{}", seen.out, seen.err))
}

#[test]
fn find_answers_on_real_data_and_goes_on_with_its_study() {
    let bench = Bench::new();
    let line = "find --json --model linear --steps 800 --study x";
    let first = bench.run(line);
    let found = json(&first);
    assert_eq!(first.code, Some(0), "{}", first.err);
    assert!((1e-4..3.0).contains(&found["lr"].as_f64().unwrap()), "{}", found["lr"]);
    assert!(found["cost_runs"].as_f64().unwrap() < 1.0);
    // Of a study that was cut off, what is there is taken, and the rest is run: to the same answer.
    let export = bench.run("export x").out;
    let events: Vec<Event> = export.lines().map(|line| Event::from_json(line).unwrap()).collect();
    bench.run("rm x");
    bench.record("x", &events[..events.len() / 2]);
    let again = json(&bench.run(line));
    for name in ["lr", "low", "high", "why", "cost_runs"] {
        assert_eq!(found[name], again[name], "{name}");
    }
    // What was there was not run again.
    let kept = bench.run("export x").out;
    assert!(kept.starts_with(&export[..export.len() / 3]));
    let started = |text: &str| text.matches("\"started\"").count();
    assert!(started(&kept) <= started(&export) + 4, "{} of {}", started(&kept), started(&export));
}

#[test]
fn the_answer_does_not_depend_on_the_number_of_jobs() {
    let bench = Bench::new();
    let rate =
        |jobs: u32| json(&bench.run(&format!("find --json --model linear --steps 400 --jobs {jobs}")))["lr"].clone();
    assert_eq!(rate(1), rate(3));
}

#[test]
fn the_other_probes_run() {
    let bench = Bench::new();
    for probe in ["grid", "random", "descent", "first-fall", "range-test"] {
        let seen = bench.run(&format!("find --json --probe {probe} --model linear --steps 60"));
        assert!(matches!(seen.code, Some(0 | 3)), "{probe}: {}", seen.err);
        assert_eq!(json(&seen)["lr"].is_null(), seen.code == Some(3), "{probe}");
    }
    let seen = bench.run("sweep --json --model linear --steps 60 --per-decade 1 --low 0.001 --high 1 --seeds 2");
    assert_eq!(json(&seen)["points"].as_array().map(Vec::len), Some(8));
    for rule in ["edge", "fastai_valley", "lightning", "ignite", "torch_lr_finder"] {
        let seen = bench.run(&format!("range-test --json --model linear --rule {rule}"));
        assert!(matches!(seen.code, Some(0 | 3)), "{rule}: {}", seen.err);
    }
}

#[test]
fn a_run_that_was_split_is_the_same_run() {
    let bench = Bench::new();
    let task = "--model mlp:16 --controller plateau(patience=4)";
    bench.run(&format!("train --lr 0.05 --steps 90 {task} --schedule constant --curve whole.csv"));
    bench.run(&format!("train --lr 0.05 --steps 40 {task} --schedule constant --resume part"));
    let seen = bench.run(&format!("train --steps 90 {task} --resume part --curve split.csv"));
    assert_eq!(seen.code, Some(0), "{}", seen.err);
    let losses = |name: &str| -> Vec<String> {
        let text = String::from_utf8(bench.read(name)).unwrap();
        text.lines().skip(1).map(|l| l.split(',').take(3).collect::<Vec<_>>().join(",")).collect()
    };
    assert_eq!(losses("whole.csv").len(), 90);
    // The controller sees evaluations at other steps once the length has changed; until then all is
    // equal.
    assert_eq!(losses("whole.csv")[..40], losses("split.csv")[..40]);
    let seen = bench.run(&format!("train --resume part {task} --lr 0.1"));
    assert!(seen.code == Some(2) && seen.err.contains("omit --lr"), "{}", seen.err);
    let seen = bench.run("train --resume part --model mlp:8");
    assert!(seen.code == Some(2) && seen.err.contains("another task"), "{}", seen.err);
}

#[test]
fn training_that_explodes_says_so() {
    let seen = Bench::new().run("train --lr 1000 --steps 200 --json");
    assert_eq!(json(&seen)["end"]["how"], "diverged");
}

/// Sends Ctrl-C once `ready`, and waits for the end.
#[cfg(unix)]
fn interrupted(bench: &Bench, line: &str, ready: impl Fn() -> bool) -> Seen {
    let child = bench.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let begin = Instant::now();
    while !ready() && begin.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(20));
    }
    let sent = Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    Seen::from(child.wait_with_output().unwrap())
}

#[cfg(unix)]
#[test]
fn ctrl_c_reports_what_was_learned() {
    let bench = Bench::new();
    let ended = || bench.run("export x").out.matches("\"ended\"").count() >= 4;
    let line = "sweep --json --model mlp:32 --steps 3000 --per-decade 8 --seeds 3 --jobs 1 --study x";
    let seen = interrupted(&bench, line, ended);
    let object = json(&seen);
    assert_eq!(seen.code, Some(130), "{}", seen.err);
    assert_eq!(object["interrupted"], true);
    assert!(object["points"].as_array().unwrap().len() >= 4);
    assert!(bench.run("studies").out.contains("unfinished"));
    assert_eq!(json(&bench.run("show x --json"))["interrupted"], true);
}

#[cfg(unix)]
#[test]
fn a_search_without_a_name_is_continued_by_resume_last() {
    let bench = Bench::new();
    let script = "echo~{lr}~>>~begun;~sleep~0.3;~for~i~in~1~2~3;~do~echo~step=$i~loss=$((9-i));~done;~:~{steps}";
    let line = format!("sweep --steps 3 --low 0.001 --high 0.1 --per-decade 2 --seeds 1 --json --shell -- {script}");
    let begun = || String::from_utf8(std::fs::read(bench.path("begun")).unwrap_or_default()).unwrap();
    let seen = interrupted(&bench, &line, || begun().lines().count() >= 3);
    assert_eq!(seen.code, Some(130), "{}", seen.err);
    assert!(seen.err.contains("`stepsize resume last`"), "{}", seen.err);
    let resumed = bench.run("resume last --json");
    assert!(matches!(resumed.code, Some(0 | 3)), "{}", resumed.err);
    assert_eq!(json(&resumed)["points"].as_array().unwrap().len(), 5);
    let mut rates: Vec<String> = begun().lines().map(str::to_owned).collect();
    assert!(rates.len() <= 6, "a trial that had ended ran again: {rates:?}");
    rates.sort();
    rates.dedup();
    assert_eq!(rates.len(), 5);
    // It has ended, and left nothing.
    let again = bench.run("resume last");
    assert!(again.code == Some(1) && again.err.contains("no search without a name is kept"), "{}", again.err);
}

#[cfg(unix)]
#[test]
fn ctrl_c_in_training_leaves_a_checkpoint_that_continues_bit_for_bit() {
    let bench = Bench::new();
    let task = "--lr 0.05 --steps 12000 --controller plateau(patience=4,train)";
    let begin = Instant::now();
    let seen = interrupted(&bench, &format!("train {task} --resume part --json"), || {
        begin.elapsed() > Duration::from_millis(700)
    });
    let object = json(&seen);
    assert_eq!((object["end"]["how"].as_str(), seen.code), (Some("stopped"), Some(130)), "{}", seen.err);
    assert_eq!(bench.run(&format!("train {task} --resume part --curve split.csv")).code, Some(0));
    assert_eq!(bench.run(&format!("train {task} --curve whole.csv")).code, Some(0));
    assert!(bench.read("split.csv") == bench.read("whole.csv"), "the curves differ");
}

#[test]
fn what_a_search_will_take_is_told_first_and_its_time_is_a_limit() {
    let bench = Bench::new();
    let seen = bench.run("find --jobs 1 --seconds-per-step 0.5 --max-time 10m --price-per-hour 3 --dry-run");
    assert_eq!((seen.code, seen.err.as_str()), (Some(0), ""));
    for part in ["would begin with", "125 steps, seed 0", "about 0.60 runs", "10 min", "0.5 at 3.00 an hour"] {
        assert!(seen.out.contains(part), "{part}: {}", seen.out);
    }
    let money = bench.run("find --jobs 2 --seconds-per-step 0.5 --max-price 0.25 --price-per-hour 3 --dry-run").out;
    let money = money.replace('\n', " ");
    let sweep = bench.run("sweep --steps 6 --jobs 2 --seconds-per-step 5 --dry-run").out;
    assert!(sweep.contains(" with 2 trials at a time"), "{sweep}");
    assert!(
        money.contains("about 0.30 runs, 5 min 00 s, as most of its trials run one at a time, 0.25 at 3.00 an hour"),
        "{money}"
    );
    let script = "for~i~in~1~2~3~4~5~6;~do~sleep~0.2;~echo~step=$i~loss=$((9-i));~done;~:~{lr}~{steps}";
    let line = "sweep --steps 6 --low 0.001 --high 1 --per-decade 4 --seeds 3 --jobs 1 --max-time 3s --json";
    let begin = Instant::now();
    let seen = bench.run(&format!("{line} --shell -- {script}"));
    assert!(begin.elapsed() < Duration::from_secs(30), "39 trials of 1.2 s were to be stopped after 3 s");
    assert!(matches!(seen.code, Some(0 | 3)), "{:?} {}", seen.code, seen.err);
    assert!(seen.err.contains("the time that the search may take, "), "{}", seen.err);
    assert!(json(&seen)["points"].as_array().unwrap().len() < 6, "{}", seen.out);
}

#[test]
fn a_text_is_learned_by_a_character_model() {
    let seen = Bench::new().run("train --data text --lr 0.1 --steps 5");
    assert!(seen.code == Some(0) && seen.out.contains("charlm"), "{}{}", seen.out, seen.err);
}
