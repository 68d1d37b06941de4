//! Exit codes, colour, pipes and messages of error.

use crate::harness::{Bench, answered};
use std::io::Read;
use std::process::Stdio;

/// Runs a line that fails and checks its code, that the message says `what`, and that no number is
/// given.
fn fails(line: &str, code: i32, what: &str) {
    let seen = Bench::new().run(line);
    assert_eq!(seen.code, Some(code), "{line}: {}{}", seen.out, seen.err);
    assert!(seen.err.contains(what), "{line}: {}", seen.err);
    assert_eq!(seen.out, "", "{line}");
    for fragment in ["Error {", "Kind", "panicked", "Os {", "unwrap"] {
        assert!(!seen.err.contains(fragment), "{line}: {}", seen.err);
    }
}

#[test]
fn a_short_built_in_run_is_not_told_of_a_command() {
    let seen = Bench::new().run("find --steps 8");
    assert!(seen.code == Some(3) && seen.out.contains("ask about a longer run (`--steps N`)"), "{}", seen.out);
    assert!(!seen.out.contains("{steps}"), "{}", seen.out);
    // No budget makes its trials longer.
    for budget in ["", " --budget 3"] {
        let seen = Bench::new().run(&format!("find --steps 39{budget}"));
        assert!(seen.code == Some(3) && !seen.out.contains("--budget"), "{}", seen.out);
    }
}

#[test]
fn wrong_arguments_are_2() {
    fails("fnid", 2, "find");
    fails("find --steps 0", 2, "--steps");
    fails("find --steps 5 --epochs 5", 2, "--epochs");
    fails("find --model resnet", 2, "the models are");
    fails("find --optimizer sgd:fast", 2, "is not a number");
    fails("find --schedule cosin", 2, "cosine");
    fails("find --start -1", 2, "learning rate");
    fails("find --jobs 0", 2, "--jobs");
    fails("find --max-cost 0", 2, "above 0");
    fails("find --steps 1000 --budget 0.1", 2, "raise the budget to 0.25");
    fails("find --low 0.01", 2, "takes no lowest or highest rate");
    fails("find --steps 1.5", 2, "10k or 1e6");
    fails("find --probe grid --low 1 --high 0.1", 2, "low");
    fails("find --target x", 2, "no columns");
    fails("find --gpus abc -- true", 2, "abc is not a GPU");
    fails("schedule poly", 2, "did you mean `polynomial`?");
    fails("schedule warmup(5%)~than~cosine", 2, "did you mean `then`?");
    fails("fnd", 2, "'find'");
    fails("train --lr 0.1 --optimizer adamm", 2, "did you mean 'adam'?");
    fails("find --batch-size 0", 2, "try 'stepsize help find'");
    fails("find --low 0.1", 2, "`--start LR`");
    fails("find --lr 0.1", 2, "`--start LR`");
    fails("find --batch-size 0", 2, "at least 1");
    fails("find --weight-decay -1", 2, "weight decay");
    fails("find --model cnn --data diabetes", 2, "needs images");
    fails("find --jobs 100000", 2, "at most 1024");
    fails("find --png a.jpg", 2, "would be a png file");
    fails("schedule poly", 2, "did you mean `polynomial`");
    fails("schedule cosine~than~linear", 2, "did you mean `then`");
    fails("schedule one-cycle", 2, "one_cycle");
    fails("schedule wsd(200%)", 2, "does not fit");
    fails("find --max-price 3", 2, "--price-per-hour");
    fails("find --max-price 0 --price-per-hour 2", 2, "above 0");
    fails("compare --max-price 3", 2, "counts steps");
    fails("find --jobs 1 --seconds-per-step 1 --max-time 1m", 2, "raise the budget to 0.25");
    fails("range-test --rule valley", 2, "fastai_valley");
    fails("train", 2, "--lr");
    fails("train --lr 0", 2, "learning rate");
    fails("train --lr 0.1 --steps 30 --controller plato(3)", 2, "plateau");
    fails("train --lr 0.1 --steps 30 --curve out.txt", 2, ".csv");
    fails("schedule cosine --steps 0", 2, "--steps");
}

