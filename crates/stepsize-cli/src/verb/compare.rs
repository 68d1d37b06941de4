//! `stepsize compare`: every way to set the rate on one job, at equal total compute including search.

mod ways;

use crate::args::CompareArgs;
use crate::done::{Done, Fault};
use crate::progress::{Counted, Progress};
use crate::search;
use crate::show::Style;
use crate::task::Loaded;
use crate::work::Work;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use stepsize::compare::{Comparison, Part, Way};
use stepsize::{Lr, Policy, TrialId};
use stepsize_draw::compare as draw;
use stepsize_engine::{OptimizerSpec, Task};
use stepsize_study::executor::RunSource;
use stepsize_study::{Executor, InProcess, Question, study};

/// Evaluations of a run: fine enough to tell when a loss was reached, and often enough for a controller to react.
const EVALUATIONS: u64 = 40;

/// Compares.
pub fn run(args: &CompareArgs, style: Style) -> Result<Done, Fault> {
    let (low, high) = args.span.or(1e-4, 10.0).map_err(Fault::usage)?;
    let rates = Lr::log_space(low, high, args.per_decade).map_err(Fault::usage)?;
    let embedded = args.command.argv.is_empty();
    let (about, job, mut executor, comparison) = if embedded {
        let loaded = Loaded::new(&args.task)?;
        let ways = chosen(ways::of_engine(&loaded.job)?, &args.ways)?;
        let comparison = Comparison::new(loaded.job.clone(), ways, rates, args.seeds).map_err(Fault::usage)?;
        let executor = InProcess::of_runs(loaded.jobs, EVALUATIONS, runs(&loaded.task, &comparison)?)?;
        (loaded.task.describe(), loaded.job, Box::new(executor) as Box<dyn Executor>, comparison)
    } else {
        let work = Work::new(&args.task, &args.command, &args.kept)?;
        let comparison = Comparison::new(work.job.clone(), vec![ways::fixed(&work.job)], rates, args.seeds);
        let comparison = comparison.map_err(Fault::usage)?;
        let comparison = if work.cut { comparison.without_searches() } else { comparison };
        (work.about, work.job, work.executor, comparison)
    };
    let ways = if args.ways.is_empty() { String::new() } else { format!(" --ways {}", args.ways.join(",")) };
    let text =
        format!("compare --low {low} --high {high} --per-decade {} --seeds {}{ways}", args.per_decade, args.seeds);
    let question = Question { text, task: about, job };
    let mut store = search::open(&args.kept)?;
    let stop = search::interrupt()?;
    let planned = AtomicU64::new(0);
    let mut progress = Progress::new("compare");
    let outcome = study(
        &question,
        &Counted::new(&comparison, &planned),
        None,
        executor.as_mut(),
        store.as_mut(),
        &stop,
        &mut |event| progress.watch(event, planned.load(Ordering::Relaxed)),
    );
    progress.clear();
    let outcome = outcome.map_err(|e| if e.is_state() { Fault::usage(e) } else { e.into() })?;
    let compared = comparison.compared(&outcome.trials)?;
    let shown = draw::Shown {
        compared: &compared,
        question: &question.text,
        task: &question.task,
        schedule: &question.job.schedule.to_string(),
        interrupted: outcome.interrupted,
    };
    if let Some(path) = &args.svg {
        super::show::write(path, draw::svg(&shown).as_bytes())?;
    }
    if let Some(path) = &args.png {
        super::show::write(path, &draw::png(&shown)?)?;
    }
    if let Some(path) = &args.report {
        super::show::write(path, draw::html(&shown).as_bytes())?;
    }
    let text = if args.json { format!("{:#}\n", draw::object(&shown)) } else { draw::text(&shown, style) };
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
