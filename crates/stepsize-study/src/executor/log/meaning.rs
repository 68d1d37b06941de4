//! [`MetricReader`]: how lines are read, the same for all trials of a study. [`ChosenNames`]: what
//! the names of the study mean, and how readings become events.
//!
//! A held-out metric is read as it is. A training loss is noisy and is read as means over
//! sixteenths of the run; its first reading, if it was made at the first step, is the untrained
//! loss. Where high is good, the distance to the top is compared: `1 - x` if all readings lie in
//! 0..1, `100 - x` if they lie in 0..100, otherwise `-x`.

use super::column::{LoggedValue, MetricColumn};
use super::measure::{Counter, Measure};
use super::revise::revised;
use regex_lite::Regex;
use std::sync::{Mutex, OnceLock};
use stepsize::{Error, Event, Result, TrialId, TrialSpec};
use stepsize_logs::{
    Choice, CounterKind, DataSplit, LogPosition, RawClock, Wanted, choose, is_counter, maximizes, text, text::Tables,
};

/// Readings of a training loss are averaged over this share of the run.
const WINDOWS: u64 = 16;
/// Points sent of one curve; a picture shows fewer.
const POINTS: u64 = 2000;

/// How lines are read, and the name by which trials are compared.
#[derive(Debug)]
pub(crate) struct MetricReader {
    wanted: Wanted,
    regex: Option<Regex>,
    horizon: Option<u64>,
    /// Steps of the full run, where shorter trials may end before the command prints its loss.
    full: Option<u64>,
    settled: OnceLock<ChosenNames>,
    /// What was seen of a trial that ended so.
    silent: Mutex<Option<String>>,
}

/// How to read the log of a command, as far as the user says it.
#[derive(Debug, Clone, Default)]
pub struct LogOptions {
    /// The name of the metric.
    pub metric: Option<String>,
    /// The name of the counter of steps.
    pub step: Option<String>,
    /// Whether high is good.
    pub maximize: Option<bool>,
    /// A regular expression. Its groups are the metric and, where they have names, other numbers.
    pub regex: Option<String>,
}

impl LogOptions {
    /// The name of the metric that the user gives: outright, or as the first group of the pattern
    /// that is not a counter.
    ///
    /// # Errors
    /// If the pattern is not a regular expression or has no group.
    pub fn named_metric(&self) -> Result<Option<String>> {
        let regex = self.regex.as_deref().map(pattern).transpose()?;
        let group = |regex: &Regex| {
            let named = regex.capture_names().flatten().find(|n| !is_counter(n));
            named.unwrap_or(UNNAMED).to_owned()
        };
        Ok(self.metric.clone().or_else(|| regex.as_ref().map(group)))
    }
}

/// What the names of a study mean.
#[derive(Debug, Clone)]
pub(crate) struct ChosenNames {
    pub choice: Choice,
    /// How positions of the metric become steps, and those of the training loss, which may have a
    /// counter of its own.
    metric: Measure,
    train: Measure,
    /// Whether a reading is of one mini-batch or epoch of training, not of held-out data.
    training: bool,
    top: Option<f64>,
    pub why: String,
}

impl MetricReader {
    /// `horizon` is the number of steps of the full run, if the command always makes the full run
    /// and shorter trials are cut.
    ///
    /// # Errors
    /// If the pattern is not a regular expression or has no group.
    pub fn new(reading: &LogOptions, horizon: Option<u64>) -> Result<Self> {
        let regex = reading.regex.as_deref().map(pattern).transpose()?;
        let metric = reading.named_metric()?;
        let wanted = Wanted { metric, step: reading.step.clone(), maximize: reading.maximize };
        Ok(Self { wanted, regex, horizon, full: None, settled: OnceLock::new(), silent: Mutex::default() })
    }

    /// The same for trials of a run of `steps` steps, of which short ones may end before the
    /// command prints its loss.
    pub fn of_run(self, steps: u64) -> Self {
        Self { full: Some(steps).filter(|_| self.horizon.is_none()), ..self }
    }

