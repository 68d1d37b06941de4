//! `Search`: a study whose trials are run by Python, which asks for them and tells what happened; and its `Trial`s.

use crate::controller::lock;
use crate::estimate::PyEstimate;
use crate::fault::{not_json, raised};
use crate::schedule::{Given, PySchedule};
use crate::session::PyRecord;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;
use stepsize::defaults::EVALUATIONS;
use stepsize::probe::suggest::{Ramp, Suggestion};
use stepsize::probe::{Grid, Probe, Race, RangeTest, RangeTestRule};
use stepsize::{End, Event, Job, Lr, Report, TrialId, TrialSpec, evaluation_steps};
use stepsize_study::{Memory, Next, Question, Session, Store, Studies};

/// A training run that is asked for.
#[pyclass(name = "Trial", module = "stepsize._native", frozen)]
#[derive(Clone)]
pub struct PyTrial {
    pub(crate) id: TrialId,
    pub(crate) spec: TrialSpec,
}

#[pymethods]
impl PyTrial {
    /// Its number in the study, from 0.
    #[getter]
    fn id(&self) -> u32 {
        self.id.0
    }

    /// The base rate.
    #[getter]
    fn lr(&self) -> f64 {
        self.spec.lr.get()
    }

    #[getter]
    fn steps(&self) -> u64 {
        self.spec.steps
    }

    #[getter]
    fn seed(&self) -> u64 {
        self.spec.seed
    }

    #[getter]
    fn schedule(&self) -> PySchedule {
        self.spec.schedule.clone().into()
    }

    /// Counts of steps after which the trial is evaluated; 0 is the untrained model.
    #[getter]
    fn evaluations(&self) -> Vec<u64> {
        evaluation_steps(self.spec.steps, EVALUATIONS)
    }

    /// The rate to apply at zero-based `step`.
    fn rate(&self, step: u64) -> f64 {
        self.spec.lr.get() * self.spec.schedule.factor(step)
    }

    /// All of it as text, for another process.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&(self.id, &self.spec)).map_err(not_json)
    }

    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, text: &str) -> PyResult<Self> {
        let (id, spec) = serde_json::from_str(text).map_err(not_json)?;
        Ok(Self { id, spec })
    }

    fn __repr__(&self) -> String {
        format!("Trial({}, lr={:?}, steps={})", self.id.0, self.spec.lr.get(), self.spec.steps)
    }
}

/// A study that Python runs.
#[pyclass(module = "stepsize._native", frozen)]
pub struct Search {
    session: Mutex<Session>,
    question: Question,
    begin: Instant,
}

/// Where a study is kept: its name, the file, and what began it.
type KeptStudy = (String, PathBuf, Vec<String>);

impl Search {
    fn new(question: String, task: String, job: Job, probe: Box<dyn Probe>, kept: Option<KeptStudy>) -> PyResult<Self> {
        let question = Question { text: question, task, job };
        let store: Box<dyn Store + Send> = match kept {
            None => Box::<Memory>::default(),
            Some((name, db, command)) => {
                let studies = Studies::open(&db).map_err(raised)?;
                Box::new(studies.study(&name, &command, &std::env::current_dir()?).map_err(raised)?)
            }
        };
        let session = Session::new(&question, probe, store).map_err(raised)?;
        Ok(Self { session: Mutex::new(session), question, begin: Instant::now() })
    }

    fn tell(&self, py: Python<'_>, event: Event) -> PyResult<Option<&'static str>> {
        let end = py.detach(|| lock(&self.session).tell(&event)).map_err(raised)?;
        Ok(end.as_ref().map(named))
    }
}

/// The word for an end.
pub(crate) fn named(end: &End) -> &'static str {
    match end {
        End::Finished => "finished",
        End::Diverged { .. } => "diverged",
        End::Pruned { .. } => "pruned",
        End::Stopped => "stopped",
        End::Failed { .. } => "failed",
    }
}

fn job(steps: u64, schedule: Given, seed: u64) -> PyResult<Job> {
    Job::new(steps, schedule.schedule(Some(steps))?, seed).map_err(raised)
}

fn rate(lr: f64) -> PyResult<Lr> {
    Lr::new(lr).map_err(raised)
}

#[pymethods]
impl Search {
    /// The default search.
    #[classmethod]
    #[pyo3(signature = (task, steps, schedule, seed, start, max_cost, kept=None))]
    #[allow(clippy::too_many_arguments)] // called by name from two places in Python
    fn race(
        _: &Bound<'_, PyType>,
        task: String,
        steps: u64,
        schedule: Given,
        seed: u64,
        start: Option<f64>,
        max_cost: Option<f64>,
        kept: Option<KeptStudy>,
    ) -> PyResult<Self> {
        let job = job(steps, schedule, seed)?;
        let mut race = Race::new(job.clone());
        if let Some(runs) = max_cost {
            race = race.with_max_cost(runs).map_err(raised)?;
        }
        if let Some(lr) = start {
            race = race.starting_at(rate(lr)?);
        }
        Self::new("find --probe race".to_owned(), task, job, Box::new(race), kept)
    }

