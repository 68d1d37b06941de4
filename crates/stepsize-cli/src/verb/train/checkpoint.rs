//! [`Checkpoint`]: a run that can be resumed. The file holds one line of JSON (the run so far and
//! the state of its controller), then the states that a controller can go back to, then the
//! snapshot of the engine.

use crate::args::TrainArgs;
use crate::done::Fault;
use crate::files;
use crate::task::Loaded;
use serde::{Deserialize, Serialize};
use std::path::Path;
use stepsize::controller::{ControllerSpec, State};
use stepsize::{Kept, Policy, Snapshot, Trial};

/// A run as far as it got.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Checkpoint {
    /// What is trained: a checkpoint fits only the same.
    pub task: String,
    /// The run so far.
    pub trial: Trial,
    /// Its controller.
    pub controller: Option<ControllerSpec>,
    /// State of the controller.
    pub state: Option<State>,
    /// What is kept to go back to.
    #[serde(default = "nothing")]
    pub kept: String,
    /// Gradient norms, where they were recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub norms: Vec<f64>,
}

fn nothing() -> String {
    Kept::default().save().0
}

/// A checkpoint with the engine's part.
pub struct Saved {
    run: Checkpoint,
    kept: Kept,
    snapshot: Snapshot,
}

impl Checkpoint {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Saved, Fault> {
        let fault = |what: String| Fault::failure(format!("cannot go on from {}: {what}", path.display()));
        let bytes = std::fs::read(path).map_err(|e| fault(e.to_string()))?;
        let end = bytes.iter().position(|b| *b == b'\n').ok_or_else(|| fault("it is no checkpoint".to_owned()))?;
        let run: Self =
            serde_json::from_slice(&bytes[..end]).map_err(|e| fault(format!("it is no checkpoint: {e}")))?;
        let mut rest = &bytes[end + 1..];
        let kept = Kept::restore(&run.kept, &mut rest).map_err(|e| fault(e.to_string()))?;
        Ok(Saved { run, kept, snapshot: Snapshot(rest.to_vec()) })
    }

    /// Writes a file, in one move: a crash leaves the old one.
    pub fn write(&self, path: &Path, policy: &mut Policy, kept: &Kept, snapshot: &Snapshot) -> Result<(), Fault> {
        let (text, states) = kept.save();
        let run = Self { state: policy.controller().map(|c| c.save()), kept: text, ..self.clone() };
        let fault = |e| Fault::failure(format!("cannot write {}: {e}", path.display()));
        let mut bytes = serde_json::to_vec(&run).map_err(fault)?;
        bytes.push(b'\n');
        bytes.extend_from_slice(&states);
        bytes.extend_from_slice(&snapshot.0);
        files::write(path, &bytes)
    }
}

impl Saved {
    /// The run to go on with, checked against what was asked for now.
    pub fn go_on(
        self,
        args: &TrainArgs,
        loaded: &Loaded,
        task: &str,
    ) -> Result<(Checkpoint, Kept, Option<Snapshot>), Fault> {
        let Saved { mut run, kept, snapshot } = self;
        let spec = &mut run.trial.spec;
        if run.task != task {
            return Err(Fault::usage(format!(
                "the checkpoint belongs to another task: {}; this one is {task}",
                run.task
            )));
        }
        if let Some(lr) = args.lr.filter(|lr| *lr != spec.lr) {
            return Err(Fault::usage(format!("the checkpoint runs at lr {}, not {lr}; omit --lr", spec.lr)));
        }
        let same = args.controller.as_ref().is_none_or(|text| text.parse::<ControllerSpec>().ok() == run.controller);
        if !same {
            return Err(Fault::usage("the checkpoint has another controller; omit --controller"));
        }
        let asked = args.task.steps.is_some() || args.task.epochs.is_some();
        let (done, from, to) = (run.trial.steps_run, spec.steps, loaded.job.steps);
        if asked && to != from {
            spec.schedule = spec.schedule.extend(done, from, to).map_err(Fault::usage)?;
            spec.steps = to;
        }
        if done >= from && done < spec.steps && spec.schedule.factor(done) == 0.0 {
            return Err(Fault::usage(format!(
                "the run has ended after {done} steps, and its schedule {} left the rate at 0: more steps would change \
                 nothing. Train {to} steps from the beginning (omit --resume), or resume a checkpoint from before the \
                 end: what is left of its schedule is stretched",
                spec.schedule
            )));
        }
        Ok((run, kept, Some(snapshot)))
    }
}
