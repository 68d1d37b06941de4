//! [`Tail`]: the last lines of a trial, for the message when it fails.

use std::collections::VecDeque;

/// Lines kept: a Python traceback with its cause.
const LINES: usize = 12;
/// Characters kept of a line.
const WIDTH: usize = 300;

/// The last lines, each cut to a width that a person reads.
#[derive(Debug, Default)]
pub(super) struct Tail {
    lines: VecDeque<String>,
}

impl Tail {
    pub fn push(&mut self, line: &str) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let mut kept: String = line.chars().filter(|c| !c.is_control() || *c == '\t').take(WIDTH).collect();
        if line.len() > kept.len() && line.chars().nth(WIDTH).is_some() {
            kept.push('…');
        }
        self.lines.push_back(kept);
    }

    /// The last line, where exceptions are named.
    pub fn last(&self) -> &str {
        self.lines.back().map_or("", String::as_str)
    }

    /// The lines, indented, with a heading.
    pub fn show(&self) -> String {
        if self.lines.is_empty() {
            return "it printed nothing".to_owned();
        }
        self.lines.iter().fold("its last lines:".to_owned(), |text, line| text + "\n  | " + line)
    }
}
