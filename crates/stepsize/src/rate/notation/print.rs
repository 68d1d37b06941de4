//! Schedules to text. [`crate::Schedule::parse`] reads the text back as the same schedule; no
//! length is left open.

use crate::schedule::{Node, OneCycle, Schedule, Shape};
use std::fmt::{self, Display};

/// How tightly the surrounding expression binds. An expression that binds less gets parentheses.
#[derive(Clone, Copy, PartialEq, PartialOrd)]
enum Level {
    Any,
    Part,
    Summand,
    Factor,
}

impl Display for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(self, Level::Any))
    }
}

/// The shortest text that reads back as the same number.
fn num(value: f64) -> String {
    let text = format!("{value:?}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

fn call(name: &str, arguments: &[String]) -> String {
    format!("{name}({})", arguments.join(", "))
}

/// The arguments that differ from their defaults.
fn unless(default: f64, key: &str, value: f64) -> Option<String> {
    (value != default).then(|| format!("{key}={}", num(value)))
}

fn word(given: bool, word: &str) -> Option<String> {
    given.then(|| word.to_owned())
}

fn join(parts: &[Schedule], joint: &str, inner: Level, own: Level, outer: Level) -> String {
    let text = parts.iter().map(|p| show(p, inner)).collect::<Vec<_>>().join(joint);
    if outer > own { format!("({text})") } else { text }
}

fn show(schedule: &Schedule, outer: Level) -> String {
    match &schedule.node {
        Node::Constant(value) if outer >= Level::Summand => num(*value),
        Node::Constant(1.0) => "constant".into(),
        Node::Constant(value) => call("constant", &[num(*value)]),
        Node::Ramp { from, to, steps, shape } => ramp(*from, *to, *steps, *shape),
        Node::Exponential { rate, every, staircase, limit } => {
            let limit = limit.map(|l| format!("limit={}", num(l)));
            if *staircase {
                let first = [num(*every), num(*rate)];
                call("step", &first.into_iter().chain(limit).collect::<Vec<_>>())
            } else {
                let rest = unless(1.0, "every", *every).into_iter().chain(limit);
                call("exponential", &std::iter::once(num(*rate)).chain(rest).collect::<Vec<_>>())
            }
        }
        Node::Inverse { rate, every, power, staircase } => {
            if (*rate, *power, *staircase) == (1.0, 0.5, false) {
                return call("inverse_sqrt", &[num(*every)]);
            }
            let optional = [unless(1.0, "power", *power), word(*staircase, "staircase")];
            let first = [num(*rate), format!("every={}", num(*every))];
            call("inverse_time", &first.into_iter().chain(optional.into_iter().flatten()).collect::<Vec<_>>())
        }
        Node::OneCycle(cycle) => one_cycle(cycle),
        Node::Table(values) => call("table", &values.iter().map(|v| num(*v)).collect::<Vec<_>>()),
        Node::Sequence(parts) => join(parts, " then ", Level::Part, Level::Any, outer),
        Node::Sum(parts) => join(parts, " + ", Level::Summand, Level::Part, outer),
        Node::Product(parts) => join(parts, " * ", Level::Factor, Level::Summand, outer),
        Node::Repeat { part, times, stretch, gain } => {
            let optional =
                [times.map(|n| format!("times={n}")), unless(1.0, "stretch", *stretch), unless(1.0, "gain", *gain)];
            let first = std::iter::once(show(part, Level::Any));
            call("repeat", &first.chain(optional.into_iter().flatten()).collect::<Vec<_>>())
        }
        Node::Take { part, steps } => match &part.node {
            Node::Constant(value) => call("hold", &[num(*value), steps.to_string()]),
            _ => call("take", &[show(part, Level::Any), steps.to_string()]),
        },
        Node::Extend { part, at, from, to } => {
            call("extend", &[show(part, Level::Any), format!("at={at}"), format!("from={from}"), format!("to={to}")])
        }
    }
}

fn ramp(from: f64, to: f64, steps: u64, shape: Shape) -> String {
    let length = steps.to_string();
    let (name, optional) = match shape {
        Shape::Linear if from == 1.0 => ("linear", vec![unless(0.0, "floor", to)]),
        Shape::Cosine if from == 1.0 => ("cosine", vec![unless(0.0, "floor", to)]),
        Shape::CosinePower(e) if from == 1.0 => {
            ("cosine", vec![unless(0.0, "floor", to), Some(format!("exponent={}", num(e)))])
        }
        Shape::Sqrt if from == 1.0 => ("sqrt", vec![unless(0.0, "floor", to)]),
        Shape::Power(p) if from == 1.0 => ("polynomial", vec![Some(num(p)), unless(0.0, "floor", to)]),
        Shape::Linear if to == 1.0 => ("warmup", vec![unless(0.0, "from", from)]),
        Shape::Cosine if to == 1.0 => ("warmup", vec![word(true, "cosine"), unless(0.0, "from", from)]),
        Shape::Power(0.5) if to == 1.0 => ("warmup", vec![word(true, "sqrt"), unless(0.0, "from", from)]),
        Shape::Exponential if to == 1.0 => ("warmup", vec![word(true, "exponential"), unless(0.0, "from", from)]),
        _ => {
            let path = match shape {
                Shape::Linear => None,
                Shape::Cosine => word(true, "cosine"),
                Shape::CosinePower(e) => Some(format!("cosine, exponent={}", num(e))),
                Shape::Exponential => word(true, "exponential"),
                Shape::Sqrt => word(true, "sqrt"),
                Shape::Power(p) => Some(format!("power={}", num(p))),
            };
            let first = [num(from), num(to), length];
            return call("ramp", &first.into_iter().chain(path).collect::<Vec<_>>());
        }
    };
    call(name, &std::iter::once(length).chain(optional.into_iter().flatten()).collect::<Vec<_>>())
}

fn one_cycle(cycle: &OneCycle) -> String {
    let usual = OneCycle::new(cycle.steps);
    let optional = [
        unless(usual.rise, "rise", cycle.rise),
        unless(usual.div, "div", cycle.div),
        unless(usual.final_div, "final_div", cycle.final_div),
        word(cycle.linear, "linear"),
        word(cycle.three_phase, "three_phase"),
    ];
    let first = std::iter::once(cycle.steps.to_string());
    call("one_cycle", &first.chain(optional.into_iter().flatten()).collect::<Vec<_>>())
}
