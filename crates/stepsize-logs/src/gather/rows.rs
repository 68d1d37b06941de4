//! Where rows go: to which run, and as which part of it.

use super::ahead::is_result;
use super::draft::Draft;
use super::rejoin::rejoin;
use super::{ALL_POINTS, Gather, NameFacts, POINTS, RUNS, SERIES, clip, counts, facts, name_facts};
use crate::clock::{Again, Count, RowCounts};
use crate::names::{CounterKind, DataSplit, is_evaluated};
use crate::run::Run;
use crate::thin::ThinPoint;

impl Gather {
    /// Ends the current row.
    #[inline]
    pub fn end_row(&mut self) {
        self.take_in_row();
        self.empty.clear();
        self.ended = false;
        self.shape = 0;
    }

    #[inline]
    fn take_in_row(&mut self) {
        if let Some(table) = &mut self.table
            && !table.add(&self.row, &self.empty, &self.words)
        {
            self.table = None;
        }
        if !self.words.is_empty() {
            self.take_words();
        }
        if self.row.is_empty() {
            return;
        }
        if self.row.iter().all(|(c, _)| self.is_counter(*c)) {
            if let Some(draft) = self.drafts.get_mut(self.now).filter(|_| !self.empty.is_empty()) {
                draft.empty_row(counts(&self.row, &self.names), &self.empty, &self.names, self.again);
            }
            // Counters on a line of their own belong to the readings that follow.
            let text = self.again == Again::RunAfterStart && !self.started;
            let strange = |c: usize, kind: CounterKind| {
                text && kind.is_step() && self.drafts.get(self.now).is_some_and(|d| d.clock.beside.is_strange(c))
            };
            for (column, count) in self.row.drain(..) {
                if strange(column, self.names.get(column).map_or(CounterKind::Value, |n| n.kind)) {
                    continue;
                }
                // `best epoch: 3`, and then `Epoch 1/9`.
                let name = |c: usize| self.names.get(c).map_or("", |n| n.text.as_str());
                self.pending.retain(|(c, _)| !name(*c).eq_ignore_ascii_case(name(column)));
                self.pending.push((column, count));
            }
            return;
        }
        if self.waits() {
            return;
        }
        if !self.pending.is_empty() {
            let (row, names) = (&mut self.row, &self.names);
            let kind = |c: usize| names.get(c).map_or(CounterKind::Value, |n| n.kind);
            // A progress bar above a row that has a counter of its own says nothing of it.
            let counted = row.iter().any(|(c, _)| kind(*c) != CounterKind::Value);
            let bar = |c: usize| kind(c) == CounterKind::Step(CounterKind::BAR);
            // What was counted before the first reading may be anything.
            let early = self.drafts.get(self.now).is_some_and(|d| d.clock.early);
            let other = early && row.iter().any(|(c, _)| kind(*c) != CounterKind::Value && !bar(*c));
            // Nor does a count on a line of its own say of a row without a metric, among epochs.
            let metric = row.iter().any(|(c, _)| names.get(*c).is_some_and(|n| n.metric.is_some()));
            let epochs = self.drafts.get(self.now).is_some_and(|d| matches!(d.clock.columns, (None, Some(_))));
            let remark = !metric && !early && epochs;
            let stale = |c: usize| counted && bar(c) || (other || remark) && kind(c).is_step();
            self.pending.retain(|(c, _)| row.iter().all(|(d, _)| c != d) && !stale(*c));
            row.append(&mut self.pending);
        }
        if let Some(tap) = &mut self.tap {
            let names = &self.names;
            tap.push(self.row.iter().filter_map(|(c, v)| Some((names.get(*c)?.text.clone(), *v))).collect());
        }
        let again = self.again;
        let mut counts = counts(&self.row, &self.names);
        let aside = match again {
            Again::Run if self.is_other_pass(counts) => {
                counts = counts.without_step();
                false
            }
            Again::RunAfterStart if self.counts_passes(counts) => {
                counts = counts.without_step();
                false
            }
            Again::Run => self.is_validation(counts),
            Again::RunAfterStart => self.is_uncounted_validation(counts),
        };
        if aside || self.is_shorter_pass(counts) {
            self.held_out();
            counts = RowCounts::default();
        }
        // What counts in a row without a metric or a rate is not what counts those with one.
        if let Some(draft) = self.drafts.get(self.now).filter(|d| !d.clock.early)
            && !self.row.iter().any(|(c, _)| self.names.get(*c).is_some_and(|n| n.metric.is_some() || n.rate))
        {
            counts = draft.clock.own(counts);
        }
        if self.labels.is_empty() && again == Again::RunAfterStart {
            self.enter_cell(counts);
        }
        let columns = self.row.iter().map(|(column, _)| *column);
        let begins = self.labels.is_empty()
            && self.drafts.get(self.now).is_some_and(|d| {
                d.ends_before(counts, columns, again, self.started)
                    || (self.is_launched() || self.is_relaunched(d))
                        && !counts.is_counted()
                        && d.clock.columns == (None, None)
                    || again == Again::RunAfterStart && self.is_other_training(d, counts)
                    || self.is_commanded(d, counts)
                    || d.has_other_rate(&self.row, counts, &self.names)
            });
        let of_next = begins && self.waits_for_next();
        let mut made = if of_next { 0 } else { self.take_ahead() };
        if begins {
            self.next_run();
        }
        made += if of_next { self.take_ahead() } else { 0 };
        let Some(draft) = self.drafts.get_mut(self.now) else { return self.row.clear() };
        made += draft.row(&self.row, (counts, self.ended, self.shape), &self.names, self.limit, self.place, again);
        // What is told between the start of a program and its first count is of its preparation.
        let metric = self.has_metric();
        if self.trains(counts) {
            (self.trained, self.command) = (true, false);
        }
        self.started &= !counts.is_counted() && !metric;
        if metric {
            (self.settings, self.again_first) = (0, false);
        }
        self.row.clear();
        if made > 0 {
            self.series += made;
            self.limits();
        }
    }

