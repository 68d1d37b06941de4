//! Well-known headlines at our scale: `stepsize-bench headlines` trains, prints, and writes `docs/headlines.md`.
//!
//! 1. *Cyclical rates and super-convergence*: the shortest whole run, schedule and all, that ends at the accuracy that one fixed rate
//!    reaches in T steps; every way at its own best rate.
//! 2. *Linear to zero against cosine to 10 %*: final losses, each at its own best rate.
//! 3. *The mid-run trap*: which rate looks best part of the way through runs that decay, and which is best at the end; beside it
//!    what `race` answers on the same job.

use crate::cache::parallel;
use std::error::Error;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use stepsize::probe::{Job, Race};
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Engine, Lr, Policy, Probe, Schedule, Trial, TrialId, TrialSpec, evaluation_steps, fold, train};
use stepsize_engine::{Task, TaskConfig};

const PATH: &str = "docs/headlines.md";
const COMMAND: &str = "cargo run --release -p stepsize-bench -- headlines";
const SEEDS: [u64; 5] = [0, 1, 2, 3, 4];

/// A job of a headline.
struct Work {
    name: &'static str,
    task: Task,
    steps: u64,
    rates: Vec<Lr>,
}

fn work(
    name: &'static str,
    (data, model, optimizer): (&str, &str, &str),
    batch_size: usize,
    steps: u64,
    (low, high): (f64, f64),
    per_decade: u32,
) -> Result<Work, Box<dyn Error>> {
    let config = TaskConfig {
        data: data.parse()?,
        model: model.parse()?,
        optimizer: optimizer.parse()?,
        batch_size,
        ..TaskConfig::default()
    };
    Ok(Work {
        name,
        task: Task::load(config)?,
        steps,
        rates: Lr::log_space(Lr::new(low)?, Lr::new(high)?, per_decade)?,
    })
}

fn run(mut engine: Box<dyn Engine>, spec: &TrialSpec) -> Result<Trial, stepsize::Error> {
    let id = TrialId(0);
    let mut events = vec![stepsize::Event::Started { trial: id, spec: spec.clone() }];
    let mut policy = Policy::new(spec.lr, spec.schedule.clone());
    train(engine.as_mut(), id, spec, &mut policy, &evaluation_steps(spec.steps, 20), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    })?;
    fold(&events).remove(&id).ok_or_else(|| stepsize::Error::engine("no such trial"))
}

/// Final losses and accuracies by rate, means over the seeds; rates with a seed that diverged are left out.
struct Ends {
    by_rate: Vec<(Lr, f64, f64, Vec<Trial>)>,
}

impl Ends {
    fn of(work: &Work, text: &str, steps: u64) -> Result<Self, stepsize::Error> {
        let schedule = Schedule::parse(text, steps)?;
        let all: Vec<(Lr, u64)> = work.rates.iter().flat_map(|lr| SEEDS.map(|seed| (*lr, seed))).collect();
        let trials = parallel(&all, |(lr, seed)| {
            let spec = TrialSpec { lr: *lr, schedule: schedule.clone(), steps, seed: *seed, stop_on_divergence: true };
            run(work.task.engine(*seed)?, &spec)
        });
        let trials = trials.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut by_rate = Vec::new();
        for (lr, trials) in work.rates.iter().zip(trials.chunks(SEEDS.len())) {
            let losses: Option<f64> = trials.iter().map(Trial::final_loss).sum();
            let scores: Option<f64> = trials.iter().map(|t| t.score.last().map(|p| p.loss)).sum();
            if let (Some(loss), Some(score)) = (losses, scores) {
                let n = SEEDS.len() as f64;
                by_rate.push((*lr, loss / n, score / n, trials.to_vec()));
            }
        }
        Ok(Self { by_rate })
    }

    /// The best mean accuracy and its rate.
    fn accuracy(&self) -> Option<(f64, Lr)> {
        self.by_rate.iter().max_by(|a, b| a.2.total_cmp(&b.2)).map(|r| (r.2, r.0))
    }

    /// The best mean loss, its rate, and the losses by seed.
    fn loss(&self) -> Option<(f64, Lr, Vec<f64>)> {
        let best = self.by_rate.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        Some((best.1, best.0, best.3.iter().filter_map(Trial::final_loss).collect()))
    }
}

