//! The ways to set the rate that are compared with the built-in engine. Their numbers are those of
//! the sources, or of common practice where a source gives none.
//!
//! Absent are the controllers that take more steps than the run has (`branch`, `rewind`), because
//! every way has the same number of steps. `docs/adaptive.md` says what they gain.

use crate::OptimizerSpec;
use stepsize::compare::{Family, Way};
use stepsize::{Job, Lr, Result, Schedule};

/// One rate to the end. For a command it is the schedule that the command has.
pub fn fixed(job: &Job) -> Way {
    let schedule = if job.own_schedule { job.schedule.clone() } else { Schedule::constant() };
    Way { name: "fixed".into(), family: Family::Fixed, schedule, controller: None, optimizer: None, unit: None }
}

/// All ways of the built-in engine for a job that `optimizer` trains.
///
/// # Errors
/// When a way does not fit into so few steps.
pub fn of_engine(job: &Job, optimizer: &OptimizerSpec) -> Result<Vec<Way>> {
    let steps = job.steps;
    // Half a cycle is an eighth of the run: four cycles, ending at the low point (Smith 2015).
    let up = (steps / 8).max(1);
    // The envelope and the decay end at 1 % of their start.
    let (gamma, last) = (0.01f64.powf(1.0 / steps as f64), 0.01);
    let planned = [
        (Family::Decay, "step / 10", "multi_step(0.1, 50%, 75%)".to_owned()),
        (Family::Decay, "exponential", format!("exponential({last}, {steps})")),
        (Family::Decay, "cosine", "cosine".to_owned()),
        (Family::Decay, "linear", "linear".to_owned()),
        (Family::Decay, "wsd", "wsd(20%)".to_owned()),
        (Family::Cycle, "triangular", format!("triangular({up})")),
        (Family::Cycle, "triangular2", format!("triangular2({up})")),
        (Family::Cycle, "exp_range", format!("exp_range({up}, gamma={gamma})")),
        (Family::Cycle, "one-cycle", "one_cycle".to_owned()),
    ];
    // A run has 40 evaluations: a window of 4 is a tenth of it.
    let mut watched = vec![
        ("plateau / 2", "plateau(patience=4, factor=0.5, undo=0)".to_owned()),
        ("plateau / 10", "plateau(patience=4, factor=0.1, undo=0)".to_owned()),
        ("plateau / 2, raised again", "plateau(patience=4, factor=0.5, undo=3)".to_owned()),
        ("greedy", "greedy".to_owned()),
        ("hypergradient", "hypergradient".to_owned()),
    ];
    // The Polyak step is along the gradient. No such rule is known for Adam's steps (MoMo-Adam is
    // below).
    if let OptimizerSpec::Sgd { momentum, .. } = optimizer {
        watched.push(("polyak cap", format!("polyak(momentum={momentum:?})")));
    }
    // With the schedules of their authors: constant for those that average, a decay for those that
    // do not.
    let free = [
        ("schedule_free_sgd", "constant"),
        ("schedule_free_adamw", "constant"),
        ("schedule_free_plus", "constant"),
        ("prodigy", "cosine"),
        ("dadapt_adam", "cosine"),
        ("dog", "constant"),
        ("ldog", "constant"),
        ("mechanic(sgd:0.9)", "cosine"),
        ("mechanic(adamw)", "cosine"),
        ("momo", "constant"),
        ("momo_adam", "constant"),
    ];
    let mut ways = vec![fixed(job)];
    for (family, name, text) in planned {
        let schedule = Schedule::parse(&text, steps)?;
        ways.push(Way { name: name.into(), family, schedule, ..fixed(job) });
    }
    for (name, text) in watched {
        let controller = Some(text.parse()?);
        ways.push(Way { name: name.into(), family: Family::Feedback, controller, ..fixed(job) });
    }
    for (name, text) in free {
        let spec: OptimizerSpec = name.parse()?;
        let unit = spec.package_rate().map(Lr::new).transpose()?;
        let schedule = Schedule::parse(text, steps)?;
        let optimizer = Some(name.to_owned());
        ways.push(Way { name: name.into(), family: Family::Free, schedule, optimizer, unit, ..fixed(job) });
    }
    Ok(ways)
}
