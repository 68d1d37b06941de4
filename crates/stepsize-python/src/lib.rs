//! `stepsize._native`: the core as Python sees it. It converts values, and releases the interpreter
//! lock in long calls.
//!
//! Nothing is decided here. Names in Python are the names in Rust. An argument that the core
//! refuses becomes a `ValueError` with the core's message; notation that does not parse becomes a
//! `NotationError` with the column.
//!
//! The `///` comments on classes and methods are the docstrings that `help()` shows in Python, so
//! they are written for Python. `_native.pyi` has the same sentences, for editors and type
//! checkers.

mod array;
mod command;
mod controller;
mod estimate;
mod fault;
mod policy;
mod schedule;
mod search;
mod session;
mod stepper;
mod tree;

use pyo3::prelude::*;

/// The module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::command::main;
    #[pymodule_export]
    use super::controller::PyController;
    #[pymodule_export]
    use super::estimate::PyEstimate;
    #[pymodule_export]
    use super::fault::NotationError;
    #[pymodule_export]
    use super::policy::PyPolicy;
    #[pymodule_export]
    use super::schedule::PySchedule;
    #[pymodule_export]
    use super::search::{PyTrial, Search};
    #[pymodule_export]
    use super::session::PyRecord;
    #[pymodule_export]
    use super::stepper::Stepper;

    use super::*;

    #[pymodule_init]
    fn init(m: &Bound<'_, PyModule>) -> PyResult<()> {
        m.add("COMMAND_LINE", cfg!(feature = "command-line"))?;
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
