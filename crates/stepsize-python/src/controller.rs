//! `Controller`: a controller of the core with the text and the base rate that it was made from.

use crate::fault::{not_json, raised};
use crate::schedule::hash_of;
use pyo3::prelude::*;
use pyo3::types::PyType;
use serde_json::json;
use std::sync::{Mutex, MutexGuard, PoisonError};
use stepsize::controller::{Controller, ControllerSpec, Metric, Observation, Request, State};
use stepsize::{Error, Lr, Result};

/// A running controller, with its notation and base rate, from which it can be made again.
pub(crate) struct ControllerLoop {
    pub(crate) spec: ControllerSpec,
    pub(crate) lr: Lr,
    running: Box<dyn Controller>,
    /// Reports so far; the number is the step of a report that has none.
    reports: u64,
}

/// Key of `reports` among the numbers of the state.
const REPORTS: &str = "reports";

impl ControllerLoop {
    pub(crate) fn new(notation: &str, lr: f64) -> Result<Self> {
        let (spec, lr) = (notation.parse::<ControllerSpec>()?, Lr::new(lr)?);
        let running = spec.build(lr)?;
        let needs = running.needs();
        if needs.gradient || needs.branch {
            return Err(Error::invalid(format!(
                "{spec} needs gradients or branches of the run, which Python loops cannot give it: use `stepsize train`"
            )));
        }
        Ok(Self { spec, lr, running, reports: 0 })
    }

    pub(crate) fn factor(&self) -> f64 {
        self.running.factor()
    }

    pub(crate) fn observe(&mut self, value: f64, step: Option<u64>) -> Result<Option<String>> {
        let step = step.unwrap_or(self.reports);
        let verdict = self.running.observe(&Observation { step, value })?;
        self.reports += 1;
        Ok(match verdict {
            Request::Go => None,
            Request::Stop(why) | Request::Rewind { why, .. } => Some(why),
            // `new` refuses controllers that ask for branches.
            Request::Branch { .. } => None,
        })
    }

    pub(crate) fn metric(&self) -> &'static str {
        match self.running.metric() {
            Metric::TrainLoss => "train_loss",
            Metric::ValLoss => "val_loss",
        }
    }

    pub(crate) fn save(&self) -> State {
        let mut state = self.running.save();
        state.insert(REPORTS.to_owned(), self.reports as f64);
        state
    }

    pub(crate) fn restore(&mut self, mut state: State) -> Result<()> {
        // The command line saves states without this number.
        let reports = state.remove(REPORTS).unwrap_or(0.0) as u64;
        self.running.restore(&state)?;
        self.reports = reports;
        Ok(())
    }
}

/// Locks `mutex`, also after a panic in another thread: that leaves no half-made change behind.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A controller: it changes the rate by what it sees during training.
///
/// It takes reports of one metric and gives a factor that multiplies the scheduled rate.
///
/// Args:
///     notation: The controller as text, such as ``"plateau(patience=10)"``.
///     lr: The base rate. Controllers whose floor is a rate need it.
///
/// Raises:
///     NotationError: When the text does not parse.
///     ValueError: When the controller needs gradients or branches, which a Python loop cannot give
///         it.
///
/// Example:
///     >>> controller = Controller("plateau_torch(patience=1, factor=0.5)")
///     >>> for loss in (1.0, 1.0, 1.0):
///     ...     stop = controller.observe(loss)
///     >>> controller.factor
///     0.5
#[pyclass(name = "Controller", module = "stepsize", frozen)]
pub struct PyController {
    inner: Mutex<ControllerLoop>,
}

#[pymethods]
impl PyController {
    #[new]
    #[pyo3(signature = (notation, lr=1.0))]
    fn new(notation: &str, lr: f64) -> PyResult<Self> {
        Ok(Self { inner: Mutex::new(ControllerLoop::new(notation, lr).map_err(raised)?) })
    }

    /// The factor on the scheduled rate. Reading it changes nothing.
    #[getter]
    fn factor(&self) -> f64 {
        lock(&self.inner).factor()
    }

    /// The base rate that the controller was made for.
    #[getter]
    fn lr(&self) -> f64 {
        lock(&self.inner).lr.get()
    }

    /// The metric that it watches: ``"train_loss"`` or ``"val_loss"``.
    #[getter]
    fn metric(&self) -> &'static str {
        lock(&self.inner).metric()
    }

    /// Reports one value of the metric.
    ///
    /// Args:
    ///     value: The value.
    ///     step: Zero-based step that it belongs to; by default the number of earlier reports.
    ///
    /// Returns:
    ///     Why the run should end, or ``None`` to continue.
    ///
    /// Raises:
    ///     ValueError: When the value is not finite. The controller is then unchanged.
    #[pyo3(signature = (value, step=None))]
    fn observe(&self, value: f64, step: Option<u64>) -> PyResult<Option<String>> {
        lock(&self.inner).observe(value, step).map_err(raised)
    }

    /// The state as a dictionary of numbers, for a checkpoint.
    fn state_dict(&self) -> State {
        lock(&self.inner).save()
    }

    /// Continues from a state that ``state_dict`` returned.
    ///
    /// Raises:
    ///     ValueError: When the state is not one of this controller.
    fn load_state_dict(&self, state: State) -> PyResult<()> {
        lock(&self.inner).restore(state).map_err(raised)
    }

    /// Notation, base rate and state as JSON text; ``from_json`` reads it.
    fn to_json(&self) -> String {
        let inner = lock(&self.inner);
        json!({ "controller": inner.spec, "lr": inner.lr, "state": inner.save() }).to_string()
    }

    /// Makes a controller from the text of ``to_json``.
    ///
    /// Raises:
    ///     ValueError: When it is not such a text.
    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        let value: serde_json::Value = serde_json::from_str(text).map_err(not_json)?;
        let spec: ControllerSpec = serde_json::from_value(value["controller"].clone()).map_err(not_json)?;
        let lr: f64 = serde_json::from_value(value["lr"].clone()).map_err(not_json)?;
        let state: State = serde_json::from_value(value["state"].clone()).map_err(not_json)?;
        let mut inner = ControllerLoop::new(&spec.to_string(), lr).map_err(raised)?;
        inner.restore(state).map_err(raised)?;
        Ok(Self { inner: Mutex::new(inner) })
    }

    fn __str__(&self) -> String {
        lock(&self.inner).spec.to_string()
    }

    fn __repr__(&self) -> String {
        let inner = lock(&self.inner);
        format!("Controller({:?}, lr={:?}) at factor {:?}", inner.spec.to_string(), inner.lr.get(), inner.factor())
    }

    fn __eq__(&self, other: &PyController) -> bool {
        self.to_json() == other.to_json()
    }

    /// Of what does not change: its state does.
    fn __hash__(&self) -> u64 {
        let inner = lock(&self.inner);
        hash_of(&(inner.spec.to_string(), inner.lr.get().to_bits()))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> (Bound<'py, PyType>, (String, f64), State) {
        let inner = lock(&self.inner);
        (py.get_type::<PyController>(), (inner.spec.to_string(), inner.lr.get()), inner.save())
    }

    fn __setstate__(&self, state: State) -> PyResult<()> {
        self.load_state_dict(state)
    }
}
