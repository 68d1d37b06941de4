//! [`Prose`]: logs of free text, read line by line with [`text`], and what takes several lines:
//! tables whose names stand above them, boxes, settings, command lines, code, starts of programs.

mod announced;
mod bare;
mod bars;
mod histories;
mod launch;
mod remarks;
mod shapes;
mod take;
mod twice;

use crate::gather::{ENDED_BAR, Gather, NameFacts, OPEN_BAR, is_applied, is_setting};
use crate::names::{CounterKind, DataSplit, metric_direction};
use crate::reader::LinePattern;
use crate::table::metric_of_file;
use crate::text::{self, Blocks, Line, Lines, Mark, Pair, Tables, Trials};
use announced::Announced;
use bare::nameless;
use bars::{Trained, is_rule_within, is_timeless, samples};
use histories::Histories;
use launch::Launch;
use remarks::{
    ClassReport, is_configuration, is_heading, is_of_others, is_of_parameter, is_of_past, is_recall, is_said,
    ruled_count, without_metric,
};
use shapes::LineShapes;
use take::{message, name_loss, take};
use twice::ToldTwice;

/// The name of the counter in a progress bar of tqdm, the least known of all.
const BAR: &str = "progress_bar";

/// Rows of readings that have a counter, from which on a counter alone on a line is a remark.
const COUNTED: u64 = 10;

/// Reads text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Prose {
    lines: Lines,
    tables: Tables,
    blocks: Blocks,
    trials: Trials,
    report: ClassReport,
    /// Title of the part of a box, and the names and values so far.
    title: String,
    boxed: Vec<(String, f64)>,
    /// The columns of the current line; `before`: of the last one with readings.
    columns: Vec<Option<usize>>,
    before: Vec<Option<usize>>,
    /// The number of samples that Keras trains on, where its progress bar counts them, and how far
    /// the last bar goes.
    samples: Option<f64>,
    bar: Option<f64>,
    trained: Trained,
    shapes: LineShapes,
    launch: Launch,
    twice: ToldTwice,
    histories: Histories,
    /// The metric that the file is named for: its lines may hold nothing but its values.
    metric: Option<String>,
    /// Whether the lines are the results of an evaluation.
    results: bool,
    /// Whether rules count: `-----3-----`.
    ruled: bool,
    /// Whether a title says that what follows are losses, whatever their names.
    losses: bool,
    /// What the last line without a reading announced, and the metrics that were told since.
    announced: Announced,
    told: Vec<String>,
    /// Rows of readings with a counter of steps, of epochs, and without any.
    counted: (u64, u64, u64),
    /// How lines are read instead, if the user says it.
    pub pattern: Option<LinePattern>,
}

impl Prose {
    /// For a file of this name.
    pub fn new(file: &str) -> Self {
        Self { metric: metric_of_file(file).map(str::to_owned), ..Self::default() }
    }

    pub fn push(&mut self, bytes: &[u8], gather: &mut Gather) {
        let mut lines = std::mem::take(&mut self.lines);
        lines.feed(bytes, |line| self.line(line, gather));
        self.lines = lines;
    }

    pub fn finish(&mut self, gather: &mut Gather) {
        if let Some(line) = self.lines.finish() {
            self.line(&line, gather);
        }
        self.end_box(gather);
    }

