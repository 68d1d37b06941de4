//! `stepsize compare`: every way to set the rate on one job, at equal total compute including search.

mod ways;

use crate::args::{CompareArgs, FilesArgs};
use crate::done::{Done, Fault};
use crate::progress::{Counted, Progress};
use crate::search;
use crate::show::Style;
use crate::task::Loaded;
use crate::work::{self, Work};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stepsize::compare::{Compared, Comparison, Part, Way};
use stepsize::defaults::COMPARE_SPAN;
use stepsize::{End, Event, Job, Lr, Policy, Probe, Trial, TrialId, fold};
use stepsize_draw::compare as draw;
use stepsize_engine::{OptimizerSpec, Task};
use stepsize_study::executor::RunSource;
use stepsize_study::{Executor, InProcess, Question, study};

/// Evaluations of a run: fine enough to tell when a loss was reached, and often enough for a controller to react.
const EVALUATIONS: u64 = 40;

/// Compares.
pub fn run(args: &CompareArgs, style: Style) -> Result<Done, Fault> {
    let (about, job, mut executor, comparison, chosen) = if args.command.argv.is_empty() {
        let loaded = Loaded::new(&args.task)?;
        let comparison = plan(args, loaded.job.clone())?;
        let executor = InProcess::of_runs(loaded.jobs, EVALUATIONS, runs(&loaded.task, &comparison)?)?;
        let silent: Box<dyn Fn() -> Option<String>> = Box::new(|| None);
        (loaded.task.describe(), loaded.job, Box::new(executor) as Box<dyn Executor>, comparison, silent)
    } else {
        let work = Work::new(&args.task, &args.command, &args.kept)?;
        let comparison = plan(args, work.job.clone())?;
        (work.about, work.job, work.executor, comparison, work.chosen)
    };
    let question = Question { text: question(args)?, task: about, job };
    let mut store = search::open(&args.kept)?;
    let stop = search::interrupt()?;
    let planned = AtomicU64::new(0);
    let mut progress = Progress::new("compare");
    let mut told = false;
    let outcome = study(
        &question,
        &Counted::new(&comparison, &planned),
        None,
        executor.as_mut(),
        store.as_mut(),
        &stop,
        &mut |event| {
            progress.watch(event, planned.load(Ordering::Relaxed));
            if !told && let Some(line) = chosen() {
                progress.say(&line);
                told = true;
            }
        },
    );
    progress.clear();
    let outcome = outcome.map_err(|e| if e.is_state() { Fault::usage(e) } else { e.into() })?;
    let compared = comparison.compared(&outcome.trials)?;
    finish(&compared, &question, outcome.interrupted, &args.files, style)
}

/// Draws a kept comparison, begun by `args`, from its events alone.
pub fn again(args: &CompareArgs, events: &[Event], files: &FilesArgs, style: Style) -> Result<Done, Fault> {
    let Some(Event::Study { question: text, task, job, .. }) = events.first() else {
        return Err(Fault::failure("the log does not begin with a study"));
    };
    let comparison = plan(args, job.clone())?;
    let over = |trial: &Trial| !matches!(trial.end, None | Some(End::Stopped | End::Failed { .. }));
    let done: Vec<Trial> = fold(events).into_values().filter(over).collect();
    let interrupted = !comparison.ask(&done)?.is_empty();
    let question = Question { text: text.clone(), task: task.clone(), job: job.clone() };
    finish(&comparison.compared(&done)?, &question, interrupted, files, style)
}

/// What is compared, from the arguments and the full run.
fn plan(args: &CompareArgs, job: Job) -> Result<Comparison, Fault> {
    let (low, high) = span(args)?;
    let rates = Lr::log_space(low, high, args.per_decade).map_err(Fault::usage)?;
    if args.command.argv.is_empty() {
        let ways = chosen(ways::of_engine(&job, &args.task.engine.optimizer)?, &args.ways)?;
        return Comparison::new(job, ways, rates, args.seeds).map_err(Fault::usage);
    }
    // What a command does with its rate is its own affair: there is nothing to choose.
    if !args.ways.is_empty() {
        return Err(Fault::usage("--ways chooses among ways of the built-in engine; a command sets its rate itself"));
    }
    let comparison = Comparison::new(job.clone(), vec![ways::fixed(&job)], rates, args.seeds).map_err(Fault::usage)?;
    Ok(if work::template(&args.command)?.has("steps") { comparison } else { comparison.without_searches() })
}

