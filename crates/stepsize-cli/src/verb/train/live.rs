//! The live page of a run: rate, loss, gradient norm, verdict.

use super::shown::verdict;
use crate::args::LiveArgs;
use crate::done::Fault;
use crate::live::{self, LivePage};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stepsize::{End, Event, Trial};
use stepsize_draw::chart;
use stepsize_draw::number::{count, loss, rate};
use stepsize_serve::LiveBoard;

/// Between two states of the page, at least.
const LEAST: Duration = Duration::from_millis(300);
/// A state costs the run less than one part in so many of its time.
const SHARE: u32 = 60;

/// What the page of a run shows.
pub struct TrainPage {
    board: Arc<LiveBoard>,
    _page: LivePage,
    task: String,
    optimizer: String,
    next: Instant,
    place: u64,
}

impl TrainPage {
    /// Serves it, if it was asked for.
    pub fn new(args: &LiveArgs, task: &str, optimizer: &str) -> Result<Option<Self>, Fault> {
        let Some((page, board)) = live::of_run(args)? else { return Ok(None) };
        let (task, optimizer) = (task.to_owned(), optimizer.to_owned());
        Ok(Some(Self { board, _page: page, task, optimizer, next: Instant::now(), place: 0 }))
    }

    /// Takes in one event; `trial` and `norms` hold it already.
    pub fn see(&mut self, event: &Event, trial: &Trial, norms: &[f64]) {
        self.place += 1;
        if Instant::now() >= self.next || matches!(event, Event::Ended { .. }) {
            self.show(trial, norms);
        }
    }

    /// Shows the run as it stands.
    pub fn show(&mut self, trial: &Trial, norms: &[f64]) {
        let begin = Instant::now();
        let charts = chart::training(trial, norms).into_iter().map(|(name, chart)| (name.to_owned(), json!(chart)));
        let head = [("train".to_owned(), self.head(trial, norms))];
        self.board.set(self.place, charts.chain(head));
        self.next = Instant::now() + LEAST.max(begin.elapsed() * SHARE);
    }

    fn head(&self, trial: &Trial, norms: &[f64]) -> Value {
        let last = trial.train.last();
        let verdict = verdict(trial, &self.optimizer);
        let (over, ink) = match &trial.end {
            None | Some(End::Stopped) => (None, "low"),
            Some(End::Finished) => (Some("finished"), "good"),
            Some(End::Diverged { .. } | End::Failed { .. }) => (Some("diverged"), "bad"),
            Some(End::Pruned { .. }) => (Some("stopped early"), "good"),
        };
        let mut facts = vec![("step", format!("{} of {}", count(trial.steps_run), count(trial.spec.steps)))];
        facts.extend(last.map(|p| ("rate", rate(p.lr))));
        facts.extend(last.map(|p| ("training loss", loss(p.loss))));
        facts.extend(trial.val.last().map(|p| ("validation loss", loss(p.loss))));
        facts.extend(norms.last().map(|norm| ("gradient norm", loss(*norm))));
        json!({
            "title": format!("lr {}", rate(trial.spec.lr.get())), "verdict": verdict, "ink": ink, "facts": facts,
            "task": self.task, "share": trial.steps_run as f64 / trial.spec.steps.max(1) as f64, "over": over,
        })
    }
}
