//! `stepsize find`: the learning rate of a job.

use crate::args::{FindArgs, ProbeName};
use crate::done::{Done, Fault};
use crate::show::Style;
use crate::work::{Work, capped};
use stepsize::defaults::{
    GRID_PER_DECADE, OPENING_BUDGET, OPENING_START, RANDOM_DRAWS, RANGE_TEST_SPAN, RANGE_TEST_STEPS, SPAN,
};
use stepsize::probe::{Descent, FirstFall, Grid, Opening, Probe, Race, Random, RangeTest};
use stepsize::{Lr, Result};

/// Finds a rate.
pub fn run(args: &FindArgs, style: Style) -> std::result::Result<Done, Fault> {
    let work = Work::new(&args.task, &args.command, &args.output.kept)?;
    let probe = probe(args, &work).map_err(Fault::usage)?;
    // The race has a budget of its own, by which it plans.
    let probe = match args.probe {
        ProbeName::Race => probe,
        _ => capped(probe, &work.job, args.budget, fewer(args.probe))?.0,
    };
    let mut question = format!("find --probe {}", probe.name());
    let options =
        [("low", args.span.low), ("high", args.span.high), ("start", args.start)].map(|(n, v)| (n, v.map(Lr::get)));
    for (name, value) in options.into_iter().chain([("budget", args.budget)]) {
        if let Some(value) = value {
            question += &format!(" --{name} {value}");
        }
    }
    crate::search::run(&question, probe.as_ref(), work, &args.output, style)
}

/// How to try fewer rates.
fn fewer(probe: ProbeName) -> &'static str {
    match probe {
        ProbeName::Sweep => "`stepsize sweep --per-decade 1`, or a narrower span with `--low LR --high LR`",
        ProbeName::Random => "`stepsize sweep --random N`",
        ProbeName::RangeTest => "`stepsize range-test --trial-steps N`",
        ProbeName::Race | ProbeName::Descent | ProbeName::FirstFall => "`stepsize find` without `--probe`",
    }
}

fn probe(args: &FindArgs, work: &Work) -> Result<Box<dyn Probe>> {
    let job = work.job.clone();
    let (low, high) = args.span.or(SPAN)?;
    Ok(match args.probe {
        ProbeName::Race if work.cut => {
            let start = args.start.map_or_else(|| Lr::new(OPENING_START), Ok)?;
            Box::new(Opening::new(job, start, args.budget.unwrap_or(OPENING_BUDGET))?)
        }
        ProbeName::Race => {
            let mut race = Race::new(job);
            if let Some(runs) = args.budget {
                race = race.with_max_cost(runs)?;
            }
            if let Some(lr) = args.start {
                race = race.starting_at(lr);
            }
            Box::new(race)
        }
        ProbeName::Sweep => Box::new(Grid::new(job, low, high, GRID_PER_DECADE)?),
        ProbeName::Random => {
            let seed = job.seed;
            Box::new(Random::new(job, low, high, RANDOM_DRAWS, seed)?)
        }
        ProbeName::Descent => Box::new(Descent::new(job)),
        ProbeName::FirstFall => Box::new(FirstFall::new(job)),
        ProbeName::RangeTest => {
            let (low, high) = args.span.or(RANGE_TEST_SPAN)?;
            Box::new(RangeTest::new(job, low, high, RANGE_TEST_STEPS)?)
        }
    })
}
