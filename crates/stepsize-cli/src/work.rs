//! What a search runs on: the built-in engine or the user's command, each as an executor with a job and a description.

use crate::args::{CommandArgs, StudyArgs, TaskArgs};
use crate::done::Fault;
use crate::task::{Loaded, schedule};
use stepsize::Job;
use stepsize::probe::{Capped, Probe};
use stepsize::pruner::PrunerKind;
use stepsize_study::executor::{Commands, LogOptions, RateFrom, Template};
use stepsize_study::{Cluster, Executor, InProcess, Local};

/// A job and a place to run it.
pub struct Work {
    /// What is trained, for people.
    pub about: String,
    /// The full run.
    pub job: Job,
    /// Whether trials are the first parts of full runs, because the command cannot be told a length.
    pub cut: bool,
    /// The rule by which runs are ended early, where one was asked for.
    pub kill: Option<PrunerKind>,
    /// Where trials run.
    pub executor: Box<dyn Executor>,
    /// One line on which metric was chosen and why, once it is.
    pub chosen: Box<dyn Fn() -> Option<String>>,
}

/// The probe, within a budget where one was asked for, and that part of the question. `fewer` names the options that
/// make the search cheaper.
pub fn capped(
    probe: Box<dyn Probe>,
    job: &Job,
    budget: Option<f64>,
    fewer: &str,
) -> Result<(Box<dyn Probe>, String), Fault> {
    match budget {
        None => Ok((probe, String::new())),
        Some(runs) => {
            let capped = Capped::new(probe, job.clone(), runs)
                .map_err(|error| Fault::usage(format!("{error} (`--budget RUNS`; cheaper: {fewer})")))?;
            Ok((Box::new(capped), format!(" --budget {runs}")))
        }
    }
}

impl Work {
    /// Makes ready what the arguments ask for.
    pub fn new(task: &TaskArgs, command: &CommandArgs, kept: &StudyArgs) -> Result<Self, Fault> {
        let mut work = if command.argv.is_empty() { of_engine(task)? } else { of_command(task, command, kept)? };
        if let Some(rule) = command.pruner {
            // Part of the question: another rule leaves other trials.
            work.about = format!("--pruner {} {}", rule.name(), work.about);
            work.kill = Some(rule);
        }
        Ok(work)
    }
}

fn of_engine(task: &TaskArgs) -> Result<Work, Fault> {
    let loaded = Loaded::new(task)?;
    let executor = Box::new(InProcess::new(loaded.jobs, loaded.engines())?);
    let about = loaded.task.describe();
    Ok(Work { about, job: loaded.job, cut: false, kill: None, executor, chosen: Box::new(|| None) })
}

/// The command with its places for the rate and the length.
pub fn template(args: &CommandArgs) -> Result<Template, Fault> {
    let words = match (args.shell, args.argv.as_slice()) {
        (false, words) => words.to_vec(),
        (true, [text]) => vec!["sh".to_owned(), "-c".to_owned(), text.clone()],
        (true, words) => {
            return Err(Fault::usage(format!(
                "--shell takes the command as one word in quotes, not as {} words",
                words.len()
            )));
        }
    };
    let rate = if args.lr_from_env { RateFrom::Environment } else { RateFrom::Arguments };
    Template::new(&words, rate).map_err(Fault::usage)
}

fn of_command(task: &TaskArgs, args: &CommandArgs, kept: &StudyArgs) -> Result<Work, Fault> {
    let template = template(args)?;
    let steps = match task.steps {
        Some(0) => return Err(Fault::usage("--steps is 0; a run needs at least 1")),
        Some(steps) => steps,
        None => {
            return Err(Fault::usage(
                "a command needs --steps T: the length of its full run in its own unit (steps or epochs), as {steps} is to be filled in",
            ));
        }
    };
    // Its own schedule is not known: one that decays is assumed, so that only whole short runs are compared.
    let shape = schedule(task.schedule.as_deref().unwrap_or("linear"), steps)?;
    let job = Job::new(steps, shape, task.seed).map_err(Fault::usage)?;
    let job = if task.schedule.is_none() { job.with_own_schedule() } else { job };
    let jobs = task.jobs.unwrap_or_else(|| args.gpus.len().max(1));
    if jobs == 0 {
        return Err(Fault::usage("--jobs is 0; at least one run must go on at a time"));
    }
    let mut commands = Commands::new(template, steps);
    let mut about = commands.template.text().to_owned();
    let asked = [("--metric", &args.metric), ("--step", &args.step), ("--regex", &args.regex), ("--log", &args.log)];
    for (name, value) in asked {
        if let Some(value) = value {
            about = format!("{name} {value} {about}");
        }
    }
    if args.maximize {
        about = format!("--maximize {about}");
    }
    commands.reading = LogOptions {
        metric: args.metric.clone(),
        step: args.step.clone(),
        maximize: args.maximize.then_some(true),
        regex: args.regex.clone(),
    };
    commands.log.clone_from(&args.log);
    commands.jobs = jobs;
    commands.gpus.clone_from(&args.gpus);
    commands.timeout = args.timeout;
    if let Some(dir) = &args.trials {
        commands.dir.clone_from(dir);
        commands.temporary = false;
    }
    commands.mark = kept.mark()?;
    // The directories of a kept study on a cluster are what it is taken up by.
    commands.temporary &= args.cluster.on.is_none() || commands.mark.is_none();
    let cut = !commands.template.has("steps");
    if let Some(on) = args.cluster.on() {
        if args.trials.is_none() {
            // Below the current directory, which nodes share as a rule; the temporary one they do not.
            commands.dir = shared_dir(kept);
        }
        commands.jobs = task.jobs.unwrap_or(0);
        let cluster = Cluster::new(commands, on)?;
        let chosen = Box::new(cluster.chosen());
        return Ok(Work { about, job, cut, kill: None, executor: Box::new(cluster), chosen });
    }
    let local = Local::new(commands).map_err(Fault::usage)?;
    let chosen = Box::new(local.chosen());
    Ok(Work { about, job, cut, kill: None, executor: Box::new(local), chosen })
}

/// Where the runs of a cluster have their directories unless told otherwise.
fn shared_dir(kept: &StudyArgs) -> std::path::PathBuf {
    let name = match &kept.study {
        Some(name) => name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect(),
        None => format!("unnamed-{}", std::process::id()),
    };
    std::path::Path::new("stepsize-trials").join(name)
}
