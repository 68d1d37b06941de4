//! Compression: the same shape for a run of another length.
//!
//! Lengths are scaled by `to/from` and rounded. In a sequence the *boundaries* are rounded, not the
//! parts, so that its end stays where it belongs and no error adds up; each part keeps at least one
//! step. Timescales (of exponential, staircase and inverse decay) are real numbers and scale
//! exactly. An endless repetition whose cycles fill `from` exactly also fills `to` exactly: a cycle
//! that ends with the run still ends with the run.

use super::cycle::cycle_start;
use super::node::{Node, WRITTEN_OUT, scaled};
use super::{MAX_STEPS, MIN_TIMESCALE, Schedule, check_steps, check_table};
use crate::Result;

impl Schedule {
    /// The node for a window of `from` steps that becomes one of `to` steps (both >= 1).
    pub(super) fn rescale(&self, from: u64, to: u64) -> Result<Schedule> {
        if from == to {
            return Ok(self.clone());
        }
        // A timescale beyond the longest run changes nothing within any run.
        let every = |every: f64| (every * to as f64 / from as f64).clamp(MIN_TIMESCALE, MAX_STEPS as f64);
        let node = match &self.node {
            Node::Constant(value) => Node::Constant(*value),
            Node::Ramp { from: a, to: b, steps, shape } => {
                Node::Ramp { from: *a, to: *b, steps: scaled(*steps, from, to), shape: *shape }
            }
            Node::Exponential { rate, every: t, staircase, limit } => {
                Node::Exponential { rate: *rate, every: every(*t), staircase: *staircase, limit: *limit }
            }
            Node::Inverse { rate, every: t, power, staircase } => {
                Node::Inverse { rate: *rate, every: every(*t), power: *power, staircase: *staircase }
            }
            Node::OneCycle(cycle) => {
                let mut cycle = *cycle;
                cycle.steps = scaled(cycle.steps, from, to);
                Node::OneCycle(cycle)
            }
            Node::Table(values) => {
                let count = scaled(values.len() as u64, from, to);
                check_table(count)?;
                let stride = (values.len() - 1) as f64 / (count.max(2) - 1) as f64;
                Node::Table((0..count).map(|k| self.node.at(k as f64 * stride)).collect())
            }
            Node::Sequence(parts) => return rescale_sequence(parts, from, to),
            Node::Product(parts) => {
                return Schedule::product(parts.iter().map(|p| p.rescale(from, to)).collect::<Result<_>>()?);
            }
            Node::Sum(parts) => {
                return Schedule::sum(parts.iter().map(|p| p.rescale(from, to)).collect::<Result<_>>()?);
            }
            Node::Repeat { part, times, stretch, gain } => {
                return rescale_repeat(part, *times, *stretch, *gain, from, to);
            }
            Node::Take { part, steps } => {
                let short = scaled(*steps, from, to);
                Node::Take { part: Box::new(part.rescale(*steps, short)?), steps: short }
            }
            Node::Extend { part, at, from: old, to: new } => {
                let at2 = if *at == 0 { 0 } else { scaled(*at, from, to) };
                let (old2, new2) = (scaled(*old, from, to).max(at2 + 1), scaled(*new, from, to).max(at2 + 1));
                let part = part.rescale(*old, old2)?;
                if old2 == new2 {
                    return if part.steps() == Some(new2) { Ok(part) } else { part.take(new2) };
                }
                Node::Extend { part: Box::new(part), at: at2, from: old2, to: new2 }
            }
        };
        if let Some(steps) = node.steps() {
            check_steps(steps)?;
        }
        Ok(Schedule { node })
    }

    /// Fewest steps to which this can be compressed.
    fn fewest(&self) -> u64 {
        let most = |parts: &[Schedule]| parts.iter().map(Schedule::fewest).max().unwrap_or(1);
        match &self.node {
            Node::Sequence(parts) => parts.iter().map(Schedule::fewest).sum(),
            Node::Product(parts) | Node::Sum(parts) => most(parts),
            Node::Repeat { part, times: Some(times), .. } if fits(part, *times) => part.fewest() * u64::from(*times),
            Node::Extend { part, .. } => part.fewest().max(2),
            _ => 1,
        }
    }
}

