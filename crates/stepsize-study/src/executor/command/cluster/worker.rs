//! The thread that minds the jobs of a study: hands them over, reads their logs, sees their ends.
//!
//! One `list` call a poll serves all jobs. A call that gives no answer changes no trial; it is made again. A job that its engine has
//! lost (a node failed, a controller forgot it) is run again from its start as a new attempt, up to [`ATTEMPTS`] in all: the trial
//! then begins anew (`Event::Started`). A job that two lists in a row do not know, and that left no exit code, is lost.

use super::super::account::{Account, Exit, Why};
use super::super::source::Files;
use super::Plan;
use super::folder::Attempt;
use super::scheduler::{Log, Seen, State, Trouble};
use super::script::Job;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};
use stepsize::{End, Event, TrialId, TrialSpec};
use stepsize_logs::text::Lines;

/// How often logs and exit files are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// How long an exit file or the rest of a log is waited for when the engine says that the job is over.
const SETTLE: Duration = Duration::from_secs(4);
/// The same for a log that comes by a connection.
const DRAIN: Duration = Duration::from_secs(20);
/// How often the end of a job is asked for again.
const AGAIN: Duration = Duration::from_secs(3);
/// How long jobs are waited for that were told to end because the study is gone.
const LEAVE: Duration = Duration::from_secs(30);
/// Attempts at a trial whose jobs are lost.
const ATTEMPTS: u32 = 3;
/// Lists in a row that do not know a job.
const UNKNOWN: u32 = 2;
/// Blocks of one log read in a row: others are waiting.
const BLOCKS: usize = 16;

/// What the study wants.
pub(super) enum Request {
    /// Minds a trial, from this phase on.
    Mind(Box<Flight>),
    /// The study has stored what it was last told of this trial.
    Stored(TrialId),
    Cancel(TrialId),
}

/// Where a trial stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// The intent to hand it over is not stored yet.
    Intent,
    /// To be handed over once so many lists were made: a call that gave no answer may have done it.
    Ready(u64),
    Handed,
}

/// One trial under way.
pub(super) struct Flight {
    pub trial: TrialId,
    pub spec: TrialSpec,
    pub attempt: Attempt,
    pub job: Job,
    pub phase: Phase,
    pub account: Account,
    pub files: Files,
    pub log: Box<dyn Log>,
    pub lines: Lines,
    pub why: Option<Why>,
    /// When it was first seen to run.
    pub begun: Option<Instant>,
    /// When its end was last asked for.
    pub told: Option<Instant>,
    /// What the engine said of its end, and when.
    pub over: Option<(Exit, Instant)>,
    /// Why the engine has lost it, and when that was seen.
    pub lost: Option<(String, Instant)>,
    /// When a signal was first seen to have ended it.
    pub torn: Option<Instant>,
    /// Lists in a row that did not know it.
    pub unknown: u32,
}

/// What becomes of a trial after a look at it.
enum Next {
    Stays,
    Ends(Exit),
    Again(String),
}

pub(super) struct Worker {
    plan: Arc<Plan>,
    flights: BTreeMap<TrialId, Flight>,
    lists: u64,
    down: Option<Instant>,
}

impl Worker {
    pub fn new(plan: Arc<Plan>) -> Self {
        Self { plan, flights: BTreeMap::new(), lists: 0, down: None }
    }

