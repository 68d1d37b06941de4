//! The study loop: ask, run, record, conclude. One loop for every probe, executor and store.
//!
//! Resume is replay. The probe is asked again from the beginning; a trial whose recorded spec is the one asked for and
//! which has ended is taken from the store, any other is run. Killing the process at any moment therefore costs at
//! most the trials that were running.

use crate::executor::{Executor, Handle};
use crate::store::Store;
use std::collections::{BTreeMap, VecDeque};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use stepsize::{
    End, Error, Estimate, Event, Job, Probe, Pruner, Result, Trial, TrialId, TrialSpec, VERSION, fold, fold_one,
};

/// How long the loop waits for an event before it looks at the stop flag again.
const POLL: Duration = Duration::from_millis(50);

/// What a study asks, for its first event.
#[derive(Debug, Clone)]
pub struct Question {
    /// Command, probe and options, for people.
    pub text: String,
    /// What is trained, for people.
    pub task: String,
    /// The full run.
    pub job: Job,
}

impl Question {
    /// Checks that `first`, the first event of a store, asks this question.
    ///
    /// # Errors
    /// [`Error::is_state`] with the difference when it asks another one.
    pub fn check(&self, first: &Event) -> Result<()> {
        let Event::Study { question, task, job, .. } = first else {
            return Err(Error::state("the store does not begin with a study: it was written by something else"));
        };
        let fields = [
            ("command", question.clone(), self.text.clone()),
            ("task", task.clone(), self.task.clone()),
            ("steps", job.steps.to_string(), self.job.steps.to_string()),
            ("schedule", job.schedule.to_string(), self.job.schedule.to_string()),
            ("seed", job.seed.to_string(), self.job.seed.to_string()),
        ];
        let differs = fields.iter().filter(|(_, stored, asked)| stored != asked);
        let lines: Vec<String> =
            differs.map(|(n, stored, asked)| format!("\n  {n}: {stored}\n    now: {asked}")).collect();
        if lines.is_empty() && *job == self.job {
            return Ok(());
        }
        Err(Error::state(format!(
            "this study asks another question; choose another name for this one{}",
            lines.concat()
        )))
    }
}

/// How a study ended.
#[derive(Debug, Clone)]
pub struct StudyResult {
    /// The conclusion.
    pub estimate: Estimate,
    /// All ended trials, in the order of their numbers.
    pub trials: Vec<Trial>,
    /// Whether it was interrupted: the estimate then rests on what there was.
    pub interrupted: bool,
}

/// Runs a study to its end, or until `stop` is set.
///
/// `watch` sees every new event after it is stored. `pruner` is asked after every event of a running trial.
///
/// # Errors
/// When the store or the executor breaks, when the store belongs to another question, or when a trial *fails* (as
/// opposed to diverging): a broken job is reported after one trial, not after thirty.
pub fn study(
    question: &Question,
    probe: &dyn Probe,
    pruner: Option<&dyn Pruner>,
    executor: &mut dyn Executor,
    store: &mut dyn Store,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(&Event),
) -> Result<StudyResult> {
    let recorded = store.read()?;
    if let Some(first) = recorded.first() {
        question.check(first)?;
    } else {
        let Question { text, task, job } = question.clone();
        let first = Event::Study { version: VERSION, question: text, task, job };
        store.append(&first)?;
        watch(&first);
    }
    executor.recover(&handles(&recorded))?;
    let known = fold(&recorded);
    let mut done: Vec<Trial> = Vec::new();
    let mut interrupted = false;
    while !interrupted {
        let specs = probe.ask(&done)?;
        if specs.is_empty() {
            break;
        }
        let batch = numbered(&done, specs);
        let (ready, wanted) = replay(&known, batch)?;
        let mut settled = done.clone();
        if pruner.is_some_and(|p| !p.waits_for_batches()) {
            settled.extend(ready.iter().cloned());
        }
        let mut run = BatchRun { pruner, executor, store, stop, watch, settled };
        let (fresh, cut) = run.run(wanted)?;
        interrupted = cut;
        done.extend(ready);
        done.extend(fresh);
        done.sort_by_key(|t| t.id);
    }
    let estimate = probe.estimate(&done)?;
    let last = Event::Concluded { estimate: estimate.clone() };
    // A study that is looked at again concludes what it had concluded.
    if recorded.last() != Some(&last) {
        store.append(&last)?;
    }
    watch(&last);
    Ok(StudyResult { estimate, trials: done, interrupted })
}

/// Whether a trial with this end is evidence and never runs again. A failure is none: what failed is mended, then tried.
fn is_over(end: &End) -> bool {
    !matches!(end, End::Stopped | End::Failed { .. })
}

