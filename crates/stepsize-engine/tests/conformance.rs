//! The contract of `stepsize::Engine` (`stepsize::testing::engine`), over every model and
//! optimizer.

#![allow(clippy::unwrap_used)] // a test fails by panicking

use stepsize::testing::engine::{self as contract, FreshEngine};
use stepsize_engine::{DataSource, Task, TaskConfig};

/// Holds the engines of a job to the whole contract. The output of a test that fails ends with the
/// name of the job.
fn hold(name: &str, job: &Task) {
    println!("{name}");
    let fresh: FreshEngine<'_> = &|seed| job.engine(seed).unwrap();
    contract::the_same_seed_gives_the_same_losses(fresh);
    contract::another_seed_gives_other_losses(fresh);
    contract::evaluating_and_saving_change_nothing(fresh);
    contract::a_restored_engine_continues_bit_for_bit(fresh);
    contract::a_seen_step_is_the_same_step(fresh);
    contract::an_absurd_rate_does_not_break_the_engine(fresh);
    contract::an_illegal_rate_is_refused(fresh);
    contract::a_damaged_snapshot_is_refused(fresh);
    // Methods that average or work out their step size move at rate 0 too, and may train at any
    // rate: with MoMo it is a cap, Mechanic scales it away.
    if !ADAPTIVE.iter().any(|optimizer| name.ends_with(optimizer)) {
        contract::skipped_batches_are_those_that_would_have_come(fresh);
        contract::an_absurd_rate_shows_in_the_loss(fresh);
    }
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
        hold(&format!("{data} {model} {optimizer}"), &task(data, model, optimizer));
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
            hold(&format!("wine {model} {optimizer}"), &task("wine", model, optimizer));
        }
    }
}

#[test]
fn a_foreign_snapshot_is_refused_with_both_names() {
    let snapshot = task("wine", "linear", "sgd:0.9").engine(0).unwrap().save().unwrap();
    for other in [task("wine", "mlp:8", "sgd:0.9"), task("wine", "linear", "adam"), task("digits", "linear", "sgd:0.9")]
    {
        let error = other.engine(0).unwrap().restore(&snapshot).unwrap_err();
        assert!(error.is_state());
        let text = error.to_string();
        assert!(text.contains("wine") && text.contains(&other.describe()), "{text}");
    }
}