fn span(args: &CompareArgs) -> Result<(Lr, Lr), Fault> {
    args.span.or(COMPARE_SPAN).map_err(Fault::usage)
}

/// The question of a study.
fn question(args: &CompareArgs) -> Result<String, Fault> {
    let (low, high) = span(args)?;
    let ways = if args.ways.is_empty() { String::new() } else { format!(" --ways {}", args.ways.join(",")) };
    Ok(format!("compare --low {low} --high {high} --per-decade {} --seeds {}{ways}", args.per_decade, args.seeds))
}

/// Writes what was asked for and gives the text to print.
fn finish(
    compared: &Compared,
    question: &Question,
    interrupted: bool,
    files: &FilesArgs,
    style: Style,
) -> Result<Done, Fault> {
    let schedule = match question.job.own_schedule {
        true => "of the command".to_owned(),
        false => question.job.schedule.to_string(),
    };
    let shown = draw::ShownComparison {
        compared,
        question: &question.text,
        task: &question.task,
        schedule: &schedule,
        interrupted,
    };
    if let Some(path) = &files.svg {
        super::show::write(path, draw::svg(&shown).as_bytes())?;
    }
    if let Some(path) = &files.png {
        super::show::write(path, &draw::png(&shown)?)?;
    }
    if let Some(path) = &files.report {
        super::show::write(path, draw::html(&shown).as_bytes())?;
    }
    let text = if files.json { format!("{:#}\n", draw::object(&shown)) } else { draw::text(&shown, style) };
    Ok(Done::answer_or_refusal(text, compared.target.is_some()))
}

/// The fixed rate, and the ways whose names hold one of `words` (all, when there are none).
fn chosen(ways: Vec<Way>, words: &[String]) -> Result<Vec<Way>, Fault> {
    if let Some(word) = words.iter().find(|word| !ways.iter().any(|w| w.name.contains(word.as_str()))) {
        let names: Vec<&str> = ways.iter().map(|w| w.name.as_str()).collect();
        return Err(Fault::usage(format!("--ways '{word}' is in no way's name; the ways are {}", names.join(", "))));
    }
    let wanted = |(i, way): &(usize, Way)| {
        *i == 0 || words.is_empty() || words.iter().any(|word| way.name.contains(word.as_str()))
    };
    Ok(ways.into_iter().enumerate().filter(wanted).map(|(_, way)| way).collect())
}

/// What each trial runs on: its way's optimizer and controller.
fn runs(task: &Task, comparison: &Comparison) -> Result<RunSource, Fault> {
    let mut tasks: HashMap<String, Task> = HashMap::new();
    for text in comparison.ways().iter().filter_map(|w| w.optimizer.as_ref()) {
        let optimizer: OptimizerSpec = text.parse().map_err(Fault::usage)?;
        tasks.insert(text.clone(), task.with_optimizer(optimizer)?);
    }
    let (task, ways) = (task.clone(), comparison.ways().to_vec());
    let parts: Vec<Part> = comparison.planned()?.into_iter().map(|(part, _)| part).collect();
    Ok(Arc::new(move |id: TrialId, spec| {
        let way = match parts.get(id.0 as usize) {
            Some(Part::Valley(i)) => ways.get(*i),
            _ => None,
        };
        let other = way.and_then(|w| w.optimizer.as_ref()).and_then(|text| tasks.get(text));
        let engine = other.unwrap_or(&task).engine(spec.seed)?;
        let policy = Policy::new(spec.lr, spec.schedule.clone());
        Ok((
            engine,
            match way.and_then(|w| w.controller.as_ref()) {
                Some(controller) => policy.with_controller(controller.build(spec.lr)?),
                None => policy,
            },
        ))
    }))
}
