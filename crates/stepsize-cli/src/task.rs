//! From arguments to a loaded job: the task, its full run and the source of engines.

use crate::args::{TaskArgs, TaskKind};
use crate::done::Fault;
use std::sync::Arc;
use stepsize::{Job, Schedule};
use stepsize_engine::{Builtin, DataSource, TargetKind, Task, TaskConfig};
use stepsize_study::executor::EngineSource;

/// Default length of the full run in steps: about 90 passes over the digits. That is well past the
/// point where the curve bends, and a search for it takes seconds.
const STEPS: u64 = 2000;
/// Default schedule of the built-in engine.
const SCHEDULE: &str = "cosine";

/// A loaded job.
pub struct Loaded {
    /// What is trained.
    pub task: Task,
    /// The full run.
    pub job: Job,
    /// Trials at once.
    pub jobs: usize,
}

impl Loaded {
    /// Loads the data and checks that the options fit it.
    pub fn new(args: &TaskArgs) -> Result<Self, Fault> {
        let a = &args.engine;
        let data = match &a.target {
            Some(column) => a.data.clone().with_target(column).map_err(Fault::usage)?,
            None => a.data.clone(),
        };
        let config = TaskConfig {
            data,
            target_kind: a.task.map(|kind| match kind {
                TaskKind::Regression => TargetKind::Regression,
                TaskKind::Classification => TargetKind::Classification,
            }),
            model: match (&a.model, &a.data) {
                (Some(model), _) => model.clone(),
                (None, DataSource::Builtin(Builtin::Text) | DataSource::Text { .. }) => "charlm".parse()?,
                (None, _) => TaskConfig::default().model,
            },
            optimizer: a.optimizer.clone(),
            batch_size: a.batch_size,
            weight_decay: a.weight_decay,
            clip_norm: a.clip_norm,
            val_fraction: a.val_fraction,
            ..TaskConfig::default()
        };
        let task = Task::load(config).map_err(|e| if e.is_invalid() { Fault::usage(e) } else { e.into() })?;
        for warning in task.warnings() {
            eprintln!("note: {warning}");
        }
        let steps = steps(args, &task)?;
        let schedule = schedule(args.schedule.as_deref().unwrap_or(SCHEDULE), steps)?;
        let job = Job::new(steps, schedule, args.seed).map_err(Fault::usage)?;
        let jobs = args.jobs.unwrap_or_else(|| std::thread::available_parallelism().map_or(1, usize::from));
        check_jobs(jobs)?;
        Ok(Self { task, job, jobs })
    }

    /// Makes untrained engines of this task.
    pub fn engines(&self) -> EngineSource {
        let task = self.task.clone();
        Arc::new(move |seed| task.engine(seed))
    }
}

/// Most trials at a time: each is a thread, and often a process.
const MOST_JOBS: usize = 1024;

/// Refuses a number of trials at a time that no machine runs.
pub fn check_jobs(jobs: usize) -> Result<(), Fault> {
    match jobs {
        1..=MOST_JOBS => Ok(()),
        _ => Err(Fault::usage(format!("--jobs is {jobs}; it must be at least 1 and at most {MOST_JOBS}"))),
    }
}

fn steps(args: &TaskArgs, task: &Task) -> Result<u64, Fault> {
    match (args.steps, args.epochs) {
        (Some(0), _) => Err(Fault::usage("--steps is 0; it must be at least 1")),
        (Some(steps), _) => Ok(steps),
        (None, Some(epochs)) if epochs.is_finite() && epochs > 0.0 => {
            Ok(((epochs * task.steps_per_epoch() as f64).round() as u64).max(1))
        }
        (None, Some(epochs)) => Err(Fault::usage(format!("--epochs is {epochs}; it must be above 0"))),
        (None, None) => Ok(STEPS),
    }
}

/// Reads a schedule for a run of `steps`.
pub fn schedule(text: &str, steps: u64) -> Result<Schedule, Fault> {
    Schedule::parse(text, steps).map_err(|e| Fault::usage(format!("cannot read the schedule: {e}")))
}
