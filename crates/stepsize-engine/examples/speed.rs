//! Steps per CPU-second of every model, one thread:
//! `cargo run --release -p stepsize-engine --example speed -- [SECONDS]`
//!
//! With `digits` as the second argument only the job of `bench/torch_speed` is timed and one number
//! printed; with `flop` the operations of the matrix products of one step of that job; with another
//! word the jobs whose name holds it.

#![allow(clippy::unwrap_used)] // an example may stop on the first fault

use std::time::Instant;
use stepsize_engine::{Task, TaskConfig};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// CPU-seconds that this thread has used, from `/proc`; wall seconds where there is none.
fn cpu_seconds(start: Instant) -> f64 {
    let spent = || -> Option<f64> {
        let stat = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
        Some(stat.split_whitespace().next()?.parse::<f64>().ok()? * 1e-9)
    };
    spent().unwrap_or_else(|| start.elapsed().as_secs_f64())
}

/// Steps and evaluations per CPU-second.
fn measure(task: &Task, seconds: f64) -> (f64, f64) {
    let start = Instant::now();
    let mut run = task.engine(0).unwrap();
    for _ in 0..50 {
        run.step(0.01).unwrap();
    }
    let begin = cpu_seconds(start);
    let mut steps = 0u32;
    while cpu_seconds(start) - begin < seconds {
        for _ in 0..50 {
            run.step(0.01).unwrap();
        }
        steps += 50;
    }
    let rate = f64::from(steps) / (cpu_seconds(start) - begin);
    let begin = cpu_seconds(start);
    let mut evaluations = 0u32;
    while cpu_seconds(start) - begin < seconds / 4.0 {
        run.evaluate().unwrap();
        evaluations += 1;
    }
    (rate, f64::from(evaluations) / (cpu_seconds(start) - begin))
}

/// Products of one step of 64-128-64-10 with batches of 64: forward, weights, inputs of all layers
/// but the first.
const FLOP_PER_STEP: f64 =
    2.0 * 64.0 * (2.0 * (64.0 * 128.0 + 128.0 * 64.0 + 64.0 * 10.0) + 128.0 * 64.0 + 64.0 * 10.0);

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let seconds = arguments.get(1).map_or(1.0, |s| s.parse().unwrap());
    if arguments.get(2).is_some_and(|a| a == "digits") {
        println!("{:.0}", measure(&Task::load(TaskConfig::default()).unwrap(), seconds).0);
        return;
    }
    if arguments.get(2).is_some_and(|a| a == "flop") {
        println!("{FLOP_PER_STEP:.0}");
        return;
    }
    let only = arguments.get(2).map_or("", String::as_str);
    let both = std::thread::scope(|scope| {
        let task = Task::load(TaskConfig::default()).unwrap();
        let run = |_| {
            let task = task.clone();
            scope.spawn(move || measure(&task, seconds).0)
        };
        let handles: Vec<_> = (0..2).map(run).collect();
        handles.into_iter().map(|h| format!("{:.0}", h.join().unwrap())).collect::<Vec<_>>().join(" and ")
    });
    println!("two engines on two threads, steps per CPU-second of each: {both}");
    println!("{:<88} {:>10} {:>12} {:>10}", "job", "steps/s", "us/evaluate", "us/step");
    for (data, model, optimizer) in [
        ("digits", "mlp:128,64", "sgd:0.9"),
        ("digits", "mlp:128,64", "nesterov:0.9"),
        ("digits", "mlp:128,64", "adam"),
        ("digits", "mlp:128,64", "adamw"),
        ("digits", "linear", "sgd:0.9"),
        ("digits", "mlp:128,128,128,128,norm", "sgd:0.9"),
        ("digits", "cnn", "sgd:0.9"),
        ("diabetes", "mlp:64,64", "sgd:0.9"),
        ("wine", "mlp:32", "sgd:0.9"),
        ("breast_cancer", "linear", "sgd:0.9"),
        ("text", "charlm", "sgd:0.9"),
        ("text", "charlm", "adamw"),
    ] {
        if !format!("{data} {model} {optimizer}").contains(only) {
            continue;
        }
        let task = Task::load(TaskConfig {
            data: data.parse().unwrap(),
            model: model.parse().unwrap(),
            optimizer: optimizer.parse().unwrap(),
            ..TaskConfig::default()
        })
        .unwrap();
        let (steps, evaluations) = measure(&task, seconds);
        println!("{:<88} {steps:>10.0} {:>12.1} {:>10.1}", task.describe(), 1e6 / evaluations, 1e6 / steps);
    }
}
