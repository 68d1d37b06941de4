//! The sweep of which no rate learned anything.

use super::{By, Sweep, Tried, show};
use crate::Side;
use crate::diagnosis::tidy;

/// Factor by which to go below the lowest of rates that are all too high.
const BELOW: f64 = 10.0;

impl Sweep {
    /// The sweep of which no rate learned.
    pub(super) fn all_too_high(tried: Vec<Tried>, by: By) -> Self {
        let lowest = tried.first().map_or(1.0, |t| t.lr);
        let least_bad = tried.iter().filter_map(|t| Some((t.lr, t.loss?))).min_by(|a, b| a.1.total_cmp(&b.1));
        let diverged = tried.iter().find(|t| t.loss.is_none()).map(|t| t.lr);
        Self {
            best: least_bad.map_or(lowest, |b| b.0),
            vertex: lowest,
            interval: None,
            tolerance: 0.0,
            outermost: Some(Side::Low),
            divergence: diverged,
            ended_early: None,
            draws: Vec::new(),
            by,
            noise: 0.0,
            next_lr: tidy(lowest / BELOW),
            dead: true,
            best_by_score: None,
            band: Vec::new(),
            because: format!(
                "none of {} rates from {} to {} learned anything: their runs diverged or stand at the loss of guessing, so all \
                 are too high",
                tried.len(),
                show(lowest),
                show(tried.last().map_or(lowest, |t| t.lr))
            ),
            tried,
        }
    }
}
