//! `stepsize range-test`: one run with a rising rate (Smith 2015), read by our rule or by that of another tool.

use crate::args::RangeTestArgs;
use crate::done::{Done, Fault};
use crate::show::Style;
use crate::work::{Work, capped};
use stepsize::Lr;
use stepsize::defaults::{FIRST_SHARE, RANGE_TEST_STEPS, range_test_span};
use stepsize::probe::suggest::{Ramp, Suggestion};
use stepsize::probe::{Ladder, RangeTest, RangeTestRule};

/// Our own ways to read the curve.
const OURS: [(&str, RangeTestRule); 2] = [("edge", RangeTestRule::Edge), ("accuracy", RangeTestRule::Accuracy)];

/// Makes the test.
pub fn run(args: &RangeTestArgs, style: Style) -> Result<Done, Fault> {
    let reading = reading(&args.rule)?;
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let (low, high) = args.span.or(range_test_span(reading)).map_err(Fault::usage)?;
    if !args.command.argv.is_empty() {
        return ladder(args, work, (low, high), style);
    }
    let iterations = args.iterations.unwrap_or(RANGE_TEST_STEPS);
    let ramp = if args.linear { Ramp::Linear } else { Ramp::Exponential };
    let probe = RangeTest::new(work.job.clone(), low, high, iterations)
        .map_err(Fault::usage)?
        .with_ramp(ramp)
        .with_reading(reading);
    let shape = if args.linear { " --linear" } else { "" };
    let question =
        format!("range-test --rule {}{shape} --low {low} --high {high} --iterations {iterations}", args.rule);
    let (probe, budget) = capped(Box::new(probe), &work.job, args.max_cost)?;
    crate::search::run(&(question + &budget), probe.as_ref(), work, &args.output, style)
}

/// The same by short runs, because the rate of a command cannot be raised while it runs.
fn ladder(args: &RangeTestArgs, work: Work, span: (Lr, Lr), style: Style) -> Result<Done, Fault> {
    if args.rule != "edge" || args.linear {
        return Err(Fault::usage(
            "the rate of a command cannot be raised while it runs: its range test is made of short runs at constant-factor steps and read \
             by --rule edge; leave --rule and --linear out",
        ));
    }
    let iterations = args.iterations.unwrap_or((work.job.steps / FIRST_SHARE).max(1));
    let probe = Ladder::new(work.job.clone(), span.0, span.1, iterations).map_err(Fault::usage)?;
    let question = format!("range-test --rule edge --low {} --high {} --iterations {iterations}", span.0, span.1);
    let (probe, budget) = capped(Box::new(probe), &work.job, args.max_cost)?;
    crate::search::run(&(question + &budget), probe.as_ref(), work, &args.output, style)
}

fn reading(rule: &str) -> Result<RangeTestRule, Fault> {
    let peers = Suggestion::ALL.map(|s| (s.name(), RangeTestRule::Peer(s)));
    let known: Vec<(&str, RangeTestRule)> = OURS.into_iter().chain(peers).collect();
    known.iter().find(|(name, _)| *name == rule).map(|(_, reading)| *reading).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Fault::usage(format!("--rule '{rule}' is not known; the rules are {}", names.join(", ")))
    })
}
