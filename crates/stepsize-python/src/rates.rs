//! `Rates`: the rates of an optimizer's groups at a step, set in one call. The hot path of the PyTorch scheduler.

use crate::schedule::PySchedule;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList};
use stepsize::Schedule;

/// A schedule and a base for each group.
#[pyclass(module = "stepsize._native", frozen)]
pub struct Rates {
    schedules: Vec<Schedule>,
    /// For each group: which schedule, and the base.
    groups: Vec<(usize, f64)>,
}

#[pymethods]
impl Rates {
    #[new]
    fn new(schedules: Vec<PySchedule>, bases: Vec<f64>) -> PyResult<Self> {
        if schedules.len() != bases.len() {
            return Err(PyValueError::new_err("a schedule for each base is needed"));
        }
        let mut unique: Vec<Schedule> = Vec::new();
        let groups = schedules
            .into_iter()
            .zip(bases)
            .map(|(PySchedule { inner }, base)| {
                let at = unique.iter().position(|known| *known == inner).unwrap_or_else(|| {
                    unique.push(inner);
                    unique.len() - 1
                });
                (at, base)
            })
            .collect();
        Ok(Self { schedules: unique, groups })
    }

    /// The rate of each group at `step` under a controller's `factor`.
    fn at(&self, step: u64, factor: f64) -> Vec<f64> {
        let factors: Vec<f64> = self.schedules.iter().map(|s| s.factor(step) * factor).collect();
        self.groups.iter().map(|(which, base)| base * factors[*which]).collect()
    }

    /// Sets `"lr"` of each of `groups` at `step`, and returns the rates.
    fn set<'py>(
        &self,
        py: Python<'py>,
        groups: &Bound<'py, PyList>,
        step: u64,
        factor: f64,
    ) -> PyResult<Bound<'py, PyList>> {
        if groups.len() != self.groups.len() {
            return Err(PyValueError::new_err(format!(
                "the optimizer has {} parameter groups, and this scheduler was made for {}",
                groups.len(),
                self.groups.len()
            )));
        }
        let key = intern!(py, "lr");
        let rates: Vec<Bound<'py, PyFloat>> = self.at(step, factor).into_iter().map(|r| PyFloat::new(py, r)).collect();
        for (group, rate) in groups.iter().zip(&rates) {
            group.cast::<PyDict>()?.set_item(key, rate)?;
        }
        PyList::new(py, rates)
    }
}
