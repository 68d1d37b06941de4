//! Comparisons on the noisy quadratic, whose losses are exact.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use std::ops::ControlFlow;
use stepsize::compare::{Cell, Compared, Comparison, Family, Part, Row, Way};
use stepsize::probe::Probe;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Job, Lr, Policy, Schedule, Trial, TrialId, TrialSpec, evaluation_steps, fold, train};

const STEPS: u64 = 960;

fn lr(value: f64) -> Lr {
    Lr::new(value).unwrap()
}

fn way(name: &str, family: Family, schedule: &str) -> Way {
    let schedule = Schedule::parse(schedule, STEPS).unwrap();
    Way { name: name.into(), family, schedule, controller: None, optimizer: None, unit: None }
}

fn comparison() -> Comparison {
    comparison_of(STEPS)
}

/// The same of runs of `steps` steps.
fn comparison_of(steps: u64) -> Comparison {
    let mut free = way("free", Family::Free, "linear");
    free.unit = Some(lr(1.0));
    let mut halved = way("plateau / 2", Family::Feedback, "constant");
    halved.controller = Some("plateau(patience=4, factor=0.5, undo=0)".parse().unwrap());
    let ways = vec![
        way("fixed", Family::Fixed, "constant"),
        way("linear", Family::Decay, "linear"),
        way("triangular", Family::Cycle, "triangular(120)"),
        halved,
        free,
    ];
    let rates = Lr::log_space(lr(1e-3), lr(10.0), 1).unwrap();
    let job = Job::new(steps, Schedule::parse("linear", steps).unwrap(), 3).unwrap();
    Comparison::new(job, ways, rates, 2).unwrap()
}

fn run(comparison: &Comparison, id: TrialId, spec: &TrialSpec, noise: f64) -> Trial {
    let planned = comparison.planned().unwrap();
    let mut policy = Policy::new(spec.lr, spec.schedule.clone());
    if let Some((Part::Valley(i), _)) = planned.get(id.0 as usize)
        && let Some(controller) = &comparison.ways()[*i].controller
    {
        policy = policy.with_controller(controller.build(spec.lr).unwrap());
    }
    let mut engine = NoisyQuadratic::new().with_reading_noise(noise, spec.seed);
    let mut events = vec![stepsize::Event::Started { trial: id, spec: spec.clone() }];
    train(&mut engine, id, spec, &mut policy, &evaluation_steps(spec.steps, 40), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    })
    .unwrap();
    fold(&events).remove(&id).unwrap()
}

/// All trials, and the sizes of the batches.
fn all(comparison: &Comparison) -> (Vec<Trial>, Vec<usize>) {
    all_with(comparison, 0.002)
}

fn all_with(comparison: &Comparison, noise: f64) -> (Vec<Trial>, Vec<usize>) {
    let (mut done, mut batches) = (Vec::new(), Vec::new());
    loop {
        let specs = comparison.ask(&done).unwrap();
        if specs.is_empty() {
            return (done, batches);
        }
        batches.push(specs.len());
        assert!(batches.len() < 100, "a comparison does not end");
        for spec in specs {
            let id = TrialId(done.len() as u32);
            done.push(run(comparison, id, &spec, noise));
        }
    }
}

fn row<'a>(compared: &'a Compared, name: &str) -> &'a stepsize::compare::Row {
    compared.rows.iter().find(|r| r.name == name).unwrap()
}

#[test]
fn every_way_has_the_same_steps_and_searches_pay_out_of_them() {
    let comparison = comparison();
    let (done, batches) = all(&comparison);
    let planned = comparison.planned().unwrap();
    assert_eq!(batches[0], planned.len());
    for (trial, (part, _)) in done.iter().zip(&planned) {
        let steps = match part {
            Part::Valley(_) => STEPS,
            Part::Decades => STEPS / 3,
            Part::Grid => STEPS / 5,
        };
        assert_eq!(trial.spec.steps, steps, "{part:?}");
    }
    // What is searched for and run afterwards adds up to the same for each seed and search.
    let after = &done[planned.len()..];
    let finals: Vec<&Trial> = after.iter().filter(|t| t.spec.steps > STEPS / 4).collect();
    assert_eq!(finals.len(), 2 * 2, "two searches with two seeds");
    let spent: u64 = after.iter().map(|t| t.steps_run).sum();
    let cut: u64 = finals.iter().map(|t| t.spec.steps - t.steps_run).sum();
    assert_eq!(spent + cut, 2 * 2 * STEPS);
    let compared = comparison.compared(&done).unwrap();
    assert_eq!(compared.spent, done.iter().map(|t| t.steps_run).sum::<u64>());
    let share = row(&compared, "find").search_share.unwrap();
    assert!(share > 0.1 && share < 0.4, "{share}");
}

