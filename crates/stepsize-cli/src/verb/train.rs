//! `stepsize train`: one run at a given rate, with a schedule, a controller and a checkpoint.
//!
//! A run that is stopped (Ctrl-C) or has ended is written to the checkpoint; gone on with, it continues bit for bit. A
//! longer `--steps` stretches what is left of the schedule, see [`stepsize::Schedule::extend`].

mod checkpoint;

use crate::args::TrainArgs;
use crate::done::{Done, Fault};
use crate::number::{count, loss, rate};
use crate::show::{self, Style, Tone};
use crate::task::Loaded;
use checkpoint::Checkpoint;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::json;
use std::fmt::Write as _;
use std::io::IsTerminal;
use std::ops::ControlFlow;
use std::path::Path;
use std::sync::atomic::Ordering;
use stepsize::controller::ControllerSpec;
use stepsize::report::{smooth, thin};
use stepsize::{Curve, End, Engine, Event, Kept, Policy, Trial, TrialId, evaluation_steps, fold_one};

/// Evaluations of a run: a curve for the eye.
const EVALUATIONS: u64 = 20;
/// Points of a curve in a terminal plot.
const POINTS: usize = 400;

/// Trains.
pub fn run(args: &TrainArgs, style: Style) -> Result<Done, Fault> {
    let loaded = Loaded::new(&args.task)?;
    let task = format!("{}; validation share {}", loaded.task.describe(), args.task.engine.val_fraction);
    let found = args.resume.as_deref().filter(|path| path.exists()).map(Checkpoint::load).transpose()?;
    let (mut run, mut kept, snapshot) = match found {
        Some(saved) => saved.go_on(args, &loaded, &task)?,
        None => (Checkpoint::begin(args, &loaded, &task)?, Kept::default(), None),
    };
    let mut engine = loaded.task.engine(run.trial.spec.seed)?;
    let mut policy = run.policy()?;
    if let Some(snapshot) = &snapshot {
        engine.restore(snapshot)?;
    }
    let end = advance(engine.as_mut(), &mut run.trial, &mut kept, &mut policy)?;
    if let Some(path) = &args.resume
        && matches!(end, End::Finished | End::Stopped)
    {
        run.write(path, &mut policy, &kept, &engine.save()?)?;
    }
    if let Some(path) = &args.curve {
        crate::verb::show::write(path, curve(path, &run.trial)?.as_bytes())?;
    }
    let text = if args.json { object(&run, &loaded) } else { shown(&run, &loaded, args, style) };
    Ok(Done::answer(text))
}

impl Checkpoint {
    /// A run from its beginning.
    fn begin(args: &TrainArgs, loaded: &Loaded, task: &str) -> Result<Self, Fault> {
        let lr = args.lr.ok_or_else(|| {
            let file =
                args.resume.as_ref().map_or(String::new(), |p| format!(" (there is no file {} yet)", p.display()));
            Fault::usage(format!("a new run needs --lr{file}; find one with `stepsize find`"))
        })?;
        let controller: Option<ControllerSpec> = match &args.controller {
            Some(text) => Some(text.parse().map_err(Fault::usage)?),
            None => None,
        };
        let job = &loaded.job;
        let spec = job.trial(lr, job.steps, job.seed)?;
        Ok(Self {
            task: task.to_owned(),
            trial: Trial::new(TrialId(0), spec),
            controller,
            state: None,
            kept: String::new(),
        })
    }

    /// The rate of the run as it stands.
    fn policy(&self) -> Result<Policy, Fault> {
        let spec = &self.trial.spec;
        let policy = Policy::new(spec.lr, spec.schedule.clone());
        let Some(controller) = &self.controller else { return Ok(policy) };
        let mut controller = controller.build(spec.lr).map_err(Fault::usage)?;
        if let Some(state) = &self.state {
            controller.restore(state)?;
        }
        Ok(policy.with_controller(controller))
    }
}

/// Runs to the end, or until Ctrl-C.
fn advance(engine: &mut dyn Engine, trial: &mut Trial, kept: &mut Kept, policy: &mut Policy) -> Result<End, Fault> {
    let stop = crate::search::interrupt()?;
    let steps = trial.spec.steps;
    let bar = bar(trial.steps_run, steps);
    let begun = Trial { end: None, ..trial.clone() };
    let mut seen = std::collections::BTreeMap::from([(begun.id, begun.clone())]);
    let end = stepsize::resume(engine, begun, kept, policy, &evaluation_steps(steps, EVALUATIONS), &mut |event| {
        if let Event::Step { step, loss: value, .. } = &event {
            bar.set_position(step + 1);
            if step.is_multiple_of(50) {
                bar.set_message(format!("loss {}", loss(*value)));
            }
        }
        fold_one(&mut seen, &event);
        if stop.load(Ordering::Relaxed) { ControlFlow::Break(End::Stopped) } else { ControlFlow::Continue(()) }
    });
    bar.finish_and_clear();
    if let Some(now) = seen.remove(&trial.id) {
        *trial = now;
    }
    Ok(end?)
}

