//! The thread that looks after the cluster jobs of a study: submits them, reads their logs, sees
//! their ends.
//!
//! One `list` call per poll serves all cluster jobs. A call without an answer changes no trial; it
//! is repeated. A cluster job that the cluster has lost (a node failed, a controller forgot it)
//! runs again from its start as a new attempt, up to [`ATTEMPTS`] in all; the trial then begins
//! anew (`Event::Started`).

use super::StudyPlan;
use super::flight::{Fate, Flight, FlightState};
use super::queue::{JobEntry, JobStatus, Trouble};
use crate::executor::command::account::{Exit, Why};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use stepsize::{End, Event, TrialId};

/// How often we look at logs and exit files.
const LOOK: Duration = Duration::from_millis(200);
/// How long we wait for cluster jobs to end after the study is gone.
const LEAVE: Duration = Duration::from_secs(30);
/// Attempts at a trial whose cluster jobs get lost.
const ATTEMPTS: u32 = 3;

/// What the study asks of the thread.
pub(super) enum WorkerMessage {
    /// Looks after a trial.
    Watch(Box<Flight>),
    /// The study has stored the last `Submitted` event of this trial.
    Stored(TrialId),
    Cancel(TrialId),
}

pub(super) struct Worker {
    plan: Arc<StudyPlan>,
    flights: BTreeMap<TrialId, Flight>,
    /// Lists made so far.
    lists: u64,
    /// Since when the cluster cannot be reached.
    down: Option<Instant>,
}

impl Worker {
    pub fn new(plan: Arc<StudyPlan>) -> Self {
        Self { plan, flights: BTreeMap::new(), lists: 0, down: None }
    }

