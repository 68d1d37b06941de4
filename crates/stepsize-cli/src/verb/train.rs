//! `stepsize train`: one run at a given rate, with a schedule, a controller, checkpoints, early
//! stop and records.
//!
//! The run is made in stretches, from checkpoint to checkpoint; what is between two stretches is
//! what a checkpoint holds, so that a run that is stopped (Ctrl-C), killed or ended goes on bit for
//! bit. A longer `--steps` stretches what is left of the schedule, see
//! [`stepsize::Schedule::extend`].

mod checkpoint;
mod live;
mod norms;
mod record;
mod shown;
mod watch;

use crate::args::TrainArgs;
use crate::done::{Done, Fault};
use crate::files;
use crate::task::Loaded;
use checkpoint::Checkpoint;
use norms::Norms;
use record::RunFiles;
use std::ops::ControlFlow;
use std::sync::atomic::Ordering;
use stepsize::controller::ControllerSpec;
use stepsize::{Act, End, Engine, Event, Kept, Policy, Trial, TrialId, evaluation_steps, fold_one};
use stepsize_draw::show::Style;
use watch::TrainProgress;

/// Trains.
pub fn run(args: &TrainArgs, style: Style) -> Result<Done, Fault> {
    if args.early_stop == Some(0) || args.evaluations == 0 || args.checkpoint_every == Some(0) {
        return Err(Fault::usage("--early-stop, --evaluations and --checkpoint-every are at least 1"));
    }
    let loaded = Loaded::new(&args.task)?;
    let task = format!("{}; validation share {}", loaded.task.describe(), args.task.engine.val_fraction);
    let found = args.resume.as_deref().filter(|path| path.exists()).map(Checkpoint::load).transpose()?;
    files::try_places([&args.resume, &args.best, &args.curve])?;
    let (mut run, mut kept, snapshot) = match found {
        Some(saved) => saved.go_on(args, &loaded, &task)?,
        None => (Checkpoint::begin(args, &loaded, &task)?, Kept::default(), None),
    };
    if run.trial.steps_run >= run.trial.spec.steps {
        run.trial.end = Some(End::Finished);
        RunFiles::open(args, &run, loaded.task.score_name())?.rewrite(&run)?; // a kill may have come before it
        return Ok(ended(&run, &loaded, args, style));
    }
    let mut engine = loaded.task.engine(run.trial.spec.seed)?;
    let mut policy = run.policy()?;
    if let Some(snapshot) = &snapshot {
        engine.restore(snapshot)?;
    }
    run.trial.end = None;
    let optimizer = loaded.task.config().optimizer.to_string();
    let mut records = RunFiles::open(args, &run, loaded.task.score_name())?;
    let page = live::TrainPage::new(&args.live, &task, &optimizer)?;
    let mut engine = Norms::new(engine, args.grad_norms || page.is_some() || !run.norms.is_empty());
    let mut run = TrainingRun {
        args,
        checkpoint: run,
        kept: &mut kept,
        policy: &mut policy,
        records: &mut records,
        optimizer,
        page,
    };
    let end = run.whole(&mut engine)?;
    if !matches!(end, End::Diverged { .. } | End::Failed { .. }) {
        run.write(args.resume.as_deref(), &mut engine)?;
    }
    let checkpoint = run.checkpoint;
    records.rewrite(&checkpoint)?;
    Ok(ended(&checkpoint, &loaded, args, style))
}

/// What is printed of a run that is over, and its exit code.
fn ended(run: &Checkpoint, loaded: &Loaded, args: &TrainArgs, style: Style) -> Done {
    let text = match args.json {
        true => shown::object(run, loaded),
        false => shown::text(run, loaded, args, style),
    };
    let end = run.trial.end.as_ref();
    Done::checked(text, !matches!(end, Some(End::Diverged { .. } | End::Failed { .. })))
        .or_interrupted(matches!(end, Some(End::Stopped)))
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
        let trial = Trial::new(TrialId(0), spec);
        Ok(Self { task: task.to_owned(), trial, controller, state: None, kept: String::new(), norms: Vec::new() })
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

/// A run at work.
struct TrainingRun<'a> {
    args: &'a TrainArgs,
    checkpoint: Checkpoint,
    kept: &'a mut Kept,
    policy: &'a mut Policy,
    records: &'a mut RunFiles,
    /// By name.
    optimizer: String,
    /// The live page.
    page: Option<live::TrainPage>,
}

