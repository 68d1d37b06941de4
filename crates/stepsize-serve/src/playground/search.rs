//! [`LiveSearch`]: a search for the rate, shown while it runs: the range test, the descending rules
//! and the default search. Its trials run one after another; the answer is that of the command
//! line, which does not depend on how many run at once.

use super::ask::Ask;
use super::job::{self, PlayJob};
use super::{Emit, events::TrialEvents};
use serde_json::json;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stepsize::defaults::{RANGE_TEST_STEPS, range_test_span};
use stepsize::probe::RangeTestRule;
use stepsize::{FindProbe, Lr, Question, QuestionKind, Report, Result};
use stepsize_study::executor::EngineSource;
use stepsize_study::{InProcess, Memory, Study, StudyResult};

/// The searches, by the words of the command line.
const PROBES: [&str; 4] = ["range-test", "descent", "first-fall", "race"];

/// A search of one job.
#[derive(Debug, Clone)]
pub struct LiveSearch {
    /// What is trained.
    pub play: PlayJob,
    question: Question,
    command: String,
}

impl LiveSearch {
    /// The search that a request asks for.
    ///
    /// # Errors
    /// When a parameter is beyond its limits.
    pub fn of(ask: &Ask) -> Result<Self> {
        ask.only(&[&job::NAMES[..], &["probe", "low", "high", "trial_steps"]].concat())?;
        let play = PlayJob::of(ask, 500, "cosine")?;
        let words = play.words();
        match ask.choice("probe", &PROBES)? {
            "range-test" => {
                let rule = RangeTestRule::default();
                let (low, high) = range_test_span(rule);
                let (low, high) = (ask.lr("low", low)?, ask.lr("high", high)?);
                let trial_steps = ask.count("trial_steps", RANGE_TEST_STEPS, 20..=500)?;
                let command = format!(
                    "stepsize range-test --low {} --high {} --trial-steps {trial_steps} {words}",
                    low.get(),
                    high.get()
                );
                let (linear, short_trials, budget) = (false, false, None);
                let kind = QuestionKind::RangeTest { rule, linear, low, high, trial_steps, short_trials, budget };
                Ok(Self::new(play, kind, command))
            }
            "descent" => Ok(Self::find(play, FindProbe::Descent)),
            "first-fall" => Ok(Self::find(play, FindProbe::FirstFall)),
            _ => Ok(Self::find(play, FindProbe::Race)),
        }
    }

    /// `stepsize find --probe ...`.
    pub fn find(play: PlayJob, probe: FindProbe) -> Self {
        let kind = QuestionKind::Find { probe, start: None, budget: None, low: None, high: None };
        let command = format!("stepsize find --probe {} {}", probe.name(), play.words());
        Self::new(play, kind, command)
    }

    fn new(play: PlayJob, kind: QuestionKind, command: String) -> Self {
        let question = Question { kind, pruner: None, task: play.task.describe(), job: play.job.clone() };
        Self { play, question, command }
    }

    /// Searches. `None` when the listener went away.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn play(&self, emit: Emit<'_>) -> Result<Option<StudyResult>> {
        let begin = json!({
            "event": "search", "task": self.question.task, "steps": self.question.job.steps,
            "question": self.question.to_string(), "command": self.command,
        });
        if emit(begin).is_break() {
            return Ok(None);
        }
        let task = self.play.task.clone();
        let engines: EngineSource = Arc::new(move |seed| task.engine(seed));
        let (stop, mut left) = (AtomicBool::new(false), false);
        let mut events = TrialEvents::default();
        let study = Study::open(&self.question, self.question.probe()?, Box::new(Memory::new()))?;
        let found = study.run(&mut InProcess::new(1, engines)?, &stop, &mut |event| {
            if !left && events.of(event).into_iter().any(|value| emit(value).is_break()) {
                left = true;
                stop.store(true, Ordering::Relaxed);
            }
        })?;
        if left {
            return Ok(None);
        }
        let report = Report::new(&self.question, &found.estimate, &found.trials);
        let report = stepsize_draw::json::object(&report);
        let landscape = &found.estimate.landscape;
        match emit(json!({ "event": "answer", "report": report, "landscape": landscape })).is_break() {
            true => Ok(None),
            false => Ok(Some(found)),
        }
    }

    /// A full run of the job at `lr` as the command line makes it.
    pub fn train_command(&self, lr: Lr) -> String {
        format!("stepsize train --lr {} {}", lr.get(), self.play.words())
    }
}
