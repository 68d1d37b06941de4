//! Trials as runs in a folder of MLflow (`mlruns`): an experiment, in it a run for the search, and
//! a run below that for each trial.
//!
//! The layout is that of MLflow's `FileStore` (mlflow 3.17): `EXPERIMENT/RUN/meta.yaml`,
//! `params/NAME`, `tags/NAME`, and in `metrics/NAME` lines of time in milliseconds, value and step.
//! MLflow 3 reads such a folder when `MLFLOW_ALLOW_FILE_STORE=true` is set.

use super::{TrackedEnd, TrialSink, make, name, now, unique, word};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use stepsize::{Answer, Error, Estimate, Question, Result, TrialId, TrialSpec};

/// The name of the experiment.
const EXPERIMENT: &str = "stepsize";
/// Bytes of one metric that wait at most.
const MOST: usize = 1 << 16;
/// States of a run, as MLflow numbers them.
const RUNNING: u8 = 1;
const FINISHED: u8 = 3;
const FAILED: u8 = 4;
const KILLED: u8 = 5;

/// The experiment of a search.
pub(super) struct Mlruns {
    folder: PathBuf,
    experiment: String,
    search: FiledRun,
    trials: BTreeMap<TrialId, FiledRun>,
}

/// One run.
struct FiledRun {
    folder: PathBuf,
    id: String,
    experiment: String,
    name: String,
    begun: f64,
    metrics: BTreeMap<&'static str, String>,
    open: bool,
}

impl Mlruns {
    pub fn open(root: &Path, question: &Question) -> Result<Self> {
        make(root)?;
        let root = std::path::absolute(root).map_err(|e| Error::io("find", root, e))?;
        // MLflow takes a folder without it for an empty one.
        experiment(&root, "0", "Default")?;
        let known = known(&root)?;
        let id = known.unwrap_or_else(new_id);
        let folder = experiment(&root, &id, EXPERIMENT)?;
        let search = FiledRun::begin(&folder, &id, "search".to_owned(), now())?;
        for (name, value) in [
            ("task", question.task.clone()),
            ("steps", question.job.steps.to_string()),
            ("seed", question.job.seed.to_string()),
        ] {
            search.fact("params", name, &value)?;
        }
        Ok(Self { folder, experiment: id, search, trials: BTreeMap::new() })
    }
}

/// The id of our experiment in a folder, if it is there.
fn known(root: &Path) -> Result<Option<String>> {
    let fault = |e: std::io::Error| Error::io("read", root, e);
    for entry in std::fs::read_dir(root).map_err(fault)? {
        let entry = entry.map_err(fault)?;
        let meta = std::fs::read_to_string(entry.path().join("meta.yaml")).unwrap_or_default();
        if meta.lines().any(|line| line == format!("name: {EXPERIMENT}")) && meta.contains("lifecycle_stage: active") {
            return Ok(Some(entry.file_name().to_string_lossy().into_owned()));
        }
    }
    Ok(None)
}

/// A number of 18 digits, as MLflow makes them.
fn new_id() -> String {
    let number = u64::from_str_radix(&unique(15), 16).unwrap_or_default();
    format!("{:018}", 100_000_000_000_000_000 + number % 900_000_000_000_000_000)
}

/// The folder of an experiment, with its description.
fn experiment(root: &Path, id: &str, name: &str) -> Result<PathBuf> {
    let folder = root.join(id);
    let meta = folder.join("meta.yaml");
    if meta.exists() {
        return Ok(folder);
    }
    make(&folder)?;
    let at = millis(now());
    let place = yaml(&folder.to_string_lossy());
    let text = format!(
        "artifact_location: {place}\ncreation_time: {at}\nexperiment_id: '{id}'\nlast_update_time: {at}\nlifecycle_stage: \
         active\nname: {name}\n"
    );
    write(&meta, &text)?;
    Ok(folder)
}

impl FiledRun {
    fn begin(experiment: &Path, id: &str, name: String, at: f64) -> Result<Self> {
        let run = unique(32);
        let folder = experiment.join(&run);
        for part in ["artifacts", "metrics", "params", "tags"] {
            make(&folder.join(part))?;
        }
        let experiment = id.to_owned();
        let run = Self { folder, id: run, experiment, name, begun: at, metrics: BTreeMap::new(), open: true };
        run.describe(RUNNING, None)?;
        run.fact("tags", "mlflow.runName", &run.name)?;
        Ok(run)
    }

