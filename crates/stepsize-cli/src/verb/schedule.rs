//! `stepsize schedule`: prints, plots and converts a schedule.

use crate::args::{ScheduleArgs, ScheduleForm};
use crate::done::{Done, Fault};
use serde_json::json;
use stepsize::{Point, Schedule};
use stepsize_draw::number;
use stepsize_draw::peers::{self, Peer};
use stepsize_draw::show::{self, Style};

/// Rows of a table: enough to see every shape, few enough for a screen.
const ROWS: u64 = 20;

/// Prints the schedule.
pub fn run(args: &ScheduleArgs, style: Style) -> Result<Done, Fault> {
    if args.steps == 0 || args.compress == Some(0) {
        return Err(Fault::usage("a schedule of 0 steps has no shape; give --steps of at least 1"));
    }
    let mut schedule = crate::task::schedule(&args.text, args.steps)?;
    let steps = args.compress.unwrap_or(args.steps);
    if steps != args.steps {
        schedule = schedule.compress(args.steps, steps).map_err(Fault::usage)?;
    }
    let base = args.lr.map_or(1.0, |lr| lr.get());
    let name = if args.lr.is_some() { "lr" } else { "factor" };
    let at = |step: u64| base * schedule.factor(step);
    let text = match args.form {
        ScheduleForm::Notation => format!("{schedule}\n"),
        ScheduleForm::Csv => {
            let rows: String = (0..steps).map(|s| format!("{s},{}\n", at(s))).collect();
            format!("step,{name}\n{rows}")
        }
        ScheduleForm::Json => {
            let values: Vec<f64> = (0..steps).map(at).collect();
            format!("{}\n", json!({ "schedule": schedule.to_string(), "steps": steps, name: values }))
        }
        ScheduleForm::Table => table(steps, name, at),
        ScheduleForm::Torch => code(peers::torch(&schedule, base))?,
        ScheduleForm::Optax => code(peers::optax(&schedule, base))?,
        ScheduleForm::Plot => plot(&schedule, steps, name, at, style),
    };
    Ok(Done::answer(text))
}

/// The code for another library, with its note above it.
fn code(peer: Peer) -> Result<String, Fault> {
    let note = if peer.note.is_empty() { String::new() } else { format!("# {}\n", peer.note) };
    match peer.code {
        Some(code) => Ok(note + &code),
        None => Err(Fault::usage(peer.note)),
    }
}

fn table(steps: u64, name: &str, at: impl Fn(u64) -> f64) -> String {
    let last = steps - 1;
    let rows = last.min(ROWS);
    let mut text = format!("{:>10}  {name}\n", "step");
    for i in 0..=rows {
        let step = (last * i).checked_div(rows).unwrap_or(0);
        text += &format!("{step:>10}  {}\n", number::significant(at(step), 6));
    }
    text
}

fn plot(schedule: &Schedule, steps: u64, name: &str, at: impl Fn(u64) -> f64, style: Style) -> String {
    let most = steps.min(2000);
    let points: Vec<Point> = (0..most)
        .map(|i| if most < 2 { 0 } else { (steps - 1) * i / (most - 1) })
        .map(|step| Point { step, lr: at(step), loss: at(step) })
        .collect();
    format!("{schedule}\n\n{}\n", show::plot::shape(&points, name, style))
}