    /// Every rate of a log grid, each with several seeds.
    #[classmethod]
    #[pyo3(signature = (task, steps, schedule, seed, low, high, per_decade, seeds, trial_steps, kept=None))]
    #[allow(clippy::too_many_arguments)] // called by name from two places in Python
    fn grid(
        _: &Bound<'_, PyType>,
        task: String,
        steps: u64,
        schedule: Given,
        seed: u64,
        low: f64,
        high: f64,
        per_decade: u32,
        seeds: u32,
        trial_steps: Option<u64>,
        kept: Option<KeptStudy>,
    ) -> PyResult<Self> {
        let job = job(steps, schedule, seed)?;
        let mut grid = Grid::new(job.clone(), rate(low)?, rate(high)?, per_decade)
            .and_then(|g| g.with_seeds(seeds))
            .map_err(raised)?;
        if let Some(steps) = trial_steps {
            grid = grid.with_steps(steps).map_err(raised)?;
        }
        let question = format!("sweep --per-decade {per_decade} --low {low} --high {high} --seeds {seeds}");
        Self::new(question, task, job, Box::new(grid.with_widening(0)), kept)
    }

    /// One run on a ramp.
    #[classmethod]
    #[allow(clippy::too_many_arguments)] // called by name from one place in Python
    fn range_test(
        _: &Bound<'_, PyType>,
        task: String,
        seed: u64,
        low: f64,
        high: f64,
        iterations: u64,
        rule: &str,
        linear: bool,
    ) -> PyResult<Self> {
        let job = Job::new(iterations, Default::default(), seed).map_err(raised)?;
        let reading = match rule {
            "edge" => RangeTestRule::Edge,
            "accuracy" => RangeTestRule::Accuracy,
            peer => RangeTestRule::Peer(Suggestion::ALL.into_iter().find(|s| s.name() == peer).ok_or_else(|| {
                let names = Suggestion::ALL.map(Suggestion::name).join(", ");
                PyValueError::new_err(format!("the rule {peer:?} is not known; the rules are edge, accuracy, {names}"))
            })?),
        };
        let ramp = if linear { Ramp::Linear } else { Ramp::Exponential };
        let probe = RangeTest::new(job.clone(), rate(low)?, rate(high)?, iterations).map_err(raised)?;
        let question = format!("range-test --rule {rule} --low {low} --high {high} --iterations {iterations}");
        Self::new(question, task, job, Box::new(probe.with_ramp(ramp).with_reading(reading)), None)
    }

    /// The next trial; `None` when nothing more is worth its cost.
    fn ask(&self, py: Python<'_>) -> PyResult<Option<PyTrial>> {
        match py.detach(|| lock(&self.session).ask()).map_err(raised)? {
            Next::Run(id, spec) => Ok(Some(PyTrial { id, spec })),
            Next::Over => Ok(None),
            Next::Wait => Err(PyRuntimeError::new_err("end the running trials before you ask for the next one")),
        }
    }

    /// Whether the search is over, and the next trial; neither while running trials must end first.
    fn poll(&self, py: Python<'_>) -> PyResult<(bool, Option<PyTrial>)> {
        Ok(match py.detach(|| lock(&self.session).ask()).map_err(raised)? {
            Next::Run(id, spec) => (false, Some(PyTrial { id, spec })),
            Next::Over => (true, None),
            Next::Wait => (false, None),
        })
    }

    /// Tells of a step that was taken; gives the trial's end when it is over.
    fn step(&self, py: Python<'_>, trial: u32, step: u64, lr: f64, loss: f64) -> PyResult<Option<&'static str>> {
        self.tell(py, Event::Step { trial: TrialId(trial), step, lr, loss })
    }

    /// Tells of an evaluation after `step` steps; gives the trial's end when it is over.
    #[pyo3(signature = (trial, step, lr, val_loss, score=None))]
    fn evaluate(
        &self,
        py: Python<'_>,
        trial: u32,
        step: u64,
        lr: f64,
        val_loss: f64,
        score: Option<f64>,
    ) -> PyResult<Option<&'static str>> {
        self.tell(py, Event::Eval { trial: TrialId(trial), step, lr, val_loss, score })
    }

    /// Tells that a trial has run all its steps.
    fn finish(&self, py: Python<'_>, trial: u32, steps: u64, seconds: f64) -> PyResult<Option<&'static str>> {
        self.tell(py, Event::Ended { trial: TrialId(trial), end: End::Finished, steps, seconds: Some(seconds) })
    }

    /// Tells that a trial was left before its end. With `why` it could not be run, else it was stopped; either way it is
    /// asked for again.
    #[pyo3(signature = (trial, steps, why=None))]
    fn leave(&self, py: Python<'_>, trial: u32, steps: u64, why: Option<String>) -> PyResult<Option<&'static str>> {
        let end = why.map_or(End::Stopped, |why| End::Failed { why });
        self.tell(py, Event::Ended { trial: TrialId(trial), end, steps, seconds: None })
    }

    /// Tells all that a [`PyRecord`] holds, in its order; gives the trial's end.
    fn replay(&self, py: Python<'_>, record: &PyRecord) -> PyResult<Option<&'static str>> {
        let mut end = None;
        for event in record.events() {
            end = self.tell(py, event)?;
            if end.is_some() {
                break;
            }
        }
        Ok(end)
    }

    /// To be called in a forked child, once for each search of its parent.
    fn forked(&self) {
        lock(&self.session).forked();
    }

    /// The answer from the trials that have ended.
    fn conclude(&self, py: Python<'_>) -> PyResult<PyEstimate> {
        let outcome = py.detach(|| lock(&self.session).conclude()).map_err(raised)?;
        let Question { text, task, job } = &self.question;
        let report = Report::new(text, task, job, &outcome.estimate, &outcome.trials)
            .with_wall_seconds(self.begin.elapsed().as_secs_f64())
            .with_interrupted(outcome.interrupted);
        Ok(report.into())
    }
}
