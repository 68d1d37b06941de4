//! [`Blocks`]: stretches of a log that hold no readings: source code, traces of a shell,
//! configurations.
//!
//! A line alone often leaves it open: `val_loss = 0` may be a reading. So what surely is code, or
//! the title of a configuration, opens a block, and lines that may belong to it are taken for part
//! of it until one cannot be.

use crate::names::{is_counter, metric_direction, plain};
use crate::number;

/// Lines that may follow the last sure line of source code, or the title of a configuration.
const REACH: u32 = 60;
const SETTINGS: u32 = 600;

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Line {
    /// Anything else.
    Open,
    /// Source code, or what else holds no reading.
    Code,
    /// A setting, which is no reading.
    Setting(String, String),
}

/// Follows the blocks of a text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Blocks {
    /// Lines for which a block of code, or of settings, may go on.
    code: u32,
    settings: u32,
    /// Open braces of a configuration.
    braces: u32,
    traceback: bool,
}

impl Blocks {
    /// What the next line is.
    pub fn next(&mut self, line: &str) -> Line {
        let trimmed = line.trim();
        let indented = line.starts_with([' ', '\t']);
        if self.traceback && indented {
            return Line::Code;
        }
        self.traceback = trimmed.starts_with("Traceback (most recent call last)");
        if self.traceback || is_code(trimmed, indented) {
            self.code = REACH;
            return Line::Code;
        }
        if self.code > 0 {
            self.code -= 1;
            if may_be_code(trimmed, indented) {
                return Line::Code;
            }
        }
        self.setting(trimmed)
    }

    fn setting(&mut self, trimmed: &str) -> Line {
        let title = is_title(trimmed);
        if title || self.braces > 0 {
            let opens = trimmed.ends_with(['{', '(']);
            let closes = trimmed.starts_with(['}', ')']);
            self.braces = (self.braces + u32::from(opens)).saturating_sub(u32::from(closes)).min(64);
        }
        if title {
            self.settings = SETTINGS;
            return Line::Open;
        }
        // Without a title only names in capitals, or with a mark in front, are settings.
        let may = self.settings > 0 || !trimmed.starts_with(|c: char| c.is_ascii_lowercase());
        if let Some((name, value)) = Some(trimmed).filter(|_| may).and_then(lone) {
            let short = !value.contains(' ') && value.len() <= 64;
            let capitals = short && name.contains('_') && !name.contains(|c: char| c.is_ascii_lowercase());
            // `_batch_size: 256`, as some trainers print what they made of their settings.
            let private = short && name.starts_with('_') && !is_counter(name);
            if self.settings > 0 && short && !is_reading(name, value) || capitals || private {
                self.settings = self.settings.saturating_sub(1);
                return Line::Setting(name.to_owned(), value.to_owned());
            }
        }
        // Titles of parts, rules and lists are part of a configuration.
        let part = self.braces > 0
            || trimmed.ends_with([':', '{', '[', ','])
            || trimmed.starts_with(['}', ']', ')', '-', '=', '*', '#']);
        self.settings = if part { self.settings.saturating_sub(1) } else { 0 };
        Line::Open
    }
}

/// Whether a line, without the spaces around it, is source code or a trace of a shell for sure.
fn is_code(line: &str, indented: bool) -> bool {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(line.len());
    let (word, rest) = line.split_at_checked(end).unwrap_or((line, ""));
    let block = || line.ends_with(':') || line.contains("): ") || line.ends_with('{');
    match word {
        "" => line.starts_with("++ ") || line.starts_with("+++ ") || line.starts_with('@') && indented,
        "import" | "raise" | "assert" | "elif" | "lambda" | "nonlocal" | "yield" => rest.starts_with(' '),
        "from" => rest.contains(" import "),
        "def" | "class" => block() && rest.starts_with(' '),
        "if" | "for" | "while" | "with" | "except" | "else" | "try" | "finally" => block(),
        "print" => rest.starts_with('('),
        // What Darknet prints of each layer of each batch, above the loss of the step.
        "v3" => rest.starts_with(" (") && rest.contains("Region"),
        "Region" => rest.contains(" Avg"),
        "return" => !rest.starts_with([':', '=']) && !has_name(rest),
        _ if rest.starts_with(['.', '(', ' ', '[', ',']) => is_statement(line, rest),
        _ => false,
    }
}

/// Whether words with a separator or another number follow the first value: not an expression.
fn has_name(rest: &str) -> bool {
    let mut words = rest.split_whitespace();
    let number = |w: &str| number::whole(w.trim_end_matches(',').as_bytes()).is_some();
    words.next().is_some_and(number) && words.any(number)
}

/// Whether a line that begins with a name is a statement: `x = Call(`, `a += 1`, `y = a if b else
/// c`.
fn is_statement(line: &str, rest: &str) -> bool {
    // A usual line of a log ends here: every statement below holds this.
    let bytes = rest.as_bytes();
    if !memchr::memchr_iter(b'=', bytes).any(|at| bytes.get(at + 1) == Some(&b' ')) {
        return false;
    }
    if [" += ", " -= ", " *= ", " == "].iter().any(|mark| line.contains(mark)) {
        return true;
    }
    let Some(value) = rest.split_once(" = ").map(|(_, value)| value) else { return false };
    let name = value.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(value.len());
    let (call, open) = value.split_at_checked(name).unwrap_or((value, ""));
    let called = open.starts_with('(') && !call.is_empty() && !super::words::is_wrapper(call);
    called && call != "Namespace" || value.contains(" if ") && value.contains(" else ") || value.contains(" / (")
}