/// Why a stretch ended before the run did.
#[derive(Default)]
struct Pause {
    /// A checkpoint is due.
    due: bool,
    /// The validation loss is the best so far.
    best: bool,
}

impl TrainingRun<'_> {
    /// To the end, or until Ctrl-C.
    fn whole(&mut self, engine: &mut Norms) -> Result<End, Fault> {
        let stop = crate::search::interrupt()?;
        let mut watch = TrainProgress::new(&self.checkpoint.trial, self.optimizer.clone(), self.args.progress);
        let result = loop {
            let (end, pause) = match self.stretch(engine, &mut watch, &|| stop.load(Ordering::Relaxed)) {
                Ok(both) => both,
                Err(fault) => break Err(fault),
            };
            let stopped = end == End::Stopped;
            if pause.best
                && let Err(fault) = self.write(self.args.best.as_deref(), engine)
            {
                break Err(fault);
            }
            if !stopped || stop.load(Ordering::Relaxed) {
                break Ok(end);
            }
            self.checkpoint.trial.end = None;
            if pause.due {
                let written = self.write(self.args.resume.as_deref(), engine);
                if let Err(fault) = written.and_then(|()| self.records.rewrite(&self.checkpoint)) {
                    break Err(fault);
                }
            }
        };
        if let Some(page) = &mut self.page {
            if let Ok(end) = &result {
                self.checkpoint.trial.end = Some(end.clone());
            }
            page.show(&self.checkpoint.trial, &self.checkpoint.norms);
        }
        watch.clear();
        result
    }

    /// From here to the next pause.
    fn stretch(
        &mut self,
        engine: &mut Norms,
        watch: &mut TrainProgress,
        interrupted: &dyn Fn() -> bool,
    ) -> Result<(End, Pause), Fault> {
        let Self { args, checkpoint, kept, policy, records, page, .. } = self;
        let begun = checkpoint.trial.clone();
        let (id, steps) = (begun.id, begun.spec.steps);
        let every = args.checkpoint_every.unwrap_or((steps / 20).max(1));
        let mut seen = std::collections::BTreeMap::from([(id, begun.clone())]);
        let (mut pause, mut fault) = (Pause::default(), None);
        let last = engine.last();
        let evals = evaluation_steps(steps, args.evaluations);
        let end = stepsize::resume(engine, begun, kept, policy, &evals, &mut |event| {
            if matches!(event, Event::Ended { end: End::Stopped, .. }) {
                return ControlFlow::Continue(()); // a pause is no fact about the run
            }
            fold_one(&mut seen, &event);
            let trial = &seen[&id];
            let mut flow = ControlFlow::Continue(());
            match &event {
                Event::Step { step, .. } => {
                    checkpoint.norms.extend(last.take());
                    if (step + 1).is_multiple_of(every) {
                        pause.due = true;
                        flow = ControlFlow::Break(End::Stopped);
                    }
                }
                Event::Eval { .. } => {
                    let since = shown::since_best(trial);
                    if since == Some(0) && args.best.is_some() {
                        pause.best = true;
                        flow = ControlFlow::Break(End::Stopped);
                    }
                    if let (Some(most), Some(since)) = (args.early_stop, since)
                        && since >= most
                    {
                        let why = format!("no better validation loss in {most} evaluations");
                        flow = ControlFlow::Break(End::Pruned { why });
                    }
                }
                Event::Acted { act: Act::Rewound { to, .. }, .. } => checkpoint.norms.truncate(*to as usize),
                _ => {}
            }
            watch.see(&event, trial);
            if let Some(page) = page.as_mut() {
                page.see(&event, trial, &checkpoint.norms);
            }
            if let Err(why) = records.live(&event, checkpoint.norms.last().copied()) {
                fault = Some(why);
                return ControlFlow::Break(End::Stopped);
            }
            if interrupted() { ControlFlow::Break(End::Stopped) } else { flow }
        });
        if let Some(now) = seen.remove(&id) {
            checkpoint.trial = now;
        }
        if let Some(fault) = fault {
            return Err(fault);
        }
        let end = end?;
        checkpoint.trial.end = Some(end.clone());
        Ok((end, pause))
    }

    /// Writes a checkpoint, if there is a place for it.
    fn write(&mut self, path: Option<&std::path::Path>, engine: &mut Norms) -> Result<(), Fault> {
        match path {
            Some(path) => self.checkpoint.write(path, self.policy, self.kept, &engine.save()?),
            None => Ok(()),
        }
    }
}
