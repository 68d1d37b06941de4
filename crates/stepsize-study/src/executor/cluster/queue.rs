//! [`Queue`]: a queue of jobs that somebody else keeps, in the few calls that trials need.
//!
//! What each engine does in truth, and why the calls are as they are, is said in its own module. Two rules hold for all: a
//! call ends within its time limit, and "cannot be reached" is never an answer about a job.

use super::script::Submission;
use crate::executor::command::account::Exit;
use std::time::{Duration, Instant};

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing is known: the engine cannot be reached, or did not answer in time.
    Unreachable(String),
    /// It answered, and the answer is no.
    Refused(String),
    /// It is not installed on this machine.
    Absent(String),
}

impl Trouble {
    pub fn text(&self) -> &str {
        match self {
            Self::Unreachable(text) | Self::Refused(text) | Self::Absent(text) => text,
        }
    }
}

/// What an engine says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caps {
    /// Name and version.
    pub version: String,
    /// Trials that fit when nobody else uses it.
    pub slots: usize,
    /// It has only just been started and does not know its own processors yet.
    pub young: bool,
}

/// How long a young engine is waited for: Ray's dashboard answers up to ten seconds before it knows its node.
const YOUTH: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(500);

/// What an engine says of itself, once it knows its own size; `notice` is told when it is waited for.
pub(super) fn grown(queue: &dyn Queue, notice: &dyn Fn(&str)) -> Result<Caps, Trouble> {
    let begin = Instant::now();
    let mut told = false;
    loop {
        let caps = queue.probe()?;
        if !caps.young || begin.elapsed() > YOUTH {
            return Ok(caps);
        }
        if !told {
            notice(&format!("{} knows of no processors yet; waiting for them", caps.version));
            told = true;
        }
        std::thread::sleep(LOOK);
    }
}

/// Slots of an engine at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub total: usize,
    /// By anybody.
    pub used: usize,
}

/// Where a job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobStatus {
    Queued,
    Running,
    /// It will not run any more. The exit file, where it can be seen, is the better witness of how it ended.
    Over(Exit),
    /// It was taken from its node through no fault of its own and can be run again.
    Lost(String),
}

/// One job of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobEntry {
    /// The name it was given: the identity. Numbers are given again after a crash of the controller.
    pub key: String,
    /// The engine's own number or name.
    pub id: String,
    pub state: JobStatus,
}

/// A queue of jobs.
pub(super) trait Queue: Send + Sync {
    /// As in a handle.
    fn name(&self) -> &'static str;
    /// Who it is and how much it can run.
    fn probe(&self) -> Result<Caps, Trouble>;
    /// Hands over a job; gives its number. The same key twice is one run.
    fn submit(&self, job: &Submission) -> Result<String, Trouble>;
    /// All jobs whose key begins with `prefix`, in one call.
    fn list(&self, prefix: &str) -> Result<Vec<JobEntry>, Trouble>;
    /// Asks for the end of a job. That it has come is seen in the list.
    fn cancel(&self, key: &str) -> Result<(), Trouble>;
    /// Its log, from the start.
    fn log(&self, job: &Submission) -> Box<dyn Log>;
    /// What there is to start jobs on; `None` when waiting in the queue does no harm.
    fn room(&self) -> Result<Option<Room>, Trouble> {
        Ok(None)
    }
    /// Whether the list alone tells how a job ended. Otherwise the exit file is waited for.
    fn knows_ends(&self) -> bool;
    /// Whether a job's log can be read when the engine has forgotten the job.
    fn log_outlives_job(&self) -> bool;
    /// How often it is asked unless told otherwise.
    fn pace(&self) -> Duration;
}

/// The output of a job as it grows.
pub(super) trait Log: Send {
    /// What is new, at most a few megabytes; empty: nothing now.
    fn read(&mut self) -> Vec<u8>;
    /// Whether nothing more will come of a job that is over.
    fn is_complete(&self) -> bool;
}
