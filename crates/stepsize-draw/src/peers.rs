//! A schedule as code for PyTorch and for optax, to copy.
//!
//! Where a library has the schedule under a name, the code uses that name ([`Peer::named`]). Where
//! it has none, the code is a function of the step, which both libraries take, and
//! [`Peer::note`] says so. Every number in the code is a whole number of steps or a factor. A test
//! runs the code for each name of the notation and compares it with the core, step by step
//! (`crates/stepsize-python/tests/test_peers.py`).

mod formula;
mod optax;
mod torch;

pub use optax::optax;
pub use torch::torch;

use stepsize::Schedule;
use stepsize::schedule::{Node, Shape};

/// A schedule in the words of another library.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// Python code; `None` where no code of a sane length says it.
    pub code: Option<String>,
    /// What the library calls this schedule; `None` where it has no name for it.
    pub named: Option<&'static str>,
    /// What to know before it is used, in a sentence; may be empty.
    pub note: String,
}

/// Longest table that is written out.
const MOST_VALUES: usize = 256;

/// A number as Python reads it back.
fn num(value: f64) -> String {
    format!("{value:?}")
}

/// Whether a table in it is too long to write out.
fn is_too_long(schedule: &Schedule) -> bool {
    match schedule.node() {
        Node::Table(values) => values.len() > MOST_VALUES,
        Node::Sequence(parts) | Node::Product(parts) | Node::Sum(parts) => parts.iter().any(is_too_long),
        Node::Repeat { part, .. } | Node::Take { part, .. } | Node::Extend { part, .. } => is_too_long(part),
        _ => false,
    }
}

fn too_long() -> Peer {
    let note = format!("a table of more than {MOST_VALUES} values is not written out: load it from a file");
    Peer { code: None, named: None, note }
}

/// A cyclical schedule: `low + (1 - low) * wave`, and what the wave is multiplied by.
struct Cycle<'a> {
    low: f64,
    wave: Wave,
    fade: Option<&'a Node>,
}

/// An endless repetition that both libraries know.
enum Wave {
    /// Up and down in straight lines.
    Triangle { up: u64, down: u64 },
    /// Half a cosine, again and again, each time `stretch` times as long.
    Cosine { period: u64, stretch: f64 },
}

impl<'a> Cycle<'a> {
    /// Reads a schedule as one.
    fn of(schedule: &'a Schedule) -> Option<Self> {
        let (low, parts): (f64, Vec<&Node>) = match schedule.node() {
            Node::Sum(both) => match [both.first()?.node(), both.get(1)?.node()] {
                [Node::Constant(low), Node::Product(parts)] if both.len() == 2 => match parts.first()?.node() {
                    Node::Constant(rest) if (low + rest - 1.0).abs() < 1e-12 => {
                        (*low, parts[1..].iter().map(Schedule::node).collect())
                    }
                    _ => return None,
                },
                _ => return None,
            },
            Node::Product(parts) => (0.0, parts.iter().map(Schedule::node).collect()),
            node => (0.0, vec![node]),
        };
        let (wave, fade) = match parts.as_slice() {
            [wave] => (Wave::of(wave)?, None),
            [wave, fade] => (Wave::of(wave)?, Some(*fade)),
            _ => return None,
        };
        Some(Self { low, wave, fade })
    }
}

impl Wave {
    fn of(node: &Node) -> Option<Self> {
        let Node::Repeat { part, times: None, stretch, gain: 1.0 } = node else { return None };
        match part.node() {
            Node::Ramp { from: 1.0, to: 0.0, steps, shape: Shape::Cosine } => {
                Some(Self::Cosine { period: *steps, stretch: *stretch })
            }
            Node::Sequence(legs) if *stretch == 1.0 => match [legs.first()?.node(), legs.get(1)?.node()] {
                [
                    Node::Ramp { from: 0.0, to: 1.0, steps: up, shape: Shape::Linear },
                    Node::Ramp { from: 1.0, to: 0.0, steps: down, shape: Shape::Linear },
                ] if legs.len() == 2 => Some(Self::Triangle { up: *up, down: *down }),
                _ => None,
            },
            _ => None,
        }
    }
}

/// Steps at which a schedule of constant pieces changes, and by what factor each time; `None` for
/// any other schedule, and where a factor is zero.
fn stairs(schedule: &Schedule) -> Option<(f64, Vec<(u64, f64)>)> {
    let Node::Sequence(parts) = schedule.node() else { return None };
    let (mut at, mut values) = (0, Vec::new());
    for (i, part) in parts.iter().enumerate() {
        let (value, steps) = match part.node() {
            Node::Constant(value) if i + 1 == parts.len() => (*value, 0),
            Node::Take { part, steps } => match part.node() {
                Node::Constant(value) => (*value, *steps),
                _ => return None,
            },
            _ => return None,
        };
        values.push((at, value));
        at += steps;
    }
    let (_, first) = *values.first()?;
    if values.iter().any(|(_, value)| *value == 0.0) {
        return None;
    }
    Some((first, values.windows(2).map(|pair| (pair[1].0, pair[1].1 / pair[0].1)).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn both(text: &str) -> (Peer, Peer) {
        let schedule = Schedule::parse(text, 1000).unwrap();
        (torch(&schedule, 0.1), optax(&schedule, 0.1))
    }

    #[test]
    fn a_schedule_with_a_name_in_the_library_gets_that_name() {
        let names = |text: &str| {
            let (torch, optax) = both(text);
            (torch.named, optax.named)
        };
        assert_eq!(names("cosine"), (Some("CosineAnnealingLR"), Some("cosine_decay_schedule")));
        assert_eq!(names("step(100, 0.5)"), (Some("StepLR"), Some("exponential_decay")));
        assert_eq!(names("triangular(50)").0, Some("CyclicLR"));
        assert_eq!(names("sgdr(100, 2, floor=0.1)").0, Some("CosineAnnealingWarmRestarts"));
        assert_eq!(names("multi_step(0.1, 300, 600)"), (Some("MultiStepLR"), Some("piecewise_constant_schedule")));
        assert_eq!(names("warmup(10%) then cosine"), (None, Some("warmup_cosine_decay_schedule")));
    }

    #[test]
    fn a_schedule_without_a_name_is_a_function_and_the_note_says_so() {
        let (torch, optax) = both("inverse_sqrt(100)");
        assert!(torch.code.unwrap().contains("LambdaLR(optimizer, factor)"));
        assert!(torch.note.contains("no scheduler"), "{}", torch.note);
        assert!(optax.note.contains("no name"), "{}", optax.note);
    }

    #[test]
    fn a_long_table_is_not_written_out() {
        let schedule = Schedule::table((0..300).map(f64::from)).unwrap();
        assert_eq!((torch(&schedule, 0.1).code, optax(&schedule, 0.1).code), (None, None));
    }

    #[test]
    fn restarts_that_stretch_by_a_fraction_have_no_name_in_pytorch() {
        assert_eq!(both("sgdr(100, 1.5)").0.named, None);
        assert_eq!(both("triangular(50, low=0.2) * 0.5").0.named, None);
    }
}
