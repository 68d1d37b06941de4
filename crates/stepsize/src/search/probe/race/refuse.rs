//! The refusals of the search, in words.

use super::plan::{FEWEST_PROBES, rounded_up};
use super::reading::{Book, Entry};
use super::stage::PLAINLY_LEARNED;
use crate::lr::Lr;
use crate::{Job, Reason, Refusal, Remedy};

/// No budget makes the first trials of so short a run long enough.
pub(super) fn no_room(n: u64, steps: u64) -> Refusal {
    Refusal {
        reason: Reason::TooShort,
        because: format!(
            "a run of {steps} steps leaves room for trials of {n} only, and trials of a few optimizer steps have learned nothing"
        ),
        remedies: vec![Remedy::CountSteps, Remedy::CompareFullRuns { seeds: 1 }],
    }
}

/// A budget of `runs` pays for too few trials of `n` steps; `least` is the smallest that can lead
/// to an answer. A trial that cannot be shorter is counted in units that are too long.
pub(super) fn unpaid(runs: f64, n: u64, steps: u64, least: f64) -> Refusal {
    let count = (n == 1).then_some(Remedy::CountSteps);
    let budget = Remedy::LargerBudget { at_least: Some(least) };
    let unit = if steps == 1 { "step" } else { "steps" };
    Refusal {
        reason: Reason::TooShort,
        because: format!(
            "a budget of {runs} full runs cannot lead to an answer: {FEWEST_PROBES} trials of {n} of {steps} {unit} cost {least}"
        ),
        remedies: [budget].into_iter().chain(count).chain([Remedy::CompareFullRuns { seeds: 1 }]).collect(),
    }
}

/// A fall of log loss below this is not said.
const SEEN: f64 = 0.01;

pub(super) fn all_exploded(low: f64, high: f64) -> Refusal {
    Refusal {
        reason: Reason::AllDiverged,
        because: format!("every rate from {} to {} diverged", Lr::from_log2(low), Lr::from_log2(high)),
        remedies: vec![Remedy::LowerStart, Remedy::CheckModelAndData],
    }
}

pub(super) fn at_edge(low: f64, high: f64, above: bool) -> Refusal {
    let (which, x, remedy) = match above {
        true => ("highest", high, Remedy::CheckRateIsUsed),
        false => ("lowest", low, Remedy::CheckRateScale),
    };
    Refusal {
        reason: Reason::AtEdge,
        because: format!(
            "the {which} rate tried, {}, is still the best of those from {} to {}",
            Lr::from_log2(x),
            Lr::from_log2(low),
            Lr::from_log2(high)
        ),
        remedies: vec![remedy],
    }
}

/// No trial of up to `n` steps learned enough to be compared with the others. No budget pays for
/// trials that are longer than the run.
pub(super) fn nothing(n: u64, book: &Book, job: &Job, budget: f64) -> Refusal {
    let longer = 2 * n;
    flat(book, job, (longer <= job.steps).then(|| larger(budget, FEWEST_PROBES * longer, job)))
}

fn flat(book: &Book, job: &Job, budget: Option<Remedy>) -> Refusal {
    let (low, high) = book.tried();
    let rates = format!("from {} to {}", Lr::from_log2(low), Lr::from_log2(high));
    let fall = book.best().map_or(0.0, |best| book.untrained - best.value());
    let longest = book.entries.iter().map(|e| e.steps).max().unwrap_or(0);
    let within = format!("in {longest} of {} steps", job.steps);
    let because = if fall < SEEN {
        format!("no rate {rates} learned anything {within}")
    } else {
        format!("the loss fell by {:.1} % at best {within}, too little to compare the rates {rates}", fallen(fall))
    };
    let remedies = budget.into_iter().chain([Remedy::LongerRun, Remedy::CheckModelAndData]).collect();
    Refusal { reason: Reason::Flat, because, remedies }
}

