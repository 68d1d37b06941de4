//! [`Cluster`]: trials as cluster jobs of Slurm or Ray, one each, at most as many at once as the
//! study's window.
//!
//! `docs/design/recovery.md` has the rules by which a kill at any moment loses nothing and repeats
//! nothing. The parts: `place.rs` says where, `queue.rs` what we ask of a cluster, `slurm.rs` and
//! `ray.rs` answer it; `folder.rs` and `script.rs` are what a cluster job leaves on disk,
//! `flight.rs` is one trial, `apart.rs` the full run, `worker.rs` the thread that looks after them
//! all.

mod apart;
mod call;
mod doctor;
mod flight;
mod folder;
mod log_file;
mod place;
mod queue;
mod ray;
mod script;
mod slurm;
mod worker;

pub use apart::ApartRun;
pub use doctor::{Check, doctor};
pub use place::{Need, On, Place};

use super::command::{Commands, QUEUE};
use super::local::orphans;
use crate::executor::command::account::Account;
use crate::executor::command::template::Values;
use crate::executor::log::meaning::MetricReader;
use crate::executor::log::meter::Meter;
use crate::executor::log::source::{Files, Source};
use crate::executor::log::tail::Tail;
use crate::{Executor, Handle};
use flight::{Flight, FlightState};
use folder::{Attempt, Folder};
use queue::{JobStatus, Queue, grown};
use script::{Parts, Submission};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;
use stepsize::{Error, Event, Result, TrialId, TrialSpec};
use stepsize_logs::text::Lines;
use worker::{Worker, WorkerMessage};

/// Added to `--timeout` in the time limit that we ask the cluster for, so that our own timeout,
/// which has a readable message, fires first.
const MARGIN: Duration = Duration::from_secs(120);
/// Trials at once by default: a search asks for six at most.
const WINDOW: usize = 8;

/// What every trial of a study has in common.
pub(super) struct StudyPlan {
    commands: Commands,
    on: On,
    queue: Box<dyn Queue>,
    folder: Folder,
    cwd: PathBuf,
    reader: Arc<MetricReader>,
    proven: Arc<AtomicBool>,
    pace: Duration,
    notice: Arc<dyn Fn(&str) + Send + Sync>,
}

impl StudyPlan {
    fn handle(&self, key: &str, id: Option<&str>) -> String {
        let name = self.queue.name();
        id.map_or_else(|| format!("{name} {key}"), |id| format!("{name} {key} job {id}"))
    }

    /// What an attempt runs, to recognise a cluster job that is found later.
    fn spec(&self, trial: TrialId, spec: &TrialSpec) -> String {
        let values = self.values(trial, spec, &self.folder.dir);
        format!(
            "{}\n{}",
            self.commands.template.words(&values).join("\n"),
            Event::Started { trial, spec: spec.clone() }.to_json()
        )
    }

    fn values(&self, trial: TrialId, spec: &TrialSpec, dir: &std::path::Path) -> Values {
        let steps = if self.commands.template.has("steps") { spec.steps } else { self.commands.horizon };
        Values::new(trial, spec, steps, dir)
    }

    /// A trial to look after from this state on; for [`FlightState::Intent`] its files are written.
    fn flight(
        &self,
        trial: TrialId,
        spec: &TrialSpec,
        attempt: Attempt,
        state: FlightState,
        events: SyncSender<Event>,
    ) -> Result<Flight> {
        let values = self.values(trial, spec, &attempt.dir);
        let words = self.commands.template.words(&values);
        let need = &self.on.need;
        let text = script::script(
            &attempt,
            &Parts { place: &self.on.place, words: &words, values: &values, cwd: &self.cwd, need },
        );
        let path = if state == FlightState::Intent {
            attempt.write("spec", &self.spec(trial, spec))?;
            attempt.write("run.sh", &text)?
        } else {
            attempt.job.join("run.sh")
        };
        let source = match &self.commands.log {
            None => Source::Output,
            Some(pattern) => Source::Files(values.fill(pattern)?),
        };
        let limit = self.commands.timeout.map(|t| t + MARGIN);
        let job = Submission {
            key: attempt.key.clone(),
            script: text,
            path,
            log: attempt.job.join("log"),
            need: need.clone(),
            limit,
        };
        Ok(Flight {
            trial,
            spec: spec.clone(),
            account: Account {
                trial,
                program: words.first().cloned().unwrap_or_default(),
                meter: Meter::new(trial, spec.clone(), Arc::clone(&self.reader)),
                source: source.clone(),
                proven: Arc::clone(&self.proven),
                events,
                timeout: self.commands.timeout,
                tail: Tail::default(),
            },
            files: Files::new(&source),
            log: self.queue.log(&job),
            lines: Lines::new(),
            attempt,
            job,
            state,
            why: None,
            begun: None,
        })
    }
}

