//! `stepsize range-test`: one run with a rising rate (Smith 2015), read by our rule or by that of another tool.

use crate::args::RangeTestArgs;
use crate::done::{Done, Fault};
use crate::show::Style;
use crate::work::{Work, capped};
use stepsize::Lr;
use stepsize::defaults::{FIRST_SHARE, RANGE_TEST_STEPS, range_test_span};
use stepsize::probe::suggest::Ramp;
use stepsize::probe::{Ladder, RangeTest, RangeTestRule};

/// Makes the test.
pub fn run(args: &RangeTestArgs, style: Style) -> Result<Done, Fault> {
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let (low, high) = args.span.or(range_test_span(args.rule)).map_err(Fault::usage)?;
    if !args.command.argv.is_empty() {
        return ladder(args, work, (low, high), style);
    }
    let steps = args.trial_steps.unwrap_or(RANGE_TEST_STEPS);
    let ramp = if args.linear { Ramp::Linear } else { Ramp::Exponential };
    let probe = RangeTest::new(work.job.clone(), low, high, steps)
        .map_err(Fault::usage)?
        .with_ramp(ramp)
        .with_reading(args.rule);
    let shape = if args.linear { " --linear" } else { "" };
    let question =
        format!("range-test --rule {}{shape} --low {low} --high {high} --trial-steps {steps}", args.rule.name());
    let (probe, budget) = capped(Box::new(probe), &work.job, args.budget, "`--trial-steps N`")?;
    crate::search::run(&(question + &budget), probe.as_ref(), work, &args.output, style)
}

/// The same by short runs, because the rate of a command cannot be raised while it runs.
fn ladder(args: &RangeTestArgs, work: Work, span: (Lr, Lr), style: Style) -> Result<Done, Fault> {
    if args.rule != RangeTestRule::Edge || args.linear {
        return Err(Fault::usage(
            "the rate of a command cannot be raised while it runs: its range test consists of short runs at rates a constant \
             factor apart, read by --rule edge; omit --rule and --linear",
        ));
    }
    let steps = args.trial_steps.unwrap_or((work.job.steps / FIRST_SHARE).max(1));
    let probe = Ladder::new(work.job.clone(), span.0, span.1, steps).map_err(Fault::usage)?;
    let question = format!("range-test --rule edge --low {} --high {} --trial-steps {steps}", span.0, span.1);
    let (probe, budget) = capped(Box::new(probe), &work.job, args.budget, "`--trial-steps N`")?;
    crate::search::run(&(question + &budget), probe.as_ref(), work, &args.output, style)
}
