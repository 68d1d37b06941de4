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

/// How many of [`SEARCHES`] searches for a run of `steps` were answered.
fn answered(steps: u64, kind: Kind, level: f64) -> usize {
    let search = |salt: u64| {
        let race = Race::new(Job::new(steps, Schedule::parse("cosine", steps).unwrap(), 0).unwrap());
        let mut done: Vec<Trial> = Vec::new();
        loop {
            let specs = race.ask(&done).unwrap();
            if specs.is_empty() {
                return race.estimate(&done).unwrap().lr().is_some();
            }
            for spec in specs {
                let trial = run(&spec, steps, done.len() as u32, kind, level, salt);
                done.push(ended_early(trial, &race, &done));
            }
        }
    };
    (0..SEARCHES).filter(|salt| search(*salt)).count()
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

const SEARCHES: u64 = 60;

#[test]
fn a_loss_that_does_not_depend_on_the_rate_is_refused_at_any_level_of_noise() {
    refused(1000);
}

#[test]
fn so_is_that_of_a_short_run() {
    refused(320);
}

fn refused(steps: u64) {
    let mut slipped = Vec::new();
    for kind in [Kind::Falling, Kind::Flat, Kind::AtEnd, Kind::Offset] {
        for level in [0.01, 0.1, 1.0] {
            slipped.push((kind, level, answered(steps, kind, level)));
        }
    }
    let (total, cells) = (slipped.iter().map(|s| s.2 as u64).sum::<u64>(), slipped.len() as u64);
    assert!(total * 20 <= cells * SEARCHES, "{total} of {}: {slipped:?}", cells * SEARCHES);
    assert!(slipped.iter().all(|s| s.2 as u64 * 6 <= SEARCHES), "{slipped:?}");
}
