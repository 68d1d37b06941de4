//! The workspace's errors as Python exceptions, by kind.
//!
//! | kind | exception |
//! |---|---|
//! | an illegal argument, a state that does not fit | `ValueError` |
//! | text that does not parse | `NotationError`, a `ValueError` |
//! | the disk, a file or a permission | `OSError`, of the subclass that belongs to its `errno` |
//! | a training that failed, a defect of Stepsize | `RuntimeError` |

use pyo3::exceptions::{PyOSError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use std::io::ErrorKind;
use stepsize::Error;

pyo3::create_exception!(
    stepsize,
    NotationError,
    PyValueError,
    "Text that does not parse. `column` is the zero-based character at which it fails."
);

/// The Python exception for `error`.
pub(crate) fn raised(error: Error) -> PyErr {
    let message = error.to_string();
    worded(error, message)
}

/// The same, where an argument has what is wrong.
pub(crate) fn raised_for(argument: &str, error: Error) -> PyErr {
    let message = format!("{argument}: {error}");
    worded(error, message)
}

fn worded(error: Error, message: String) -> PyErr {
    if let Some(column) = error.column() {
        let raised = NotationError::new_err(message);
        // Without the attribute the message still shows the column.
        let _ = Python::attach(|py| raised.value(py).setattr("column", column));
        return raised;
    }
    if error.is_io() {
        let path = error.path().map(std::path::Path::to_owned);
        return match (errno(&error), path) {
            (Some(errno), Some(path)) => PyOSError::new_err((errno, message, path)),
            (Some(errno), None) => PyOSError::new_err((errno, message)),
            (None, _) => PyOSError::new_err(message),
        };
    }
    if error.is_engine() || error.is_internal() {
        PyRuntimeError::new_err(message)
    } else {
        PyValueError::new_err(message)
    }
}

/// The system's number of an I/O error. Where only the kind is known (SQLite keeps the number to
/// itself), the number that Linux and macOS both give to that kind.
fn errno(error: &Error) -> Option<i32> {
    let source = std::error::Error::source(error)?.downcast_ref::<std::io::Error>()?;
    source.raw_os_error().or(match source.kind() {
        ErrorKind::NotFound => Some(2),          // ENOENT
        ErrorKind::Other => Some(5),             // EIO
        ErrorKind::PermissionDenied => Some(13), // EACCES
        ErrorKind::ResourceBusy => Some(16),     // EBUSY
        ErrorKind::StorageFull => Some(28),      // ENOSPC
        _ => None,
    })
}

/// The exception for text that is not the JSON it should be.
pub(crate) fn not_json(error: serde_json::Error) -> PyErr {
    PyValueError::new_err(format!("not the JSON that `to_json` gives: {error}"))
}
