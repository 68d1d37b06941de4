//! `stepsize find`: the learning rate of a job.

use crate::args::{FindArgs, ProbeName};
use crate::done::{Done, Fault};
use crate::next::AfterAnswer;
use crate::work::Work;
use std::ffi::OsString;
use stepsize::{FindProbe, QuestionKind};
use stepsize_draw::show::Style;

/// Finds a rate.
pub fn run(args: &FindArgs, words: &[OsString], style: Style) -> Result<Done, Fault> {
    if let Some(path) = &args.then_train {
        if path.exists() {
            return Err(Fault::usage(format!(
                "--then-train {} is there already; name another file, or remove it. Nothing has run",
                path.display()
            )));
        }
        crate::files::try_places([&args.then_train])?;
    }
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let probe = match args.probe {
        ProbeName::Race if work.cut => FindProbe::Opening,
        ProbeName::Race => FindProbe::Race,
        ProbeName::Sweep => FindProbe::Sweep,
        ProbeName::Random => FindProbe::Random,
        ProbeName::Descent => FindProbe::Descent,
        ProbeName::FirstFall => FindProbe::FirstFall,
        ProbeName::RangeTest => FindProbe::RangeTest,
    };
    let (low, high) = (args.span.low, args.span.high);
    let kind = QuestionKind::Find { probe, start: args.start, budget: args.budget, low, high };
    let next = AfterAnswer {
        command: &args.command,
        task: &args.task,
        kept: &args.output.kept,
        run: args.then_run,
        train: args.then_train.as_deref(),
    };
    crate::search::run(kind, work, &args.output, words, style, Some(next))
}