    /// The names and numbers of the current row.
    pub fn row_named(&self) -> Vec<(&str, f64)> {
        self.row.iter().filter_map(|(c, v)| Some((self.names.get(*c)?.text.as_str(), *v))).collect()
    }

    #[inline]
    pub(super) fn is_counter(&self, column: usize) -> bool {
        self.names.get(column).is_some_and(|n| n.kind != CounterKind::Value)
    }

    /// Whether a row of records is of a validation, with a counter that means another thing there,
    /// as MMEngine writes them: it has fewer counters than the others, and counts epochs, or always
    /// 0, under the name of the steps.
    #[inline]
    fn is_validation(&self, counts: RowCounts) -> bool {
        let Some(draft) = self.drafts.get(self.now) else { return false };
        draft.clock.counts_other(counts)
            && self.row.iter().filter(|(c, _)| self.is_counter(*c)).count() < draft.counters
            && !self.row.iter().any(|(c, _)| self.names.get(*c).is_some_and(|n| n.rate))
    }

    /// Whether a row of records counts the batches of held-out data, from the beginning again, in
    /// the epoch whose batches were counted before: all its metrics are of that split.
    #[inline]
    fn is_other_pass(&self, counts: RowCounts) -> bool {
        let draft = self.drafts.get(self.now).filter(|d| !d.clock.early);
        draft.is_some_and(|d| d.clock.begins_again_in_epoch(counts)) && self.is_held_out()
    }

    /// Whether a row of a text is of held-out data and counts how often, under the name of the
    /// steps: `validation: iter 3` below `train: iter 300`.
    fn counts_passes(&self, counts: RowCounts) -> bool {
        let Some(draft) = self.drafts.get(self.now).filter(|d| !d.clock.early) else { return false };
        // Where it was first measured at this very count, another run begins.
        let again = |count: Count| self.row.iter().any(|(c, _)| draft.begins_again(*c, count.value));
        draft.clock.is_far_behind(counts) && !counts.step().is_some_and(again) && self.is_held_out()
    }

    /// Whether a count on a row with these columns is of a pass over held-out data: all its metrics
    /// are of these, and it goes up to another number than that of the training.
    pub fn counts_other_pass(&self, column: usize, whole: Option<f64>, columns: &[Option<usize>]) -> bool {
        let total = self.drafts.get(self.now).map_or(f64::NAN, |d| d.clock.totals.0);
        let step = self.names.get(column).is_some_and(|n| n.kind.is_step());
        let mut metrics = columns.iter().flatten().filter_map(|c| self.names.get(*c)).filter(|n| n.metric.is_some());
        step && total.is_finite()
            && whole.is_some_and(|whole| whole != total)
            && metrics.all(|n| DataSplit::in_name(&n.text).is_some_and(DataSplit::is_held_out))
    }

    /// The held-out split of these columns.
    pub fn split_of(&self, columns: &[Option<usize>]) -> Option<DataSplit> {
        let names = columns.iter().flatten().filter_map(|c| self.names.get(*c));
        names.filter_map(|n| DataSplit::in_name(&n.text)).find(|split| split.is_held_out())
    }

