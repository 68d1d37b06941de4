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
//!
//! | where | what |
//! |---|---|
//! | `src/schedule.rs`, `policy.rs`, `controller.rs`, `stepper.rs` | the rate of a step, and the fast path of schedulers |
//! | `src/search.rs`, `session.rs`, `estimate.rs` | searches by ask and tell, their records and answers |
//! | `src/diagnosis.rs` | verdicts on logs |
//! | `src/command.rs` | the command line, with the feature `command-line` |
//! | `python/stepsize/` | the package: `find` and `Study`, and a module for each framework, imported by name only |

mod array;
mod command;
mod controller;
mod diagnosis;
mod estimate;
mod fault;
mod limit;
mod policy;
mod remedy;
mod schedule;
mod search;
mod session;
mod stepper;
mod tree;

use pyo3::prelude::*;
use stepsize::defaults;

/// The module.
#[pymodule]
mod _native {
    #[pymodule_export]
    use super::command::main;
    #[pymodule_export]
    use super::controller::PyController;
    #[pymodule_export]
    use super::diagnosis::judge;
    #[pymodule_export]
    use super::estimate::{PyAnswer, PyEstimate, PyRefusal};
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
        // Defaults of the core, by its own names.
        m.add("EVALUATIONS", defaults::EVALUATIONS)?;
        m.add("RANGE_TEST_SPAN", defaults::RANGE_TEST_SPAN)?;
        m.add("RANGE_TEST_STEPS", defaults::RANGE_TEST_STEPS)?;
        m.add("SENSITIVITY_PER_DECADE", defaults::SENSITIVITY_PER_DECADE)?;
        m.add("SENSITIVITY_SEEDS", defaults::SENSITIVITY_SEEDS)?;
        m.add("COMMAND_LINE", cfg!(feature = "command-line"))?;
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
