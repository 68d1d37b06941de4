//! `stepsize range-test`: one run with a rising rate (Smith 2015), read by our rule or by that of another tool.

use crate::args::RangeTestArgs;
use crate::done::{Done, Fault};
use crate::show::Style;
use crate::work::Work;
use stepsize::probe::suggest::{Ramp, Suggestion};
use stepsize::probe::{RangeTest, Reading};

/// Our own ways to read the curve.
const OURS: [(&str, Reading); 2] = [("edge", Reading::Edge), ("accuracy", Reading::Accuracy)];

/// Makes the test.
pub fn run(args: &RangeTestArgs, style: Style) -> Result<Done, Fault> {
    let reading = reading(&args.rule)?;
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let (low, high) = match reading {
        // That tool's own default range.
        Reading::Peer(Suggestion::Lightning) => args.span.or(1e-8, 1.0),
        Reading::Peer(_) => args.span.or(1e-7, 10.0),
        Reading::Edge | Reading::Accuracy => args.span.or(1e-6, 10.0),
    }
    .map_err(Fault::usage)?;
    let ramp = if args.linear { Ramp::Linear } else { Ramp::Exponential };
    let probe = RangeTest::new(work.job.clone(), low, high, args.iterations)
        .map_err(Fault::usage)?
        .with_ramp(ramp)
        .with_reading(reading);
    let shape = if args.linear { " --linear" } else { "" };
    let question =
        format!("range-test --rule {}{shape} --low {low} --high {high} --iterations {}", args.rule, args.iterations);
    crate::search::run(&question, &probe, work, &args.output, style)
}

fn reading(rule: &str) -> Result<Reading, Fault> {
    let peers = Suggestion::ALL.map(|s| (s.name(), Reading::Peer(s)));
    let known: Vec<(&str, Reading)> = OURS.into_iter().chain(peers).collect();
    known.iter().find(|(name, _)| *name == rule).map(|(_, reading)| *reading).ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|(name, _)| *name).collect();
        Fault::usage(format!("--rule '{rule}' is not known; the rules are {}", names.join(", ")))
    })
}
