//! `Schedule`: the rate over steps, as a factor of the base rate.

use crate::array;
use crate::fault::{raised, raised_for};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use stepsize::Schedule;

/// The rate over steps, as a factor of the base rate. Immutable.
///
/// Schedules are added to and multiplied with each other and numbers. Beyond its end a schedule
/// holds its last value.
///
/// Args:
///     notation: The schedule as text, such as ``"warmup(5%) then cosine"``, or a ``Schedule``.
///     steps: Length of the run in steps. Without it, every length in the notation must be a number
///         of steps.
///
/// Raises:
///     NotationError: When the text does not parse; ``column`` is the place.
///
/// Example:
///     >>> schedule = Schedule("warmup(10) then linear", steps=110)
///     >>> schedule(60)
///     0.5
///     >>> (2 * schedule)(60)
///     1.0
#[pyclass(name = "Schedule", module = "stepsize", frozen, from_py_object)]
#[derive(Clone)]
pub struct PySchedule {
    pub(crate) inner: Schedule,
}

impl From<Schedule> for PySchedule {
    fn from(inner: Schedule) -> Self {
        Self { inner }
    }
}

/// Places of a run at which its rate is looked at.
const LOOKED_AT: u64 = 1000;

/// An argument that is a schedule, or the notation of one.
pub(crate) enum Given {
    Ready(PySchedule),
    Text(String),
}

impl<'py> FromPyObject<'_, 'py> for Given {
    type Error = PyErr;

    fn extract(given: Borrowed<'_, 'py, PyAny>) -> PyResult<Self> {
        if let Ok(schedule) = given.extract::<PySchedule>() {
            return Ok(Given::Ready(schedule));
        }
        if let Ok(text) = given.extract::<String>() {
            return Ok(Given::Text(text));
        }
        let kind = given.get_type().name()?;
        let instead = if given.is_callable() {
            "; a function of the step becomes one by Schedule.table([function(step) for step in range(steps)])"
        } else {
            ""
        };
        Err(PyTypeError::new_err(format!(
            "schedule is a {kind}; it must be notation such as \"warmup(5%) then cosine\", or a stepsize.Schedule{instead}"
        )))
    }
}

impl Given {
    /// The schedule of a run of `steps`, for an argument that is called `schedule`.
    pub(crate) fn of_a_run(self, steps: u64) -> PyResult<Schedule> {
        let schedule = match self {
            Given::Ready(schedule) => schedule.inner,
            Given::Text(text) => Schedule::parse(&text, steps).map_err(|error| raised_for("schedule", error))?,
        };
        let at = |part| steps / LOOKED_AT * part + steps % LOOKED_AT * part / LOOKED_AT;
        if steps > 0 && (0..LOOKED_AT).all(|part| schedule.factor(at(part)) == 0.0) {
            return Err(PyValueError::new_err(format!(
                "schedule is {schedule}, which is 0 in the whole run: nothing would train"
            )));
        }
        Ok(schedule)
    }

    pub(crate) fn schedule(self, steps: Option<u64>) -> PyResult<Schedule> {
        match (self, steps) {
            (Given::Ready(schedule), _) => Ok(schedule.inner),
            (Given::Text(text), Some(steps)) => Schedule::parse(&text, steps).map_err(raised),
            (Given::Text(text), None) => text.parse().map_err(raised),
        }
    }
}

#[pymethods]
impl PySchedule {
    #[new]
    #[pyo3(signature = (notation, steps=None))]
    fn new(notation: Given, steps: Option<array::StepCount>) -> PyResult<Self> {
        Ok(notation.schedule(steps.map(|steps| steps.0))?.into())
    }

    /// A schedule of one factor for each step. Beyond the end it holds the last one.
    ///
    /// Raises:
    ///     ValueError: When there is no value, or a value is below 0 or not finite.
    #[classmethod]
    fn table(_: &Bound<'_, PyType>, values: Vec<f64>) -> PyResult<Self> {
        Ok(Schedule::table(values).map_err(raised)?.into())
    }

