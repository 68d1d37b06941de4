//! [`Flight`]: one trial under way on a cluster: what its log, its exit file and the engine's lists say of it.

use super::StudyPlan;
use super::folder::Attempt;
use super::queue::{Log, Trouble};
use super::script::Submission;
use crate::executor::command::account::{Account, Exit, Why};
use crate::executor::log::meter::Ruling;
use crate::executor::log::source::Files;
use std::time::{Duration, Instant};
use stepsize::{TrialId, TrialSpec};
use stepsize_logs::text::Lines;

/// How long an exit file or the rest of a log is waited for when the engine says that the job is over.
const SETTLE: Duration = Duration::from_secs(4);
/// The same for a log that comes by a connection.
const DRAIN: Duration = Duration::from_secs(20);
/// How often the end of a job is asked for again.
const AGAIN: Duration = Duration::from_secs(3);
/// Blocks of one log read in a row: others are waiting.
const BLOCKS: usize = 16;

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
    pub job: Submission,
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
pub(super) enum Fate {
    Stays,
    Ends(Exit),
    Again(String),
}

impl Flight {
    /// Reads what is new of it, and tells what is to be done.
    pub fn look(&mut self, plan: &StudyPlan) -> Result<Fate, Trouble> {
        if self.phase != Phase::Handed {
            let doubtful = matches!(self.phase, Phase::Ready(at) if at > 0);
            return Ok(match &self.why {
                // Nothing was handed over, or what may have been will never run.
                Some(_) if !doubtful || self.attempt.seal() => Fate::Ends(Exit::Unknown(String::new())),
                _ => Fate::Stays,
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
            return Ok(if self.is_read(None) { self.ends(shell(code)) } else { Fate::Stays });
        }
        if let Some((exit, at)) = self.over.clone() {
            let settled = at.elapsed() > SETTLE;
            let known = plan.queue.knows_ends() || settled;
            if settled && let Some(code) = self.attempt.exit_looked_up() {
                return Ok(self.ends(shell(code)));
            }
            let exit = match exit {
                Exit::Code(_) if !plan.queue.knows_ends() => Exit::Unknown(format!(
                    "its job is over and left no exit code in {}: is that directory shared with the nodes?",
                    self.attempt.job.display()
                )),
                exit => exit,
            };
            return Ok(if known && self.is_read(Some(at)) { self.ends(exit) } else { Fate::Stays });
        }
        if let Some((why, at)) = self.lost.clone() {
            if at.elapsed() < SETTLE {
                return Ok(Fate::Stays);
            }
            return Ok(match self.attempt.exit_looked_up() {
                Some(code) => self.ends(shell(code)),
                None if self.why.is_some() => self.ends(Exit::Unknown(why)),
                None => Fate::Again(why),
            });
        }
        if self.why.is_some() {
            // A job that has not begun never will.
            if self.begun.is_none() && self.attempt.seal() {
                plan.queue.cancel(&self.attempt.key)?;
                return Ok(Fate::Ends(Exit::Unknown(String::new())));
            }
            if self.told.is_none_or(|t| t.elapsed() > AGAIN) {
                plan.queue.cancel(&self.attempt.key)?;
                self.told = Some(Instant::now());
            }
        }
        Ok(Fate::Stays)
    }

    /// What to do about a trial that a signal ended which we did not ask for: an engine sends one when a node fails or its time
    /// is over, so its word is waited for. `None`: the signal says all there is.
    fn torn(&mut self, exit: &Exit, plan: &StudyPlan) -> Option<Fate> {
        if self.why.is_some() || !matches!(exit, Exit::Signal(9 | 15)) {
            return None;
        }
        if let Some((why, _)) = self.lost.clone() {
            return Some(Fate::Again(why));
        }
        match self.over.clone() {
            Some((exit @ Exit::Unknown(_), at)) if !plan.queue.knows_ends() => {
                self.is_read(Some(at)).then(|| self.ends(exit)).or(Some(Fate::Stays))
            }
            Some(_) => None,
            None => {
                let since = *self.torn.get_or_insert_with(Instant::now);
                (since.elapsed() < SETTLE + 3 * plan.pace).then_some(Fate::Stays)
            }
        }
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

    fn ends(&mut self, exit: Exit) -> Fate {
        if self.why.is_none() {
            let last = self.lines.finish().and_then(|line| self.account.line(0, &line));
            self.why = last.or_else(|| self.files.last_look(&mut self.account.meter)).map(Why::Called);
        }
        Fate::Ends(exit)
    }
}

/// The shell's way to tell of a signal.
pub(super) fn shell(code: i32) -> Exit {
    if (129..=192).contains(&code) { Exit::Signal(code - 128) } else { Exit::Code(code) }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::queue::{Caps, JobEntry, Queue};
    use super::super::{Folder, On, Place};
    use super::*;
    use crate::Commands;
    use crate::executor::log::meaning::MetricReader;
    use crate::executor::{RateFrom, Template};
    use std::sync::Arc;
    use std::sync::mpsc::sync_channel;
    use stepsize::{Lr, Schedule};

    /// A cluster that takes every call; its logs never end.
    struct Fake;
    struct Endless;

    impl Log for Endless {
        fn read(&mut self) -> Vec<u8> {
            Vec::new()
        }
        fn is_complete(&self) -> bool {
            false
        }
    }

    impl Queue for Fake {
        fn name(&self) -> &'static str {
            "fake"
        }
        fn probe(&self) -> Result<Caps, Trouble> {
            Err(Trouble::Absent(String::new()))
        }
        fn submit(&self, job: &Submission) -> Result<String, Trouble> {
            Ok(job.key.clone())
        }
        fn list(&self, _: &str) -> Result<Vec<JobEntry>, Trouble> {
            Ok(Vec::new())
        }
        fn cancel(&self, _: &str) -> Result<(), Trouble> {
            Ok(())
        }
        fn log(&self, _: &Submission) -> Box<dyn Log> {
            Box::new(Endless)
        }
        fn knows_ends(&self) -> bool {
            false
        }
        fn log_outlives_job(&self) -> bool {
            true
        }
        fn pace(&self) -> Duration {
            Duration::from_secs(1)
        }
    }

    fn handed(name: &str) -> (StudyPlan, Flight) {
        let words = ["train", "{lr}"].map(str::to_owned);
        let mut commands = Commands::new(Template::new(&words, RateFrom::Arguments).unwrap(), 5);
        commands.dir = std::env::temp_dir().join(format!("stepsize-flight-{}-{name}", std::process::id()));
        let folder = Folder::open(&commands.dir, None).unwrap();
        let plan = StudyPlan {
            on: On::new(Place::Slurm { partition: None }),
            queue: Box::new(Fake),
            cwd: commands.dir.clone(),
            reader: Arc::new(MetricReader::new(&commands.reading, Some(5)).unwrap()),
            proven: Arc::default(),
            pace: Duration::from_secs(1),
            notice: Arc::new(|_| ()),
            commands,
            folder,
        };
        let lr = Lr::new(0.5).unwrap();
        let spec = TrialSpec { lr, schedule: Schedule::constant(), steps: 5, seed: 0, stop_on_divergence: true };
        let attempt = plan.folder.new_attempt(TrialId(0)).unwrap();
        let (events, _) = sync_channel(64);
        let mut flight = plan.flight(TrialId(0), &spec, attempt, Phase::Intent, events).unwrap();
        flight.phase = Phase::Handed;
        flight.begun = Some(Instant::now());
        (plan, flight)
    }

    /// Long ago: the machine runs for longer than that.
    fn long_ago() -> Instant {
        Instant::now().checked_sub(DRAIN + Duration::from_secs(1)).unwrap()
    }

    #[test]
    fn a_log_is_drained_from_the_end_of_its_job_however_long_ago_that_was_asked_for() {
        let (plan, mut flight) = handed("drain");
        flight.why = Some(Why::Asked);
        flight.told = Some(long_ago());
        flight.attempt.write("exit", "143\n").unwrap();
        assert!(matches!(flight.look(&plan), Ok(Fate::Stays)), "the log of an ended job was not waited for");
        std::fs::remove_dir_all(&plan.folder.dir).unwrap();
    }
}
