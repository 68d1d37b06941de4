//! `stepsize refine`: a schedule from the gradient norms of an earlier run of the same job, [`stepsize::transfer::refine`].

use crate::args::RefineArgs;
use crate::done::{Done, Fault};
use stepsize::Point;
use stepsize::transfer::{Constants, refine};
use stepsize_draw::show::{self, Style};

/// The name of the column or key.
const NAME: &str = "grad_norm";

/// Refines.
pub fn run(args: &RefineArgs, style: Style) -> Result<Done, Fault> {
    let path = args.log.display();
    let text = std::fs::read_to_string(&args.log).map_err(|e| Fault::failure(format!("cannot read {path}: {e}")))?;
    let norms = norms(&text).map_err(|why| Fault::usage(format!("{path}: {why}")))?;
    let steps = args.steps.unwrap_or(norms.len() as u64);
    if steps == 0 {
        return Err(Fault::usage("--steps is 0; a run needs at least 1"));
    }
    let family = super::transfer::family(args.optimizer);
    let schedule = refine(&norms, steps, family, args.width, args.pieces).map_err(Fault::usage)?;
    if args.notation {
        return Ok(Done::answer(format!("{schedule}\n")));
    }
    let most = steps.min(2000);
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

/// Norms from CSV with a header, JSON lines, or plain numbers.
fn norms(text: &str) -> Result<Vec<f64>, String> {
    let first = text.lines().next().ok_or("the file is empty")?;
    let number = |line: usize, word: &str| {
        word.trim().parse::<f64>().map_err(|_| format!("line {}: {word:?} is no number", line + 1))
    };
    let lines = text.lines().enumerate().filter(|(_, l)| !l.trim().is_empty());
    if first.trim_start().starts_with('{') {
        return lines
            .map(|(i, line)| {
                let value: serde_json::Value =
                    serde_json::from_str(line).map_err(|e| format!("line {}: {e}", i + 1))?;
                value[NAME].as_f64().ok_or_else(|| format!("line {}: no number under {NAME:?}", i + 1))
            })
            .collect();
    }
    if first.trim().parse::<f64>().is_ok() {
        return lines.map(|(i, line)| number(i, line)).collect();
    }
    let column = first
        .split(',')
        .position(|name| name.trim() == NAME)
        .ok_or_else(|| format!("no column {NAME:?} in its first line {first:?}"))?;
    let cell = |(i, line): (usize, &str)| match line.split(',').nth(column) {
        Some(word) => number(i, word),
        None => Err(format!("line {} has no column {}", i + 1, column + 1)),
    };
    lines.skip(1).map(cell).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn norms_are_read_from_three_forms() {
        assert_eq!(norms("1.5\n2\n\n").unwrap(), [1.5, 2.0]);
        assert_eq!(norms("step,grad_norm,loss\n0,1.5,9\n1,2,8\n").unwrap(), [1.5, 2.0]);
        assert_eq!(norms("{\"grad_norm\":1.5}\n{\"grad_norm\":2}\n").unwrap(), [1.5, 2.0]);
        assert!(norms("step,loss\n0,1\n").unwrap_err().contains("grad_norm"));
        assert!(norms("").is_err() && norms("1\nx\n").is_err() && norms("{\"a\":1}\n").is_err());
    }
}
