//! `LR015`: the loss rose clearly at the beginning and then came back, and the rate was not warmed up (or too briefly).

use super::{Finding, Rule, RuleInput, percent, show};
use crate::diagnosis::stats::mean;

/// Share of the run that is its beginning.
const BEGINNING: f64 = 0.1;
/// Least rise above the start, as a share.
const RISE: f64 = 0.15;

pub struct Warmup;

impl Rule for Warmup {
    fn code(&self) -> &'static str {
        "LR015"
    }

    fn check(&self, seen: &RuleInput<'_>) -> Option<Finding> {
        let points = seen.record.loss.points();
        let last = points.last()?.0;
        if points.len() < 30 || points[0].0 > 0.02 * last {
            return None;
        }
        let start = points[0].1;
        let early: Vec<(f64, f64)> = points.iter().copied().filter(|p| p.0 <= BEGINNING * last).collect();
        // Two in a row: a single high loss is a hard batch.
        let peak = early.windows(2).skip(1).map(|w| (w[0].0, w[0].1.min(w[1].1))).max_by(|a, b| a.1.total_cmp(&b.1))?;
        let values: Vec<f64> = points.iter().map(|p| p.1).collect();
        let end = mean(&values[values.len() - values.len().div_ceil(10)..])?;
        let rise = (peak.1 - start) / start.abs().max(f64::MIN_POSITIVE);
        let warmed = seen.features.get("lr_peak_at");
        if rise < RISE || end >= start || warmed > peak.0 / last + 0.02 && warmed > 0.05 {
            return None;
        }
        let how = if warmed > 0.0 {
            format!("a warm-up of {} of the run", percent(warmed))
        } else {
            "no warm-up seen".into()
        };
        let evidence = format!(
            "the loss rose from {} to {} (by {}) at step {} before it fell; {how}",
            show(start),
            show(peak.1),
            percent(rise),
            show(peak.0)
        );
        Some(Finding {
            code: self.code(),
            title: "warm-up missing or too short",
            evidence,
            numbers: vec![("start", start), ("peak", peak.1), ("peak_step", peak.0)],
            advice: format!(
                "warm the rate up over the first {} steps (5 % of the run); it may then bear the same or a higher rate",
                show((0.05 * last).max(2.0 * peak.0).ceil())
            ),
            confidence: 0.8,
            span: Some((points[0].0, peak.0)),
        })
    }
}