    fn describe(&self, status: u8, ended: Option<f64>) -> Result<()> {
        let place = yaml(&self.folder.join("artifacts").to_string_lossy());
        let end = ended.map_or("null".to_owned(), |at| millis(at).to_string());
        let text = format!(
            "artifact_uri: {place}\nend_time: {end}\nentry_point_name: ''\nexperiment_id: '{}'\nlifecycle_stage: \
             active\nrun_id: {id}\nrun_name: {}\nrun_uuid: {id}\nsource_name: ''\nsource_type: 4\nsource_version: \
             ''\nstart_time: {}\nstatus: {status}\ntags: []\nuser_id: stepsize\n",
            self.experiment,
            yaml(&self.name),
            millis(self.begun),
            id = yaml(&self.id)
        );
        write(&self.folder.join("meta.yaml"), &text)
    }

    fn fact(&self, kind: &str, name: &str, value: &str) -> Result<()> {
        write(&self.folder.join(kind).join(name), value)
    }

    fn metric(&mut self, at: f64, name: &'static str, value: f64, step: u64) -> Result<()> {
        let waiting = self.metrics.entry(name).or_default();
        let _ = writeln!(waiting, "{} {} {step}", millis(at), python(value));
        if waiting.len() < MOST { Ok(()) } else { self.flush() }
    }

    fn flush(&mut self) -> Result<()> {
        for (name, waiting) in self.metrics.iter_mut().filter(|(_, waiting)| !waiting.is_empty()) {
            let path = self.folder.join("metrics").join(name);
            let file = OpenOptions::new().append(true).create(true).open(&path);
            file.and_then(|mut file| file.write_all(waiting.as_bytes())).map_err(|e| Error::io("write", &path, e))?;
            waiting.clear();
        }
        Ok(())
    }

    fn close(&mut self, at: f64, status: u8) -> Result<()> {
        self.flush()?;
        self.open = false;
        self.describe(status, Some(at))
    }
}

impl TrialSink for Mlruns {
    fn begin(&mut self, at: f64, trial: TrialId, spec: &TrialSpec) -> Result<()> {
        let run = FiledRun::begin(&self.folder, &self.experiment, name(trial, spec), at)?;
        run.fact("tags", "mlflow.parentRunId", &self.search.id)?;
        for (name, value) in
            [("lr", spec.lr.get().to_string()), ("steps", spec.steps.to_string()), ("seed", spec.seed.to_string())]
        {
            run.fact("params", name, &value)?;
        }
        self.trials.insert(trial, run);
        Ok(())
    }

    fn point(&mut self, at: f64, trial: TrialId, step: u64, values: &[(&'static str, f64)]) -> Result<()> {
        let Some(run) = self.trials.get_mut(&trial) else { return Ok(()) };
        values.iter().try_for_each(|(name, value)| run.metric(at, name, *value, step))
    }

    fn end(&mut self, at: f64, trial: TrialId, ended: &TrackedEnd<'_>) -> Result<()> {
        if let Some(mut run) = self.trials.remove(&trial) {
            run.fact("tags", "end", word(ended.end))?;
            let status = match ended.end {
                stepsize::End::Failed { .. } => FAILED,
                stepsize::End::Stopped => KILLED,
                _ => FINISHED,
            };
            run.close(at, status)?;
        }
        self.search.metric(at, "cost", ended.cost, ended.taken)
    }

    fn concluded(&mut self, at: f64, _taken: u64, estimate: &Estimate) -> Result<()> {
        match &estimate.answer {
            Answer::Rate(rate) => self.search.metric(at, "lr", rate.lr.get(), 0)?,
            Answer::Refused(refusal) => self.search.fact("tags", "refused", &refusal.because)?,
        }
        let text = serde_json::to_string_pretty(estimate).unwrap_or_default();
        self.search.fact("artifacts", "estimate.json", &text)?;
        self.search.close(at, FINISHED)
    }

    fn flush(&mut self) -> Result<()> {
        self.search.flush()?;
        self.trials.values_mut().try_for_each(FiledRun::flush)
    }
}

impl Drop for Mlruns {
    /// Ends what a search left open, as killed.
    fn drop(&mut self) {
        for run in self.trials.values_mut().chain([&mut self.search]).filter(|run| run.open) {
            let _ = run.close(now(), KILLED);
        }
    }
}

/// Writes a file in one move: MLflow may read it at the same time.
fn write(path: &Path, text: &str) -> Result<()> {
    let part = path.with_extension("part");
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path)).map_err(|e| Error::io("write", path, e))
}

fn millis(at: f64) -> u64 {
    (at * 1e3) as u64
}

/// A number as Python's `float` reads it.
fn python(value: f64) -> String {
    match value {
        v if v.is_nan() => "nan".to_owned(),
        v if v.is_infinite() => if v > 0.0 { "inf" } else { "-inf" }.to_owned(),
        v => format!("{v:?}"),
    }
}

/// A text in single quotes, as YAML has it.
fn yaml(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
