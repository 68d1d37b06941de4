#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::args::Cli;
use clap::Parser;
use std::path::PathBuf;
use stepsize::probe::RangeTestRule;
use stepsize::{FindProbe, Job, Lr, Schedule};

const QUESTIONS: [&str; 11] = [
    "find --probe race",
    "find --probe opening",
    "find --probe sweep --low 0.01",
    "find --probe random",
    "find --probe descent",
    "find --probe first-fall",
    "find --probe range-test",
    "sweep --per-decade 2 --low 0.01 --high 1 --seeds 2",
    "sweep --random 5 --low 0.01 --high 1 --seeds 2",
    "range-test --rule edge --low 0.01 --high 1",
    "compare --low 0.01",
];

/// Every remedy. The `match` fails to compile when one is added, which then belongs in the list.
fn remedies() -> Vec<Remedy> {
    use Remedy::*;
    let all = vec![
        UseAnyRate,
        LongerRun,
        LongerTrials { at_least: None },
        LongerTrials { at_least: Some(50) },
        MoreSeeds,
        MoreRates,
        LowerRates,
        HigherRates,
        WiderSpan,
        LowerStart,
        HigherStart,
        LargerBudget { at_least: None },
        LargerBudget { at_least: Some(1.5) },
        CountSteps,
        EvaluateOftener { every: 40 },
        LargerBatches,
        CompareFullRuns { seeds: 3 },
        AcceptSteps,
        ReadLoss,
        CheckRateIsUsed,
        SeparateTrials,
        CheckRateScale,
        CheckModelAndData,
        StabilizeTraining,
        Resume,
    ];
    for remedy in &all {
        match remedy {
            UseAnyRate | LongerRun | LongerTrials { .. } | MoreSeeds | MoreRates | LowerRates | HigherRates => {}
            WiderSpan | LowerStart | HigherStart | LargerBudget { .. } | LargerBatches | CompareFullRuns { .. } => {}
            AcceptSteps | ReadLoss | CheckRateIsUsed | SeparateTrials | CheckRateScale | CheckModelAndData => {}
            StabilizeTraining | Resume | CountSteps | EvaluateOftener { .. } | Recorded { .. } => {}
        }
    }
    all
}

/// Types what stands in backticks, with values for the placeholders.
fn type_it(wording: &Wording, text: &str) {
    for (i, part) in text.split('`').enumerate() {
        if i % 2 == 0 {
            assert!(!part.contains("--"), "an option outside backticks: {text}");
            continue;
        }
        let begin = match (part.starts_with("stepsize "), wording.probe) {
            (true, _) => String::new(),
            (false, "" | "opening") => format!("stepsize {} ", wording.verb),
            (false, probe) => format!("stepsize find --probe {probe} "),
        };
        let line = begin + part;
        let value = |word| match word {
            "LR" => "0.01",
            "N" | "RUNS" => "100",
            "NAME" => "mine",
            word => word,
        };
        let words: Vec<&str> = line.split(' ').map(value).collect();
        if let Err(error) = Cli::try_parse_from(&words) {
            panic!("`{line}` cannot be typed: {error}");
        }
    }
}

fn job() -> Job {
    Job::new(400, Schedule::constant(), 0).unwrap()
}

fn asked(words: &str) -> Question {
    Question::in_words(words, "a task", job())
}

/// What a typed question says in words is what an old study recorded, so both get the same advice.
#[test]
fn a_typed_question_gets_the_advice_of_its_words() {
    let (low, high) = (Lr::new(1e-4).unwrap(), Lr::new(1.0).unwrap());
    let find = |probe| QuestionKind::Find { probe, start: None, budget: None, low: None, high: None };
    let sweep =
        |rates| QuestionKind::Sweep { rates, low, high, widen: true, seeds: 2, trial_steps: None, budget: Some(1.0) };
    let range_test = QuestionKind::RangeTest {
        rule: RangeTestRule::Edge,
        linear: false,
        low,
        high,
        trial_steps: 100,
        short_trials: false,
        budget: None,
    };
    let probes = [FindProbe::Race, FindProbe::Sweep, FindProbe::Random, FindProbe::FirstFall, FindProbe::RangeTest];
    let sweeps = [SweepRates::PerDecade(4), SweepRates::Random(10)];
    for kind in probes.map(find).into_iter().chain(sweeps.map(sweep)).chain([range_test]) {
        let typed = Question { kind, pruner: None, task: "a task".into(), job: job() };
        let words = asked(&typed.to_string());
        for remedy in remedies() {
            assert_eq!(Wording::new(&typed, None).words(&remedy), Wording::new(&words, None).words(&remedy), "{words}");
        }
    }
}

