//! The core's errors as Python's: what the caller got wrong is a `ValueError`, what broke on the way a `RuntimeError`.

use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use stepsize::Error;

pyo3::create_exception!(
    stepsize,
    NotationError,
    PyValueError,
    "Text that does not parse. `column` is the zero-based character at which it fails."
);

/// The Python form of `error`.
pub(crate) fn raised(error: Error) -> PyErr {
    if let Some(column) = error.column() {
        let raised = NotationError::new_err(error.to_string());
        // Without the attribute the message still shows the column.
        let _ = Python::attach(|py| raised.value(py).setattr("column", column));
        return raised;
    }
    if error.is_engine() {
        PyRuntimeError::new_err(error.to_string())
    } else {
        PyValueError::new_err(error.to_string())
    }
}

/// Text that is not the JSON it should be.
pub(crate) fn not_json(error: serde_json::Error) -> PyErr {
    PyValueError::new_err(format!("not the JSON that `to_json` gives: {error}"))
}
