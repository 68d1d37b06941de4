//! `stepsize transfer`: a tuned rate for another schedule, length or batch size, with the rules
//! used and their uncertainty.

use crate::args::{FamilyName, TransferArgs};
use crate::done::{Done, Fault};
use serde_json::json;
use stepsize::Error;
use stepsize::transfer::{OptimizerFamily, Plan, PlanText, Transfer, transfer};
use stepsize_draw::number::{count, rate, significant};
use stepsize_draw::show::{self, Style};

/// Reads both runs, transfers the rate, prints it.
pub fn run(args: &TransferArgs, style: Style) -> Result<Done, Fault> {
    let from: PlanText = args.from.parse().map_err(|e| wrong("--from", e))?;
    let to: PlanText = args.to.parse().map_err(|e| wrong("--to", e))?;
    let old = from.plan(&PlanText::default()).map_err(|e| wrong("--from", e))?;
    let new = to.plan(&from).map_err(|e| wrong("--to", e))?;
    let found = transfer(args.lr, &old, &new, family(args.optimizer)).map_err(Fault::usage)?;
    Ok(Done::answer(if args.json { object(args, &old, &new, &found) } else { shown(args, &old, &new, &found, style) }))
}

fn wrong(option: &str, error: Error) -> Fault {
    Fault::usage(format!("{option}: {error}"))
}

/// The family of optimizers that an option names.
pub fn family(name: FamilyName) -> OptimizerFamily {
    match name {
        FamilyName::Sgd => OptimizerFamily::Sgd,
        FamilyName::Adam => OptimizerFamily::Adam,
    }
}

fn object(args: &TransferArgs, from: &Plan, to: &Plan, found: &Transfer) -> String {
    let plan = |p: &Plan| json!({ "schedule": p.schedule.to_string(), "steps": p.steps, "batch": p.batch });
    let value = json!({
        "lr": found.lr, "low": found.low, "high": found.high, "octaves": found.octaves,
        "bound_ratio": found.bound_ratio, "parts": found.parts,
        "from": plan(from), "to": plan(to), "from_lr": args.lr,
    });
    format!("{value:#}\n")
}

fn shown(args: &TransferArgs, from: &Plan, to: &Plan, found: &Transfer, style: Style) -> String {
    let plan = |p: &Plan| {
        let batch = p.batch.map_or(String::new(), |b| format!(", batch {}", count(b)));
        format!("{}, {} steps{batch}", p.schedule, count(p.steps))
    };
    let bold = |text: String| if style.colour { format!("\x1b[1m{text}\x1b[0m") } else { text };
    let ends = (rate(found.low.get()), rate(found.high.get()));
    let head = bold(format!("lr {}   80 % interval {} to {}", rate(found.lr.get()), ends.0, ends.1));
    let mut lines = vec![
        head,
        show::wrapped("from: ", &format!("lr {}: {}", rate(args.lr.get()), plan(from)), style),
        show::wrapped("to: ", &plan(to), style),
        String::new(),
    ];
    if found.parts.is_empty() {
        lines.push("nothing differs, so the rate stays the same".to_owned());
    }
    for part in &found.parts {
        let text = format!(
            "x {}, +- {} octaves: {} [{}]",
            significant(part.factor, 3),
            significant(part.octaves, 2),
            part.rule,
            part.source
        );
        lines.push(show::wrapped(&format!("{}: ", part.what), &text, style));
    }
    if (found.bound_ratio - 1.0).abs() >= 0.005 {
        let percent = 100.0 * (found.bound_ratio - 1.0);
        let word = if percent > 0.0 { "worse" } else { "better" };
        let text = format!(
            "at the same length the bound on the reducible loss is {} % {word} for the new schedule; linear decay to zero has the best of the usual ones",
            significant(percent.abs(), 2)
        );
        lines.push(show::wrapped("shape: ", &text, style));
    }
    lines.push(String::new());
    lines.push(show::wrapped(
        "",
        "These are rules of thumb with their spread, not a measurement of your job. `stepsize find` measures it.",
        style,
    ));
    lines.join("\n") + "\n"
}
