//! [`Node`]: the closed family of primitives, and their values over time.
//!
//! Time is a real number, so stretched cycles and re-planned runs are evaluated, not resampled;
//! whole steps up to 2^53 are exact. The constructors of [`super::Schedule`] check everything: a
//! node that exists is legal, its factor is finite and >= 0 at every time, and no arithmetic here
//! can overflow (see [`Node::bound`]).

use super::Schedule;
use super::cycle::{OneCycle, cycle_at, cycle_start};
use super::shape::Shape;

/// Compression writes repetitions out, cycle by cycle, when that makes at most this many
/// primitives.
pub(super) const WRITTEN_OUT: u64 = 1000;

/// What a schedule is made of, for code that evaluates it elsewhere: inside a compiled training
/// step, or in another language. The values are those of [`Schedule::factor`]. Time `t` is a real
/// number, and each kind gives its formula.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs)] // the line of each kind explains its fields
pub enum Node {
    /// One value, endless.
    Constant(f64),
    /// From one value to another over `steps`.
    Ramp { from: f64, to: f64, steps: u64, shape: Shape },
    /// `rate^(t/every)`, the exponent rounded down with `staircase`; not beyond `limit`.
    Exponential { rate: f64, every: f64, staircase: bool, limit: Option<f64> },
    /// `(1 + rate t/every)^-power`, `t/every` rounded down with `staircase`.
    Inverse { rate: f64, every: f64, power: f64, staircase: bool },
    /// One-cycle.
    OneCycle(OneCycle),
    /// One value a step.
    Table(Vec<f64>),
    /// One after another; at least two, none of them a sequence, all but the last of known length.
    Sequence(Vec<Schedule>),
    /// At once, multiplied; at least two, none of them a product.
    Product(Vec<Schedule>),
    /// At once, added; at least two, none of them a sum.
    Sum(Vec<Schedule>),
    /// Repetition: cycle i is `stretch^i` times as long and `gain^i` times as high as the first.
    Repeat { part: Box<Schedule>, times: Option<u32>, stretch: f64, gain: f64 },
    /// Exactly the first `steps` of `part`.
    Take { part: Box<Schedule>, steps: u64 },
    /// `part` up to `at`. What it does from there to `from` is stretched to last until `to`, its
    /// end.
    Extend { part: Box<Schedule>, at: u64, from: u64, to: u64 },
}

impl Node {
    /// Factor at time `t` >= 0.
    pub(super) fn at(&self, t: f64) -> f64 {
        match self {
            Node::Constant(value) => *value,
            Node::Ramp { from, to, steps, shape } => shape.between(*from, *to, t, *steps as f64),
            Node::Exponential { rate, every, staircase, limit } => {
                let value = rate.powf(stairs(t / every, *staircase));
                match limit {
                    Some(limit) if *rate <= 1.0 => value.max(*limit),
                    Some(limit) => value.min(*limit),
                    None => value,
                }
            }
            Node::Inverse { rate, every, power, staircase } => {
                let under = 1.0 + rate * stairs(t / every, *staircase);
                if *power == 0.5 { 1.0 / under.sqrt() } else { 1.0 / under.powf(*power) }
            }
            Node::OneCycle(cycle) => cycle.at(t),
            Node::Table(values) => {
                let last = values.len() - 1;
                let below = (t.floor() as usize).min(last);
                let (low, high) = (values[below], values[(below + 1).min(last)]);
                Shape::Linear.between(low, high, t - t.floor(), 1.0)
            }
            Node::Sequence(parts) => {
                let mut local = t;
                for part in &parts[..parts.len() - 1] {
                    let steps = part.steps().unwrap_or(0) as f64;
                    if local < steps {
                        return part.at(local);
                    }
                    local -= steps;
                }
                parts[parts.len() - 1].at(local)
            }
            Node::Product(parts) => {
                let t = self.pinned(t);
                parts.iter().map(|p| p.at(t)).product()
            }
            Node::Sum(parts) => {
                let t = self.pinned(t);
                parts.iter().map(|p| p.at(t)).sum()
            }
            Node::Repeat { part, times, stretch, gain } => {
                let length = part.steps().unwrap_or(1) as f64;
                let (mut cycle, mut local) = cycle_at(length, *stretch, t);
                if let Some(times) = times.map(f64::from)
                    && cycle >= times
                {
                    (cycle, local) = (times - 1.0, length);
                }
                part.at(local) * if *gain == 1.0 { 1.0 } else { gain.powf(cycle) }
            }
            Node::Take { part, steps } => part.at(t.min(*steps as f64)),
            Node::Extend { part, at, from, to } => {
                let (at, from, to) = (*at as f64, *from as f64, *to as f64);
                part.at(if t <= at {
                    t
                } else if t >= to {
                    from
                } else {
                    at + (t - at) * ((from - at) / (to - at))
                })
            }
        }
    }

