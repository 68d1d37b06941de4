//! How a command ends: [`Done`] (text for stdout and an exit code) or [`Fault`] (text for stderr and an exit code).
//!
//! Exit codes: 0 an answer, 3 a refusal, 2 a command that makes no sense, 1 a failure. Text is written in one piece, and
//! a reader that has gone away is no failure: `stepsize find | head -1` ends quietly.

use std::fmt::Display;
use std::io::Write;

/// The command made no sense.
pub const USAGE: u8 = 2;
/// Something broke on the way.
const FAILURE: u8 = 1;
/// The evidence does not support an answer.
const REFUSED: u8 = 3;

/// A command that did what it was asked.
#[derive(Debug)]
pub struct Done {
    text: String,
    code: u8,
}

/// A command that did not.
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

    /// An answer, or a refusal if there is no rate.
    pub fn answer_or_refusal(text: String, answered: bool) -> Self {
        Self { text, code: if answered { 0 } else { REFUSED } }
    }

    /// Text with an exit code of its own.
    pub fn with_code(text: String, code: u8) -> Self {
        Self { text, code }
    }

    /// What was looked at; a failure when a check found something wrong.
    pub fn checked(text: String, sound: bool) -> Self {
        Self { text, code: if sound { 0 } else { FAILURE } }
    }

    /// Writes the text to stdout and gives the exit code.
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
    /// The command made no sense.
    pub fn usage(message: impl Display) -> Self {
        Self { message: message.to_string(), code: USAGE }
    }

    /// Something broke.
    pub fn failure(message: impl Display) -> Self {
        Self { message: message.to_string(), code: FAILURE }
    }

    /// Writes the message to stderr and gives the exit code.
    pub fn print(self) -> u8 {
        let hint = if self.code == USAGE { "\n\nFor more information, try 'stepsize help'." } else { "" };
        let _ = writeln!(std::io::stderr(), "error: {}{hint}", self.message);
        self.code
    }
}

impl From<stepsize::Error> for Fault {
    fn from(error: stepsize::Error) -> Self {
        Self::failure(error)
    }
}