/// Whether a line may be source code, where code stands above it.
fn may_be_code(line: &str, indented: bool) -> bool {
    let end = line.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '.'))).unwrap_or(line.len());
    let rest = line.get(end..).unwrap_or("").trim_start();
    let assigns = end > 0 && rest.starts_with('=') && !rest.starts_with("==");
    let typed = end > 0 && rest.starts_with(':') && rest.contains(" = ");
    let alone = !line.contains([',', '|', ';']) || line.contains(['(', '[', '#']);
    // `epoch=0 i=9/530 total loss=2.5`
    if assigns && is_counter(line.get(..end).unwrap_or("")) && rest.matches('=').count() > 1 {
        return false;
    }
    (assigns || typed) && (alone || indented)
        || line.starts_with(['#', '"', ')', ']', '}'])
        || line.ends_with(['(', '\\'])
}

/// Whether a line is the title of a configuration: `Full config:`, `Arguments: {`.
fn is_title(line: &str) -> bool {
    if !line.ends_with([':', '{', '(']) || line.len() > 120 {
        return false;
    }
    let lower = line.to_ascii_lowercase();
    lower == "{"
        || ["config", "argument", "args", "param", "options", "setting", "hyper", "namespace"]
            .iter()
            .any(|word| lower.contains(word))
}

/// The name and the value of a line that holds nothing else: `  BASE_LR: 0.02`, `"lr": 0.1,`.
fn lone(line: &str) -> Option<(&str, &str)> {
    let (name, value) = line.split_once([':', '='])?;
    let name = name.trim().trim_start_matches(['-', '*', ' ']).trim_matches(['"', '\'']);
    let value = value.trim().trim_end_matches(',').trim_matches(['"', '\'']);
    let named = !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | '/'));
    (named && !value.is_empty() && value.len() <= 200 && !value.contains([':', '=', '|'])).then_some((name, value))
}

/// Whether a name and value within a configuration are a reading: the name of a metric, with a
/// value that is not whole.
fn is_reading(name: &str, value: &str) -> bool {
    let fraction = number::whole(value.as_bytes()).is_some_and(|v| !v.is_finite() || v.fract() != 0.0);
    let setting = ["weight", "smooth", "coef", "thresh", "alpha", "lambda", "target"];
    fraction && metric_direction(name).is_some() && !setting.iter().any(|word| plain(name).contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(lines: &[&str]) -> String {
        let mut blocks = Blocks::default();
        let kind = |line: &&str| match blocks.next(line) {
            Line::Open => 'o',
            Line::Code => 'c',
            Line::Setting(..) => 's',
        };
        lines.iter().map(kind).collect()
    }

    #[test]
    fn source_code_and_traces_of_a_shell() {
        let code = [
            "import torch",
            "def get_lr(it):",
            "    if it < 100:",
            "        return 1.0",
            "opt2 = AdamW([q], lr=0.004)",
            "    eval_freq = 100 if step / total < 0.8 else 20",
            "    if step == total or step % eval_freq == 0:",
            "        val_loss = 0",
            "            assert len(xs) % mb == 0",
            "    learning_rate : float = 0.0036",
            "    loss += 1.5",
            "++ return 0",
            "  return (len(seq) > 10 or None)",
        ];
        assert_eq!(kinds(&code), "c".repeat(code.len()));
        assert_eq!(
            kinds(&["Traceback (most recent call last):", "  File \"a.py\", line 3", "    x = 0.5", "step 1 loss 2"]),
            "ccco"
        );
        let logs = [
            "loss = 0.5",
            "val_loss = 0.25",
            "return 12.5 length 200",
            "return: 3",
            "for epoch 3 loss 0.5",
            "class 3 acc 0.5",
            " iteration       10/     120 | lm loss: 9.9E+00 |",
            "loss = tensor(0.5, device='cuda:0')",
            "from step 3 loss 0.5",
            "step 1: loss 2, lr = 0.1",
        ];
        assert_eq!(kinds(&logs), "o".repeat(logs.len()));
    }

    #[test]
    fn readings_right_after_code() {
        assert_eq!(kinds(&["return total, step(loss)", "epoch=0 i=9/530 total loss=2.5", "epoch = 3"]), "coc");
    }

    #[test]
    fn configurations() {
        let config = [
            "[11/18 14:20:20] detectron2 INFO: Full config:",
            "SOLVER:",
            "  BASE_LR: 0.02",
            "TEST:",
            "  SCORE_THRESH_TEST: 0.05",
            "iter: 19  total_loss: 2.6  lr: 0.004",
            "val_loss: 0.5",
        ];
        assert_eq!(kinds(&config), "oososoo");
        assert_eq!(kinds(&["Config: {", "\"lr\": 0.1,", "\"loss\": 1,", "}", "loss: 0.5"]), "ossoo");
        assert_eq!(kinds(&["loss: 0.5", "lr: 0.1"]), "oo");
    }
}
