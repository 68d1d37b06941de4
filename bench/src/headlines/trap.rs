//! The mid-run trap.

use super::{Ends, SEEDS, Work, run, share};
use crate::cache::parallel;
use std::error::Error;
use std::fmt::Write as _;
use stepsize::probe::Race;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Engine, Job, Lr, Probe, Schedule, Trial, TrialId, TrialSpec};

/// Shares of the run at which losses are compared, in %; evaluations are there.
const SHARES: [u64; 6] = [10, 30, 50, 70, 80, 100];
/// The one that stands for a pruner in mid-run.
const MIDDLE: usize = 2;

type Engines<'a> = &'a (dyn Fn(u64) -> Result<Box<dyn Engine>, stepsize::Error> + Sync);

/// A rate below this share of the best is far too low: half, and a little more for the grid.
const LOW: f64 = 0.55;

/// A job of this part.
struct Case<'a> {
    name: &'a str,
    job: Job,
    /// Whole runs by rate.
    by_rate: Vec<(Lr, Vec<Trial>)>,
    engines: Engines<'a>,
}

/// What came of it: rates relative to the best, and what they cost.
struct Seen {
    name: String,
    picked: f64,
    picked_cost: f64,
    raced: f64,
    raced_cost: f64,
}

pub(super) fn write(
    head: &mut String,
    body: &mut String,
    jobs: &[Work],
    linear: &[Ends],
) -> Result<(), Box<dyn Error>> {
    writeln!(
        body,
        "\n## The mid-run trap\n\nClaimed: while a decay is still to come, the rate that looks best on the validation loss of the day is 2 to 4 times too small, so that a \
         pruner that compares such losses picks it. Tried: linear decay to zero; the rate that looks best at each share of the run, and what the one \
         picked at half of it costs at the end. `race` compares only whole short runs: its answers with five other seeds, trained to the end.\n"
    )?;
    let heads: Vec<String> = SHARES.iter().map(|s| format!("{s} %")).collect();
    writeln!(
        body,
        "| job | best looking at {} | picked at 50 %: of the best | costs | `race`: of the best | costs | its price |",
        heads.join(" | ")
    )?;
    writeln!(body, "|---|{}---|---|---|---|---|", "---|".repeat(SHARES.len()))?;
    // Exact: one run a rate says all.
    let steps = 4000;
    let schedule = Schedule::linear(steps)?;
    let mut exact = Vec::new();
    for lr in Lr::log_space(Lr::new(0.05)?, Lr::new(3.0)?, 16)? {
        let spec = TrialSpec { lr, schedule: schedule.clone(), steps, seed: 0, stop_on_divergence: true };
        exact.push((lr, vec![run(Box::new(NoisyQuadratic::new()), &spec)?]));
    }
    let quadratic = |_: u64| Ok(Box::new(NoisyQuadratic::new()) as Box<dyn Engine>);
    let job = Job::new(steps, schedule, 0)?;
    let case = Case { name: "noisy quadratic, exact", job, by_rate: exact, engines: &quadratic };
    let mut all = vec![row(body, &case)?];
    for (work, ends) in jobs.iter().zip(linear) {
        let by_rate = ends.0.iter().map(|end| (end.lr, end.trials.clone())).collect();
        let job = Job::new(work.steps, Schedule::linear(work.steps)?, 0)?;
        let engines = |seed| work.task.engine(seed);
        all.push(row(body, &Case { name: work.name, job, by_rate, engines: &engines })?);
        eprintln!("{}: trap done", work.name);
    }
    let also = all.iter().filter(|s| s.raced < LOW).count();
    let words: Vec<String> = all
        .iter()
        .map(|s| {
            format!(
                "{} {:.2} of the best ({:.1} %), `race` {:.2} ({:.1} %)",
                s.name, s.picked, s.picked_cost, s.raced, s.raced_cost
            )
        })
        .collect();
    let mean = |of: fn(&Seen) -> f64| {
        let logs = all.iter().map(|s| (of(s) / 100.0).ln_1p()).sum::<f64>();
        100.0 * (logs / all.len() as f64).exp_m1()
    };
    let names: Vec<&str> = all.iter().filter(|s| s.picked < LOW).map(|s| s.name.as_str()).collect();
    writeln!(
        head,
        "- *The mid-run trap.* {}: in {} jobs the rate that looks best at half the run is about half of the best or less ({}). That `race` does better \
         {}: it answers so low in {}, for another reason, since it compares whole short runs. What the choice costs at the end, geometric mean over the \
         jobs: {:.1} % picked in mid-run (after half of every run), {:.1} % `race`. By job: {}.",
        match names.len() {
            0 => "Not reproduced",
            all_of if all_of == all.len() => "Reproduced",
            _ => "Reproduced in part",
        },
        share(names.len(), all.len()),
        if names.is_empty() { "none".to_owned() } else { names.join(", ") },
        if also < names.len() { "held" } else { "did not hold" },
        share(also, all.len()),
        mean(|s| s.picked_cost),
        mean(|s| s.raced_cost),
        words.join("; ")
    )?;
    Ok(())
}