    /// Whether a trial of so many steps, which printed these names and no metric, says nothing of a
    /// longer one: it printed counters only.
    pub fn may_print_later(&self, steps: u64, names: &[String]) -> bool {
        self.full.is_some_and(|full| 2 * steps <= full) && names.iter().all(|name| self.is_counter(name))
    }

    /// Keeps what was seen of a trial that ended before its command printed its loss.
    pub fn keep_silent(&self, seen: String) {
        if let Ok(mut silent) = self.silent.lock() {
            *silent = Some(seen);
        }
    }

    /// What was seen of the newest trial that ended so, as long as no other was read.
    pub fn silent(&self) -> Option<String> {
        self.silent.lock().ok()?.clone().filter(|_| self.settled.get().is_none())
    }

    /// Whether a trial of this length is ended before its command ends.
    pub fn cuts(&self, steps: u64) -> bool {
        self.horizon.is_some_and(|h| steps < h)
    }

    pub fn wanted_metric(&self) -> Option<&str> {
        self.wanted.metric.as_deref()
    }

    pub fn step_asked(&self) -> Option<&str> {
        self.wanted.step.as_deref()
    }

    pub fn is_counter(&self, name: &str) -> bool {
        match self.step_asked() {
            Some(asked) => asked == name,
            None => self.wanted.metric.as_deref() != Some(name) && is_counter(name),
        }
    }

    /// Takes the counters of a row into `clock`: that which was asked for, or all that are known.
    pub fn count(&self, row: &[(String, f64)], clock: &mut RawClock) {
        match self.step_asked() {
            Some(asked) => {
                let counts = row.iter().filter(|(name, value)| name == asked && value.is_finite());
                counts.for_each(|(_, count)| clock.set_steps(*count));
            }
            None => {
                let counters = row.iter().filter(|(name, _)| self.is_counter(name));
                clock.note(counters.map(|(name, count)| (CounterKind::of(name), *count)));
            }
        }
    }

    pub fn has_pattern(&self) -> bool {
        self.regex.is_some()
    }

    /// The names and numbers of a line; `tables` has seen the lines before it.
    pub fn pairs(&self, line: &str, tables: &mut Tables) -> Vec<(String, f64)> {
        let Some(regex) = &self.regex else { return tables.pairs(line) };
        let Some(found) = regex.captures(line) else { return Vec::new() };
        let number = |m: regex_lite::Match<'_>| m.as_str().trim().parse::<f64>().ok();
        let mut out: Vec<(String, f64)> = regex
            .capture_names()
            .enumerate()
            .filter_map(|(i, name)| Some((name?.to_owned(), number(found.get(i)?)?)))
            .collect();
        if out.is_empty() {
            let name = self.wanted.metric.as_deref().unwrap_or(UNNAMED);
            out.extend(found.get(1).and_then(number).map(|v| (name.to_owned(), v)));
        }
        let counters = text::pairs(line).into_iter().filter(|(n, _)| self.is_counter(n));
        let counters: Vec<(String, f64)> = counters.filter(|(n, _)| out.iter().all(|(o, _)| o != n)).collect();
        out.extend(counters);
        out
    }

    /// What the names mean, once it is settled.
    pub fn meaning(&self) -> Option<ChosenNames> {
        self.settled.get().cloned()
    }

    /// One line that says what was chosen and why, once it is settled.
    pub fn why(&self) -> Option<String> {
        self.settled.get().map(|m| m.why.clone())
    }

    /// What the names so far seem to mean; more may follow.
    pub fn guess(&self, names: &[String]) -> Option<ChosenNames> {
        let choice = choose(names, &self.wanted).ok()?;
        let counter = match names.iter().any(|n| self.step_asked() == Some(n) || CounterKind::of(n).is_step()) {
            true => Counter::Steps,
            false if names.iter().any(|n| CounterKind::of(n).is_epoch()) => Counter::Epochs,
            false => Counter::Readings,
        };
        let measure = Measure { counter, scale: 1.0, from_zero: false };
        Some(ChosenNames::new(choice, measure, measure))
    }

