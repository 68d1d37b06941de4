//! [`Executor`]: where trials run. It turns specs into events and decides nothing.

mod cluster;
mod command;
mod in_process;
mod local;
mod log;

pub use cluster::{ApartRun, Check, Cluster, Need, On, Place, doctor};
pub use command::{Commands, NamedTemplate, RateFrom, Template, Values, typed};
pub use in_process::{EngineSource, InProcess, RunSource};
pub use local::{DryRun, Local, dry_run, end_of_output};
pub use log::LogOptions;
pub(crate) use log::meaning::MetricReader;

use stepsize::{Event, Result, TrialId, TrialSpec};

/// How an executor finds a trial again that may outlive this process: see [`Executor::recover`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// Which trial.
    pub trial: TrialId,
    /// Meaningful to its executor only.
    pub text: String,
    /// Whether no end of the trial has been stored since.
    pub open: bool,
}

/// Runs trials, several at once.
pub trait Executor {
    /// How many trials can run at once.
    fn slots(&self) -> usize;
    /// Starts a trial. The caller has at most [`Executor::slots`] of them running.
    ///
    /// # Errors
    /// When the trial cannot be started. It then has not.
    fn submit(&mut self, trial: TrialId, spec: &TrialSpec) -> Result<()>;
    /// The next event of any running trial; `None` when `wait` passed without one. The events of
    /// one trial come in order.
    ///
    /// Every event that this returned is stored before it is called again. An executor whose trials
    /// may outlive this process first returns `Event::Submitted` with a handle by which it finds
    /// the trial again. `Event::Started` means that a trial starts again because its process was
    /// lost; its earlier readings are void.
    ///
    /// # Errors
    /// When the executor itself fails. A trial that fails is an event, not an error.
    fn next(&mut self, wait: std::time::Duration) -> Result<Option<Event>>;
    /// Ends a trial soon. Its `Ended` event follows unless it had ended already.
    ///
    /// # Errors
    /// When the executor itself fails.
    fn cancel(&mut self, trial: TrialId) -> Result<()>;
    /// Deals with what an earlier process of this study left running: ends it, or adopts it when
    /// its trial is submitted again. Called once, before the first trial is submitted. `handles`
    /// are all that were ever stored for the study, oldest first. Those of ended trials are among
    /// them, because a kill may fall between the moment when a pruner ends a trial and the end of
    /// its processes.
    ///
    /// # Errors
    /// When something is still running and cannot be ended, or the executor cannot find out.
    fn recover(&mut self, handles: &[Handle]) -> Result<()> {
        let _ = handles; // what runs inside the process ends with it
        Ok(())
    }
}