    /// Works until the study is gone and its jobs have ended.
    pub fn run(mut self, requests: &Receiver<Request>) {
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
            self.hand_over();
            if !self.flights.is_empty() && poll.elapsed() >= self.plan.pace {
                self.poll();
                poll = Instant::now();
            }
            self.look();
        }
    }

    fn take(&mut self, request: Request) {
        match request {
            Request::Mind(flight) => {
                self.flights.insert(flight.trial, *flight);
            }
            Request::Stored(trial) => {
                if let Some(flight) = self.flights.get_mut(&trial)
                    && flight.phase == Phase::Intent
                {
                    flight.phase = Phase::Ready(0);
                }
            }
            Request::Cancel(trial) => {
                if let Some(flight) = self.flights.get_mut(&trial) {
                    flight.why = flight.why.take().or(Some(Why::Asked));
                }
            }
        }
    }

    /// Hands over what is ready, as far as there is room.
    fn hand_over(&mut self) {
        let handed = self.flights.values().filter(|f| f.phase == Phase::Handed && f.over.is_none()).count();
        let ready = |f: &Flight, lists| matches!(f.phase, Phase::Ready(at) if at <= lists) && f.why.is_none();
        let wanted: Vec<TrialId> = self.flights.values().filter(|f| ready(f, self.lists)).map(|f| f.trial).collect();
        if wanted.is_empty() {
            return;
        }
        let mut room = match self.plan.scheduler.room() {
            Ok(None) => usize::MAX,
            Ok(Some(room)) => room.total.saturating_sub(room.used.max(handed)),
            Err(trouble) => return self.trouble(&trouble),
        };
        for trial in wanted {
            let Some(flight) = self.flights.get_mut(&trial) else { continue };
            if room == 0 {
                return;
            }
            match self.plan.scheduler.submit(&flight.job) {
                Ok(id) => {
                    room -= 1;
                    flight.phase = Phase::Handed;
                    let handle = self.plan.handle(&flight.attempt.key, Some(&id));
                    let _ = flight.account.events.send(Event::Submitted { trial, handle });
                    self.reached();
                }
                Err(trouble @ (Trouble::Unreachable(_) | Trouble::Absent(_))) => {
                    // It may have been taken: the next list tells.
                    flight.phase = Phase::Ready(self.lists + 1);
                    return self.trouble(&trouble);
                }
                Err(Trouble::Refused(text)) => {
                    let name = self.plan.scheduler.name();
                    if let Some(flight) = self.flights.remove(&trial) {
                        flight.account.end(None, Exit::Unknown(format!("{name} refused its job: {text}")), 0.0);
                    }
                }
            }
        }
    }

    /// One list for all.
    fn poll(&mut self) {
        let list = match self.plan.scheduler.list(&self.plan.folder.prefix) {
            Ok(list) => list,
            Err(trouble) => return self.trouble(&trouble),
        };
        self.reached();
        self.lists += 1;
        let jobs = by_key(list);
        let name = self.plan.scheduler.name();
        for flight in self.flights.values_mut().filter(|f| f.phase != Phase::Intent) {
            let now = Instant::now();
            match jobs.get(&flight.attempt.key) {
                None if flight.phase == Phase::Handed => {
                    flight.unknown += 1;
                    if flight.unknown >= UNKNOWN {
                        flight.lost.get_or_insert((format!("{name} does not know its job any more"), now));
                    }
                }
                None => {}
                Some(seen) => {
                    flight.unknown = 0;
                    if flight.phase != Phase::Handed {
                        flight.phase = Phase::Handed;
                        let (trial, handle) = (flight.trial, self.plan.handle(&seen.key, Some(&seen.id)));
                        let _ = flight.account.events.send(Event::Submitted { trial, handle });
                    }
                    match &seen.state {
                        State::Queued => {}
                        State::Running => {
                            flight.begun.get_or_insert(now);
                        }
                        State::Over(exit) => {
                            flight.over.get_or_insert((exit.clone(), now));
                        }
                        State::Lost(why) => {
                            flight.lost.get_or_insert((why.clone(), now));
                        }
                    }
                }
            }
        }
    }

    /// Looks at every trial.
    fn look(&mut self) {
        let trials: Vec<TrialId> = self.flights.keys().copied().collect();
        for trial in trials {
            let Some(flight) = self.flights.get_mut(&trial) else { continue };
            let next = flight.look(&self.plan);
            match next {
                Ok(Next::Stays) => {}
                Ok(Next::Ends(exit)) => {
                    if let Some(flight) = self.flights.remove(&trial) {
                        let seconds = flight.begun.map_or(0.0, |b| b.elapsed().as_secs_f64());
                        flight.account.end(flight.why, exit, seconds);
                    }
                }
                Ok(Next::Again(why)) => self.again(trial, &why),
                Err(trouble) => self.trouble(&trouble),
            }
        }
    }

    /// Runs a trial again whose job was lost.
    fn again(&mut self, trial: TrialId, why: &str) {
        let Some(old) = self.flights.remove(&trial) else { return };
        // Should the job turn up again after all, it must not run.
        let _ = old.attempt.seal();
        let _ = self.plan.scheduler.cancel(&old.attempt.key);
        let events = old.account.events.clone();
        let fresh = if old.attempt.number >= ATTEMPTS {
            Err(stepsize::Error::invalid(format!("its job was lost {ATTEMPTS} times; the last time: {why}")))
        } else {
            self.plan
                .folder
                .new_attempt(trial)
                .and_then(|attempt| self.plan.flight(trial, &old.spec, attempt, Phase::Intent, events.clone()))
        };
        match fresh {
            Ok(flight) => {
                (self.plan.notice)(&format!("trial {trial} is run again: {why}"));
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
            let name = self.plan.scheduler.name();
            (self.plan.notice)(&format!("{name} answers again after {:.0} s", since.elapsed().as_secs_f64()));
        }
    }
}

