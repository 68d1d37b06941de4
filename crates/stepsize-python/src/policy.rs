//! `Policy`: base rate, schedule and controller in one object.

use crate::array;
use crate::controller::{ControllerLoop, lock};
use crate::fault::{not_json, raised};
use crate::schedule::{Given, PySchedule, hash_of};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use serde_json::json;
use std::sync::Mutex;
use stepsize::controller::State;
use stepsize::{Lr, Schedule};

/// The rate of a run: ``lr(step) = base x schedule(step) x controller``.
///
/// Args:
///     lr: The base rate.
///     schedule: Notation or a ``Schedule``; by default constant.
///     controller: Notation of a controller, such as ``"plateau(patience=10)"``; by default none.
///     steps: Length of the run in steps, for the open lengths in the notation.
///
/// Raises:
///     NotationError: When a text does not parse.
///     ValueError: When the base rate is not above zero.
///
/// Example:
///     >>> policy = Policy(0.1, "linear", steps=100)
///     >>> policy(0), policy(50), policy(100)
///     (0.1, 0.05, 0.0)
#[pyclass(name = "Policy", module = "stepsize", frozen)]
pub struct PyPolicy {
    base: Lr,
    schedule: Schedule,
    controller: Option<Mutex<ControllerLoop>>,
}

impl PyPolicy {
    fn build(lr: f64, schedule: Schedule, controller: Option<&str>) -> PyResult<Self> {
        let base = Lr::new(lr).map_err(raised)?;
        let controller = controller.map(|text| ControllerLoop::new(text, lr)).transpose().map_err(raised)?;
        Ok(Self { base, schedule, controller: controller.map(Mutex::new) })
    }

    fn notation(&self) -> Option<String> {
        self.controller.as_ref().map(|c| lock(c).spec.to_string())
    }
}

#[pymethods]
impl PyPolicy {
    #[new]
    #[pyo3(signature = (lr, schedule=None, controller=None, *, steps=None))]
    fn new(
        lr: f64,
        schedule: Option<Given>,
        controller: Option<&str>,
        steps: Option<array::StepCount>,
    ) -> PyResult<Self> {
        let steps = steps.map(|steps| steps.0);
        let schedule = schedule.map(|given| given.schedule(steps)).transpose()?.unwrap_or_default();
        Self::build(lr, schedule, controller)
    }

    /// The rate at a zero-based step, or an array of rates at an array of steps.
    fn __call__<'py>(&self, step: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let feedback = self.factor();
        array::map(step, |step| self.base.get() * self.schedule.factor(step) * feedback)
    }

    /// The base rate.
    #[getter]
    fn lr(&self) -> f64 {
        self.base.get()
    }

    /// The schedule.
    #[getter]
    fn schedule(&self) -> PySchedule {
        self.schedule.clone().into()
    }

    /// Notation of the controller; ``None`` without one.
    #[getter]
    fn controller(&self) -> Option<String> {
        self.notation()
    }

    /// The factor of the controller; 1 without one. Reading it changes nothing.
    #[getter]
    fn factor(&self) -> f64 {
        self.controller.as_ref().map_or(1.0, |c| lock(c).factor())
    }

    /// Reports one value of the metric to the controller: see ``Controller.observe``. Does nothing
    /// without a controller.
    #[pyo3(signature = (value, step=None))]
    fn observe(&self, value: f64, step: Option<u64>) -> PyResult<Option<String>> {
        match &self.controller {
            Some(controller) => lock(controller).observe(value, step).map_err(raised),
            None => Ok(None),
        }
    }

    /// The state of the controller as a dictionary of numbers; empty without a controller.
    fn state_dict(&self) -> State {
        self.controller.as_ref().map(|c| lock(c).save()).unwrap_or_default()
    }

    /// Continues from a state that ``state_dict`` returned.
    ///
    /// Raises:
    ///     ValueError: When the state is not one of this controller.
    fn load_state_dict(&self, state: State) -> PyResult<()> {
        match &self.controller {
            Some(controller) => lock(controller).restore(state).map_err(raised),
            None if state.is_empty() => Ok(()),
            None => Err(PyValueError::new_err(
                "the state is one of a controller, and this policy has no controller: give controller=",
            )),
        }
    }

    /// All of it as JSON text; ``from_json`` reads it.
    fn to_json(&self) -> String {
        json!({
            "lr": self.base, "schedule": self.schedule, "controller": self.notation(), "state": self.state_dict(),
        })
        .to_string()
    }

    /// Makes a policy from the text of ``to_json``.
    ///
    /// Raises:
    ///     ValueError: When it is not such a text.
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(not_json)?;
        let lr: f64 = serde_json::from_value(value["lr"].clone()).map_err(not_json)?;
        let schedule: Schedule = serde_json::from_value(value["schedule"].clone()).map_err(not_json)?;
        let state: State = serde_json::from_value(value["state"].clone()).map_err(not_json)?;
        let policy = Self::build(lr, schedule, value["controller"].as_str())?;
        policy.load_state_dict(state)?;
        Ok(policy)
    }

    fn __repr__(&self) -> String {
        let controller = self.notation().map(|text| format!(", {text:?}")).unwrap_or_default();
        format!("Policy({:?}, {:?}{controller})", self.base.get(), self.schedule.to_string())
    }

    fn __eq__(&self, other: &PyPolicy) -> bool {
        self.to_json() == other.to_json()
    }

    /// Of what does not change: the state of its controller does.
    fn __hash__(&self) -> u64 {
        hash_of(&(self.base.get().to_bits(), self.schedule.to_string(), self.notation()))
    }

    #[allow(clippy::type_complexity)] // pickle asks for this tuple
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (f64, PySchedule, Option<String>), State) {
        let made_of = (self.base.get(), self.schedule.clone().into(), self.notation());
        (py.get_type::<PyPolicy>(), made_of, self.state_dict())
    }

    fn __setstate__(&self, state: State) -> PyResult<()> {
        self.load_state_dict(state)
    }
}
