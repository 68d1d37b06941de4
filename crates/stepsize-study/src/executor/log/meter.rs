//! [`Meter`]: the lines of one trial in, events out.
//!
//! The meaning of the names is settled once for a study, when its first trial has ended and all its
//! names are known. Until then readings are kept and not sent. Later trials send theirs at once.
//! The length that was asked for decides which counter is meant: with 20 steps, a log that counts
//! `iter` to 6000 and `epoch` to 20 is read by epochs.

use super::column::MetricColumn;
use super::meaning::{ChosenNames, MetricReader};
use std::sync::Arc;
use stepsize::divergence::{EXPLOSION, IN_A_ROW, explosion_limit, jumped_to_zero};
use stepsize::{Event, TrialId, TrialSpec};
use stepsize_logs::{RawClock, text::Tables};

/// Names looked at in one log; more are printed by accident.
const NAMES: usize = 256;

/// What to do with a running trial.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Ruling {
    /// The loss is not finite or has exploded.
    Diverged { step: u64, why: String },
    /// The part of the run that was asked for is over.
    Enough,
    /// The trial cannot be read.
    Unreadable(String),
}

/// Reads one trial.
pub(crate) struct Meter {
    trial: TrialId,
    spec: TrialSpec,
    reader: Arc<MetricReader>,
    /// The study's meaning of the names; `None` until it is settled.
    meaning: Option<ChosenNames>,
    /// What the names so far seem to mean, until `meaning` is known.
    guess: Option<ChosenNames>,
    names: Vec<String>,
    columns: Vec<MetricColumn>,
    clock: RawClock,
    /// Rows taken in.
    rows: u64,
    lr: f64,
    tables: Tables,
}

impl Meter {
    pub fn new(trial: TrialId, spec: TrialSpec, reader: Arc<MetricReader>) -> Self {
        let (lr, meaning) = (spec.lr.get(), reader.meaning());
        Self {
            trial,
            spec,
            reader,
            meaning,
            guess: None,
            names: Vec::new(),
            columns: Vec::new(),
            clock: RawClock::default(),
            rows: 0,
            lr,
            tables: Tables::new(),
        }
    }

    /// Whether a metric was read.
    pub fn has_metric(&self) -> bool {
        self.meant().is_some_and(|m| self.column(&m.choice.metric).is_some())
    }

    fn meant(&self) -> Option<&ChosenNames> {
        self.meaning.as_ref().or(self.guess.as_ref())
    }

    fn column(&self, name: &str) -> Option<&MetricColumn> {
        self.columns.iter().find(|c| c.name == name)
    }

    /// Whether files are read line by line with a pattern, not by their format.
    pub fn reads_lines(&self) -> bool {
        self.reader.has_pattern()
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &str) -> Option<Ruling> {
        let pairs = self.reader.pairs(line, &mut self.tables);
        self.row(&pairs)
    }

    /// Takes in one record of names and numbers.
    pub fn row(&mut self, row: &[(String, f64)]) -> Option<Ruling> {
        let before = self.names.len();
        self.rows += 1;
        for (name, _) in row {
            if !self.names.contains(name) && self.names.len() < NAMES {
                self.names.push(name.clone());
            }
        }
        self.reader.count(row, &mut self.clock);
        if self.meaning.is_none() && self.names.len() > before {
            self.guess = self.reader.guess(&self.names);
        }
        let mut call = None;
        for (name, value) in row {
            if self.meant().is_some_and(|m| m.choice.lr.as_ref() == Some(name)) && value.is_finite() {
                self.lr = *value;
            }
            if self.reader.is_counter(name) {
                continue;
            }
            let kept = match &self.meaning {
                Some(meaning) => meaning.keeps(name),
                None => true,
            };
            if kept {
                let (place, lr) = (self.clock.position(), self.lr);
                let at = self.columns.iter().position(|c| c.name == *name).unwrap_or_else(|| {
                    self.columns.push(MetricColumn::new(name));
                    self.columns.len() - 1
                });
                self.columns[at].push(self.rows, place, lr, *value);
                call = call.or_else(|| self.diverged(at));
            }
        }
        call.or_else(|| self.hidden(row)).or_else(|| self.enough())
    }

    /// Divergence that the program does not print.
    fn hidden(&self, row: &[(String, f64)]) -> Option<Ruling> {
        let meaning = self.meant().filter(|m| self.spec.stop_on_divergence && m.hides_nan(row))?;
        let step = meaning.step(&meaning.choice.metric, self.clock.position()).unwrap_or(0).min(self.spec.steps);
        let norm = meaning.choice.grad_norm.as_deref().unwrap_or_default();
        Some(Ruling::Diverged { step, why: format!("a loss of 0 at step {step} beside a {norm} that is not finite") })
    }