/// The budget ended before the best rate lay between worse ones.
pub(super) fn spent(missing: &[(f64, u64)], book: &Book, job: &Job, budget: f64) -> Refusal {
    let (low, high) = book.tried();
    let steps: u64 = missing.iter().map(|m| m.1).sum();
    let Some(best) = book.best().filter(|best| book.untrained - best.value() > PLAINLY_LEARNED) else {
        return flat(book, job, Some(larger(budget, 2 * FEWEST_PROBES * steps, job)));
    };
    let next = missing.first().map_or(best.x, |m| m.0);
    Refusal {
        reason: Reason::TooShort,
        because: format!(
            "the budget of {budget} full runs was spent before the best rate lay between worse ones: of the rates from {} to {} \
             the best is {}, and the next to try is {}",
            Lr::from_log2(low),
            Lr::from_log2(high),
            Lr::from_log2(best.x),
            Lr::from_log2(next)
        ),
        remedies: vec![larger(budget, 3 * steps, job), Remedy::CheckRateScale],
    }
}

/// What was read is as well explained by noise. Longer trials may tell, if there are any.
pub(super) fn like_noise(book: &Book, job: &Job, budget: f64) -> Refusal {
    let (low, high) = book.tried();
    let because = format!(
        "noise explains the losses as well as the rate does: {} trials from {} to {}, {} of them repeated with another seed",
        book.entries.len() + book.again.len(),
        Lr::from_log2(low),
        Lr::from_log2(high),
        book.again.len()
    );
    let longer = 2 * book.entries.iter().map(|e| e.steps).max().unwrap_or(0);
    let first = if longer <= job.steps { larger(budget, FEWEST_PROBES * longer, job) } else { Remedy::UseAnyRate };
    let remedies = vec![first, Remedy::LongerRun, Remedy::CompareFullRuns { seeds: 3 }];
    Refusal { reason: Reason::NoiseOnly, because, remedies }
}

/// Single readings scatter too much for the fall of the loss to be seen.
pub(super) fn drowned(fall: f64, sd: f64) -> Refusal {
    Refusal {
        reason: Reason::NoiseOnly,
        because: format!(
            "the loss fell by {:.1} % at best, and single readings of it scatter by {:.1} %",
            fallen(fall),
            100.0 * sd.exp_m1()
        ),
        remedies: vec![Remedy::LongerRun, Remedy::LargerBatches, Remedy::CompareFullRuns { seeds: 3 }],
    }
}

/// A program that prints its loss more rarely than first trials of `n` steps are long: `every` so
/// many, where that is known. A budget of `least` would pay for trials that are long enough.
pub(super) fn unread(entry: &Entry, n: u64, every: Option<u64>, least: Option<f64>, steps: u64) -> Refusal {
    let known = match (every, entry.last_step()) {
        (Some(every), _) => format!(
            "the loss is printed once in {every} of {steps} steps, and the budget pays for too few trials of that length"
        ),
        (None, None) => format!("trials of up to {} of {steps} steps printed no loss", entry.steps),
        (None, Some(last)) => format!(
            "a trial of {} of {steps} steps printed its newest loss at step {last}; the loss at its end is not known",
            entry.steps
        ),
    };
    let budget = least.map(|least| Remedy::LargerBudget { at_least: Some(least) });
    let oftener = Remedy::EvaluateOftener { every: n };
    Refusal {
        reason: Reason::TooShort,
        because: known,
        remedies: [oftener].into_iter().chain(budget).chain([Remedy::CompareFullRuns { seeds: 1 }]).collect(),
    }
}

/// A fall of log loss in per cent of the loss.
fn fallen(fall: f64) -> f64 {
    100.0 * -(-fall).exp_m1()
}

/// A budget that pays for `steps` more, rounded up to twentieths of a run.
fn larger(budget: f64, steps: u64, job: &Job) -> Remedy {
    let at_least = rounded_up(budget + steps as f64 / job.steps as f64, 20.0);
    Remedy::LargerBudget { at_least: Some(at_least) }
}
