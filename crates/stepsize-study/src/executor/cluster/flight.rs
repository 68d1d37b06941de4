//! [`Flight`]: one trial on a cluster, and where it stands by its log, its exit file and the
//! cluster's lists.
//!
//! [`FlightState`] has one function for each of its variants. The log is read in all of them;
//! `listed` takes in the lists.

use super::StudyPlan;
use super::folder::Attempt;
use super::queue::{JobEntry, JobStatus, Log, Trouble};
use super::script::Submission;
use crate::executor::command::account::{Account, Exit, Why};
use crate::executor::log::meter::Ruling;
use crate::executor::log::source::Files;
use std::time::{Duration, Instant};
use stepsize::{Event, TrialId, TrialSpec};
use stepsize_logs::text::Lines;

/// How long we wait for an exit file after the cluster says that the cluster job is over: a network
/// file system may show it late.
const SETTLE: Duration = Duration::from_secs(4);
/// How long we wait for the rest of a log that comes over a connection.
const DRAIN: Duration = Duration::from_secs(20);
/// How often we repeat the request to end a cluster job.
const AGAIN: Duration = Duration::from_secs(3);
/// Blocks of one log read in a row, so that other trials get their turn.
const BLOCKS: usize = 16;
/// Lists in a row that do not know a cluster job before it counts as lost.
const UNKNOWN: u32 = 2;

/// Where a trial stands.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum FlightState {
    /// The intent to submit it is not stored yet.
    Intent,
    /// To be submitted once so many lists were made: a call without an answer may have submitted it
    /// already.
    Ready { lists: u64 },
    /// The cluster has it and has not said that it is over.
    Live {
        /// Lists in a row that did not know it.
        unknown: u32,
        /// When we last asked for its end.
        asked: Option<Instant>,
    },
    /// A signal ended it that we did not send. A cluster sends one when a node fails or its time
    /// limit is over, so its word is waited for.
    Torn { exit: Exit, since: Instant, unknown: u32 },
    /// The cluster said at `since` that it is over; there is no exit file yet.
    Over { exit: Exit, since: Instant },
    /// The cluster lost it, which was seen at `since`.
    Lost { why: String, since: Instant },
    /// How it ended is known; the rest of its log is read.
    Draining {
        exit: Exit,
        /// Since when the log has brought nothing.
        since: Option<Instant>,
        /// Whether the cluster has said that it is over, so that its slot is free.
        over: bool,
    },
}

impl FlightState {
    /// A cluster job that was just submitted or found.
    pub fn live() -> Self {
        Self::Live { unknown: 0, asked: None }
    }

    /// Whether the cluster has not been handed the job yet.
    pub fn is_before(&self) -> bool {
        matches!(self, Self::Intent | Self::Ready { .. })
    }

    /// Whether it takes a slot of the cluster as far as we know.
    pub fn holds_slot(&self) -> bool {
        !self.is_before() && !matches!(self, Self::Over { .. } | Self::Draining { over: true, .. })
    }
}

/// One trial on a cluster.
pub(super) struct Flight {
    pub trial: TrialId,
    pub spec: TrialSpec,
    pub attempt: Attempt,
    pub job: Submission,
    pub state: FlightState,
    pub account: Account,
    pub files: Files,
    pub log: Box<dyn Log>,
    pub lines: Lines,
    /// Why we are ending it.
    pub why: Option<Why>,
    /// When it was first seen to run.
    pub begun: Option<Instant>,
}

/// What becomes of a trial after a look at it.
pub(super) enum Fate {
    Stays,
    Ends(Exit),
    /// Its cluster job was lost, for this reason: run it again.
    Again(String),
}

impl Flight {
    /// The cluster has it under this number.
    pub fn submitted(&mut self, id: &str, plan: &StudyPlan) {
        self.state = FlightState::live();
        let handle = plan.handle(&self.attempt.key, Some(id));
        let _ = self.account.events.send(Event::Submitted { trial: self.trial, handle });
    }