#[test]
fn the_table_holds_what_the_trials_say() {
    let comparison = comparison();
    let (done, _) = all(&comparison);
    let compared = comparison.compared(&done).unwrap();
    let fixed = row(&compared, "fixed");
    assert_eq!(fixed.cells.len(), 5);
    assert_eq!(fixed.cells[4].mean, None, "10 is beyond the stability limit of 2");
    let best = fixed.best.as_ref().unwrap();
    assert_eq!(best.mean, compared.target);
    // A decay to zero beats a constant rate, at a higher rate (the constant's best at T = 1000 is
    // 0.35, the linear's near 2).
    let linear = row(&compared, "linear").best.as_ref().unwrap();
    assert!(linear.mean < best.mean && linear.lr >= best.lr, "{linear:?} {best:?}");
    assert!(linear.to_target.unwrap() <= STEPS as f64);
    // The method without a rate is the linear decay here: its factor 1 is the rate 1.
    let free = row(&compared, "free");
    let same = row(&compared, "linear").cells.iter().find(|c| c.lr == lr(1.0)).unwrap();
    assert_eq!(free.cells[free.advised.unwrap()].losses, same.losses);
    // A search is worth it: `find` ends below nearly every unsearched pair of a way and a rate.
    let found = row(&compared, "find").best.as_ref().unwrap();
    assert!(found.mean.unwrap() < best.mean.unwrap(), "{found:?} {best:?}");
    let fallen = row(&compared, "first fall, two orders lower");
    assert!(fallen.best.as_ref().unwrap().mean > found.mean, "two orders lower is too low here");
    for claim in &compared.claims {
        assert!(!claim.seen.contains("NaN") && !claim.seen.contains("inf"), "{claim:?}");
    }
    let held = |text: &str| compared.claims.iter().find(|c| c.claim.contains(text)).unwrap().held;
    assert_eq!(held("two orders lower"), Some(false));
    assert_eq!(held("searching first"), Some(true));
    // The winner of all knew its rate in hindsight; the winner of the rest searched or needed none.
    let mean = |place: Option<(&Row, &Cell)>| place.unwrap().1.mean.unwrap();
    let means = compared.rows.iter().filter_map(|r| r.best.as_ref()?.mean);
    assert_eq!(mean(compared.best()), means.fold(f64::INFINITY, f64::min));
    let (winner, _) = compared.winner().unwrap();
    assert!(matches!(winner.family, Family::Search | Family::Free), "{}", winner.name);
    assert!(mean(compared.winner()) <= found.mean.unwrap() && mean(compared.best()) <= mean(compared.winner()));
}

/// A search that cannot tell rates from noise asks for a second seed, which must not be taken for
/// the search of the next.
#[test]
fn searches_with_a_second_seed_are_told_apart() {
    // Long enough for a search to pay for second seeds.
    let comparison = comparison_of(4 * STEPS);
    let (done, _) = all_with(&comparison, 1.0);
    let planned = comparison.planned().unwrap().len();
    // Seeds from 3: the searches have 3 and 4, and 5 and 6; first-fall, at a constant rate, 3 and
    // 4.
    let second = |t: &&Trial| [4, 6].contains(&t.spec.seed) && t.spec.schedule != Schedule::constant();
    let short = |t: &&Trial| t.spec.steps < STEPS;
    assert!(done[planned..].iter().filter(short).any(|t| second(&t)), "no second seed: the test says nothing");
    let mut probes: Vec<_> = done[planned..].iter().filter(short).map(|t| t.spec.clone()).collect();
    let count = probes.len();
    probes.dedup_by(|a, b| a == b);
    assert_eq!(probes.len(), count, "a probe was run twice");
}

#[test]
fn asking_is_a_function_of_what_is_done_and_any_beginning_has_a_table() {
    let comparison = comparison();
    let (done, batches) = all(&comparison);
    let mut at = 0;
    for size in batches {
        let specs = comparison.ask(&done[..at]).unwrap();
        let ran: Vec<TrialSpec> = done[at..at + size].iter().map(|t| t.spec.clone()).collect();
        assert_eq!(specs, ran);
        at += size;
    }
    for count in [0, 1, 7, 30, done.len() - 3] {
        let compared = comparison.compared(&done[..count]).unwrap();
        assert!(compared.rows.iter().all(|r| r.cells.iter().all(|c| c.losses.len() == 2)));
        assert!(comparison.estimate(&done[..count]).is_ok());
    }
    assert!(comparison.estimate(&done).unwrap().lr().is_some());
}

#[test]
fn what_cannot_be_compared_is_refused() {
    let job = Job::new(100, Schedule::constant(), 0).unwrap();
    let rates = Lr::log_space(lr(1e-3), lr(1.0), 1).unwrap();
    let fixed = || way("fixed", Family::Fixed, "constant");
    assert!(Comparison::new(job.clone(), vec![fixed()], rates.clone(), 0).is_err());
    assert!(Comparison::new(job.clone(), vec![fixed()], rates[..2].to_vec(), 1).is_err());
    assert!(Comparison::new(job.clone(), vec![way("linear", Family::Decay, "linear")], rates.clone(), 1).is_err());
    let alone = Comparison::new(job, vec![fixed()], rates, 1).unwrap().without_searches();
    assert_eq!(alone.ask(&[]).unwrap().len(), 4);
}
