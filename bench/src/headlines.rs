//! Well-known headlines at our scale: `stepsize-bench headlines` trains, prints, and writes
//! `docs/headlines.md`.
//!
//! 1. *Cyclical rates and super-convergence* ([`cycles`]): the shortest whole run, schedule and
//!    all, that ends at the accuracy and at the loss that one fixed rate reaches in T steps; every
//!    way at its own best rate.
//! 2. *Linear to zero against cosine to 10 %* ([`decay`]): final losses, each at its own best rate.
//! 3. *The mid-run trap* ([`trap`]): which rate looks best part of the way through runs that decay,
//!    and which is best at the end; beside it what `race` answers on the same job, and what either
//!    choice costs.
//!
//! The sentences at the head of the document are made from the numbers below them.

mod cycles;
mod decay;
mod trap;

use crate::cache::parallel;
use std::error::Error;
use std::fmt::Write as _;
use std::ops::ControlFlow;
use stepsize::{Engine, Lr, Policy, Schedule, Trial, TrialId, TrialSpec, evaluation_steps, fold, train};
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
    let rates = Lr::log_space(Lr::new(low)?, Lr::new(high)?, per_decade)?;
    Ok(Work { name, task: Task::load(config)?, steps, rates })
}

impl Work {
    /// In one line.
    fn describe(&self) -> String {
        let (first, last) = (self.rates[0], self.rates[self.rates.len() - 1]);
        let count = self.rates.len();
        format!("{}; T = {} steps; {count} rates from {first} to {last}", self.task.describe(), self.steps)
    }

    /// Said of a rate at the end of the grid: a better one may lie beyond.
    fn edge(&self, lr: Lr) -> &'static str {
        let ends = [self.rates.first(), self.rates.last()];
        if ends.contains(&Some(&lr)) { " (the end of the grid)" } else { "" }
    }
}

fn run(mut engine: Box<dyn Engine>, spec: &TrialSpec) -> Result<Trial, stepsize::Error> {
    let id = TrialId(0);
    let mut events = vec![stepsize::Event::Started { trial: id, spec: spec.clone() }];
    let mut policy = Policy::new(spec.lr, spec.schedule.clone());
    train(engine.as_mut(), id, spec, &mut policy, &evaluation_steps(spec.steps, 20), &mut |event| {
        events.push(event);
        ControlFlow::Continue(())
    })?;
    fold(&events).remove(&id).ok_or_else(|| stepsize::Error::internal("no such trial"))
}

/// One rate: means over the seeds, and the runs.
struct End {
    lr: Lr,
    loss: f64,
    accuracy: f64,
    trials: Vec<Trial>,
}

/// How a way ended, rate by rate; rates with a seed that diverged are left out.
struct Ends(Vec<End>);

impl Ends {
    fn of(work: &Work, text: &str, steps: u64) -> Result<Self, stepsize::Error> {
        let schedule = Schedule::parse(text, steps)?;
        let all: Vec<(Lr, u64)> = work.rates.iter().flat_map(|lr| SEEDS.map(|seed| (*lr, seed))).collect();
        let trials = parallel(&all, |(lr, seed)| {
            let spec = TrialSpec { lr: *lr, schedule: schedule.clone(), steps, seed: *seed, stop_on_divergence: true };
            run(work.task.engine(*seed)?, &spec)
        });
        let trials = trials.into_iter().collect::<Result<Vec<_>, _>>()?;
        let mut ends = Vec::new();
        for (lr, trials) in work.rates.iter().zip(trials.chunks(SEEDS.len())) {
            let losses: Option<f64> = trials.iter().map(Trial::final_loss).sum();
            let scores: Option<f64> = trials.iter().map(|t| t.score.last().map(|p| p.loss)).sum();
            if let (Some(loss), Some(score)) = (losses, scores) {
                let n = SEEDS.len() as f64;
                ends.push(End { lr: *lr, loss: loss / n, accuracy: score / n, trials: trials.to_vec() });
            }
        }
        Ok(Self(ends))
    }

    /// The most accurate rate.
    fn most_accurate(&self) -> Option<&End> {
        self.0.iter().max_by(|a, b| a.accuracy.total_cmp(&b.accuracy))
    }

    /// The rate with the lowest loss.
    fn lowest(&self) -> Option<&End> {
        self.0.iter().min_by(|a, b| a.loss.total_cmp(&b.loss))
    }
}

/// `2 of 3`.
fn share(held: usize, of: usize) -> String {
    format!("{held} of {of}")
}

/// Trains everything and writes the document.
pub fn write() -> Result<(), Box<dyn Error>> {
    let characters = |optimizer| ("text", "charlm", optimizer);
    let small = |optimizer| ("text", "charlm:8,8,32", optimizer);
    let (mut head, mut body) = (String::new(), String::new());
    let jobs = [
        work("digits, small batches", ("digits", "mlp:64", "sgd:0.9"), 8, 4000, (3e-3, 0.3), 2)?,
        work("digits, deep with norm", ("digits", "mlp:64,64,64,64,norm", "sgd:0.9"), 16, 2000, (3e-3, 1.0), 2)?,
        work("characters, short run", characters("sgd:0.9"), 32, 1600, (1e-2, 0.3), 2)?,
        work("characters, small and long", small("sgd:0.9"), 8, 64_000, (3e-3, 0.1), 2)?,
    ];
    cycles::write(&mut head, &mut body, &jobs)?;
    let jobs = [
        work("digits, AdamW", ("digits", "mlp:64", "adamw"), 64, 1000, (1e-3, 3e-2), 4)?,
        work("characters, AdamW", characters("adamw"), 32, 1000, (1e-3, 3e-2), 4)?,
        work("characters, SGD", characters("sgd:0.9"), 32, 1000, (1e-2, 0.3), 4)?,
        work("characters, small and long, AdamW", small("adamw"), 8, 32_000, (3e-4, 3e-2), 4)?,
        work("characters, small and long, SGD", small("sgd:0.9"), 8, 32_000, (3e-3, 0.2), 4)?,
    ];
    let linear = jobs.iter().map(|w| Ends::of(w, "linear", w.steps)).collect::<Result<Vec<_>, _>>()?;
    decay::write(&mut head, &mut body, &jobs, &linear)?;
    trap::write(&mut head, &mut body, &jobs, &linear)?;
    let mut out = String::from("# Headlines, small and honest\n\n");
    writeln!(
        out,
        "Written by `{COMMAND}`, this page as a whole. n = {} seeds ({SEEDS:?}); numbers are means over them, and a rate with a seed that \
         diverged is left out. Each way at its own best rate of a grid. The jobs take seconds on a processor (x86_64, 2 cores; training is \
         deterministic, so the numbers do not depend on its load): whether a headline holds *here* says little of large networks.\n",
        SEEDS.len()
    )?;
    writeln!(out, "What came out:\n{head}\n{}", body.trim_end())?;
    std::fs::create_dir_all("docs")?;
    std::fs::write(PATH, &out)?;
    println!("{out}\nwrote {PATH}");
    Ok(())
}
