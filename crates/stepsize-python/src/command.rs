//! `main`: the command line, as the console script of the wheel calls it.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command line `words` (the first is the program's name) and gives its exit code.
#[cfg(feature = "command-line")]
#[pyfunction]
pub(crate) fn main(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| stepsize_cli::main(words))
}

/// In a module that was built alone.
#[cfg(not(feature = "command-line"))]
#[pyfunction]
pub(crate) fn main(words: Vec<OsString>) -> PyResult<u8> {
    let _ = words;
    Err(pyo3::exceptions::PyRuntimeError::new_err(
        "this module was built without the command line: install the wheel, or build with --features command-line",
    ))
}
