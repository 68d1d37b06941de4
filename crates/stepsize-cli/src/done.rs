//! How a command ends: [`Done`] (text for stdout and an exit code) or [`Fault`] (text for stderr
//! and an exit code).
//!
//! Text is written in one piece. A reader that has closed the pipe is not a failure: `stepsize find
//! | head -1` ends quietly.

use crate::next::Following;
use crate::remedy::with_options;
use std::ffi::OsString;
use std::fmt::Display;
use std::io::Write;
use std::sync::OnceLock;

/// The verb of this process, whose help an error names.
static VERB: OnceLock<String> = OnceLock::new();

/// Remembers the verb of the command line `words`.
pub fn remember_verb(words: &[OsString]) {
    let verb = words.get(1).and_then(|word| word.to_str()).filter(|word| !word.starts_with('-') && *word != "help");
    let _ = VERB.set(verb.unwrap_or_default().to_owned());
}

/// The arguments were wrong.
pub const USAGE: u8 = 2;
/// Something failed: a file, a trial, a cluster.
const FAILURE: u8 = 1;
/// The evidence does not support an answer.
const REFUSED: u8 = 3;
/// A verdict is one of `--fail-on`.
pub const FAILED_ON: u8 = 4;
/// Ctrl-C ended it early; its text rests on what had ended by then.
const INTERRUPTED: u8 = 130;

/// The exit codes and their meaning.
pub const CODES: [(u8, &str); 6] = [
    (0, "an answer, or what was asked for was done"),
    (FAILURE, "a failure: a file, a trial, a cluster; a training run that diverged; a file that could not be written"),
    (USAGE, "wrong arguments; nothing has run"),
    (REFUSED, "refused: the evidence supports no answer"),
    (FAILED_ON, "a verdict of `diagnose` is one that --fail-on names"),
    (INTERRUPTED, "interrupted by Ctrl-C or SIGTERM; the text rests on what had ended by then"),
];

/// A command that did what it was asked to do.
#[derive(Debug)]
pub struct Done {
    text: String,
    code: u8,
    /// Files that could not be written.
    unwritten: Vec<Fault>,
    /// What to run after an answer.
    then: Option<Following>,
    /// Numbers for `--notify`.
    facts: Vec<(&'static str, String)>,
    /// The result in a line, for `--notify`.
    brief: Option<String>,
}

/// How a verb ended, for `--notify`.
#[derive(Debug, Clone)]
pub struct Told {
    /// The exit code of the verb, before a full run that follows.
    pub code: u8,
    /// What was printed.
    pub text: String,
    /// In one line.
    pub message: String,
    /// Numbers by name.
    pub facts: Vec<(&'static str, String)>,
}

/// A command that failed.
#[derive(Debug)]
pub struct Fault {
    message: String,
    code: u8,
}

impl Done {
    /// An answer.
    pub fn answer(text: impl Into<String>) -> Self {
        Self::with_code(text.into(), 0)
    }

    /// An answer, or a refusal when there is no rate.
    pub fn answer_or_refusal(text: String, answered: bool) -> Self {
        Self::with_code(text, if answered { 0 } else { REFUSED })
    }

    /// The same, ended early by Ctrl-C if `interrupted`.
    pub fn or_interrupted(self, interrupted: bool) -> Self {
        if interrupted { Self { code: INTERRUPTED, ..self } } else { self }
    }

    /// The same as a failure, with its reason after the text.
    pub fn or_failed(mut self, fault: Option<Fault>) -> Self {
        if let Some(fault) = fault {
            self.code = FAILURE;
            self.unwritten.push(fault);
        }
        self
    }

    /// The same, with more text.
    pub fn and_text(mut self, more: &str) -> Self {
        self.text += more;
        self
    }

    /// The same, with files that could not be written. They are told after the text.
    pub fn and_unwritten(self, unwritten: Vec<Fault>) -> Self {
        Self { unwritten, ..self }
    }

    /// The same, with a full run to start after an answer; its exit code is the last.
    pub fn and_then_run(self, then: Option<Following>) -> Self {
        Self { then, ..self }
    }

    /// Text with an exit code of its own.
    pub fn with_code(text: String, code: u8) -> Self {
        Self { text, code, unwritten: Vec::new(), then: None, facts: Vec::new(), brief: None }
    }

    /// The same with its result in a line and its numbers by name.
    pub fn and_told(self, brief: String, facts: Vec<(&'static str, String)>) -> Self {
        Self { facts, brief: Some(brief), ..self }
    }

    /// How it ended.
    pub fn told(&self) -> Told {
        let first = || self.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default().trim().to_owned();
        let message = self.brief.clone().unwrap_or_else(first);
        Told { code: self.code, text: self.text.clone(), message, facts: self.facts.clone() }
    }

    /// The word for an end with this exit code that is no success.
    pub fn word_of(code: u8) -> &'static str {
        match code {
            REFUSED => "refused",
            INTERRUPTED => "interrupted",
            _ => "failed",
        }
    }

    /// The result of a check; a failure when something must be fixed.
    pub fn checked(text: String, sound: bool) -> Self {
        Self::with_code(text, if sound { 0 } else { FAILURE })
    }

    /// Whether it came to its end: an answer or a refusal.
    pub fn is_whole(&self) -> bool {
        matches!(self.code, 0 | REFUSED)
    }

    /// Writes the text to standard output and returns the exit code.
    pub fn print(self) -> u8 {
        let mut out = std::io::stdout().lock();
        match out.write_all(self.text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Fault::failure(format!("cannot write to standard output: {error}")).print()
            }
            _ => {
                drop(out); // the full run writes to it too
                let code = self.unwritten.into_iter().fold(self.code, |_, fault| fault.print());
                match self.then.filter(|_| self.code == 0) {
                    Some(run) => run.make().unwrap_or_else(Fault::print),
                    None => code,
                }
            }
        }
    }
}

impl Fault {
    /// Wrong arguments. The message says which, and what to do.
    pub fn usage(message: impl Display) -> Self {
        Self { message: message.to_string(), code: USAGE }
    }

    /// A failure that other arguments would not have avoided.
    pub fn failure(message: impl Display) -> Self {
        Self { message: message.to_string(), code: FAILURE }
    }

    /// The same, with more at the end of its message.
    pub fn and_more(self, more: impl FnOnce(&str) -> String) -> Self {
        let message = with_options(&self.message);
        let more = more(&message);
        Self { message: message + &more, ..self }
    }

    /// How it ended.
    pub fn told(&self) -> Told {
        let text = with_options(&self.message);
        let message = text.lines().next().unwrap_or_default().to_owned();
        Told { code: self.code, text: text + "\n", message, facts: Vec::new() }
    }

    /// Writes the message to standard error and returns the exit code.
    pub fn print(self) -> u8 {
        let help = ["stepsize help", VERB.get().map_or("", String::as_str)].join(" ");
        let hint = match self.code {
            USAGE => format!("\n\nFor more information, try '{}'.", help.trim()),
            _ => String::new(),
        };
        let _ = writeln!(std::io::stderr(), "error: {}{hint}", with_options(&self.message));
        self.code
    }
}

impl From<stepsize::Error> for Fault {
    fn from(error: stepsize::Error) -> Self {
        Self::failure(error)
    }
}
