//! Studies as an earlier version stored them, with the question as text (version 1 of the event
//! format): they are shown, and continued with the same result.

use crate::harness::Bench;
use serde_json::Value;
use stepsize::Event;
use stepsize_study::{Store, Studies};

/// What each study was begun with, and its events as `stepsize export` wrote them.
const STUDIES: [(&str, &str, &str); 5] = [
    ("found", "find --max-cost 0.6 --start 0.05 --steps 320", include_str!("version_1/found.jsonl")),
    (
        "ruled",
        "find --probe grid --low 0.3 --high 1 --kill-rule median --steps 6",
        include_str!("version_1/ruled.jsonl"),
    ),
    (
        "swept",
        "sweep --low 0.012345 --high 1 --per-decade 1 --seeds 1 --max-cost 7 --steps 8",
        include_str!("version_1/swept.jsonl"),
    ),
    (
        "ramped",
        "range-test --iterations 30 --rule lightning --linear --low 1e-3 --high 10 --steps 40",
        include_str!("version_1/ramped.jsonl"),
    ),
    (
        "compared",
        "compare --ways cosine --seeds 1 --low 1e-2 --high 1 --steps 8",
        include_str!("version_1/compared.jsonl"),
    ),
];
const TASK: &str = "--data wine --model linear --batch-size 16 --jobs 1";

/// A file that holds the study up to the end of its first `trials` trials.
fn stored(name: &str, line: &str, events: &str, trials: usize) -> Bench {
    let bench = Bench::new();
    let command: Vec<String> = format!("{line} {TASK} --study {name}").split(' ').map(str::to_owned).collect();
    let studies = Studies::open(&bench.path("stepsize.db")).unwrap();
    let mut study = studies.study(name, &command, &bench.path("")).unwrap();
    let mut ended = 0;
    for line in events.lines() {
        let event = Event::from_json(line).unwrap();
        study.append(&event).unwrap();
        ended += usize::from(matches!(event, Event::Ended { .. }));
        if ended == trials {
            break;
        }
    }
    study.flush().unwrap();
    bench
}

/// What does not depend on the clock.
/// The events of an export, without the fields that no event has any more.
fn facts(lines: &str) -> Vec<String> {
    lines.lines().map(|line| Event::from_json(line).unwrap().to_json()).collect()
}

/// Takes out what a clock measured, at any depth.
fn without_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| !name.ends_with("seconds"));
            fields.values_mut().for_each(without_times);
        }
        Value::Array(items) => items.iter_mut().for_each(without_times),
        _ => {}
    }
}

fn answer(text: &str) -> Value {
    let mut object: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}: {text}"));
    object.as_object_mut().unwrap().remove("interrupted");
    without_times(&mut object);
    object
}

#[test]
fn they_are_shown_as_they_were_asked() {
    for (name, line, events) in STUDIES {
        let bench = stored(name, line, events, usize::MAX);
        let seen = bench.run(&format!("show {name} --json"));
        assert!(matches!(seen.code, Some(0 | 3)), "{name}: {}", seen.err);
        let asked: Value = serde_json::from_str(events.lines().next().unwrap()).unwrap();
        let shown = answer(&seen.out);
        assert_eq!((&shown["question"], &shown["task"]), (&asked["question"], &asked["task"]), "{name}");
        assert_eq!(shown.get("ways").is_some(), name == "compared", "{name}: a comparison is drawn as one");
        assert!(bench.run("studies").out.contains(asked["question"].as_str().unwrap()), "{name}");
        assert_eq!(facts(&bench.run(&format!("export {name}")).out), facts(events), "{name}");
    }
}

#[test]
fn they_are_continued_with_the_same_result() {
    // The default search plans otherwise since: its studies are shown, not continued.
    for (name, line, events) in STUDIES.into_iter().filter(|study| study.0 != "found") {
        let whole = answer(&stored(name, line, events, usize::MAX).run(&format!("show {name} --json")).out);
        for trials in [1, 3, usize::MAX] {
            let bench = stored(name, line, events, trials);
            let seen = bench.run(&format!("resume {name} --json"));
            assert!(matches!(seen.code, Some(0 | 3)), "{name} after {trials}: {}", seen.err);
            let (mut again, mut whole) = (answer(&seen.out), whole.clone());
            for object in [&mut again, &mut whole] {
                // What is continued is asked, and answered, in the words of today.
                for field in ["question", "task", "why", "advice", "remedies"] {
                    object.as_object_mut().unwrap().remove(field);
                }
            }
            assert_eq!(again, whole, "{name} after {trials}");
            let ended = |events: &str| events.matches("\"event\":\"ended\"").count();
            assert_eq!(ended(&bench.run(&format!("export {name}")).out), ended(events), "{name} after {trials}");
        }
    }
}

#[test]
fn a_default_search_of_another_version_is_kept_and_not_continued() {
    let (name, line, events) = STUDIES[0];
    let bench = stored(name, line, events, usize::MAX);
    let seen = bench.run(&format!("resume {name}"));
    assert!(seen.code == Some(2) && seen.err.contains("another version"), "{}", seen.err);
    assert_eq!(facts(&bench.run(&format!("export {name}")).out), facts(events));
}

#[test]
fn another_question_is_refused_in_the_words_of_both() {
    let (name, line, events) = STUDIES[0];
    let bench = stored(name, line, events, 1);
    let seen = bench.run(&format!("find --start 0.05 --budget 0.5 --steps 320 {TASK} --study {name}"));
    assert_eq!(seen.code, Some(2), "{}", seen.out);
    assert!(seen.err.contains("--max-cost 0.6\n") && seen.err.contains("--max-cost 0.5"), "{}", seen.err);
}
