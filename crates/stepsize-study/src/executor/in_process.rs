//! [`InProcess`]: trials as engines on threads of this process, one thread per trial.

use super::Executor;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use stepsize::defaults::EVALUATIONS;
use stepsize::{End, Engine, Error, Event, Policy, Result, TrialId, TrialSpec, evaluation_steps, train};

/// Makes an untrained engine from a seed. Called on the thread of the trial.
pub type EngineSource = Arc<dyn Fn(u64) -> Result<Box<dyn Engine>> + Send + Sync>;

/// Makes the engine and the policy of a trial, where they differ from trial to trial. Called on the
/// thread of the trial.
pub type RunSource = Arc<dyn Fn(TrialId, &TrialSpec) -> Result<(Box<dyn Engine>, Policy)> + Send + Sync>;

struct EngineJob {
    trial: TrialId,
    spec: TrialSpec,
    cancelled: Arc<AtomicBool>,
}

/// A pool of worker threads, each of which runs one engine at a time. Results do not depend on
/// their number.
pub struct InProcess {
    jobs: usize,
    work: Sender<EngineJob>,
    events: Receiver<Event>,
    cancels: BTreeMap<TrialId, Arc<AtomicBool>>,
}

impl InProcess {
    /// A pool of `jobs` threads.
    ///
    /// # Errors
    /// When `jobs` is zero or a thread cannot be started.
    pub fn new(jobs: usize, engines: EngineSource) -> Result<Self> {
        let runs: RunSource =
            Arc::new(move |_, spec| Ok((engines(spec.seed)?, Policy::new(spec.lr, spec.schedule.clone()))));
        Self::of_runs(jobs, EVALUATIONS, runs)
    }

    /// A pool of `jobs` threads for trials that differ in more than their specs. Each is evaluated
    /// about `evaluations` times.
    ///
    /// # Errors
    /// As [`InProcess::new`].
    pub fn of_runs(jobs: usize, evaluations: u64, runs: RunSource) -> Result<Self> {
        if jobs == 0 {
            return Err(Error::invalid("jobs is 0; a study needs at least 1"));
        }
        let (work, queue) = channel::<EngineJob>();
        let (sender, events) = channel();
        let queue = Arc::new(Mutex::new(queue));
        for index in 0..jobs {
            let (queue, sender, runs) = (Arc::clone(&queue), sender.clone(), Arc::clone(&runs));
            std::thread::Builder::new()
                .name(format!("trial-{index}"))
                .spawn(move || work_off(&queue, &sender, evaluations, &runs))
                .map_err(|e| Error::io("start a thread", "", e))?;
        }
        Ok(Self { jobs, work, events, cancels: BTreeMap::new() })
    }
}

/// The work of one thread: takes trials until the pool is dropped.
fn work_off(queue: &Mutex<Receiver<EngineJob>>, sender: &Sender<Event>, evaluations: u64, runs: &RunSource) {
    loop {
        let next = match queue.lock() {
            Ok(receiver) => receiver.recv(),
            Err(_) => return,
        };
        let Ok(work) = next else { return };
        if run(&work, sender, evaluations, runs).is_err() {
            return;
        }
    }
}

/// Runs one trial. `Err` when the pool has been dropped.
fn run(work: &EngineJob, sender: &Sender<Event>, evaluations: u64, runs: &RunSource) -> std::result::Result<(), ()> {
    let EngineJob { trial, spec, cancelled } = work;
    let begin = Instant::now();
    let mut listening = true;
    let ended = Cell::new(false);
    let mut sink = |mut event: Event| {
        if let Event::Ended { seconds, .. } = &mut event {
            *seconds = Some(begin.elapsed().as_secs_f64());
            ended.set(true);
        }
        listening = sender.send(event).is_ok();
        if listening && !cancelled.load(Ordering::Relaxed) {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(End::Stopped)
        }
    };
    let failure = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let (mut engine, mut policy) = runs(*trial, spec)?;
        train(engine.as_mut(), *trial, spec, &mut policy, &evaluation_steps(spec.steps, evaluations), &mut sink)
    }));
    let why = match failure {
        Ok(Ok(_)) => None,
        Ok(Err(error)) => Some(error.to_string()),
        Err(_) => Some("the engine panicked; this is a bug in Stepsize, please report it".to_owned()),
    };
    if let Some(why) = why
        && !ended.get()
    {
        let _ = sink(Event::Ended { trial: *trial, end: End::Failed { why }, steps: 0, seconds: None });
    }
    if listening { Ok(()) } else { Err(()) }
}

impl Executor for InProcess {
    fn slots(&self) -> usize {
        self.jobs
    }

    fn submit(&mut self, trial: TrialId, spec: &TrialSpec) -> Result<()> {
        let cancelled = Arc::new(AtomicBool::new(false));
        self.cancels.insert(trial, Arc::clone(&cancelled));
        self.work
            .send(EngineJob { trial, spec: spec.clone(), cancelled })
            .map_err(|_| Error::internal("all worker threads have ended"))
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Event>> {
        match self.events.recv_timeout(wait) {
            Ok(event) => {
                if let Event::Ended { trial, .. } = &event {
                    self.cancels.remove(trial);
                }
                Ok(Some(event))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::internal("all worker threads have ended")),
        }
    }

    fn cancel(&mut self, trial: TrialId) -> Result<()> {
        if let Some(flag) = self.cancels.get(&trial) {
            flag.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}