    /// The factor at a zero-based step, or an array of factors at an array of steps.
    fn __call__<'py>(&self, step: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        array::map(step, |step| self.inner.factor(step))
    }

    /// Length in steps; ``None`` when it never ends.
    #[getter]
    fn steps(&self) -> Option<u64> {
        self.inner.steps()
    }

    /// The parts of the schedule as nested tuples.
    fn _tree<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        crate::tree::tree(py, &self.inner)
    }

    /// This schedule, then ``following``, which counts its steps from the end of this one.
    ///
    /// Raises:
    ///     ValueError: When this schedule never ends.
    fn then(&self, following: Given) -> PyResult<Self> {
        Ok(self.inner.clone().then(following.schedule(None)?).map_err(raised)?.into())
    }

    fn __mul__(&self, other: Factor) -> PyResult<Self> {
        Ok(Schedule::product(vec![self.inner.clone(), other.schedule()?]).map_err(raised)?.into())
    }

    fn __rmul__(&self, other: Factor) -> PyResult<Self> {
        Ok(Schedule::product(vec![other.schedule()?, self.inner.clone()]).map_err(raised)?.into())
    }

    fn __add__(&self, other: Factor) -> PyResult<Self> {
        Ok(Schedule::sum(vec![self.inner.clone(), other.schedule()?]).map_err(raised)?.into())
    }

    fn __radd__(&self, other: Factor) -> PyResult<Self> {
        Ok(Schedule::sum(vec![other.schedule()?, self.inner.clone()]).map_err(raised)?.into())
    }

    /// The same schedule for a run of ``to`` steps instead of ``planned``.
    ///
    /// Raises:
    ///     ValueError: When a length is out of range.
    fn compress(&self, planned: u64, to: u64) -> PyResult<Self> {
        Ok(self.inner.compress(planned, to).map_err(raised)?.into())
    }

    /// The schedule of a run that was planned for ``planned`` steps, has taken ``done``, and shall
    /// end at ``to``.
    ///
    /// The past stays the same, the rate does not jump, and the rest is stretched evenly over
    /// ``done`` to ``to``.
    ///
    /// Raises:
    ///     ValueError: When a length is out of range.
    fn extend(&self, done: u64, planned: u64, to: u64) -> PyResult<Self> {
        Ok(self.inner.extend(done, planned, to).map_err(raised)?.into())
    }

    /// The notation as JSON text; ``from_json`` reads it.
    fn to_json(&self) -> String {
        serde_json::Value::from(self.inner.to_string()).to_string()
    }

    /// Makes a schedule from the text of ``to_json``.
    ///
    /// Raises:
    ///     ValueError: When it is not such a text.
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        let notation: String = serde_json::from_str(text).map_err(crate::fault::not_json)?;
        Ok(notation.parse::<Schedule>().map_err(raised)?.into())
    }

    fn __str__(&self) -> String {
        self.inner.to_string()
    }

    fn __repr__(&self) -> String {
        format!("Schedule({:?})", self.inner.to_string())
    }

    fn __eq__(&self, other: &Bound<'_, PyAny>) -> bool {
        other.cast::<PySchedule>().is_ok_and(|other| other.get().inner == self.inner)
    }

    fn __hash__(&self) -> u64 {
        hash_of(&self.inner.to_string())
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (String,)) {
        (py.get_type::<PySchedule>(), (self.inner.to_string(),))
    }

    fn __copy__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __deepcopy__(slf: Py<Self>, _memo: &Bound<'_, PyAny>) -> Py<Self> {
        slf
    }
}

/// What can stand beside a schedule in a sum or a product.
#[derive(FromPyObject)]
enum Factor {
    Schedule(PySchedule),
    Number(f64),
}

impl Factor {
    fn schedule(self) -> PyResult<Schedule> {
        match self {
            Factor::Schedule(schedule) => Ok(schedule.inner),
            Factor::Number(value) => Schedule::flat(value).map_err(raised),
        }
    }
}

/// A hash that is the same for equal values within a process.
pub(crate) fn hash_of(value: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    value.hash(&mut hasher);
    hasher.finish()
}
