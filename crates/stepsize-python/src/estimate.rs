//! `Estimate`: the answer of a search, with the pictures and pages of it.

use crate::fault::{not_json, raised};
use pyo3::basic::CompareOp;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple, PyType};
use serde_json::Value;
use std::path::PathBuf;
use stepsize::{Answer, Report};
use stepsize_draw::show::Style;
use stepsize_draw::{figure, json, page, show};

/// Width of the text of `print(estimate)`, in characters.
const COLUMNS: usize = 100;

/// The outcome of a search: an ``Answer``, which has a rate and is true, or a ``Refusal``, which
/// has a reason and is false.
///
/// ``print(estimate)`` shows it as text, a notebook shows it as a picture, ``plot`` draws it with
/// matplotlib, and ``report`` writes it as a page. Two are equal when everything in them is, the
/// seconds of the trials included.
#[pyclass(name = "Estimate", module = "stepsize", frozen, subclass)]
pub struct PyEstimate {
    report: Report,
}

/// A search that found a rate: ``lr`` is a number.
#[pyclass(name = "Answer", module = "stepsize", frozen, extends = PyEstimate)]
pub struct PyAnswer;

/// A search that refused to answer: ``lr`` is ``None``; ``refused``, ``why`` and ``advice`` say
/// the reason and what to do.
#[pyclass(name = "Refusal", module = "stepsize", frozen, extends = PyEstimate)]
pub struct PyRefusal;

/// The estimate of a report, as Python sees it: an `Answer` or a `Refusal`.
pub(crate) fn estimate(py: Python<'_>, report: Report) -> PyResult<Py<PyAny>> {
    let answered = matches!(report.estimate.answer, Answer::Rate(_));
    let base = PyClassInitializer::from(PyEstimate { report });
    Ok(if answered {
        Py::new(py, base.add_subclass(PyAnswer))?.into_any()
    } else {
        Py::new(py, base.add_subclass(PyRefusal))?.into_any()
    })
}

#[pymethods]
impl PyEstimate {
    /// The recommended base rate; ``None`` when the search refused.
    #[getter]
    fn lr(&self) -> Option<f64> {
        self.report.lr().map(|lr| lr.get())
    }

    /// Lower and upper end of the 80 % interval: in 80 of 100 cases the best rate lies between
    /// them. ``None`` without one.
    #[getter]
    fn interval(&self) -> Option<(f64, f64)> {
        self.report.interval().map(|(low, high)| (low.get(), high.get()))
    }

    /// What the search took, in full runs: its optimizer steps, and its evaluations by the time of
    /// a step.
    #[getter]
    fn cost(&self) -> f64 {
        self.report.estimate.cost_runs
    }

    /// Reason of a refusal, else ``None``.
    ///
    /// It is ``flat``, ``noise_only``, ``all_diverged``, ``too_short``, ``at_edge`` or ``unfit``.
    #[getter]
    fn refused(&self) -> Option<String> {
        let reason = self.report.estimate.refusal()?.reason;
        serde_json::to_value(reason).ok()?.as_str().map(str::to_owned)
    }

    /// The evidence for the answer or the refusal, as a sentence.
    #[getter]
    fn why(&self) -> &str {
        &self.report.estimate.why
    }

    /// What to do about a refusal; ``None`` with a rate.
    #[getter]
    fn advice(&self) -> Option<&str> {
        self.report.estimate.refusal().map(|_| self.report.advice.as_str())
    }

    /// The lowest rate at which training diverged; ``None`` when no trial diverged.
    #[getter]
    fn divergence_lr(&self) -> Option<f64> {
        self.report.estimate.divergence_lr.map(|lr| lr.get())
    }

    /// The same JSON object that the command line prints with ``--json``.
    fn to_json(&self) -> String {
        format!("{:#}", json::object(&self.report))
    }

