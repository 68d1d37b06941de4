//! Lines that are about other lines.

use crate::gather::Gather;
use crate::names::{DataSplit, is_rate};
use crate::number;
use crate::text::{self, Pair};

/// Looks for what a line without a metric says. Returns whether that is all.
pub(super) fn without_metric(line: &str, found: &[Pair], counted: bool, gather: &mut Gather) -> bool {
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
    let told = if counted { Vec::new() } else { settings_of_title(line, found) };
    if !told.is_empty() {
        gather.started_with(told.len());
        told.iter().for_each(|(name, value)| gather.fact(name, &value.to_string()));
        return true;
    }
    let first = !counted && is_first_rate(line, found);
    if first {
        found.iter().filter(|p| is_rate(&p.name)).for_each(|p| gather.fact("lr", &p.value.to_string()));
    }
    first
}

/// Whether a person says a line: what they tell of a run are no readings of it.
pub(super) fn is_said(line: &str) -> bool {
    let mut before = "";
    line.split([' ', ',', '.']).any(|word| {
        let verb = word.starts_with(|c: char| c.is_ascii_lowercase());
        let said = matches!(before, "I" | "we" | "We") && verb || matches!(word, "my" | "My" | "our");
        before = word;
        said
    })
}

/// Whether a line is the heading of what follows: `Step 3: Load the data`, behind any mark.
pub(super) fn is_heading(line: &str) -> bool {
    let words = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let rest = words.strip_prefix("Step ").or_else(|| words.strip_prefix("STEP "));
    let rest = rest.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.and_then(|rest| rest.strip_prefix(": ")).is_some_and(|rest| rest.starts_with(char::is_alphabetic))
}

/// The settings in the title of a run, as scripts print it that try several rates: `===== lr=0.01
/// =====`, `Training with lr 0.01`. None where it names no rate.
fn settings_of_title<'a>(line: &str, found: &'a [Pair]) -> Vec<(&'a str, f64)> {
    if !found.iter().any(|p| is_rate(&p.name) && p.value > 0.0) {
        return Vec::new();
    }
    let line = line.trim_start();
    // Not a flag, `--lr 0.1`.
    let rest = line.trim_start_matches(['=', '-', '#', '*', '>', '~']);
    let ruled = line.len() - rest.len() > if rest.starts_with(' ') { 1 } else { 2 };
    let first = line.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or("").to_ascii_lowercase();
    if !ruled && !matches!(&*first, "train" | "training" | "run" | "running" | "trying" | "experiment" | "trial") {
        return Vec::new();
    }
    found.iter().map(|p| (if is_rate(&p.name) { "lr" } else { p.name.as_str() }, p.value)).collect()
}

/// Whether a line tells a reading again: of the best state, or of one that is loaded.
pub(super) fn is_recall(line: &str) -> bool {
    // Each word follows one of these letters: a usual line holds few.
    let bytes = line.as_bytes();
    let begins = |at: usize, word: &[u8]| bytes.get(at..at + word.len()).is_some_and(|w| w.eq_ignore_ascii_case(word));
    memchr::memchr2_iter(b'b', b'B', bytes).any(|at| begins(at, b"best"))
        || memchr::memchr2_iter(b'l', b'L', bytes).any(|at| begins(at, b"load"))
        || memchr::memchr2_iter(b'r', b'R', bytes).any(|at| begins(at, b"restor"))
        || !line.is_ascii() && (line.contains("最优") || line.contains("最佳"))
}

/// Whether a line tells the rate with which the run begins: `Initial learn rate: 0.001`.
fn is_first_rate(line: &str, found: &[Pair]) -> bool {
    let lower = line.get(..160.min(line.len())).unwrap_or("").to_ascii_lowercase();
    found.iter().any(|p| is_rate(&p.name) && p.value > 0.0)
        && ["initial", "base", "max", "peak", "config", "starting"].iter().any(|word| lower.contains(word))
}

/// Whether a line counts or sums up what was told elsewhere: a column of a table of pandas, `2 loss
/// 24 non-null float64`, or the summary of Comet, `COMET INFO: loss [24] : (0.1, 0.9)`.
pub(super) fn is_of_others(line: &str) -> bool {
    line.starts_with("COMET INFO:") || line.ends_with(['4', '2', 't', 'l']) && line.contains(" non-null ")
}

/// Whether the lines are those of a report of scikit-learn on classes, below its header.
#[derive(Debug, Clone, Default)]
pub(super) struct ClassReport(bool);

impl ClassReport {
    /// Takes in a line if it is of a report: of what it tells, the accuracy is a reading, of an
    /// evaluation, and the rest is of single classes or of means over them.
    pub fn takes(&mut self, line: &str, gather: &mut Gather) -> bool {
        if line.ends_with("support") && line.split_whitespace().eq(["precision", "recall", "f1-score", "support"]) {
            self.0 = true;
            return true;
        }
        if !self.0 || line.trim().is_empty() {
            return false;
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        if let ["accuracy", value, _] = words.as_slice()
            && let Some(value) = number::whole(value.as_bytes())
        {
            gather.number("accuracy", value);
            gather.end_row_of(DataSplit::Evaluation.prefix());
            return true;
        }
        self.0 = words.iter().rev().take_while(|word| number::whole(word.as_bytes()).is_some()).count() >= 4;
        self.0
    }
}

/// Whether a line without a metric names an epoch or step that is over: the best one, `Best epoch =
/// 3`, or that of a message of Keras, `Epoch 00005: early stopping`.
pub(super) fn is_of_past(line: &str) -> bool {
    if line.starts_with("Epoch ") && [": early stopping", " improve", ": ReduceLR"].iter().any(|w| line.contains(w)) {
        return true;
    }
    let names = |at: usize| {
        let rest = line.get(at..).unwrap_or("").trim_start_matches([' ', '_', '-']);
        ["epoch", "Epoch", "EPOCH", "step", "Step", "iter", "Iter"].iter().any(|word| rest.starts_with(word))
    };
    line.match_indices("est")
        .any(|(at, est)| matches!(line.as_bytes().get(at.wrapping_sub(1)), Some(b'b' | b'B')) && names(at + est.len()))
}

/// Whether a line tells the rates of the weights of one parameter, as those of PaddlePaddle do:
/// `avg_abs_val=0.4 max_lr=489.399 min_lr=0.387 avg_lr=67.9`.
pub(super) fn is_of_parameter(line: &str) -> bool {
    line.contains("max_lr=") && line.contains("avg_lr=")
}

/// The number that stands alone within a rule: `-----3-----`.
pub(super) fn ruled_count(line: &str) -> Option<f64> {
    let mark = line.trim_start().chars().next().filter(|c| matches!(c, '-' | '=' | '*' | '#'))?;
    let rest = line.trim().trim_start_matches(mark);
    let count = rest.trim_end_matches(mark);
    let ruled = rest.len() - count.len() > 2 && line.trim().len() - rest.len() > 2;
    count.trim().parse::<u32>().ok().filter(|_| ruled).map(f64::from)
}

/// Values in words from which on a dictionary is a configuration.
const SETTINGS: usize = 3;

/// Whether a line holds the dictionary of a configuration: some of its values are words, or are on
/// or off.
pub(super) fn is_configuration(line: &str) -> bool {
    let Some(at) = memchr::memchr(b'{', line.as_bytes()) else { return false };
    let inside = line.get(at..).unwrap_or("");
    let values = ["': '", "\": \"", ": True", ": False", ": None", ": true", ": false", ": null"];
    values.iter().map(|value| inside.matches(value).count()).sum::<usize>() >= SETTINGS
}
