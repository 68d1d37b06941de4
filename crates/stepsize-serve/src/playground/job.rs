//! [`PlayJob`]: what is trained in the playground. Small, so that one computation takes seconds.

use super::ask::Ask;
use stepsize::{Job, Result, Schedule};
use stepsize_engine::{Task, TaskConfig};

/// Data that a request may choose. Never a path.
const DATA: [&str; 3] = ["digits", "wine", "breast_cancer"];
/// Networks that a request may choose.
pub const MODELS: [&str; 5] = ["mlp:16", "linear", "mlp:32", "mlp:128,64", "cnn"];
/// Optimizers that a request may choose.
pub const OPTIMIZERS: [&str; 4] = ["sgd:0.9", "sgd", "adam", "adamw"];
/// Most steps of one run: on the slowest of these networks about three seconds.
const MOST_STEPS: u64 = 2000;
/// Fewest steps: with less there is nothing to see.
const FEWEST_STEPS: u64 = 20;
/// Highest seed. There is no reason for more, and a link stays short.
const MOST_SEED: u64 = 9999;

/// The names of the parameters that [`PlayJob::of`] reads.
pub const NAMES: [&str; 6] = ["data", "model", "optimizer", "steps", "schedule", "seed"];

/// A loaded job, and the options with which the command line trains the same.
#[derive(Debug, Clone)]
pub struct PlayJob {
    /// Data, model and optimizer.
    pub task: Task,
    /// Steps, schedule and seed.
    pub job: Job,
    data: &'static str,
    model: &'static str,
    optimizer: &'static str,
    schedule: String,
}

impl PlayJob {
    /// The job that a request asks for; where it says nothing, digits with `mlp:16`, SGD with
    /// momentum, and `steps` with the schedule `schedule`.
    ///
    /// # Errors
    /// When a parameter is beyond its limits or the schedule does not parse.
    pub fn of(ask: &Ask, steps: u64, schedule: &str) -> Result<Self> {
        let data = ask.choice("data", &DATA)?;
        let model = ask.choice("model", &MODELS)?;
        let optimizer = ask.choice("optimizer", &OPTIMIZERS)?;
        let steps = ask.count("steps", steps, FEWEST_STEPS..=MOST_STEPS)?;
        let seed = ask.count("seed", 0, 0..=MOST_SEED)?;
        let schedule = ask.text("schedule").unwrap_or(schedule).to_owned();
        let job = Job::new(steps, Schedule::parse(&schedule, steps)?, seed)?;
        let task = Task::load(TaskConfig {
            data: data.parse()?,
            model: model.parse()?,
            optimizer: optimizer.parse()?,
            ..TaskConfig::default()
        })?;
        Ok(Self { task, job, data, model, optimizer, schedule })
    }

    /// The options of the command line, with the schedule `schedule` instead of the job's.
    pub fn words_with(&self, schedule: &str) -> String {
        let Self { data, model, optimizer, job, .. } = self;
        format!(
            "--data {data} --model {model} --optimizer {optimizer} --steps {} --schedule {} --seed {}",
            job.steps,
            quoted(schedule),
            job.seed
        )
    }

    /// The options of the command line.
    pub fn words(&self) -> String {
        self.words_with(&self.schedule)
    }

    /// The optimizer by name.
    pub fn optimizer(&self) -> &'static str {
        self.optimizer
    }
}

/// A word as a shell takes it.
pub fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.:,/=%+".contains(c);
    match !word.is_empty() && word.chars().all(plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}
