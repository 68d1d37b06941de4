//! Whether a method without a rate tells where to look: its step size after one short run, as the start of `race`.
//!
//! On every `fit` job of `tasks.rs` with a truth: [`stepsize_engine::Task::sense`] over T/16 steps (at least 40), its distance from the
//! best rate, and regret and cost of `race` started there (the sensor's steps counted) and at its default.

use crate::cache::{Cache, parallel};
use crate::tasks::{self, Ready};
use crate::truth::{self, Truth};
use std::error::Error;
use stepsize::probe::Race;
use stepsize::{Lr, Probe, Trial, TrialId};

const SEEDS: [u64; 2] = [100, 101];
/// The default start of `race`.
const DEFAULT: f64 = 0.01;

/// One job and seed.
struct Line {
    name: &'static str,
    adaptive: bool,
    best: f64,
    sensed: Option<f64>,
    sensor_cost: f64,
    /// Regret and cost, from the default and from the sensor.
    default: (Option<f64>, f64),
    started: (Option<f64>, f64),
}

fn race(
    ready: &Ready,
    truth: &Truth,
    cache: &Cache,
    seed: u64,
    start: Lr,
) -> Result<(Option<f64>, f64), stepsize::Error> {
    let probe = Race::new(ready.job(seed)?).starting_at(start);
    let mut done: Vec<Trial> = Vec::new();
    loop {
        let specs = probe.ask(&done)?;
        if specs.is_empty() {
            let estimate = probe.estimate(&done)?;
            return Ok((estimate.lr().map(|lr| truth.regret(lr.get())), estimate.cost_runs));
        }
        for spec in specs {
            done.push(cache.run(ready, TrialId(done.len() as u32), &spec)?);
        }
    }
}

fn line(ready: &Ready, truth: &Truth, cache: &Cache, seed: u64) -> Result<Line, stepsize::Error> {
    let steps = (ready.spec.steps / 16).max(40);
    let sensed = ready.task.sense(seed, steps)?;
    let start = sensed.map_or_else(|| Lr::new(DEFAULT), Ok)?;
    Ok(Line {
        name: ready.spec.name,
        adaptive: ready.task.config().optimizer.is_adaptive(),
        best: truth.best_lr(),
        sensed: sensed.map(Lr::get),
        sensor_cost: steps as f64 / ready.spec.steps as f64,
        default: race(ready, truth, cache, seed, Lr::new(DEFAULT)?)?,
        started: race(ready, truth, cache, seed, start)?,
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let values: Vec<f64> = values.collect();
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

/// Prints a line a job and seed, and the means.
pub fn print() -> Result<(), Box<dyn Error>> {
    let ready = tasks::load(&[])?;
    let truths = truth::read()?;
    let cache = Cache::open()?;
    let work: Vec<(&Ready, u64)> = ready
        .iter()
        .filter(|r| !r.spec.held && truths.contains_key(r.spec.name))
        .flat_map(|r| SEEDS.map(|seed| (r, seed)))
        .collect();
    let lines = parallel(&work, |(r, seed)| line(r, &truths[r.spec.name], &cache, *seed));
    let lines = lines.into_iter().collect::<Result<Vec<_>, _>>()?;
    println!("stepsize-bench sensor: {} jobs, seeds {SEEDS:?}; distances in decades", work.len() / SEEDS.len());
    println!(
        "{:<28} {:>9} {:>9} {:>7} {:>16} {:>16}",
        "job", "best lr", "sensed", "off by", "race from 0.01", "from the sensor"
    );
    let shown = |(regret, cost): (Option<f64>, f64)| match regret {
        Some(regret) => format!("{:.1} % at {cost:.2}", 100.0 * regret),
        None => format!("refused at {cost:.2}"),
    };
    for l in &lines {
        let off = l.sensed.map_or(f64::NAN, |s| (s / l.best).log10());
        let started = (l.started.0, l.started.1 + l.sensor_cost);
        println!(
            "{:<28} {:>9.2e} {:>9.2e} {off:>7.2} {:>16} {:>16}",
            l.name,
            l.best,
            l.sensed.unwrap_or(f64::NAN),
            shown(l.default),
            shown(started)
        );
    }
    for (name, adaptive) in [("Adam, AdamW (Prodigy's d)", true), ("SGD (Mechanic's scale)", false)] {
        let mine: Vec<&Line> = lines.iter().filter(|l| l.adaptive == adaptive).collect();
        let off = |guess: &dyn Fn(&Line) -> Option<f64>| {
            mean(mine.iter().filter_map(|l| guess(l).map(|g| (g / l.best).log10().abs())))
        };
        // geometric means of loss relative to the best; a refusal has none
        let regret = |of: &dyn Fn(&Line) -> Option<f64>| {
            100.0 * mean(mine.iter().filter_map(|l| of(l).map(f64::ln_1p))).exp_m1()
        };
        println!(
            "{name}: {} searches; mean distance of the start from the best rate {:.2} decades sensed, {:.2} at 0.01; race: regret {:.2} % at {:.3} runs \
             from 0.01, {:.2} % at {:.3} runs from the sensor (of which {:.3} its own)",
            mine.len(),
            off(&|l| l.sensed),
            off(&|_| Some(DEFAULT)),
            regret(&|l| l.default.0),
            mean(mine.iter().map(|l| l.default.1)),
            regret(&|l| l.started.0),
            mean(mine.iter().map(|l| l.started.1 + l.sensor_cost)),
            mean(mine.iter().map(|l| l.sensor_cost)),
        );
    }
    Ok(())
}
