#![allow(clippy::unwrap_used, clippy::panic)]

use super::*;
use crate::{Event, Schedule, VERSION};

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn question(kind: QuestionKind) -> Question {
    let job = Job::new(400, Schedule::parse("cosine", 400).unwrap(), u64::MAX).unwrap();
    Question { kind, pruner: None, task: "digits".into(), job }
}

fn find(budget: Option<f64>) -> QuestionKind {
    QuestionKind::Find { probe: FindProbe::Race, start: Some(lr(0.05)), budget, low: None, high: None }
}

fn sweep(rates: SweepRates, trial_steps: Option<u64>) -> QuestionKind {
    QuestionKind::Sweep {
        rates,
        low: lr(0.012345),
        high: lr(1.0),
        widen: false,
        seeds: 2,
        trial_steps,
        budget: Some(30.0),
    }
}

fn range_test() -> QuestionKind {
    let rule = "lightning".parse().unwrap();
    let (low, high) = (lr(1e-3), lr(10.0));
    QuestionKind::RangeTest { rule, linear: true, low, high, trial_steps: 30, short_trials: false, budget: None }
}

fn compare() -> QuestionKind {
    let fixed = Way {
        name: "fixed".into(),
        family: Family::Fixed,
        schedule: Schedule::constant(),
        controller: None,
        optimizer: None,
        unit: None,
    };
    let plateau = "plateau(patience=4, factor=0.5, undo=0)".parse().unwrap();
    let watched =
        Way { name: "plateau / 2".into(), family: Family::Feedback, controller: Some(plateau), ..fixed.clone() };
    let (only, ways) = (vec!["plateau".to_owned()], vec![fixed, watched]);
    QuestionKind::Compare { low: lr(0.01), high: lr(1.0), per_decade: 1, seeds: 3, only, ways, searches: true }
}

fn all() -> Vec<Question> {
    let kinds = [
        find(None),
        find(Some(0.6)),
        sweep(SweepRates::PerDecade(2), None),
        sweep(SweepRates::Random(7), Some(50)),
        range_test(),
        compare(),
        QuestionKind::Words("my own".into()),
    ];
    let ruled = |kind: &QuestionKind| Question { pruner: Some(PrunerKind::OneSided), ..question(kind.clone()) };
    kinds.iter().map(ruled).chain(kinds.iter().cloned().map(question)).collect()
}

#[test]
fn every_question_comes_back_from_the_first_event_as_it_went() {
    for question in all() {
        let event = Event::Study { version: VERSION, question };
        assert_eq!(Event::from_json(&event.to_json()).unwrap(), event, "{}", event.to_json());
    }
}

#[test]
fn the_text_is_what_a_person_would_type() {
    let texts: Vec<String> = all().iter().map(Question::to_string).collect();
    assert_eq!(texts[1], "find --probe race --start 0.05 --budget 0.6 --pruner one-sided");
    assert_eq!(texts[10], "sweep --random 7 --low 0.0123 --high 1.00 --seeds 2 --trial-steps 50 --budget 30");
    assert_eq!(texts[11], "range-test --rule lightning --linear --low 0.00100 --high 10.0 --trial-steps 30");
    assert_eq!(texts[12], "compare --low 0.0100 --high 1.00 --per-decade 1 --seeds 3 --ways plateau");
    assert_eq!(texts[13], "my own");
}

#[test]
fn every_question_but_one_in_words_has_a_probe() {
    for question in all() {
        match (&question.kind, question.probe()) {
            (QuestionKind::Words(_), Err(error)) => assert!(error.to_string().contains("my own"), "{error}"),
            (QuestionKind::Words(_), Ok(_)) => panic!("{question}"),
            (_, probe) => assert!(!probe.unwrap().ask(&[]).unwrap().is_empty(), "{question}"),
        }
    }
}

#[test]
fn the_pruner_that_is_asked_for_replaces_that_of_the_probe() {
    let pruned = |pruner| Question { pruner, ..question(find(None)) }.probe().unwrap().pruner().is_some();
    assert_eq!([None, Some(PrunerKind::None), Some(PrunerKind::Median)].map(pruned), [true, false, true]);
}

#[test]
fn equal_questions_pass_and_others_name_every_field_that_differs() {
    for (i, asked) in all().iter().enumerate() {
        for (j, recorded) in all().iter().enumerate() {
            assert_eq!(asked.check(recorded).is_ok(), i == j, "{asked} against {recorded}");
        }
    }
    let recorded = question(find(Some(0.6)));
    let mut asked = Question { pruner: Some(PrunerKind::Median), ..question(find(None)) };
    asked.job.steps = 300;
    let error = asked.check(&recorded).unwrap_err();
    assert!(error.is_state());
    let lines: Vec<String> = error.to_string().lines().skip(1).map(|line| line.trim().to_owned()).collect();
    let differ = ["budget: 0.6", "now: not set", "pruner: not set", "now: median", "steps: 400", "now: 300"];
    for line in differ {
        assert!(lines.iter().any(|l| l == line), "{line} is not in {error}");
    }
    assert_eq!(lines.len(), differ.len(), "{error}");
    // To the last digit, though the text has three of them.
    let QuestionKind::Sweep { rates, widen, seeds, trial_steps, budget, high, .. } = sweep(SweepRates::Random(7), None)
    else {
        panic!()
    };
    let near = QuestionKind::Sweep { rates, low: lr(0.012346), high, widen, seeds, trial_steps, budget };
    let error = question(near).check(&question(sweep(SweepRates::Random(7), None))).unwrap_err().to_string();
    assert!(error.contains("low: 0.012345\n    now: 0.012346"), "{error}");
}

/// As `stepsize` wrote it before version 2 of the event format.
const VERSION_1: [&str; 4] = [
    "find --probe race --start 0.05 --max-cost 0.6",
    "sweep --random 7 --low 0.0123 --high 1.00 --seeds 2 --max-cost 30",
    "range-test --rule lightning --linear --low 0.00100 --high 10.0 --iterations 30",
    "compare --low 0.0100 --high 1.00 --per-decade 1 --seeds 3 --ways plateau",
];

#[test]
fn a_question_of_version_1_is_continued_with_the_same_question_only() {
    let kinds = [find(Some(0.6)), sweep(SweepRates::Random(7), None), range_test(), compare()];
    for (i, kind) in kinds.into_iter().enumerate() {
        let plain = question(kind);
        let ruled = Question { pruner: Some(PrunerKind::Median), ..plain.clone() };
        for (j, text) in VERSION_1.into_iter().enumerate() {
            let recorded = Question::in_words(text, "digits", plain.job.clone());
            assert_eq!(plain.check(&recorded).is_ok(), i == j, "{plain} against {text}");
            assert!(ruled.check(&recorded).is_err());
            let recorded = Question { task: "--kill-rule median digits".into(), ..recorded };
            assert_eq!(ruled.check(&recorded).is_ok(), i == j, "{ruled} against {text}");
        }
    }
    let [grid, fall] = [FindProbe::Sweep, FindProbe::FirstFall].map(|probe| {
        question(QuestionKind::Find { probe, start: None, budget: None, low: None, high: None })
            .of_version_1()
            .to_string()
    });
    assert_eq!((grid.as_str(), fall.as_str()), ("find --probe grid", "find --probe first_fall"));
}
