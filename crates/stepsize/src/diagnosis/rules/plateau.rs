//! `LR010`: nothing was gained over the last stretch of the run, by more than the noise of its means.
//!
//! The third quarter against the fourth. It does not ask for a lower rate: a plateau is left by a higher rate as often as by
//! a lower one, so the advice is to branch.

use super::{Finding, Rule, RuleInput, percent, show};
use crate::diagnosis::stats::{mean, noise};

/// Least readings of the second half.
const READINGS: usize = 16;
/// Least share of the whole fall for "still learning".
const GAIN: f64 = 0.01;
/// Fall of the log loss from one quarter to the next that is no plateau.
const LOG_GAIN: f64 = 0.04;

pub struct Plateau;

impl Rule for Plateau {
    fn code(&self) -> &'static str {
        "LR010"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let series = seen.record.main();
        let values = series.values();
        let points = series.points();
        let half = points.len() / 2;
        if points.len() - half < READINGS || seen.features.get("drop") < 0.05 {
            return None;
        }
        let quarter = half / 2;
        let (third, last) = (&values[half..half + quarter], &values[half + quarter..]);
        let (before, after) = (mean(third)?, mean(last)?);
        let sd = noise(&values[half..])? / (quarter as f64).sqrt();
        let start = values[0];
        let fall = start - after;
        let gain = before - after;
        // Near zero a small share of the fall may still be half of what is left.
        let melting = after > 0.0 && (before / after).ln() > LOG_GAIN;
        if melting || gain > (2.0 * sd).max(GAIN * fall) || fall <= 0.0 || gain < -0.2 * fall {
            return None;
        }
        let evidence = format!(
            "the last quarter of the run ({}) is no better than the one before ({}), noise of the means {}: {} of the whole fall",
            show(after),
            show(before),
            show(sd),
            percent(gain / fall)
        );
        Some(Finding {
            code: self.code(),
            title: "plateau",
            evidence,
            numbers: vec![("before", before), ("after", after), ("noise", sd)],
            advice: "from the last checkpoint run a tenth of the length at half and at twice the rate; keep what ends lower \
                     after both have been annealed"
                .to_owned(),
            confidence: 0.8,
            span: Some((points[half].0, points[points.len() - 1].0)),
        })
    }
}