    /// Takes in what a list of the cluster says; `None`: it does not know the cluster job.
    pub fn listed(&mut self, entry: Option<&JobEntry>, plan: &StudyPlan) {
        let Some(entry) = entry else { return self.unlisted(plan) };
        match self.state {
            FlightState::Intent => return,
            FlightState::Ready { .. } => self.submitted(&entry.id, plan),
            _ => {}
        }
        if let FlightState::Live { unknown, .. } | FlightState::Torn { unknown, .. } = &mut self.state {
            *unknown = 0;
        }
        match &entry.state {
            JobStatus::Queued => {}
            JobStatus::Running => {
                self.begun.get_or_insert_with(Instant::now);
            }
            JobStatus::Over(exit) => self.is_over(exit.clone(), plan),
            JobStatus::Lost(why) => self.is_lost(why.clone()),
        }
    }

    fn unlisted(&mut self, plan: &StudyPlan) {
        if let FlightState::Live { unknown, .. } | FlightState::Torn { unknown, .. } = &mut self.state {
            *unknown += 1;
            if *unknown >= UNKNOWN {
                self.is_lost(format!("{} does not know its job any more", plan.queue.name()));
            }
        }
    }

    fn is_over(&mut self, word: Exit, plan: &StudyPlan) {
        let since = Instant::now();
        match &mut self.state {
            FlightState::Live { .. } | FlightState::Lost { .. } => self.state = FlightState::Over { exit: word, since },
            FlightState::Torn { exit, .. } => {
                self.state = if says_why(&word, plan) {
                    FlightState::Draining { exit: word, since: Some(since), over: true }
                } else {
                    FlightState::Draining { exit: exit.clone(), since: None, over: true }
                };
            }
            FlightState::Draining { over, .. } => *over = true,
            FlightState::Intent | FlightState::Ready { .. } | FlightState::Over { .. } => {}
        }
    }

    fn is_lost(&mut self, why: String) {
        if matches!(self.state, FlightState::Live { .. } | FlightState::Torn { .. }) {
            self.state = FlightState::Lost { why, since: Instant::now() };
        }
    }

    /// Reads what is new of it and decides what to do.
    ///
    /// # Errors
    /// When a request to end it does not reach the cluster.
    pub fn look(&mut self, plan: &StudyPlan) -> Result<Fate, Trouble> {
        if self.state.is_before() {
            return Ok(self.before());
        }
        // The exit file first: what was printed before it was written is then in the log.
        let left = self.attempt.exit().map(shell);
        self.take_in();
        match self.state.clone() {
            FlightState::Intent | FlightState::Ready { .. } => Ok(self.before()),
            FlightState::Live { unknown, asked } => self.live(left, unknown, asked, plan),
            FlightState::Torn { exit, since, .. } => Ok(self.torn(exit, since, plan)),
            FlightState::Over { exit, since } => Ok(self.over(left, exit, since, plan)),
            FlightState::Lost { why, since } => Ok(self.lost(left, why, since)),
            FlightState::Draining { exit, since, over } => Ok(self.drain(exit, since, over)),
        }
    }

    /// Not handed to the cluster yet, as far as we know.
    fn before(&mut self) -> Fate {
        let doubtful = matches!(self.state, FlightState::Ready { lists } if lists > 0);
        match &self.why {
            // Nothing was submitted, or what may have been will never run.
            Some(_) if !doubtful || self.attempt.seal() => Fate::Ends(Exit::Unknown(String::new())),
            _ => Fate::Stays,
        }
    }

    /// Reads the log and the metric files, sends what they bring, and finds reasons to end the
    /// trial.
    fn take_in(&mut self) {
        let call = self.read();
        if !self.account.send() {
            self.why = self.why.take().or(Some(Why::NobodyListens));
        }
        let late = self.account.timeout.zip(self.begun).is_some_and(|(limit, begun)| begun.elapsed() > limit);
        self.why = self.why.take().or(call.map(Why::Called)).or(late.then_some(Why::TimedOut));
    }

    fn live(
        &mut self,
        left: Option<Exit>,
        unknown: u32,
        asked: Option<Instant>,
        plan: &StudyPlan,
    ) -> Result<Fate, Trouble> {
        if let Some(exit) = left {
            if self.is_torn(&exit) {
                self.state = FlightState::Torn { exit, since: Instant::now(), unknown };
                return Ok(Fate::Stays);
            }
            return Ok(self.drain(exit, None, false));
        }
        if self.why.is_none() {
            return Ok(Fate::Stays);
        }
        // A cluster job that has not begun never will.
        if self.begun.is_none() && self.attempt.seal() {
            plan.queue.cancel(&self.attempt.key)?;
            return Ok(Fate::Ends(Exit::Unknown(String::new())));
        }
        if asked.is_none_or(|at| at.elapsed() > AGAIN) {
            plan.queue.cancel(&self.attempt.key)?;
            self.state = FlightState::Live { unknown, asked: Some(Instant::now()) };
        }
        Ok(Fate::Stays)
    }

