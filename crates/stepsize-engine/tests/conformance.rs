//! The contract of `stepsize::Engine`, over every model and optimizer.
//!
//! [`contract`] takes any way to make fresh engines of one job: use it for other implementations too.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use stepsize::{Engine, Error};
use stepsize_engine::{DataSource, Task, TaskConfig};

/// What the contract needs of an implementation.
trait Job: Sync {
    fn fresh(&self, seed: u64) -> Box<dyn Engine>;
}

impl Job for Task {
    fn fresh(&self, seed: u64) -> Box<dyn Engine> {
        self.engine(seed).unwrap()
    }
}

/// A rate that moves, zero among its values, so that nothing depends on a constant one.
fn rate(step: u64) -> f64 {
    [0.03, 0.0, 0.01, 0.003][step as usize % 4]
}

fn losses(engine: &mut dyn Engine, steps: std::ops::Range<u64>) -> Vec<u64> {
    steps.map(|step| engine.step(rate(step)).unwrap().to_bits()).collect()
}

/// Fails unless engines of `job` keep the contract.
fn contract(name: &str, job: &dyn Job) {
    // the same seed and rates on two threads at once, beside a third run that draws and computes other things
    let runs: Vec<Vec<u64>> = std::thread::scope(|scope| {
        let run = |seed: u64| scope.spawn(move || losses(job.fresh(seed).as_mut(), 0..40));
        let handles = [run(7), run(7), run(8)];
        handles.into_iter().map(|h| h.join().unwrap()).collect()
    });
    assert_eq!(runs[0], runs[1], "{name}: two threads differ");
    assert_ne!(runs[0], runs[2], "{name}: the seed changes nothing");
    assert!(runs[0].iter().all(|bits| f64::from_bits(*bits).is_finite()), "{name}: diverged at small rates");

    // evaluation and saving change nothing; a fresh engine, even of another seed, continues bit for bit
    let mut engine = job.fresh(7);
    assert_eq!(losses(engine.as_mut(), 0..13), runs[0][..13]);
    let evaluation = engine.evaluate().unwrap();
    assert_eq!(engine.evaluate().unwrap(), evaluation, "{name}: evaluation is not repeatable");
    let snapshot = engine.save().unwrap();
    assert_eq!(engine.save().unwrap(), snapshot, "{name}: saving is not repeatable");
    assert_eq!(losses(engine.as_mut(), 13..40), runs[0][13..], "{name}: evaluating or saving changed the run");
    let mut other = job.fresh(99);
    other.step(0.1).unwrap();
    other.restore(&snapshot).unwrap();
    assert_eq!(other.evaluate().unwrap(), evaluation, "{name}: restored weights differ");
    assert_eq!(losses(other.as_mut(), 13..40), runs[0][13..], "{name}: the restored run differs");
    assert_eq!(other.save().unwrap(), engine.save().unwrap(), "{name}: final states differ");

    // a step that shows its gradient is the same step, from any state; looking is part of what is saved
    let mut seeing = job.fresh(7);
    let see = |engine: &mut dyn Engine, steps: std::ops::Range<u64>| -> Vec<(u64, u64, Option<u64>)> {
        let mut all = Vec::new();
        for step in steps {
            let mut seen = None;
            let loss = engine.step_seeing(&mut |s| {
                seen = Some(*s);
                Ok(rate(step))
            });
            let (loss, seen) = (loss.unwrap(), seen.unwrap());
            assert_eq!(loss, seen.loss, "{name}");
            assert!(seen.norm > 0.0 && seen.alignment.is_none_or(|c| c.abs() <= 1.0 + 1e-9), "{name}: {seen:?}");
            all.push((loss.to_bits(), seen.norm.to_bits(), seen.alignment.map(f64::to_bits)));
        }
        all
    };
    let whole = see(seeing.as_mut(), 0..30);
    assert_eq!(whole.iter().map(|s| s.0).collect::<Vec<_>>(), runs[0][..30], "{name}: seeing changes the run");
    assert!(whole[0].2.is_none() && whole[1].2.is_some(), "{name}: {:?}", &whole[..2]);
    let mut part = job.fresh(7);
    see(part.as_mut(), 0..13);
    let saved = part.save().unwrap();
    let mut other = job.fresh(5);
    other.restore(&saved).unwrap();
    assert_eq!(see(other.as_mut(), 13..30), whole[13..], "{name}: what was seen is not restored");

    // methods that average or work out their step size move at rate 0 too, and may train at any rate: with MoMo it is a cap,
    // Mechanic scales it away
    let plain = !ADAPTIVE.iter().any(|optimizer| name.ends_with(optimizer));
    // batches that are passed over are those that would have come
    let mut ahead = job.fresh(7);
    if ahead.skip(3).unwrap() && plain {
        let mut still = job.fresh(7);
        for _ in 0..3 {
            still.step(0.0).unwrap();
        }
        let (a, b) = (ahead.step(0.0).unwrap(), still.step(0.0).unwrap());
        assert_eq!(a.to_bits(), b.to_bits(), "{name}: skipping goes elsewhere");
    }

    // absurd rates break the model, not the engine; restoring heals it
    for absurd in [1e6, 1e30, f64::MAX] {
        let mut engine = job.fresh(7);
        for _ in 0..8 {
            engine.step(absurd).unwrap();
        }
        let broken = engine.evaluate().unwrap();
        let worse = broken.val_loss.is_nan() || broken.val_loss >= evaluation.val_loss;
        assert!(worse || !plain, "{name}: rate {absurd} trained to {broken:?}");
        engine.restore(&snapshot).unwrap();
        assert_eq!(engine.evaluate().unwrap(), evaluation, "{name}: not healed");
    }
    for illegal in [-1.0, f64::NAN, f64::INFINITY] {
        assert!(job.fresh(7).step(illegal).is_err(), "{name}: accepted the rate {illegal}");
    }

    // damaged snapshots are errors and leave the run as it was
    let mut engine = job.fresh(7);
    losses(engine.as_mut(), 0..5);
    let before = engine.save().unwrap();
    for end in [0, 1, 7, 8, 20, snapshot.0.len() / 2, snapshot.0.len() - 1] {
        let mut cut = snapshot.clone();
        cut.0.truncate(end);
        assert!(engine.restore(&cut).as_ref().is_err_and(Error::is_state), "{name}: cut at {end}");
    }
    let mut longer = snapshot.clone();
    longer.0.push(0);
    assert!(engine.restore(&longer).as_ref().is_err_and(Error::is_state));
    assert_eq!(engine.save().unwrap(), before, "{name}: a failed restore changed the run");
}