/// Trials as cluster jobs.
pub struct Cluster {
    plan: Arc<StudyPlan>,
    window: usize,
    running: BTreeSet<TrialId>,
    /// What an earlier process left and this one may adopt: the attempt and where it stands.
    left: BTreeMap<TrialId, (Attempt, FlightState)>,
    /// Intents that the study stores before any other event.
    submitted: VecDeque<Event>,
    /// The trial of the last `Submitted`, which is stored when the study asks for the next event.
    unconfirmed: Option<TrialId>,
    sender: SyncSender<Event>,
    events: Option<Receiver<Event>>,
    requests: Option<Sender<WorkerMessage>>,
    worker: Option<JoinHandle<()>>,
}

impl Cluster {
    /// An executor of these commands there. It asks the cluster for its version and size.
    ///
    /// # Errors
    /// When the cluster does not answer or has no room for one cluster job, or the directory of the
    /// trials cannot be used.
    pub fn new(commands: Commands, on: On) -> Result<Self> {
        if !commands.gpus.is_empty() {
            return Err(Error::invalid(
                "GPUs of this machine were named, but the runs go to a cluster; give the number of GPUs per run instead",
            ));
        }
        if let Some(pattern) = &commands.log {
            glob::Pattern::new(pattern)
                .map_err(|e| Error::invalid(format!("the file pattern {pattern}: {e}")).with_source(e))?;
        }
        let horizon = (!commands.template.has("steps")).then_some(commands.horizon);
        let reader = Arc::new(MetricReader::new(&commands.reading, horizon)?.of_run(commands.horizon));
        let folder = Folder::open(&commands.dir, commands.mark.as_deref())?;
        let cwd = std::env::current_dir().map_err(|e| Error::io("find the working directory", "", e))?;
        let queue = on.queue();
        let caps = grown(queue.as_ref(), on.notice.as_ref())
            .map_err(|t| Error::invalid(format!("{}; check the cluster with `stepsize doctor`", t.text())))?;
        if caps.slots == 0 {
            return Err(Error::invalid(format!(
                "{} has no room for a cluster job of {} processors and {} GPUs; ask for fewer processors or GPUs per run",
                caps.version, on.need.cpus, on.need.gpus
            )));
        }
        let asked = if commands.jobs == 0 { WINDOW } else { commands.jobs };
        let pace = on.pace.unwrap_or_else(|| queue.pace());
        let notice = Arc::clone(&on.notice);
        let proven = Arc::<AtomicBool>::default();
        let plan = Arc::new(StudyPlan { commands, on, queue, folder, cwd, reader, proven, pace, notice });
        let (sender, events) = sync_channel(QUEUE);
        let (requests, asked_for) = channel();
        let worker = Worker::new(Arc::clone(&plan));
        let thread = std::thread::Builder::new().name("cluster".into()).spawn(move || worker.run(&asked_for));
        Ok(Self {
            plan,
            window: asked.min(caps.slots),
            running: BTreeSet::new(),
            left: BTreeMap::new(),
            submitted: VecDeque::new(),
            unconfirmed: None,
            sender,
            events: Some(events),
            requests: Some(requests),
            worker: Some(thread.map_err(|e| Error::io("start a thread", "", e))?),
        })
    }

    /// A function that gives one line on which metric was chosen and why, once one is.
    pub fn chosen(&self) -> impl Fn() -> Option<String> + use<> {
        let reader = Arc::clone(&self.plan.reader);
        move || reader.why()
    }

    /// A function that gives what the newest trial printed that ended before its command printed a
    /// metric, until one is read.
    pub fn silent(&self) -> impl Fn() -> Option<String> + use<> {
        let reader = Arc::clone(&self.plan.reader);
        move || reader.silent()
    }

    fn request(&self, request: WorkerMessage) -> Result<()> {
        let sent = self.requests.as_ref().is_some_and(|r| r.send(request).is_ok());
        if sent { Ok(()) } else { Err(Error::internal("the thread that looks after the cluster jobs has ended")) }
    }

    /// What an earlier process left of this trial, if it runs the same; anything else is cancelled.
    fn adopted(&mut self, trial: TrialId, spec: &TrialSpec) -> Option<(Attempt, FlightState)> {
        let (attempt, state) = self.left.remove(&trial)?;
        if attempt.read("spec").as_deref() == Some(&self.plan.spec(trial, spec)) {
            return Some((attempt, state));
        }
        self.give_up(&attempt);
        None
    }

    /// Cancels a cluster job that nobody wants. A failure does not matter: the next start cancels
    /// it again.
    fn give_up(&self, attempt: &Attempt) {
        let _ = attempt.seal();
        let _ = self.plan.queue.cancel(&attempt.key);
    }
}

