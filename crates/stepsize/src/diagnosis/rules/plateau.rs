//! `LR010`: the last stretch of the run gained nothing, within the noise of its means.
//!
//! Compares the third quarter with the fourth. A plateau is left by a higher rate as often as by a
//! lower one, so the advice is to branch.

use super::{percent, show};
use crate::diagnosis::stats::{mean, noise};
use crate::diagnosis::{Code, Feature, Finding, RuleInput};

/// Fewest readings of the second half.
const READINGS: usize = 16;
/// Gain of the last quarter, as a share of the whole fall, of a run that still learns. Chosen by
/// eye, not fitted.
const GAIN: f64 = 0.01;
/// A gain below this share of the fall does not count.
const NOTHING: f64 = 1e-3;
/// The same in deviations of the mean of a quarter.
const DEVIATIONS: f64 = 2.0;
/// Fall of the log loss from one quarter to the next that is no plateau: near zero a small share of
/// the fall may still be half of what is left.
const LOG_GAIN: f64 = 0.04;
/// Least fall of the log loss of a run that has learned at all. Chosen by eye.
const LEARNED: f64 = 0.05;
/// A rise by more than this share of the fall is something else than a plateau. Chosen by eye.
const RISE: f64 = 0.2;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let series = seen.record.main();
    let values = series.values();
    let points = series.points();
    let half = points.len() / 2;
    if points.len() - half < READINGS || seen.features.get(Feature::Drop) < LEARNED {
        return None;
    }
    let quarter = half / 2;
    let (third, last) = (&values[half..half + quarter], &values[half + quarter..]);
    let (before, after) = (mean(third)?, mean(last)?);
    let sd = noise(&values[half..])? / (quarter as f64).sqrt();
    let fall = values[0] - after;
    let gain = before - after;
    let melting = after > 0.0 && (before / after).ln() > LOG_GAIN;
    if melting || gain > (DEVIATIONS * sd).max(GAIN * fall) || fall <= 0.0 || gain < -RISE * fall {
        return None;
    }
    let than = show(before);
    let better = match () {
        () if gain.abs() <= DEVIATIONS * sd => format!(
            "differs from that of the quarter before ({than}) by no more than chance (noise of the means {})",
            show(sd)
        ),
        () if gain <= 0.0 => format!("is above that of the quarter before ({than})"),
        () if gain < NOTHING * fall => format!("is better than that of the quarter before ({than}) by next to nothing"),
        () => {
            let share = percent(gain / fall);
            format!("is better than that of the quarter before ({than}) by {share} of the whole fall only")
        }
    };
    let evidence = format!("the mean loss of the last quarter ({}) {better}", show(after));
    Some(Finding {
        code: Code::Plateau,
        evidence,
        numbers: vec![("before", before), ("after", after), ("noise", sd)],
        advice:
            "from the last checkpoint run a tenth of the length at half and at twice the rate; keep the one that ends \
                 lower after both have been annealed"
                .to_owned(),
        confidence: 0.8,
        span: Some((points[half].0, points[points.len() - 1].0)),
    })
}
