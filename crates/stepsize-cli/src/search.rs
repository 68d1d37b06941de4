//! One search from the question to the answer: store, executor, progress, Ctrl-C, and the outputs
//! that were asked for.

use crate::args::{OutputArgs, StudyArgs};
use crate::done::{Done, Fault};
use crate::limits::{self, Limits, Timer};
use crate::next::AfterAnswer;
use crate::progress::{Counted, Progress};
use crate::remedy::StudyName;
use crate::work::{Chosen, Work};
use crate::{answer, files, live};
use std::ffi::OsString;
use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use stepsize::probe::what_a_budget_buys;
use stepsize::{Error, Event, FindProbe, Question, QuestionKind, Report, SweepRates};
use stepsize_draw::show::Style;
use stepsize_study::{Executor, Memory, Store, Studies, Study, StudyResult};

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
        return limits::dry_run(&question, &limits);
    }
    let page = live::of_search(&output.live, &output.kept, output.draw.price_per_hour)?;
    let mut executor = work.executor;
    let begin = Instant::now();
    let quiet = output.draw.files.quiet;
    let (found, in_time) = conduct(&question, executor.as_mut(), &work.chosen, &output.kept, words, (&limits, quiet))?;
    drop(page);
    let report = Report::new(&question, &found.estimate, &found.trials)
        .with_wall_seconds(begin.elapsed().as_secs_f64())
        .with_interrupted(found.interrupted);
    let full = next.zip(report.lr()).map(|(next, lr)| next.full_run(&question.job, lr, words)).transpose()?;
    let study = output.kept.study.as_deref().map(|name| StudyName { name, db: &output.kept.file.db });
    let done =
        answer::report(report, &output.draw, study, style, full.as_ref())?.or_interrupted(found.interrupted && in_time);
    Ok(done.and_then_run(full.filter(|_| next.is_some_and(|next| next.run))))
}

/// Runs the study of a question to its end, to Ctrl-C or until the time that it may take is over,
/// with progress on standard error unless `quiet`. Also says whether there was time enough.
pub fn conduct(
    question: &Question,
    executor: &mut dyn Executor,
    chosen: &Chosen,
    kept: &StudyArgs,
    words: &[OsString],
    (limits, quiet): (&Limits, bool),
) -> Result<(StudyResult, bool), Fault> {
    let probe = question.probe().map_err(|error| unplanned(question, &error))?;
    let store = open(kept, words)?;
    let stop = interrupt()?;
    let planned = Arc::new(AtomicU64::new(0));
    let mut progress = Progress::new(probe.name(), quiet);
    if let Some(line) = what_it_buys(question).filter(|_| std::io::stderr().is_terminal()) {
        progress.say(&line);
    }
    let timer = Timer::new(limits.clock(), Arc::clone(&stop));
    let mut told = match limits.estimate(question, 0, None) {
        Some(line) => {
            progress.say(&line);
            true
        }
        None => false,
    };
    let mut said = false;
    let mut watch = |event: &_| {
        let planned = planned.load(Ordering::Relaxed);
        progress.watch(event, planned);
        if let Event::Ended { steps: steps @ 1.., seconds: Some(seconds @ PRICED..), .. } = event
            && !told
        {
            told = true;
            if let Some(line) = limits.estimate(question, planned, Some(seconds / *steps as f64)) {
                progress.say(&line);
            }
        }
        if !said && let Some(line) = chosen() {
            progress.say(&line);
            said = true;
        }
    };
    let counted = Counted::new(probe, Arc::clone(&planned));
    let study = Study::open(question, Box::new(counted), store).map(|study| study.with_retries(limits.retries));
    let found = study.and_then(|study| study.run(executor, &stop, &mut watch));
    progress.clear();
    if timer.passed() {
        progress.say("the time that the search may take is over; the answer rests on what had ended by then");
    }
    // Another question under the name of a study is a wrong argument.
    let found = found.map_err(|e| if e.is_state() { Fault::usage(e) } else { e.into() })?;
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
