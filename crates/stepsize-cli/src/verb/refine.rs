//! `stepsize refine`: a schedule from the gradient norms of an earlier run of the same job. The
//! norms are read by [`stepsize_logs::gradient_norms`], the schedule is made by
//! [`stepsize::transfer::refine`].

use crate::args::RefineArgs;
use crate::done::{Done, Fault};
use stepsize::Point;
use stepsize::transfer::{Constants, refine};
use stepsize_draw::show::{self, Style};
use stepsize_logs::gradient_norms;

/// Points of the schedule's picture: more than it has columns.
const POINTS: u64 = 2000;

/// Runs the verb.
pub fn run(args: &RefineArgs, style: Style) -> Result<Done, Fault> {
    let path = args.log.display();
    let bytes = std::fs::read(&args.log).map_err(|e| Fault::failure(format!("cannot read {path}: {e}")))?;
    let file = args.log.file_name().map(|n| n.to_string_lossy()).unwrap_or_default();
    let norms = gradient_norms(&bytes, &file).map_err(|why| Fault::usage(format!("{path}: {why}")))?;
    let steps = args.steps.unwrap_or(norms.len() as u64);
    if steps == 0 {
        return Err(Fault::usage("--steps is 0; it must be at least 1"));
    }
    let family = super::transfer::family(args.optimizer);
    let schedule = refine(&norms, steps, family, args.width, args.pieces).map_err(Fault::usage)?;
    if args.notation {
        return Ok(Done::answer(format!("{schedule}\n")));
    }
    let most = steps.min(POINTS);
    let points: Vec<Point> = (0..most)
        .map(|i| steps * i / most)
        .map(|step| Point { step, lr: schedule.factor(step), loss: schedule.factor(step) })
        .collect();
    let linear = Constants::new(&crate::task::schedule("linear", steps)?, steps)?;
    let times = Constants::new(&schedule, steps)?.rate() / linear.rate();
    let text = format!(
        "from {} gradient norms. By the last-iterate bound its best base rate is {} times that of linear decay.",
        norms.len(),
        stepsize_draw::number::significant(times, 3)
    );
    let shape = show::plot::shape(&points, "factor", style);
    Ok(Done::answer(format!("{schedule}\n\n{}\n\n{shape}\n", show::wrapped("", &text, style))))
}
