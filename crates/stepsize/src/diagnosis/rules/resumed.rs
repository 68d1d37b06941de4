//! `LR018`: the rate jumped: up by half or more from one reading to the next late in the run, or at a place to which the log
//! went back (a run that was resumed).
//!
//! Restarts of a cyclic schedule jump too, and come at least twice: they are left alone.

use super::{Finding, Rule, RuleInput, show};

pub struct Resumed;

impl Rule for Resumed {
    fn code(&self) -> &'static str {
        "LR018"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let points = seen.record.lr.points();
        let (first, last) = seen.record.lr.span()?;
        let restarts: Vec<f64> = seen.record.lr.restarts().iter().chain(seen.record.loss.restarts()).copied().collect();
        let near = |step: f64| restarts.iter().any(|r| (r - step).abs() <= 0.01 * (last - first).max(1.0));
        let jumps: Vec<(f64, f64, f64)> = points
            .windows(2)
            .skip(1)
            .filter(|w| w[0].1 > 0.0 && w[0].0 > first + 0.1 * (last - first))
            .filter(|w| w[1].1 > 1.5 * w[0].1 || near(w[1].0) && (w[1].1 / w[0].1).ln().abs() > 0.2)
            .map(|w| (w[1].0, w[0].1, w[1].1))
            .collect();
        let [(step, before, after)] = jumps[..] else { return None };
        let resumed = near(step);
        let how = if resumed { "where the run was resumed" } else { "from one reading to the next" };
        let evidence = format!("at step {} the rate goes from {} to {} {how}", show(step), show(before), show(after));
        Some(Finding {
            code: self.code(),
            title: "rate jumped",
            evidence,
            numbers: vec![("step", step), ("before", before), ("after", after)],
            advice: "restore the schedule's state with the weights, and check that its length is that of the whole run"
                .to_owned(),
            confidence: if resumed { 0.95 } else { 0.8 },
            span: Some((step, step)),
        })
    }
}
