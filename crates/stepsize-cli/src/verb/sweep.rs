//! `stepsize sweep`: the sensitivity analysis: full runs over a span of rates, with several seeds
//! each.

use crate::args::SweepArgs;
use crate::done::{Done, Fault};
use crate::work::Work;
use std::ffi::OsString;
use stepsize::defaults::SPAN;
use stepsize::{QuestionKind, SweepRates};
use stepsize_draw::show::Style;

/// Runs the sweep.
pub fn run(args: &SweepArgs, words: &[OsString], style: Style) -> Result<Done, Fault> {
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let (low, high) = args.span.or(SPAN).map_err(Fault::usage)?;
    let kind = QuestionKind::Sweep {
        rates: args.random.map_or(SweepRates::PerDecade(args.per_decade), SweepRates::Random),
        low,
        high,
        // A span that was asked for is the span that is shown.
        widen: args.span.low.is_none() && args.span.high.is_none(),
        seeds: args.seeds,
        trial_steps: None,
        budget: args.budget,
    };
    crate::search::run(kind, work, &args.output, words, style, None)
}
