//! A study as TensorBoard event files ([`stepsize_logs::tensorboard`]): one directory a trial, so
//! that each is a run with its own curves. Scalars have single precision there: the other formats
//! hold the exact numbers.

use crate::done::Fault;
use std::collections::BTreeMap;
use std::path::Path;
use stepsize::{Event, TrialId};
use stepsize_draw::number::rate;
use stepsize_logs::tensorboard::{begin, push_scalars};

/// Writes the trials of a study under `directory`; `events` have the second of each. Returns the
/// number of trials.
pub fn write(directory: &Path, events: &[(f64, Event)]) -> Result<usize, Fault> {
    let mut files: BTreeMap<TrialId, (String, Vec<u8>)> = BTreeMap::new();
    for (at, event) in events {
        match event {
            // Of a trial that was run again, the last attempt counts.
            Event::Started { trial, spec } => {
                let name = format!("{trial}-lr{}-{}steps", rate(spec.lr.get()), spec.steps);
                files.insert(*trial, (name, begin(*at)));
            }
            Event::Step { trial, step, lr, loss } => {
                let scalars = [("loss/train", *loss), ("lr", *lr)];
                add(&mut files, *trial, *at, *step, &scalars);
            }
            Event::Eval { trial, step, val_loss, score, .. } => {
                let score = score.map(|s| ("score/validation", s));
                let scalars: Vec<_> = [("loss/validation", *val_loss)].into_iter().chain(score).collect();
                add(&mut files, *trial, *at, *step, &scalars);
            }
            Event::Acted { trial, step, factor, .. } => add(&mut files, *trial, *at, *step, &[("controller", *factor)]),
            Event::Study { .. }
            | Event::Submitted { .. }
            | Event::Ended { .. }
            | Event::Asked { .. }
            | Event::Concluded { .. } => {}
        }
    }
    for (name, bytes) in files.values() {
        let run = directory.join(name);
        std::fs::create_dir_all(&run).map_err(|e| Fault::failure(format!("cannot create {}: {e}", run.display())))?;
        crate::files::write(&run.join("events.out.tfevents.0.stepsize"), bytes)?;
    }
    Ok(files.len())
}

fn add(
    files: &mut BTreeMap<TrialId, (String, Vec<u8>)>,
    trial: TrialId,
    wall_time: f64,
    step: u64,
    scalars: &[(&str, f64)],
) {
    if let Some((_, file)) = files.get_mut(&trial) {
        push_scalars(file, wall_time, step, scalars);
    }
}
