//! `race`: it finds its way from bad starts, and refuses with the right reason.

use super::*;
use stepsize::Remedy;

/// A loss that depends on `lr * steps` only.
fn progress(spec: &TrialSpec) -> f64 {
    0.3 + 1.7 * (-spec.lr.get() * spec.steps as f64 / 0.4).exp() + 0.002 * draw(spec, 1)
}

#[test]
fn race_goes_down_from_rates_at_which_the_network_is_dead() {
    // Above 0.03 the network dies: its loss is that of a constant guess, a little below that of
    // random weights (or no different at all), and nothing diverges before 100.
    for dead_loss in [1.85, 1.99] {
        let dead = move |spec: &TrialSpec| {
            let last = match spec.lr.get() {
                lr if lr > 100.0 => f64::NAN,
                lr if lr > 0.03 => dead_loss + 0.002 * draw(spec, 2),
                _ => progress(spec),
            };
            (line(last), last)
        };
        for start in [1.0, 0.1, 0.01, 1e-3] {
            let (found, _) = study(&Race::new(job()).starting_at(lr(start)), &dead);
            let rate = found.lr().unwrap_or_else(|| panic!("from {start}: {}", found.why)).get();
            assert!((1e-3..0.05).contains(&rate), "from {start}: {rate}, {}", found.why);
        }
    }
}

#[test]
fn race_goes_up_to_a_cliff() {
    // The loss falls with `lr * steps` alone, in two descents with a plateau between, and training
    // breaks above 0.09. In short runs most rates look alike: only rates next to the cliff go
    // through the second descent.
    let cliff = |spec: &TrialSpec| {
        let moved = spec.lr.get() * spec.steps as f64;
        let last = 0.05 + 1.0 / (1.0 + moved / 0.1) + 0.5 / (1.0 + (moved / 10.0).powi(2)) + 0.002 * draw(spec, 3);
        let last = if spec.lr.get() > 0.09 { f64::NAN } else { last };
        (line(last), last)
    };
    for start in [1.0, 0.1, 0.01, 1e-3] {
        let (found, _) = study(&Race::new(job()).starting_at(lr(start)), &cliff);
        let rate = found.lr().unwrap_or_else(|| panic!("from {start}: {}", found.why)).get();
        assert!((0.015..0.09).contains(&rate), "from {start}: {rate}, {}", found.why);
    }
}

#[test]
fn race_refuses_with_the_right_reason() {
    let race = Race::new(job());
    let flat = |spec: &TrialSpec| (line(2.0), 2.0 + 0.001 * draw(spec, 1));
    assert_eq!(reason(&race, &flat), Reason::Flat);
    let broken = |_: &TrialSpec| (vec![f64::NAN], f64::NAN);
    assert_eq!(reason(&race, &broken), Reason::AllDiverged);
    let ever_better = |spec: &TrialSpec| {
        let last = 1.0 - 0.06 * spec.lr.log2();
        (line(last), last)
    };
    assert_eq!(reason(&race, &ever_better), Reason::AtEdge);
    let ever_worse = |spec: &TrialSpec| {
        let last = 1.9 + 0.06 * spec.lr.log2();
        (line(last), last)
    };
    assert_eq!(reason(&race, &ever_worse), Reason::AtEdge);
    let tiny = Race::new(Job::new(40, Schedule::constant(), 0).unwrap());
    assert_eq!(reason(&tiny, &basin(0.01, 1.0)), Reason::TooShort);
    let none: &[Trial] = &[];
    assert_eq!(race.estimate(none).unwrap().refusal().unwrap().reason, Reason::TooShort);
}

#[test]
fn a_budget_that_is_named_pays_for_longer_trials() {
    // Trials of less than a share of the run learn nothing, at any rate; high ones do harm.
    for late in [0.1, 0.2, 0.4, 0.9, 2.0] {
        let world = move |spec: &TrialSpec| {
            let early = (spec.steps as f64) < late * job().steps as f64;
            let harm = 0.3 * (spec.lr.get() / 0.1).log10().max(0.0);
            let last = if early { 2.0 + 0.001 * draw(spec, 4) } else { basin(0.01, f64::INFINITY)(spec).1 } + harm;
            (line(last), last)
        };
        let (mut race, mut longest) = (Race::new(job()), 0);
        loop {
            let (found, trials) = study(&race, &world);
            let Some(refusal) = found.refusal() else { break };
            let reached = trials.iter().map(|trial| trial.spec.steps).max().unwrap();
            assert!(reached > longest, "late {late}: {} runs buy no longer trials than {longest}", race.max_cost());
            longest = reached;
            let named = refusal.remedies.iter().find_map(|remedy| match remedy {
                Remedy::LargerBudget { at_least } => *at_least,
                _ => None,
            });
            let Some(budget) = named else {
                assert!(late > 0.5 && 2 * longest > job().steps, "late {late}: {} after {longest}", refusal.because);
                break;
            };
            race = Race::new(job()).with_max_cost(budget).unwrap();
        }
    }
}

