//! [`Study::run`]: the loop that lets an executor run the trials of a study.

use super::{Study, StudyResult, Watch};
use crate::executor::Executor;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use stepsize::{End, Error, Event, Result, Trial, TrialId, Wish};

/// The share of trials that may be left out, beside two: of more the job itself is broken.
const FEW: f64 = 0.2;
/// How long the loop waits for an event before it looks at the stop flag again.
const POLL: Duration = Duration::from_millis(50);

/// How often it looks for wishes: a person does not notice less, and a look takes microseconds.
const LOOK: Duration = Duration::from_millis(250);

/// A study whose trials are run by an executor.
struct BatchRun<'r, 's> {
    study: &'r mut Study<'s>,
    executor: &'r mut dyn Executor,
    stop: &'r AtomicBool,
    watch: Watch<'r>,
    /// Slots of the executor that are taken: by running trials, and by pruned ones whose end it has
    /// not reported yet.
    taken: usize,
    interrupted: bool,
    /// How often each trial has failed.
    failures: BTreeMap<TrialId, u32>,
    /// When it last looked for wishes.
    looked: Option<Instant>,
}

/// The error of a trial that failed.
fn failure(trial: &Trial) -> Error {
    let why = match &trial.end {
        Some(End::Failed { why }) => why.as_str(),
        _ => "it failed",
    };
    Error::engine(format!("trial {} at lr {}: {why}", trial.id, trial.spec.lr))
}

/// Whether a trial failed by what may be gone at the next try, such as a connection: then even the
/// first one is tried again. Any other failure of the first trial is that of the job.
fn passes(trial: &Trial) -> bool {
    const KNOWN: [&str; 11] = [
        "connection reset",
        "connection refused",
        "connection aborted",
        "connection timed out",
        "broken pipe",
        "temporarily unavailable",
        "network error",
        "unreachable",
        "nccl error",
        "cuda error",
        "ended with signal",
    ];
    let Some(End::Failed { why }) = &trial.end else { return false };
    let why = why.to_lowercase();
    KNOWN.iter().any(|words| why.contains(words))
}

impl Study<'_> {
    /// Whether one more trial may be left out.
    fn spares_one_more(&self) -> bool {
        let settled = self.done.len() + self.ended.len();
        let most = 2 + (settled as f64 * FEW) as usize;
        !self.needs_all && self.given_up.len() < most
    }

    /// Runs the study to its end, or until `stop` is set. `watch` sees every new event after it is
    /// stored, and the conclusion.
    ///
    /// # Errors
    /// When the store or the executor breaks, or when a trial *fails*, as opposed to diverging,
    /// and no other has ended: a broken job is reported after one trial, not after thirty, unless
    /// the failure is one that passes, such as a lost connection. A trial
    /// that fails more often than [`Study::with_retries`] allows is left out
    /// ([`StudyResult::given_up`]); it is an error when more than two and a fifth do.
    pub fn run(
        mut self,
        executor: &mut dyn Executor,
        stop: &AtomicBool,
        watch: &mut dyn FnMut(&Event),
    ) -> Result<StudyResult> {
        if let Some(first) = self.begun.take() {
            watch(&first);
        }
        executor.recover(&self.handles)?;
        let mut running = BatchRun {
            study: &mut self,
            executor,
            stop,
            watch,
            taken: 0,
            interrupted: false,
            failures: BTreeMap::new(),
            looked: None,
        };
        loop {
            running.looked = None;
            running.heed_wishes()?;
            running.heed_bound()?;
            if running.interrupted || !running.study.next_batch()? {
                break;
            }
            running.batch()?;
        }
        let result = self.conclude()?;
        watch(&Event::Concluded { estimate: result.estimate.clone() });
        Ok(result)
    }
}

impl BatchRun<'_, '_> {
    /// Runs one batch to its end, or until it is interrupted and its running trials have stopped.
    fn batch(&mut self) -> Result<()> {
        loop {
            self.fill_slots()?;
            // Ends reach the disk while the trials that take their places start.
            self.study.store.sync()?;
            if self.taken == 0 {
                return Ok(());
            }
            self.heed_wishes()?;
            self.heed_stop()?;
            match self.executor.next(POLL)? {
                Some(event) => self.take_in(&event)?,
                None => self.study.store.flush()?,
            }
        }
    }

