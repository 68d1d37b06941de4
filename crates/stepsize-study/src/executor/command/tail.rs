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
    /// The last line of each pipe: the order in which two pipes are read says nothing.
    last: [String; 2],
}

impl Tail {
    /// Takes one line of the pipe of that number: 0 is standard output, 1 standard error.
    pub fn push(&mut self, pipe: usize, line: &str) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let mut kept: String = line.chars().filter(|c| !c.is_control() || *c == '\t').take(WIDTH).collect();
        if line.len() > kept.len() && line.chars().nth(WIDTH).is_some() {
            kept.push('…');
        }
        self.last[pipe].clone_from(&kept);
        self.lines.push_back(kept);
    }

    /// The last lines of standard error and of standard output, where exceptions are named.
    pub fn last(&self) -> impl Iterator<Item = &str> {
        self.last.iter().rev().map(String::as_str)
    }

    /// The lines, indented, with a heading.
    pub fn show(&self) -> String {
        if self.lines.is_empty() {
            return "it printed nothing".to_owned();
        }
        self.lines.iter().fold("its last lines:".to_owned(), |text, line| text + "\n  | " + line)
    }
}