    /// Whether another training of the same program begins with this row: in its first epoch again,
    /// with losses of other names, or towards another count of steps.
    fn is_other_training(&self, draft: &Draft, counts: RowCounts) -> bool {
        let (again, further) = (draft.clock.begins_epochs_again(counts), draft.clock.counts_further(counts));
        if !again && !further {
            return false;
        }
        let loss = |column: &usize| {
            let held_out = |n: &NameFacts| DataSplit::in_name(&n.text).is_some_and(DataSplit::is_held_out);
            let named = |n: &&NameFacts| n.metric == Some(false) && n.text.to_lowercase().contains("loss");
            self.names.get(*column).filter(named).is_some_and(|n| !held_out(n))
        };
        let losses: Vec<usize> = self.row.iter().map(|(c, _)| *c).filter(loss).collect();
        let others = || losses.iter().all(|c| draft.last(*c).is_none());
        let read = |mut columns: std::ops::Range<usize>| columns.any(|c| loss(&c) && draft.reads(c));
        !losses.is_empty() && again && others() && read(0..self.names.len())
            || further && losses.iter().any(|c| draft.reads(*c))
    }

    /// Whether all metrics of the current row are of held-out data.
    fn is_held_out(&self) -> bool {
        let name = |column: usize| self.names.get(column);
        let metric = |(c, _): &&(usize, f64)| name(*c).is_some_and(|n| n.metric.is_some());
        let held_out = |(c, _): &(usize, f64)| {
            name(*c).is_some_and(|n| DataSplit::in_name(&n.text).is_some_and(DataSplit::is_held_out))
        };
        self.has_metric() && self.row.iter().filter(metric).all(held_out)
    }

    /// Whether a counter of the current row stands below that of the last reading, or a metric was
    /// read at the same count already.
    pub fn is_behind(&self) -> bool {
        let Some(draft) = self.drafts.get(self.now) else { return false };
        let counts = counts(&self.row, &self.names);
        let before = |count: Option<Count>, now: f64| count.is_some_and(|c| c.value < now);
        before(counts.step(), draft.clock.step)
            || before(counts.epoch(), draft.clock.epoch)
            || counts.is_counted() && self.repeats()
    }

    /// Whether a progress bar that is not at its end tells again, to three digits, what was read
    /// last: the mean of the epoch before, or the result of a validation.
    pub fn stands_since(&self, column: usize, value: f64) -> bool {
        let last = self.drafts.get(self.now).and_then(|d| d.last(column));
        let slow =
            |name: &str| DataSplit::in_name(name).is_some_and(DataSplit::is_held_out) || name.ends_with("_epoch");
        let rounded = |last: f64| format!("{last:.2e}").parse() == Ok(value);
        last.is_some_and(|last| last.value == value || rounded(last.value))
            && self.names.get(column).is_some_and(|n| slow(&n.text))
    }

    /// Whether this is what was read last in a column.
    pub fn is_last(&self, column: usize, value: f64) -> bool {
        self.drafts.get(self.now).and_then(|d| d.last(column)).is_some_and(|last| last.value == value)
    }

    /// Whether a metric of the current row was read at the same count already.
    pub fn repeats(&self) -> bool {
        let Some(draft) = self.drafts.get(self.now) else { return false };
        let counts = counts(&self.row, &self.names);
        let (step, epoch) = (draft.clock.step, draft.clock.epoch);
        let same = |last: ThinPoint| match (counts.step(), counts.epoch()) {
            (Some(step), _) => step.value == last.step,
            (None, Some(epoch)) => epoch.value == last.epoch,
            // Below the counter of a line above.
            (None, None) => self.pending.is_empty() && epoch == last.epoch && (step == last.step || step.is_nan()),
        };
        let metric = |c: usize| self.names.get(c).is_some_and(|n| n.metric.is_some());
        self.row.iter().any(|(c, _)| metric(*c) && draft.last(*c).is_some_and(same))
    }

    /// Whether a row of a text without a counter, among rows that count steps, is of a validation:
    /// it has a loss that is read in training, with another value, and a score that is measured on
    /// held-out data only: `Loss: 3.1, MeanIU: 0.06`.
    fn is_uncounted_validation(&self, counts: RowCounts) -> bool {
        let Some(draft) = self.drafts.get(self.now) else { return false };
        if counts.is_counted() || draft.clock.columns.0.is_none() {
            return false;
        }
        let named = |column: &usize| self.names.get(*column);
        let evaluated = |(c, _): &(usize, f64)| !draft.reads(*c) && named(c).is_some_and(|n| is_evaluated(&n.text));
        let trained = |(c, value): &(usize, f64)| {
            named(c).is_some_and(|n| n.metric == Some(false)) && draft.last(*c).is_some_and(|last| last.value != *value)
        };
        self.row.iter().any(|mark| draft.reads(mark.0) && trained(mark)) && self.row.iter().any(evaluated)
    }

