//! [`Halving`]: asynchronous successive halving (ASHA, Li et al. 2018): at each rung only the best
//! `1/eta` continue.
//!
//! Rungs lie at `steps x eta^-k`. A run that reaches a rung continues if its loss there is among
//! the best `floor(n / eta)`, at least one, of the `n` runs of the same length seen at that rung so
//! far, itself included. So early runs continue more easily.
//!
//! **Unsafe** for rates under a decaying schedule, for the reason given at
//! [`Median`](super::Median), and worse: each rung repeats the mistake, and a run that was ended
//! never returns. Use it for constant schedules with many more candidates than full runs.

use super::{Pruner, at, curve};
use crate::trial::Trial;

/// Asynchronous successive halving.
#[derive(Debug, Clone, Copy)]
pub struct Halving {
    /// One run in `eta` continues at each rung.
    pub eta: u32,
    /// Number of rungs before the end of the run.
    pub rungs: u32,
}

impl Default for Halving {
    /// One in three continues, at 1/27, 1/9 and 1/3 of the run.
    fn default() -> Self {
        Self { eta: 3, rungs: 3 }
    }
}

impl Halving {
    /// The rung, in steps, that the newest reading is the first to reach.
    fn rung(&self, live: &Trial) -> Option<u64> {
        let points = curve(live).points();
        let (last, before) = (points.last()?.step, points.len().checked_sub(2).map_or(0, |i| points[i].step));
        let steps = live.spec.steps as f64;
        let rungs = (1..=self.rungs).map(|k| (steps * f64::from(self.eta).powi(-(k as i32))).ceil() as u64);
        rungs.filter(|rung| *rung > 0 && before < *rung && *rung <= last && last < live.spec.steps).max()
    }
}

impl Pruner for Halving {
    fn judge(&self, live: &Trial, settled: &[Trial]) -> Option<String> {
        let rung = self.rung(live)?;
        let here = curve(live).last().map(|p| p.loss)?;
        let there: Vec<f64> = settled
            .iter()
            .filter(|t| t.spec.steps == live.spec.steps && t.steps_run >= rung)
            .filter_map(|t| at(t, curve(live).last()?.step))
            .collect();
        let seen = there.len() + 1;
        let kept = (seen / self.eta.max(2) as usize).max(1);
        let better = there.iter().filter(|loss| **loss < here).count();
        (!here.is_finite() || better >= kept)
            .then(|| format!("at the rung of {rung} steps its loss {here:.4} is not among the best {kept} of {seen}"))
    }

    fn waits_for_batches(&self) -> bool {
        false
    }
}
