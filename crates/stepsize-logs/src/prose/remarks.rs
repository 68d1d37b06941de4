//! Lines that are about other lines.

use crate::gather::Gather;
use crate::names::{DataSplit, is_rate};
use crate::number;
use crate::text::Pair;

/// Whether a line is the heading of what follows: `Step 3: Load the data`, behind any mark.
pub(super) fn is_heading(line: &str) -> bool {
    let words = line.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let rest = words.strip_prefix("Step ").or_else(|| words.strip_prefix("STEP "));
    let rest = rest.map(|rest| rest.trim_start_matches(|c: char| c.is_ascii_digit()));
    rest.and_then(|rest| rest.strip_prefix(": ")).is_some_and(|rest| rest.starts_with(char::is_alphabetic))
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
pub(super) fn is_first_rate(line: &str, found: &[Pair]) -> bool {
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