    fn fill_slots(&mut self) -> Result<()> {
        while self.taken < self.executor.slots() && !self.interrupted {
            let Some((trial, spec)) = self.study.start(self.watch)? else { break };
            self.executor.submit(trial, &spec)?;
            self.taken += 1;
        }
        Ok(())
    }

    /// Grants what a person has asked for since the last look.
    fn heed_wishes(&mut self) -> Result<()> {
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        for wish in self.study.store.wishes()? {
            let Some(event) = self.study.granted(&wish) else { continue };
            self.record(&event)?;
            self.study.grant(&event);
            match wish {
                Wish::StopTrial { trial } => {
                    let why = "stopped by hand".to_owned();
                    self.record(&self.study.end_of(trial, End::Pruned { why }))?;
                    self.executor.cancel(trial)?;
                    self.settle_if_ended(trial)?;
                }
                Wish::Stop => self.stop.store(true, Ordering::Relaxed),
                Wish::Budget { .. } | Wish::Rate { .. } => {}
            }
        }
        Ok(())
    }

    /// Plans what follows for the budget that limits leave.
    fn heed_bound(&mut self) -> Result<()> {
        let Some(bound) = &mut self.study.bound else { return Ok(()) };
        let ended: Vec<Trial> = self.study.done.iter().chain(&self.study.ended).cloned().collect();
        let Some(runs) = bound(&ended) else { return Ok(()) };
        // One that is too small for any answer is not granted; then the limit ends the search.
        let Some(event) = self.study.granted(&Wish::Budget { runs }) else { return Ok(()) };
        self.record(&event)?;
        self.study.grant(&event);
        Ok(())
    }

    fn heed_stop(&mut self) -> Result<()> {
        if self.interrupted || !self.stop.load(Ordering::Relaxed) {
            return Ok(());
        }
        self.interrupted = true;
        self.study.live.keys().try_for_each(|id| self.executor.cancel(*id))
    }

    fn take_in(&mut self, event: &Event) -> Result<()> {
        let (id, over) = match event {
            Event::Started { trial, .. }
            | Event::Submitted { trial, .. }
            | Event::Step { trial, .. }
            | Event::Eval { trial, .. }
            | Event::Acted { trial, .. } => (*trial, false),
            Event::Ended { trial, .. } => (*trial, true),
            Event::Study { .. } | Event::Asked { .. } | Event::Concluded { .. } | Event::Followed { .. } => {
                return Ok(());
            }
        };
        self.taken -= usize::from(over);
        // A trial that was pruned here is no longer live. What it still sends is not evidence.
        if !self.study.live.contains_key(&id) {
            return Ok(());
        }
        self.record(event)?;
        if let Some(end) = self.study.pruned(id) {
            self.record(&self.study.end_of(id, end))?;
            self.executor.cancel(id)?;
        }
        self.settle_if_ended(id)
    }

    fn settle_if_ended(&mut self, id: TrialId) -> Result<()> {
        let Some(trial) = self.study.take_ended(id) else { return Ok(()) };
        if matches!(trial.end, Some(End::Failed { .. })) {
            self.study.store.sync()?;
            let failures = self.failures.entry(id).or_default();
            *failures += 1;
            let works = self.study.ended.iter().chain(&self.study.done).next().is_some();
            if (works || passes(&trial)) && *failures <= self.study.retries {
                self.study.wanted.push_front((id, trial.spec));
                return Ok(());
            }
            if works && self.study.retries > 0 && self.study.spares_one_more() {
                self.study.given_up.push(trial);
                return Ok(());
            }
            return Err(failure(&trial));
        }
        self.study.settle(trial);
        Ok(())
    }

    /// Stores an event, then takes it in.
    fn record(&mut self, event: &Event) -> Result<()> {
        match event {
            Event::Ended { .. } => self.study.store.append_deferred(event)?,
            _ => self.study.store.append(event)?,
        }
        self.study.fold(event);
        (self.watch)(event);
        Ok(())
    }
}
