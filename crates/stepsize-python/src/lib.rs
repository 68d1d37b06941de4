//! `stepsize._native`: the core as Python sees it. Thin: it converts values, and lets other threads run in long calls.
//!
//! Nothing is decided here. A Python name is the Rust name; a fault of the caller becomes `ValueError` with the core's
//! own message, one of notation moreover `NotationError` with the column.

mod array;
mod command;
mod controller;
mod estimate;
mod fault;
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
        // Defaults of the core, by its own names.
        m.add("EVALUATIONS", defaults::EVALUATIONS)?;
        m.add("RACE_BUDGET", defaults::RACE_BUDGET)?;
        m.add("RANGE_TEST_SPAN", defaults::RANGE_TEST_SPAN)?;
        m.add("RANGE_TEST_STEPS", defaults::RANGE_TEST_STEPS)?;
        m.add("SENSITIVITY_PER_DECADE", defaults::SENSITIVITY_PER_DECADE)?;
        m.add("SENSITIVITY_SEEDS", defaults::SENSITIVITY_SEEDS)?;
        m.add("COMMAND_LINE", cfg!(feature = "command-line"))?;
        m.add("__version__", env!("CARGO_PKG_VERSION"))
    }
}
