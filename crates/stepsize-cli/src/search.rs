//! One search from the question to the answer: store, executor, progress, Ctrl-C, and the outputs
//! that were asked for.

use crate::args::{OutputArgs, StudyArgs};
use crate::done::{Done, Fault};
use crate::limits::{self, Limits, Timer};
use crate::next::{AfterAnswer, Following};
use crate::progress::{Allowance, Counted, Progress};
use crate::remedy::StudyName;
use crate::work::{Chosen, Work};
use crate::{answer, files, live, unnamed};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use stepsize::probe::what_a_budget_buys;
use stepsize::{End, Error, Event, FindProbe, Question, QuestionKind, Report, SweepRates, fold};
use stepsize_draw::number::{plural, rate};
use stepsize_draw::show::Style;
use stepsize_study::{Executor, Memory, Store, Studies, Study, StudyResult, TrackTo, Tracker};

/// A first trial of this many seconds makes a search whose price is worth a line.
const PRICED: f64 = 1.0;

/// Searches for a rate and shows the answer. `words` is the command line, which a kept study
/// records; `next` is what follows an answer.
pub fn run(
    kind: QuestionKind,
    work: Work,
    output: &OutputArgs,
    words: &[OsString],
    style: Style,
    next: Option<AfterAnswer<'_>>,
) -> Result<Done, Fault> {
    files::try_files(&output.draw.files)?;
    let limits = Limits::new(&output.limits, work.jobs, output.draw.price_per_hour)?;
    let mut question = Question { kind, pruner: work.pruner, task: work.task, job: work.job };
    limits.bound(&mut question);
    if output.limits.dry_run {
        return limits::dry_run(&question, &limits, style);
    }
    let page = live::of_search(&output.live, &output.kept, output.draw.price_per_hour)?;
    let mut executor = work.executor;
    let begin = Instant::now();
    let around = Around { limits: &limits, quiet: output.draw.files.quiet, log_to: &output.reach.log_to };
    let (found, in_time) = conduct(&question, executor.as_mut(), &work.chosen, &output.kept, words, &around)?;
    drop(page);
    let mut shown = found.trials.clone();
    shown.extend(found.given_up.iter().cloned());
    shown.sort_by_key(|trial| trial.id);
    let report = Report::new(&question, &found.estimate, &shown)
        .with_wall_seconds(begin.elapsed().as_secs_f64())
        .with_interrupted(found.interrupted);
    // Only a page shows it.
    let report = if output.draw.files.report.is_some() { report.with_history(&found.trials) } else { report };
    let lr = report.lr();
    let full = next.zip(lr).map(|(next, lr)| next.full_run(&question.job, lr, words)).transpose()?;
    let study = output.kept.study.as_deref().map(|name| StudyName { name, db: &output.kept.file.db });
    let done =
        answer::report(report, &output.draw, study, style, full.as_ref())?.or_interrupted(found.interrupted && in_time);
    let unread = (work.chosen.silent)().filter(|_| found.estimate.lr().is_none() && !found.interrupted);
    let done =
        done.or_failed(unanswered(&found).or(unread.map(|why| Fault::failure(format!("no loss was read: {why}")))));
    let trains = next.is_some_and(|next| next.train.is_some());
    let wanted = full.zip(lr).filter(|_| trains || next.is_some_and(|next| next.run));
    Ok(done.and_then_run(wanted.map(|(run, lr)| Following {
        run,
        trains,
        lr,
        predicted: found.estimate.predicted(lr),
        kept: kept_for_good(&output.kept),
        json: output.draw.files.json,
        style,
    })))
}

/// The fault of a search that refuses and had to leave a trial out: its failure comes first.
fn unanswered(found: &StudyResult) -> Option<Fault> {
    let trial = found.given_up.first().filter(|_| found.estimate.lr().is_none() && !found.interrupted)?;
    let Some(End::Failed { why }) = &trial.end else { return None };
    let (id, lr) = (trial.id, rate(trial.spec.lr.get()));
    Some(Fault::failure(format!("there is no answer without trial {id} at lr {lr}, which failed each time: {why}")))
}

/// The study that stays when the search has ended.
fn kept_for_good(kept: &StudyArgs) -> Option<(PathBuf, String)> {
    let name = kept.study.as_ref().filter(|_| !unnamed::is_ours(&kept.file.db))?;
    Some((kept.file.db.clone(), name.clone()))
}

/// What is around a search: its limits, and who sees it.
pub struct Around<'a> {
    /// What it may take.
    pub limits: &'a Limits,
    /// Whether nothing is said while it runs.
    pub quiet: bool,
    /// Where its trials are written too.
    pub log_to: &'a [TrackTo],
}

