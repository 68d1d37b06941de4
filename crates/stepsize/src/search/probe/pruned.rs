//! [`Pruned`]: any probe, with a pruner that a person asked for instead of the probe's own.

use crate::probe::Probe;
use crate::pruner::{Pruner, PrunerKind};
use crate::{Estimate, Result, Trial, TrialSpec};

/// A probe whose own pruner is replaced.
pub struct Pruned {
    probe: Box<dyn Probe>,
    rule: Option<Box<dyn Pruner>>,
}

impl Pruned {
    /// `probe` with `rule`; [`PrunerKind::None`] leaves it without a pruner.
    pub fn new(probe: Box<dyn Probe>, rule: PrunerKind) -> Self {
        Self { probe, rule: rule.pruner() }
    }
}

impl Probe for Pruned {
    fn name(&self) -> &'static str {
        self.probe.name()
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        self.probe.ask(done)
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        self.probe.estimate(done)
    }

    fn pruner(&self) -> Option<&dyn Pruner> {
        self.rule.as_deref()
    }
}
