//! The contract of [`Engine`].

use crate::{Engine, Error, GradientStats};
use std::ops::Range;

/// Makes a fresh engine of one job for a seed. Called from several threads.
pub type FreshEngine<'a> = &'a (dyn Fn(u64) -> Box<dyn Engine> + Sync);

/// Seed of the runs that are compared, and one that differs.
const SEED: u64 = 7;
const OTHER_SEED: u64 = 99;
/// Steps of a run: enough that momentum and averages have built up.
const STEPS: u64 = 40;
/// Step at which a run is interrupted: within an epoch of most data.
const CUT: u64 = 13;

/// A rate that moves, zero among its values, so that nothing depends on a constant one.
fn rate(step: u64) -> f64 {
    [0.03, 0.0, 0.01, 0.003][step as usize % 4]
}

/// The losses of these steps, as bits, so that NaN equals itself.
fn losses(engine: &mut dyn Engine, steps: Range<u64>) -> Vec<u64> {
    steps.map(|step| engine.step(rate(step)).unwrap().to_bits()).collect()
}

/// The same seed and the same rates give the same losses bit for bit, on any thread and whatever
/// runs beside it. At small rates the losses are finite.
pub fn the_same_seed_gives_the_same_losses(fresh: FreshEngine<'_>) {
    let runs: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let run = |seed: u64| scope.spawn(move || losses(fresh(seed).as_mut(), 0..STEPS));
        let handles = [run(SEED), run(SEED), run(OTHER_SEED)];
        handles.into_iter().map(|handle| handle.join().unwrap()).collect()
    });
    assert_eq!(runs[0], runs[1], "two threads differ");
    assert!(runs[0].iter().all(|bits| f64::from_bits(*bits).is_finite()), "diverged at small rates");
}

/// Another seed gives other losses: another start or another order of the data.
pub fn another_seed_gives_other_losses(fresh: FreshEngine<'_>) {
    let run = |seed| losses(fresh(seed).as_mut(), 0..STEPS);
    assert_ne!(run(SEED), run(OTHER_SEED), "the seed changes nothing");
}

/// `evaluate` and `save` can be repeated and leave the run as it was.
pub fn evaluating_and_saving_change_nothing(fresh: FreshEngine<'_>) {
    let whole = losses(fresh(SEED).as_mut(), 0..STEPS);
    let mut engine = fresh(SEED);
    losses(engine.as_mut(), 0..CUT);
    let evaluation = engine.evaluate().unwrap();
    assert_eq!(engine.evaluate().unwrap(), evaluation, "evaluation is not repeatable");
    let snapshot = engine.save().unwrap();
    assert_eq!(engine.save().unwrap(), snapshot, "saving is not repeatable");
    assert_eq!(losses(engine.as_mut(), CUT..STEPS), whole[CUT as usize..], "evaluating or saving changed the run");
}

/// `restore(save())` into a fresh engine of the same job continues bit for bit, even if that engine
/// had another seed and has taken a step.
pub fn a_restored_engine_continues_bit_for_bit(fresh: FreshEngine<'_>) {
    let mut engine = fresh(SEED);
    losses(engine.as_mut(), 0..CUT);
    let (snapshot, evaluation) = (engine.save().unwrap(), engine.evaluate().unwrap());
    let rest = losses(engine.as_mut(), CUT..STEPS);
    let mut other = fresh(OTHER_SEED);
    other.step(0.1).unwrap();
    other.restore(&snapshot).unwrap();
    assert_eq!(other.evaluate().unwrap(), evaluation, "restored weights differ");
    assert_eq!(losses(other.as_mut(), CUT..STEPS), rest, "the restored run differs");
    assert_eq!(other.save().unwrap(), engine.save().unwrap(), "final states differ");
}

