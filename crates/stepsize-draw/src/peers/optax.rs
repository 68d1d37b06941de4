//! optax: its schedules composed as it composes them (checked with optax 0.2.8), else a function in
//! `jax.numpy`.

use super::formula::{Dialect, Formula};
use super::{Peer, is_too_long, num, stairs, too_long};
use stepsize::Schedule;
use stepsize::schedule::{Node, Shape};

/// The schedule for optax, with the base rate `lr` in it.
pub fn optax(schedule: &Schedule, lr: f64) -> Peer {
    if is_too_long(schedule) {
        return too_long();
    }
    let mut made = Made { formula: Formula::new(Dialect::Jnp), ours: 0 };
    let (value, name) = match whole(schedule) {
        Some((name, value)) => (value, Some(name)),
        None => {
            let (value, name) = made.schedule(schedule);
            (value, name.filter(|_| made.ours == 0))
        }
    };
    let functions = made.formula.functions();
    let jnp = if functions.contains("jnp.") || value.contains("jnp.") { "import jax.numpy as jnp\n" } else { "" };
    let gap = if functions.is_empty() { "\n" } else { "\n\n" };
    let between = if functions.is_empty() { "" } else { "\n" };
    let code = format!(
        "{jnp}import optax\n{gap}{functions}{between}lr = {}\nschedule = {value}\noptimizer = optax.adamw(schedule)\n",
        num(lr)
    )
    .replace("\n\n\n\n", "\n\n\n");
    let note = match (name, schedule.node()) {
        (Some(_), _) => "",
        (None, Node::OneCycle(_)) => {
            "optax's cosine_onecycle_schedule is another one: its peak comes a step later than PyTorch's and ours."
        }
        (None, Node::Sequence(_)) if made.ours > 0 => {
            "optax has no name for a part of this; it takes any function of the step."
        }
        (None, _) => "optax has no name for this; it takes any function of the step.",
    };
    Peer { code: Some(code), named: name, note: note.to_owned() }
}

/// What optax has one function for, although it is composed here.
fn whole(schedule: &Schedule) -> Option<(&'static str, String)> {
    if let Some((first, falls)) = stairs(schedule) {
        let scales: Vec<String> = falls.iter().map(|(step, factor)| format!("{step}: {}", num(*factor))).collect();
        let value = format!("optax.piecewise_constant_schedule({}, {{{}}})", times(first), scales.join(", "));
        return Some(("piecewise_constant_schedule", value));
    }
    let Node::Sequence(parts) = schedule.node() else { return None };
    match [parts.first()?.node(), parts.get(1)?.node()] {
        [
            Node::Ramp { from, to: 1.0, steps: up, shape: Shape::Linear },
            Node::Ramp { from: 1.0, to, steps: down, shape: Shape::Cosine },
        ] if parts.len() == 2 => {
            let value = format!(
                "optax.warmup_cosine_decay_schedule(\n    init_value={},\n    peak_value=lr,\n    warmup_steps={up},\n    \
                 decay_steps={},\n    end_value={},\n)",
                times(*from),
                up + down,
                times(*to)
            );
            Some(("warmup_cosine_decay_schedule", value))
        }
        _ => None,
    }
}

/// `lr` times a factor.
fn times(factor: f64) -> String {
    match factor {
        0.0 => "0.0".to_owned(),
        1.0 => "lr".to_owned(),
        factor => format!("{} * lr", num(factor)),
    }
}

struct Made {
    formula: Formula,
    /// Parts that optax has no name for.
    ours: usize,
}

impl Made {
    /// A schedule of optax as an expression, and its name if it has one.
    fn schedule(&mut self, schedule: &Schedule) -> (String, Option<&'static str>) {
        let call = |name: &'static str, arguments: String| (format!("optax.{name}({arguments})"), Some(name));
        match schedule.node() {
            Node::Constant(value) => call("constant_schedule", times(*value)),
            Node::Take { part, .. } if matches!(part.node(), Node::Constant(_)) => self.schedule(part),
            Node::Ramp { from, to, steps, shape: Shape::Linear } => call(
                "linear_schedule",
                format!("init_value={}, end_value={}, transition_steps={steps}", times(*from), times(*to)),
            ),
            Node::Ramp { from, to, steps, shape: Shape::Power(power) } => call(
                "polynomial_schedule",
                format!(
                    "init_value={}, end_value={}, power={}, transition_steps={steps}",
                    times(*from),
                    times(*to),
                    num(*power)
                ),
            ),
            Node::Ramp { from, to, steps, shape: shape @ (Shape::Cosine | Shape::CosinePower(_)) } if *from > 0.0 => {
                let floor = if *to == 0.0 { String::new() } else { format!(", alpha={}", num(to / from)) };
                let exponent = match shape {
                    Shape::CosinePower(exponent) => format!(", exponent={}", num(*exponent)),
                    _ => String::new(),
                };
                call(
                    "cosine_decay_schedule",
                    format!("init_value={}, decay_steps={steps}{floor}{exponent}", times(*from)),
                )
            }
            Node::Ramp { from, to, steps, shape: Shape::Exponential } => call(
                "exponential_decay",
                format!(
                    "init_value={}, transition_steps={steps}, decay_rate={}, end_value={}",
                    times(*from),
                    num(to / from),
                    times(*to)
                ),
            ),
            Node::Exponential { rate, every, staircase, limit } => {
                let stairs = if *staircase { ", staircase=True" } else { "" };
                let limit = limit.map_or(String::new(), |limit| format!(", end_value={}", times(limit)));
                let every = if every.fract() == 0.0 { format!("{every}") } else { num(*every) };
                call(
                    "exponential_decay",
                    format!("init_value=lr, transition_steps={every}, decay_rate={}{stairs}{limit}", num(*rate)),
                )
            }
            Node::Sequence(parts) => {
                let each: Vec<String> = parts.iter().map(|p| format!("        {},\n", self.schedule(p).0)).collect();
                let lengths = parts[..parts.len() - 1].iter().filter_map(Schedule::steps);
                let ends: Vec<String> = lengths
                    .scan(0, |at, steps| {
                        *at += steps;
                        Some(at.to_string())
                    })
                    .collect();
                let parts = each.concat();
                let value =
                    format!("optax.join_schedules(\n    [\n{parts}    ],\n    boundaries=[{}],\n)", ends.join(", "));
                (value, Some("join_schedules"))
            }
            _ => {
                self.ours += 1;
                let value = self.formula.value(schedule, "step", None);
                let value = if value.contains(' ') { format!("({value})") } else { value };
                (format!("lambda step: lr * {value}"), None)
            }
        }
    }
}
