//! `Search`: a study whose trials Python runs. It asks for them and reports what happened. And its
//! `Trial`s.
//!
//! The question of such a study is the one that the command line asks with the same options: either
//! can show a study that the other began, and both refuse another question under its name.

use crate::controller::lock;
use crate::fault::{not_json, raised};
use crate::limit::Limit;
use crate::schedule::{Given, PySchedule};
use crate::session::PyRecord;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;
use stepsize::defaults::EVALUATIONS;
use stepsize::probe::Race;
use stepsize::{
    End, Event, FindProbe, Job, Lr, Question, QuestionKind, Report, SweepRates, TrialId, TrialSpec, evaluation_steps,
};
use stepsize_study::{Memory, Next, Store, Studies, Study};

/// A training run that the study asks for.
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

/// In full runs.
const MORE_THAN_ANY_BUDGET: u64 = 1000;

/// A study whose trials Python runs.
#[pyclass(module = "stepsize._native", frozen)]
pub struct Search {
    study: Mutex<Study<'static>>,
    question: Question,
    begin: Instant,
}

/// Where a study is kept: its name, the file, and what began it.
type KeptStudy = (String, PathBuf, Vec<String>);

impl Search {
    fn new(kind: QuestionKind, task: String, job: Job, kept: Option<KeptStudy>) -> PyResult<Self> {
        let mut question = Question { kind, pruner: None, task, job };
        let probe = question.probe().map_err(raised)?;
        let store: Box<dyn Store> = match kept {
            None => Box::<Memory>::default(),
            Some((name, db, command)) => {
                let studies = Studies::open(&db).map_err(raised)?;
                let store = studies.study(&name, &command, &std::env::current_dir()?).map_err(raised)?;
                if let Some(words) = of_version_1(&question.kind)
                    && let Some(Event::Study { question: recorded, .. }) = store.read().map_err(raised)?.first()
                    && recorded.kind == words
                {
                    question.kind = words;
                }
                Box::new(store)
            }
        };
        let study = Study::open(&question, probe, store).map_err(raised)?;
        Ok(Self { study: Mutex::new(study), question, begin: Instant::now() })
    }

    fn tell(&self, py: Python<'_>, event: Event) -> PyResult<Option<&'static str>> {
        let end = py.detach(|| lock(&self.study).tell(&event)).map_err(raised)?;
        Ok(end.as_ref().map(named))
    }
}

/// The question as Python recorded it before version 2 of the event format: without start, budget
/// and trial steps. Such studies can still be continued.
fn of_version_1(kind: &QuestionKind) -> Option<QuestionKind> {
    match kind {
        QuestionKind::Find { .. } => Some(QuestionKind::Words("find --probe race".to_owned())),
        QuestionKind::Sweep { rates: SweepRates::PerDecade(count), low, high, seeds, .. } => {
            let (low, high) = (low.get(), high.get());
            let text = format!("sweep --per-decade {count} --low {low} --high {high} --seeds {seeds}");
            Some(QuestionKind::Words(text))
        }
        _ => None,
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
    Job::new(steps, schedule.of_a_run(steps)?, seed).map_err(raised)
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
        let start = start.map(rate).transpose()?;
        let kind = QuestionKind::Find { probe: FindProbe::Race, start, budget: max_cost, low: None, high: None };
        Self::new(kind, task, job(steps, schedule, seed)?, kept)
    }

    /// A sweep: every rate of a log grid, each with several seeds.
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
        let kind = QuestionKind::Sweep {
            rates: SweepRates::PerDecade(per_decade),
            low: rate(low)?,
            high: rate(high)?,
            widen: false,
            seeds,
            trial_steps,
            budget: None,
        };
        Self::new(kind, task, job(steps, schedule, seed)?, kept)
    }

