//! `LR014`: overfit: the validation loss rose from its best while the training loss went on falling.
//!
//! Not a fault of the rate: the remedy is to stop earlier or to regularise.

use super::{Finding, Rule, RuleInput, percent, show};
use crate::diagnosis::stats::{median, noise};

/// Least rise of the validation loss above its best, as a share.
const RISE: f64 = 0.05;

pub struct Overfit;

impl Rule for Overfit {
    fn code(&self) -> &'static str {
        "LR014"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let val = seen.record.val_loss.points();
        if val.len() < 5 {
            return None;
        }
        let best = val.iter().copied().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let values: Vec<f64> = val.iter().map(|p| p.1).collect();
        let end = median(&values[values.len() - 3..])?;
        let last = val[val.len() - 1].0;
        let sd = noise(&values).unwrap_or(0.0);
        let rise = (end - best.1) / best.1.abs().max(f64::MIN_POSITIVE);
        let after = val.iter().filter(|p| p.0 > best.0).count();
        if rise < RISE || end - best.1 < 3.0 * sd || after < 3 {
            return None;
        }
        let train = &seen.record.loss;
        if train.len() >= 6 {
            let early = train.median_between(best.0 - 0.1 * last, best.0 + 0.05 * last)?;
            let late = train.median_between(0.9 * last, last)?;
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
            code: self.code(),
            title: "overfit",
            evidence,
            numbers: vec![("best", best.1), ("best_step", best.0), ("end", end), ("rise", rise)],
            advice: "stop where the validation loss was best, or add data, weight decay or dropout; compare rates by the best \
                     validation loss, not the last"
                .to_owned(),
            confidence: if train.len() >= 6 { 0.9 } else { 0.7 },
            span: Some((best.0, last)),
        })
    }
}
