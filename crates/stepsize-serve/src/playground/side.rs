//! [`SideBySide`]: runs of one job next to each other, step by step: at three rates, or with three
//! ways to change the rate beside a fixed one.

use super::ask::Ask;
use super::job::{self, PlayJob, quoted};
use super::live::LiveRun;
use super::{Emit, hex};
use serde_json::{Value, json};
use stepsize::controller::ControllerSpec;
use stepsize::{Error, Lr, Result, Schedule, TrialSpec};
use stepsize_engine::ways;

/// Runs that are trained at once.
const MOST_RUNS: usize = 3;
/// Evaluations of a run at one of three rates: those of `stepsize train`.
const EVALUATIONS: u64 = 20;
/// Evaluations of a way: those of `stepsize compare`, for which the numbers of its ways are made.
const EVALUATIONS_OF_WAYS: u64 = 40;
/// The ways that are shown, by their names in `stepsize compare`.
const WAYS: [&str; 4] = ["fixed", "plateau / 2", "triangular", "one-cycle"];

/// One of the runs.
#[derive(Debug, Clone)]
struct SidePlan {
    name: String,
    lr: Lr,
    schedule: Schedule,
    controller: Option<ControllerSpec>,
    command: String,
}

/// Runs of one job.
#[derive(Debug, Clone)]
pub struct SideBySide {
    play: PlayJob,
    plans: Vec<SidePlan>,
    evaluations: u64,
    /// Whether weights and mistakes are shown.
    looks: bool,
}

impl SideBySide {
    /// One run for each rate of `lr`, at most `most` of them.
    ///
    /// # Errors
    /// When a parameter is beyond its limits.
    pub fn rates(ask: &Ask, most: Option<usize>) -> Result<Self> {
        ask.only(&[&job::NAMES[..], &["lr"]].concat())?;
        let play = PlayJob::of(ask, 300, "constant")?;
        let rates = ask.lrs("lr", &[0.0005, 0.1, 3.0], most.unwrap_or(MOST_RUNS))?;
        let plan = |lr: Lr| SidePlan {
            name: String::new(),
            lr,
            schedule: play.job.schedule.clone(),
            controller: None,
            command: format!("stepsize train --lr {} {}", lr.get(), play.words()),
        };
        let plans = rates.into_iter().map(plan).collect();
        Ok(Self { play, plans, evaluations: EVALUATIONS, looks: true })
    }

    /// A fixed rate, and beside it a plateau rule, a cyclical rate and one cycle, all from the same
    /// base rate.
    ///
    /// # Errors
    /// When a parameter is beyond its limits.
    pub fn ways(ask: &Ask) -> Result<Self> {
        ask.only(&["data", "model", "optimizer", "steps", "seed", "lr"])?;
        let play = PlayJob::of(ask, 400, "constant")?;
        let lr = ask.lr("lr", 0.3)?;
        let known = ways::of_engine(&play.job, &play.optimizer().parse()?)?;
        let plan = |name: &&str| {
            let way = known.iter().find(|way| way.name == *name);
            let way = way.ok_or_else(|| Error::internal(format!("there is no way '{name}'")))?;
            let controller =
                way.controller.as_ref().map_or(String::new(), |c| format!(" --controller {}", quoted(&c.to_string())));
            let words = play.words_with(&way.schedule.to_string());
            Ok(SidePlan {
                name: (*name).to_owned(),
                lr,
                schedule: way.schedule.clone(),
                controller: way.controller.clone(),
                command: format!(
                    "stepsize train --lr {} {words}{controller} --evaluations {EVALUATIONS_OF_WAYS}",
                    lr.get()
                ),
            })
        };
        let plans = WAYS.iter().map(plan).collect::<Result<Vec<SidePlan>>>()?;
        Ok(Self { play, plans, evaluations: EVALUATIONS_OF_WAYS, looks: false })
    }

    /// Trains them all, one stretch after another.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn play(&self, emit: Emit<'_>) -> Result<()> {
        let steps = self.play.job.steps;
        let begin = |plan: &SidePlan| {
            let (schedule, seed) = (plan.schedule.clone(), self.play.job.seed);
            let spec = TrialSpec { lr: plan.lr, schedule, steps, seed, stop_on_divergence: true };
            LiveRun::new(&self.play.task, spec, plan.controller.as_ref(), self.evaluations)
        };
        let mut runs = self.plans.iter().map(begin).collect::<Result<Vec<LiveRun>>>()?;
        if emit(self.begin()).is_break() {
            return Ok(());
        }
        for stop in runs.first().map(LiveRun::stops).unwrap_or_default() {
            let mut frames = Vec::with_capacity(runs.len());
            for run in &mut runs {
                run.until(stop)?;
                let mut frame = run.frame();
                if self.looks
                    && let (Value::Object(frame), Value::Object(look)) = (&mut frame, run.look()?)
                {
                    frame.extend(look);
                }
                frames.push(frame);
            }
            if emit(json!({ "event": "frame", "step": stop, "runs": frames })).is_break() {
                return Ok(());
            }
        }
        let summaries: Vec<Value> = runs.iter().map(|run| run.summary(self.play.optimizer())).collect();
        let _ = emit(json!({ "event": "end", "runs": summaries }));
        Ok(())
    }

    fn begin(&self) -> Value {
        let runs: Vec<Value> = self
            .plans
            .iter()
            .map(|p| json!({ "name": p.name, "lr": p.lr, "command": p.command, "schedule": p.schedule.to_string() }))
            .collect();
        let images = self.play.task.held_out().filter(|_| self.looks).map(|held| {
            let size = held.shape[0] * held.shape[1];
            let pictures: Vec<String> = held.pixels.chunks(size).map(hex).collect();
            json!({ "shape": held.shape, "pictures": pictures, "classes": held.classes })
        });
        json!({
            "event": "begin", "task": self.play.task.describe(), "steps": self.play.job.steps, "runs": runs,
            "score": self.play.task.score_name(), "images": images,
        })
    }
}
