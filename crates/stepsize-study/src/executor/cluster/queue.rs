//! [`Queue`]: a cluster's queue, in the few calls that trials need.
//!
//! `slurm.rs` and `ray.rs` say what each cluster really does. Two rules hold for both: a call ends
//! within its time limit, and "cannot be reached" is never an answer about a cluster job.

use super::script::Submission;
use crate::executor::command::account::Exit;
use std::time::{Duration, Instant};

/// Why a call gave no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Trouble {
    /// Nothing is known: the cluster cannot be reached, or did not answer in time.
    Unreachable(String),
    /// It answered, and the answer is no.
    Refused(String),
    /// Its commands are not installed on this machine.
    Absent(String),
}

impl Trouble {
    pub fn text(&self) -> &str {
        match self {
            Self::Unreachable(text) | Self::Refused(text) | Self::Absent(text) => text,
        }
    }
}

/// What a cluster says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Caps {
    /// Name and version.
    pub version: String,
    /// Trials that fit while nobody else uses it.
    pub slots: usize,
    /// It was started a moment ago and does not know its own processors yet.
    pub young: bool,
}

/// How long we wait for a young cluster: Ray's dashboard answers up to ten seconds before it knows
/// its node.
const YOUTH: Duration = Duration::from_secs(40);
const LOOK: Duration = Duration::from_millis(500);

/// What a cluster says of itself, once it knows its own size; `notice` gets a line when we wait for
/// that.
pub(super) fn grown(queue: &dyn Queue, notice: &dyn Fn(&str)) -> Result<Caps, Trouble> {
    let begin = Instant::now();
    let mut noticed = false;
    loop {
        let caps = queue.probe()?;
        if !caps.young || begin.elapsed() > YOUTH {
            return Ok(caps);
        }
        if !noticed {
            notice(&format!("{} knows of no processors yet; waiting for them", caps.version));
            noticed = true;
        }
        std::thread::sleep(LOOK);
    }
}

/// Slots of a cluster at this moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    pub total: usize,
    /// Used by anybody.
    pub used: usize,
}

/// Where a cluster job stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum JobStatus {
    Queued,
    Running,
    /// It will not run any more. The exit file, where we can see it, knows better how it ended.
    Over(Exit),
    /// It was taken from its node through no fault of its own and can run again.
    Lost(String),
}

/// One cluster job of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct JobEntry {
    /// The name we gave it, which identifies it: a controller that crashed gives numbers out again.
    pub key: String,
    /// The cluster's own number or name for it.
    pub id: String,
    pub state: JobStatus,
}

/// A cluster's queue.
pub(super) trait Queue: Send + Sync {
    /// The first word of a handle.
    fn name(&self) -> &'static str;
    /// Its version and how much it can run.
    fn probe(&self) -> Result<Caps, Trouble>;
    /// Submits a cluster job and gives its number. The same key twice is one run.
    fn submit(&self, job: &Submission) -> Result<String, Trouble>;
    /// All cluster jobs whose key begins with `prefix`, in one call.
    fn list(&self, prefix: &str) -> Result<Vec<JobEntry>, Trouble>;
    /// Asks for the end of a cluster job, which then shows in the list.
    fn cancel(&self, key: &str) -> Result<(), Trouble>;
    /// The log of a cluster job, from its start.
    fn log(&self, job: &Submission) -> Box<dyn Log>;
    /// The room to start cluster jobs in; `None` where waiting in the queue does no harm.
    fn room(&self) -> Result<Option<Room>, Trouble> {
        Ok(None)
    }
    /// Whether the list alone says how a cluster job ended; otherwise we wait for its exit file.
    fn knows_ends(&self) -> bool;
    /// Whether the log can be read after the cluster has forgotten the cluster job.
    fn log_outlives_job(&self) -> bool;
    /// How often we list its cluster jobs by default.
    fn pace(&self) -> Duration;
}

/// The output of a cluster job as it grows.
pub(super) trait Log: Send {
    /// What is new, at most a few megabytes; empty when there is nothing now.
    fn read(&mut self) -> Vec<u8>;
    /// Whether nothing more will come, of a cluster job that is over.
    fn is_complete(&self) -> bool;
}