    /// Works until the study is gone and its cluster jobs have ended.
    pub fn run(mut self, requests: &Receiver<WorkerMessage>) {
        let mut poll = Instant::now();
        let mut leaving: Option<Instant> = None;
        loop {
            match requests.recv_timeout(LOOK) {
                Ok(request) => {
                    self.take(request);
                    while let Ok(more) = requests.try_recv() {
                        self.take(more);
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    let begin = *leaving.get_or_insert_with(Instant::now);
                    for flight in self.flights.values_mut() {
                        flight.why = flight.why.take().or(Some(Why::NobodyListens));
                    }
                    if self.flights.is_empty() || begin.elapsed() > LEAVE {
                        return;
                    }
                    std::thread::sleep(LOOK);
                }
            }
            self.submit();
            if !self.flights.is_empty() && poll.elapsed() >= self.plan.pace {
                self.poll();
                poll = Instant::now();
            }
            self.look();
        }
    }

    fn take(&mut self, request: WorkerMessage) {
        match request {
            WorkerMessage::Watch(flight) => {
                self.flights.insert(flight.trial, *flight);
            }
            WorkerMessage::Stored(trial) => {
                if let Some(flight) = self.flights.get_mut(&trial)
                    && flight.state == FlightState::Intent
                {
                    flight.state = FlightState::Ready { lists: 0 };
                }
            }
            WorkerMessage::Cancel(trial) => {
                if let Some(flight) = self.flights.get_mut(&trial) {
                    flight.why = flight.why.take().or(Some(Why::Asked));
                }
            }
        }
    }

    /// Submits what is ready, as far as there is room.
    fn submit(&mut self) {
        let held = self.flights.values().filter(|f| f.state.holds_slot()).count();
        let ready =
            |f: &Flight, now| matches!(f.state, FlightState::Ready { lists } if lists <= now) && f.why.is_none();
        let wanted: Vec<TrialId> = self.flights.values().filter(|f| ready(f, self.lists)).map(|f| f.trial).collect();
        if wanted.is_empty() {
            return;
        }
        let mut room = match self.plan.queue.room() {
            Ok(None) => usize::MAX,
            Ok(Some(room)) => room.total.saturating_sub(room.used.max(held)),
            Err(trouble) => return self.trouble(&trouble),
        };
        for trial in wanted {
            let Some(flight) = self.flights.get_mut(&trial) else { continue };
            if room == 0 {
                return;
            }
            match self.plan.queue.submit(&flight.job) {
                Ok(id) => {
                    room -= 1;
                    flight.submitted(&id, &self.plan);
                    self.reached();
                }
                Err(trouble @ (Trouble::Unreachable(_) | Trouble::Absent(_))) => {
                    // It may have been accepted; the next list shows that.
                    flight.state = FlightState::Ready { lists: self.lists + 1 };
                    return self.trouble(&trouble);
                }
                Err(Trouble::Refused(text)) => {
                    let name = self.plan.queue.name();
                    if let Some(flight) = self.flights.remove(&trial) {
                        flight.account.end(None, Exit::Unknown(format!("{name} refused its cluster job: {text}")), 0.0);
                    }
                }
            }
        }
    }

    /// One list for all trials.
    fn poll(&mut self) {
        let list = match self.plan.queue.list(&self.plan.folder.prefix) {
            Ok(list) => list,
            Err(trouble) => return self.trouble(&trouble),
        };
        self.reached();
        self.lists += 1;
        let jobs = by_key(list);
        for flight in self.flights.values_mut() {
            flight.listed(jobs.get(&flight.attempt.key), &self.plan);
        }
    }

    /// Looks at every trial.
    fn look(&mut self) {
        let trials: Vec<TrialId> = self.flights.keys().copied().collect();
        for trial in trials {
            let Some(flight) = self.flights.get_mut(&trial) else { continue };
            let next = flight.look(&self.plan);
            match next {
                Ok(Fate::Stays) => {}
                Ok(Fate::Ends(exit)) => {
                    if let Some(flight) = self.flights.remove(&trial) {
                        let seconds = flight.begun.map_or(0.0, |b| b.elapsed().as_secs_f64());
                        flight.account.end(flight.why, exit, seconds);
                    }
                }
                Ok(Fate::Again(why)) => self.again(trial, &why),
                Err(trouble) => self.trouble(&trouble),
            }
        }
    }

    /// Runs a trial again whose cluster job was lost.
    fn again(&mut self, trial: TrialId, why: &str) {
        let Some(old) = self.flights.remove(&trial) else { return };
        // Should the cluster job turn up again after all, it must not run.
        let _ = old.attempt.seal();
        let _ = self.plan.queue.cancel(&old.attempt.key);
        let events = old.account.events.clone();
        let fresh = if old.attempt.number >= ATTEMPTS {
            Err(stepsize::Error::invalid(format!("its cluster job was lost {ATTEMPTS} times; the last time: {why}")))
        } else {
            self.plan
                .folder
                .new_attempt(trial)
                .and_then(|attempt| self.plan.flight(trial, &old.spec, attempt, FlightState::Intent, events.clone()))
        };
        match fresh {
            Ok(flight) => {
                (self.plan.notice)(&format!("trial {trial} runs again: {why}"));
                let handle = self.plan.handle(&flight.attempt.key, None);
                let _ = events.send(Event::Started { trial, spec: old.spec });
                self.flights.insert(trial, flight);
                let _ = events.send(Event::Submitted { trial, handle });
            }
            Err(error) => {
                let end = End::Failed { why: error.to_string() };
                let _ = events.send(Event::Ended { trial, end, steps: 0, seconds: None });
            }
        }
    }

    fn trouble(&mut self, trouble: &Trouble) {
        if self.down.is_none() {
            self.down = Some(Instant::now());
            (self.plan.notice)(&format!("{}; trials are left as they are until it answers", trouble.text()));
        }
    }

    fn reached(&mut self) {
        if let Some(since) = self.down.take() {
            let name = self.plan.queue.name();
            (self.plan.notice)(&format!("{name} answers again after {:.0} s", since.elapsed().as_secs_f64()));
        }
    }
}

/// One cluster job per key: of two with the same key the one that runs, else the one that will run.
pub(super) fn by_key(list: Vec<JobEntry>) -> BTreeMap<String, JobEntry> {
    let rank = |state: &JobStatus| match state {
        JobStatus::Running => 0,
        JobStatus::Queued => 1,
        JobStatus::Over(_) => 2,
        JobStatus::Lost(_) => 3,
    };
    let mut jobs: BTreeMap<String, JobEntry> = BTreeMap::new();
    for seen in list {
        let better = jobs.get(&seen.key).is_none_or(|known| rank(&seen.state) < rank(&known.state));
        if better {
            jobs.insert(seen.key.clone(), seen);
        }
    }
    jobs
}
