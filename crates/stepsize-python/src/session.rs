//! `PyRecord`: what a trial reports in a process that does not hold its study. The study takes the
//! reports in later.
//!
//! Divergence is seen here at once, by the study's own rule. Everything else is decided when the
//! study takes the reports in: the same events give the same study wherever a trial ran.

use crate::controller::lock;
use crate::fault::not_json;
use crate::search::{PyTrial, named};
use pyo3::prelude::*;
use pyo3::types::PyType;
use std::collections::BTreeMap;
use std::sync::Mutex;
use stepsize::divergence::explosion;
use stepsize::{End, Event, TrialId, fold_one};

/// The reports of one trial.
#[pyclass(name = "Record", module = "stepsize._native", frozen)]
pub struct PyRecord {
    live: Mutex<LiveTrial>,
}

struct LiveTrial {
    id: TrialId,
    stop_on_divergence: bool,
    trials: BTreeMap<TrialId, stepsize::Trial>,
    events: Vec<Event>,
}

impl LiveTrial {
    fn new(trial: &PyTrial) -> Self {
        let id = trial.id;
        let trials = BTreeMap::from([(id, stepsize::Trial::new(id, trial.spec.clone()))]);
        Self { id, stop_on_divergence: trial.spec.stop_on_divergence, trials, events: Vec::new() }
    }

    fn add(&mut self, event: Event) -> Option<&'static str> {
        let over = |live: &Self| live.trials.get(&live.id).and_then(|t| t.end.as_ref()).map(named);
        if over(self).is_some() {
            return Some(named(&End::Stopped));
        }
        fold_one(&mut self.trials, &event);
        self.events.push(event);
        if over(self).is_none() && self.stop_on_divergence && self.trials.get(&self.id).and_then(explosion).is_some() {
            return Some(named(&End::Diverged { step: 0, why: String::new() }));
        }
        over(self)
    }
}

impl PyRecord {
    pub(crate) fn events(&self) -> Vec<Event> {
        lock(&self.live).events.clone()
    }

    fn add(&self, event: impl FnOnce(TrialId) -> Event) -> Option<&'static str> {
        let mut live = lock(&self.live);
        let event = event(live.id);
        live.add(event)
    }
}

#[pymethods]
impl PyRecord {
    #[new]
    fn new(trial: &PyTrial) -> Self {
        Self { live: Mutex::new(LiveTrial::new(trial)) }
    }

    /// As `Search.step`; the number of the trial is the record's own, here and below.
    fn step(&self, _trial: u32, step: u64, lr: f64, loss: f64) -> Option<&'static str> {
        self.add(|trial| Event::Step { trial, step, lr, loss })
    }

    #[pyo3(signature = (_trial, step, lr, val_loss, score=None))]
    fn evaluate(&self, _trial: u32, step: u64, lr: f64, val_loss: f64, score: Option<f64>) -> Option<&'static str> {
        self.add(|trial| Event::Eval { trial, step, lr, val_loss, score })
    }

    fn finish(&self, _trial: u32, steps: u64, seconds: f64) -> Option<&'static str> {
        self.add(|trial| Event::Ended { trial, end: End::Finished, steps, seconds: Some(seconds) })
    }

    #[pyo3(signature = (_trial, steps, why=None))]
    fn leave(&self, _trial: u32, steps: u64, why: Option<String>) -> Option<&'static str> {
        let end = why.map_or(End::Stopped, |why| End::Failed { why });
        self.add(|trial| Event::Ended { trial, end, steps, seconds: None })
    }

    /// All reports as text.
    fn to_json(&self) -> PyResult<String> {
        serde_json::to_string(&self.events()).map_err(not_json)
    }

    #[classmethod]
    fn from_json(_: &Bound<'_, PyType>, trial: &PyTrial, text: &str) -> PyResult<Self> {
        let events: Vec<Event> = serde_json::from_str(text).map_err(not_json)?;
        let mut live = LiveTrial::new(trial);
        for event in events {
            live.add(event);
        }
        Ok(Self { live: Mutex::new(live) })
    }
}