#[test]
fn race_refuses_noise_after_a_second_seed() {
    let race = Race::new(job());
    let mut slipped = 0;
    for salt in 0..30 {
        // Every rate learns, none better than another beyond the noise between seeds.
        let equal = move |spec: &TrialSpec| (line(1.0), 1.0 + 0.05 * draw(spec, salt + spec.steps));
        let (estimate, done) = study(&race, &equal);
        let Some(refusal) = estimate.refusal() else {
            slipped += 1;
            continue;
        };
        assert_eq!(refusal.reason, Reason::NoiseOnly, "salt {salt}: {}", refusal.because);
        assert!(done.iter().any(|t| t.spec.seed != 0), "salt {salt}: refused on one seed");
    }
    // `noise.rs` has more seeds, and more kinds of noise.
    assert!(slipped <= 3, "{slipped} of 30");
    // Hardly anything learned, and wandering losses: flat or noise.
    let mut slipped = 0;
    for salt in 0..30 {
        let wander = move |spec: &TrialSpec| (line(2.0), 1.9 + 0.1 * draw(spec, salt + spec.steps));
        match study(&race, &wander).0.refusal() {
            Some(refusal) => {
                assert!(matches!(refusal.reason, Reason::NoiseOnly | Reason::Flat), "salt {salt}: {}", refusal.because)
            }
            None => slipped += 1,
        }
    }
    assert!(slipped <= 3, "{slipped} of 30");
    // A basin is no noise, however flat, where the seeds agree.
    let flat_basin = |spec: &TrialSpec| {
        let last = 1.0 + 0.02 * (spec.lr.get() / 0.01).log10().powi(2) + 0.0005 * draw(spec, 1);
        (line(last), last)
    };
    let (found, _) = study(&race, &flat_basin);
    assert!(found.lr().is_some(), "{}", found.why);
}

/// A program that evaluates after `first` steps, and every `every` steps from there.
fn evaluated(first: u64, every: u64) -> impl Fn(&TrialSpec, &[Trial]) -> Trial {
    move |spec, done| {
        let mut trial = run(spec, done.len() as u32, &|spec| {
            let last = progress(spec);
            (line(last), last)
        });
        let whole = progress(spec);
        let at = |step: u64| 2.0 + (whole - 2.0) * step as f64 / spec.steps as f64;
        let point = |step| Point { step, lr: spec.lr.get(), loss: at(step) };
        trial.val = (first..=spec.steps).step_by(every as usize).map(point).collect();
        trial
    }
}

#[test]
fn longer_trials_end_where_a_loss_is_printed_that_is_counted_from_zero() {
    // Printed after 1, 11, 21 ... of 100 steps: trials of 24 steps are read near their ends, one of
    // 48 is not, which shows where the next may end.
    let job = Job::new(100, Schedule::constant(), 0).unwrap().with_own_schedule();
    let race = Race::new(job).with_max_cost(2.0).unwrap();
    let (found, done) = searched(&race, evaluated(1, 10));
    assert!(found.lr().is_some(), "{}", found.why);
    let unread = |t: &&Trial| t.val.last().is_none_or(|p| 10 * (t.spec.steps - p.step) > t.spec.steps);
    assert_eq!(done.iter().filter(unread).map(|t| t.spec.steps).collect::<Vec<_>>(), [48]);
}

#[test]
fn race_reads_no_loss_from_before_the_end_of_a_trial() {
    // A sixteenth of the run is 62 steps: the next trials end where the program evaluates.
    let race = Race::new(job()).with_max_cost(1.0).unwrap();
    let (found, done) = searched(&race, evaluated(0, 50));
    assert!(
        done[2..].iter().all(|t| t.spec.steps % 50 == 0),
        "{:?}",
        done.iter().map(|t| t.spec.steps).collect::<Vec<_>>()
    );
    assert!(found.lr().is_some(), "{}", found.why);
    // It evaluates more rarely than trials can be long, which longer ones show.
    let (found, done) = searched(&race, evaluated(0, 400));
    let refusal = found.refusal().unwrap();
    assert_eq!(refusal.reason, Reason::TooShort, "{}", refusal.because);
    assert_eq!(done.iter().map(|t| t.spec.steps).collect::<Vec<_>>(), [62, 62, 124, 248]);
    assert!(refusal.remedies.contains(&Remedy::EvaluateOftener { every: 62 }), "{:?}", refusal.remedies);
}

