//! Trials that were run once are not run again: a memo on disk, so that a changed search is scored
//! in seconds. Training is deterministic, so a memo changes nothing but the time.

use crate::tasks::Ready;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fs::OpenOptions;
use std::io::Write;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::sync::Mutex;
use stepsize::{Curve, End, Policy, Trial, TrialId, TrialSpec, evaluation_steps, fold, train};

/// Evaluations of a trial, as the product makes them.
const EVALUATIONS: u64 = 8;

/// What is kept of a trial.
#[derive(Clone, Serialize, Deserialize)]
struct Memo {
    train: Curve,
    val: Curve,
    end: Option<End>,
    steps_run: u64,
}

impl Memo {
    fn into_trial(self, id: TrialId, spec: &TrialSpec) -> Trial {
        let Memo { train, val, end, steps_run } = self;
        Trial { train, val, end, steps_run, ..Trial::new(id, spec.clone()) }
    }
}

/// Runs trials, each at most once.
pub struct Cache {
    path: PathBuf,
    known: Mutex<HashMap<String, Memo>>,
}

impl Cache {
    /// Opens the memo below the build directory.
    pub fn open() -> Result<Self, Box<dyn std::error::Error>> {
        let path = PathBuf::from("target/bench-trials.jsonl");
        let mut known = HashMap::new();
        if let Ok(text) = std::fs::read_to_string(&path) {
            for line in text.lines() {
                if let Ok((key, memo)) = serde_json::from_str::<(String, Memo)>(line) {
                    known.insert(key, memo);
                }
            }
        }
        Ok(Self { path, known: Mutex::new(known) })
    }

    /// Runs `spec` on the job, or recalls it. Of the training curve one point in a hundredth of the
    /// run is kept, with all of a short run.
    pub fn run(&self, ready: &Ready, id: TrialId, spec: &TrialSpec) -> Result<Trial, stepsize::Error> {
        let s = ready.spec;
        let shape = serde_json::to_string(&spec.schedule).map_err(stepsize::Error::internal)?;
        let shape = if ready.job(spec.seed)?.trial(spec.lr, spec.steps, spec.seed)?.schedule == spec.schedule {
            format!("{} of {}", s.schedule, s.steps)
        } else {
            shape
        };
        let job = format!("{}|{}|{}|{}", s.name, ready.task.describe(), s.optimizer_text(), shape);
        let key = format!("{job}|{:e}|{}|{}", spec.lr.get(), spec.steps, spec.seed);
        if let Some(memo) = self.lock().get(&key) {
            return Ok(memo.clone().into_trial(id, spec));
        }
        let mut engine = ready.task.engine(spec.seed)?;
        let mut policy = Policy::new(spec.lr, spec.schedule.clone());
        let mut events = vec![stepsize::Event::Started { trial: id, spec: spec.clone() }];
        let evals = evaluation_steps(spec.steps, EVALUATIONS);
        train(engine.as_mut(), id, spec, &mut policy, &evals, &mut |event| {
            events.push(event);
            ControlFlow::Continue(())
        })?;
        let mut trial = fold(&events).remove(&id).ok_or_else(|| stepsize::Error::internal("no such trial"))?;
        let keep = (trial.train.points().len() / 100).max(1);
        trial.train = trial.train.points().iter().step_by(keep).copied().collect();
        let Trial { train, val, end, steps_run, .. } = trial.clone();
        let memo = Memo { train, val, end, steps_run };
        if let Ok(line) = serde_json::to_string(&(&key, &memo)) {
            let fault = |e: std::io::Error| stepsize::Error::io("append to", &self.path, e);
            let mut file = OpenOptions::new().append(true).create(true).open(&self.path).map_err(fault)?;
            file.write_all((line + "\n").as_bytes()).map_err(fault)?;
        }
        self.lock().insert(key, memo);
        Ok(trial)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Memo>> {
        self.known.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// Maps `items` on two threads, keeping the order.
pub fn parallel<'a, T: Sync, R: Send>(items: &'a [T], f: impl Fn(&'a T) -> R + Sync) -> Vec<R> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let out: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                loop {
                    let i = next.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    let Some(item) = items.get(i) else { return };
                    let r = f(item);
                    *out[i].lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(r);
                }
            });
        }
    });
    out.into_iter().filter_map(|m| m.into_inner().unwrap_or_else(std::sync::PoisonError::into_inner)).collect()
}
