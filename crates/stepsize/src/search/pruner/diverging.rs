//! [`Diverging`]: ends a run whose loss has risen to several times its own best.
//!
//! `loss > factor x best so far`, at a reading after the first tenth of the run. fastai's finder
//! stops by the same test with factor 4. It looks at one run only, so a schedule cannot mislead it.
//!
//! **Unsafe** where the loss comes near zero or below (the ratio then means nothing; runs below
//! zero are not judged), where it is the loss of single mini-batches of a noisy task, and for large
//! rates whose loss rises first and recovers (the "catapult": factors up to about 30 were seen in
//! runs that recovered). There, use a larger factor or no pruner.

use super::{Pruner, curve};
use crate::trial::Trial;

/// Ends a run at several times its own best loss.
#[derive(Debug, Clone, Copy)]
pub struct Diverging {
    /// How many times the best loss is too much.
    pub factor: f64,
    /// Share of the steps before which it never ends a run.
    pub from: f64,
}

impl Default for Diverging {
    /// Four times the best, after a tenth of the run.
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
