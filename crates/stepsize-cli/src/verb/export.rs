//! `stepsize export`: the events of a study for other tools, as they were stored: nothing is
//! smoothed or thinned. When a trial was cut short and run again, only the JSON lines contain the
//! first attempt.

pub mod tensorboard;

use crate::args::{ExportArgs, ExportForm};
use crate::done::{Done, Fault};
use std::fmt::Write as _;
use stepsize::{Curve, End, Event, Trial, fold};
use stepsize_study::Studies;

/// Writes them.
pub fn run(args: &ExportArgs) -> Result<Done, Fault> {
    let (studies, name) = (Studies::look(&args.named.file.db)?, &args.named.name);
    if let (ExportForm::Tensorboard, Some(directory)) = (args.format, &args.out) {
        let trials = tensorboard::write(directory, &studies.timed_events(name)?)?;
        return Ok(Done::answer(format!("{trials} trials in {}\n", directory.display())));
    }
    let events = studies.events(name)?;
    let text = match args.format {
        ExportForm::Csv => csv(&events),
        ExportForm::Json | ExportForm::Tensorboard => events.iter().map(|event| event.to_json() + "\n").collect(),
    };
    match &args.out {
        Some(path) => {
            crate::files::write(path, text.as_bytes())?;
            Ok(Done::answer(""))
        }
        None => Ok(Done::answer(text)),
    }
}

/// One row per reading, trial by trial, the training losses before the evaluations. `step` is that
/// of the event: for a training loss the zero-based step that was taken, for an evaluation the
/// number of steps taken before it.
fn csv(events: &[Event]) -> String {
    let mut text = "trial,base_lr,steps,seed,end,kind,step,lr,loss,score\n".to_owned();
    for trial in fold(events).into_values() {
        let head =
            format!("{},{},{},{},{}", trial.id.0, trial.spec.lr.get(), trial.spec.steps, trial.spec.seed, end(&trial));
        for p in trial.train.points() {
            let _ = writeln!(text, "{head},step,{},{},{},", p.step, p.lr, number(p.loss));
        }
        for p in trial.val.points() {
            let score = score(&trial.score, p.step).map_or(String::new(), number);
            let _ = writeln!(text, "{head},eval,{},{},{},{score}", p.step, p.lr, number(p.loss));
        }
    }
    text
}

fn score(scores: &Curve, step: u64) -> Option<f64> {
    scores.points().iter().find(|p| p.step == step).map(|p| p.loss)
}

/// A number as other tools read it, `NaN` included.
fn number(value: f64) -> String {
    value.to_string()
}

fn end(trial: &Trial) -> &'static str {
    match &trial.end {
        Some(End::Finished) => "finished",
        Some(End::Diverged { .. }) => "diverged",
        Some(End::Pruned { .. }) => "pruned",
        Some(End::Failed { .. }) => "failed",
        Some(End::Stopped) => "stopped",
        None => "running",
    }
}
