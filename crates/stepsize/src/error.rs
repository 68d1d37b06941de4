//! The one error of this workspace.
//!
//! It is opaque with predicates, so that callers act on the kind of a fault and not on its wording.
//! A message says what was tried, the value seen and what to do; [`std::error::Error::source`]
//! gives what caused it.

use std::fmt;
use std::path::{Path, PathBuf};

/// What can go wrong. Ask for the kind with the `is_*` predicates; show it with `Display`.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    source: Option<Source>,
    advice: Option<String>,
}

/// `Result` with [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

type Source = Box<dyn std::error::Error + Send + Sync>;

#[derive(Debug)]
enum ErrorKind {
    Invalid(String),
    State(String),
    Notation { message: String, text: String, column: usize },
    // The other kinds show their source.
    Engine,
    Io { what: String, path: PathBuf },
    Internal,
}

impl Error {
    fn new(kind: ErrorKind, source: Option<Source>) -> Self {
        Self { kind, source, advice: None }
    }

    /// A value that is not legal. The message names the value, the rule and the remedy.
    pub fn invalid(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::Invalid(message.into()), None)
    }

    /// Text that does not parse. `column` is zero-based, in characters of `text`.
    pub fn notation(message: impl Into<String>, text: impl Into<String>, column: usize) -> Self {
        Self::new(ErrorKind::Notation { message: message.into(), text: text.into(), column }, None)
    }

    /// A training engine failed. (A run that diverges is a fact and not an error.)
    pub fn engine(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Engine, Some(source.into()))
    }

    /// Saved state that does not fit what it is restored into.
    pub fn state(message: impl Into<String>) -> Self {
        Self::new(ErrorKind::State(message.into()), None)
    }

    /// The system did not let us `what` (such as "read" or "write to") the file or directory at
    /// `path`; an empty path where the fault concerns none.
    ///
    /// ```
    /// use std::io::ErrorKind::PermissionDenied;
    /// let fault = stepsize::Error::io("read", "runs/a.csv", PermissionDenied.into());
    /// assert_eq!(fault.to_string(), "cannot read runs/a.csv: permission denied");
    /// assert!(fault.is_io() && fault.path().is_some());
    /// ```
    pub fn io(what: impl Into<String>, path: impl Into<PathBuf>, source: std::io::Error) -> Self {
        Self::new(ErrorKind::Io { what: what.into(), path: path.into() }, Some(source.into()))
    }

    /// A state that Stepsize itself should never reach, such as a thread that has ended before its
    /// work.
    pub fn internal(source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self::new(ErrorKind::Internal, Some(source.into()))
    }

    /// The same error with a sentence on what to do, shown after the message.
    #[must_use]
    pub fn with_advice(self, advice: impl Into<String>) -> Self {
        Self { advice: Some(advice.into()), ..self }
    }

    /// The same error with what caused it, for [`std::error::Error::source`]; the message stays as
    /// it is.
    #[must_use]
    pub fn with_source(self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        Self { source: Some(source.into()), ..self }
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
        matches!(self.kind, ErrorKind::Engine)
    }

    /// Saved state could not be restored.
    pub fn is_state(&self) -> bool {
        matches!(self.kind, ErrorKind::State(_))
    }

    /// A file, a directory or another resource of the system failed: the disk is full, the file is
    /// locked, permission is denied. [`Error::path`] names it; the source is a [`std::io::Error`].
    pub fn is_io(&self) -> bool {
        matches!(self.kind, ErrorKind::Io { .. })
    }

    /// A defect of Stepsize.
    pub fn is_internal(&self) -> bool {
        matches!(self.kind, ErrorKind::Internal)
    }

    /// Zero-based column of a notation error, in characters.
    pub fn column(&self) -> Option<usize> {
        match &self.kind {
            ErrorKind::Notation { column, .. } => Some(*column),
            _ => None,
        }
    }

    /// The file or directory of an I/O error, where it concerns one.
    pub fn path(&self) -> Option<&Path> {
        match &self.kind {
            ErrorKind::Io { path, .. } if !path.as_os_str().is_empty() => Some(path),
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            ErrorKind::Invalid(message) | ErrorKind::State(message) => f.write_str(message)?,
            ErrorKind::Notation { message, text, column } => {
                write!(f, "{message} at column {}\n  {text}\n  {}^", column + 1, " ".repeat(*column))?;
            }
            ErrorKind::Engine => f.write_str("training failed")?,
            ErrorKind::Io { what, .. } => {
                write!(f, "cannot {what}")?;
                if let Some(path) = self.path() {
                    write!(f, " {}", path.display())?;
                }
            }
            ErrorKind::Internal => f.write_str("internal error")?,
        }
        if matches!(self.kind, ErrorKind::Engine | ErrorKind::Io { .. } | ErrorKind::Internal)
            && let Some(source) = &self.source
        {
            write!(f, ": {source}")?;
        }
        match (&self.kind, &self.advice) {
            (_, Some(advice)) => write!(f, "; {advice}"),
            (ErrorKind::Internal, None) => f.write_str("; please report it"),
            _ => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::error::Error as _;

    fn cause(error: &Error) -> String {
        error.source().map(ToString::to_string).unwrap_or_default()
    }

    #[test]
    fn only_an_engine_says_that_training_failed() {
        assert_eq!(Error::engine("out of memory").to_string(), "training failed: out of memory");
        let ended = Error::internal("the thread of trial t3 has ended");
        assert_eq!(ended.to_string(), "internal error: the thread of trial t3 has ended; please report it");
        assert!(ended.is_internal() && !ended.is_engine() && cause(&ended).contains("t3"));
    }

    #[test]
    fn an_io_error_names_the_file_and_keeps_the_cause() {
        let full = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let error = Error::io("write to", "runs/a.db", full).with_advice("make room");
        assert_eq!(error.to_string(), "cannot write to runs/a.db: no storage space; make room");
        assert_eq!((error.path(), cause(&error).as_str()), (Some(Path::new("runs/a.db")), "no storage space"));
        let source = error.source().and_then(|s| s.downcast_ref::<std::io::Error>());
        assert_eq!(source.map(std::io::Error::kind), Some(std::io::ErrorKind::StorageFull));
        let nowhere = Error::io("start a thread", "", std::io::ErrorKind::OutOfMemory.into());
        assert_eq!((nowhere.to_string().as_str(), nowhere.path()), ("cannot start a thread: out of memory", None));
    }

    #[test]
    fn a_cause_can_be_kept_without_being_shown_twice() {
        let parse = "x".parse::<f64>().unwrap_err();
        let error = Error::invalid("a rate is a number, not x").with_source(parse);
        assert_eq!(
            (error.to_string().as_str(), cause(&error).as_str()),
            ("a rate is a number, not x", "invalid float literal")
        );
    }
}
