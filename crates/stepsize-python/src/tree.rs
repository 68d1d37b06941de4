//! The parts of a schedule as nested tuples `(kind, ...)`. `stepsize._formula` compiles them to a
//! formula, for frameworks that trace a training step and cannot call the core from it.

use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyTuple;
use stepsize::Schedule;
use stepsize::schedule::{Node, Shape};

/// Each tuple has the name of a method of the compiler, without its underscore, and that method's
/// arguments.
pub(crate) fn tree<'py>(py: Python<'py>, schedule: &Schedule) -> PyResult<Bound<'py, PyAny>> {
    let each = |parts: &[Schedule]| {
        let parts = parts.iter().map(|part| tree(py, part)).collect::<PyResult<Vec<_>>>()?;
        PyTuple::new(py, parts)
    };
    match schedule.node() {
        Node::Constant(value) => ("constant", *value).into_bound_py_any(py),
        Node::Ramp { from, to, steps, shape } => {
            let (name, exponent) = match shape {
                Shape::Linear => ("linear", 1.0),
                Shape::Cosine => ("cosine", 1.0),
                Shape::CosinePower(exponent) => ("cosine_power", *exponent),
                Shape::Exponential => ("exponential", 1.0),
                Shape::Sqrt => ("sqrt", 1.0),
                Shape::Power(exponent) => ("power", *exponent),
            };
            ("ramp", *from, *to, *steps, name, exponent).into_bound_py_any(py)
        }
        Node::Exponential { rate, every, staircase, limit } => {
            ("exponential", *rate, *every, *staircase, *limit).into_bound_py_any(py)
        }
        Node::Inverse { rate, every, power, staircase } => {
            ("inverse", *rate, *every, *power, *staircase).into_bound_py_any(py)
        }
        Node::OneCycle(c) => {
            ("one_cycle", c.steps, c.rise, c.div, c.final_div, c.linear, c.three_phase).into_bound_py_any(py)
        }
        Node::Table(values) => ("table", values.clone()).into_bound_py_any(py),
        Node::Sequence(parts) => {
            let lengths: Vec<Option<u64>> = parts.iter().map(Schedule::steps).collect();
            ("sequence", each(parts)?, lengths).into_bound_py_any(py)
        }
        Node::Product(parts) => ("product", each(parts)?, schedule.steps()).into_bound_py_any(py),
        Node::Sum(parts) => ("sum", each(parts)?, schedule.steps()).into_bound_py_any(py),
        Node::Repeat { part, times, stretch, gain } => {
            ("repeat", tree(py, part)?, part.steps(), *times, *stretch, *gain).into_bound_py_any(py)
        }
        Node::Take { part, steps } => ("take", tree(py, part)?, *steps).into_bound_py_any(py),
        Node::Extend { part, at, from, to } => ("extend", tree(py, part)?, *at, *from, *to).into_bound_py_any(py),
    }
}
