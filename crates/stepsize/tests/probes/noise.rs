//! Losses that do not depend on the rate are refused, at any level of noise.

use super::*;

/// How the losses look that a rate changes nothing about.
#[derive(Debug, Clone, Copy)]
enum Kind {
    /// Falls, with noise on each reading.
    Falling,
    /// Stays, with noise on each reading.
    Flat,
    /// One reading, at the end.
    AtEnd,
    /// Falls smoothly to a level that differs from trial to trial.
    Offset,
}

/// A standard normal draw from a trial, a seed of the whole search and a reading's number.
fn normal(spec: &TrialSpec, salt: u64, reading: u64) -> f64 {
    let part = |i: u64| draw(spec, salt * 7919 + reading * 104_729 + i);
    (0..12).map(part).sum::<f64>() / 2.0
}

fn run(spec: &TrialSpec, whole: u64, id: u32, kind: Kind, level: f64, salt: u64) -> Trial {
    let mut trial = Trial::new(TrialId(id), spec.clone());
    let noise = |reading: u64| (level * normal(spec, salt + 1000 * spec.steps, reading)).exp();
    let falling = |share: f64| 0.4 + 1.9 * (-6.0 * share * spec.steps as f64 / whole as f64).exp();
    let value = |reading: u64| match kind {
        Kind::Falling => falling(reading as f64 / 8.0) * noise(reading),
        Kind::Flat => 2.0 * noise(reading),
        Kind::AtEnd => falling(1.0) * noise(0),
        Kind::Offset => 2.3 + (falling(1.0) * noise(0) - 2.3) * reading as f64 / 8.0,
    };
    let readings: Vec<u64> = if matches!(kind, Kind::AtEnd) { vec![8] } else { (0..=8).collect() };
    let point = |reading: u64| Point { step: reading * spec.steps / 8, lr: spec.lr.get(), loss: value(reading) };
    trial.val = readings.into_iter().map(point).collect::<Curve>();
    (trial.steps_run, trial.end) = (spec.steps, Some(End::Finished));
    trial
}

/// How many of so many searches for a run of `steps` were answered; with the default budget where
/// none is given.
fn answered(steps: u64, kind: Kind, level: f64, budget: Option<f64>, searches: u64) -> usize {
    let search = |salt: u64| {
        let race = Race::new(Job::new(steps, Schedule::parse("cosine", steps).unwrap(), 0).unwrap());
        let race = budget.map_or(race.clone(), |runs| race.with_max_cost(runs).unwrap());
        watched(&race, |spec, id| run(spec, steps, id, kind, level, salt)).0.lr().is_some()
    };
    (0..searches).filter(|salt| search(*salt)).count()
}

/// What a search says whose trials `run` makes and its pruner watches, and the trials.
fn watched(race: &Race, run: impl Fn(&TrialSpec, u32) -> Trial) -> (Estimate, Vec<Trial>) {
    searched(race, |spec, done| ended_early(run(spec, done.len() as u32), race, done))
}

/// What is left of a trial that the search's pruner watched.
fn ended_early(trial: Trial, race: &Race, done: &[Trial]) -> Trial {
    let mut live = Trial { val: Curve::new(), end: None, ..trial.clone() };
    for point in trial.val.points() {
        live.val.push(*point);
        if let Some(why) = race.pruner().and_then(|rule| rule.judge(&live, done)) {
            return Trial { steps_run: point.step, end: Some(End::Pruned { why }), ..live };
        }
    }
    trial
}

#[test]
fn a_loss_that_does_not_depend_on_the_rate_is_refused_at_any_level_of_noise() {
    refused(1000, None, 60, 6);
}

#[test]
fn so_is_that_of_a_short_run() {
    refused(320, None, 60, 6);
}

#[test]
fn so_it_is_where_there_is_much_to_spend() {
    refused(1000, Some(3.0), 30, 5);
}

