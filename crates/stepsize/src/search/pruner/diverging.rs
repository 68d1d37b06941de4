//! [`Diverging`]: ends a run whose loss has risen to several times its own best.
//!
//! `loss > factor x best so far` at a reading later than the first tenth of the run; fastai's finder stops by the same test with factor 4.
//! It looks at one run only, so a schedule cannot mislead it.
//!
//! **Unsafe** where a loss may fall below zero or near it (the ratio then means nothing: such runs are passed over), where it is that
//! of single mini-batches of a noisy task, and for large rates that rise first and recover (the "catapult": factors up to about 30
//! were seen in runs that recovered): then take a larger factor, or no rule.

use super::{Pruner, curve};
use crate::trial::Trial;

/// The rule "several times its best".
#[derive(Debug, Clone, Copy)]
pub struct Diverging {
    /// How many times the best.
    pub factor: f64,
    /// Share of the steps before which nothing is judged.
    pub from: f64,
}

impl Default for Diverging {
    /// Four times, from a tenth of the run on.
    fn default() -> Self {
        Self { factor: 4.0, from: 0.1 }
    }
}

impl Pruner for Diverging {
    fn judge(&self, live: &Trial, _: &[Trial]) -> Option<String> {
        let curve = curve(live);
        let here = curve.last()?;
        let (best, early) = (curve.best()?, (here.step as f64) < self.from * live.spec.steps as f64);
        (!early && best > 0.0 && here.loss > self.factor * best).then(|| {
            format!("at step {} its loss {:.4} is over {} times its best, {best:.4}", here.step, here.loss, self.factor)
        })
    }

    fn waits_for_batches(&self) -> bool {
        false
    }
}