    /// Time, held at the end of a product or sum that has an end.
    fn pinned(&self, t: f64) -> f64 {
        self.steps().map_or(t, |steps| t.min(steps as f64))
    }

    /// Length; `None` when endless.
    pub(super) fn steps(&self) -> Option<u64> {
        match self {
            Node::Constant(_) | Node::Exponential { .. } | Node::Inverse { .. } => None,
            Node::Ramp { steps, .. } | Node::Take { steps, .. } | Node::Extend { to: steps, .. } => Some(*steps),
            Node::OneCycle(cycle) => Some(cycle.steps),
            Node::Table(values) => Some(values.len() as u64),
            Node::Sequence(parts) => parts.iter().map(Schedule::steps).sum(),
            // A constant factor does not count for the length: `0.1 * cosine(100)` ends after 100
            // steps.
            Node::Product(parts) | Node::Sum(parts) => {
                let mut shaped = parts.iter().filter(|p| !p.is_constant()).map(Schedule::steps);
                let first = shaped.next()??;
                shaped.try_fold(first, |longest, steps| Some(longest.max(steps?)))
            }
            Node::Repeat { part, times, stretch, .. } => {
                let length = part.steps()? as f64;
                Some(cycle_start(length, *stretch, i32::try_from((*times)?).ok()?).ceil() as u64)
            }
        }
    }

    /// An upper bound of the factor; infinite where there is none, which the constructors reject.
    pub(super) fn bound(&self) -> f64 {
        let highest = |parts: &[Schedule]| parts.iter().map(|p| p.node.bound()).fold(0.0, f64::max);
        match self {
            Node::Constant(value) => *value,
            Node::Ramp { from, to, .. } => from.max(*to),
            Node::Exponential { rate, limit, .. } => {
                if *rate <= 1.0 {
                    1.0
                } else {
                    limit.unwrap_or(f64::INFINITY)
                }
            }
            Node::Inverse { .. } => 1.0,
            Node::OneCycle(cycle) => cycle.bound(),
            Node::Table(values) => values.iter().copied().fold(0.0, f64::max),
            Node::Sequence(parts) => highest(parts),
            Node::Product(parts) => parts.iter().map(|p| p.node.bound().max(1.0)).product(),
            Node::Sum(parts) => parts.iter().map(|p| p.node.bound()).sum(),
            Node::Repeat { part, times, gain, .. } => {
                let growth = if *gain <= 1.0 { 1.0 } else { times.map_or(f64::INFINITY, |n| gain.powf(f64::from(n))) };
                part.node.bound().max(1.0) * growth
            }
            Node::Take { part, .. } | Node::Extend { part, .. } => part.node.bound(),
        }
    }

    /// Primitives in it when short repetitions are written out, cycle by cycle.
    pub(super) fn written_out(&self) -> u64 {
        let all = |parts: &[Schedule]| parts.iter().map(|p| p.node.written_out()).sum::<u64>();
        match self {
            Node::Sequence(parts) | Node::Product(parts) | Node::Sum(parts) => all(parts),
            Node::Repeat { part, times: Some(times), .. } => {
                let written = part.node.written_out().saturating_mul(u64::from(*times));
                if written <= WRITTEN_OUT { written } else { part.node.written_out() }
            }
            Node::Repeat { part, .. } | Node::Take { part, .. } | Node::Extend { part, .. } => part.node.written_out(),
            _ => 1,
        }
    }

    /// Levels of nesting.
    pub(super) fn depth(&self) -> usize {
        let deepest = |parts: &[Schedule]| parts.iter().map(|p| p.node.depth()).max().unwrap_or(0);
        match self {
            Node::Sequence(parts) | Node::Product(parts) | Node::Sum(parts) => 1 + deepest(parts),
            Node::Repeat { part, .. } | Node::Take { part, .. } | Node::Extend { part, .. } => 1 + part.node.depth(),
            _ => 0,
        }
    }
}

fn stairs(p: f64, staircase: bool) -> f64 {
    if staircase { p.floor() } else { p }
}

/// `steps * to / from`, rounded to the nearest whole number (halves up), at least 1.
pub(super) fn scaled(steps: u64, from: u64, to: u64) -> u64 {
    let exact = (u128::from(steps) * u128::from(to) * 2 + u128::from(from)) / (u128::from(from) * 2);
    u64::try_from(exact).unwrap_or(u64::MAX).max(1)
}