/// `step_seeing` at the rate that `step` is given does what `step` does, and shows the loss that it
/// returns. What it shows is part of what is saved. Only for engines that show their gradients.
pub fn a_seen_step_is_the_same_step(fresh: FreshEngine<'_>) {
    let see = |engine: &mut dyn Engine, steps: Range<u64>| -> Vec<(u64, u64, Option<u64>)> {
        let mut all = Vec::new();
        for step in steps {
            let mut seen: Option<GradientStats> = None;
            let loss = engine.step_seeing(&mut |stats| {
                seen = Some(*stats);
                Ok(rate(step))
            });
            let (loss, seen) = (loss.unwrap(), seen.unwrap());
            assert_eq!(loss, seen.loss);
            assert!(seen.norm > 0.0 && seen.alignment.is_none_or(|c| c.abs() <= 1.0 + 1e-9), "{seen:?}");
            all.push((loss.to_bits(), seen.norm.to_bits(), seen.alignment.map(f64::to_bits)));
        }
        all
    };
    let whole = see(fresh(SEED).as_mut(), 0..STEPS);
    let plain = losses(fresh(SEED).as_mut(), 0..STEPS);
    assert_eq!(whole.iter().map(|s| s.0).collect::<Vec<_>>(), plain, "seeing changes the run");
    assert!(
        whole[0].2.is_none() && whole[1].2.is_some(),
        "alignment before a move, or none after it: {:?}",
        &whole[..2]
    );
    let mut part = fresh(SEED);
    see(part.as_mut(), 0..CUT);
    let snapshot = part.save().unwrap();
    let mut other = fresh(OTHER_SEED);
    other.restore(&snapshot).unwrap();
    assert_eq!(see(other.as_mut(), CUT..STEPS), whole[CUT as usize..], "what was seen is not restored");
}

/// Skipped batches are those that steps would have taken. Holds where a step at rate 0 leaves the
/// weights as they are; passes where the engine cannot skip.
pub fn skipped_batches_are_those_that_would_have_come(fresh: FreshEngine<'_>) {
    let mut ahead = fresh(SEED);
    if !ahead.skip(3).unwrap() {
        return;
    }
    let mut still = fresh(SEED);
    for _ in 0..3 {
        still.step(0.0).unwrap();
    }
    let (skipped, stepped) = (ahead.step(0.0).unwrap(), still.step(0.0).unwrap());
    assert_eq!(skipped.to_bits(), stepped.to_bits(), "skipping goes elsewhere");
}

/// Rates that no training survives, far beyond what a search tries.
const ABSURD: [f64; 3] = [1e6, 1e30, f64::MAX];

/// An absurd rate breaks the model, never the engine: steps and evaluations still return, and
/// `restore` repairs all.
pub fn an_absurd_rate_does_not_break_the_engine(fresh: FreshEngine<'_>) {
    let mut engine = fresh(SEED);
    losses(engine.as_mut(), 0..CUT);
    let (snapshot, evaluation) = (engine.save().unwrap(), engine.evaluate().unwrap());
    for absurd in ABSURD {
        let mut engine = fresh(SEED);
        for _ in 0..8 {
            engine.step(absurd).unwrap();
        }
        engine.evaluate().unwrap();
        engine.restore(&snapshot).unwrap();
        assert_eq!(engine.evaluate().unwrap(), evaluation, "not repaired after rate {absurd}");
    }
}

/// A model that an absurd rate has broken has a NaN loss or one that is no better than before. Not
/// for optimizers that choose their own step size, which may train at any rate.
pub fn an_absurd_rate_shows_in_the_loss(fresh: FreshEngine<'_>) {
    let mut trained = fresh(SEED);
    losses(trained.as_mut(), 0..CUT);
    let before = trained.evaluate().unwrap().val_loss;
    for absurd in ABSURD {
        let mut engine = fresh(SEED);
        for _ in 0..8 {
            engine.step(absurd).unwrap();
        }
        let after = engine.evaluate().unwrap().val_loss;
        assert!(after.is_nan() || after >= before, "rate {absurd} trained to {after}, from {before}");
    }
}

/// A rate that is negative or not finite is an error.
pub fn an_illegal_rate_is_refused(fresh: FreshEngine<'_>) {
    for illegal in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(fresh(SEED).step(illegal).is_err(), "accepted the rate {illegal}");
    }
}

/// A snapshot that is too short or too long is a state error ([`Error::is_state`]) and leaves the
/// run as it was.
pub fn a_damaged_snapshot_is_refused(fresh: FreshEngine<'_>) {
    let mut engine = fresh(SEED);
    losses(engine.as_mut(), 0..CUT);
    let snapshot = engine.save().unwrap();
    let mut engine = fresh(SEED);
    losses(engine.as_mut(), 0..5);
    let before = engine.save().unwrap();
    let length = snapshot.0.len();
    for end in [0, 1, 7, 8, 20, length / 2, length - 1].into_iter().filter(|end| *end < length) {
        let mut cut = snapshot.clone();
        cut.0.truncate(end);
        assert!(engine.restore(&cut).as_ref().is_err_and(Error::is_state), "accepted a snapshot cut at {end}");
    }
    let mut longer = snapshot;
    longer.0.push(0);
    assert!(engine.restore(&longer).as_ref().is_err_and(Error::is_state), "accepted a snapshot that is too long");
    assert_eq!(engine.save().unwrap(), before, "a failed restore changed the run");
}
