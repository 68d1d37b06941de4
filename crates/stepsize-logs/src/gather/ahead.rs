//! Rows that may belong to a run that begins below them: rates that are told before its first
//! reading, and what a cell of a notebook tells after another cell trained.

use super::draft::Draft;
use super::{Gather, NameFacts};
use crate::clock::{Again, RowCounts};
use crate::names::{CounterKind, DataSplit, metric_direction};
use crate::run::Run;

/// A loss with fewer readings below a cell that trained is a result of it.
const CURVE: usize = 3;

/// Rows of rates alone, which wait for the next reading, and where a cell stands.
#[derive(Debug, Clone, Default)]
pub(super) struct Ahead {
    rows: Vec<Vec<(usize, f64)>>,
    /// Whether no reading came since a cell of a notebook ended.
    cell: bool,
    /// The run that a cell trained, while what another cell tells is read.
    home: Option<usize>,
}

impl Gather {
    /// Notes the end of a cell of a notebook: another run may follow.
    pub fn cell_ended(&mut self) {
        self.started();
        // A count without readings: `Epoch 6: early stopping`.
        let bar = CounterKind::Step(CounterKind::BAR);
        self.pending.retain(|(c, _)| self.names.get(*c).is_some_and(|n| n.kind == bar));
        self.ahead.cell = true;
        if let Some(home) = self.ahead.home.take() {
            self.now = home;
        }
    }

    /// Keeps a row of rates that nothing counts, for the run of the next reading. Returns whether
    /// it is one.
    pub(super) fn waits(&mut self) -> bool {
        let name = |column: usize| self.names.get(column);
        let value = |n: &NameFacts| n.kind == CounterKind::Value && n.metric.is_none();
        let rates = self.row.iter().any(|(c, _)| name(*c).is_some_and(|n| n.rate))
            && self.row.iter().all(|(c, _)| name(*c).is_some_and(value));
        let waits = rates && self.again == Again::RunAfterStart && self.pending.is_empty() && self.has_metrics();
        if waits {
            self.ahead.rows.push(std::mem::take(&mut self.row));
        }
        waits
    }

    /// Whether the rows that wait are of a run that begins: this one was told its rate once.
    pub(super) fn waits_for_next(&self) -> bool {
        let Some(draft) = self.drafts.get(self.now) else { return false };
        self.ahead.rows.iter().flatten().all(|(column, _)| draft.count(*column) <= 1)
    }

    /// Gives the rows that wait to the current run; returns how many series they began.
    pub(super) fn take_ahead(&mut self) -> usize {
        let rows = std::mem::take(&mut self.ahead.rows);
        let Some(draft) = self.drafts.get_mut(self.now) else { return 0 };
        let counts = (RowCounts::default(), false, 0);
        rows.iter().map(|row| draft.row(row, counts, &self.names, self.limit, self.place, self.again)).sum()
    }

    /// The run of a draft, with the rows that wait if it is the current one.
    pub(super) fn run_of(&self, at: usize, draft: &Draft) -> Run {
        if at != self.now || self.ahead.rows.is_empty() {
            return draft.run(&self.names);
        }
        let mut whole = draft.clone();
        for row in &self.ahead.rows {
            whole.row(row, (RowCounts::default(), false, 0), &self.names, self.limit, self.place, self.again);
        }
        whole.run(&self.names)
    }

    /// Leads a row of a cell to its run. What tells again a metric of the training in another
    /// cell, and counts nothing, is a result or another training: it does not go on. Nor does what
    /// is counted, and tells losses of other names.
    pub(super) fn enter_cell(&mut self, counts: RowCounts) {
        if (!self.ahead.cell && self.ahead.home.is_none()) || !self.has_metric() {
            return;
        }
        let bar = counts.epoch().is_none() && counts.step().is_some_and(|step| step.is_bar());
        let counted = counts.is_counted() && !bar;
        let fresh = std::mem::take(&mut self.ahead.cell);
        if let Some(home) = self.ahead.home.filter(|_| counted && !self.is_counted()) {
            (self.now, self.ahead.home) = (home, None);
        }
        let Some(draft) = self.drafts.get(self.now).filter(|d| !d.clock.early) else { return };
        let by_bar = bar && draft.clock.is_bar();
        // What was measured a few times on held-out data may be told again, at the end.
        let few = |n: &NameFacts, c: usize| {
            DataSplit::in_name(&n.text).is_some_and(DataSplit::is_held_out) && draft.count(c) < CURVE as u64
        };
        let trained = |(c, _): &(usize, f64)| {
            draft.reads(*c) && self.names.get(*c).is_some_and(|n| n.metric.is_some() && !few(n, *c))
        };
        // A curve that nothing counts is over with its cell, too.
        let whole = |(c, _): &(usize, f64)| draft.clock.columns != (None, None) || draft.count(*c) >= CURVE as u64;
        let result = !counted && !by_bar && self.row.iter().any(|mark| trained(mark) && whole(mark));
        if fresh && (result || counted && self.tells_other_loss(draft)) {
            self.ahead.home = Some(self.now).filter(|_| result);
            self.next_run();
            if let Some(draft) = self.drafts.get_mut(self.now) {
                draft.aside = true;
            }
        }
    }

    /// Whether a row tells a loss, and no metric that a counted run with losses was told.
    fn tells_other_loss(&self, draft: &Draft) -> bool {
        let metric = |c: usize| self.names.get(c).and_then(|n| n.metric);
        let held_out = |n: &NameFacts| DataSplit::in_name(&n.text).is_some_and(DataSplit::is_held_out);
        let loss = |c: usize| metric(c) == Some(false) && self.names.get(c).is_some_and(|n| !held_out(n));
        // What a progress bar alone counts may be a download.
        let (by_step, by_epoch) = draft.clock.columns;
        (by_epoch.is_some() || by_step.is_some() && !draft.clock.is_bar())
            && self.row.iter().any(|(c, _)| loss(*c))
            && self.row.iter().all(|(c, _)| metric(*c).is_none() || draft.last(*c).is_none())
            && (0..self.names.len()).any(|c| loss(c) && draft.reads(c) && draft.count(c) > 1)
    }
}

/// Whether a run that a cell told after another one had trained is no training.
pub(super) fn is_result(run: &Run) -> bool {
    !run.series.iter().any(|s| s.points.len() >= CURVE && metric_direction(&s.name) == Some(false))
}