/// Headlines 1 and 2 of the list above in Markdown.
fn cycles(out: &mut String, work: &Work) -> Result<(), Box<dyn Error>> {
    let fixed = Ends::of(work, "constant", work.steps)?;
    let Some((target, lr)) = fixed.accuracy() else { return Err("no fixed rate trained".into()) };
    writeln!(out, "\n### {}\n", work.name)?;
    writeln!(
        out,
        "{}; T = {} steps; rates {} to {}, {} of them.\n",
        work.task.describe(),
        work.steps,
        work.rates[0],
        work.rates[work.rates.len() - 1],
        work.rates.len()
    )?;
    writeln!(out, "One fixed rate, the best of them ({lr}), ends at accuracy {:.2} %.\n", 100.0 * target)?;
    let lengths = [1.0 / 16.0, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75];
    let steps = |share: f64| (work.steps as f64 * share) as u64;
    let heads: Vec<String> = lengths.iter().map(|l| steps(*l).to_string()).collect();
    writeln!(out, "| whole run of | {} | reaches it in | times fewer |", heads.join(" | "))?;
    writeln!(out, "|---|{}---|---|", "---|".repeat(lengths.len()))?;
    for (name, text) in [
        ("triangular2, 2 cycles", "triangular2(25%)"),
        ("one-cycle", "one_cycle"),
        ("linear to 0", "linear"),
        ("fixed", "constant"),
    ] {
        let (mut cells, mut reached) = (Vec::new(), None);
        for share in lengths {
            let best = Ends::of(work, text, steps(share))?.accuracy();
            cells.push(best.map_or("-".to_owned(), |(score, lr)| format!("{:.2} ({lr})", 100.0 * score)));
            if reached.is_none() && best.is_some_and(|(score, _)| score >= target) {
                reached = Some(steps(share));
            }
        }
        let (at, times) = match reached {
            Some(at) => (at.to_string(), format!("{:.1}", work.steps as f64 / at as f64)),
            None => (format!("over {}", steps(0.75)), "-".to_owned()),
        };
        writeln!(out, "| {name} | {} | {at} | {times} |", cells.join(" | "))?;
        eprintln!("{}: {name} done", work.name);
    }
    Ok(())
}

fn decay(out: &mut String, works: &[Work]) -> Result<(), Box<dyn Error>> {
    writeln!(
        out,
        "| job | steps | linear to 0 | cosine to 10 % | linear is lower by | seeds |\n|---|---|---|---|---|---|"
    )?;
    for work in works {
        let (linear, cosine) =
            (Ends::of(work, "linear", work.steps)?, Ends::of(work, "cosine(floor=0.1)", work.steps)?);
        let (Some(a), Some(b)) = (linear.loss(), cosine.loss()) else { return Err("nothing trained".into()) };
        let won = a.2.iter().zip(&b.2).filter(|(a, b)| a < b).count();
        writeln!(
            out,
            "| {} | {} | {:.4} at {} | {:.4} at {} | {:.2} % | {won} of {} |",
            work.name,
            work.steps,
            a.0,
            a.1,
            b.0,
            b.1,
            100.0 * (1.0 - a.0 / b.0),
            SEEDS.len()
        )?;
        eprintln!("{}: decay done", work.name);
    }
    Ok(())
}

/// The rate that looks best, by share of the run: the mean over trials of the validation loss then.
fn looks_best(by_rate: &[(Lr, Vec<Trial>)], step: u64) -> Option<Lr> {
    let at = |t: &Trial| t.val.points().iter().find(|p| p.step == step).map(|p| p.loss).filter(|l| l.is_finite());
    let mean = |trials: &[Trial]| trials.iter().map(at).sum::<Option<f64>>();
    let seen = by_rate.iter().filter_map(|(lr, trials)| Some((*lr, mean(trials)?)));
    seen.min_by(|a, b| a.1.total_cmp(&b.1)).map(|s| s.0)
}

const SHARES: [u64; 6] = [10, 30, 50, 70, 80, 100];

fn trap(out: &mut String, works: &[Work]) -> Result<(), Box<dyn Error>> {
    let heads: Vec<String> = SHARES.iter().map(|s| format!("{s} %")).collect();
    writeln!(
        out,
        "| job | {} | picked at 50 %, of the best | costs | race's answers, of the best | cost |",
        heads.join(" | ")
    )?;
    writeln!(out, "|---|{}---|---|---|---|", "---|".repeat(SHARES.len()))?;
    // Exact: one run a rate says all.
    let steps = 4000;
    let schedule = Schedule::linear(steps)?;
    let rates = Lr::log_space(Lr::new(0.05)?, Lr::new(3.0)?, 16)?;
    let mut exact = Vec::new();
    for lr in rates {
        let spec = TrialSpec { lr, schedule: schedule.clone(), steps, seed: 0, stop_on_divergence: true };
        exact.push((lr, vec![run(Box::new(NoisyQuadratic::new()), &spec)?]));
    }
    let job = Job::new(steps, schedule, 0)?;
    let engines = |_: u64| Ok(Box::new(NoisyQuadratic::new()) as Box<dyn Engine>);
    row(out, "noisy quadratic, exact", &exact, &job, &engines)?;
    for work in works {
        let ends = Ends::of(work, "linear", work.steps)?;
        let by_rate: Vec<(Lr, Vec<Trial>)> = ends.by_rate.into_iter().map(|(lr, _, _, trials)| (lr, trials)).collect();
        let job = Job::new(work.steps, Schedule::linear(work.steps)?, 0)?;
        row(out, work.name, &by_rate, &job, &|seed| work.task.engine(seed))?;
        eprintln!("{}: trap done", work.name);
    }
    Ok(())
}

type Engines<'a> = &'a (dyn Fn(u64) -> Result<Box<dyn Engine>, stepsize::Error> + Sync);

