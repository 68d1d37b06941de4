//! `LR019`: learned nothing: the loss ends within noise of where it began.
//!
//! Far too low a rate, a rate so high that all units died at once, frozen weights, or labels that do not fit the data. The
//! features tells some of these apart (an early rise speaks for the second).

use super::{Finding, Rule, RuleInput, show};
use crate::diagnosis::stats::{median, noise};

/// The code.
pub const CODE: &str = "LR019";

pub struct Idle;

impl Rule for Idle {
    fn code(&self) -> &'static str {
        CODE
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let series = seen.record.main();
        let values = series.values();
        if values.len() < 8 || seen.features.get("first_at") > 0.1 || !series.broken().is_empty() {
            return None;
        }
        let part = (values.len() / 10).max(2);
        let (start, end) = (median(&values[..part])?, median(&values[values.len() - part..])?);
        let sd = noise(&values)?;
        let change = end - start;
        if change.abs() > (0.02 * start.abs()).max(1.0 * sd) || change > 0.05 * start.abs() {
            return None;
        }
        let rise = seen.features.get("rise");
        let died = rise > 0.1;
        let evidence = format!(
            "the loss ends at {} where it began at {} (noise of one reading {})",
            show(end),
            show(start),
            show(sd)
        );
        let advice = if died {
            "it rose at first and then stood still: the units died. Divide the rate by 10 and add a warm-up"
        } else {
            "raise the rate 10 times once; if nothing moves, look for frozen weights, a detached loss or shuffled labels"
        };
        let (first, last) = series.span()?;
        Some(Finding {
            code: self.code(),
            title: "learned nothing",
            evidence,
            numbers: vec![("start", start), ("end", end), ("noise", sd)],
            advice: advice.to_owned(),
            confidence: 0.85,
            span: Some((first, last)),
        })
    }
}