fn handles(recorded: &[Event]) -> Vec<Handle> {
    let mut handles: Vec<Handle> = Vec::new();
    for event in recorded {
        match event {
            Event::Submitted { trial, handle } => {
                handles.push(Handle { trial: *trial, text: handle.clone(), open: true });
            }
            Event::Ended { trial, .. } => {
                handles.iter_mut().filter(|h| h.trial == *trial).for_each(|h| h.open = false);
            }
            _ => {}
        }
    }
    handles
}

pub(crate) fn numbered(done: &[Trial], specs: Vec<TrialSpec>) -> Vec<(TrialId, TrialSpec)> {
    let next = done.last().map_or(0, |t| t.id.0 + 1);
    (next..).map(TrialId).zip(specs).collect()
}

pub(crate) type Wanted = VecDeque<(TrialId, TrialSpec)>;

/// Splits a batch into trials that the store has already and trials to run.
pub(crate) fn replay(
    known: &BTreeMap<TrialId, Trial>,
    batch: Vec<(TrialId, TrialSpec)>,
) -> Result<(Vec<Trial>, Wanted)> {
    let (mut ready, mut wanted) = (Vec::new(), VecDeque::new());
    for (id, spec) in batch {
        match known.get(&id) {
            Some(trial) if trial.spec != spec => {
                return Err(Error::state(format!(
                    "the log's trial {id} ran lr {} for {} steps, this study asks for lr {} and {} steps: it belongs to \
                     another question; choose another name or file",
                    trial.spec.lr, trial.spec.steps, spec.lr, spec.steps
                )));
            }
            Some(trial) if trial.end.as_ref().is_some_and(is_over) => ready.push(trial.clone()),
            _ => wanted.push_back((id, spec)),
        }
    }
    Ok((ready, wanted))
}

/// One batch of trials under way.
struct BatchRun<'a> {
    pruner: Option<&'a dyn Pruner>,
    executor: &'a mut dyn Executor,
    store: &'a mut dyn Store,
    stop: &'a AtomicBool,
    watch: &'a mut dyn FnMut(&Event),
    /// What the pruner may compare with: trials of earlier batches, and of this one if it does not wait for its end.
    settled: Vec<Trial>,
}

impl BatchRun<'_> {
    /// Runs the batch; returns the ended trials and whether it was interrupted.
    fn run(&mut self, mut wanted: Wanted) -> Result<(Vec<Trial>, bool)> {
        let mut live: BTreeMap<TrialId, Trial> = BTreeMap::new();
        let mut ended = Vec::new();
        let mut running = 0;
        let mut interrupted = false;
        loop {
            while running < self.executor.slots() && !interrupted {
                let Some((trial, spec)) = wanted.pop_front() else { break };
                self.record(&mut live, &Event::Started { trial, spec: spec.clone() })?;
                self.executor.submit(trial, &spec)?;
                running += 1;
            }
            // Ends reach the disk while the trials that take their places start.
            self.store.settle()?;
            if running == 0 {
                return Ok((ended, interrupted));
            }
            if self.stop.load(Ordering::Relaxed) && !interrupted {
                interrupted = true;
                for id in live.keys() {
                    self.executor.cancel(*id)?;
                }
            }
            let Some(event) = self.executor.next(POLL)? else {
                self.store.flush()?;
                continue;
            };
            let (id, over) = match &event {
                Event::Started { trial, .. }
                | Event::Submitted { trial, .. }
                | Event::Step { trial, .. }
                | Event::Eval { trial, .. }
                | Event::Acted { trial, .. } => (*trial, false),
                Event::Ended { trial, .. } => (*trial, true),
                Event::Study { .. } | Event::Concluded { .. } => continue,
            };
            running -= usize::from(over);
            // A trial that was pruned here is no longer live; what it still sends is not part of the evidence.
            if !live.contains_key(&id) {
                continue;
            }
            self.record(&mut live, &event)?;
            if !over && let Some(end) = self.judge(&live[&id]) {
                let steps = live[&id].steps_run;
                self.record(&mut live, &Event::Ended { trial: id, end, steps, seconds: None })?;
                self.executor.cancel(id)?;
            }
            if live[&id].end.is_some()
                && let Some(trial) = live.remove(&id)
            {
                if let Some(End::Failed { why }) = &trial.end {
                    self.store.settle()?;
                    return Err(Error::engine(format!("trial {id} at lr {}: {why}", trial.spec.lr)));
                }
                if self.pruner.is_some_and(|p| !p.waits_for_batches()) {
                    self.settled.push(trial.clone());
                }
                ended.push(trial);
            }
        }
    }

    fn judge(&self, live: &Trial) -> Option<End> {
        self.pruner.and_then(|p| p.judge(live, &self.settled)).map(|why| End::Pruned { why })
    }

    fn record(&mut self, live: &mut BTreeMap<TrialId, Trial>, event: &Event) -> Result<()> {
        match event {
            Event::Ended { .. } => self.store.note(event)?,
            _ => self.store.append(event)?,
        }
        fold_one(live, event);
        (self.watch)(event);
        Ok(())
    }
}
