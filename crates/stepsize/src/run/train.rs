//! [`train()`]: the loop that runs one trial, and [`resume`], which continues one. No other code
//! gives a rate to a model.
//!
//! The loop emits [`Event`]s and nothing else. It also does what a controller asks for: go back to
//! an earlier state ([`Request::Rewind`]) and try branches ([`Request::Branch`]). Each is reported
//! as an [`Event::Acted`].

mod kept;

pub use kept::Kept;

use crate::controller::{Metric, Request};
use crate::divergence::explosion;
use crate::event::{Act, Event};
use crate::rate::policy::Policy;
use crate::spec::{End, TrialId, TrialSpec};
use crate::trial::{Trial, fold_one};
use crate::{Engine, Error, Result};
use std::collections::BTreeMap;
use std::ops::ControlFlow;

/// Smallest change of a controller's factor that becomes an event, in the natural logarithm. One
/// move of a greedy controller is larger (0.05 and 0.11 at their defaults).
const CHANGE: f64 = 0.04;

/// Receives events; `Break(end)` ends the trial.
type Sink<'a> = &'a mut dyn FnMut(Event) -> ControlFlow<End>;

/// Steps at which [`train()`] evaluates: 0, `steps`, about `count` evenly spaced ones between, and
/// `steps/2`, `/4`, `/8` and `/16`, at which a horizon-free run is read.
pub fn evaluation_steps(steps: u64, count: u64) -> Vec<u64> {
    let mut at: Vec<u64> = (0..=count).map(|i| steps * i / count.max(1)).collect();
    at.extend([2, 4, 8, 16].iter().map(|d| steps / d));
    at.sort_unstable();
    at.dedup();
    at
}

/// Runs one trial on a fresh engine and hands every event to `sink`.
///
/// `sink` returns `ControlFlow::Break(end)` to end the trial as pruned or stopped. If the spec asks
/// for it, the loop ends a diverged trial by itself ([`explosion`]); a controller that can go back
/// is asked first.
///
/// # Errors
/// When the engine fails, or cannot do what the controller needs. The sink receives [`End::Failed`]
/// first.
pub fn train(
    engine: &mut dyn Engine,
    trial: TrialId,
    spec: &TrialSpec,
    policy: &mut Policy,
    evals: &[u64],
    sink: Sink<'_>,
) -> Result<End> {
    resume(engine, Trial::new(trial, spec.clone()), &mut Kept::default(), policy, evals, sink)
}

/// Continues a trial from `begun`. Engine, policy and kept states must be as they were at that
/// step.
///
/// When `sink` ends the trial, the loop completes the current step first (evaluation, report to the
/// controller, and what the controller asks for). So all state can be saved and the trial resumed
/// as if nothing had happened.
///
/// # Errors
/// As [`train()`].
pub fn resume(
    engine: &mut dyn Engine,
    begun: Trial,
    kept: &mut Kept,
    policy: &mut Policy,
    evals: &[u64],
    sink: Sink<'_>,
) -> Result<End> {
    let id = begun.id;
    let mut run = Loop { engine, policy, kept, evals, sink, id, trial: BTreeMap::from([(id, begun)]), flow: None };
    let result = run.go();
    let steps = run.trial().steps_run;
    match result {
        Ok(end) => {
            let _ = (run.sink)(Event::Ended { trial: id, end: end.clone(), steps, seconds: None });
            Ok(end)
        }
        Err(error) => {
            let end = End::Failed { why: error.to_string() };
            let _ = (run.sink)(Event::Ended { trial: id, end, steps, seconds: None });
            Err(Error::engine(error))
        }
    }
}

struct Loop<'a> {
    engine: &'a mut dyn Engine,
    policy: &'a mut Policy,
    kept: &'a mut Kept,
    evals: &'a [u64],
    sink: Sink<'a>,
    id: TrialId,
    /// The trial as its events have built it: a map with one entry, because [`fold_one`] takes a
    /// map.
    trial: BTreeMap<TrialId, Trial>,
    /// The end that the sink asked for, if any.
    flow: Option<End>,
}

