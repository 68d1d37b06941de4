//! Sweeps of made curves.

use super::*;
use crate::diagnosis::{Facts, Series, diagnose};

fn run(lr: f64, end: f64) -> Record {
    let curve = (0..60).map(|i| (f64::from(i), end + (2.3 - end) * (-f64::from(i) / 6.0).exp()));
    Record { loss: Series::new(curve), facts: Facts { lr: Some(lr), ..Facts::default() }, ..Record::default() }
}

fn sweep(runs: &[(f64, f64)]) -> Option<Sweep> {
    let records: Vec<Record> = runs.iter().map(|(lr, end)| run(*lr, *end)).collect();
    let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
    Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>())
}

#[test]
fn a_sweep_finds_its_vertex_and_what_diverged() {
    let s = sweep(&[(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4), (1.0, 0.9), (10.0, 9.0)]).unwrap();
    assert_eq!((s.best, s.outermost, s.divergence), (1e-1, None, Some(10.0)));
    assert!(s.vertex > 0.02 && s.vertex < 0.11, "{}", s.vertex);
    let (low, high) = s.interval.unwrap();
    assert!(low < 0.1 && high > 0.03 && low < high);
    assert_eq!(s.verdict(1e-3, false).0, Placement::TooLow);
    assert_eq!(s.verdict(1.0, false).0, Placement::TooHigh);
    assert!(s.tolerance > 0.1 && s.tolerance < 4.0, "{}", s.tolerance);
}

#[test]
fn an_edge_is_said_and_left() {
    let s = sweep(&[(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4)]).unwrap();
    assert_eq!(s.outermost, Some(Side::High));
    assert!(s.next_lr > 0.2 && s.finding(0.1).code == Code::SweepEdge);
    // Whether the outermost rate is good is not known; that the lowest is too low is.
    assert_eq!(s.verdict(0.1, false), (Placement::Unknown, 0.0));
    assert_eq!(s.verdict(1e-3, false).0, Placement::TooLow);
    assert_eq!(sweep(&[(1e-3, 0.2), (1e-2, 0.5), (1e-1, 0.6)]).unwrap().outermost, Some(Side::Low));
    assert!(sweep(&[(1e-3, 1.0), (1e-2, 0.5)]).is_none());
}

#[test]
fn logs_of_the_highest_rates_that_end_early_are_of_runs_that_broke() {
    let mut records: Vec<Record> = [(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4)].map(|(lr, end)| run(lr, end)).into();
    let short = |lr: f64| Record { loss: Series::new([(0.0, 2.3), (1.0, 2.3)]), ..run(lr, 1.0) };
    let judge = |records: &[Record]| {
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap()
    };
    // One may still go on.
    records.push(short(1.0));
    assert_eq!(judge(&records).ended_early, None);
    records.push(short(10.0));
    let s = judge(&records);
    assert_eq!((s.ended_early, s.divergence, s.outermost), (Some(1.0), Some(1.0), None));
    assert!(s.verdict(10.0, false) == (Placement::Diverged, 0.7) && s.because.contains("end early"), "{}", s.because);
    // Where slow runs were ended too, something else ended them.
    records.push(short(1e-4));
    assert_eq!(judge(&records).ended_early, None);
}

#[test]
fn the_slowest_run_shows_the_untrained_loss() {
    let curve = |lr: f64, f: &dyn Fn(f64) -> f64| Record {
        loss: Series::new((1..40).map(|i| (f64::from(i), f(f64::from(i))))),
        facts: Facts { lr: Some(lr), ..Facts::default() },
        ..Record::default()
    };
    let falling = |end: f64| move |t: f64| end + (2.3 - end) * (-t / 6.0).exp();
    let records = [
        curve(1e-4, &|_| 2.3),
        curve(1e-2, &falling(0.6)),
        curve(1e-1, &falling(0.4)),
        curve(1.0, &|t| 2.8 + 0.3 * (9.7 * t).sin()),
    ];
    let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
    let s = Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap();
    assert_eq!((s.verdict(1.0, false).0, s.verdict(0.1, false).0), (Placement::Diverged, Placement::Good));
}

#[test]
fn runs_without_a_loss_are_compared_by_their_score() {
    let run = |lr: f64, end: f64| Record {
        score: Series::new((0..20).map(|i| (f64::from(i), end * f64::from(i) / 19.0))),
        facts: Facts { lr: Some(lr), ..Facts::default() },
        ..Record::default()
    };
    let records = [run(1e-3, 0.1), run(1e-2, 0.6), run(1e-1, 0.9), run(1.0, 0.2)];
    let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
    let s = Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap();
    assert_eq!((s.best, s.by), (0.1, By::Score));
    assert!(s.because.contains("0.1 ended with the highest score"), "{}", s.because);
    let verdicts = [1e-3, 1e-1, 1.0].map(|lr| s.verdict(lr, false).0);
    assert_eq!(verdicts, [Placement::TooLow, Placement::Good, Placement::TooHigh]);
}