    /// The object of ``to_json`` as a dictionary.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("json")?.call_method1("loads", (self.to_json(),))
    }

    /// The recommended base rate.
    ///
    /// Raises:
    ///     RefusedError: When the search refused; it says why and what to do.
    fn require<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("stepsize._answer")?.call_method1("require", (slf,))
    }

    /// Sets the rate of an optimizer and of the schedulers that were made for it.
    ///
    /// The first parameter group gets ``lr`` as its base rate, and all others keep their ratio to
    /// it. What schedulers keep (``base_lrs``, ``initial_lr``, ``max_lr``) is scaled too, so that
    /// none of them undoes it. A Keras optimizer works as well.
    ///
    /// Args:
    ///     optimizer: The optimizer that the search was made with.
    ///     schedulers: Every scheduler that was made for it so far.
    ///
    /// Raises:
    ///     RefusedError: When the search refused. Nothing is changed.
    ///     ValueError: When the optimizer has a scheduler that is not given.
    ///     TypeError: When ``optimizer`` has no rate that can be set.
    #[pyo3(signature = (optimizer, *schedulers))]
    fn apply(slf: &Bound<'_, Self>, optimizer: &Bound<'_, PyAny>, schedulers: &Bound<'_, PyTuple>) -> PyResult<()> {
        slf.py().import("stepsize._answer")?.call_method1("apply", (slf, optimizer, schedulers))?;
        Ok(())
    }

    /// The whole record as JSON text, with all curves; ``from_record`` reads it.
    fn to_record(&self) -> PyResult<String> {
        serde_json::to_string(&self.report).map_err(not_json)
    }

    /// Makes an estimate from the text of ``to_record``.
    ///
    /// Raises:
    ///     ValueError: When it is not such a text.
    #[classmethod]
    fn from_record(cls: &Bound<'_, PyType>, text: &str) -> PyResult<Py<PyAny>> {
        estimate(cls.py(), serde_json::from_str(text).map_err(not_json)?)
    }

    /// The picture of loss over rate, as SVG text.
    fn to_svg(&self) -> String {
        figure::svg(&self.report)
    }

    /// The picture of loss over rate, as the bytes of a PNG file.
    fn to_png<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &py.detach(|| figure::png(&self.report)).map_err(raised)?))
    }

    /// The page that ``report`` writes, as HTML text.
    fn to_html(&self) -> String {
        page::html(&self.report, &json::object(&self.report))
    }

    /// Writes one HTML page to ``path``. It needs no other file and no network.
    ///
    /// Raises:
    ///     OSError: When the file cannot be written.
    fn report(&self, path: PathBuf) -> PyResult<()> {
        Ok(std::fs::write(path, self.to_html())?)
    }

    /// Draws loss over rate on matplotlib axes and returns them; without ``ax`` on new ones.
    ///
    /// In a notebook the new axes are those of the current figure, which is then shown below the
    /// cell.
    ///
    /// Raises:
    ///     ImportError: When matplotlib is not installed.
    #[pyo3(signature = (ax=None))]
    fn plot<'py>(slf: &Bound<'py, Self>, ax: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("stepsize._plot")?.call_method1("plot", (slf, ax))
    }

    fn _repr_html_(&self) -> String {
        self.to_svg()
    }

    fn __str__(&self) -> String {
        show::report(&self.report, Style::plain(COLUMNS))
    }

    fn __repr__(&self) -> String {
        let name = if self.__bool__() { "Answer" } else { "Refusal" };
        format!("{name}({})", figure::headline(&self.report))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.get_type::<PyEstimate>().getattr("from_record")?, (self.to_record()?,)))
    }

    /// One dictionary for each trial: ``lr``, ``steps``, ``seed``, ``loss``, ``verdict`` and more.
    ///
    /// They are the ``points`` of ``to_json``.
    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let points = json::object(&self.report).get("points").map(Value::to_string).unwrap_or_default();
        py.import("json")?.call_method1("loads", (points,))
    }

    /// Expected loss of the full run over rates; empty when the search has no model of it.
    ///
    /// Each entry is ``(rate, low, median, high)``: low and high are the 10 % and the 90 % quantile
    /// of the loss.
    #[getter]
    fn landscape(&self) -> Vec<(f64, f64, f64, f64)> {
        self.report.estimate.landscape.iter().map(|b| (b.lr.get(), b.low, b.mid, b.high)).collect()
    }

    /// Rate and smoothed loss of each step of a range test; empty for other searches.
    #[getter]
    fn curve(&self) -> Vec<(f64, f64)> {
        let run = self.report.range_test();
        run.map(|r| r.train.iter().map(|p| (p.lr, p.loss)).collect()).unwrap_or_default()
    }

    fn __richcmp__(&self, other: &Bound<'_, PyAny>, op: CompareOp, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let Ok(other) = other.cast::<PyEstimate>() else { return Ok(py.NotImplemented()) };
        let same = self.report == other.get().report;
        match op {
            CompareOp::Eq => Ok(same.into_pyobject(py)?.to_owned().into_any().unbind()),
            CompareOp::Ne => Ok((!same).into_pyobject(py)?.to_owned().into_any().unbind()),
            _ => Ok(py.NotImplemented()),
        }
    }

    fn __hash__(&self) -> u64 {
        self.lr().map_or(0, f64::to_bits) ^ self.report.cost.steps
    }

    fn __bool__(&self) -> bool {
        matches!(self.report.estimate.answer, Answer::Rate(_))
    }
}
