//! `LR024`: the loss had come down, jumped up and stayed there: what was learned is lost, though
//! the loss is below that of the untrained model or the log does not show the untrained loss.
//!
//! A validation loss that creeps up is overfitting, and a spike comes back. So the rise must come
//! within a small part of the run and stay to its end.

use super::{Decided, advice, percent, show};
use crate::Placement;
use crate::diagnosis::stats::{median, noise};
use crate::diagnosis::{Code, Finding, RuleInput, Series};

/// Fewest readings.
const READINGS: usize = 16;
/// Parts of the run whose medians are compared.
const PARTS: usize = 32;
/// Parts within which the loss must rise.
const WITHIN: usize = 3;
/// Share of the fall that the loss must rise, and at which it must stay.
const ROSE: f64 = 0.4;
/// Share of the fall above the best up to which a loss is still at its best.
const AT_BEST: f64 = 0.15;
/// Least fall before, as a share of the start.
const FALL: f64 = 0.1;
/// Deviations of a reading that fall and rise must exceed.
const DEVIATIONS: f64 = 4.0;
/// Least share of the run for which the loss must stay up.
const STAYED: f64 = 0.15;
/// Chance that the rate was too high. Measured on the jobs of `diagnosis calibrate`.
const SURE: f64 = 0.85;

pub(super) fn check(seen: &RuleInput<'_>) -> Option<Decided> {
    let record = seen.record;
    let jump = Jump::of(record.main())?;
    // Where both losses are logged, both must have lost what was learned.
    let val = record.val_loss.values();
    if record.main() != &record.val_loss && val.len() >= 6 {
        let (start, end) = (*val.first()?, median(&val[val.len() - 3..])?);
        let best = val.iter().copied().fold(f64::INFINITY, f64::min);
        if end - best < ROSE / 2.0 * (start - best) {
            return None;
        }
    }
    let octaves = -advice::MOVE;
    let Jump { best, end, at, last, share } = jump;
    Some(Decided {
        verdict: Placement::TooHigh,
        octaves: Some(octaves),
        finding: Finding {
            code: Code::Collapsed,
            evidence: format!(
                "the loss had come down to {}, jumped up about step {} and stays there, at {}: {} of the fall is lost",
                show(best),
                show(at),
                show(end),
                percent(share.min(1.0))
            ),
            numbers: vec![("best", best), ("end", end), ("step", at)],
            advice: format!(
                "{} and clip the gradient norm; or continue from a checkpoint before step {} that way",
                advice::change(octaves),
                show(at)
            ),
            confidence: SURE,
            span: Some((at, last)),
        },
    })
}

struct Jump {
    best: f64,
    end: f64,
    at: f64,
    last: f64,
    /// The rise as a share of the fall before it.
    share: f64,
}

impl Jump {
    fn of(series: &Series) -> Option<Self> {
        let points = series.points();
        if points.len() < READINGS {
            return None;
        }
        let size = points.len().div_ceil(PARTS);
        let parts: Vec<(f64, f64)> = points
            .chunks(size)
            .filter_map(|part| Some((part[0].0, median(&part.iter().map(|p| p.1).collect::<Vec<_>>())?)))
            .collect();
        let start = points[0].1.max(parts[0].1);
        let lowest = (0..parts.len()).min_by(|a, b| parts[*a].1.total_cmp(&parts[*b].1))?;
        let best = parts[lowest].1;
        let fall = start - best;
        let end = median(&parts[parts.len() - 2..].iter().map(|p| p.1).collect::<Vec<_>>())?;
        let values: Vec<f64> = points.iter().map(|p| p.1).collect();
        let sd = noise(&values)?;
        if fall < (FALL * start.abs()).max(DEVIATIONS * sd) || end - best < (ROSE * fall).max(DEVIATIONS * sd) {
            return None;
        }
        // The last part that is still at the best, and the first from which all stay up.
        let near = (0..parts.len()).rev().find(|i| parts[*i].1 < best + AT_BEST * fall)?;
        let up = (near + 1..parts.len()).find(|i| parts[*i].1 > best + ROSE * fall)?;
        let (first, last) = (points[0].0, points[points.len() - 1].0);
        let stays = parts[up..].iter().all(|p| p.1 > best + ROSE / 2.0 * fall);
        let long = last - parts[up].0 >= STAYED * (last - first);
        (stays && long && up - near <= WITHIN).then_some(Self {
            best,
            end,
            at: parts[up].0,
            last,
            share: (end - best) / fall,
        })
    }
}