const OPTIMIZERS: [&str; 5] = ["sgd", "sgd:0.9", "nesterov:0.9", "adam", "adamw"];

/// Methods that average or work out their step size.
const ADAPTIVE: [&str; 12] = [
    "schedule_free_sgd",
    "schedule_free_adamw",
    "schedule_free_plus",
    "prodigy",
    "dadapt_adam",
    "dog",
    "ldog",
    "mechanic(sgd:0.9)",
    "mechanic(sgd)",
    "mechanic(adamw)",
    "momo",
    "momo_adam",
];

fn task(data: &str, model: &str, optimizer: &str) -> Task {
    Task::load(TaskConfig {
        data: data.parse::<DataSource>().unwrap(),
        model: model.parse().unwrap(),
        optimizer: optimizer.parse().unwrap(),
        batch_size: 32,
        weight_decay: 1e-3,
        clip_norm: (optimizer == "adam").then_some(1.0),
        ..TaskConfig::default()
    })
    .unwrap()
}

fn all_optimizers(data: &str, model: &str) {
    for optimizer in OPTIMIZERS {
        contract(&format!("{data} {model} {optimizer}"), &task(data, model, optimizer));
    }
}

#[test]
fn linear() {
    all_optimizers("wine", "linear");
}

#[test]
fn mlp_classifies() {
    all_optimizers("digits", "mlp:32,16");
}

#[test]
fn mlp_regresses() {
    all_optimizers("diabetes", "mlp:16");
}

#[test]
fn mlp_with_normalisation() {
    all_optimizers("breast_cancer", "mlp:16,16,norm");
}

#[test]
fn cnn() {
    all_optimizers("digits", "cnn");
}

#[test]
fn charlm() {
    all_optimizers("text", "charlm:8,8,32");
}

#[test]
fn methods_without_a_rate() {
    for optimizer in ADAPTIVE {
        for model in ["mlp:16", "mlp:16,16,norm"] {
            contract(&format!("wine {model} {optimizer}"), &task("wine", model, optimizer));
        }
    }
}

#[test]
fn a_foreign_snapshot_is_refused_with_both_names() {
    let snapshot = task("wine", "linear", "sgd:0.9").fresh(0).save().unwrap();
    for other in [task("wine", "mlp:8", "sgd:0.9"), task("wine", "linear", "adam"), task("digits", "linear", "sgd:0.9")]
    {
        let error = other.fresh(0).restore(&snapshot).unwrap_err();
        assert!(error.is_state());
        let text = error.to_string();
        assert!(text.contains("wine") && text.contains(&other.describe()), "{text}");
    }
}