    fn diverged(&self, at: usize) -> Option<Ruling> {
        let column = &self.columns[at];
        let meaning = self.meant().filter(|m| m.keeps(&column.name) && self.spec.stop_on_divergence)?;
        let last = column.last()?;
        let step = meaning.step(&column.name, last.place).unwrap_or(0).min(self.spec.steps);
        if !last.value.is_finite() {
            return Some(Ruling::Diverged { step, why: format!("{} is {} at step {step}", column.name, last.value) });
        }
        let lossy = meaning.is_loss(&column.name);
        let metric = column.name == meaning.choice.metric;
        if lossy && last.value == 0.0 && jumped_to_zero(&column.newest(), metric) {
            let why = format!("{} is exactly 0 from step {step} on: its program hides a NaN", column.name);
            return Some(Ruling::Diverged { step, why });
        }
        // Few programs log the untrained loss, and not for every metric: each metric is held
        // against its own first value.
        let limit = explosion_limit(column.first_finite()?);
        (lossy && column.in_a_row(|v| v > limit) >= IN_A_ROW).then(|| Ruling::Diverged {
            step,
            why: format!("{} is {:.3e} at step {step}, {EXPLOSION:.0} times its first value", column.name, last.value),
        })
    }

    /// Whether a command that makes the full run has reached the end of its trial.
    fn enough(&self) -> Option<Ruling> {
        if !self.reader.cuts(self.spec.steps) {
            return None;
        }
        let meaning = self.meant()?;
        let place = self.clock.position();
        if self.meaning.is_none() && place.steps.is_finite() && place.epochs.is_finite() {
            return Some(Ruling::Unreadable(
                "its log counts both steps and epochs, and the command has no {steps}; name the counter in which the \
                 length of the full run is given as the step counter"
                    .to_owned(),
            ));
        }
        let metric = self.column(&meaning.choice.metric)?;
        let step = meaning.step(&metric.name, metric.last()?.place)?;
        (step >= self.spec.steps).then_some(Ruling::Enough)
    }

    /// The events that are known by now. Their order does not depend on how many lines came at
    /// once, because a pruner looks at each event with those before it.
    pub fn events(&mut self) -> Vec<Event> {
        if self.meaning.is_none() {
            // Another trial may have settled it since this one began.
            self.meaning = self.reader.meaning();
        }
        let Some(meaning) = &self.meaning else { return Vec::new() };
        let mut out = Vec::new();
        // Before the meaning was known, all columns were kept.
        for column in self.columns.iter_mut().filter(|c| meaning.keeps(&c.name)) {
            meaning.send(column, self.trial, &self.spec, &mut out);
        }
        out.sort_by_key(|(row, _)| *row);
        out.into_iter().map(|(_, event)| event).collect()
    }

    /// The last events of a trial that has ended.
    ///
    /// # Errors
    /// A message for the user if the trial printed no metric.
    pub fn conclude(&mut self) -> Result<Vec<Event>, String> {
        let meaning = match self.meaning.clone() {
            Some(meaning) => meaning,
            None => self.reader.settle(&self.names, &self.columns, self.spec.steps)?,
        };
        self.meaning = Some(meaning.clone());
        let mut events = self.events();
        let Some(metric) = self.columns.iter_mut().find(|c| c.name == meaning.choice.metric) else {
            let names = if self.names.is_empty() { "nothing with a number".to_owned() } else { self.names.join(", ") };
            return Err(format!(
                "it printed no {}, the metric by which trials are compared; it printed {names}",
                meaning.choice.metric
            ));
        };
        meaning.close(metric, self.trial, &self.spec, &mut events);
        Ok(events)
    }

    /// Whether the command may just print its loss later than this trial ended. If so, `seen` is
    /// kept for the message, should no longer trial be read.
    pub fn is_silent(&self, seen: impl FnOnce() -> String) -> bool {
        let silent = self.reader.may_print_later(self.spec.steps, &self.names);
        if silent {
            self.reader.keep_silent(seen());
        }
        silent
    }

    /// The name of the metric that was asked for.
    pub fn wanted_metric(&self) -> Option<&str> {
        self.reader.wanted_metric()
    }

