//! Searches replayed on the tables: a trial is looked up instead of trained.

use super::program::Program;
use super::tables::Tables;
use super::truth::Truth;
use crate::cache::parallel;
use stepsize::probe::Race;
use stepsize::pruner::Pruner;
use stepsize::{Answer, Curve, End, Estimate, Lr, Probe, Trial, TrialId};

/// Seeds of the searches. A search may use the next seed too, so every second one of the tables'.
pub const SEEDS: [u64; 2] = [100, 102];
/// Guesses that a search starts from.
pub const STARTS: [f64; 2] = [1e-2, 1e-4];
/// No search asks more often than this; more is a fault.
const MOST_BATCHES: usize = 200;

/// A job and what is true of it.
pub struct Known {
    pub tables: Tables,
    pub truth: Truth,
}

/// How one search ended.
pub struct Outcome {
    pub name: String,
    pub family: String,
    /// Steps, schedule, optimizer, and how deep it can be solved, in words.
    pub what: String,
    pub cost: f64,
    /// `log2` of the best rate.
    pub best: f64,
    /// `None` when it refused.
    pub found: Option<Found>,
    /// For each rate of the landscape within the table: the stated probability that it keeps 98 %,
    /// and whether it does.
    pub chances: Vec<(f64, bool)>,
    /// Why it refused, or the trials that it made.
    pub story: String,
}

/// An answer and what it is worth.
#[derive(Clone, Copy)]
pub struct Found {
    /// `log2` of the rate.
    pub x: f64,
    /// The 80 % interval, `log2`.
    pub interval: Option<(f64, f64)>,
    /// Log of its loss over the best one.
    pub regret: f64,
    /// Share of the improvement that it keeps.
    pub kept: f64,
    /// The stated probability that it keeps 98 %, where the search states one.
    pub p_keeps_98: Option<f64>,
}

impl Found {
    /// Of the rate `2^x`, without an interval.
    pub fn at(truth: &Truth, x: f64) -> Self {
        Self { x, interval: None, regret: truth.regret(x), kept: truth.kept(x), p_keeps_98: None }
    }
}

/// The probability that the estimate states.
fn stated(estimate: &Estimate) -> Option<f64> {
    match &estimate.answer {
        Answer::Rate(rate) => rate.p_keeps_98_pct,
        Answer::Refused(_) => None,
    }
}

/// `race` on every job at `budget` full runs, from every seed and start; where it must be `quick`,
/// from one of each a job, in turn.
pub fn race(known: &[Known], budget: f64, quick: bool, program: Program) -> Result<Vec<Outcome>, stepsize::Error> {
    let each = |k| SEEDS.iter().flat_map(move |&seed| STARTS.iter().map(move |&start| (k, seed, start)));
    let all = known.iter().enumerate().flat_map(|(number, k)| {
        let count = SEEDS.len() * STARTS.len();
        let (skipped, taken) = if quick { (number % count, 1) } else { (0, count) };
        each(k).skip(skipped).take(taken)
    });
    let work: Vec<(&Known, u64, f64)> = all.collect();
    parallel(&work, |(k, seed, start)| search(k, budget, *seed, *start, program)).into_iter().collect()
}

fn search(known: &Known, budget: f64, seed: u64, start: f64, program: Program) -> Result<Outcome, stepsize::Error> {
    let Known { tables, truth } = known;
    let outcome = |cost, found, story| Outcome {
        name: tables.name.clone(),
        family: tables.family.clone(),
        what: format!("{} steps {} {}, depth {:.2}", tables.steps, tables.schedule, tables.optimizer, truth.depth()),
        cost,
        best: truth.best,
        found,
        chances: Vec::new(),
        story,
    };
    let race = match Race::new(program.job(tables, seed)?).starting_at(Lr::new(start)?).with_max_cost(budget) {
        Ok(race) => race,
        // A budget that cannot lead to an answer costs nothing.
        Err(e) => return Ok(outcome(0.0, None, e.to_string())),
    };
    let mut done: Vec<Trial> = Vec::new();
    for _ in 0..MOST_BATCHES {
        let specs = race.ask(&done)?;
        if specs.is_empty() {
            break;
        }
        let settled = done.clone();
        for spec in specs {
            let trial = program.trial(tables, TrialId(done.len() as u32), &spec)?;
            done.push(match race.pruner() {
                Some(pruner) => watched(trial, &settled, pruner),
                None => trial,
            });
        }
    }
    let estimate = race.estimate(&done)?;
    let found = match &estimate.answer {
        Answer::Rate(rate) => Some(Found {
            interval: rate.interval.map(|(low, high)| (low.log2(), high.log2())),
            p_keeps_98: stated(&estimate),
            ..Found::at(truth, rate.lr.log2())
        }),
        Answer::Refused(_) => None,
    };
    let refusal = estimate.refusal().map(|r| format!("{:?}: {}; ", r.reason, r.because)).unwrap_or_default();
    let story = refusal + &done.iter().map(told).collect::<Vec<_>>().join(" ");
    let ends = truth.points.first().zip(truth.points.last()).map(|(first, last)| first.0..=last.0);
    let within = |x: f64| ends.as_ref().is_some_and(|ends| ends.contains(&x));
    let chances = estimate.landscape.iter().filter_map(|band| {
        let x = band.lr.log2();
        Some((band.p_keeps_98_pct.filter(|_| within(x))?, truth.kept(x) >= 0.98))
    });
    Ok(Outcome { chances: chances.collect(), ..outcome(estimate.cost_runs, found, story) })
}

/// What is left of `trial` if `pruner` watches it.
fn watched(trial: Trial, settled: &[Trial], pruner: &dyn Pruner) -> Trial {
    let mut live = Trial { val: Curve::new(), end: None, ..trial.clone() };
    for point in trial.val.points() {
        live.val.push(*point);
        live.steps_run = point.step;
        if let Some(why) = pruner.judge(&live, settled) {
            return Trial { end: Some(End::Pruned { why }), ..live };
        }
    }
    trial
}

fn told(trial: &Trial) -> String {
    let how = match &trial.end {
        Some(End::Diverged { step, .. }) => format!("div({step})"),
        Some(End::Pruned { .. }) => format!("behind({})", trial.steps_run),
        _ => trial.final_loss().map_or_else(|| "nan".into(), |l| format!("{l:.4}")),
    };
    let again = if SEEDS.contains(&trial.spec.seed) { "" } else { "'" };
    format!("{:.2}@{}{again}={how}", trial.spec.lr.log2(), trial.spec.steps)
}
