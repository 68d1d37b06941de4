//! `stepsize compare`: every way to set the rate on one job, at equal total compute including
//! search.

use super::resume;
use crate::args::{CompareArgs, FilesArgs, Verb};
use crate::done::{Done, Fault};
use crate::limits::{self, Limits};
use crate::task::Loaded;
use crate::work::{self, Chosen, Work};
use crate::{answer, files, live, search};
use std::collections::HashMap;
use std::ffi::OsString;
use std::sync::Arc;
use stepsize::compare::{Comparison, Part, Way};
use stepsize::defaults::COMPARE_SPAN;
use stepsize::{End, Event, Job, Policy, Probe, Question, QuestionKind, Trial, TrialId, fold};
use stepsize_draw::show::Style;
use stepsize_engine::{OptimizerSpec, Task, ways};
use stepsize_study::executor::RunSource;
use stepsize_study::{Executor, InProcess, Studies};

/// Evaluations of a run: fine enough to see when a loss was reached, and often enough for a
/// controller to react.
const EVALUATIONS: u64 = 40;

/// Compares.
pub fn run(args: &CompareArgs, words: &[OsString], style: Style) -> Result<Done, Fault> {
    if args.command.pruner.is_some() {
        return Err(Fault::usage("--pruner is for searches; a comparison runs every trial to its end"));
    }
    files::try_files(&args.files)?;
    if args.limits.max_price.is_some() {
        return Err(Fault::usage(answer::NO_PRICE));
    }
    let (question, mut executor, chosen, jobs) =
        if args.command.argv.is_empty() { of_engine(args)? } else { of_command(args)? };
    let limits = Limits::new(&args.limits, jobs, None)?;
    if args.limits.dry_run {
        return limits::dry_run(&question, &limits, style);
    }
    let page = live::of_search(&args.live, &args.kept, None)?;
    let around = search::Around { limits: &limits, quiet: args.files.quiet, log_to: &args.reach.log_to };
    let (found, in_time) = search::conduct(&question, executor.as_mut(), &chosen, &args.kept, words, &around)?;
    drop(page);
    let compared = planned(&question)?.compared(&found.trials)?;
    answer::comparison(&compared, &question, found.interrupted && in_time, &args.files, style)
}

/// The question, where its trials run, what to say of their log, and trials at a time.
type Ready = (Question, Box<dyn Executor>, Chosen, usize);

fn of_engine(args: &CompareArgs) -> Result<Ready, Fault> {
    let loaded = Loaded::new(&args.task)?;
    let kind = kind(args, &loaded.job)?;
    let question = Question { kind, pruner: None, task: loaded.task.describe(), job: loaded.job };
    let runs = runs(&loaded.task, &planned(&question)?)?;
    let executor = InProcess::of_runs(loaded.jobs, EVALUATIONS, runs)?;
    Ok((question, Box::new(executor), Chosen::none(), loaded.jobs))
}

fn of_command(args: &CompareArgs) -> Result<Ready, Fault> {
    let work = Work::new(&args.task, &args.command, &args.kept)?;
    let kind = kind(args, &work.job)?;
    Ok((Question { kind, pruner: None, task: work.task, job: work.job }, work.executor, work.chosen, work.jobs))
}

/// What the arguments ask of this full run.
fn kind(args: &CompareArgs, job: &Job) -> Result<QuestionKind, Fault> {
    let (low, high) = args.span.or(COMPARE_SPAN).map_err(Fault::usage)?;
    let (ways, searches) = if args.command.argv.is_empty() {
        (selected(ways::of_engine(job, &args.task.engine.optimizer)?, &args.ways)?, true)
    } else if args.ways.is_empty() {
        // What a command does with its rate is its own affair: there is nothing to choose.
        (vec![ways::fixed(job)], work::template(&args.command)?.has("steps"))
    } else {
        return Err(Fault::usage("--ways chooses among ways of the built-in engine; a command sets its rate itself"));
    };
    let only = args.ways.clone();
    Ok(QuestionKind::Compare { low, high, per_decade: args.per_decade, seeds: args.seeds, only, ways, searches })
}

/// The plan of a comparison.
fn planned(question: &Question) -> Result<Comparison, Fault> {
    let comparison = question.comparison().map_err(Fault::usage)?;
    comparison.ok_or_else(|| Fault::failure(format!("`{question}` is not a comparison")))
}

/// A comparison in a file of studies.
pub struct KeptComparison {
    /// As it was asked, for the text.
    question: Question,
    plan: Comparison,
}

/// The comparison of the study `name`; `None` when it is a search.
pub fn kept(studies: &Studies, name: &str, events: &[Event]) -> Result<Option<KeptComparison>, Fault> {
    let Some(question) = events.first().and_then(Event::question) else { return Ok(None) };
    if !matches!(question.kind, QuestionKind::Words(_)) {
        let plan = question.comparison()?;
        return Ok(plan.map(|plan| KeptComparison { question: question.clone(), plan }));
    }
    // Version 1 of the event format recorded a comparison in words. The plan is in the command
    // only.
    let Ok(recorded) = resume::recorded(studies, name) else { return Ok(None) };
    let Verb::Compare(args) = recorded.cli.verb else { return Ok(None) };
    let plan = planned(&Question { kind: kind(&args, &question.job)?, ..question.clone() })?;
    Ok(Some(KeptComparison { question: question.clone(), plan }))
}

impl KeptComparison {
    /// Draws it from its events alone.
    pub fn draw(&self, events: &[Event], files: &FilesArgs, style: Style) -> Result<Done, Fault> {
        let over = |trial: &Trial| !matches!(trial.end, None | Some(End::Stopped | End::Failed { .. }));
        let done: Vec<Trial> = fold(events).into_values().filter(over).collect();
        let interrupted = !self.plan.ask(&done)?.is_empty();
        answer::comparison(&self.plan.compared(&done)?, &self.question, interrupted, files, style)
    }
}

/// The fixed rate, and the ways whose names contain one of `words`; all ways without words.
fn selected(ways: Vec<Way>, words: &[String]) -> Result<Vec<Way>, Fault> {
    if let Some(word) = words.iter().find(|word| !ways.iter().any(|w| w.name.contains(word.as_str()))) {
        let names: Vec<&str> = ways.iter().map(|w| w.name.as_str()).collect();
        return Err(Fault::usage(format!(
            "--ways '{word}' is not part of the name of any way; the ways are {}",
            names.join(", ")
        )));
    }
    let wanted = |(i, way): &(usize, Way)| {
        *i == 0 || words.is_empty() || words.iter().any(|word| way.name.contains(word.as_str()))
    };
    Ok(ways.into_iter().enumerate().filter(wanted).map(|(_, way)| way).collect())
}

/// Makes the engine and the policy of each trial: the optimizer and the controller of its way.
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
