//! What people and programs read.

use crate::harness::{Bench, answered, cut_off, refused};
use serde_json::Value;

#[test]
fn an_answer() {
    let bench = Bench::new();
    bench.record("x", &answered());
    let seen = bench.run("show x --price-per-hour 3");
    insta::assert_snapshot!(seen.out);
    assert_eq!((seen.code, seen.err.as_str()), (Some(0), ""));
}

#[test]
fn a_refusal_names_the_reason_and_no_rate() {
    let bench = Bench::new();
    bench.record("x", &refused());
    let seen = bench.run("show x");
    insta::assert_snapshot!(seen.out);
    assert_eq!(seen.code, Some(3));
    assert!(seen.out.starts_with("refused: ") && !seen.out.contains("lr 0"));
}

#[test]
fn a_study_that_was_cut_off_is_a_refusal_that_says_how_to_go_on() {
    let bench = Bench::new();
    bench.record("x", &cut_off());
    let seen = bench.run("show x");
    assert_eq!(seen.code, Some(3));
    assert!(seen.out.contains("`stepsize resume x`"), "{}", seen.out);
}

#[test]
fn the_json_object() {
    let bench = Bench::new();
    bench.record("x", &answered());
    let seen = bench.run("show x --json --price-per-hour 3");
    insta::assert_snapshot!(seen.out);
}

#[test]
fn the_json_object_of_a_refusal_holds_null_for_every_number() {
    let bench = Bench::new();
    bench.record("x", &refused());
    let seen = bench.run("show x --json");
    let object: Value = serde_json::from_str(&seen.out).unwrap();
    for name in ["lr", "low", "high"] {
        assert_eq!(object.get(name), Some(&Value::Null), "{name}");
    }
    assert_eq!(object["refused"], "noise_only");
    assert_eq!(object["advice"], "add seeds (`stepsize sweep --seeds 3`); train for more steps (`--steps N`)");
    assert_eq!(object["remedies"][1]["action"], "longer_run");
    assert_eq!(seen.code, Some(3));
}

#[test]
fn help_is_a_tutorial() {
    let bench = Bench::new();
    let seen = bench.run("help");
    insta::assert_snapshot!(seen.out);
    assert_eq!(seen.code, Some(0));
}

#[test]
fn a_schedule_in_every_form() {
    let bench = Bench::new();
    let line = "schedule warmup(10%)~then~cosine --steps 200 --lr 0.1";
    let forms = ["plot", "table", "notation"].map(|form| bench.run(&format!("{line} --form {form}")).out);
    insta::assert_snapshot!(forms.join("\n"));
    let csv = bench.run(&format!("{line} --compress 20 --form csv")).out;
    assert_eq!((csv.lines().count(), csv.lines().next()), (21, Some("step,lr")));
    let json: Value = serde_json::from_str(&bench.run(&format!("{line} --form json")).out).unwrap();
    assert_eq!(json["lr"].as_array().map(Vec::len), Some(200));
}

#[test]
fn completions_and_manual_pages() {
    let bench = Bench::new();
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        assert!(bench.run(&format!("completions {shell}")).out.contains("range-test"), "{shell}");
    }
    assert!(bench.run("man").out.contains(".TH stepsize"));
    assert!(bench.run("man find").out.contains("price\\-per\\-hour"));
    assert_eq!(bench.run("man fnid").code, Some(2));
}

#[test]
fn help_has_the_reference_of_schedules_controllers_codes_and_exit_codes() {
    let bench = Bench::new();
    for (topic, holds) in [
        ("schedules", "one_cycle(steps, rise, div, final_div, cosine, linear, three_phase)"),
        ("controllers", "plateau_torch(patience="),
        ("codes", "LR001  diverged (error)"),
        ("exit-codes", "130  interrupted"),
    ] {
        let seen = bench.run(&format!("help {topic}"));
        assert_eq!((seen.code, seen.err.as_str()), (Some(0), ""));
        assert!(seen.out.contains(holds), "{}", seen.out);
        assert!(seen.out.lines().all(|line| line.chars().count() <= 88), "{}", seen.out);
    }
    assert_eq!(bench.run("help find").code, Some(0));
    assert_eq!(bench.run("help codez").code, Some(2));
}
