//! What is said of a run when it is over, and the verdict while it lasts.

use super::checkpoint::Checkpoint;
use crate::args::TrainArgs;
use crate::task::Loaded;
use serde_json::json;
use stepsize::Placement;
use stepsize::diagnosis::{Code, Record, diagnose};
use stepsize::report::{smooth, thin};
use stepsize::{Act, End, Trial};
use stepsize_draw::number::{count, loss, plural, rate};
use stepsize_draw::show::{self, Style, Tone};

/// Points of a curve in a terminal plot.
const POINTS: usize = 400;
/// Acts of a controller that are told one by one.
const ACTS: usize = 8;

/// Evaluations since the best validation loss; `None` before the first that is finite.
pub fn since_best(trial: &Trial) -> Option<u64> {
    let points = trial.val.points();
    let finite = |(i, p): (usize, &stepsize::Point)| p.loss.is_finite().then_some((i, p.loss));
    let (best, _) = points.iter().enumerate().filter_map(finite).min_by(|a, b| a.1.total_cmp(&b.1))?;
    Some((points.len() - 1 - best) as u64)
}

/// Where the rate lies by the diagnosis of the log so far, how sure that is, and what else it
/// found; then how long the best validation loss lies back. The schedule has not ended: it is a
/// verdict on the first part of the run.
pub fn verdict(trial: &Trial, optimizer: &str) -> String {
    let mut record = Record::of_trial(trial);
    record.facts.optimizer = Some(optimizer.to_owned());
    record.facts.schedule = Some(trial.spec.schedule.to_string());
    record.facts.running = true;
    let seen = diagnose(&record);
    let mut text = match seen.verdict {
        Placement::Unknown => "rate: cannot tell yet".to_owned(),
        Placement::Diverged => "diverged".to_owned(),
        other => format!("rate {other} ({:.0} %)", 100.0 * seen.confidence),
    };
    // The first finding is that of the verdict; that a run under way is not annealed goes without
    // saying.
    if let Some(next) = seen.findings.iter().skip(1).find(|f| f.code != Code::NotAnnealed) {
        text += &format!(", {}", next.code.title());
    }
    if let Some(since @ 1..) = since_best(trial) {
        text += &format!(", best {} ago", plural(since, "evaluation"));
    }
    text
}

/// The run as one JSON object.
pub fn object(run: &Checkpoint, loaded: &Loaded) -> String {
    let trial = &run.trial;
    let last = trial.val.last();
    let best = trial.val.points().iter().filter(|p| p.loss.is_finite()).min_by(|a, b| a.loss.total_cmp(&b.loss));
    let value = json!({
        "lr": trial.spec.lr,
        "schedule": trial.spec.schedule.to_string(),
        "controller": run.controller.as_ref().map(ToString::to_string),
        "steps": trial.spec.steps,
        "steps_run": trial.steps_run,
        "steps_paid": trial.steps_paid(),
        "seed": trial.spec.seed,
        "end": trial.end,
        "val_loss": last.map(|p| p.loss).filter(|l| l.is_finite()),
        "best_val_loss": best.map(|p| p.loss),
        "best_step": best.map(|p| p.step),
        "acts": trial.acts,
        loaded.task.score_name(): trial.score.last().map(|p| p.loss),
        "task": run.task,
    });
    format!("{value:#}\n")
}

/// The run for people.
pub fn text(run: &Checkpoint, loaded: &Loaded, args: &TrainArgs, style: Style) -> String {
    let trial = &run.trial;
    let mut head = match &trial.end {
        Some(End::Finished) => "finished".to_owned(),
        Some(End::Diverged { why, .. }) => Tone::Bad.paint(&format!("diverged: {why}"), style.colour),
        Some(End::Pruned { why }) => {
            format!("stopped after {} of {} steps: {why}", count(trial.steps_run), count(trial.spec.steps))
        }
        _ => format!("stopped after {} of {} steps", count(trial.steps_run), count(trial.spec.steps)),
    };
    if let Some(point) = trial.val.last() {
        head += &format!(" (validation loss {} after {} steps", loss(point.loss), count(point.step));
        if let Some(score) = trial.score.last() {
            head += &format!("; {} {}", loaded.task.score_name(), loss(score.loss));
        }
        head.push(')');
    }
    let controller = run.controller.as_ref().map_or(String::new(), |c| format!(", controller {c}"));
    let how = format!(
        "lr {}, schedule {}{controller}, {} steps, seed {}",
        rate(trial.spec.lr.get()),
        trial.spec.schedule,
        count(trial.spec.steps),
        trial.spec.seed
    );
    let mut parts = vec![
        show::wrapped("", &head, style),
        show::wrapped("run: ", &how, style),
        show::wrapped("task: ", &run.task, style),
    ];
    let best = trial.val.points().iter().filter(|p| p.loss.is_finite()).min_by(|a, b| a.loss.total_cmp(&b.loss));
    if let Some(best) = best.filter(|b| trial.val.last().is_some_and(|l| l.step != b.step)) {
        let file = args.best.as_ref().map_or(String::new(), |p| format!(", kept in {}", p.display()));
        parts.push(format!("best: validation loss {} after {} steps{file}", loss(best.loss), count(best.step)));
    }
    let broken = diagnose(&Record::of_trial(trial));
    let broken = broken.findings.iter().find(|f| matches!(f.code, Code::Dead | Code::Collapsed));
    if let Some(finding) = broken {
        let what = format!("{}: {}; begin again at a lower --lr", finding.code.title(), finding.evidence);
        parts.push(show::wrapped("verdict: ", &what, style));
    }
    if !trial.acts.is_empty() {
        parts.push(acts(trial, style));
    }
    if let (Some(path), Some(End::Stopped)) = (&args.resume, &trial.end) {
        parts.push(format!("checkpoint: {}; the same command goes on from it", path.display()));
    }
    let val: Vec<stepsize::Point> = trial.val.points().iter().filter(|p| p.loss.is_finite()).copied().collect();
    let train = thin(&smooth(&trial.train), POINTS);
    if train.len() > 1 {
        parts.push(String::new());
        parts.push(show::plot::curves(&train, &val, style));
    }
    parts.join("\n") + "\n"
}

/// What the controller did: the last acts, and what they cost.
fn acts(trial: &Trial, style: Style) -> String {
    let acts = &trial.acts;
    let mut lines = Vec::new();
    if acts.len() > ACTS {
        lines.push(format!("controller: {} acts, the last {ACTS} of them:", acts.len()));
    }
    for act in &acts[acts.len().saturating_sub(ACTS)..] {
        let what = match &act.act {
            Act::Changed => act.why.clone(),
            Act::Rewound { to, skipped } => {
                format!("back to step {to}, rate times {} ({skipped} batches skipped): {}", rate(act.factor), act.why)
            }
            Act::Branched { .. } => format!("branches: {}", act.why),
        };
        lines.push(show::wrapped(&format!("step {}: ", act.step), &what, style));
    }
    if trial.steps_void > 0 {
        lines.push(format!("cost: {} steps more than the run has, which were taken back", count(trial.steps_void)));
    }
    lines.join("\n")
}
