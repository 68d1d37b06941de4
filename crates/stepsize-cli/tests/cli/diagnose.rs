//! `stepsize diagnose`: any log, one list of objects, exit codes, a page, and a bad file that stops
//! nothing.

use crate::harness::{Bench, answered};
use serde_json::Value;
use std::fmt::Write as _;

/// A log of `steps` lines with these losses.
fn csv(bench: &Bench, name: &str, steps: u32, loss: impl Fn(f64) -> f64) {
    let mut text = String::from("step,loss\n");
    for step in 0..steps {
        let _ = writeln!(text, "{step},{}", loss(f64::from(step)));
    }
    let path = bench.path(name);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

/// A sweep of five rates: three that train, the middle one best, and two that end worse than they
/// began.
fn sweep(bench: &Bench) {
    for (lr, end) in [("0.001", 1.5), ("0.01", 0.6), ("0.1", 0.4), ("1", 0.9), ("10", 9.0)] {
        csv(bench, &format!("runs/lr{lr}.csv"), 120, |t| end + (2.3 - end) * (-t / 15.0).exp());
    }
}

fn objects(text: &str) -> Vec<Value> {
    serde_json::from_str::<Value>(text).unwrap().as_array().unwrap().clone()
}

#[test]
fn the_list_of_objects_has_its_keys() {
    let bench = Bench::new();
    sweep(&bench);
    let seen = bench.run("diagnose runs --json");
    assert_eq!((seen.code, seen.err.as_str()), (Some(0), ""));
    let list = objects(&seen.out);
    assert_eq!(list.len(), 5);
    for object in &list {
        for key in ["file", "run", "lr", "verdict", "confidence", "findings", "next_lr"] {
            assert!(object.get(key).is_some(), "{key}: {object}");
        }
        let verdict = object["verdict"].as_str().unwrap();
        assert!(["too_low", "good", "too_high", "diverged", "unknown"].contains(&verdict), "{verdict}");
        assert!((0.0..=1.0).contains(&object["confidence"].as_f64().unwrap()));
        for finding in object["findings"].as_array().unwrap() {
            for key in ["code", "evidence", "advice"] {
                assert!(finding[key].as_str().is_some_and(|t| !t.is_empty()), "{key}: {finding}");
            }
        }
    }
    let verdict = |file: &str| list.iter().find(|o| o["file"] == file).unwrap()["verdict"].clone();
    assert_eq!((verdict("runs/lr0.001.csv"), verdict("runs/lr10.csv")), ("too_low".into(), "diverged".into()));
    assert_eq!((verdict("runs/lr0.1.csv"), verdict("runs/lr1.csv")), ("good".into(), "too_high".into()));
    assert_eq!(list[0]["sweep"]["best_lr"], 0.1);
}

#[test]
fn text_tells_the_sweep_and_the_table() {
    let bench = Bench::new();
    sweep(&bench);
    let seen = bench.run("diagnose runs");
    assert!(
        seen.out.contains("RUN") && seen.out.contains("sweep: of 5 rates 0.1 ended with the lowest training loss"),
        "{}",
        seen.out
    );
    assert!(seen.out.contains("do: "), "{}", seen.out);
    // By themselves the runs are not compared.
    assert!(!bench.run("diagnose runs --alone").out.contains("sweep: "));
}

#[test]
fn one_run_says_why_and_what_to_do() {
    let bench = Bench::new();
    csv(&bench, "a.csv", 60, |t| if t > 30.0 { f64::NAN } else { 2.3 });
    let seen = bench.run("diagnose a.csv --lr 0.5");
    assert_eq!(seen.code, Some(0));
    assert!(seen.out.contains("a.csv, lr 0.5: diverged") && seen.out.contains("LR001"), "{}", seen.out);
    assert!(seen.out.contains("not finite from step 31 on") && seen.out.contains("next 0.17"), "{}", seen.out);
}

#[test]
fn an_unknown_verdict_names_the_side_that_is_ruled_out() {
    let bench = Bench::new();
    let log = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/cases/diagnose/no-counter-rare-validation/good.jsonl");
    let text = bench.command("diagnose").arg(log).output().unwrap();
    let text = String::from_utf8(text.stdout).unwrap();
    let object = bench.command("diagnose --json").arg(log).output().unwrap();
    let object = &objects(&String::from_utf8(object.stdout).unwrap())[0];
    assert_eq!((&object["verdict"], &object["ruled_out"]), (&"unknown".into(), &"too_low".into()));
    let sure = object["ruled_out_confidence"].as_f64().unwrap();
    let words = format!("unknown, not too low ({:.0} %); next 0.05", 100.0 * sure);
    assert!(sure > 0.8 && object["next_lr"] == 0.05 && text.contains(&words), "{text}");
}

#[test]
fn exit_codes() {
    let bench = Bench::new();
    sweep(&bench);
    csv(&bench, "ok.csv", 80, |t| 2.3 * (1.0 + t).powf(-0.4));
    std::fs::write(bench.path("bad.csv"), [0u8, 159, 146, 150].repeat(99)).unwrap();
    let code = |line: &str| bench.run(line).code;
    assert_eq!(code("diagnose runs --fail-on diverged,too_high"), Some(4));
    assert_eq!(code("diagnose ok.csv --fail-on diverged"), Some(0));
    assert_eq!(code("diagnose ok.csv bad.csv"), Some(0));
    assert_eq!(code("diagnose ok.csv bad.csv --strict"), Some(1));
    assert_eq!(code("diagnose bad.csv"), Some(1));
    assert_eq!(code("diagnose"), Some(2));
    assert_eq!(code("diagnose ok.csv --fail-on awful"), Some(2));
    assert_eq!(code("diagnose no-such-file.csv"), Some(1));
}

#[test]
fn a_bad_file_is_said_and_stops_nothing() {
    let bench = Bench::new();
    csv(&bench, "ok.csv", 80, |t| 2.3 * (1.0 + t).powf(-0.4));
    std::fs::write(bench.path("bad.csv"), [0u8, 159, 146, 150].repeat(99)).unwrap();
    let seen = bench.run("diagnose bad.csv ok.csv --json");
    let list = objects(&seen.out);
    assert_eq!(list.len(), 2);
    assert!(list.iter().any(|o| o["file"] == "bad.csv" && o["verdict"] == "unknown"), "{}", seen.out);
    assert!(seen.err.contains("cannot read bad.csv"), "{}", seen.err);
}

#[test]
fn patterns_standard_input_and_studies() {
    let bench = Bench::new();
    sweep(&bench);
    assert_eq!(objects(&bench.run("diagnose runs/lr0*.csv --json").out).len(), 3);
    let text = std::fs::File::open(bench.path("runs/lr10.csv")).unwrap();
    let piped = bench.command("diagnose - --json").stdin(text).output().unwrap();
    let list = objects(&String::from_utf8(piped.stdout).unwrap());
    assert_eq!((&list[0]["file"], &list[0]["verdict"]), (&"-".into(), &"diverged".into()));
    bench.record("x", &answered());
    let list = objects(&bench.run("diagnose --study x --json").out);
    assert_eq!(list.len(), 11);
    assert!(list.iter().any(|o| o["verdict"] == "diverged" && o["lr"] == 4.0));
    // One study has one answer.
    let text = bench.run("diagnose --study x").out;
    let answer = bench.run("show x --json").out;
    let lr = serde_json::from_str::<Value>(&answer).unwrap()["lr"].to_string();
    assert!(text.contains(&format!("answers: lr {lr}")) && !text.contains("sweep:"), "{text}");
    assert!(!text.contains("next"), "{text}");
}

#[test]
fn sarif_names_rules_and_files() {
    let bench = Bench::new();
    sweep(&bench);
    let sarif: Value = serde_json::from_str(&bench.run("diagnose runs --sarif").out).unwrap();
    assert_eq!(sarif["version"], "2.1.0");
    let results = sarif["runs"][0]["results"].as_array().unwrap();
    assert!(results.iter().any(|r| r["ruleId"] == "LR001" && r["level"] == "error"));
    let rules = sarif["runs"][0]["tool"]["driver"]["rules"].as_array().unwrap();
    assert!(results.iter().all(|r| rules.iter().any(|rule| rule["id"] == r["ruleId"])));
}

#[test]
fn the_page_needs_no_network_and_marks_evidence() {
    let bench = Bench::new();
    sweep(&bench);
    assert_eq!(bench.run("diagnose runs --report a.html").code, Some(0));
    let page = String::from_utf8(bench.read("a.html")).unwrap();
    let outside = page.replace("http://www.w3.org/2000/svg", "");
    for fragment in ["http:", "https:", "src=", "@import", "url(//", "NaN"] {
        assert!(!outside.contains(fragment), "{fragment}");
    }
    for text in ["LR001 diverged", "1 diverged", "Loss over rate", "class=\"many\"", "next rate to try"] {
        assert!(page.contains(text), "{text}");
    }
}

#[test]
fn a_table_of_runs_is_a_sweep() {
    let bench = Bench::new();
    std::fs::write(bench.path("sweep.csv"), "lr,val_loss\n0.001,1.5\n0.01,0.6\n0.1,0.4\n1,0.9\n10,nan\n").unwrap();
    let list = objects(&bench.run("diagnose sweep.csv --json").out);
    let verdicts: Vec<&str> = list.iter().map(|o| o["verdict"].as_str().unwrap()).collect();
    assert_eq!(verdicts, ["too_low", "too_low", "good", "too_high", "diverged"]);
}

#[test]
fn follow_ends_when_the_run_has_diverged() {
    let bench = Bench::new();
    csv(&bench, "a.csv", 60, |t| if t > 30.0 { f64::NAN } else { 2.3 });
    let seen = bench.run("diagnose a.csv --follow --fail-on diverged");
    assert_eq!(seen.code, Some(4));
    assert!(seen.out.contains("a.csv: diverged"), "{}", seen.out);
    assert_eq!(bench.run("diagnose - --follow").code, Some(2));
}