    /// Takes in one line.
    pub fn line(&mut self, line: &str, gather: &mut Gather) {
        gather.place += 1;
        if let Some(pattern) = &self.pattern {
            pattern.read(line).iter().for_each(|(name, value)| gather.number(name, *value));
            return gather.end_row();
        }
        let line = &*text::plain(line);
        let line = text::unprefixed(line);
        if nameless(line, self.metric.as_deref(), gather) {
            return gather.end_row();
        }
        if is_of_others(line) || self.report.takes(line, gather) {
            return;
        }
        if self.launch.is_again(line) {
            gather.launched();
        }
        if let Some(row) = self.trials.read(line) {
            if let Some(row) = row {
                gather.select(&row.trial);
                row.settings.iter().for_each(|(name, value)| gather.fact(name, value));
                row.readings.iter().for_each(|(name, value)| gather.number(name, *value));
                gather.end_row();
            }
            return;
        }
        if self.in_box(line) || !self.boxed.is_empty() && is_rule_within(line) {
            return;
        }
        self.end_box(gather);
        let settings = text::settings(line);
        // The rate on a line of its own, once there are readings: it is the one that is applied.
        let applied =
            settings.only && gather.has_metrics() && matches!(settings.facts.as_slice(), [(n, _)] if is_applied(n));
        if !applied {
            if settings.start {
                gather.started_with(settings.facts.len());
                if settings.facts.iter().any(|(name, _)| name == "command") {
                    gather.commanded();
                }
            }
            for (name, value) in &settings.facts {
                gather.fact(name, value);
            }
            if settings.only {
                return;
            }
        }
        match self.blocks.next(line) {
            Line::Open => {}
            Line::Code => return message(line, gather),
            Line::Setting(name, value) => return gather.fact(&name, &value),
        }
        self.samples = samples(line).or(self.samples);
        if self.histories.read(line, gather) {
            return;
        }
        let mut found = self.tables.read(line);
        if let Some(count) = ruled_count(line).filter(|_| found.is_empty() && (self.ruled || !gather.is_counted())) {
            self.ruled = true;
            found.push(Pair { name: "epoch".to_owned(), value: count, whole: None, mark: Mark::Plain });
        }
        self.mark_results(line, &mut found);
        if self.losses && found.iter().any(|p| CounterKind::of(&p.name) != CounterKind::Value) {
            found.iter_mut().for_each(name_loss);
        }
        let bar_of_keras = found.iter().find(|p| p.mark == Mark::Bar && p.whole.is_some());
        let bar_ended = bar_of_keras.map(|bar| bar.whole == Some(bar.value));
        if let Some(bar) = bar_of_keras {
            // Steps are counted from 1; a bar that begins further on counts the samples of a batch.
            let first =
                self.bar != bar.whole && bar.value > 1.0 && bar.whole.is_some_and(|whole| bar.value * 2.0 < whole);
            // Of steps it says how long each took.
            if first || bar.whole == Some(bar.value) && is_timeless(line) {
                self.samples = bar.whole;
            }
            self.bar = bar.whole;
        }
        if bars::nearly_ends(&found) || self.is_idle_bar(&found) {
            return;
        }
        let evaluated = self.trained.is_evaluation(&found);
        found.retain(|p| p.mark != Mark::Bar || !evaluated && (p.whole.is_none() || p.whole != self.samples));
        found.retain(|p| {
            if p.mark == Mark::Share {
                gather.share(p.value);
            }
            p.mark != Mark::Share
        });
        self.columns.clear();
        self.columns.extend(
            found.iter().map(|p| gather.column(if p.mark == Mark::Tqdm && p.name == "iter" { BAR } else { &p.name })),
        );
        let told = self.tidy(line, &mut found, gather);
        let counts = |name: &NameFacts| name.kind != CounterKind::Value;
        let counted = self.columns.iter().flatten().any(|c| gather.name(*c).is_some_and(counts));
        if !found.is_empty() && is_said(line) || told && counted && self.twice.is_again(line, gather.place) {
            return;
        }
        // A configuration in braces, or all its settings in one line.
        let planned = |p: &Pair| !gather.has_metrics() && matches!(p.name.as_str(), "iterations" | "epochs" | "steps");
        let settings = || found.iter().filter(|p| is_setting(&p.name) || planned(p)).count() >= 2;
        if !told && found.len() >= 3 && (settings() || is_configuration(line)) {
            gather.started_with(found.len());
            return found.iter().for_each(|p| gather.fact(&p.name, &p.value.to_string()));
        }
        if !told {
            message(line, gather);
            if counted && is_of_past(line) || !counted && is_of_parameter(line) {
                return;
            }
            if without_metric(line, &found, counted, gather) || self.histories.read_history(line, gather) {
                return;
            }
        }
        let bar = found.iter().any(|p| p.mark == Mark::Tqdm);
        // A bar that has not moved may tell what the one before ended with.
        let unmoved = bar && found.iter().any(|p| p.mark == Mark::Tqdm && p.value == 0.0 && p.whole > Some(0.0));
        let within = bar && found.iter().any(|p| p.mark == Mark::Tqdm && p.whole.is_some_and(|whole| p.value < whole));
        for (pair, column) in found.iter().zip(&self.columns) {
            // What stands in a progress bar without a metric is a speed.
            let speed = bar && !told && CounterKind::of(&pair.name) == CounterKind::Value;
            let again =
                |c: usize| within && gather.stands_since(c, pair.value) || unmoved && gather.is_last(c, pair.value);
            let pass =
                |c: usize| told && pair.whole.is_some() && gather.counts_other_pass(c, pair.whole, &self.columns);
            if !(speed || column.is_some_and(|c| again(c) || pass(c))) {
                take(pair, *column, counted, gather);
            }
        }
        if told {
            // `[train] epoch: 1/10, loss=2.5`
            if Announced::of_bracket(line) == Some(Announced::Nothing) {
                self.announced = Announced::Nothing;
            }
            let metric = |p: &&Pair| metric_direction(&p.name).is_some();
            let first = if self.announced == Announced::Nothing { None } else { found.iter().find(metric) };
            if evaluated {
                return self.end_evaluation(gather);
            }
            // `Averaged stats: loss: 0.5` below the batches of a split.
            if line.starts_with("Averaged stats:")
                && let Some(split) = gather.split_of(&self.before)
            {
                return gather.end_row_of(split.prefix());
            }
            self.before.clone_from(&self.columns);
            gather.shape = match bar_ended {
                Some(true) => ENDED_BAR,
                Some(false) => OPEN_BAR,
                None if bar => 0,
                None => self.shapes.of(&self.columns),
            };
            self.end_told(line, first.map(|p| p.name.as_str()), gather);
        } else {
            // A bar counts the batches of an evaluation.
            let other = counted && found.iter().all(|p| p.mark != Mark::Tqdm);
            let nothing = || other.then(|| Announced::of_count(line).unwrap_or(Announced::Nothing));
            if let Some(announced) = Announced::of_bracket(line).or_else(nothing).or_else(|| Announced::of(line)) {
                self.announced = announced;
                self.told.clear();
            }
            // Above lines such as `(epoch: 1, iters: 100, time: 0.5, data: 0.1) D: 0.3 G: 0.8`.
            self.losses |= line.starts_with('=') && ["Training Loss", "Train Loss"].iter().any(|w| line.contains(w));
            gather.end_row();
        }
    }

