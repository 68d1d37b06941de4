//! The fit: rows from the jobs for fitting, then trees. The scale of the odds and the least chances
//! of verdicts come from held-out folds of jobs.

use super::boost::{Growth, Row, allowed, grow};
use super::habits::{self, LOGS};
use super::jobs::Job;
use super::label::Truth;
use super::runs::Run;
use super::scripts;
use std::collections::HashMap;
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::{DIVERGED, Model, Odds, PLACES, Say, softmax};
use stepsize::diagnosis::{Feature, Features, Record, diagnose_with, say};

/// How the shipped trees are grown.
pub const GROWTH: Growth = Growth { rounds: 200, depth: 3, rate: 0.12, leaf: 6.0, ridge: 3.0, features: 0.4 };
/// Number of the shipped trees that `fit` grew; those after them came with `adapt`.
pub const FIRST: usize = PLACES * (1 + GROWTH.rounds);
const FOLDS: usize = 6;

/// Logs of PyTorch jobs, made by `bench/diagnosis_torch.py fit` and `more`.
pub const SCRIPTS: [&str; 2] = ["target/diagnosis-torch/fit", "target/diagnosis-torch/more"];
/// Weight of a job: that of its rows together.
const WEIGHT: f64 = 60.0;

/// Rows of the fitted jobs: of the embedded engine, and of the PyTorch scripts.
pub fn rows(jobs: &[Job], runs: &HashMap<String, Vec<Run>>) -> Result<Vec<(Row, f64)>, Box<dyn Error>> {
    let mut out = Vec::new();
    // The model does not see logs that a rule judges, so it is not fitted to them. Those of other
    // kinds it does not see either, but they teach it.
    let mut add = |record: &Record, truth: Placement, octaves: f64, logs: usize, job: usize| {
        let found = diagnose_with(&Model::default(), record);
        if !found.findings.first().is_some_and(|f| f.code.decides()) {
            let values = Features::of(record).values().to_vec();
            out.push((Row { values, place: place(truth, octaves), weight: WEIGHT / logs as f64, job }, octaves));
        }
    };
    for (number, job) in jobs.iter().enumerate().filter(|(_, j)| !j.held) {
        let Some((runs, truth)) = runs.get(&job.name).and_then(|r| Some((r, Truth::of(r)?))) else { continue };
        for (run, log) in runs.iter().flat_map(|r| (0..LOGS).map(move |log| (r, log))) {
            let record = habits::log(job, run, log, false);
            add(&record, truth.label(run), truth.octaves(run.lr), runs.len() * LOGS as usize, number);
        }
    }
    let scripts: Vec<scripts::Job> =
        SCRIPTS.into_iter().map(scripts::jobs).collect::<Result<Vec<_>, _>>()?.into_iter().flatten().collect();
    for (number, job) in scripts.iter().enumerate() {
        job.logs.iter().for_each(|log| add(&log.record, log.truth, log.octaves, job.logs.len(), number));
    }
    Ok(out)
}

/// The place a label stands for.
pub fn place(label: Placement, octaves: f64) -> usize {
    match label {
        Placement::Good => 2,
        Placement::Diverged => DIVERGED,
        _ if octaves <= -2.0 => 0,
        _ if octaves < 0.0 => 1,
        _ if octaves < 2.0 => 3,
        _ => 4,
    }
}

/// Chances that a model gives a row it was not fitted on.
pub struct Held {
    pub place: usize,
    pub octaves: f64,
    pub sums: [f64; PLACES],
}

/// Every row judged by a model of the other folds.
pub fn held(rows: &[(Row, f64)], growth: Growth, pass: &[bool]) -> Vec<Held> {
    let folds: Vec<usize> = (0..FOLDS).collect();
    crate::cache::parallel(&folds, |fold| {
        let train: Vec<Row> = rows.iter().filter(|r| (r.0.job / 2) % FOLDS != *fold).map(|r| r.0.clone()).collect();
        let model = grow(&train, growth, pass);
        let mine = rows.iter().filter(|r| (r.0.job / 2) % FOLDS == *fold);
        mine.map(|(r, octaves)| Held { place: r.place, octaves: *octaves, sums: model.sums(&r.values) })
            .collect::<Vec<_>>()
    })
    .into_iter()
    .flatten()
    .collect()
}

/// Mean log loss at a scale.
pub fn log_loss(held: &[Held], scale: f64) -> f64 {
    held.iter().map(|h| -softmax(h.sums, scale)[h.place].max(1e-9).ln()).sum::<f64>() / held.len() as f64
}

/// The scale with the lowest log loss, and the least chances that reach the intended precision.
pub fn tune(held: &[Held]) -> (f64, Say) {
    let scales = (4..=30).map(|i| f64::from(i) / 20.0);
    let scale = scales.min_by(|a, b| log_loss(held, *a).total_cmp(&log_loss(held, *b))).unwrap_or(1.0);
    let mut model = Model { scale, ..Model::default() };
    let odds: Vec<Odds> = held.iter().map(|h| model.odds_of(h.sums)).collect();
    let least = |of: fn(&Odds) -> f64, is: fn(usize) -> bool, precision: f64| {
        (35..99)
            .map(|i| f64::from(i) / 100.0)
            .find(|t| {
                let said: Vec<usize> = (0..held.len()).filter(|i| of(&odds[*i]) >= *t).collect();
                let right = said.iter().filter(|i| is(held[**i].place)).count();
                right as f64 >= precision * said.len() as f64
            })
            .unwrap_or(0.99)
    };
    let diverged = least(|o| o.chances[DIVERGED], |p| p == DIVERGED, 0.9);
    let low = least(|o| o.three()[0], |p| p < 2, 0.88);
    let high = least(|o| o.three()[2], |p| p > 2, 0.87);
    let mut best = (0usize, Say { low, high, good: 0.9, far: 0.02, diverged, ..Say::default() });
    for good in (35..90).map(|i| f64::from(i) / 100.0) {
        for far in [0.02, 0.03, 0.04, 0.06, 0.08, 0.1, 0.15, 0.2] {
            model.say = Say { low, high, good, far, diverged, ..Say::default() };
            let said: Vec<usize> = (0..held.len()).filter(|i| say(&model, &odds[*i]).0 == Placement::Good).collect();
            let far_off = said.iter().filter(|i| held[**i].octaves.abs() >= 2.0).count();
            let all_far = held.iter().filter(|h| h.octaves.abs() >= 2.0).count();
            let right = said.iter().filter(|i| held[**i].place == 2).count();
            let careful = far_off as f64 <= 0.035 * all_far as f64 && far_off as f64 <= 0.1 * said.len() as f64;
            if careful && right as f64 >= 0.5 * said.len() as f64 && right > best.0 {
                best = (right, model.say);
            }
        }
    }
    (scale, best.1)
}

/// The model that is shipped, from the fitted jobs.
pub fn model(rows: &[(Row, f64)], growth: Growth, pass: &[bool]) -> Model {
    let (scale, say) = tune(&held(rows, growth, pass));
    let all: Vec<Row> = rows.iter().map(|r| r.0.clone()).collect();
    Model { scale, say, ..grow(&all, growth, pass) }
}

/// The features that the shipped model looks at: all but those that show how long or how often
/// people log.
pub fn shipped_numbers() -> Vec<bool> {
    allowed(|f| f != Feature::PointsLog2)
}