impl Executor for Cluster {
    fn slots(&self) -> usize {
        if self.plan.proven.load(Ordering::Relaxed) { self.window } else { 1 }
    }

    fn submit(&mut self, trial: TrialId, spec: &TrialSpec) -> Result<()> {
        if !self.running.insert(trial) {
            return Err(Error::invalid(format!("trial {trial} runs already; submit each trial once")));
        }
        let (attempt, state) = match self.adopted(trial, spec) {
            Some(left) => left,
            None => (self.plan.folder.new_attempt(trial)?, FlightState::Intent),
        };
        let handle = self.plan.handle(&attempt.key, None);
        let flight = self.plan.flight(trial, spec, attempt, state, self.sender.clone())?;
        if flight.state == FlightState::Intent {
            self.submitted.push_back(Event::Submitted { trial, handle });
        }
        self.request(WorkerMessage::Watch(Box::new(flight)))
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Event>> {
        if let Some(trial) = self.unconfirmed.take() {
            self.request(WorkerMessage::Stored(trial))?;
        }
        let event = match self.submitted.pop_front() {
            Some(event) => Some(event),
            None => match &self.events {
                None => None,
                Some(events) => match events.recv_timeout(wait) {
                    Ok(event) => Some(event),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => {
                        return Err(Error::internal("the cluster executor has ended"));
                    }
                },
            },
        };
        match &event {
            Some(Event::Submitted { trial, .. }) => self.unconfirmed = Some(*trial),
            Some(Event::Ended { trial, .. }) => {
                self.running.remove(trial);
            }
            _ => {}
        }
        Ok(event)
    }

    fn cancel(&mut self, trial: TrialId) -> Result<()> {
        self.request(WorkerMessage::Cancel(trial))
    }

    fn recover(&mut self, handles: &[Handle]) -> Result<()> {
        let plan = Arc::clone(&self.plan);
        if let Some(mark) = &plan.commands.mark {
            // The study may have run on this machine before it went to the cluster.
            orphans::end(mark, handles, plan.commands.grace)?;
        }
        let list = plan.queue.list(&plan.folder.prefix).map_err(|t| {
            Error::state(format!(
                "{}; what the earlier run of this study left there is unknown; run the command again when the cluster answers",
                t.text()
            ))
        })?;
        let mut jobs = worker::by_key(list);
        // An attempt has two handles, its intent and its number, which are open or not together.
        let mut attempts: BTreeMap<&str, bool> = BTreeMap::new();
        for handle in handles {
            if let Some(key) = handle.text.split(' ').nth(1) {
                attempts.insert(key, handle.open);
            }
        }
        for (attempt, open) in attempts.iter().filter_map(|(key, open)| Some((plan.folder.parse(key)?, *open))) {
            let state = jobs.remove(&attempt.key).map(|seen| seen.state);
            let live = matches!(state, Some(JobStatus::Queued | JobStatus::Running));
            let found = match state {
                _ if !open => None,
                Some(JobStatus::Lost(_)) => None,
                Some(_) => Some(FlightState::live()),
                None if attempt.exit().is_some() && plan.queue.log_outlives_job() => Some(FlightState::live()),
                // It was never submitted, or the cluster forgot it before it began.
                None if !attempt.is_claimed() => Some(FlightState::Ready { lists: 0 }),
                None => None,
            };
            match found {
                Some(found) => {
                    let older = self.left.get(&attempt.trial).is_some_and(|(known, _)| known.number > attempt.number);
                    let other = if older {
                        Some(attempt)
                    } else {
                        self.left.insert(attempt.trial, (attempt, found)).map(|o| o.0)
                    };
                    other.iter().for_each(|other| self.give_up(other));
                }
                None if live => self.give_up(&attempt),
                None => {}
            }
        }
        // Cluster jobs without a stored intent.
        for seen in jobs.values().filter(|s| matches!(s.state, JobStatus::Queued | JobStatus::Running)) {
            if let Some(attempt) = plan.folder.parse(&seen.key) {
                self.give_up(&attempt);
            }
        }
        Ok(())
    }
}

impl Drop for Cluster {
    /// Cancels every cluster job of the study and waits up to half a minute for their ends.
    fn drop(&mut self) {
        for (attempt, _) in std::mem::take(&mut self.left).into_values() {
            self.give_up(&attempt);
        }
        (self.events, self.requests) = (None, None);
        if let Some(worker) = self.worker.take() {
            let _ = worker.join();
        }
        if self.plan.commands.temporary {
            let _ = std::fs::remove_dir_all(&self.plan.folder.dir);
        }
    }
}
