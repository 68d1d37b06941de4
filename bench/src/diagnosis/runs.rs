//! The runs: every job at 13 rates from 1e-5 to 10, then at four more about the best of them. Whole
//! curves are kept on disk below the build directory. A run ends early only when its loss is not
//! finite.

use super::jobs::Job;
use crate::cache::parallel;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::error::Error;
use std::fs::OpenOptions;
use std::io::{BufRead, BufReader, Write};
use std::ops::ControlFlow;
use std::sync::Mutex;
use stepsize::{End, Event, Lr, Policy, TrialId, TrialSpec, evaluation_steps, train};

const PATH: &str = "target/diagnosis-runs.jsonl";
/// Evaluations of a run.
const EVALUATIONS: u64 = 30;
/// Seeds of every rate.
const SEEDS: u64 = 1;
/// Steps that a run still makes once its loss is not finite: its log shows some, as real ones do.
const BROKEN_STEPS: usize = 5;

/// One run, whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Run {
    pub job: String,
    pub lr: f64,
    pub seed: u64,
    /// Loss and applied rate of every step; `null` is not finite.
    pub train: Vec<Option<f32>>,
    pub rates: Vec<f32>,
    /// Steps taken, loss, score.
    pub val: Vec<(u64, Option<f32>, Option<f32>)>,
}

impl Run {
    /// Training loss by step, not finite where it was not.
    pub fn train(&self) -> Vec<f64> {
        self.train.iter().map(|l| l.map_or(f64::NAN, f64::from)).collect()
    }

    /// Last validation loss.
    pub fn final_val(&self) -> f64 {
        self.val.last().and_then(|v| v.1).map_or(f64::NAN, f64::from)
    }

    /// Validation loss before the first step.
    pub fn untrained(&self) -> f64 {
        self.val.first().and_then(|v| v.1).map_or(f64::NAN, f64::from)
    }
}

/// The runs that are there, by job.
pub fn known() -> Result<HashMap<String, Vec<Run>>, Box<dyn Error>> {
    let mut known: HashMap<String, Vec<Run>> = HashMap::new();
    if let Ok(file) = std::fs::File::open(PATH) {
        for line in BufReader::new(file).lines() {
            if let Ok(run) = serde_json::from_str::<Run>(&line?) {
                known.entry(run.job.clone()).or_default().push(run);
            }
        }
    }
    Ok(known)
}

/// The rates every job is tried at first.
fn coarse() -> Vec<f64> {
    (0..13).map(|i| 1e-5 * 10f64.powf(f64::from(i) / 2.0)).collect()
}

/// Whether a rate is one of them.
pub fn is_coarse(lr: f64) -> bool {
    coarse().iter().any(|c| (c / lr - 1.0).abs() < 1e-9)
}

/// Trains the runs that are missing and returns all, by job.
pub fn all(jobs: &[Job]) -> Result<HashMap<String, Vec<Run>>, Box<dyn Error>> {
    let known = known()?;
    let file = Mutex::new(OpenOptions::new().append(true).create(true).open(PATH)?);
    let known = Mutex::new(known);
    let lock = || known.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let run_all = |job: &Job, rates: &[f64]| -> Result<(), String> {
        for &lr in rates {
            for seed in 0..SEEDS {
                let same = |r: &Run| r.seed == seed && (r.lr / lr - 1.0).abs() < 1e-9;
                if lock().get(&job.name).is_some_and(|runs| runs.iter().any(same)) {
                    continue;
                }
                let run = make(job, lr, seed).map_err(|e| format!("{}: {e}", job.name))?;
                let line = serde_json::to_string(&run).map_err(|e| e.to_string())? + "\n";
                let mut out = file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                out.write_all(line.as_bytes()).map_err(|e| e.to_string())?;
                lock().entry(job.name.clone()).or_default().push(run);
            }
        }
        Ok(())
    };
    let coarse = coarse();
    for result in parallel(jobs, |job| {
        run_all(job, &coarse)?;
        let best = super::label::best_of(lock().get(&job.name).map_or(&[][..], Vec::as_slice));
        let fine: Vec<f64> = [-4, -2, 2, 4].iter().map(|i| best * 10f64.powf(f64::from(*i) / 12.0)).collect();
        eprintln!("{}: best of the coarse rates {best:.2e}", job.name);
        run_all(job, &fine)
    }) {
        result?;
    }
    Ok(known.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner))
}

fn make(job: &Job, lr: f64, seed: u64) -> Result<Run, stepsize::Error> {
    let spec = TrialSpec {
        lr: Lr::new(lr)?,
        schedule: job.schedule.clone(),
        steps: job.steps,
        seed: 1000 + seed,
        stop_on_divergence: false,
    };
    let mut run = Run { job: job.name.clone(), lr, seed, train: Vec::new(), rates: Vec::new(), val: Vec::new() };
    let mut engine = job.task.engine(spec.seed)?;
    let mut policy = Policy::new(spec.lr, spec.schedule.clone());
    let finite = |v: f64| Some(v as f32).filter(|v| v.is_finite());
    let evals = evaluation_steps(job.steps, EVALUATIONS);
    let mut broken = 0;
    train(engine.as_mut(), TrialId(0), &spec, &mut policy, &evals, &mut |event| {
        match event {
            Event::Step { lr, loss, .. } => {
                run.train.push(finite(loss));
                run.rates.push(lr as f32);
                broken += usize::from(!loss.is_finite());
            }
            Event::Eval { step, val_loss, score, .. } => run.val.push((step, finite(val_loss), score.and_then(finite))),
            _ => {}
        }
        if broken >= BROKEN_STEPS { ControlFlow::Break(End::Stopped) } else { ControlFlow::Continue(()) }
    })?;
    Ok(run)
}
