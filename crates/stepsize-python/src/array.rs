//! Steps in, numbers out: one step gives a `float`, an array of steps gives a NumPy array of the
//! same shape.
//!
//! Arrays cross the border as bytes, so NumPy is needed only by callers that pass arrays, in any
//! version.

use pyo3::exceptions::{PyOverflowError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyByteArray, PyBytes, PyFloat};

/// The error for a value that is not a step.
fn not_a_step(what: &str) -> PyErr {
    PyValueError::new_err(format!("the step is {what}; it must be a whole number, 0 or above"))
}

/// Calls `at` with one step, or with each step of an array.
///
/// # Errors
/// `ValueError` for a step below 0 or above 64 bits, `TypeError` for a step that is not a whole
/// number.
pub(crate) fn map<'py>(
    steps: &Bound<'py, PyAny>,
    at: impl Fn(u64) -> f64 + Send + Sync,
) -> PyResult<Bound<'py, PyAny>> {
    let py = steps.py();
    match steps.extract::<u64>() {
        Ok(step) => return Ok(PyFloat::new(py, at(step)).into_any()),
        Err(error) if error.is_instance_of::<PyOverflowError>(py) => return Err(not_a_step(&steps.to_string())),
        Err(_) if steps.is_instance_of::<PyFloat>() => {
            return Err(PyTypeError::new_err(format!("the step is {steps}; it must be a whole number")));
        }
        Err(_) => {}
    }
    let numpy = py.import("numpy")?;
    let array = numpy.call_method1("asarray", (steps,))?;
    let kind: String = array.getattr("dtype")?.getattr("kind")?.extract()?;
    if kind != "i" && kind != "u" {
        let dtype = array.getattr("dtype")?;
        return Err(PyTypeError::new_err(format!("the steps are an array of {dtype}; they must be whole numbers")));
    }
    let bytes = array.call_method1("astype", ("<i8",))?.call_method0("tobytes")?;
    let bytes = bytes.cast::<PyBytes>()?.as_bytes();
    let values = py.detach(|| {
        let mut values = Vec::with_capacity(bytes.len());
        for eight in bytes.chunks_exact(8) {
            let step = i64::from_le_bytes(eight.try_into().unwrap_or_default());
            values.extend(at(u64::try_from(step).map_err(|_| step)?).to_le_bytes());
        }
        Ok(values)
    });
    let values = values.map_err(|step: i64| not_a_step(&step.to_string()))?;
    let flat = numpy.call_method1("frombuffer", (PyByteArray::new(py, &values), "<f8"))?;
    flat.call_method1("reshape", (array.getattr("shape")?,))
}

/// The steps of a run. Anything else is an error that names the argument.
pub(crate) struct StepCount(pub(crate) u64);

impl<'py> FromPyObject<'_, 'py> for StepCount {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if given.is_instance_of::<PyBool>() || !given.hasattr("__index__")? {
            let shown = given.repr()?;
            return Err(PyTypeError::new_err(format!("steps is {shown}; it must be a whole number of steps")));
        }
        match given.extract::<u64>() {
            Ok(steps) if steps > 0 => Ok(StepCount(steps)),
            _ => Err(PyValueError::new_err(format!("steps is {}; a run needs at least 1 step", given.repr()?))),
        }
    }
}
