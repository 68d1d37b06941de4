//! How a command ends: [`Done`] (text for stdout and an exit code) or [`Fault`] (text for stderr
//! and an exit code).
//!
//! Exit codes: 0 an answer, 3 a refusal, 2 wrong arguments, 1 a failure, 130 interrupted. Text is
//! written in one piece. A reader that has closed the pipe is not a failure: `stepsize find | head
//! -1` ends quietly.

use crate::remedy::with_options;
use std::fmt::Display;
use std::io::Write;

/// The arguments were wrong.
pub const USAGE: u8 = 2;
/// Something failed: a file, a trial, a cluster.
const FAILURE: u8 = 1;
/// The evidence does not support an answer.
const REFUSED: u8 = 3;
/// Ctrl-C ended it early; its text rests on what had ended by then.
const INTERRUPTED: u8 = 130;

/// A command that did what it was asked to do.
#[derive(Debug)]
pub struct Done {
    text: String,
    code: u8,
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
        Self { text: text.into(), code: 0 }
    }

    /// An answer, or a refusal when there is no rate.
    pub fn answer_or_refusal(text: String, answered: bool) -> Self {
        Self { text, code: if answered { 0 } else { REFUSED } }
    }

    /// The same, ended early by Ctrl-C if `interrupted`.
    pub fn or_interrupted(self, interrupted: bool) -> Self {
        if interrupted { Self { code: INTERRUPTED, ..self } } else { self }
    }

    /// Text with an exit code of its own.
    pub fn with_code(text: String, code: u8) -> Self {
        Self { text, code }
    }

    /// The result of a check; a failure when something must be fixed.
    pub fn checked(text: String, sound: bool) -> Self {
        Self { text, code: if sound { 0 } else { FAILURE } }
    }

    /// Writes the text to standard output and returns the exit code.
    pub fn print(self) -> u8 {
        let mut out = std::io::stdout().lock();
        match out.write_all(self.text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                Fault::failure(format!("cannot write to standard output: {error}")).print()
            }
            _ => self.code,
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

    /// Writes the message to standard error and returns the exit code.
    pub fn print(self) -> u8 {
        let hint = if self.code == USAGE { "\n\nFor more information, try 'stepsize help'." } else { "" };
        let _ = writeln!(std::io::stderr(), "error: {}{hint}", with_options(&self.message));
        self.code
    }
}

impl From<stepsize::Error> for Fault {
    fn from(error: stepsize::Error) -> Self {
        Self::failure(error)
    }
}
