//! `stepsize sweep`: the sensitivity analysis: full runs over a span of rates, several seeds each.

use crate::args::SweepArgs;
use crate::done::{Done, Fault};
use crate::show::Style;
use crate::work::{Work, capped};
use stepsize::defaults::SPAN;
use stepsize::probe::{Grid, Probe, Random};
use stepsize::{Job, Result};

/// Runs the sweep.
pub fn run(args: &SweepArgs, style: Style) -> std::result::Result<Done, Fault> {
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let fewer = match args.random {
        Some(_) => "`--random N`",
        None => "`--per-decade 1`, or a narrower span with `--low LR --high LR`",
    };
    let (probe, budget) = capped(probe(args, &work.job).map_err(Fault::usage)?, &work.job, args.budget, fewer)?;
    let (low, high) = args.span.or(SPAN).map_err(Fault::usage)?;
    let rates = match args.random {
        Some(count) => format!("--random {count}"),
        None => format!("--per-decade {}", args.per_decade),
    };
    let question = format!("sweep {rates} --low {low} --high {high} --seeds {}{budget}", args.seeds);
    crate::search::run(&question, probe.as_ref(), work, &args.output, style)
}

fn probe(args: &SweepArgs, job: &Job) -> Result<Box<dyn Probe>> {
    let (low, high) = args.span.or(SPAN)?;
    let (job, seed) = (job.clone(), job.seed);
    Ok(match args.random {
        Some(count) => Box::new(Random::new(job, low, high, count, seed)?.with_seeds(args.seeds)?),
        None => {
            let grid = Grid::new(job, low, high, args.per_decade)?.with_seeds(args.seeds)?;
            // A span that was asked for is the span that is shown.
            let widen = args.span.low.is_none() && args.span.high.is_none();
            Box::new(if widen { grid } else { grid.with_widening(0) })
        }
    })
}