fn row(
    out: &mut String,
    name: &str,
    by_rate: &[(Lr, Vec<Trial>)],
    job: &Job,
    engines: Engines<'_>,
) -> Result<(), Box<dyn Error>> {
    let best: Vec<Option<Lr>> = SHARES.iter().map(|s| looks_best(by_rate, job.steps * s / 100)).collect();
    let end = best.last().copied().flatten().ok_or("nothing finished")?;
    let final_loss = |lr: Lr| {
        let trials = by_rate.iter().find(|(r, _)| *r == lr).map(|(_, trials)| trials.as_slice()).unwrap_or_default();
        trials.iter().filter_map(Trial::final_loss).sum::<f64>() / trials.len().max(1) as f64
    };
    let middle = best[2].ok_or("nothing was evaluated at half the run")?;
    let answers = parallel(&SEEDS, |seed| -> Result<(Option<f64>, f64), stepsize::Error> {
        // seeds that the table above has not seen
        let probe = Race::new(Job { seed: 100 + seed, ..job.clone() });
        let mut done: Vec<Trial> = Vec::new();
        loop {
            let specs = probe.ask(&done)?;
            if specs.is_empty() {
                let estimate = probe.estimate(&done)?;
                return Ok((estimate.lr().map(Lr::get), estimate.cost_runs));
            }
            for spec in specs {
                let trial = run(engines(spec.seed)?, &spec)?;
                done.push(Trial { id: TrialId(done.len() as u32), ..trial });
            }
        }
    });
    let answers = answers.into_iter().collect::<Result<Vec<_>, _>>()?;
    let times: Vec<String> =
        answers.iter().map(|(lr, _)| lr.map_or("refused".into(), |lr| format!("{:.2}", lr / end.get()))).collect();
    let cost = answers.iter().map(|a| a.1).sum::<f64>() / answers.len() as f64;
    let cells: Vec<String> = best.iter().map(|lr| lr.map_or("-".to_owned(), |lr| lr.to_string())).collect();
    writeln!(
        out,
        "| {name} ({} steps) | {} | {:.2} | {:.1} % | {} | {cost:.2} runs |",
        job.steps,
        cells.join(" | "),
        middle.get() / end.get(),
        100.0 * (final_loss(middle) / final_loss(end) - 1.0),
        times.join(" ")
    )?;
    Ok(())
}

/// Trains everything and writes the document.
pub fn write() -> Result<(), Box<dyn Error>> {
    let digits = ("digits", "mlp:64", "sgd:0.9");
    let text = ("text", "charlm", "sgd:0.9");
    let mut out = String::from("# Headlines, small and honest\n\n");
    writeln!(
        out,
        "Written by `{COMMAND}`. Seeds {SEEDS:?}, means over them; a rate with a seed that diverged is left out. The jobs take seconds on a processor: \
        whether a headline holds *here* says little of large networks, and where it does not hold that is said. Training is deterministic, so the numbers do not depend on the load of the machine.\n"
    )?;
    writeln!(
        out,
        "## Cyclical rates and super-convergence\n\nClaimed: the accuracy of 70 000 iterations at the usual rate in 25 000 with a cyclical one (Smith, arXiv 1506.01186, CIFAR-10), an order \
        of magnitude fewer with one cycle to a large rate (Smith and Topin, arXiv 1708.07120). Tried: whole runs of each length, each way at the best of the rates for that length; accuracy in % and its rate."
    )?;
    cycles(&mut out, &work("digits", digits, 64, 1600, (3e-3, 3.0), 2)?)?;
    cycles(&mut out, &work("characters", text, 32, 1600, (3e-3, 3.0), 2)?)?;
    writeln!(
        out,
        "\nThe last row is the control: how soon a *fixed* rate gets there when it may be chosen anew for each length.\n"
    )?;
    writeln!(
        out,
        "## Linear to zero against cosine to 10 %\n\nClaimed: about 0.8 % lower loss at 610M parameters (arXiv 2502.15938). Tried: both at the best of their rates, 4 a decade.\n"
    )?;
    decay(
        &mut out,
        &[
            work("digits, AdamW", ("digits", "mlp:64", "adamw"), 64, 1000, (1e-3, 3e-2), 4)?,
            work("characters, AdamW", ("text", "charlm", "adamw"), 32, 1000, (1e-3, 3e-2), 4)?,
            work("characters, SGD", text, 32, 1000, (1e-2, 1.0), 4)?,
        ],
    )?;
    writeln!(
        out,
        "\n## The mid-run trap\n\nClaimed: while a decay is still to come, the rate that looks best on the validation loss of the day is 2 to 4 times too small, so that a pruner that compares such losses \
        picks it. Tried: linear decay to zero; the rate that looks best at each share of the run. `race` compares only whole short runs.\n"
    )?;
    trap(
        &mut out,
        &[
            work("characters, AdamW", ("text", "charlm", "adamw"), 32, 1000, (1e-3, 3e-2), 4)?,
            work("characters, SGD", text, 32, 1000, (1e-2, 1.0), 4)?,
        ],
    )?;
    std::fs::create_dir_all("docs")?;
    std::fs::write(PATH, &out)?;
    println!("{out}\nwrote {PATH}");
    Ok(())
}