    /// Of a name told twice on a line the first counts: `Loss: 0.5 | Loss (text/kernel): 0.3/0.2`.
    /// Drops the counters of a line without a reading, where nearly all rows of readings have such
    /// a counter of their own: `Step 2: multiply by 3` in a text that was generated. Returns
    /// whether the line has a reading.
    fn tidy(&mut self, line: &str, found: &mut Vec<Pair>, gather: &Gather) -> bool {
        let (mut steps, mut epochs, mut metric, mut twice) = (false, false, false, false);
        for (at, column) in self.columns.iter().enumerate() {
            let Some(name) = column.and_then(|c| gather.name(c)) else { continue };
            steps |= name.kind.is_step();
            epochs |= name.kind.is_epoch();
            metric |= name.metric.is_some();
            twice |= self.columns.iter().take(at).any(|before| before == column);
        }
        // `Step 3: Load the data ...`
        let mut no_steps = !metric && steps && is_heading(line);
        let mut no_epochs = false;
        if metric {
            self.counted.0 += u64::from(steps);
            self.counted.1 += u64::from(epochs);
            self.counted.2 += u64::from(!steps && !epochs);
        } else if steps || epochs {
            let usual = |rows: u64| rows >= COUNTED && rows > 4 * self.counted.2;
            no_epochs = usual(self.counted.0) && usual(self.counted.1);
            no_steps |= usual(self.counted.0) && !Announced::is_due(line);
        }
        if !twice && !no_steps {
            return metric;
        }
        let columns = std::mem::take(&mut self.columns);
        let mut at = 0;
        found.retain(|pair| {
            let column = columns.get(at).copied().flatten();
            at += 1;
            let kind = column.and_then(|c| gather.name(c)).map_or(CounterKind::Value, |name| name.kind);
            let again = column.is_some() && self.columns.contains(&column);
            let remark = no_steps && kind.is_step() || no_epochs && kind.is_epoch();
            let keep = pair.mark != Mark::Plain || !again && !remark;
            if keep {
                self.columns.push(column);
            }
            keep
        });
        metric
    }