    /// A range test: one run on a ramp.
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
        let kind = QuestionKind::RangeTest {
            rule: rule.parse().map_err(raised)?,
            linear,
            low: rate(low)?,
            high: rate(high)?,
            trial_steps: iterations,
            short_trials: false,
            budget: None,
        };
        Self::new(kind, task, job, None)
    }

    /// The most steps that a race takes, in full runs; `None` for other searches.
    #[getter]
    fn budget(&self) -> Option<f64> {
        match self.question.kind {
            QuestionKind::Find { probe: FindProbe::Race, budget, .. } => {
                Some(budget.unwrap_or_else(|| Race::new(self.question.job.clone()).max_cost()))
            }
            _ => None,
        }
    }

    /// The next trial; `None` when nothing more is worth its cost.
    fn ask(&self, py: Python<'_>) -> PyResult<Option<PyTrial>> {
        match py.detach(|| lock(&self.study).ask()).map_err(raised)? {
            Next::Run(id, spec) => Ok(Some(PyTrial { id, spec })),
            Next::Over => Ok(None),
            Next::Wait => Err(PyRuntimeError::new_err("end the running trials before you ask for the next one")),
        }
    }

    /// Whether the search is over, and the next trial; neither while running trials must end first.
    fn poll(&self, py: Python<'_>) -> PyResult<(bool, Option<PyTrial>)> {
        Ok(match py.detach(|| lock(&self.study).ask()).map_err(raised)? {
            Next::Run(id, spec) => (false, Some(PyTrial { id, spec })),
            Next::Over => (true, None),
            Next::Wait => (false, None),
        })
    }

    /// Reports a step that was taken. Returns the trial's end when it is over.
    fn step(&self, py: Python<'_>, trial: u32, step: u64, lr: f64, loss: f64) -> PyResult<Option<&'static str>> {
        self.tell(py, Event::Step { trial: TrialId(trial), step, lr, loss })
    }

    /// Reports an evaluation after `step` steps. Returns the trial's end when it is over.
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

    /// Reports that a trial has run all its steps.
    fn finish(&self, py: Python<'_>, trial: u32, steps: u64, seconds: f64) -> PyResult<Option<&'static str>> {
        self.tell(py, Event::Ended { trial: TrialId(trial), end: End::Finished, steps, seconds: Some(seconds) })
    }

    /// Reports that a trial was left before its end. With `why` it could not be run, otherwise it
    /// was stopped. Either way the study asks for it again.
    #[pyo3(signature = (trial, steps, why=None))]
    fn leave(&self, py: Python<'_>, trial: u32, steps: u64, why: Option<String>) -> PyResult<Option<&'static str>> {
        let end = why.map_or(End::Stopped, |why| End::Failed { why });
        self.tell(py, Event::Ended { trial: TrialId(trial), end, steps, seconds: None })
    }

    /// Reports everything that a [`PyRecord`] holds, in its order. Returns the trial's end.
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

    /// Call it in a forked child, once for each search of its parent.
    fn forked(&self) {
        lock(&self.study).forked();
    }

    /// The answer from the trials that have ended.
    ///
    /// `evaluation_steps` is what evaluations cost, in optimizer steps, and other steps that no
    /// trial counts. A search that was `cut_short` is concluded as if its budget were spent.
    /// `limit` is what the caller allowed, which is not what the search was made with.
    #[pyo3(signature = (evaluation_steps=0.0, cut_short=false, limit=None))]
    fn conclude(
        &self,
        py: Python<'_>,
        evaluation_steps: f64,
        cut_short: bool,
        limit: Option<Limit>,
    ) -> PyResult<Py<PyAny>> {
        let mut outcome = py.detach(|| lock(&self.study).conclude()).map_err(raised)?;
        if cut_short {
            outcome.estimate = self.when_spent(&outcome.trials).map_err(raised)?;
        }
        let seconds = limit.as_ref().and_then(|limit| limit.seconds);
        if let (Some(limit), Some(budget)) = (limit, self.budget()) {
            limit.word(&mut outcome.estimate, budget);
        }
        let mut report = Report::new(&self.question, &outcome.estimate, &outcome.trials)
            .with_wall_seconds(self.begin.elapsed().as_secs_f64())
            .with_interrupted(outcome.interrupted && !cut_short)
            .with_words(|remedy| crate::remedy::words(&self.question, remedy, seconds));
        report.cost.runs += evaluation_steps / self.question.job.steps as f64;
        report.estimate.cost_runs = report.cost.runs;
        crate::estimate::estimate(py, report)
    }
}

impl Search {
    /// What the probe concludes when nothing is left of its budget.
    fn when_spent(&self, trials: &[stepsize::Trial]) -> stepsize::Result<stepsize::Estimate> {
        let mut trials = trials.to_vec();
        if let Some(last) = trials.last_mut() {
            last.steps_void += self.question.job.steps.saturating_mul(MORE_THAN_ANY_BUDGET);
        }
        self.question.probe()?.estimate(&trials)
    }
}
