//! Exit codes, colour, pipes and messages of error.

use crate::harness::{Bench, answered};
use std::io::Read;
use std::process::Stdio;

/// Runs a line that fails and checks its code, that the message says `what`, and that no number is given.
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
    fails("find --probe grid --low 1 --high 0.1", 2, "low");
    fails("find --target x", 2, "no columns");
    fails("range-test --rule valley", 2, "fastai_valley");
    fails("train", 2, "--lr");
    fails("train --lr 0", 2, "learning rate");
    fails("train --lr 0.1 --steps 30 --controller plato(3)", 2, "plateau");
    fails("train --lr 0.1 --steps 30 --curve out.txt", 2, ".csv");
    fails("schedule cosine --steps 0", 2, "--steps");
}

#[test]
fn failures_are_1() {
    fails("find --data no-such.csv --target y", 1, "no-such.csv");
    fails("find --steps 30 --batch-size 100000", 1, "batch size");
    fails("report no-such.jsonl", 1, "no-such.jsonl");
    fails("find --probe descent --steps 30 --events no-such-directory/log.jsonl", 1, "no-such-directory");
    let bench = Bench::new();
    bench.record("log.jsonl", &answered());
    assert_eq!(bench.run("report log.jsonl --png no-such-directory/a.png").code, Some(1));
    std::fs::write(bench.path("log.jsonl"), "no json\n").unwrap();
    let seen = bench.run("report log.jsonl");
    assert!(seen.code == Some(1) && seen.err.contains("line 1"), "{}", seen.err);
}

#[test]
fn a_log_of_another_question_is_refused_and_kept() {
    let bench = Bench::new();
    bench.record("log.jsonl", &answered());
    let before = bench.read("log.jsonl");
    let seen = bench.run("find --steps 30 --events log.jsonl");
    assert_eq!(seen.code, Some(2));
    assert!(seen.err.contains("another search"), "{}", seen.err);
    assert_eq!(bench.read("log.jsonl"), before);
}

#[test]
fn colour_is_for_terminals_and_never_against_no_color() {
    let bench = Bench::new();
    bench.record("log.jsonl", &answered());
    assert!(!bench.run("report log.jsonl").out.contains('\x1b'));
    assert!(bench.run("report log.jsonl --color always").out.contains("\x1b[32m"));
    let quiet = bench.command("report log.jsonl").env("NO_COLOR", "1").output().unwrap();
    assert!(!quiet.stdout.contains(&0x1b));
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let bench = Bench::new();
    bench.record("log.jsonl", &answered());
    for line in ["report log.jsonl", "completions bash", "man", "help", "schedule cosine --steps 200000 --form csv"] {
        let mut child = bench.command(line).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        let status = child.wait().unwrap();
        assert_eq!((status.code(), err.as_str()), (Some(0), ""), "{line}");
    }
}