    /// Whether the first metric of a row was not told since the last announcement.
    fn tells_more(&mut self, first: Option<&str>) -> bool {
        let Some(first) = first.filter(|first| !self.told.iter().any(|told| told == first)) else { return false };
        self.told.push(first.to_owned());
        true
    }

    /// Ends a row that holds a metric, the first of which is named.
    fn end_told(&mut self, line: &str, first: Option<&str>, gather: &mut Gather) {
        let split = DataSplit::Evaluation.prefix();
        let announced = self.announced;
        // The results on one split may take several lines, until one is told again.
        let goes_on = matches!(announced, Announced::Of(_)) && !gather.is_row_counted() && self.tells_more(first);
        if !goes_on {
            self.announced = Announced::Nothing;
        }
        match announced {
            // `Loaded the best model, of epoch 12 (val_loss=0.5)` tells again what was read there.
            _ if is_recall(line) && gather.is_behind() => gather.drop_row(),
            Announced::Of(split) if goes_on => gather.end_row_of(split.prefix()),
            Announced::Results if !gather.is_row_counted() && gather.has_metrics() => gather.end_row_of(split),
            Announced::Evaluation | Announced::Of(_) if gather.repeats() => gather.end_row_of(split),
            _ => gather.end_row(),
        }
    }

    /// Estimators of TensorFlow print the results of an evaluation below a title, a line each, some
    /// under the names of the training.
    fn mark_results(&mut self, line: &str, found: &mut [Pair]) {
        if memchr::memchr(b'*', line.as_bytes()).is_some() && line.contains("***** Eval results") {
            self.results = true;
        } else if let ([pair], true) = (found, self.results) {
            if DataSplit::in_name(&pair.name).is_none() && metric_direction(&pair.name).is_some() {
                pair.name = format!("eval_{}", pair.name);
            }
        } else {
            self.results = false;
        }
    }

    /// Whether a line is part of a box of names and values.
    fn in_box(&mut self, line: &str) -> bool {
        if !line.trim_start().starts_with(['|', '│', '┃']) {
            return false;
        }
        match text::boxed(line) {
            Some((title, None)) if title.ends_with('/') => self.title = title,
            Some((name, Some(value))) => {
                let counts = CounterKind::of(&name) != CounterKind::Value;
                let name = if counts { name } else { format!("{}{name}", self.title) };
                self.boxed.push((name, value));
            }
            _ => return false,
        }
        true
    }

    /// The names and values of a box are of one moment, or a configuration if none is a metric.
    fn end_box(&mut self, gather: &mut Gather) {
        self.title.clear();
        if self.boxed.is_empty() {
            return;
        }
        for (name, value) in &self.boxed {
            gather.number(name, *value);
        }
        if gather.has_metric() {
            gather.end_row();
        } else {
            gather.drop_row();
            self.boxed.iter().for_each(|(name, value)| gather.fact(name, &value.to_string()));
        }
        self.boxed.clear();
    }
}
