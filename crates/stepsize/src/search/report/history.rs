//! How the answer of a search tightened: what its method would have concluded earlier.

use super::Report;
use crate::{End, Estimate, Probe, Question, Trial};

/// Conclusions of the past in a report, at most.
const MOST: usize = 16;

/// The cost in full runs and the conclusion of `probe` when `known` was all that was known. `None`
/// where no trial had ended by itself, or the method cannot say.
pub fn concluded_from<'a>(
    question: &Question,
    probe: &dyn Probe,
    known: impl IntoIterator<Item = &'a Trial>,
) -> Option<(f64, Estimate)> {
    let over = |t: &&Trial| !matches!(t.end, None | Some(End::Stopped | End::Failed { .. }));
    let mut done: Vec<Trial> = known.into_iter().filter(over).cloned().collect();
    done.sort_by_key(|trial| trial.id);
    if done.is_empty() {
        return None;
    }
    let estimate = probe.estimate(&done).ok()?;
    Some((question.job.cost_runs(&done), estimate))
}

impl Report {
    /// The same with what the method would have concluded after some of `trials`, in the order of
    /// their numbers. Each conclusion takes as long as the last one did.
    pub fn with_history(mut self, trials: &[Trial]) -> Self {
        let Ok(probe) = self.question.probe() else { return self };
        let stride = trials.len().div_ceil(MOST).max(1);
        let counts = (1..=trials.len()).filter(|count| (trials.len() - count).is_multiple_of(stride));
        self.history =
            counts.filter_map(|count| concluded_from(&self.question, probe.as_ref(), &trials[..count])).collect();
        self
    }
}