    /// Settles the meaning from a whole run of `steps` steps, unless another trial already did.
    ///
    /// # Errors
    /// A message for the user if no name is a metric.
    pub fn settle(&self, names: &[String], columns: &[MetricColumn], steps: u64) -> Result<ChosenNames, String> {
        let choice = revised(&self.wanted, names, columns, steps)?;
        if choice.step.as_ref() == Some(&choice.metric) {
            let others: Vec<&str> = names.iter().map(String::as_str).filter(|n| !is_counter(n)).collect();
            return Err(format!(
                "{} counts the steps of the run and is no metric; the log also has {}",
                choice.metric,
                if others.is_empty() { "no other name with a number".to_owned() } else { others.join(", ") }
            ));
        }
        let column = |name: Option<&str>| columns.iter().find(|c| Some(c.name.as_str()) == name);
        let metric = column(Some(&choice.metric));
        let measure = |column: Option<&MetricColumn>| column.map(|c| Measure::of(c, steps, self.cuts(steps)));
        let by = measure(metric).unwrap_or(Measure { counter: Counter::Readings, scale: 1.0, from_zero: false });
        let train = measure(column(choice.train.as_deref())).unwrap_or(by);
        let mut meaning = ChosenNames::new(choice, by, train);
        if let Some(column) = metric {
            meaning.look(column);
        }
        Ok(self.settled.get_or_init(|| meaning).clone())
    }
}

/// The name of a metric that a pattern does not name.
const UNNAMED: &str = "metric";

fn pattern(text: &str) -> Result<Regex> {
    let regex = Regex::new(text)
        .map_err(|e| Error::invalid(format!("the pattern of the metric is not a regular expression: {e}")))?;
    if regex.captures_len() < 2 {
        return Err(Error::invalid(format!(
            "the pattern of the metric, '{text}', has no group; put the number into one: 'val=([0-9.]+)' or 'val=(?<val_loss>[0-9.]+)'"
        )));
    }
    Ok(regex)
}

impl ChosenNames {
    fn new(choice: Choice, metric: Measure, train: Measure) -> Self {
        let training = !DataSplit::in_name(&choice.metric).is_some_and(DataSplit::is_held_out);
        let why = choice.why.clone();
        Self { choice, metric, train, training, top: None, why }
    }

    /// Finds the top of a metric where high is good, from the readings of a whole run.
    fn look(&mut self, column: &MetricColumn) {
        if !self.choice.maximize {
            return;
        }
        let (low, high) =
            column.values().filter(|v| v.is_finite()).fold((0.0f64, 0.0f64), |(l, h), v| (l.min(v), h.max(v)));
        let known = self.choice.is_bare() || maximizes(&self.choice.metric) == Some(true);
        self.top = [1.0, 100.0].into_iter().find(|top| known && low >= 0.0 && high <= *top);
        let how = match self.top {
            Some(top) => format!("{top} - {}", self.choice.metric),
            None => format!("-{}", self.choice.metric),
        };
        self.why += &format!("; shown as {how}");
    }

    /// Whether readings of this name are needed: it is the metric or the training loss.
    pub fn keeps(&self, name: &str) -> bool {
        self.choice.metric == name || self.choice.train.as_deref() == Some(name)
    }

    /// Whether a row hides a loss that is not finite: a loss of 0 beside a gradient norm that is
    /// NaN or infinite.
    pub fn hides_nan(&self, row: &[(String, f64)]) -> bool {
        let norm = |(name, value): &(String, f64)| Some(name) == self.choice.grad_norm.as_ref() && !value.is_finite();
        let zero = |(name, value): &(String, f64)| *value == 0.0 && self.keeps(name) && self.is_loss(name);
        row.iter().any(norm) && row.iter().any(zero)
    }

    /// Whether low is good for a name that is kept.
    pub fn is_loss(&self, name: &str) -> bool {
        name != self.choice.metric || !self.choice.maximize
    }

    /// The step of a reading of this name, in the unit of `--steps`; `None` without a counter.
    pub fn step(&self, name: &str, place: LogPosition) -> Option<u64> {
        let train = self.choice.train.as_deref() == Some(name);
        if train { self.train.step(place) } else { self.metric.step(place) }
    }

