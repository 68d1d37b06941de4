//! [`Prose`]: logs of free text, read line by line with [`text`], and what takes several lines:
//! tables whose names stand above them, boxes, settings, command lines, code, starts of programs.

mod announced;
mod bare;
mod bars;
mod remarks;

use crate::gather::{Gather, NameFacts, is_applied, is_setting};
use crate::names::{CounterKind, DataSplit, is_rate, metric_direction};
use crate::reader::LinePattern;
use crate::table::metric_of_file;
use crate::text::{self, Blocks, Line, Lines, Mark, Pair, Tables, Trials};
use announced::Announced;
use bare::nameless;
use bars::{Trained, is_rule_within, is_timeless, samples};
use remarks::{ClassReport, is_first_rate, is_heading, is_of_others, is_recall};

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
    /// The metric that the file is named for: its lines may hold nothing but its values.
    metric: Option<String>,
    /// Whether the lines are the results of an evaluation.
    results: bool,
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
        if nameless(line, self.metric.as_deref(), gather) {
            return gather.end_row();
        }
        if is_of_others(line) || self.report.takes(line, gather) {
            return;
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
        if let Some((name, values)) = text::list_of(line) {
            for value in values {
                gather.number(name, value);
                gather.end_row();
            }
            return;
        }
        let mut found = self.tables.read(line);
        self.mark_results(line, &mut found);
        if self.losses && found.iter().any(|p| CounterKind::of(&p.name) != CounterKind::Value) {
            found.iter_mut().for_each(name_loss);
        }
        if let Some(bar) = found.iter().find(|p| p.mark == Mark::Bar && p.whole.is_some()) {
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
        // A configuration in braces, or all its settings in one line.
        let planned = |p: &Pair| !gather.has_metrics() && matches!(p.name.as_str(), "iterations" | "epochs" | "steps");
        if !told && found.len() >= 3 && found.iter().filter(|p| is_setting(&p.name) || planned(p)).count() >= 2 {
            gather.started_with(found.len());
            return found.iter().for_each(|p| gather.fact(&p.name, &p.value.to_string()));
        }
        if !told {
            message(line, gather);
            if self.without_metric(line, &found, counted, gather) {
                return;
            }
        }
        let bar = found.iter().any(|p| p.mark == Mark::Tqdm);
        let within = bar && found.iter().any(|p| p.mark == Mark::Tqdm && p.whole.is_some_and(|whole| p.value < whole));
        for (pair, column) in found.iter().zip(&self.columns) {
            // What stands in a progress bar without a metric is a speed.
            let speed = bar && !told && CounterKind::of(&pair.name) == CounterKind::Value;
            if !(speed || within && column.is_some_and(|c| gather.stands_since(c, pair.value))) {
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

    /// Looks for what a line without a metric says. Returns whether that is all.
    fn without_metric(&self, line: &str, found: &[Pair], counted: bool, gather: &mut Gather) -> bool {
        if let Some((step, rate)) = text::step_and_rate(line) {
            gather.number("step", step);
            gather.number("learning_rate", rate);
            gather.end_row();
            return true;
        }
        if let Some(rate) = text::adjusted_rate(line) {
            gather.number("learning_rate", rate);
            gather.end_row();
            return true;
        }
        // The history at the end of a training whose epochs were told tells them again.
        if let Some(lists) = text::lists_of(line).filter(|_| !gather.has_metrics()) {
            for at in 0..lists.iter().map(|(_, values)| values.len()).max().unwrap_or(0) {
                lists.iter().for_each(|(name, v)| v.get(at).into_iter().for_each(|v| gather.number(name, *v)));
                gather.end_row();
            }
            return true;
        }
        let first = !counted && is_first_rate(line, found);
        if first {
            found.iter().filter(|p| is_rate(&p.name)).for_each(|p| gather.fact("lr", &p.value.to_string()));
        }
        first
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

/// Gives a name below a title that says that all are losses what it lacks to be that of one.
fn name_loss(pair: &mut Pair) {
    let aside = matches!(pair.name.as_str(), "time" | "data") || is_rate(&pair.name);
    if !aside && CounterKind::of(&pair.name) == CounterKind::Value && !pair.name.to_lowercase().contains("loss") {
        pair.name.push_str("_loss");
    }
}

/// Adds a number to the row. A name that is only a split is its loss in a row with a counter;
/// without one it is a size: `Train: 3667`.
fn take(pair: &Pair, column: Option<usize>, counted: bool, gather: &mut Gather) {
    let Some(column) = column else { return };
    let Some(name) = gather.name(column) else { return };
    let kind = name.kind;
    if !counted && name.split && (pair.value.fract() == 0.0 || !gather.is_counted()) {
        return;
    }
    if let Some(whole) = pair.whole {
        gather.total(kind, whole);
    }
    if pair.mark == Mark::End {
        gather.epoch_ended();
    }
    gather.put(column, pair.value);
}

/// Takes in a message that the loss is not finite.
fn message(line: &str, gather: &mut Gather) {
    if let Some(step) = text::broken_at(line) {
        gather.broke(step);
    } else if line.starts_with("KeyboardInterrupt") {
        gather.interrupted();
    }
}
