//! [`ApartRun`]: a run as a cluster job of its own, which is submitted and left alone.

use super::flight::FlightState;
use super::folder::Folder;
use super::{On, StudyPlan};
use crate::executor::command::Commands;
use crate::executor::log::meaning::MetricReader;
use std::fmt;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use stepsize::{Error, Result, TrialId, TrialSpec};

/// A run to be submitted. It outlives this process, and belongs to no study: what resumes the
/// search neither waits for it nor cancels it.
#[derive(Clone)]
pub struct ApartRun {
    /// The command.
    pub commands: Commands,
    /// The cluster.
    pub on: On,
    /// Rate, length and seed.
    pub spec: TrialSpec,
}

impl fmt::Debug for ApartRun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ApartRun").field("commands", &self.commands).field("spec", &self.spec).finish_non_exhaustive()
    }
}

impl ApartRun {
    /// Submits it, with files in a new directory `NAME-1`, `NAME-2`, ... beside those of the
    /// trials. Returns what a person needs to find it: the number of its cluster job, and its log.
    ///
    /// # Errors
    /// When the directory cannot be made, or the cluster does not take it.
    pub fn submit(&self, name: &Path) -> Result<String> {
        let numbered =
            |n: u32| name.with_file_name(format!("{}-{n}", name.file_name().unwrap_or_default().to_string_lossy()));
        let dir = (1..).map(numbered).find(|dir| !dir.exists()).unwrap_or_else(|| name.to_owned());
        let mut commands = self.commands.clone();
        // The limit was that of a trial.
        (commands.timeout, commands.mark) = (None, None);
        let folder = Folder::open(&dir, None)?;
        let cwd = std::env::current_dir().map_err(|e| Error::io("find the working directory", "", e))?;
        let reader = Arc::new(MetricReader::new(&commands.reading, None)?);
        let (on, queue) = (self.on.clone(), self.on.queue());
        let (pace, notice) = (queue.pace(), Arc::clone(&on.notice));
        let plan = StudyPlan { commands, on, queue, folder, cwd, reader, proven: Arc::default(), pace, notice };
        let attempt = plan.folder.new_attempt(TrialId(0))?;
        let (sender, _) = sync_channel(1);
        let flight = plan.flight(TrialId(0), &self.spec, attempt, FlightState::Intent, sender)?;
        let id = plan.queue.submit(&flight.job).map_err(|t| {
            Error::invalid(format!(
                "the full run was not submitted: {}; check the cluster with `stepsize doctor`",
                t.text()
            ))
        })?;
        Ok(format!("{} job {id} ({}); its log: {}", plan.queue.name(), flight.job.key, flight.job.log.display()))
    }
}