    fn value(&self, raw: f64) -> f64 {
        if self.choice.maximize { self.top.unwrap_or(0.0) - raw } else { raw }
    }

    /// Adds the events of the readings in `column` that were not sent yet, each with the row from
    /// which on it is known.
    pub fn send(&self, column: &mut MetricColumn, trial: TrialId, spec: &TrialSpec, out: &mut Vec<(u64, Event)>) {
        let metric = column.name == self.choice.metric;
        for seen in column.take() {
            let step = self.step(&column.name, seen.place).unwrap_or(seen.index + 1).min(spec.steps);
            if metric && !self.training {
                out.push((seen.row, self.eval(trial, step, seen)));
                continue;
            }
            if metric {
                self.window(column, trial, spec, (step, seen), out);
            }
            if !self.choice.maximize && step >= column.sent.next {
                let at = step.min(spec.steps - 1);
                out.push((seen.row, Event::Step { trial, step: at, lr: seen.lr, loss: seen.value }));
                column.sent.next = step + spec.steps.div_ceil(POINTS);
            }
        }
    }

    fn eval(&self, trial: TrialId, step: u64, seen: LoggedValue) -> Event {
        let score = self.choice.maximize.then_some(seen.value);
        Event::Eval { trial, step, lr: seen.lr, val_loss: self.value(seen.value), score }
    }

    /// Adds a reading of a training loss to the mean of its window; sends the window before once it
    /// is full.
    fn window(
        &self,
        column: &mut MetricColumn,
        trial: TrialId,
        spec: &TrialSpec,
        (step, seen): (u64, LoggedValue),
        out: &mut Vec<(u64, Event)>,
    ) {
        let sent = &mut column.sent;
        if !sent.begun && matches!(self.metric.counter, Counter::Own | Counter::Steps) && step <= 1 {
            sent.begun = true;
            out.push((seen.row, self.eval(trial, 0, seen)));
            return;
        }
        sent.begun = true;
        let number = (step.saturating_sub(1) * WINDOWS / spec.steps).min(WINDOWS - 1);
        sent.window = Some(match sent.window {
            Some((open, sum, count, last)) if open != number && self.metric.counter != Counter::Readings => {
                let mean = LoggedValue { value: sum / f64::from(count), ..seen };
                out.push((seen.row, self.eval(trial, last, mean)));
                (number, seen.value, 1, step)
            }
            Some((open, sum, count, _)) => (open, sum + seen.value, count + 1, step),
            None => (number, seen.value, 1, step),
        });
    }

    /// Sends the last reading of a run that has ended.
    pub fn close(&self, column: &mut MetricColumn, trial: TrialId, spec: &TrialSpec, out: &mut Vec<Event>) {
        let Some(last) = column.last() else { return };
        let value = match (self.training, column.sent.window) {
            (false, _) if column.count() > 1 => return,
            (false, _) => last.value,
            (true, Some((_, sum, count, _))) if self.metric.counter != Counter::Readings => sum / f64::from(count),
            (true, _) => column.tail_mean().unwrap_or(last.value),
        };
        // One reading of held-out data has the step that is printed beside it.
        let printed = if self.training { None } else { self.metric.printed_before(spec.steps, last.place) };
        out.push(self.eval(trial, printed.unwrap_or(spec.steps), LoggedValue { value, ..last }));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn a_word_that_only_contains_the_name_of_a_split_is_not_held_out() {
        let reader = MetricReader::new(&LogOptions::default(), None).unwrap();
        let training = |name: &str| reader.guess(&["step".to_owned(), name.to_owned()]).unwrap().training;
        for name in ["value_loss", "retrieval_loss", "latest_loss", "loss", "train/loss", "loss_evaluator_0"] {
            assert!(training(name), "{name} is measured on the training data");
        }
        for name in
            ["val_loss", "valid_0_auc", "eval/loss", "test-rmse", "dev loss", "valLoss", "validation.acc", "valloss"]
        {
            assert!(!training(name), "{name} is held out");
        }
    }
}
