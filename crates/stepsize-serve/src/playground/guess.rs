//! [`Guess`]: "guess the rate, then see". A run at the guess, a search, a run at its answer, and
//! where the guess lies.

use super::Emit;
use super::ask::Ask;
use super::job::{self, PlayJob};
use super::live::LiveRun;
use super::search::LiveSearch;
use serde_json::{Value, json};
use std::ops::ControlFlow;
use stepsize::divergence::{Outcome, untrained_loss};
use stepsize::{FindProbe, Lr, Placement, Result};

/// Evaluations of a run, as `stepsize train` has them.
const EVALUATIONS: u64 = 20;

/// A guess of the rate of one job.
#[derive(Debug, Clone)]
pub struct Guess {
    search: LiveSearch,
    lr: Lr,
}

impl Guess {
    /// The guess of a request.
    ///
    /// # Errors
    /// When a parameter is beyond its limits.
    pub fn of(ask: &Ask) -> Result<Self> {
        ask.only(&[&job::NAMES[..], &["lr"]].concat())?;
        let play = PlayJob::of(ask, 500, "cosine")?;
        Ok(Self { search: LiveSearch::find(play, FindProbe::Race), lr: ask.lr("lr", 0.01)? })
    }

    /// Trains at the guess, searches, trains at the answer, and judges.
    ///
    /// # Errors
    /// When the engine broke.
    pub fn play(&self, emit: Emit<'_>) -> Result<()> {
        let Some(guess) = self.run("guess", self.lr, emit)? else { return Ok(()) };
        // The page shows where the trials ended, not how.
        let mut ends = |value: Value| {
            if value["event"] == "points" { ControlFlow::Continue(()) } else { emit(value) }
        };
        let Some(found) = self.search.play(&mut ends)? else { return Ok(()) };
        let Some(answer) = found.estimate.lr() else {
            let _ = emit(json!({ "event": "judged", "placement": Placement::Unknown, "kept": null }));
            return Ok(());
        };
        let Some(best) = self.run("answer", answer, emit)? else { return Ok(()) };
        let placement = Placement::of(&guess.trial, &found.estimate);
        let gained = |run: &LiveRun| Some(untrained_loss(&run.trial)? - Outcome::of(&run.trial).loss()?);
        let kept = gained(&guess).zip(gained(&best)).filter(|(_, best)| *best > 0.0).map(|(guess, best)| guess / best);
        let octaves = (self.lr.get() / answer.get()).log2();
        let _ = emit(json!({ "event": "judged", "placement": placement, "kept": kept, "octaves": octaves }));
        Ok(())
    }

    /// One full run. `None` when the listener went away.
    fn run(&self, name: &str, lr: Lr, emit: Emit<'_>) -> Result<Option<LiveRun>> {
        let play = &self.search.play;
        let mut run = LiveRun::new(&play.task, play.job.trial(lr, play.job.steps, play.job.seed)?, None, EVALUATIONS)?;
        let command = self.search.train_command(lr);
        let begin = json!({ "event": "begin", "name": name, "lr": lr, "command": command, "steps": play.job.steps });
        if emit(begin).is_break() {
            return Ok(None);
        }
        for stop in run.stops() {
            run.until(stop)?;
            if emit(json!({ "event": "frame", "name": name, "step": stop, "runs": [run.frame()] })).is_break() {
                return Ok(None);
            }
        }
        let summary = run.summary(play.optimizer());
        Ok(emit(json!({ "event": "end", "name": name, "runs": [summary] })).is_continue().then_some(run))
    }
}
