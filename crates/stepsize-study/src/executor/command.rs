//! [`Commands`]: which command the trials run, and how. The executors [`super::Local`] and
//! [`super::Cluster`] share it.
//!
//! A command is an argument vector with placeholders ([`Template`]). Without `{steps}` it always
//! runs its full length; then the first part of each run is compared, and the run is ended there.

pub(super) mod account;
pub(super) mod template;

pub use template::{NamedTemplate, RateFrom, Template, Values, typed};

use super::log::LogOptions;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

/// Events that may wait for the study; a trial that is faster than the study is held up.
pub(super) const QUEUE: usize = 1024;
/// Default time between TERM and KILL: enough to write a checkpoint.
const GRACE: Duration = Duration::from_secs(5);

/// What is run and how.
#[derive(Debug, Clone)]
pub struct Commands {
    /// The command.
    pub template: Template,
    /// Steps of the full run, which a command without `{steps}` always makes.
    pub horizon: u64,
    /// How its log is read.
    pub reading: LogOptions,
    /// Files with the metrics, as a pattern with placeholders; `None`: the command prints them.
    pub log: Option<String>,
    /// Trials at once.
    pub jobs: usize,
    /// Values of `CUDA_VISIBLE_DEVICES`, one for each slot; empty: the variable stays as it is.
    pub gpus: Vec<String>,
    /// Longest time of one trial.
    pub timeout: Option<Duration>,
    /// Time between TERM and KILL.
    pub grace: Duration,
    /// Directory in which each trial gets its own.
    pub dir: PathBuf,
    /// Whether `dir` is removed at the end.
    pub temporary: bool,
    /// Directory in which the end of what each trial on this machine prints is kept, for the live
    /// page; `None`: it is not kept.
    pub output: Option<PathBuf>,
    /// Names the study on this machine, the same each time it is resumed. Every trial carries it in
    /// its environment as `STEPSIZE_STUDY`, so that trials that a killed process left running are
    /// found. `None`: the study is not kept.
    pub mark: Option<String>,
}

impl Commands {
    /// One job at a time, metrics from the output, trial directories in a temporary one.
    pub fn new(template: Template, horizon: u64) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("stepsize-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        Self {
            template,
            horizon,
            reading: LogOptions::default(),
            log: None,
            jobs: 1,
            gpus: Vec::new(),
            timeout: None,
            grace: GRACE,
            dir: std::env::temp_dir().join(name),
            temporary: true,
            output: None,
            mark: None,
        }
    }
}
