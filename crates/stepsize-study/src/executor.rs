//! [`Executor`]: where trials run. It turns specs into events and decides nothing.

mod cluster;
mod command;
mod in_process;
mod local;
mod log;

pub use cluster::{Check, Cluster, Need, On, Place, doctor};
pub use command::{Commands, RateFrom, Template, Values};
pub use in_process::{EngineSource, InProcess, RunSource};
pub use local::Local;
pub use log::LogOptions;

use stepsize::{Event, Result, TrialId, TrialSpec};

/// What an executor once said of a trial that may outlive the process: see [`Executor::recover`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handle {
    /// Which trial.
    pub trial: TrialId,
    /// Opaque to all but the executor.
    pub text: String,
    /// Whether the trial has not ended since.
    pub open: bool,
}

/// A place where trials run, several at once.
pub trait Executor {
    /// How many trials can run at once.
    fn slots(&self) -> usize;
    /// Starts a trial. The caller keeps at most [`Executor::slots`] of them running.
    ///
    /// # Errors
    /// When the trial cannot be handed over; it has then not started.
    fn submit(&mut self, trial: TrialId, spec: &TrialSpec) -> Result<()>;
    /// The next event of any running trial, in the order of each trial; `None` when `wait` passed without one.
    ///
    /// When this is called, every event that it gave before has been stored. An executor that has started something which
    /// may outlive this process gives `Event::Submitted` with a handle by which it finds that again, before all others.
    /// `Event::Started` says that a trial begins anew because what ran it was lost: what was read of it is void.
    ///
    /// # Errors
    /// When the executor is broken (a failed trial is an event, not an error).
    fn next(&mut self, wait: std::time::Duration) -> Result<Option<Event>>;
    /// Asks for the end of a trial. Its `Ended` event follows unless it had ended already.
    ///
    /// # Errors
    /// When the executor is broken.
    fn cancel(&mut self, trial: TrialId) -> Result<()>;
    /// Ends whatever an earlier process left running of this study, or makes it ready to be taken up when its trial is
    /// submitted again, before the first trial is submitted. `handles` are all that were ever stored for it, oldest first, also
    /// those of trials that are `over` and never run again: a kill may fall between the end that a rule put to a trial and the
    /// end of its processes.
    ///
    /// # Errors
    /// When something is left that cannot be ended, or it cannot be told.
    fn recover(&mut self, handles: &[Handle]) -> Result<()> {
        let _ = handles; // what runs inside the process ends with it
        Ok(())
    }
}
