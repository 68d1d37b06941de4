//! The one error of this crate.
//!
//! Opaque with predicates, so that callers can act on the class of a fault without matching on its wording.
//! A message says what was tried, the value seen and what to do.

use std::fmt;

/// What can go wrong in this crate. Ask it with the `is_*` predicates; show it with `Display`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
}

/// `Result` with this crate's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

#[derive(Debug)]
enum ErrorKind {
    Invalid(String),
    Notation { message: String, text: String, column: usize },
    Engine(Box<dyn std::error::Error + Send + Sync>),
    State(String),
}

impl Error {
    /// A value that is not legal: the message names the value, the rule and the remedy.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::Invalid(message.into()) }
    }

    /// Text that does not parse. `column` is zero-based, in characters of `text`.
    pub fn notation(message: impl Into<String>, text: impl Into<String>, column: usize) -> Self {
        Self { kind: ErrorKind::Notation { message: message.into(), text: text.into(), column } }
    }

    /// A training engine failed (not: diverged, which is a fact and no error).
    pub fn engine(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { kind: ErrorKind::Engine(source.into()) }
    }

    /// Saved state that does not fit what it is restored into.
    pub fn state(message: impl Into<String>) -> Self {
        Self { kind: ErrorKind::State(message.into()) }
    }

    /// An argument was out of range or contradictory.
    pub fn is_invalid(&self) -> bool {
        matches!(self.kind, ErrorKind::Invalid(_))
    }

    /// A notation text did not parse; [`Error::column`] says where.
    pub fn is_notation(&self) -> bool {
        matches!(self.kind, ErrorKind::Notation { .. })
    }

    /// The training engine failed.
    pub fn is_engine(&self) -> bool {
        matches!(self.kind, ErrorKind::Engine(_))
    }

    /// Saved state could not be restored.
    pub fn is_state(&self) -> bool {
        matches!(self.kind, ErrorKind::State(_))
    }

    /// Zero-based column of a notation error, in characters.
    pub fn column(&self) -> Option<usize> {
        match &self.kind {
            ErrorKind::Notation { column, .. } => Some(*column),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Invalid(message) | ErrorKind::State(message) => f.write_str(message),
            ErrorKind::Notation { message, text, column } => {
                write!(f, "{message} at column {}\n  {text}\n  {}^", column + 1, " ".repeat(*column))
            }
            ErrorKind::Engine(source) => write!(f, "training failed: {source}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            ErrorKind::Engine(source) => Some(source.as_ref()),
            _ => None,
        }
    }
}