/// Whether `times` cycles of `part` may be written out. A longer repetition has its cycles rounded
/// alike and is cut to the length.
fn fits(part: &Schedule, times: u32) -> bool {
    part.node.written_out().saturating_mul(u64::from(times)) <= WRITTEN_OUT
}

/// `part` with exactly `to` steps instead of its own `from`.
fn refit(part: &Schedule, from: u64, to: u64) -> Result<Schedule> {
    let new = part.rescale(from, to)?;
    if new.steps() == Some(to) { Ok(new) } else { new.take(to) }
}

/// New lengths whose sums are the rounded old boundaries, none below its `fewest`.
fn apportion(lengths: &[u64], fewest: &[u64], total: u64) -> Vec<u64> {
    let sum: u64 = lengths.iter().sum();
    let mut ends = Vec::with_capacity(lengths.len());
    let (mut old, mut new) = (0, 0);
    for (length, least) in lengths.iter().zip(fewest) {
        old += length;
        new = scaled(old, sum, total).max(new + least);
        ends.push(new);
    }
    // Minimum lengths may push parts beyond the end; they are pushed back, last first.
    let mut limit = total.max(fewest.iter().sum());
    for (end, least) in ends.iter_mut().zip(fewest).rev() {
        *end = limit.min(*end);
        limit = *end - least;
    }
    let mut begin = 0;
    ends.into_iter().map(|end| end - std::mem::replace(&mut begin, end)).collect()
}

fn rescale_sequence(parts: &[Schedule], from: u64, to: u64) -> Result<Schedule> {
    let lengths: Vec<u64> = parts.iter().map_while(Schedule::steps).collect();
    let fewest: Vec<u64> = parts.iter().take(lengths.len()).map(Schedule::fewest).collect();
    let (old, least) = (lengths.iter().sum::<u64>(), fewest.iter().sum::<u64>());
    let total = scaled(old, from, to).max(least);
    let new = apportion(&lengths, &fewest, total);
    let mut out: Vec<Schedule> =
        parts.iter().zip(lengths.iter().zip(&new)).map(|(p, (l, n))| refit(p, *l, *n)).collect::<Result<_>>()?;
    if let Some(endless) = parts.get(lengths.len()) {
        let (left, room) = (from.saturating_sub(old), to.saturating_sub(total));
        out.push(if left > 0 && room > 0 { endless.rescale(left, room) } else { endless.rescale(from, to) }?);
    }
    Schedule::sequence(out)
}

fn rescale_repeat(
    part: &Schedule,
    times: Option<u32>,
    stretch: f64,
    gain: f64,
    from: u64,
    to: u64,
) -> Result<Schedule> {
    let length = part.steps().unwrap_or(1);
    let plain = |times: Option<u32>| -> Result<Schedule> {
        let part = refit(part, length, scaled(length, from, to).max(part.fewest()))?;
        Schedule::repeat_with(part, times, stretch, gain)
    };
    // How many cycles must fill exactly how many steps: all of them, or as many as fill the window.
    let start = |i: u32| cycle_start(length as f64, stretch, i as i32);
    let filling = || {
        (1..).take_while(|i| fits(part, *i)).take_while(|i| start(*i) <= from as f64).find(|i| start(*i) == from as f64)
    };
    let Some(cycles) = times.or_else(filling) else { return plain(None) };
    let total = match times {
        Some(_) => scaled(start(cycles).ceil() as u64, from, to),
        None => to,
    };
    let simple = plain(Some(cycles));
    if simple.as_ref().is_ok_and(|s| s.steps() == Some(total)) {
        return plain(times);
    }
    if !fits(part, cycles) {
        return simple?.take(total);
    }
    let ends: Vec<u64> = (0..=cycles).map(|i| start(i).round() as u64).collect();
    let lengths: Vec<u64> = ends.windows(2).map(|w| w[1] - w[0]).collect();
    let new = apportion(&lengths, &vec![part.fewest(); lengths.len()], total);
    let cycle = |(i, steps): (usize, u64)| {
        let cycle = refit(part, length, steps)?;
        if gain == 1.0 { Ok(cycle) } else { Schedule::product(vec![Schedule::flat(gain.powf(i as f64))?, cycle]) }
    };
    // A table in a cycle that grows very long cannot be written out.
    let written = new.into_iter().enumerate().map(cycle).collect::<Result<_>>().and_then(Schedule::sequence);
    written.or_else(|_| simple?.take(total))
}
