//! `stepsize transfer`: a tuned rate for another schedule, length or batch size, with the rules and their uncertainty.

use crate::args::{FamilyName, TransferArgs};
use crate::done::{Done, Fault};
use stepsize_draw::number::{count, rate, significant};
use stepsize_draw::show::{self, Style};
use serde_json::json;
use stepsize::transfer::{OptimizerFamily, Plan, Transfer, transfer};

/// Carries the rate.
pub fn run(args: &TransferArgs, style: Style) -> Result<Done, Fault> {
    let from = Said::read("--from", &args.from)?;
    let to = Said::read("--to", &args.to)?;
    let need = |what: &str| Fault::usage(format!("--from names no {what}; such as 'cosine, 10k steps, batch 64'"));
    let steps = from.steps.ok_or_else(|| need("number of steps"))?;
    let shape = from.schedule.clone().ok_or_else(|| need("schedule"))?;
    let plan = |said: &Said, shape: &str, steps: u64, batch| -> Result<Plan, Fault> {
        let schedule = crate::task::schedule(said.schedule.as_deref().unwrap_or(shape), steps)?;
        Ok(Plan { schedule, steps, batch })
    };
    let old = plan(&from, &shape, steps, from.batch)?;
    let new = plan(&to, &shape, to.steps.unwrap_or(steps), to.batch.or(from.batch))?;
    let found = transfer(args.lr, &old, &new, family(args.optimizer)).map_err(Fault::usage)?;
    Ok(Done::answer(if args.json { object(args, &old, &new, &found) } else { shown(args, &old, &new, &found, style) }))
}

/// The optimizer's family.
pub fn family(name: FamilyName) -> OptimizerFamily {
    match name {
        FamilyName::Sgd => OptimizerFamily::Sgd,
        FamilyName::Adam => OptimizerFamily::Adam,
    }
}

/// What a text such as `wsd(0.2), 40k steps, batch 256` says, in any order.
#[derive(Debug, Default)]
struct Said {
    schedule: Option<String>,
    steps: Option<u64>,
    batch: Option<u64>,
}

impl Said {
    fn read(option: &str, text: &str) -> Result<Self, Fault> {
        let mut said = Self::default();
        for part in parts(text) {
            let words: Vec<&str> = part.split_whitespace().collect();
            let twice = |what: &str| Fault::usage(format!("{option} {text:?} names two {what}"));
            let number = |word: &str| {
                whole(word).ok_or_else(|| {
                    Fault::usage(format!("{option}: {word:?} is no whole number above 0, like 40000, 40k or 1.5M"))
                })
            };
            match words.as_slice() {
                [] => {}
                [n, "steps" | "step"] | ["steps", n] => {
                    if said.steps.replace(number(n)?).is_some() {
                        return Err(twice("lengths"));
                    }
                }
                ["batch", n] | [n, "batch"] | ["batch", "size", n] => {
                    if said.batch.replace(number(n)?).is_some() {
                        return Err(twice("batch sizes"));
                    }
                }
                _ => {
                    if said.schedule.replace(part.trim().to_owned()).is_some() {
                        return Err(twice("schedules"));
                    }
                }
            }
        }
        Ok(said)
    }
}

/// Splits at commas that stand outside parentheses.
fn parts(text: &str) -> Vec<&str> {
    let (mut depth, mut start, mut found) = (0i32, 0, Vec::new());
    for (i, c) in text.char_indices() {
        match c {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    found.push(&text[start..]);
    found
}

/// `40000`, `40k`, `1.5M`, `1e4`.
fn whole(word: &str) -> Option<u64> {
    let (digits, unit) = match word.char_indices().last()? {
        (at, 'k' | 'K') => (&word[..at], 1e3),
        (at, 'm' | 'M') => (&word[..at], 1e6),
        _ => (word, 1.0),
    };
    let value = digits.parse::<f64>().ok()? * unit;
    (value >= 1.0 && value.fract() == 0.0 && value < 2f64.powi(53)).then_some(value as u64)
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
        lines.push("nothing differs, so the rate stays".to_owned());
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
            "at the same length the new shape's bound on the reducible loss is {} % {word}; of the usual shapes linear to zero has the best",
            significant(percent.abs(), 2)
        );
        lines.push(show::wrapped("shape: ", &text, style));
    }
    lines.push(String::new());
    lines.push(show::wrapped(
        "",
        "Rules of thumb with their spread, not a measurement of your job: `stepsize find` measures it.",
        style,
    ));
    lines.join("\n") + "\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_said_in_words() {
        let said = Said::read("--to", "wsd(0.2, sqrt), 40k steps, batch 256").unwrap();
        assert_eq!(
            (said.schedule.as_deref(), said.steps, said.batch),
            (Some("wsd(0.2, sqrt)"), Some(40_000), Some(256))
        );
        let said = Said::read("--to", "batch 1.5k").unwrap();
        assert_eq!((said.schedule, said.steps, said.batch), (None, None, Some(1500)));
        assert!(Said::read("--to", "10 steps, 20 steps").is_err() && Said::read("--to", "x steps").is_err());
        assert!(Said::read("--to", "cosine, linear").is_err() && whole("1.5").is_none() && whole("0").is_none());
    }
}
