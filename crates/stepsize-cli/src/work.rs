//! What a search runs on: the built-in engine or the user's command, each as an executor with a job
//! and a description.

use crate::args::{CommandArgs, StudyArgs, TaskArgs};
use crate::done::Fault;
use crate::task::{Loaded, check_jobs, schedule};
use stepsize::Job;
use stepsize::pruner::PrunerKind;
use stepsize_study::executor::{ApartRun, Commands, LogOptions, RateFrom, Template};
use stepsize_study::store::sqlite::output_directory;
use stepsize_study::{Cluster, Executor, InProcess, Local};

/// Says something of the logs, once it is known.
type Remark = Box<dyn Fn() -> Option<String>>;

/// What to say of the logs of trials.
pub struct Chosen {
    /// In one line, which metric was chosen and why.
    pub metric: Remark,
    /// What a trial printed that ended before its command printed a metric, until one is read.
    pub silent: Remark,
}

impl Chosen {
    /// Trials without logs.
    pub fn none() -> Self {
        Self { metric: Box::new(|| None), silent: Box::new(|| None) }
    }
}

/// A job and a place to run it.
pub struct Work {
    /// What is trained, in words. Part of the question.
    pub task: String,
    /// The full run.
    pub job: Job,
    /// Whether trials are the first parts of full runs, because the command takes no length.
    pub cut: bool,
    /// The pruner, where one was asked for.
    pub pruner: Option<PrunerKind>,
    /// Trials at a time; 0 is as many as a cluster has room for.
    pub jobs: usize,
    /// Where trials run.
    pub executor: Box<dyn Executor>,
    /// What to say of the log.
    pub chosen: Chosen,
}

impl Work {
    /// Loads the task, or reads the command, that the arguments ask for.
    pub fn new(task: &TaskArgs, command: &CommandArgs, kept: &StudyArgs) -> Result<Self, Fault> {
        let work = if command.argv.is_empty() { of_engine(task)? } else { of_command(task, command, kept)? };
        Ok(Self { pruner: command.pruner, ..work })
    }
}

fn of_engine(args: &TaskArgs) -> Result<Work, Fault> {
    let loaded = Loaded::new(args)?;
    let (jobs, task) = (loaded.jobs, loaded.task.describe());
    let executor = Box::new(InProcess::new(jobs, loaded.engines())?);
    Ok(Work {
        task,
        job: loaded.job,
        cut: false,
        pruner: None,
        jobs,
        executor,
        chosen: Chosen { metric: Box::new(|| None), silent: Box::new(|| None) },
    })
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
    let job = full_run(task)?;
    let cut = !template.has("steps");
    let about = described(&template, args);
    let commands = commands(template, job.steps, (task, args), kept)?;
    let jobs = commands.jobs;
    let (executor, chosen): (Box<dyn Executor>, Chosen) = match args.cluster.on() {
        Some(on) => {
            let cluster = Cluster::new(commands, on)?;
            let chosen = Chosen { metric: Box::new(cluster.chosen()), silent: Box::new(cluster.silent()) };
            (Box::new(cluster), chosen)
        }
        None => {
            let local = Local::new(commands).map_err(Fault::usage)?;
            let chosen = Chosen { metric: Box::new(local.chosen()), silent: Box::new(local.silent()) };
            (Box::new(local), chosen)
        }
    };
    Ok(Work { task: about, job, cut, pruner: None, jobs, executor, chosen })
}

/// The full run of a command.
fn full_run(task: &TaskArgs) -> Result<Job, Fault> {
    let steps = match task.steps {
        Some(0) => return Err(Fault::usage("--steps is 0; it must be at least 1")),
        Some(steps) => steps,
        None => {
            return Err(Fault::usage(
                "a command needs --steps N: the length of its full run in the unit that {steps} has (steps or epochs)",
            ));
        }
    };
    // The schedule of a command is not known. One that decays is assumed, so that only whole short
    // runs are compared.
    let shape = schedule(task.schedule.as_deref().unwrap_or("linear"), steps)?;
    let job = Job::new(steps, shape, task.seed).map_err(Fault::usage)?;
    Ok(if task.schedule.is_none() { job.with_own_schedule() } else { job })
}

/// The command and how its log is read, in words.
fn described(template: &Template, args: &CommandArgs) -> String {
    let mut about = template.text().to_owned();
    let asked = [("--metric", &args.metric), ("--step", &args.step), ("--regex", &args.regex), ("--log", &args.log)];
    for (name, value) in asked {
        if let Some(value) = value {
            about = format!("{name} {value} {about}");
        }
    }
    if args.maximize { format!("--maximize {about}") } else { about }
}

/// The full run of a command at `spec` as a cluster job of its own; `None` without a cluster.
pub fn apart(
    task: &TaskArgs,
    args: &CommandArgs,
    kept: &StudyArgs,
    spec: stepsize::TrialSpec,
) -> Result<Option<ApartRun>, Fault> {
    let Some(on) = args.cluster.on() else { return Ok(None) };
    let commands = commands(template(args)?, spec.steps, (task, args), kept)?;
    Ok(Some(ApartRun { commands, on, spec }))
}

/// How the command runs, on this machine or on a cluster.
fn commands(
    template: Template,
    steps: u64,
    (task, args): (&TaskArgs, &CommandArgs),
    kept: &StudyArgs,
) -> Result<Commands, Fault> {
    let cluster = args.cluster.on.is_some();
    let jobs = task.jobs.unwrap_or_else(|| args.gpus.len().max(1));
    check_jobs(jobs)?;
    let mut commands = Commands::new(template, steps);
    // Without --jobs a cluster runs as many as it has room for.
    commands.jobs = if cluster { task.jobs.unwrap_or(0) } else { jobs };
    commands.gpus.clone_from(&args.gpus);
    commands.timeout = args.timeout;
    commands.reading = LogOptions {
        metric: args.metric.clone(),
        step: args.step.clone(),
        maximize: args.maximize.then_some(true),
        regex: args.regex.clone(),
    };
    commands.log.clone_from(&args.log);
    commands.mark = kept.mark()?;
    if let (Some(name), false) = (&kept.study, cluster) {
        commands.output = Some(output_directory(&kept.file.db, name));
    }
    if let Some(dir) = &args.trials {
        commands.dir.clone_from(dir);
        commands.temporary = false;
    } else if cluster {
        // Below the current directory, which the nodes share as a rule. They do not share the
        // temporary one.
        commands.dir = shared_dir(kept);
    }
    // A kept study on a cluster is continued from its directories.
    commands.temporary &= !cluster || commands.mark.is_none();
    Ok(commands)
}

/// Where the trials of a cluster have their directories unless `--trials` says it.
fn shared_dir(kept: &StudyArgs) -> std::path::PathBuf {
    let name = match &kept.study {
        Some(name) => name.chars().map(|c| if c.is_alphanumeric() || "-_.".contains(c) { c } else { '_' }).collect(),
        None => format!("unnamed-{}", std::process::id()),
    };
    std::path::Path::new("stepsize-trials").join(name)
}