#[test]
fn every_option_and_command_that_is_advised_can_be_typed() {
    let there = StudyName { name: "mine", db: Path::new("/tmp/other.db") };
    let here = StudyName { name: "mine", db: Path::new(crate::args::DB) };
    for question in QUESTIONS {
        for study in [None, Some(here), Some(there)] {
            let question = asked(question);
            let wording = Wording::new(&question, study);
            for remedy in remedies() {
                let known = match wording.verb {
                    "compare" => remedy == Remedy::Resume,
                    "sweep" => remedy != Remedy::ReadLoss,
                    "range-test" => remedy != Remedy::MoreSeeds,
                    _ => true,
                };
                if known {
                    type_it(&wording, &wording.words(&remedy));
                }
            }
        }
    }
}

#[test]
fn full_runs_with_several_seeds_are_a_sweep() {
    let question = asked("find --probe race");
    let wording = Wording::new(&question, None);
    let words = wording.words(&Remedy::CompareFullRuns { seeds: 3 });
    assert_eq!(words, "compare full runs with 3 seeds (`stepsize sweep --seeds 3`)");
    assert!(Cli::try_parse_from(["stepsize", "find", "--seeds", "3"]).is_err());
}

#[test]
fn only_a_kept_study_is_said_to_continue() {
    let question = asked("find --probe race");
    let words = |study| Wording::new(&question, study).words(&Remedy::Resume);
    assert!(!words(None).contains("resume") && words(None).contains("`--study NAME`"), "{}", words(None));
    let kept = StudyName { name: "my study", db: Path::new(crate::args::DB) };
    assert_eq!(words(Some(kept)), "continue the study (`stepsize resume 'my study'`)");
}

#[test]
fn old_spellings_still_parse() {
    for line in [
        "find --probe grid --max-cost 3",
        "find --probe range-test",
        "sweep --max-cost 20",
        "range-test --iterations 200 --max-cost 1",
        "find --kill-rule median --steps 9 -- train {lr}",
    ] {
        let words = std::iter::once("stepsize").chain(line.split(' '));
        assert!(Cli::try_parse_from(words).is_ok(), "{line}");
    }
}

/// Product code of a library: no comments, no tests, every string on one line.
fn code_of(library: &str) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(library).join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap_or_default();
                let code: Vec<&str> = text.lines().filter(|l| !l.trim_start().starts_with("//")).collect();
                let mut joined = String::new();
                for line in code {
                    match joined.strip_suffix("\\\n") {
                        Some(begin) => joined = begin.to_owned() + line.trim_start(),
                        None => joined += line,
                    }
                    joined.push('\n');
                }
                found.push((path, joined));
            }
        }
    }
    assert!(!found.is_empty(), "{library}");
    found
}

const LIBRARIES: [&str; 3] = ["stepsize", "stepsize-logs", "stepsize-study"];

#[test]
fn libraries_know_no_options_of_the_command_line() {
    for (path, code) in LIBRARIES.into_iter().flat_map(code_of) {
        // Arguments of Slurm's own programs; and the notation of a question, which old studies
        // recorded.
        if path.ends_with("cluster/slurm.rs") || path.iter().any(|part| part == "question" || part == "question.rs") {
            continue;
        }
        for line in code.lines().map(|l| l.replace("`ray start --head`", "")) {
            let option = line.match_indices("--").find(|(at, _)| line[at + 2..].starts_with(char::is_lowercase));
            assert!(option.is_none(), "{}: {line}", path.display());
        }
    }
}

#[test]
fn every_setting_with_an_option_is_named_by_a_library() {
    let code: String = LIBRARIES.into_iter().flat_map(code_of).map(|(_, code)| code).collect();
    for (setting, option) in OPTIONS {
        assert!(code.contains(setting), "no library says {setting:?}: {option} is never shown");
        let line = match option {
            "--db FILE" => "stepsize show x --db FILE".to_owned(),
            "--on PLACE" => "stepsize find --steps 9 --on slurm -- train {lr}".to_owned(),
            _ if option.starts_with("--cpus") || option.starts_with("--gpus") || option.starts_with("--submit") => {
                format!("stepsize find --steps 9 --on slurm {option} -- train {{lr}}").replace(" N", " 2")
            }
            _ => {
                let line = format!("stepsize find --steps 9 {option} -- train {{lr}}");
                line.replace("TIME", "90s").replace(" LR", " 0.1")
            }
        };
        if let Err(error) = Cli::try_parse_from(line.split(' ')) {
            panic!("`{line}` cannot be typed: {error}");
        }
    }
    assert_eq!(with_options("name another study file; x"), "name another study file (`--db FILE`); x");
}
