//! `Estimate`: the answer of a search, with everything that is shown of it.

use crate::fault::{not_json, raised};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyType};
use serde_json::Value;
use std::path::PathBuf;
use stepsize::{Answer, Report};
use stepsize_draw::show::Style;
use stepsize_draw::{figure, json, page, show};

/// Width of the text that `print` shows.
const COLUMNS: usize = 100;

/// The answer of a search: a rate, or a refusal with its reason.
#[pyclass(name = "Estimate", module = "stepsize", frozen)]
#[derive(Clone)]
pub struct PyEstimate {
    report: Report,
}

impl From<Report> for PyEstimate {
    fn from(report: Report) -> Self {
        let question = report.question.clone();
        Self { report: report.with_words(|remedy| crate::remedy::words(&question, remedy)) }
    }
}

#[pymethods]
impl PyEstimate {
    /// The recommended base rate; `None` when the search refused.
    #[getter]
    fn lr(&self) -> Option<f64> {
        self.report.lr().map(|lr| lr.get())
    }

    /// Lower and upper end of the 80 % interval; `None` from methods that have none.
    #[getter]
    fn interval(&self) -> Option<(f64, f64)> {
        self.report.interval().map(|(low, high)| (low.get(), high.get()))
    }

    /// Steps spent, in full runs.
    #[getter]
    fn cost(&self) -> f64 {
        self.report.estimate.cost_runs
    }

    /// The class of the refusal: `flat`, `noise_only`, `all_diverged`, `too_short`, `at_edge` or `unfit`; else `None`.
    #[getter]
    fn refused(&self) -> Option<String> {
        let reason = self.report.estimate.refusal()?.reason;
        serde_json::to_value(reason).ok()?.as_str().map(str::to_owned)
    }

    /// The evidence behind the answer or the refusal.
    #[getter]
    fn why(&self) -> &str {
        &self.report.estimate.why
    }

    /// What to do after a refusal.
    #[getter]
    fn advice(&self) -> Option<&str> {
        self.report.estimate.refusal().map(|_| self.report.advice.as_str())
    }

    /// The lowest rate that diverged, if any did.
    #[getter]
    fn divergence_lr(&self) -> Option<f64> {
        self.report.estimate.divergence_lr.map(|lr| lr.get())
    }

    /// The `--json` object of the command line.
    fn to_json(&self) -> String {
        format!("{:#}", json::object(&self.report))
    }

    /// The whole record, from which `from_record` makes the estimate again.
    fn to_record(&self) -> PyResult<String> {
        serde_json::to_string(&self.report).map_err(not_json)
    }

    #[classmethod]
    fn from_record(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        Ok(serde_json::from_str::<Report>(text).map_err(not_json)?.into())
    }

    /// The picture, as SVG text.
    fn to_svg(&self) -> String {
        figure::svg(&self.report)
    }

    /// The picture, as the bytes of a PNG file.
    fn to_png<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyBytes>> {
        Ok(PyBytes::new(py, &py.detach(|| figure::png(&self.report)).map_err(raised)?))
    }

    /// One self-contained page.
    fn to_html(&self) -> String {
        page::html(&self.report, &json::object(&self.report))
    }

    /// Writes one self-contained page to `path`.
    fn report(&self, path: PathBuf) -> PyResult<()> {
        Ok(std::fs::write(path, self.to_html())?)
    }

    /// The picture on matplotlib axes: loss over rate.
    #[pyo3(signature = (ax=None))]
    fn plot<'py>(slf: &Bound<'py, Self>, ax: Option<Bound<'py, PyAny>>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("stepsize._plot")?.call_method1("plot", (slf, ax))
    }

    fn _repr_html_(&self) -> String {
        self.to_svg()
    }

    fn __str__(&self) -> String {
        show::report(&self.report, Style { colour: false, columns: COLUMNS })
    }

    fn __repr__(&self) -> String {
        format!("Estimate({})", figure::headline(&self.report))
    }

    fn __reduce__<'py>(&self, py: Python<'py>) -> PyResult<(Bound<'py, PyAny>, (String,))> {
        Ok((py.get_type::<PyEstimate>().getattr("from_record")?, (self.to_record()?,)))
    }

    /// Each trial: rate, length, loss, verdict. The `points` of `to_json`.
    #[getter]
    fn points<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let points = json::object(&self.report).get("points").map(Value::to_string).unwrap_or_default();
        py.import("json")?.call_method1("loads", (points,))
    }

    /// The expected loss of the full run over rates, `(lr, low, mid, high)` with the 80 % band, where there is a model.
    #[getter]
    fn landscape(&self) -> Vec<(f64, f64, f64, f64)> {
        self.report.estimate.landscape.iter().map(|b| (b.lr.get(), b.low, b.mid, b.high)).collect()
    }

    /// `(rate, loss)` of a range test's only run; empty for other searches.
    #[getter]
    fn curve(&self) -> Vec<(f64, f64)> {
        let run = self.report.range_test();
        run.map(|r| r.train.iter().map(|p| (p.lr, p.loss)).collect()).unwrap_or_default()
    }

    fn __bool__(&self) -> bool {
        matches!(self.report.estimate.answer, Answer::Rate(_))
    }
}