/// The rate that looks best at a step: by the mean over trials of the validation loss then.
fn looks_best(by_rate: &[(Lr, Vec<Trial>)], step: u64) -> Option<Lr> {
    let at = |t: &Trial| t.val.points().iter().find(|p| p.step == step).map(|p| p.loss).filter(|l| l.is_finite());
    let mean = |trials: &[Trial]| trials.iter().map(at).sum::<Option<f64>>();
    let seen = by_rate.iter().filter_map(|(lr, trials)| Some((*lr, mean(trials)?)));
    seen.min_by(|a, b| a.1.total_cmp(&b.1)).map(|s| s.0)
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// The answer of `race` with this seed, and its price in runs.
fn answer(case: &Case<'_>, seed: u64) -> Result<(Option<Lr>, f64), stepsize::Error> {
    let probe = Race::new(Job { seed, ..case.job.clone() });
    let mut done: Vec<Trial> = Vec::new();
    loop {
        let specs = probe.ask(&done)?;
        if specs.is_empty() {
            let estimate = probe.estimate(&done)?;
            return Ok((estimate.lr(), estimate.cost_runs));
        }
        for spec in specs {
            let trial = run((case.engines)(spec.seed)?, &spec)?;
            done.push(Trial { id: TrialId(done.len() as u32), ..trial });
        }
    }
}

/// Mean final loss of whole runs at `lr`, with the seeds of the table; infinite when one diverges.
fn loss_at(case: &Case<'_>, lr: Lr) -> Result<f64, stepsize::Error> {
    let mut losses = Vec::new();
    for seed in SEEDS {
        let (schedule, steps) = (case.job.schedule.clone(), case.job.steps);
        let spec = TrialSpec { lr, schedule, steps, seed, stop_on_divergence: true };
        losses.push(run((case.engines)(seed)?, &spec)?.final_loss().unwrap_or(f64::INFINITY));
    }
    Ok(mean(&losses))
}

fn row(out: &mut String, case: &Case<'_>) -> Result<Seen, Box<dyn Error>> {
    let best: Vec<Option<Lr>> = SHARES.iter().map(|s| looks_best(&case.by_rate, case.job.steps * s / 100)).collect();
    let end = best.last().copied().flatten().ok_or("nothing finished")?;
    let middle = best[MIDDLE].ok_or("nothing was evaluated at half the run")?;
    let known = |lr: Lr| {
        let trials = case.by_rate.iter().find(|(r, _)| *r == lr).map(|(_, t)| t.as_slice()).unwrap_or_default();
        mean(&trials.iter().filter_map(Trial::final_loss).collect::<Vec<_>>())
    };
    let lowest = known(end);
    // Seeds that the table has not seen.
    let answers = parallel(&SEEDS, |seed| answer(case, 100 + seed));
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let found: Vec<Lr> = answers.iter().filter_map(|a| a.0).collect();
    let losses = parallel(&found, |lr| loss_at(case, *lr)).into_iter().collect::<Result<Vec<f64>, _>>()?;
    let times: Vec<f64> = found.iter().map(|lr| lr.get() / end.get()).collect();
    let logs: Vec<f64> = times.iter().map(|t| t.ln()).collect();
    let cost = |loss: f64| 100.0 * (loss / lowest - 1.0);
    let seen = Seen {
        name: case.name.to_owned(),
        picked: middle.get() / end.get(),
        picked_cost: cost(known(middle)),
        raced: mean(&logs).exp(),
        raced_cost: cost(mean(&losses)),
    };
    let cells: Vec<String> = best.iter().map(|lr| lr.map_or("-".to_owned(), |lr| lr.to_string())).collect();
    let words: Vec<String> = times.iter().map(|t| format!("{t:.2}")).collect();
    let refused = answers.len() - found.len();
    let refused = if refused > 0 { format!(" ({refused} refused)") } else { String::new() };
    writeln!(
        out,
        "| {} ({} steps) | {} | {:.2} | {:.1} % | {}{refused} | {:.1} % | {:.2} runs |",
        case.name,
        case.job.steps,
        cells.join(" | "),
        seen.picked,
        seen.picked_cost,
        words.join(" "),
        seen.raced_cost,
        mean(&answers.iter().map(|a| a.1).collect::<Vec<_>>())
    )?;
    Ok(seen)
}
