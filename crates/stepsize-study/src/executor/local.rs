//! [`Local`]: trials as commands on this machine, one process group each.
//!
//! The metric is read from what a command prints, as it comes (`log/meter.rs`). On request the
//! whole process group is ended. Until one trial has shown a metric only one runs at once, so that
//! a broken command costs one trial.

mod dry;
mod group;
pub(super) mod orphans;
mod output;
mod pipes;
#[cfg(target_os = "linux")]
mod proc;
mod watch;

pub use dry::{DryRun, dry_run};
pub use output::end_of_output;

use super::command::account::Account;
use super::command::{Commands, QUEUE, Values};
use super::log::meaning::MetricReader;
use super::log::meter::Meter;
use super::log::source::Source;
use super::log::tail::Tail;
use super::{Executor, Handle};
use group::Group;
use output::KeptOutput;
use pipes::Pipes;
use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use stepsize::{Error, Event, Result, TrialId, TrialSpec};
use watch::Watch;

/// Commands on this machine.
pub struct Local {
    commands: Commands,
    reader: Arc<MetricReader>,
    running: BTreeMap<TrialId, Running>,
    proven: Arc<AtomicBool>,
    sender: SyncSender<Event>,
    events: Option<Receiver<Event>>,
    /// Handles of trials just started, which the study stores before any other event.
    submitted: VecDeque<Event>,
}

struct Running {
    cancelled: Arc<AtomicBool>,
    slot: usize,
    thread: JoinHandle<()>,
}

impl Local {
    /// An executor of these commands.
    ///
    /// # Errors
    /// When the number of jobs is zero, a pattern cannot be read, or the directory cannot be made.
    pub fn new(commands: Commands) -> Result<Self> {
        if commands.jobs == 0 {
            return Err(Error::invalid("a study needs at least 1 job slot, not 0"));
        }
        if let Some(pattern) = &commands.log {
            glob::Pattern::new(pattern)
                .map_err(|e| Error::invalid(format!("the file pattern {pattern}: {e}")).with_source(e))?;
        }
        let dir = &commands.dir;
        std::fs::create_dir_all(dir).map_err(|e| Error::io("make the directory of the trials", dir, e))?;
        let horizon = (!commands.template.has("steps")).then_some(commands.horizon);
        let reader = Arc::new(MetricReader::new(&commands.reading, horizon)?.of_run(commands.horizon));
        let (sender, events) = sync_channel(QUEUE);
        Ok(Self {
            commands,
            reader,
            running: BTreeMap::new(),
            proven: Arc::default(),
            sender,
            events: Some(events),
            submitted: VecDeque::new(),
        })
    }

    /// A function that gives one line on which metric was chosen and why, once one is.
    pub fn chosen(&self) -> impl Fn() -> Option<String> + use<> {
        let reader = Arc::clone(&self.reader);
        move || reader.why()
    }

    /// A function that gives what the newest trial printed that ended before its command printed a
    /// metric, until one is read.
    pub fn silent(&self) -> impl Fn() -> Option<String> + use<> {
        let reader = Arc::clone(&self.reader);
        move || reader.silent()
    }

    fn slot(&self) -> usize {
        (0..).find(|slot| self.running.values().all(|r| r.slot != *slot)).unwrap_or(0)
    }

    /// A directory that no trial had before.
    fn make_dir(&self, trial: TrialId) -> Result<PathBuf> {
        for attempt in 1.. {
            let name = if attempt == 1 { trial.to_string() } else { format!("{trial}.{attempt}") };
            let dir = self.commands.dir.join(name);
            match std::fs::create_dir(&dir) {
                Ok(()) => return Ok(std::path::absolute(&dir).unwrap_or(dir)),
                Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
                Err(e) => return Err(Error::io("make the directory", dir, e)),
            }
        }
        Ok(self.commands.dir.clone())
    }
}

impl Executor for Local {
    fn slots(&self) -> usize {
        if self.proven.load(Ordering::Relaxed) { self.commands.jobs } else { 1 }
    }