/// At most 1 in 20 is answered, and of each kind and level 1 in `worst`.
fn refused(steps: u64, budget: Option<f64>, searches: u64, worst: u64) {
    let mut slipped = Vec::new();
    for kind in [Kind::Falling, Kind::Flat, Kind::AtEnd, Kind::Offset] {
        for level in [0.01, 0.1, 1.0] {
            slipped.push((kind, level, answered(steps, kind, level, budget, searches)));
        }
    }
    let (total, cells) = (slipped.iter().map(|s| s.2 as u64).sum::<u64>(), slipped.len() as u64);
    assert!(total * 20 <= cells * searches, "{total} of {}: {slipped:?}", cells * searches);
    assert!(slipped.iter().all(|s| s.2 as u64 * worst <= searches), "{slipped:?}");
}

/// A basin around 0.01 of which short runs show little, and seeds that differ as much as that.
fn slow(spec: &TrialSpec) -> (Vec<f64>, f64) {
    let share = spec.steps as f64 / 1000.0;
    let decades = (spec.lr.get() / 0.01).log10();
    let fall = 1.8 * share * (-decades * decades).exp();
    let last = (2.0 - fall) * (0.06 * draw(spec, spec.steps)).exp();
    (line(last), last)
}

#[test]
fn what_is_noise_in_short_trials_is_told_by_longer_ones() {
    let race = |runs| Race::new(Job::new(1000, Schedule::constant(), 0).unwrap()).with_max_cost(runs).unwrap();
    assert_eq!(reason(&race(0.6), &slow), Reason::NoiseOnly);
    let (found, done) = study(&race(10.0), &slow);
    assert!((found.lr().unwrap().get() / 0.01).log10().abs() < 0.5, "{found:?}");
    assert!(found.cost_runs <= 10.0 && done.iter().any(|t| t.spec.steps >= 250), "{found:?}");
}

/// What a program prints that evaluates after every epoch, never before the first: a basin so
/// narrow that of rates a factor of ten apart one lies in it, and seeds that differ by 3 %.
fn by_epochs(spec: &TrialSpec, id: u32) -> Trial {
    let octaves = (spec.lr.get() / 0.15).log2();
    let depth =
        1.3 * (-0.5 * (octaves / if octaves < 0.0 { 2.0 } else { 1.1 }).powi(2)).exp() * (1.0 + 0.03 * draw(spec, 5));
    let at = |step: u64| 2.34 - depth * (1.0 - (-(step as f64 - 1.0) / 30.0).exp()) / (1.0 - (-1f64).exp());
    let point = |step| Point { step, lr: spec.lr.get(), loss: at(step) };
    let mut trial = Trial::new(TrialId(id), spec.clone());
    trial.val = (1..=spec.steps).map(point).collect::<Curve>();
    (trial.steps_run, trial.end) = (spec.steps, Some(End::Finished));
    trial
}

#[test]
fn a_rate_near_zero_shows_the_loss_before_the_first_step_where_none_was_read() {
    let job = Job::new(200, Schedule::constant(), 0).unwrap().with_own_schedule();
    let (found, done) = watched(&Race::new(job), by_epochs);
    let rate = found.lr().unwrap_or_else(|| panic!("{}", found.why)).get();
    assert!((0.05..0.4).contains(&rate), "{rate}");
    assert!(done.iter().any(|t| t.spec.lr.get() < 1e-3), "{done:?}");
}

/// A loss that stands still, then falls a thousandfold, at rates near 0.1 only; above it
/// stands still again.
fn late(spec: &TrialSpec, id: u32) -> Trial {
    let rate = spec.lr.get();
    let at = |step: u64| match rate < 0.2 {
        true => 0.7 * (-6.0 * (rate * step as f64 - 1.0).max(0.0)).exp(),
        false if step == 0 => 0.7,
        false => 0.71,
    };
    let point = |step| Point { step, lr: rate, loss: at(step).max(1e-5) };
    let mut trial = Trial::new(TrialId(id), spec.clone());
    trial.val = (0..=8).map(|reading| point(reading * spec.steps / 8)).collect::<Curve>();
    (trial.steps_run, trial.end) = (spec.steps, Some(End::Finished));
    trial
}

#[test]
fn a_loss_that_falls_far_is_no_noise_where_a_rate_near_zero_stood_still() {
    let (found, _) = watched(&Race::new(Job::new(100, Schedule::constant(), 0).unwrap()), late);
    let rate = found.lr().unwrap_or_else(|| panic!("{}", found.why)).get();
    assert!((0.02..0.2).contains(&rate), "{rate}");
}
