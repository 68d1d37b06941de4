//! The `--json` object of a search: flat, one name for each idea, `null` where a value is missing.

use serde_json::{Value, json};
use stepsize::{Answer, Placement, Report};

/// The object.
pub fn object(report: &Report) -> Value {
    let estimate = &report.estimate;
    let (rate, refusal) = match &estimate.answer {
        Answer::Rate(rate) => (Some(rate), None),
        Answer::Refused(refusal) => (None, Some(refusal)),
    };
    let interval = rate.and_then(|r| r.interval);
    let points: Vec<Value> = report
        .runs
        .iter()
        .map(|run| {
            json!({
                "lr": run.lr, "steps": run.steps, "steps_run": run.steps_run, "seed": run.seed, "loss": run.loss,
                "score": run.score, "diverged": run.verdict == Placement::Diverged, "verdict": run.verdict,
            })
        })
        .collect();
    json!({
        "lr": rate.map(|r| r.lr),
        "low": interval.map(|i| i.0),
        "high": interval.map(|i| i.1),
        "p_keeps_98_pct": rate.and_then(|r| r.p_keeps_98_pct),
        "divergence_lr": estimate.divergence_lr,
        "cost_runs": estimate.cost_runs,
        "refused": refusal.map(|r| r.reason),
        "why": estimate.why,
        "advice": refusal.map(|_| &report.advice),
        "remedies": refusal.map(|r| &r.remedies),
        "seconds": report.cost.wall_seconds.or(report.cost.seconds),
        "interrupted": report.interrupted,
        "full_run": report.followed,
        "question": report.question.to_string(),
        "task": report.task,
        "steps": report.job.steps,
        "schedule": report.schedule,
        "seed": report.job.seed,
        "untrained_loss": report.untrained,
        "cost": report.cost,
        "points": points,
    })
}
