//! `LR012`: single losses far above their neighbours that came back: more than six deviations and a tenth of the level.

use super::{Finding, Rule, RuleInput, percent, show};
use crate::diagnosis::stats::{median, noise};

/// Readings before and after that a reading is compared with.
const AROUND: usize = 8;

pub struct Spikes;

impl Rule for Spikes {
    fn code(&self) -> &'static str {
        "LR012"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let points = seen.record.loss.points();
        if points.len() < 40 {
            return None;
        }
        let values: Vec<f64> = points.iter().map(|p| p.1).collect();
        // The first twentieth falls too fast to tell a spike.
        let from = (points.len() / 20).max(AROUND);
        let mut found: Vec<(f64, f64)> = Vec::new();
        let mut skip = 0;
        for i in from..points.len() - 2 {
            let near = &values[i.saturating_sub(AROUND)..(i + AROUND + 1).min(values.len())];
            let (Some(level), Some(sd)) = (median(near), noise(near)) else { continue };
            let height = values[i] - level;
            if i >= skip && height > 6.0 * sd && height > 0.1 * level.abs() && height > 0.0 {
                found.push((points[i].0, height / level.abs().max(f64::MIN_POSITIVE)));
                skip = i + AROUND;
            }
        }
        let worst = found.iter().copied().max_by(|a, b| a.1.total_cmp(&b.1))?;
        if found.len() < 2 && worst.1 < 1.0 {
            return None;
        }
        let evidence = format!(
            "{} spikes from which the loss came back, the highest {} above its neighbours, at step {}",
            found.len(),
            percent(worst.1),
            show(worst.0)
        );
        Some(Finding {
            code: self.code(),
            title: "spikes",
            evidence,
            numbers: vec![("spikes", found.len() as f64), ("highest", worst.1), ("step", worst.0)],
            advice: "clip the gradient norm (1.0); with Adam lower beta2 to 0.95; if spikes grow in number, lower the rate by a third"
                .to_owned(),
            confidence: 0.85,
            span: Some((found.first().map_or(worst.0, |f| f.0), found.last().map_or(worst.0, |f| f.0))),
        })
    }
}
