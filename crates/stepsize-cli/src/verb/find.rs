//! `stepsize find`: the learning rate of a job.

use crate::args::{FindArgs, ProbeName, SpanArgs};
use crate::done::{Done, Fault};
use crate::show::Style;
use crate::task::Loaded;
use stepsize::probe::{Job, Probe, Race};

/// Finds a rate.
pub fn run(args: &FindArgs, style: Style) -> Result<Done, Fault> {
    let loaded = Loaded::new(&args.task)?;
    let probe = probe(args, &args.span, &loaded.job)?;
    crate::search::run(&format!("find --probe {}", probe.name()), probe.as_ref(), &loaded, &args.output, style)
}

fn probe(args: &FindArgs, _span: &SpanArgs, job: &Job) -> Result<Box<dyn Probe>, Fault> {
    let job = job.clone();
    Ok(match args.probe {
        ProbeName::Race => {
            let mut race = Race::new(job);
            if let Some(runs) = args.max_cost {
                race = race.with_max_cost(runs).map_err(Fault::usage)?;
            }
            if let Some(lr) = args.start {
                race = race.starting_at(lr);
            }
            Box::new(race)
        }
        _ => return Err(Fault::usage("that probe is not built in yet")),
    })
}