impl Loop<'_> {
    fn trial(&self) -> &Trial {
        &self.trial[&self.id]
    }

    fn emit(&mut self, event: Event) {
        fold_one(&mut self.trial, &event);
        if let ControlFlow::Break(end) = (self.sink)(event) {
            self.flow = Some(end);
        }
    }

    fn go(&mut self) -> Result<End> {
        let (steps, mut step) = (self.trial().spec.steps, self.trial().steps_run);
        if step == 0 && self.evals.first() == Some(&0) && self.trial().val.points().is_empty() {
            self.evaluate(0, self.policy.lr(0))?;
            if let Some(end) = self.flow.take() {
                return Ok(end);
            }
        }
        while step < steps {
            if let Some(every) = self.policy.needs().keep {
                self.kept.keep(step, every, || self.engine.save())?;
            }
            step = match self.one(step)? {
                ControlFlow::Continue(next) => next,
                ControlFlow::Break(end) => return Ok(end),
            };
            if let Some(end) = self.flow.take() {
                return Ok(end);
            }
        }
        Ok(End::Finished)
    }

    /// Takes one step and does all that follows from it. Returns the next step, or how the trial
    /// ended.
    fn one(&mut self, step: u64) -> Result<ControlFlow<End, u64>> {
        let (lr, loss) = self.step(step)?;
        self.emit(Event::Step { trial: self.id, step, lr, loss });
        let due = self.evals.binary_search(&(step + 1)).is_ok();
        let val = if due || !loss.is_finite() { Some(self.evaluate(step + 1, lr)?) } else { None };
        let needs = self.policy.needs();
        let exploded = if self.trial().spec.stop_on_divergence { explosion(self.trial()) } else { None };
        let diverged = |why| Ok(ControlFlow::Break(End::Diverged { step, why }));
        if let (Some(why), None) = (&exploded, needs.keep) {
            return diverged(why.clone());
        }
        for (metric, value) in [(Metric::TrainLoss, Some(loss)), (Metric::ValLoss, val)] {
            let Some(value) = value else { continue };
            match self.policy.observe(metric, step, value) {
                Ok(Request::Go) => {}
                Ok(Request::Stop(why)) => return Ok(ControlFlow::Break(End::Pruned { why })),
                Ok(Request::Rewind { back, why }) => return self.rewind(step, back, why).map(ControlFlow::Continue),
                Ok(Request::Branch { factors, steps, decay }) => self.branch(step, factors, steps, decay)?,
                // A controller that cannot use a non-finite loss ends the run. The engine is not at
                // fault.
                Err(error) if !value.is_finite() => return diverged(exploded.unwrap_or(error.to_string())),
                Err(error) => return Err(error),
            }
        }
        if let Some(why) = exploded {
            return diverged(why);
        }
        self.report_factor(step);
        Ok(ControlFlow::Continue(step + 1))
    }

    /// Takes the step. Returns the rate that was applied, and the loss.
    fn step(&mut self, step: u64) -> Result<(f64, f64)> {
        if !self.policy.needs().gradient {
            let lr = self.policy.lr(step);
            return Ok((lr, self.engine.step(lr)?));
        }
        let (policy, mut lr) = (&mut *self.policy, 0.0);
        let loss = self.engine.step_seeing(&mut |seen| {
            policy.heed(step, seen)?;
            lr = policy.lr(step);
            Ok(lr)
        })?;
        Ok((lr, loss))
    }

    fn evaluate(&mut self, step: u64, lr: f64) -> Result<f64> {
        let e = self.engine.evaluate()?;
        self.emit(Event::Eval { trial: self.id, step, lr, val_loss: e.val_loss, score: e.score });
        Ok(e.val_loss)
    }

    /// Goes back to a kept state. Returns the step to continue with.
    fn rewind(&mut self, step: u64, back: u64, why: String) -> Result<u64> {
        let Some((to, snapshot)) = self.kept.back(step, back) else {
            return Err(Error::invalid(
                "a controller asked to go back and no state is kept: set `Needs::keep` in its `needs`",
            ));
        };
        self.engine.restore(snapshot)?;
        let batches = step + 1 - to;
        let skipped = if self.engine.skip(batches)? { batches } else { 0 };
        self.act(step, Act::Rewound { to, skipped }, why);
        Ok(to)
    }

    /// Runs the branches from the present state and returns to it. Only their losses remain.
    fn branch(&mut self, step: u64, factors: Vec<f64>, steps: u64, decay: f64) -> Result<()> {
        let here = self.engine.save()?;
        let falling = decay * steps as f64;
        let mut losses = Vec::with_capacity(factors.len());
        for factor in &factors {
            self.engine.restore(&here)?;
            for i in 0..steps {
                let left = ((steps - i) as f64 / falling).min(1.0); // without a decay infinite, and so 1
                self.engine.step(self.policy.lr(step + 1 + i) * factor * left)?;
            }
            let loss = self.engine.evaluate()?.val_loss;
            losses.push(if loss.is_finite() { loss } else { f64::INFINITY });
        }
        self.engine.restore(&here)?;
        let why = self.policy.judged(&losses)?;
        let losses = losses.into_iter().map(|l| Some(l).filter(|l| l.is_finite())).collect();
        self.act(step, Act::Branched { factors, losses, steps }, why);
        Ok(())
    }

    /// Reports the factor when it has changed enough since the last report.
    fn report_factor(&mut self, step: u64) {
        let (before, now) = (self.trial().acts.last().map_or(1.0, |a| a.factor), self.policy.factor());
        if (now / before).ln().abs() >= CHANGE || (now == 0.0) != (before == 0.0) {
            self.act(step, Act::Changed, format!("factor {before:.4} to {now:.4}"));
        }
    }

    fn act(&mut self, step: u64, act: Act, why: String) {
        let factor = self.policy.factor();
        self.emit(Event::Acted { trial: self.id, step, act, factor, why });
    }
}