    /// Whether a row counts the batches of a validation. The clock then keeps what it knows.
    fn is_shorter_pass(&self, counts: RowCounts) -> bool {
        self.drafts.get(self.now).is_some_and(|d| d.clock.is_shorter_pass(counts))
    }

    /// Gives the names of the row that are read in training too the split of a validation.
    fn held_out(&mut self) {
        for (column, value) in self.take_row() {
            let trained = self.drafts.get(self.now).is_some_and(|d| d.reads(column));
            match self.names.get(column).filter(|n| n.kind == CounterKind::Value).map(|n| (n.text.clone(), n.metric)) {
                Some((name, Some(_))) if trained && DataSplit::in_name(&name).is_none() => {
                    self.number(&format!("val_{name}"), value);
                }
                Some(_) => {
                    if let Some(draft) = self.drafts.get_mut(self.now).filter(|_| !trained) {
                        draft.validated.insert(column);
                    }
                    self.put(column, value);
                }
                None => {}
            }
        }
    }

    /// Starts another run.
    pub fn next_run(&mut self) {
        if self.drafts.len() >= RUNS {
            return self.note(format!("more than {RUNS} runs; further ones are left out"));
        }
        let mut draft = Draft::new(String::new());
        if let Some(old) = self.drafts.get_mut(self.now) {
            // Facts since the last reading belong to the run that begins.
            draft.facts = std::mem::take(&mut old.fresh);
            draft.apart = self.started || draft.facts.keys().any(|n| facts::is_setting(n) && !facts::is_applied(n));
            draft.clock.follow(&old.clock);
            draft.notes.push(format!("begins at line {}", self.place));
        }
        self.drafts.push(draft);
        self.now = self.drafts.len() - 1;
    }

    fn limits(&mut self) {
        if self.series > SERIES {
            self.note(format!("more than {SERIES} series; further ones are left out"));
            for draft in &mut self.drafts {
                draft.full = true;
            }
        }
        let limit = (ALL_POINTS / self.series.max(1)).clamp(64, POINTS);
        if limit <= self.limit / 2 {
            self.limit = limit;
            self.drafts.iter_mut().for_each(|d| d.limit(limit));
        }
    }

    /// Takes in the words of a row: labels and facts.
    fn take_words(&mut self) {
        let words = std::mem::take(&mut self.words);
        if self.row.is_empty() {
            for (name, text) in &words {
                self.fact(name, text);
            }
            return;
        }
        let counted = self.row.iter().any(|(c, _)| self.is_counter(*c));
        let label = words.iter().find(|(n, _)| facts::is_label(n)).filter(|_| counted);
        if let Some((_, label)) = label {
            self.select(label);
        }
        for (name, text) in &words {
            let Some(draft) = self.drafts.get_mut(self.now) else { continue };
            match draft.facts.get(name).or_else(|| draft.fresh.get(name)) {
                // Words that change within a run are no setting of it.
                Some(known) if known != clip(text) => {
                    draft.facts.remove(name);
                    draft.fresh.remove(name);
                    draft.varying.insert(name.clone());
                }
                None if !draft.varying.contains(name) => self.fact(name, text),
                _ => {}
            }
        }
    }

    /// The runs so far.
    pub fn runs(&self, last: bool) -> Vec<Run> {
        let text = self.again == Again::RunAfterStart;
        let table = self.table.as_ref().filter(|_| last || self.drafts.len() > 1);
        let sweep = table.and_then(|t| t.runs(&self.names, text));
        let drafts = || {
            let all = self.drafts.iter().enumerate().filter(|(_, d)| !d.is_empty());
            let runs = all.map(|(at, d)| (self.run_of(at, d), d.apart, d.aside));
            runs.filter(|(run, _, aside)| !aside || !is_result(run)).map(|(run, apart, _)| (run, apart)).collect()
        };
        let one_kind = text && self.labels.is_empty();
        let mut runs = sweep.unwrap_or_else(|| rejoin(drafts(), one_kind));
        for run in &mut runs {
            for (name, text) in &self.facts {
                run.facts.entry(name.clone()).or_insert_with(|| text.clone());
            }
            name_facts(&mut run.facts);
            run.notes.extend(self.notes.iter().cloned());
        }
        runs
    }
}