#[test]
fn places_are_tried_before_anything_runs_and_the_answer_is_not_lost() {
    for line in ["find --png", "sweep --report", "range-test --svg", "compare --png", "train --lr 1 --curve"] {
        fails(&format!("{line} no-such-directory/a.csv"), 2, "Nothing has run");
    }
    fails("diagnose --report . a.log", 2, "directory");
    let bench = Bench::new();
    bench.record("x", &answered());
    std::fs::write(bench.path("old.svg"), "old").unwrap();
    let seen = bench.run("show x --png no-such-directory/a.png --svg old.svg --json");
    assert_eq!(seen.code, Some(1));
    assert!(seen.err.contains("cannot write no-such-directory/a.png"), "{}", seen.err);
    assert!(serde_json::from_str::<serde_json::Value>(&seen.out).unwrap()["lr"].is_number(), "{}", seen.out);
    assert!(bench.read("old.svg").starts_with(b"<svg") && !bench.path("old.svg.part").exists());
}

#[test]
fn failures_are_1() {
    fails("find --data no-such.csv --target y", 1, "no-such.csv");
    fails("find --steps 30 --batch-size 100000", 2, "batch size");
    for line in ["show x", "studies", "export x", "resume x", "rm x"] {
        fails(line, 1, "there is no study file stepsize.db");
    }
    fails("find --steps 30 --study x --db no-such-directory/a.db", 1, "its directory must be there");
    fails("find --steps 30 --study ~ --db a.db", 1, "needs a name");
    let bench = Bench::new();
    bench.record("x", &answered());
    assert_eq!(bench.run("show x --png no-such-directory/a.png").code, Some(1));
    let seen = bench.run("show y");
    assert!(seen.code == Some(1) && seen.err.contains("it holds x"), "{}", seen.err);
    std::fs::write(bench.path("text.db"), "no database at all, but long enough to look like one\n".repeat(99)).unwrap();
    let seen = bench.run("show x --db text.db");
    assert!(
        seen.code == Some(1) && seen.err.contains("it is not a SQLite file; name another study file (`--db FILE`)"),
        "{}",
        seen.err
    );
}

#[test]
fn a_study_of_another_question_is_refused_and_kept() {
    let bench = Bench::new();
    bench.record("x", &answered());
    let before = bench.run("export x").out;
    let seen = bench.run("find --steps 30 --study x");
    assert_eq!(seen.code, Some(2));
    assert!(seen.err.contains("steps: 800\n    now: 30"), "{}", seen.err);
    assert!(before.len() > 1000 && bench.run("export x").out == before);
}

#[test]
fn colour_is_for_terminals_and_never_against_no_color() {
    let bench = Bench::new();
    bench.record("x", &answered());
    assert!(!bench.run("show x").out.contains('\x1b'));
    assert!(bench.run("show x --color always").out.contains("\x1b[32m"));
    let quiet = bench.command("show x").env("NO_COLOR", "1").output().unwrap();
    assert!(!quiet.stdout.contains(&0x1b));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    bench.record("x", &answered());
    for line in ["show x", "completions bash", "man", "help", "schedule cosine --steps 200000 --form csv"] {
        let mut child = bench.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn without_utf_8_a_plot_is_in_ascii() {
    let bench = Bench::new();
    bench.record("x", &answered());
    for (name, value, ascii) in [("LC_ALL", "C", true), ("LC_ALL", "C.UTF-8", false), ("TERM", "dumb", true)] {
        let mut command = bench.command("show x");
        command.env_remove("LANG").env_remove("LC_ALL").env("TERM", "xterm").env(name, value);
        let text = String::from_utf8(command.output().unwrap().stdout).unwrap();
        assert_eq!(text.is_ascii(), ascii, "{name}={value}: {text}");
        assert!(text.contains("80 %"), "{text}");
    }
}
