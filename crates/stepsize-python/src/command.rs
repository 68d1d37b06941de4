//! `main`: the command line; the console script of the wheel calls it.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command line. The first of `words` is the name of the program. Returns the exit code.
#[cfg(feature = "command-line")]
#[pyfunction]
pub(crate) fn main(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| stepsize_cli::main(words))
}

/// Raises `RuntimeError`: this module was built without the command line.
#[cfg(not(feature = "command-line"))]
#[pyfunction]
pub(crate) fn main(words: Vec<OsString>) -> PyResult<u8> {
    let _ = words;
    Err(pyo3::exceptions::PyRuntimeError::new_err(
        "this module was built without the command line: install the wheel, or build with --features command-line",
    ))
}
