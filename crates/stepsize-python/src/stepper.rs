//! `Stepper`: the position of a PyTorch scheduler, and the rates of the parameter groups there.
//! `Stepper.step` runs once in each training step, so it counts, evaluates and sets the rates in
//! one call.

use crate::schedule::PySchedule;
use pyo3::exceptions::PyValueError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyFloat, PyList};
use stepsize::Schedule;

/// A schedule and a base rate for each parameter group, with the counts of the steps that were
/// taken.
#[pyclass(module = "stepsize._native")]
pub struct Stepper {
    schedules: Vec<Schedule>,
    /// For each group: the index of its schedule, and its base rate.
    groups: Vec<(usize, f64)>,
    /// Factor of each schedule, and rate of each group, as computed last.
    factors: Vec<f64>,
    rates: Vec<f64>,
    /// Steps, samples or tokens of one call of ``step``; 0 when each call says how many.
    #[pyo3(get)]
    per_step: u64,
    /// Units (of ``per_step``) that make one step.
    #[pyo3(get)]
    calls: u64,
    /// Calls of ``step`` so far without that of the constructor, under PyTorch's name; -1 before
    /// that call.
    #[pyo3(get, set)]
    last_epoch: i64,
    /// Calls of ``step`` so far with that of the constructor.
    #[pyo3(get, set)]
    step_count: u64,
    /// Samples or tokens taken beyond ``last_epoch x per_step``.
    #[pyo3(get, set)]
    surplus: i64,
    /// The factor of the controller.
    #[pyo3(get, set)]
    factor: f64,
}

impl Stepper {
    fn set(&mut self, groups: &Bound<'_, PyList>) -> PyResult<()> {
        if groups.len() != self.groups.len() {
            return Err(PyValueError::new_err(format!(
                "the optimizer has {} parameter groups, and this scheduler was made for {}: make a new scheduler",
                groups.len(),
                self.groups.len()
            )));
        }
        self.compute();
        let key = intern!(groups.py(), "lr");
        for (group, rate) in groups.iter().zip(&self.rates) {
            group.cast::<PyDict>()?.set_item(key, PyFloat::new(groups.py(), *rate))?;
        }
        Ok(())
    }

    fn compute(&mut self) {
        let (position, feedback) = (self.position(), self.factor);
        for (factor, schedule) in self.factors.iter_mut().zip(&self.schedules) {
            *factor = schedule.factor(position) * feedback;
        }
        for (rate, (which, base)) in self.rates.iter_mut().zip(&self.groups) {
            *rate = base * self.factors[*which];
        }
    }
}

#[pymethods]
impl Stepper {
    #[new]
    fn new(schedules: Vec<PySchedule>, bases: Vec<f64>, per_step: u64, calls: u64) -> PyResult<Self> {
        let mut made = Self {
            schedules: Vec::new(),
            groups: Vec::new(),
            factors: Vec::new(),
            rates: Vec::new(),
            per_step,
            calls: calls.max(1),
            last_epoch: -1,
            step_count: 0,
            surplus: 0,
            factor: 1.0,
        };
        made.plan(schedules, bases)?;
        Ok(made)
    }

    /// Continues with other schedules and base rates, one of each for every group.
    fn plan(&mut self, schedules: Vec<PySchedule>, bases: Vec<f64>) -> PyResult<()> {
        if schedules.len() != bases.len() {
            return Err(PyValueError::new_err("there must be as many schedules as base rates"));
        }
        let mut unique: Vec<Schedule> = Vec::new();
        self.groups = schedules
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
        self.schedules = unique;
        self.factors = vec![1.0; self.schedules.len()];
        self.rates = vec![0.0; self.groups.len()];
        Ok(())
    }

    /// Steps, samples or tokens taken before the next optimizer step.
    #[getter]
    fn position(&self) -> u64 {
        let taken = i128::from(self.last_epoch.max(0)) * i128::from(self.per_step) + i128::from(self.surplus);
        u64::try_from(taken.max(0)).unwrap_or(u64::MAX) / self.calls
    }

    /// The rate of each group at the current position.
    fn at(&mut self) -> Vec<f64> {
        self.compute();
        self.rates.clone()
    }

    /// The rate of each group, as computed last.
    #[getter]
    fn last(&self) -> Vec<f64> {
        self.rates.clone()
    }

    /// Sets ``"lr"`` in each of ``groups`` to the rate at the current position.
    fn apply(&mut self, groups: &Bound<'_, PyList>) -> PyResult<()> {
        self.set(groups)
    }

    /// Counts one call and applies the rates.
    ///
    /// Returns false and does nothing in two cases that the scheduler handles itself: the first
    /// call after the constructor's, which checks the order of calls, and a unit whose amount each
    /// call gives.
    fn step(&mut self, groups: &Bound<'_, PyList>) -> PyResult<bool> {
        if self.step_count < 2 || self.per_step == 0 {
            return Ok(false);
        }
        self.step_count += 1;
        self.last_epoch += 1;
        self.set(groups)?;
        Ok(true)
    }
}