#[test]
fn race_learns_from_a_longer_trial_how_often_a_silent_program_prints_its_loss() {
    let silent = |every: u64| {
        move |spec: &TrialSpec, done: &[Trial]| {
            let rate = spec.lr.get();
            let whole = 0.3 + 1.7 * (-rate * spec.steps as f64 / 20.0).exp() + (rate / 0.9).powi(2);
            let mut trial = run(spec, done.len() as u32, &move |_| (Vec::new(), whole));
            let at = |step: u64| 2.0 + (whole - 2.0) * step as f64 / spec.steps as f64;
            let point = |step: u64| Point { step, lr: spec.lr.get(), loss: at(step) };
            trial.val = (1..=spec.steps / every).map(|i| point(i * every)).collect();
            trial
        }
    };
    // Whether one reading a trial tells a rate from noise is another matter.
    let too_short = |found: &Estimate| found.refusal().is_some_and(|refusal| refusal.reason == Reason::TooShort);
    for (every, budget) in [(100, 0.75), (250, 2.0)] {
        let race = Race::new(job()).with_max_cost(budget).unwrap();
        let (found, done) = searched(&race, silent(every));
        let lengths: Vec<u64> = done.iter().map(|t| t.spec.steps).collect();
        assert!(!too_short(&found), "{every}: {} {lengths:?}", found.why);
        let told: Vec<u64> = lengths.iter().copied().skip_while(|n| n % every != 0).collect();
        assert!(told.len() > 2 && told.iter().all(|n| n % every == 0), "{every}: {lengths:?}");
        assert!(job().cost_runs(&done) <= budget, "{lengths:?}");
    }
    // A refusal names a budget that suffices.
    let race = Race::new(job()).with_max_cost(0.625).unwrap();
    let (found, done) = searched(&race, silent(240));
    let refusal = found.refusal().unwrap();
    assert!(refusal.because.contains("once in 248 of 1000 steps"), "{}", refusal.because);
    let budget = refusal.remedies.iter().find_map(|r| match r {
        Remedy::LargerBudget { at_least } => *at_least,
        _ => None,
    });
    let (found, _) = searched(&Race::new(job()).with_max_cost(budget.unwrap()).unwrap(), silent(240));
    assert!(!too_short(&found), "{budget:?} after {} trials: {}", done.len(), found.why);
}

#[test]
fn the_budget_is_never_exceeded_and_one_that_cannot_answer_is_refused_at_once() {
    for budget in [0.25, 0.4, 0.625, 1.0, 2.0, 3.0, 5.0] {
        for world in [&basin(0.01, 1.0) as &World, &|spec: &TrialSpec| (line(progress(spec)), progress(spec))] {
            let race = Race::new(job()).with_max_cost(budget).unwrap();
            let (_, done) = study(&race, world);
            assert!(job().cost_runs(&done) <= budget + 1e-9, "{budget}: {}", job().cost_runs(&done));
        }
    }
    let small = Race::new(job()).with_max_cost(0.1).unwrap();
    assert!(small.clone().affordable().unwrap_err().to_string().contains("0.25"));
    assert!(small.ask(&[]).unwrap().is_empty());
    // A long run begins with a sixty-fourth.
    let long = Job::new(20_000, Schedule::constant(), 0).unwrap();
    assert!(Race::new(long).with_max_cost(0.1).unwrap().affordable().is_ok());
    // The work does not grow with the number of steps.
    let endless = Job::new(1_000_000_000_000, Schedule::parse("cosine", 1_000_000_000_000).unwrap(), 0).unwrap();
    assert_eq!(Race::new(endless).ask(&[]).unwrap().len(), 2);
}

#[test]
fn a_start_far_too_high_is_no_obstacle() {
    let race = Race::new(job()).starting_at(lr(1e10)).with_max_cost(2.0).unwrap();
    let (found, _) = study(&race, &basin(0.01, 1.0));
    assert!((found.lr().unwrap().get() / 0.01).log10().abs() < 0.5, "{}", found.why);
}

#[test]
fn on_a_smooth_job_without_noise_four_runs_come_within_a_quarter_octave() {
    // A left wall in `lr * steps`, and a right one that does not move: the best rate falls with the
    // length, so that short runs alone would leave the answer too high.
    let loss = |x: f64, steps: f64| 0.2 + 1.8 / (1.0 + x.exp2() * steps / 0.5) + 0.1 * (x + 3.0).exp2();
    let best = (-1600..0).map(|i| f64::from(i) / 100.0).min_by(|a, b| loss(*a, 1000.0).total_cmp(&loss(*b, 1000.0)));
    let smooth = move |spec: &TrialSpec| {
        let last = loss(spec.lr.log2(), spec.steps as f64);
        (line(last), last)
    };
    for start in [1.0, 0.01, 1e-4] {
        let race = Race::new(job()).starting_at(lr(start)).with_max_cost(4.0).unwrap();
        let (found, _) = study(&race, &smooth);
        let off = found.lr().unwrap().log2() - best.unwrap();
        assert!(off.abs() <= 0.26, "from {start}: {off} octaves off");
    }
}

#[test]
fn settled_evidence_ends_the_search() {
    // From 2 to 0.02: rates within a factor of three of the best keep 98 % of the gain. Where
    // seeds differ by half of the loss that is left, there is still much of that to lose.
    let cost = |noise: f64| {
        let basin = move |spec: &TrialSpec| {
            let decades = (spec.lr.get() / 0.01).log10();
            let last = 0.02 + (1.9 * (decades / 1.5).powi(4)).min(1.9) + noise * draw(spec, 1);
            (line(last), last)
        };
        let (found, done) = study(&Race::new(job()).with_max_cost(6.0).unwrap(), &basin);
        found.why.contains("ended before its budget").then(|| job().cost_runs(&done))
    };
    assert!(cost(0.0001).is_some_and(|cost| cost < 5.5) && cost(0.01).is_none());
}
