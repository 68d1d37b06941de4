//! [`Tail`]: the last lines of a trial, for the message when it fails.

use std::collections::VecDeque;
use stepsize_logs::text::plain;

/// Lines kept: a Python traceback with its cause.
const LINES: usize = 12;
/// Characters shown of a line.
const WIDTH: usize = 300;
/// Bytes kept of a line; some may be colours and the like.
const BYTES: usize = 2048;

/// The last lines, each cut to a width that a person reads.
#[derive(Debug, Default)]
pub(crate) struct Tail {
    lines: VecDeque<String>,
    /// The last line of each pipe: two pipes are not read in the order in which they were written.
    last: [String; 2],
}

impl Tail {
    /// Takes one line of a pipe: 0 is standard output, 1 standard error. Cheap: a program may print
    /// millions of lines.
    pub fn push(&mut self, pipe: usize, line: &str) {
        let mut kept =
            if self.lines.len() == LINES { self.lines.pop_front().unwrap_or_default() } else { String::new() };
        let beginning = line.get(..line.floor_char_boundary(BYTES)).unwrap_or_default();
        kept.clear();
        kept.push_str(beginning);
        self.last[pipe].clear();
        self.last[pipe].push_str(beginning);
        self.lines.push_back(kept);
    }

    /// The last lines of standard error and of standard output, where exceptions are named.
    pub fn last(&self) -> impl Iterator<Item = String> {
        self.last.iter().rev().map(|line| shown(line))
    }

    /// The lines, indented, with a heading.
    pub fn show(&self) -> String {
        if self.lines.is_empty() {
            return "it printed nothing".to_owned();
        }
        self.lines.iter().fold("its last lines:".to_owned(), |text, line| text + "\n  | " + &shown(line))
    }
}

/// A line as a person reads it.
fn shown(line: &str) -> String {
    let plain = plain(line);
    let mut letters = plain.chars();
    let mut text: String = letters.by_ref().take(WIDTH).collect();
    if letters.next().is_some() {
        text.push('…');
    }
    text
}
