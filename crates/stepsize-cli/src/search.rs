//! One search from question to answer: store, executor, progress, Ctrl-C, then every output that was asked for.

use crate::args::OutputArgs;
use crate::done::{Done, Fault};
use crate::progress::{Counted, Progress};
use crate::show::Style;
use crate::work::Work;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;
use stepsize::{Event, Probe, Report};
use stepsize_study::{JsonLines, Memory, Question, Store, study};

/// Runs `probe` on this work and shows what came of it.
pub fn run(
    question: &str,
    probe: &dyn Probe,
    mut work: Work,
    output: &OutputArgs,
    style: Style,
) -> Result<Done, Fault> {
    let question = Question { text: question.to_owned(), task: work.about.clone(), job: work.job.clone() };
    let mut store = open(output, &question)?;
    let stop = interrupt()?;
    let planned = AtomicU64::new(0);
    let mut progress = Progress::new(probe.name());
    let begin = Instant::now();
    let mut told = false;
    let outcome = study(
        &question,
        &Counted::new(probe, &planned),
        probe.pruner(),
        work.executor.as_mut(),
        store.as_mut(),
        &stop,
        &mut |event| {
            progress.watch(event, planned.load(Ordering::Relaxed));
            if !told && let Some(line) = (work.chosen)() {
                progress.say(&line);
                told = true;
            }
        },
    );
    progress.clear();
    let outcome = outcome?;
    let report = Report::new(&question.text, &question.task, &question.job, &outcome.estimate, &outcome.trials)
        .with_wall_seconds(begin.elapsed().as_secs_f64())
        .with_interrupted(outcome.interrupted);
    crate::verb::report::finish(report, &output.draw, style)
}

/// The log: in memory, or a file that must belong to the same question.
fn open(output: &OutputArgs, question: &Question) -> Result<Box<dyn Store>, Fault> {
    let Some(path) = &output.events else { return Ok(Box::new(Memory::new())) };
    let store = JsonLines::open(path)?;
    let recorded = store.read()?;
    if let Some(Event::Study { task, job, question: text, .. }) = recorded.first()
        && (*task != question.task || *job != question.job || *text != question.text)
    {
        return Err(Fault::usage(format!(
            "{} records another search ({text}; {task}); give another file, or draw that one with `stepsize report`",
            path.display()
        )));
    }
    Ok(Box::new(store))
}

/// A flag that the first Ctrl-C sets; the second one ends the process.
pub fn interrupt() -> Result<Arc<AtomicBool>, Fault> {
    let flag = Arc::new(AtomicBool::new(false));
    let fault = |e: std::io::Error| Fault::failure(format!("cannot watch for Ctrl-C: {e}"));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        signal_hook::flag::register_conditional_shutdown(signal, 130, Arc::clone(&flag)).map_err(fault)?;
        signal_hook::flag::register(signal, Arc::clone(&flag)).map_err(fault)?;
    }
    Ok(flag)
}