    fn torn(&mut self, exit: Exit, since: Instant, plan: &StudyPlan) -> Fate {
        // Long enough for three lists. Without a word by then, the signal says all there is.
        if self.why.is_none() && since.elapsed() < SETTLE + 3 * plan.pace {
            return Fate::Stays;
        }
        self.drain(exit, None, false)
    }

    fn over(&mut self, left: Option<Exit>, word: Exit, since: Instant, plan: &StudyPlan) -> Fate {
        if let Some(exit) = left {
            let word = (self.is_torn(&exit) && says_why(&word, plan)).then_some(word);
            return match word {
                Some(word) => self.drain(word, Some(since), true),
                None => self.drain(exit, None, true),
            };
        }
        let settled = since.elapsed() > SETTLE;
        if settled && let Some(code) = self.attempt.exit_looked_up() {
            return self.ends(shell(code));
        }
        let knows = plan.queue.knows_ends();
        if (knows || settled) && self.is_read(&mut Some(since)) {
            return self.ends(match word {
                Exit::Code(_) if !knows => Exit::Unknown(format!(
                    "its cluster job is over and left no exit code in {}; is that directory shared with the nodes?",
                    self.attempt.job.display()
                )),
                word => word,
            });
        }
        Fate::Stays
    }

    fn lost(&mut self, left: Option<Exit>, why: String, since: Instant) -> Fate {
        if let Some(exit) = left {
            return if self.is_torn(&exit) { Fate::Again(why) } else { self.drain(exit, None, false) };
        }
        if since.elapsed() < SETTLE {
            return Fate::Stays;
        }
        match self.attempt.exit_looked_up() {
            Some(code) => self.ends(shell(code)),
            None if self.why.is_some() => self.ends(Exit::Unknown(why)),
            None => Fate::Again(why),
        }
    }

    fn drain(&mut self, exit: Exit, mut since: Option<Instant>, over: bool) -> Fate {
        if self.is_read(&mut since) {
            return self.ends(exit);
        }
        self.state = FlightState::Draining { exit, since, over };
        Fate::Stays
    }

    /// Whether this end came by a signal that we did not ask for.
    fn is_torn(&self, exit: &Exit) -> bool {
        self.why.is_none() && matches!(exit, Exit::Signal(9 | 15))
    }

    /// Takes in what is new of the log.
    fn read(&mut self) -> Option<Ruling> {
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

    /// Whether all of the log was read, or nothing came of it for longer than [`DRAIN`]; `since` is
    /// set by the first read that brings nothing.
    fn is_read(&mut self, since: &mut Option<Instant>) -> bool {
        let bytes = self.log.read();
        if bytes.is_empty() {
            let since = *since.get_or_insert_with(Instant::now);
            return self.log.is_complete() || since.elapsed() > DRAIN;
        }
        for line in self.lines.push(&bytes) {
            let call = self.account.line(0, &line);
            self.why = self.why.take().or(call.map(Why::Called));
        }
        false
    }

    fn ends(&mut self, exit: Exit) -> Fate {
        if self.why.is_none() {
            let last = self.lines.finish().and_then(|line| self.account.line(0, &line));
            self.why = last.or_else(|| self.files.last_look(&mut self.account.meter)).map(Why::Called);
        }
        Fate::Ends(exit)
    }
}

/// Whether the cluster's word explains a signal. One that knows exit codes only repeats the signal.
fn says_why(word: &Exit, plan: &StudyPlan) -> bool {
    matches!(word, Exit::Unknown(_)) && !plan.queue.knows_ends()
}

/// How a command ended by the shell's exit code, which is 128 more than a signal.
pub(super) fn shell(code: i32) -> Exit {
    if (129..=192).contains(&code) { Exit::Signal(code - 128) } else { Exit::Code(code) }
}

#[cfg(test)]
mod tests;
