//! `Policy`.

use crate::array;
use crate::controller::{ControllerLoop, lock};
use crate::fault::{not_json, raised};
use crate::schedule::{Given, PySchedule};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use serde_json::json;
use std::sync::Mutex;
use stepsize::controller::State;
use stepsize::{Lr, Schedule};

/// `lr(step) = base x schedule(step) x controller`.
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
    fn new(lr: f64, schedule: Option<Given>, controller: Option<&str>, steps: Option<u64>) -> PyResult<Self> {
        let schedule = schedule.map(|given| given.schedule(steps)).transpose()?.unwrap_or_default();
        Self::build(lr, schedule, controller)
    }

    fn __call__<'py>(&self, step: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        let feedback = self.factor();
        array::map(step, |step| self.base.get() * self.schedule.factor(step) * feedback)
    }

    /// The base rate.
    #[getter]
    fn lr(&self) -> f64 {
        self.base.get()
    }

    #[getter]
    fn schedule(&self) -> PySchedule {
        self.schedule.clone().into()
    }

    #[getter]
    fn controller(&self) -> Option<String> {
        self.notation()
    }

    /// The controller's factor; 1 without one.
    #[getter]
    fn factor(&self) -> f64 {
        self.controller.as_ref().map_or(1.0, |c| lock(c).factor())
    }

    #[pyo3(signature = (value, step=None))]
    fn observe(&self, value: f64, step: Option<u64>) -> PyResult<Option<String>> {
        match &self.controller {
            Some(controller) => lock(controller).observe(value, step).map_err(raised),
            None => Ok(None),
        }
    }

    fn state_dict(&self) -> State {
        self.controller.as_ref().map(|c| lock(c).save()).unwrap_or_default()
    }

    fn load_state_dict(&self, state: State) -> PyResult<()> {
        match &self.controller {
            Some(controller) => lock(controller).restore(state).map_err(raised),
            None if state.is_empty() => Ok(()),
            None => Err(PyValueError::new_err("this policy has no controller, and the state is one of a controller")),
        }
    }

    fn to_json(&self) -> String {
        json!({
            "lr": self.base, "schedule": self.schedule, "controller": self.notation(), "state": self.state_dict(),
        })
        .to_string()
    }

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

    #[allow(clippy::type_complexity)] // what pickle asks for
    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (f64, PySchedule, Option<String>), State) {
        let made_of = (self.base.get(), self.schedule.clone().into(), self.notation());
        (py.get_type::<PyPolicy>(), made_of, self.state_dict())
    }

    fn __setstate__(&self, state: State) -> PyResult<()> {
        self.load_state_dict(state)
    }
}
