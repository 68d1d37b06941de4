//! `LR012`: single losses far above their neighbours, from which the run recovered.

use super::{percent, show};
use crate::diagnosis::stats::{median, noise};
use crate::diagnosis::{Code, Finding, RuleInput};

/// Readings before and after that a reading is compared with.
const AROUND: usize = 8;
/// Fewest readings.
const READINGS: usize = 40;
/// One over the share of the readings at the beginning, where the loss falls too fast to show a
/// spike.
const BEGINNING: usize = 20;
/// Height of a spike in deviations of its neighbours. Chosen by eye, not fitted.
const DEVIATIONS: f64 = 6.0;
/// Least height as a share of the level.
const HEIGHT: f64 = 0.1;
/// Height of a single spike that is reported alone, as a share of the level: smaller ones must come
/// twice.
const ALONE: f64 = 1.0;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Finding> {
    let points = seen.record.loss.points();
    if points.len() < READINGS {
        return None;
    }
    let values: Vec<f64> = points.iter().map(|p| p.1).collect();
    let from = (points.len() / BEGINNING).max(AROUND);
    let mut found: Vec<(f64, f64)> = Vec::new();
    let mut skip = 0;
    for i in from..points.len() - 2 {
        let near = &values[i.saturating_sub(AROUND)..(i + AROUND + 1).min(values.len())];
        let (Some(level), Some(sd)) = (median(near), noise(near)) else { continue };
        let height = values[i] - level;
        if i >= skip && height > DEVIATIONS * sd && height > HEIGHT * level.abs() && level != 0.0 {
            found.push((points[i].0, height / level.abs()));
            skip = i + AROUND;
        }
    }
    let worst = found.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
    if found.len() < 2 && worst.1 < ALONE {
        return None;
    }
    let highest = format!("{} above its neighbours, at step {}", percent(worst.1), show(worst.0));
    let evidence = match found.len() {
        1 => format!("one spike from which the loss came back, {highest}"),
        n => format!("{n} spikes from which the loss came back; the highest is {highest}"),
    };
    Some(Finding {
        code: Code::Spikes,
        evidence,
        numbers: vec![("spikes", found.len() as f64), ("highest", worst.1), ("step", worst.0)],
        advice: "clip the gradient norm at 1; with Adam lower beta2 to 0.95".to_owned(),
        confidence: 0.85,
        span: Some((found.first().map_or(worst.0, |f| f.0), found.last().map_or(worst.0, |f| f.0))),
    })
}
