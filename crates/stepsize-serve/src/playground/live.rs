//! [`LiveRun`]: a training run that stops where somebody wants to look, and goes on from there. The
//! loop is the core's ([`stepsize::resume`]); a run that was looked at is the run, bit for bit.

use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use stepsize::controller::ControllerSpec;
use stepsize::diagnosis::{Record, diagnose};
use stepsize::divergence::Outcome;
use stepsize::{End, Event, Kept, Policy, Result, Trial, TrialId, TrialSpec, evaluation_steps, fold_one};
use stepsize_engine::{Task, Watched};

/// Mistakes that are shown as images.
const MISTAKES: usize = 24;
/// Units of the first layer whose weights are shown.
const UNITS: usize = 16;

/// A run at work.
pub struct LiveRun {
    engine: Watched,
    kept: Kept,
    policy: Policy,
    evals: Vec<u64>,
    /// As far as it is known.
    pub trial: Trial,
    /// Readings of the training loss that were shown.
    shown: usize,
}

impl LiveRun {
    /// At step 0, to be evaluated about `evaluations` times.
    ///
    /// # Errors
    /// When the controller cannot be built.
    pub fn new(task: &Task, spec: TrialSpec, controller: Option<&ControllerSpec>, evaluations: u64) -> Result<Self> {
        let policy = Policy::new(spec.lr, spec.schedule.clone());
        let policy = match controller {
            Some(controller) => policy.with_controller(controller.build(spec.lr)?),
            None => policy,
        };
        let (engine, evals) = (task.watched(spec.seed)?, evaluation_steps(spec.steps, evaluations));
        Ok(Self { engine, kept: Kept::default(), policy, evals, trial: Trial::new(TrialId(0), spec), shown: 0 })
    }

    /// Steps at which the run is evaluated, where it can be looked at.
    pub fn stops(&self) -> Vec<u64> {
        self.evals.clone()
    }

    /// Goes on until the evaluation after `step` steps, or to its end where that comes first.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn until(&mut self, step: u64) -> Result<()> {
        if self.trial.end.is_some() {
            return Ok(());
        }
        let (id, steps) = (self.trial.id, self.trial.spec.steps);
        let begun = self.trial.clone();
        let mut seen = BTreeMap::from([(id, begun.clone())]);
        let (engine, kept, policy, evals) = (&mut self.engine, &mut self.kept, &mut self.policy, &self.evals);
        let end = stepsize::resume(engine, begun, kept, policy, evals, &mut |event| {
            if matches!(event, Event::Ended { end: End::Stopped, .. }) {
                return ControlFlow::Continue(()); // a pause is no fact about the run
            }
            fold_one(&mut seen, &event);
            match event {
                Event::Eval { step: at, .. } if at >= step && at < steps => ControlFlow::Break(End::Stopped),
                _ => ControlFlow::Continue(()),
            }
        })?;
        if let Some(now) = seen.remove(&id) {
            self.trial = now;
        }
        self.trial.end = (end != End::Stopped).then_some(end);
        Ok(())
    }

    /// What is new since the last frame: rates and losses of its steps, the last evaluation, how
    /// far the weights have moved. A number that is not finite is `null`.
    pub fn frame(&mut self) -> Value {
        let fresh = &self.trial.train.points()[self.shown.min(self.trial.train.points().len())..];
        let from = fresh.first().map(|p| p.step);
        let (rates, losses): (Vec<f64>, Vec<f64>) = fresh.iter().map(|p| (p.lr, p.loss)).unzip();
        self.shown = self.trial.train.points().len();
        json!({
            "from": from, "rates": rates, "losses": losses, "steps": self.trial.steps_run,
            "val": self.trial.val.last().map(|p| p.loss), "score": self.trial.score.last().map(|p| p.loss),
            "moved": self.engine.moved(), "end": self.trial.end,
        })
    }

    /// The weights of the first layer as images, and the first mistakes, each with its image's
    /// number and the wrong answer.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn look(&mut self) -> Result<Value> {
        let weights = self.engine.first_weights();
        let units: Vec<String> = weights.iter().take(UNITS).map(|unit| picture(unit)).collect();
        let judged = self.engine.judged()?;
        let wrong: Vec<_> = judged.iter().filter(|j| !j.is_right()).collect();
        let shown: Vec<_> = wrong.iter().take(MISTAKES).map(|j| json!([j.example, j.answer])).collect();
        Ok(json!({ "units": units, "wrong": wrong.len(), "mistakes": shown }))
    }

    /// How the run ended: its numbers, and where its curve says that the rate lies.
    pub fn summary(&self, optimizer: &str) -> Value {
        let trial = &self.trial;
        let mut record = Record::of_trial(trial);
        record.facts.optimizer = Some(optimizer.to_owned());
        record.facts.schedule = Some(trial.spec.schedule.to_string());
        let seen = diagnose(&record);
        let best = trial.val.best();
        json!({
            "lr": trial.spec.lr, "end": trial.end, "steps": trial.steps_run,
            "val_loss": trial.val.last().map(|p| p.loss), "best_val_loss": best,
            "score": trial.score.last().map(|p| p.loss), "diverged": Outcome::of(trial) == Outcome::Diverged,
            "verdict": seen.verdict, "confidence": seen.confidence, "because": seen.because,
        })
    }
}

