//! The pruners by name: which runs they end, which they never end, and the trap that two of them
//! are in.
#![allow(clippy::unwrap_used, clippy::panic)] // a test may fail loudly

use stepsize::pruner::PrunerKind;
use stepsize::{End, Lr, Point, Schedule, Trial, TrialId, TrialSpec};

const STEPS: u64 = 270;

/// A run with these losses at equal steps; the last one at its end when `whole`.
fn run(id: u32, lr: f64, losses: &[f64], whole: bool) -> Trial {
    let spec = TrialSpec {
        lr: Lr::new(lr).unwrap(),
        schedule: Schedule::constant(),
        steps: STEPS,
        seed: 0,
        stop_on_divergence: true,
    };
    let mut trial = Trial::new(TrialId(id), spec);
    for (i, &loss) in losses.iter().enumerate() {
        trial.val.push(Point { step: i as u64 * STEPS / 27, lr, loss });
    }
    trial.steps_run = trial.val.last().map_or(0, |p| p.step);
    if whole {
        trial.end = Some(End::Finished);
    }
    trial
}

fn judged(rule: PrunerKind, live: &Trial, settled: &[Trial]) -> bool {
    rule.pruner().unwrap().judge(live, settled).is_some()
}

/// A falling curve that ends at `floor`.
fn falling(floor: f64) -> Vec<f64> {
    (0..=27).map(|i| floor + (2.0 - floor) * (-f64::from(i) / 6.0).exp()).collect()
}

#[test]
fn names_are_read_and_others_are_listed() {
    for rule in PrunerKind::ALL {
        assert_eq!(rule.name().parse::<PrunerKind>().unwrap(), rule);
        assert_eq!(rule.pruner().is_none(), rule == PrunerKind::None);
    }
    let error = "hyperband".parse::<PrunerKind>().unwrap_err().to_string();
    assert!(error.contains("halving") && error.contains("one-sided"), "{error}");
}

#[test]
fn diverging_ends_what_has_risen_to_four_times_its_best() {
    let rule = PrunerKind::Diverging;
    let mut losses = falling(0.5)[..10].to_vec();
    let best = losses[9];
    losses.push(best * 3.9);
    assert!(!judged(rule, &run(0, 0.1, &losses, false), &[]));
    *losses.last_mut().unwrap() = best * 4.1;
    assert!(judged(rule, &run(0, 0.1, &losses, false), &[]));
    // Early on, and where the loss has no zero to be measured from, nothing is said.
    assert!(!judged(rule, &run(0, 0.1, &[0.1, 1.0], false), &[]));
    assert!(!judged(rule, &run(0, 0.1, &[-1.0, -2.0, -1.0, 3.0, 3.0], false), &[]));
}

#[test]
fn median_ends_the_worse_half_once_five_have_finished() {
    let settled: Vec<Trial> =
        [0.1, 0.2, 0.3, 0.4, 0.5].iter().enumerate().map(|(i, f)| run(i as u32, 0.1, &falling(*f), true)).collect();
    let at_half = |floor: f64| run(9, 0.1, &falling(floor)[..14], false);
    assert!(!judged(PrunerKind::Median, &at_half(0.29), &settled));
    assert!(judged(PrunerKind::Median, &at_half(0.31), &settled));
    assert!(!judged(PrunerKind::Median, &at_half(0.31), &settled[..4]), "too few have finished");
    assert!(!judged(PrunerKind::Median, &run(9, 0.1, &[3.0, 3.0, 3.0], false), &settled), "too early");
    // A best that was good once is what counts, as in Optuna.
    let mut fallen = falling(0.2)[..14].to_vec();
    fallen.push(5.0);
    assert!(!judged(PrunerKind::Median, &run(9, 0.1, &fallen, false), &settled));
    // Runs of another length say nothing.
    let short: Vec<Trial> =
        settled.iter().map(|t| Trial { spec: TrialSpec { steps: STEPS / 2, ..t.spec.clone() }, ..t.clone() }).collect();
    assert!(!judged(PrunerKind::Median, &at_half(0.9), &short));
}

#[test]
fn halving_lets_a_third_pass_each_rung_and_judges_only_there() {
    let rule = PrunerKind::Halving;
    let settled: Vec<Trial> = (0..8).map(|i| run(i, 0.1, &falling(0.1 + 0.1 * f64::from(i)), true)).collect();
    // 9 runs seen: the best 3 pass. The rung of 30 steps is the fourth reading.
    assert!(!judged(rule, &run(9, 0.1, &falling(0.25)[..4], false), &settled));
    assert!(judged(rule, &run(9, 0.1, &falling(0.35)[..4], false), &settled));
    assert!(!judged(rule, &run(9, 0.1, &falling(0.35)[..5], false), &settled), "between rungs");
    // The first to come is not held up.
    assert!(!judged(rule, &run(0, 0.1, &falling(5.0)[..4], false), &[]));
    assert!(judged(rule, &run(9, 0.1, &[2.0, 2.0, 2.0, f64::NAN], false), &settled));
}

/// A decaying run: the higher rate is behind in the middle and ahead at the end, as measured on
/// real jobs.
fn decaying(lr: f64) -> Vec<f64> {
    let high = lr > 0.15;
    (0..=27)
        .map(|i| {
            let t = f64::from(i) / 27.0;
            let noise = if high { 0.8 * (1.0 - t) } else { 0.2 * (1.0 - t) };
            let floor = if high { 0.10 } else { 0.30 };
            floor + noise * (1.0 - (-t * 8.0).exp()) + 2.0 * (-t * 12.0).exp()
        })
        .collect()
}

#[test]
fn under_a_decaying_schedule_only_the_one_sided_rule_and_divergence_spare_the_winner() {
    let settled: Vec<Trial> = (0..6).map(|i| run(i, 0.02 + 0.001 * f64::from(i), &decaying(0.02), true)).collect();
    let winner = decaying(0.3);
    assert!(winner[27] < decaying(0.02)[27], "it wins in the end");
    let killed = |rule: PrunerKind| (1..27).any(|n| judged(rule, &run(9, 0.3, &winner[..n], false), &settled));
    for rule in PrunerKind::ALL.into_iter().filter(|r| *r != PrunerKind::None) {
        assert_eq!(killed(rule), rule.is_unsafe_under_decay(), "{}", rule.name());
    }
}

#[test]
fn one_sided_ends_a_lower_rate_that_is_behind_and_never_a_higher_one() {
    let settled = [run(0, 0.4, &falling(0.2), true)];
    let behind = |lr: f64| run(9, lr, &falling(0.9)[..14], false);
    assert!(judged(PrunerKind::OneSided, &behind(0.05), &settled));
    assert!(!judged(PrunerKind::OneSided, &behind(0.3), &settled), "less than two octaves");
    assert!(!judged(PrunerKind::OneSided, &behind(1.6), &settled), "a higher rate may still win");
    // A higher rate that learned quickly, then overfitted, was ahead for a while only.
    let overfitting: Vec<f64> =
        falling(0.2)[..20].iter().copied().chain((0..8).map(|i| 0.4 + 0.2 * f64::from(i))).collect();
    let low = run(9, 0.05, &falling(0.9)[..14], false);
    let ahead = low.val.last().unwrap().loss - overfitting[13];
    assert!(ahead > 0.3 && !judged(PrunerKind::OneSided, &low, &[run(0, 0.4, &overfitting, true)]), "{ahead}");
}