    fn submit(&mut self, trial: TrialId, spec: &TrialSpec) -> Result<()> {
        let Commands { template, gpus, .. } = &self.commands;
        let dir = self.make_dir(trial)?;
        let steps = if template.has("steps") { spec.steps } else { self.commands.horizon };
        let values = Values::new(trial, spec, steps, &dir);
        let words = template.words(&values);
        let Some((program, arguments)) = words.split_first() else {
            return Err(Error::invalid("the command is empty; give a program after `--`"));
        };
        let slot = self.slot();
        let mut command = Command::new(program);
        command.args(arguments).envs(values.environment());
        // Python holds back what it prints into a pipe, but we need each metric at once.
        command.env("PYTHONUNBUFFERED", "1");
        if let Some(mark) = &self.commands.mark {
            command.env(orphans::MARK, mark);
        }
        if let Some(gpu) = slot.checked_rem(gpus.len()).and_then(|i| gpus.get(i)) {
            command.env("CUDA_VISIBLE_DEVICES", gpu);
        }
        let source = match &self.commands.log {
            None => Source::Output,
            Some(pattern) => Source::Files(values.fill(pattern)?),
        };
        let begin = Instant::now();
        let (group, out, err) = Group::spawn(&mut command).map_err(|e| {
            Error::io("start", program, e)
                .with_advice("is it installed and on the PATH, and is this user allowed to run it?")
        })?;
        let cancelled = Arc::<AtomicBool>::default();
        if self.commands.mark.is_some()
            && let Some(handle) = orphans::handle(group.id())
        {
            self.submitted.push_back(Event::Submitted { trial, handle });
        }
        let account = Account {
            trial,
            program: program.clone(),
            meter: Meter::new(trial, spec.clone(), Arc::clone(&self.reader)),
            source,
            proven: Arc::clone(&self.proven),
            events: self.sender.clone(),
            timeout: self.commands.timeout,
            tail: Tail::default(),
        };
        let pipes = Pipes::new(out, err, &group);
        let output = self.commands.output.as_ref().map(|directory| KeptOutput::new(directory, trial));
        let watch = Watch { account, output, cancelled: Arc::clone(&cancelled), grace: self.commands.grace, begin };
        let thread = std::thread::Builder::new()
            .name(format!("trial-{trial}"))
            .spawn(move || watch.run(group, pipes))
            .map_err(|e| Error::io("start a thread", "", e))?;
        self.running.insert(trial, Running { cancelled, slot, thread });
        Ok(())
    }

    fn next(&mut self, wait: Duration) -> Result<Option<Event>> {
        if let Some(event) = self.submitted.pop_front() {
            return Ok(Some(event));
        }
        let Some(events) = &self.events else { return Ok(None) };
        match events.recv_timeout(wait) {
            Ok(event) => {
                if let Event::Ended { trial, .. } = &event {
                    // The last thing that its thread does.
                    self.running.remove(trial);
                }
                Ok(Some(event))
            }
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => Err(Error::internal("the executor has ended")),
        }
    }

    fn cancel(&mut self, trial: TrialId) -> Result<()> {
        if let Some(running) = self.running.get(&trial) {
            running.cancelled.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn recover(&mut self, handles: &[Handle]) -> Result<()> {
        // Only the cluster itself knows where its cluster jobs are.
        if let Some(Handle { trial, text, .. }) = handles.iter().find(|h| h.open && !h.text.starts_with("pid ")) {
            return Err(Error::state(format!(
                "trial {trial} of this study was submitted to a cluster ({text}) and has not ended; resume the study on that \
                 cluster, or start one under another name"
            )));
        }
        match &self.commands.mark {
            Some(mark) => orphans::end(mark, handles, self.commands.grace),
            None => Ok(()),
        }
    }
}

impl Drop for Local {
    /// Ends every running trial and waits for the end of its last process.
    fn drop(&mut self) {
        self.events = None;
        for running in self.running.values() {
            running.cancelled.store(true, Ordering::Relaxed);
        }
        for (_, running) in std::mem::take(&mut self.running) {
            let _ = running.thread.join();
        }
        if self.commands.temporary {
            let _ = std::fs::remove_dir_all(&self.commands.dir);
        }
    }
}
