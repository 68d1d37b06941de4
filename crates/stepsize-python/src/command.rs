//! `main`: the command line, as the console script of the wheel calls it.

use pyo3::prelude::*;
use std::ffi::OsString;

/// Runs the command line `words` (the first is the program's name) and gives its exit code.
#[pyfunction]
pub(crate) fn main(py: Python<'_>, words: Vec<OsString>) -> u8 {
    py.detach(|| stepsize_cli::main(words))
}