#[test]
fn a_sweep_of_which_no_rate_learned_says_so() {
    let run = |lr: f64, f: &dyn Fn(f64) -> f64| Record {
        loss: Series::new((1..40).map(|i| (f64::from(i), f(f64::from(i))))),
        facts: Facts { lr: Some(lr), ..Facts::default() },
        ..Record::default()
    };
    let dead = |high: f64| move |t: f64| if t < 6.0 { high - 0.1 * t } else { 10f64.ln() };
    let compare = |records: &[Record]| {
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        Sweep::compare(&records.iter().zip(&seen).collect::<Vec<_>>())
    };
    let s = compare(&[run(1.0, &dead(2.3)), run(3.0, &dead(4.0)), run(10.0, &dead(64.0))]).unwrap();
    assert!(s.dead && s.next_lr <= 0.1, "{s:?}");
    assert!([1.0, 3.0, 10.0].iter().all(|lr| s.verdict(*lr, false).0 == Placement::TooHigh));
    assert_eq!((s.finding(3.0).code, s.advice().contains("too high")), (Code::SweepDead, true));
    // All diverged.
    let s = compare(&[1.0, 3.0, 10.0].map(|lr| run(lr, &|t| if t > 2.0 { f64::NAN } else { 2.3 }))).unwrap();
    assert!(s.dead && s.verdict(3.0, true).0 == Placement::Diverged, "{s:?}");
    // Rates that hardly move the loss: nothing says on which side they lie.
    let why = compare(&[1e-6, 1e-5, 1e-4].map(|lr| run(lr, &|t| 2.41 - 1e-4 * t))).unwrap_err();
    assert!(why.contains("none of the runs learned"), "{why}");
}

#[test]
fn losses_and_scores_that_disagree_are_both_told() {
    let run = |lr: f64, loss: f64, score: f64| Record {
        score: Series::new((0..20).map(|i| (f64::from(i), score * (0.5 + f64::from(i) / 38.0)))),
        ..self::run(lr, loss)
    };
    let rows = [
        (1e-4, 0.26, 0.90),
        (3e-4, 0.31, 0.91),
        (1e-3, 0.5, 0.925),
        (3e-3, 0.65, 0.94),
        (1e-2, 0.75, 0.91),
        (3e-2, 1.2, 0.8),
    ];
    let records: Vec<Record> = rows.iter().map(|(lr, loss, score)| run(*lr, *loss, *score)).collect();
    let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
    let s = Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap();
    assert_eq!((s.best, s.best_by_score), (1e-4, Some(3e-3)));
    assert!(s.because.contains("disagree") && s.advice().contains("0.003"), "{} {}", s.because, s.advice());
    // Between the two no rate is wrong, and nothing is sure.
    assert!([3e-4, 1e-3].iter().all(|lr| s.verdict(*lr, false) == (Placement::Unknown, 0.0)));
    assert_eq!(s.verdict(3e-2, false).0, Placement::TooHigh);
}

#[test]
fn rates_are_given_as_they_were_written() {
    for lr in [7e-4, 1e-3, 0.003, 0.3] {
        let s = sweep(&[(lr / 100.0, 1.0), (lr / 10.0, 0.6), (lr, 0.4), (lr * 10.0, 0.8), (lr * 100.0, 1.1)]).unwrap();
        assert_eq!(s.best, lr);
        let digits = |v: f64| format!("{v:e}").split('e').next().map_or(0, |d| d.replace('.', "").len());
        assert!(digits(s.vertex) <= 3 && s.interval.is_some_and(|(a, b)| digits(a) <= 3 && digits(b) <= 3), "{s:?}");
    }
}

#[test]
fn a_sweep_that_cannot_be_formed_says_why() {
    let compare = |records: &[Record]| {
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        Sweep::compare(&records.iter().zip(&seen).collect::<Vec<_>>()).unwrap_err()
    };
    assert!(compare(&[run(0.1, 0.5), run(0.3, 0.4)]).contains("needs 3 rates"));
    let mut nameless = run(0.1, 0.4);
    nameless.facts.lr = None;
    assert!(compare(&[run(0.1, 0.5), run(0.3, 0.4), nameless]).contains("rate of 1 runs is not known"));
}

#[test]
fn runs_that_broke_below_a_rate_that_trained_are_not_compared() {
    let mut records: Vec<Record> =
        [(1e-3, 1.0), (1e-2, 0.5), (1e-1, 0.4), (1.0, 0.9)].map(|(lr, end)| run(lr, end)).into();
    let judge = |records: &[Record]| {
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        Sweep::compare(&records.iter().zip(&seen).collect::<Vec<_>>())
    };
    let broken = |lr: f64| {
        let curve = (0..60).map(|i| (f64::from(i), if i > 20 { f64::NAN } else { 2.3 }));
        Record { loss: Series::new(curve), ..run(lr, 1.0) }
    };
    // One of three may be an accident; it is told so.
    records[0] = broken(1e-3);
    let (sweep, mut own) = (judge(&records).unwrap(), diagnose(&records[0]));
    sweep.settle(&records[0], &mut own);
    assert!(own.findings[0].advice.contains("the rate alone did not break it"), "{}", own.findings[0].advice);
    records[1] = broken(1e-2);
    let why = judge(&records).unwrap_err();
    assert!(why.starts_with("2 of the 2 rates below 0.1 diverged"), "{why}");
}

#[test]
fn games_are_compared_by_their_scores_only() {
    let game = |lr: f64, end: f64, score: Option<f64>| {
        let mut record = run(lr, end);
        record.facts.game = true;
        record.score =
            Series::new(score.into_iter().flat_map(|s| (0..20).map(move |i| (3.0 * f64::from(i), s * f64::from(i)))));
        record
    };
    let judge = |scores: [Option<f64>; 4]| {
        let rates = [(1e-3, 1.0), (1e-2, 0.9), (1e-1, 0.5), (1.0, 0.2)];
        let records: Vec<Record> = rates.iter().zip(scores).map(|((lr, end), s)| game(*lr, *end, s)).collect();
        let seen: Vec<Diagnosis> = records.iter().map(diagnose).collect();
        Sweep::compare(&records.iter().zip(&seen).collect::<Vec<_>>())
    };
    assert!(judge([None; 4]).unwrap_err().contains("a game"));
    let made = judge([Some(1.0), Some(3.0), Some(2.0), Some(0.5)]).unwrap();
    assert_eq!((made.best, made.by), (1e-2, By::Score));
}
