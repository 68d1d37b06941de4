//! One search from question to answer: store, executor, progress, Ctrl-C, then every output that was asked for.

use crate::args::{OutputArgs, StudyArgs};
use crate::done::{Done, Fault};
use crate::progress::{Counted, Progress};
use crate::remedy::StudyName;
use crate::show::Style;
use crate::work::Work;
use std::ffi::OsString;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;
use stepsize::pruner::PrunerKind;
use stepsize::{Probe, Report};
use stepsize_study::{Memory, Question, Store, Studies, study};

/// The command as it was typed, which a kept study records. Not the process's own arguments: those of a Python process
/// begin with the interpreter's.
static TYPED: OnceLock<Vec<OsString>> = OnceLock::new();

/// Notes the command as it was typed.
pub fn typed(words: Vec<OsString>) {
    // A process that runs a second command line keeps studies only of the first, as a binary does.
    let _ = TYPED.set(words);
}

/// Runs `probe` on this work and shows what came of it.
pub fn run(
    question: &str,
    probe: &dyn Probe,
    mut work: Work,
    output: &OutputArgs,
    style: Style,
) -> Result<Done, Fault> {
    let question = Question { text: question.to_owned(), task: work.about.clone(), job: work.job.clone() };
    let mut store = open(&output.kept)?;
    let stop = interrupt()?;
    let planned = AtomicU64::new(0);
    let mut progress = Progress::new(probe.name());
    let begin = Instant::now();
    let mut told = false;
    let rule = work.kill.and_then(PrunerKind::pruner);
    let outcome = study(
        &question,
        &Counted::new(probe, &planned),
        match work.kill {
            Some(_) => rule.as_deref(),
            None => probe.pruner(),
        },
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
    let outcome = outcome.map_err(|e| if e.is_state() { Fault::usage(e) } else { e.into() })?;
    let report = Report::new(&question.text, &question.task, &question.job, &outcome.estimate, &outcome.trials)
        .with_wall_seconds(begin.elapsed().as_secs_f64())
        .with_interrupted(outcome.interrupted);
    let study = output.kept.study.as_deref().map(|name| StudyName { name, db: &output.kept.file.db });
    crate::verb::show::finish(report, &output.draw, study, style)
}

/// The log: in memory, or a study that is kept.
pub fn open(kept: &StudyArgs) -> Result<Box<dyn Store>, Fault> {
    let Some(name) = &kept.study else { return Ok(Box::new(Memory::new())) };
    let command: Vec<String> = TYPED
        .get()
        .into_iter()
        .flatten()
        .skip(1)
        .map(|word| {
            word.clone().into_string().map_err(|w| Fault::usage(format!("{w:?} is not UTF-8; --study keeps text only")))
        })
        .collect::<Result<_, _>>()?;
    let here = std::env::current_dir().map_err(|e| Fault::failure(format!("cannot tell the directory: {e}")))?;
    Ok(Box::new(Studies::open(&kept.file.db)?.study(name, &command, &here)?))
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