/// Weights as hexadecimal digits, one a weight, on their own scale: `0` is the most negative, 7 and
/// 8 are about zero.
fn picture(weights: &[f32]) -> String {
    let scale = weights.iter().fold(f32::MIN_POSITIVE, |most, w| if w.is_finite() { most.max(w.abs()) } else { most });
    weights
        .iter()
        .map(|w| {
            let level = if w.is_finite() { 7.5 + 7.5 * w / scale } else { 7.5 };
            char::from_digit(level.round() as u32, 16).unwrap_or('8')
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playground::ask::Ask;
    use crate::playground::job::PlayJob;
    use stepsize::{Lr, train};

    #[test]
    fn a_run_that_was_looked_at_is_the_run() {
        for controller in [None, Some("plateau(patience=4, factor=0.5, undo=0)".parse::<ControllerSpec>().unwrap())] {
            let play = PlayJob::of(&Ask::new("steps=60").unwrap(), 60, "cosine").unwrap();
            let spec = play.job.trial(Lr::new(0.3).unwrap(), 60, 0).unwrap();
            let mut live = LiveRun::new(&play.task, spec.clone(), controller.as_ref(), 20).unwrap();
            for step in live.stops() {
                live.until(step).unwrap();
                live.look().unwrap();
            }
            let mut policy = Policy::new(spec.lr, spec.schedule.clone());
            if let Some(controller) = &controller {
                policy = policy.with_controller(controller.build(spec.lr).unwrap());
            }
            let (id, mut engine) = (TrialId(0), play.task.engine(0).unwrap());
            let mut seen = BTreeMap::from([(id, Trial::new(id, spec.clone()))]);
            train(engine.as_mut(), id, &spec, &mut policy, &evaluation_steps(60, 20), &mut |event| {
                fold_one(&mut seen, &event);
                ControlFlow::Continue(())
            })
            .unwrap();
            let whole = &seen[&id];
            assert_eq!((&live.trial.train, &live.trial.val), (&whole.train, &whole.val));
            assert_eq!(live.trial.end, Some(End::Finished));
        }
    }

    #[test]
    fn a_run_that_breaks_ends_and_its_frames_stay_json() {
        let play = PlayJob::of(&Ask::new("").unwrap(), 100, "constant").unwrap();
        let spec = play.job.trial(Lr::new(1e4).unwrap(), 100, 0).unwrap();
        let mut live = LiveRun::new(&play.task, spec, None, 20).unwrap();
        for step in live.stops() {
            live.until(step).unwrap();
            assert!(live.frame().is_object() && live.look().unwrap().is_object());
        }
        let summary = live.summary("sgd:0.9");
        assert_eq!((summary["verdict"].as_str(), summary["diverged"].as_bool()), (Some("diverged"), Some(true)));
    }

    #[test]
    fn weights_become_digits_on_their_own_scale() {
        assert_eq!(picture(&[-2.0, 0.0, 2.0, f32::NAN]), "08f8");
        assert_eq!(picture(&[0.0, 0.0]), "88");
    }
}