/// Runs the study of a question to its end, to Ctrl-C or until the time that it may take is over,
/// with progress on standard error unless it is to be quiet. Also says whether there was time
/// enough.
pub fn conduct(
    question: &Question,
    executor: &mut dyn Executor,
    chosen: &Chosen,
    kept: &StudyArgs,
    words: &[OsString],
    Around { limits, quiet, log_to }: &Around<'_>,
) -> Result<(StudyResult, bool), Fault> {
    let probe = question.probe().map_err(|error| unplanned(question, &error))?;
    let mut tracker = Tracker::open(log_to, question)
        .map_err(|e| Fault::usage(format!("--log-to: {e}; name another place. Nothing has run")))?;
    let store = open(kept, words)?;
    let stop = interrupt()?;
    let planned = Arc::new(AtomicU64::new(0));
    let spent = fold(&store.read()?).values().filter(|trial| trial.end.is_some()).map(|trial| trial.steps_run).sum();
    let allowance = Allowance { full: question.job.steps, runs: limits::usual_budget(question), spent };
    let mut progress = Progress::new(probe.name(), *quiet, allowance);
    if let Some(line) = what_it_buys(question).filter(|_| std::io::stderr().is_terminal()) {
        progress.say(&line);
    }
    let timer = Timer::new(limits, Arc::clone(&stop));
    let first: u64 = probe.ask(&[])?.iter().map(|spec| spec.steps).sum();
    let mut told = match limits.estimate(question, first, None) {
        Some(line) => {
            progress.say(&line);
            true
        }
        None => false,
    };
    let (mut said, mut silent) = (false, false);
    let mut watch = |event: &_| {
        let planned = planned.load(Ordering::Relaxed);
        progress.watch(event, planned);
        timer.see(event);
        for line in tracker.see(event) {
            progress.say(&line);
        }
        if let Event::Ended { steps: steps @ 1.., seconds: Some(seconds @ PRICED..), .. } = event
            && !told
        {
            told = true;
            if let Some(line) = limits.estimate(question, planned, Some(seconds / *steps as f64)) {
                progress.say(&line);
            }
        }
        if !said && let Some(line) = (chosen.metric)() {
            progress.say(&line);
            said = true;
        }
        if !silent && matches!(event, Event::Ended { .. }) && (chosen.silent)().is_some() {
            progress.say("the trial ended before a loss was printed; longer ones follow, to see how often one is");
            silent = true;
        }
    };
    let counted = Counted::new(probe, Arc::clone(&planned));
    let study = Study::open(question, Box::new(counted), store)
        .map(|study| study.with_retries(limits.retries).with_bound(limits.replan(question)));
    let found = study.and_then(|study| study.run(executor, &stop, &mut watch));
    progress.clear();
    for line in tracker.finish() {
        progress.say(&line);
    }
    // Another question under the name of a study is a wrong argument.
    let found = found.map_err(|e| if e.is_state() { Fault::usage(e) } else { e.into() })?;
    if timer.passed() {
        progress.say(&limits.over(question, &found.trials));
    }
    if !found.given_up.is_empty() {
        let left: Vec<String> =
            found.given_up.iter().map(|t| format!("{} at lr {}", t.id, rate(t.spec.lr.get()))).collect();
        progress.say(&format!(
            "the answer rests on {}; left out, after {} failures each: {}",
            plural(found.trials.len() as u64, "trial"),
            limits.retries + 1,
            left.join(", ")
        ));
    }
    Ok((found, !timer.passed()))
}

/// What the budget of a default search buys, measured; for people who watch.
fn what_it_buys(question: &Question) -> Option<String> {
    let QuestionKind::Find { probe: FindProbe::Race, .. } = question.kind else { return None };
    let runs = limits::usual_budget(question)?;
    Some(format!("budget {runs} runs; {}", what_a_budget_buys(runs)?))
}

/// The fault of a question that has no probe. Where only the budget is too small, it says how to
/// search for less.
fn unplanned(question: &Question, error: &Error) -> Fault {
    let fewer = match &question.kind {
        QuestionKind::Find { probe, .. } => match probe {
            FindProbe::Sweep => "`stepsize sweep --per-decade 1`, or a narrower span with `--low LR --high LR`",
            FindProbe::Random => "`stepsize sweep --random N`",
            FindProbe::RangeTest => "`stepsize range-test --trial-steps N`",
            FindProbe::Race | FindProbe::Opening | FindProbe::Descent | FindProbe::FirstFall => {
                "`stepsize find` without `--probe`"
            }
        },
        QuestionKind::Sweep { rates: SweepRates::Random(_), .. } => "`--random N`",
        QuestionKind::Sweep { .. } => "`--per-decade 1`, or a narrower span with `--low LR --high LR`",
        QuestionKind::RangeTest { .. } => "`--trial-steps N`",
        QuestionKind::Compare { .. } | QuestionKind::Words(_) => return Fault::usage(error),
    };
    match question.unlimited() {
        Ok((_, Some(_))) => Fault::usage(format!("{error} (`--budget RUNS`; cheaper: {fewer})")),
        _ => Fault::usage(error),
    }
}

/// The log of the study: in memory, or in a file under its name.
fn open(kept: &StudyArgs, words: &[OsString]) -> Result<Box<dyn Store>, Fault> {
    let Some(name) = &kept.study else { return Ok(Box::new(Memory::new())) };
    let text = |word: &OsString| match word.to_str() {
        Some(word) => Ok(word.to_owned()),
        None => Err(Fault::usage(format!("{word:?} is not UTF-8; --study keeps only commands that are"))),
    };
    // Without the name of the program.
    let command = words.iter().skip(1).map(text).collect::<Result<Vec<String>, Fault>>()?;
    let here = std::env::current_dir()
        .map_err(|e| Fault::failure(format!("cannot find the current directory, which the study records: {e}")))?;
    Ok(Box::new(Studies::open(&kept.file.db)?.study(name, &command, &here)?))
}

/// A flag that the first Ctrl-C sets. The second one ends the process.
pub fn interrupt() -> Result<Arc<AtomicBool>, Fault> {
    let flag = Arc::new(AtomicBool::new(false));
    let fault = |e: std::io::Error| Fault::failure(format!("cannot watch for Ctrl-C: {e}"));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag)).map_err(fault)?;
        signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(fault)?;
    }
    Ok(flag)
}
