//! `LR018`: the rate jumped. Either it rose by half or more from one reading to the next, late in
//! the run, or it changed where the log went back in steps (a run that was resumed).
//!
//! Restarts of a cyclic schedule jump too. They come at least twice, so the rule asks for exactly
//! one jump.

use super::show;
use crate::diagnosis::{Code, Finding, RuleInput};

/// Rise of the rate, as a factor, between two readings. Chosen by eye, not fitted.
const JUMP: f64 = 1.5;
/// Change of the log of the rate, up or down, that counts where the run was resumed. Chosen by eye.
const CHANGE: f64 = 0.2;
/// Share of the run at its beginning, a warm-up's place, in which no jump counts.
const BEGINNING: f64 = 0.1;
/// Share of the run within which a jump belongs to a place where the log went back. Chosen by eye.
const NEAR: f64 = 0.01;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let points = seen.record.lr.points();
    let (first, last) = seen.record.lr.span()?;
    let restarts: Vec<f64> = seen.record.lr.restarts().iter().chain(seen.record.loss.restarts()).copied().collect();
    let near = |step: f64| restarts.iter().any(|r| (r - step).abs() <= NEAR * (last - first).max(1.0));
    // A warm-up rises before the reading and after it.
    let rises = |i: usize| {
        let rise = |i: usize| points.get(i).zip(points.get(i + 1)).is_some_and(|(a, b)| b.1 > a.1 * (1.0 + 1e-6));
        rise(i - 1) || rise(i + 1)
    };
    let jumps: Vec<(f64, f64, f64)> = points
        .windows(2)
        .enumerate()
        .skip(1)
        .filter(|(_, w)| w[0].1 > 0.0 && w[0].0 > first + BEGINNING * (last - first))
        .filter(|(i, w)| w[1].1 > JUMP * w[0].1 && !rises(*i) || near(w[1].0) && (w[1].1 / w[0].1).ln().abs() > CHANGE)
        .map(|(_, w)| (w[1].0, w[0].1, w[1].1))
        .collect();
    let [(step, before, after)] = jumps[..] else { return None };
    let resumed = near(step);
    let how = if resumed { "where the run was resumed" } else { "from one reading to the next" };
    Some(Finding {
        code: Code::Jump,
        evidence: format!("at step {} the rate goes from {} to {} {how}", show(step), show(before), show(after)),
        numbers: vec![("step", step), ("before", before), ("after", after)],
        advice: "restore the state of the schedule together with the weights, and check that its length is that of the whole \
                 run"
            .to_owned(),
        confidence: if resumed { 0.95 } else { 0.8 },
        span: Some((step, step)),
    })
}