fn bar(from: u64, steps: u64) -> ProgressBar {
    let target = match std::io::stderr().is_terminal() {
        true => ProgressDrawTarget::stderr_with_hz(10),
        false => ProgressDrawTarget::hidden(),
    };
    let bar = ProgressBar::with_draw_target(Some(steps), target).with_position(from);
    if let Ok(style) = ProgressStyle::with_template("train {bar:24} {pos}/{len} steps, {eta} left  {wide_msg}") {
        bar.set_style(style.progress_chars("━╸─"));
    }
    bar
}

/// The curve as CSV or JSON lines, as the name of the file says.
fn curve(path: &Path, trial: &Trial) -> Result<String, Fault> {
    let rows = trial.train.points().iter().map(|p| {
        let steps = p.step + 1;
        let at = |curve: &Curve| curve.points().iter().find(|v| v.step == steps).map(|v| v.loss);
        (p, at(&trial.val), at(&trial.score))
    });
    let number = |v: Option<f64>| v.map_or(String::new(), |v| v.to_string());
    match path.extension().and_then(|e| e.to_str()) {
        Some("csv") => {
            let mut text = "step,lr,loss,val_loss,score\n".to_owned();
            for (p, val, score) in rows {
                let _ = writeln!(text, "{},{},{},{},{}", p.step, p.lr, p.loss, number(val), number(score));
            }
            Ok(text)
        }
        Some("jsonl") => Ok(rows
            .map(|(p, val, score)| {
                json!({ "step": p.step, "lr": p.lr, "loss": p.loss, "val_loss": val, "score": score }).to_string()
                    + "\n"
            })
            .collect()),
        _ => Err(Fault::usage(format!("--curve {} should end in .csv or .jsonl", path.display()))),
    }
}

fn object(run: &Checkpoint, loaded: &Loaded) -> String {
    let trial = &run.trial;
    let last = trial.val.last();
    let value = json!({
        "lr": trial.spec.lr,
        "schedule": trial.spec.schedule.to_string(),
        "controller": run.controller.as_ref().map(ToString::to_string),
        "steps": trial.spec.steps,
        "steps_run": trial.steps_run,
        "seed": trial.spec.seed,
        "end": trial.end,
        "val_loss": last.map(|p| p.loss).filter(|l| l.is_finite()),
        loaded.task.score_name(): trial.score.last().map(|p| p.loss),
        "task": run.task,
    });
    format!("{value:#}\n")
}

fn shown(run: &Checkpoint, loaded: &Loaded, args: &TrainArgs, style: Style) -> String {
    let trial = &run.trial;
    let mut head = match &trial.end {
        Some(End::Finished) => "finished".to_owned(),
        Some(End::Diverged { why, .. }) => Tone::Bad.paint(&format!("diverged: {why}"), style.colour),
        Some(End::Pruned { why }) => format!("stopped by the controller: {why}"),
        _ => format!("stopped after {} of {} steps", count(trial.steps_run), count(trial.spec.steps)),
    };
    if let Some(point) = trial.val.last() {
        head += &format!("  (validation loss {} after {} steps", loss(point.loss), count(point.step));
        if let Some(score) = trial.score.last() {
            head += &format!("; {} {}", loaded.task.score_name(), loss(score.loss));
        }
        head.push(')');
    }
    let controller = run.controller.as_ref().map_or(String::new(), |c| format!(", controller {c}"));
    let how = format!(
        "lr {}, schedule {}{controller}, {} steps, seed {}",
        rate(trial.spec.lr.get()),
        trial.spec.schedule,
        count(trial.spec.steps),
        trial.spec.seed
    );
    let mut parts = vec![head, show::wrapped("run: ", &how, style), show::wrapped("task: ", &run.task, style)];
    if let (Some(path), Some(End::Stopped)) = (&args.resume, &trial.end) {
        parts.push(format!("checkpoint: {}; the same command goes on from it", path.display()));
    }
    let val: Vec<stepsize::Point> = trial.val.points().iter().filter(|p| p.loss.is_finite()).copied().collect();
    let train = thin(&smooth(&trial.train), POINTS);
    if train.len() > 1 {
        parts.push(String::new());
        parts.push(show::plot::curves(&train, &val, style));
    }
    parts.join("\n") + "\n"
}