    /// Steps that a trial which has ended cost: those that were asked for; of a command that makes
    /// the full run and is read more rarely, those to the reading at which it was cut.
    pub fn made(&self) -> u64 {
        let cut = self.meant().filter(|_| self.reader.cuts(self.spec.steps));
        let read = cut.and_then(|m| m.step(&m.choice.metric, self.column(&m.choice.metric)?.last()?.place));
        read.unwrap_or(0).max(self.spec.steps)
    }

    /// The step that the log has reached.
    pub fn steps(&self) -> u64 {
        let Some(meaning) = self.meant() else { return 0 };
        let kept = self.columns.iter().filter(|c| meaning.keeps(&c.name));
        let steps = kept.filter_map(|c| meaning.step(&c.name, c.last()?.place)).max();
        steps.or_else(|| meaning.step("", self.clock.position())).unwrap_or(0).min(self.spec.steps)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::super::meaning::LogOptions;
    use super::*;
    use stepsize::{Job, Lr, Schedule};

    /// The events of a log of which `size` lines come at once.
    fn events(reader: &Arc<MetricReader>, lines: &[String], size: usize) -> Vec<Event> {
        let job = Job::new(40, Schedule::cosine(40).unwrap(), u64::MAX).unwrap();
        let spec = job.trial(Lr::new(0.1).unwrap(), 40, 0).unwrap();
        let mut meter = Meter::new(TrialId(0), spec, reader.clone());
        let mut events = Vec::new();
        for chunk in lines.chunks(size) {
            chunk.iter().for_each(|line| assert_eq!(meter.line(line), None));
            events.extend(meter.events());
        }
        events.extend(meter.conclude().unwrap());
        events
    }

    fn read(lines: &[&str]) -> (Option<Ruling>, Vec<Event>) {
        let reader = Arc::new(MetricReader::new(&LogOptions::default(), None).unwrap());
        let job = Job::new(400, Schedule::constant(), 0).unwrap();
        let spec = job.trial(Lr::new(0.1).unwrap(), 40, 0).unwrap();
        let mut meter = Meter::new(TrialId(0), spec, reader);
        let ruling = lines.iter().find_map(|line| meter.line(line));
        let events = meter.conclude().unwrap();
        (ruling, events)
    }

    #[test]
    fn a_loss_of_zero_that_hides_a_nan_is_divergence() {
        let masked = ["{'loss': 2.3, 'grad_norm': 1.2, 'epoch': 0.1}", "{'loss': 0.0, 'grad_norm': nan, 'epoch': 0.2}"];
        assert!(matches!(read(&masked).0, Some(Ruling::Diverged { .. })));
        let jumps = ["step 10 loss 2.3", "step 20 loss 1.9", "step 30 loss 0.0", "step 40 loss 0.0"];
        assert!(matches!(read(&jumps).0, Some(Ruling::Diverged { .. })));
        let learned = ["step 10 loss 2.3", "step 20 loss 0.02", "step 30 loss 0.0", "step 40 loss 0.0"];
        assert_eq!(read(&learned).0, None);
        let scored = ["step 10 accuracy 0.3", "step 20 accuracy 0.0", "step 30 accuracy 0.0"];
        assert_eq!(read(&scored).0, None);
        // Nothing is trained yet at step 0, and a component without a loss of its own never has
        // one.
        let untrained = ["step 0 train_loss 0.00 val_loss 2.3", "step 10 train_loss 1.3 val_loss 1.9"];
        assert_eq!(read(&untrained).0, None);
        let unused =
            ["step 0 loss 0.00 val_loss 2.3", "step 10 loss 0.00 val_loss 1.9", "step 20 loss 0.00 val_loss 1.7"];
        assert_eq!(read(&unused).0, None);
        // Training data that were learned by heart, and held-out ones, in one column.
        let by_heart = ["loss 0.2", "loss 0.04", "loss 0.01", "loss 0.045", "loss 0.0", "loss 0.0", "loss 0.0"];
        assert_eq!(read(&by_heart).0, None);
    }

    #[test]
    fn a_full_run_that_is_cut_at_its_first_reading_costs_what_it_took() {
        let reader = Arc::new(MetricReader::new(&LogOptions::default(), Some(2000)).unwrap());
        let job = Job::new(2000, Schedule::constant(), 0).unwrap();
        let mut meter = Meter::new(TrialId(0), job.trial(Lr::new(0.1).unwrap(), 125, 0).unwrap(), reader);
        assert_eq!(meter.line("Iteration 500: test loss 0.3"), Some(Ruling::Enough));
        meter.conclude().unwrap();
        assert_eq!((meter.steps(), meter.made()), (125, 500));
    }

    #[test]
    fn a_validation_loss_that_is_printed_too_rarely_gives_way_to_the_training_loss() {
        // Evaluated every 50 steps; the trial has 40.
        let mut lines = vec!["step 0: train loss 4.2, val loss 4.3".to_owned()];
        lines.extend((0..=4).map(|i| format!("iter {}: loss {:.2}, time 10ms", 10 * i, 4.2 - 0.4 * f64::from(i))));
        let (_, events) = read(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let last = events.iter().rev().find_map(|e| match e {
            Event::Eval { step, val_loss, .. } => Some((*step, *val_loss)),
            _ => None,
        });
        let (step, loss) = last.unwrap();
        assert!(step == 40 && (2.5..2.7).contains(&loss), "{step} {loss}");
    }

    #[test]
    fn a_first_loss_of_zero_is_no_measure_of_an_explosion() {
        // spaCy's table begins so.
        let row = |i: u32, loss: f64| format!("step {i} loss {loss:.2} val_acc 0.{i}");
        let lines: Vec<String> = (0..=4).map(|i| row(10 * i, if i == 0 { 0.0 } else { 9.0 / f64::from(i) })).collect();
        let (ruling, _) = read(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        assert!(ruling.is_none(), "{ruling:?}");
    }

    #[test]
    fn one_reading_has_the_step_that_is_printed_beside_it() {
        // A trial has 40 steps.
        for (line, at) in [("epoch 30/40 val_loss 2.3", 30), ("Epoch 0/40 val_loss 2.3", 1), ("final val_loss 2.3", 40)]
        {
            let (_, events) = read(&[line]);
            let seen = events.iter().find_map(|e| if let Event::Eval { step, .. } = e { Some(*step) } else { None });
            assert_eq!(seen, Some(at), "{line}");
        }
    }

    #[test]
    fn a_score_of_the_beginning_gives_way_also_where_few_lines_follow_it() {
        let mut lines: Vec<String> = (0..30).map(|i| format!("  setting number {i} is set")).collect();
        lines.extend(
            ["iter 0: train loss 2.8", "held-out final score: 0/500 = 0.00% right", "best score so far is 4"]
                .map(str::to_owned),
        );
        lines.extend((1..=3).map(|i| format!("iter {}: train loss {:.1}", 10 * i, 2.8 - 0.5 * f64::from(i))));
        let (_, events) = read(&lines.iter().map(String::as_str).collect::<Vec<_>>());
        let last = events.iter().rev().find_map(|e| match e {
            Event::Eval { val_loss, .. } => Some(*val_loss),
            _ => None,
        });
        assert_eq!(last, Some(1.3));
    }

    #[test]
    fn a_mean_over_the_run_that_is_printed_at_its_end_does_not_stand_for_the_loss() {
        let reader = Arc::new(MetricReader::new(&LogOptions::default(), None).unwrap());
        let job = Job::new(600, Schedule::constant(), 0).unwrap();
        let spec = job.trial(Lr::new(0.1).unwrap(), 37, 0).unwrap();
        let mut meter = Meter::new(TrialId(0), spec, reader.clone());
        for i in 1..=3 {
            meter.line(&format!("{{'loss': {:.1}, 'epoch': {:.2}}}", 2.4 - 0.4 * f64::from(i), 0.2 * f64::from(i)));
        }
        meter.line("{'train_runtime': 3.1, 'train_loss': 1.6, 'epoch': 0.74}");
        meter.conclude().unwrap();
        assert_eq!(reader.meaning().unwrap().choice.metric, "loss");
    }

    #[test]
    fn the_order_of_events_does_not_depend_on_how_many_lines_come_at_once() {
        for names in [["train_loss", "val_loss"], ["loss", "acc"], ["loss", "lr"]] {
            let line =
                |i: u32| format!("step {i} {} {:.3} {} {:.3}", names[0], 2.0 - f64::from(i) / 40.0, names[1], 0.5);
            let lines: Vec<String> = (0..=40).map(line).collect();
            let reader = Arc::new(MetricReader::new(&LogOptions::default(), None).unwrap());
            // The first trial settles the meaning; its events come at its end.
            let first = events(&reader, &lines, 7);
            for size in [1, 2, 3, 7, 100] {
                assert_eq!(events(&reader, &lines, size), first, "{names:?}, {size} lines at once");
            }
        }
    }
}
