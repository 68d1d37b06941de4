//! `judge`: verdicts on logs. `stepsize.diagnose` turns what it is given into paths or text, and
//! the JSON that comes back into objects.

use crate::fault::raised;
use pyo3::prelude::*;
use std::path::PathBuf;
use stepsize::Lr;
use stepsize_draw::diagnosis;
use stepsize_draw::show::Style;
use stepsize_logs::judgement::{Judgement, RunsRead};
use stepsize_logs::meaning::Asked;
use stepsize_study::executor::LogOptions;
use stepsize_study::logfiles;

/// Width of the text, in characters.
const COLUMNS: usize = 100;

/// What the arguments of `stepsize.diagnose` say of the logs.
#[derive(FromPyObject)]
pub(crate) struct Options {
    metric: Option<String>,
    maximize: bool,
    step: Option<String>,
    rate: Option<String>,
    lr: Option<f64>,
    regex: Option<String>,
    classes: Option<u32>,
    alone: bool,
}

/// Judges the logs at these paths, or the one log whose text is given with its name.
///
/// Returns the list that the command line prints with `--json --explain`, the text that it prints
/// without, and the picture as SVG text.
#[pyfunction]
#[pyo3(signature = (paths, text, options))]
pub(crate) fn judge(
    py: Python<'_>,
    paths: Vec<PathBuf>,
    text: Option<(String, String)>,
    options: Options,
) -> PyResult<(String, String, Option<String>)> {
    py.detach(|| judged(&paths, text, &options)).map_err(raised)
}

fn judged(
    paths: &[PathBuf],
    text: Option<(String, String)>,
    options: &Options,
) -> stepsize::Result<(String, String, Option<String>)> {
    let maximize = options.maximize.then_some(true);
    let reading = LogOptions {
        metric: options.metric.clone(),
        step: options.step.clone(),
        maximize,
        regex: options.regex.clone(),
    };
    let asked = Asked {
        metric: reading.named_metric()?,
        maximize,
        rate: options.rate.clone(),
        lr: options.lr.map(Lr::new).transpose()?.map(Lr::get),
        classes: options.classes,
    };
    let mut found = RunsRead::default();
    let argument = |name: &str| format!("{name}=");
    if let Some((name, text)) = &text {
        found.take((name, true), logfiles::read_bytes(text.as_bytes(), name, &reading), &asked, argument);
    }
    for (path, runs) in logfiles::collect_as(paths, &reading)? {
        let named = paths.contains(&path);
        found.take((&path.display().to_string(), named), runs, &asked, argument);
    }
    let all = Judgement::new(found, options.alone);
    let style = Style::plain(COLUMNS);
    Ok((diagnosis::list(&all, true).to_string(), diagnosis::text(&all, false, style), diagnosis::svg(&all)))
}