impl Flight {
    fn look(&mut self, plan: &Plan) -> Result<Next, Trouble> {
        if self.phase != Phase::Handed {
            let doubtful = matches!(self.phase, Phase::Ready(at) if at > 0);
            return Ok(match &self.why {
                // Nothing was handed over, or what may have been will never run.
                Some(_) if !doubtful || self.attempt.seal() => Next::Ends(Exit::Unknown(String::new())),
                _ => Next::Stays,
            });
        }
        let exit = self.attempt.exit();
        let call = self.read();
        if !self.account.send() {
            self.why = self.why.take().or(Some(Why::NobodyListens));
        }
        let late = self.account.timeout.zip(self.begun).is_some_and(|(limit, begun)| begun.elapsed() > limit);
        self.why = self.why.take().or(call.map(Why::Called)).or(late.then_some(Why::TimedOut));
        if let Some(code) = exit {
            if let Some(next) = self.torn(&shell(code), plan) {
                return Ok(next);
            }
            return Ok(if self.is_read(None) { self.ends(shell(code)) } else { Next::Stays });
        }
        if let Some((exit, at)) = self.over.clone() {
            let settled = at.elapsed() > SETTLE;
            let known = plan.scheduler.knows_ends() || settled;
            if settled && let Some(code) = self.attempt.exit_looked_up() {
                return Ok(self.ends(shell(code)));
            }
            let exit = match exit {
                Exit::Code(_) if !plan.scheduler.knows_ends() => Exit::Unknown(format!(
                    "its job is over and left no exit code in {}: is that directory shared with the nodes?",
                    self.attempt.job.display()
                )),
                exit => exit,
            };
            return Ok(if known && self.is_read(Some(at)) { self.ends(exit) } else { Next::Stays });
        }
        if let Some((why, at)) = self.lost.clone() {
            if at.elapsed() < SETTLE {
                return Ok(Next::Stays);
            }
            return Ok(match self.attempt.exit_looked_up() {
                Some(code) => self.ends(shell(code)),
                None if self.why.is_some() => self.ends(Exit::Unknown(why)),
                None => Next::Again(why),
            });
        }
        if self.why.is_some() {
            // A job that has not begun never will.
            if self.begun.is_none() && self.attempt.seal() {
                plan.scheduler.cancel(&self.attempt.key)?;
                return Ok(Next::Ends(Exit::Unknown(String::new())));
            }
            if self.told.is_none_or(|t| t.elapsed() > AGAIN) {
                plan.scheduler.cancel(&self.attempt.key)?;
                self.told = Some(Instant::now());
            }
        }
        Ok(Next::Stays)
    }

    /// What to do about a trial that a signal ended which we did not ask for: an engine sends one when a node fails or its time
    /// is over, so its word is waited for. `None`: the signal says all there is.
    fn torn(&mut self, exit: &Exit, plan: &Plan) -> Option<Next> {
        if self.why.is_some() || !matches!(exit, Exit::Signal(9 | 15)) {
            return None;
        }
        if let Some((why, _)) = self.lost.clone() {
            return Some(Next::Again(why));
        }
        match self.over.clone() {
            Some((exit @ Exit::Unknown(_), at)) if !plan.scheduler.knows_ends() => {
                self.is_read(Some(at)).then(|| self.ends(exit)).or(Some(Next::Stays))
            }
            Some(_) => None,
            None => {
                let since = *self.torn.get_or_insert_with(Instant::now);
                (since.elapsed() < SETTLE + 3 * plan.pace).then_some(Next::Stays)
            }
        }
    }

    /// Takes in what is new of the log.
    fn read(&mut self) -> Option<super::super::meter::Call> {
        let mut call = None;
        for _ in 0..BLOCKS {
            let bytes = self.log.read();
            if bytes.is_empty() {
                break;
            }
            self.begun.get_or_insert_with(Instant::now);
            for line in self.lines.push(&bytes) {
                call = call.or_else(|| self.account.line(0, &line));
            }
        }
        call.or_else(|| self.files.look(&mut self.account.meter))
    }

    /// Whether all of the log was taken in; that of a job over since `at` is not waited for any longer than [`DRAIN`].
    fn is_read(&mut self, at: Option<Instant>) -> bool {
        let bytes = self.log.read();
        if bytes.is_empty() {
            let since = *self.told.get_or_insert_with(Instant::now);
            return self.log.is_complete() || at.unwrap_or(since).elapsed() > DRAIN;
        }
        for line in self.lines.push(&bytes) {
            let call = self.account.line(0, &line);
            self.why = self.why.take().or(call.map(Why::Called));
        }
        false
    }

    fn ends(&mut self, exit: Exit) -> Next {
        if self.why.is_none() {
            let last = self.lines.finish().and_then(|line| self.account.line(0, &line));
            self.why = last.or_else(|| self.files.last_look(&mut self.account.meter)).map(Why::Called);
        }
        Next::Ends(exit)
    }
}

/// The shell's way to tell of a signal.
pub(super) fn shell(code: i32) -> Exit {
    if (129..=192).contains(&code) { Exit::Signal(code - 128) } else { Exit::Code(code) }
}

/// One job a key: of a doubled one the one that runs, else the one that will.
pub(super) fn by_key(list: Vec<Seen>) -> BTreeMap<String, Seen> {
    let rank = |state: &State| match state {
        State::Running => 0,
        State::Queued => 1,
        State::Over(_) => 2,
        State::Lost(_) => 3,
    };
    let mut jobs: BTreeMap<String, Seen> = BTreeMap::new();
    for seen in list {
        let better = jobs.get(&seen.key).is_none_or(|known| rank(&seen.state) < rank(&known.state));
        if better {
            jobs.insert(seen.key.clone(), seen);
        }
    }
    jobs
}
