//! `LR014`: the validation loss rose from its best while the training loss kept falling.
//!
//! This is not a fault of the rate: the remedy is to stop earlier or to regularise.

use super::{percent, show};
use crate::diagnosis::stats::{median, noise};
use crate::diagnosis::{Code, Finding, RuleInput};

/// Least rise of the validation loss above its best, as a share. Chosen by eye, not fitted.
const RISE: f64 = 0.05;
/// The same in deviations of one reading.
const DEVIATIONS: f64 = 3.0;
/// Fewest validation losses.
const READINGS: usize = 5;
/// Fewest readings after the best one; the end is the median of so many, too.
const AFTER: usize = 3;
/// Fewest training losses that show whether training kept falling.
const TRAINING: usize = 6;
/// Shares of the run before and after the best validation loss over which the training loss beside
/// it is averaged; more before than after, since later readings are lower. Chosen by eye.
const BESIDE: (f64, f64) = (0.1, 0.05);
/// The training loss at the end is the median from this share of the run on.
const END: f64 = 0.9;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let val = seen.record.val_loss.points();
    if val.len() < READINGS {
        return None;
    }
    let best = val.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
    let values: Vec<f64> = val.iter().map(|p| p.1).collect();
    let end = median(&values[values.len() - AFTER..])?;
    let last = val[val.len() - 1].0;
    let sd = noise(&values).unwrap_or(0.0);
    let rise = (end - best.1) / best.1.abs();
    let after = val.iter().filter(|p| p.0 > best.0).count();
    if best.1 == 0.0 || rise < RISE || end - best.1 < DEVIATIONS * sd || after < AFTER {
        return None;
    }
    let train = &seen.record.loss;
    if train.len() >= TRAINING {
        let early = train.median_between(best.0 - BESIDE.0 * last, best.0 + BESIDE.1 * last)?;
        let late = train.median_between(END * last, last)?;
        if late > early {
            return None;
        }
    }
    let evidence = format!(
        "the validation loss was best at step {} ({}) and ends {} above that, at {}",
        show(best.0),
        show(best.1),
        percent(rise),
        show(end)
    );
    Some(Finding {
        code: Code::Overfit,
        evidence,
        numbers: vec![("best", best.1), ("best_step", best.0), ("end", end), ("rise", rise)],
        advice:
            "stop where the validation loss was best, or add data, weight decay or dropout; compare rates by the best \
                 validation loss, not by the last"
                .to_owned(),
        confidence: if train.len() >= TRAINING { 0.9 } else { 0.7 },
        span: Some((best.0, last)),
    })
}
