//! The jobs of the corpus. A hash of the number of the job draws data, network, optimizer, batch
//! size, schedule and length from lists: the jobs are the same on every machine, and nobody chose
//! them.

use super::draw::Draw;
use std::error::Error;
use stepsize::Schedule;
use stepsize_engine::{Task, TaskConfig};

/// Jobs in the corpus.
pub const JOBS: u64 = 240;
/// Jobs with this number or a higher one are for judging only.
const HELD: u64 = 180;

/// One job.
#[derive(Debug, Clone)]
pub struct Job {
    pub name: String,
    /// Whether it is for judging only.
    pub held: bool,
    pub steps: u64,
    pub schedule: Schedule,
    pub optimizer: &'static str,
    pub classes: Option<u32>,
    pub task: Task,
}

/// Data, its number of classes, and networks for it, each with the largest affordable number of
/// steps.
type Data = (&'static str, Option<u32>, &'static [(&'static str, u64)]);

#[rustfmt::skip]
const DATA: [Data; 5] = [
    ("digits", Some(10), &[("linear", 1500), ("mlp:16", 1500), ("mlp:64", 1200), ("mlp:128,64", 900), ("mlp:64,64,64,64", 900),
        ("mlp:96,96,norm", 800), ("mlp:256", 700), ("cnn", 200)]),
    ("breast_cancer", Some(2), &[("linear", 1500), ("mlp:16", 1500), ("mlp:64,32", 1200), ("mlp:32,32,32,norm", 900)]),
    ("wine", Some(3), &[("linear", 1200), ("mlp:24", 1200), ("mlp:48,48", 900)]),
    ("diabetes", None, &[("linear", 1500), ("mlp:32", 1200), ("mlp:64,64", 900), ("mlp:48,48,norm", 900)]),
    ("text", None, &[("charlm", 500), ("charlm:8,8,32", 1000), ("charlm:12,24,64", 600)]),
];
const OPTIMIZERS: [&str; 8] =
    ["sgd", "sgd:0.9", "sgd:0.9", "nesterov:0.9", "adam", "adam", "adamw", "adam:0.9,0.95,1e-8"];
const BATCHES: [usize; 6] = [8, 16, 32, 64, 64, 128];
const SCHEDULES: [&str; 10] = [
    "constant",
    "constant",
    "constant",
    "cosine",
    "cosine",
    "linear",
    "warmup(10%) then cosine",
    "warmup(5%) then linear",
    "wsd(0.2)",
    "one_cycle",
];
const LENGTHS: [f64; 5] = [0.2, 0.35, 0.5, 0.75, 1.0];
const DECAYS: [f64; 4] = [0.0, 0.0, 0.01, 0.1];

/// All jobs, loaded.
pub fn all() -> Result<Vec<Job>, Box<dyn Error>> {
    (0..JOBS).map(job).collect()
}

fn job(number: u64) -> Result<Job, Box<dyn Error>> {
    let mut draw = Draw::new(number);
    // Digits and text are worth more jobs than the small tables.
    let (data, classes, models) = DATA[[0, 0, 0, 1, 2, 3, 3, 4, 4][draw.below(9)]];
    let (model, most) = *draw.of(models);
    let optimizer = *draw.of(&OPTIMIZERS);
    let batch = *draw.of(&BATCHES);
    let schedule_text = *draw.of(&SCHEDULES);
    let steps = ((most as f64 * draw.of(&LENGTHS)) as u64).max(120);
    let weight_decay = if optimizer.starts_with("adamw") { *draw.of(&DECAYS) } else { 0.0 };
    let task = Task::load(TaskConfig {
        data: data.parse()?,
        model: model.parse()?,
        optimizer: optimizer.parse()?,
        batch_size: batch,
        weight_decay,
        ..TaskConfig::default()
    })?;
    Ok(Job {
        name: format!("{number:03} {data} {model} {optimizer} b{batch} n{steps} {schedule_text} wd{weight_decay}"),
        held: number >= HELD,
        steps,
        schedule: Schedule::parse(schedule_text, steps)?,
        optimizer,
        classes,
        task,
    })
}
