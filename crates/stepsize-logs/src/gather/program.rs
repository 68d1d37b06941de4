//! What a program says of itself: that it starts, with which settings, and how it ends.

use super::Gather;
use super::draft::Draft;
use crate::clock::RowCounts;

/// A loss that fell below this share of its first value shows where a run begins anew.
const FALLEN: f64 = 0.7;
/// Below this share of the first value the logarithm of a loss tells where it stands.
const FAR_FALLEN: f64 = 0.1;
/// Settings from which on a start of a program begins a run of readings that nothing counts.
const LAUNCH: usize = 2;

impl Gather {
    /// Notes a message that the loss is not finite, with the step that it names or NaN.
    pub fn broke(&mut self, step: f64) {
        if let Some(draft) = self.drafts.get_mut(self.now).filter(|d| d.has_readings()) {
            draft.broke = Some(step);
        }
    }

    /// Notes that a person ended the run.
    pub fn interrupted(&mut self) {
        if let Some(draft) = self.drafts.get_mut(self.now) {
            draft.interrupted = draft.has_readings();
        }
    }

    /// Notes a line that looks like the start of a program: another run may follow.
    pub fn started(&mut self) {
        self.started = true;
    }

    /// Notes that the program may have been started again.
    pub fn launched(&mut self) {
        self.started();
        self.again_first = true;
    }

    /// Notes the start of a program that tells so many settings.
    pub fn started_with(&mut self, settings: usize) {
        self.started();
        self.settings += settings;
    }

    /// Notes the command that starts a program.
    pub fn commanded(&mut self) {
        self.command = self.trained;
    }

    /// Whether a command stands between the readings so far and this row, which trains and does not
    /// go on from them.
    pub(super) fn is_commanded(&self, draft: &Draft, counts: RowCounts) -> bool {
        self.command && self.trains(counts) && !draft.clock.goes_on(counts)
    }

    /// Whether the row holds a loss, or a metric that is counted: a lone score is of an evaluation.
    pub(super) fn trains(&self, counts: RowCounts) -> bool {
        let loss = |(column, _): &(usize, f64)| self.names.get(*column).is_some_and(|n| n.metric == Some(false));
        self.row.iter().any(loss) || self.has_metric() && counts.is_counted()
    }

    /// Whether a program was started and told its settings, after readings and before those of this
    /// row.
    pub(super) fn is_launched(&self) -> bool {
        self.started && self.settings >= LAUNCH && self.has_metrics() && self.has_metric()
    }

    /// Whether the first line of the log was told again, after readings, and a loss stands nearer
    /// to its first value than to its last one, far below.
    pub(super) fn is_relaunched(&self, draft: &Draft) -> bool {
        let back = |(column, value): &(usize, f64)| {
            self.names.get(*column).is_some_and(|n| n.metric == Some(false))
                && draft.fall(*column).is_some_and(|(first, last)| match last / first {
                    fallen if fallen < FAR_FALLEN => *value > (first * last).sqrt(),
                    fallen => fallen < FALLEN && *value > (first + last) / 2.0,
                })
        };
        self.again_first && self.has_metrics() && self.row.iter().any(back)
    }
}
