//! Text for terminals of several widths.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use stepsize::probe::{Grid, Probe};
use stepsize::{End, Event, Job, Lr, Question, Report, Schedule, TrialId, fold};
use stepsize_draw::show::{self, Style};

/// A sweep of a long job with an answer, an interval and a rate that diverges.
fn report() -> Report {
    let job = Job::new(120_000, Schedule::constant(), 0).unwrap();
    let grid = Grid::new(job.clone(), Lr::new(0.0001).unwrap(), Lr::new(1.0).unwrap(), 3).unwrap();
    let mut events = Vec::new();
    for (i, spec) in grid.ask(&[]).unwrap().into_iter().enumerate() {
        let (trial, lr) = (TrialId(i as u32), spec.lr.get());
        let end = match lr > 0.5 {
            true => End::Diverged { step: 9, why: "made up".to_owned() },
            false => End::Finished,
        };
        events.push(Event::Started { trial, spec });
        for (step, val_loss) in [(0, 2.0), (120_000, 0.5 + (lr / 0.02).ln().powi(2) / 20.0)] {
            events.push(Event::Eval { trial, step, lr, val_loss, score: None });
        }
        events.push(Event::Ended { trial, end, steps: 120_000, seconds: Some(4.0) });
    }
    let trials: Vec<_> = fold(&events).into_values().collect();
    let task = "a made-up task with a description of some length, 120 000 steps each, and batches of 64";
    Report::new(&Question::in_words("sweep", task, job), &grid.estimate(&trials).unwrap(), &trials)
}

#[test]
fn no_line_is_wider_than_the_terminal_and_no_number_is_broken() {
    let report = report();
    for columns in [60, 80, 88, 120] {
        for colour in [false, true] {
            let text = show::report(&report, Style { colour, columns, ascii: false });
            let plain = text.split('\u{1b}').enumerate().map(|(i, part)| match i {
                0 => part,
                _ => part.split_once('m').unwrap().1,
            });
            let plain: String = plain.collect();
            assert!(plain.lines().all(|line| line.chars().count() <= columns), "{columns} columns:\n{plain}");
            assert!(plain.contains("x┊ diverges"), "{plain}");
            let ascii = show::report(&report, Style { colour, columns, ascii: true });
            assert!(ascii.is_ascii() && ascii.contains("x: diverges"), "{ascii}");
            assert!(!plain.lines().any(|line| line.ends_with(" 120") || line.ends_with("(120")), "{plain}");
        }
    }
}
