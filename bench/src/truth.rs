//! The truth: every job at 4 rates a decade with 3 seeds to the full horizon.

use crate::cache::{Cache, parallel};
use crate::tasks::{self, Ready};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use stepsize::{Lr, TrialId};

const PATH: &str = "bench/data/truth.csv";
const LOW: f64 = 1e-5;
const HIGH: f64 = 10.0;
/// Seeds of the truth; searches use others.
pub const SEEDS: [u64; 3] = [0, 1, 2];

/// What is known of one job.
#[derive(Debug, Default, Clone)]
pub struct Truth {
    /// By rate: the final validation losses, NaN where the run diverged.
    pub losses: BTreeMap<u64, Vec<f64>>,
    /// Loss of the untrained model.
    pub untrained: f64,
}

/// Losses worse than the untrained one by more than this factor count as this: broken is broken.
const BROKEN: f64 = 2.0;

impl Truth {
    /// Rates with the mean loss over seeds, diverged runs counted as broken.
    pub fn means(&self) -> Vec<(f64, f64)> {
        let cap = BROKEN * self.untrained;
        self.losses
            .iter()
            .map(|(bits, l)| {
                let sum: f64 = l.iter().map(|&y| if y.is_finite() { y.min(cap) } else { cap }).sum();
                (f64::from_bits(*bits), sum / l.len() as f64)
            })
            .collect()
    }

    /// The losses of one seed only (index), as `means`.
    pub fn of_seed(&self, index: usize) -> Vec<(f64, f64)> {
        let one = self.losses.iter().map(|(k, l)| (*k, vec![l[index]])).collect();
        Truth { losses: one, untrained: self.untrained }.means()
    }

    /// `loss(lr) / best - 1`, interpolated in log rate and log loss between the rates of the table.
    pub fn regret(&self, lr: f64) -> f64 {
        let means = self.means();
        let best = means.iter().map(|m| m.1).fold(f64::INFINITY, f64::min);
        interpolate(&means, lr) / best - 1.0
    }

    /// The best rate: vertex of the parabola through the best rate of the table and its neighbours,
    /// in logs.
    pub fn best_lr(&self) -> f64 {
        let m = self.means();
        let Some(at) = (0..m.len()).min_by(|a, b| m[*a].1.total_cmp(&m[*b].1)) else { return f64::NAN };
        if at == 0 || at + 1 == m.len() {
            return m[at].0;
        }
        let y: Vec<f64> = m[at - 1..=at + 1].iter().map(|p| p.1.ln()).collect();
        let bend = y[0] - 2.0 * y[1] + y[2];
        let shift = if bend > 0.0 { 0.5 * (y[0] - y[2]) / bend } else { 0.0 };
        m[at].0 * (m[at + 1].0 / m[at].0).powf(shift.clamp(-0.5, 0.5))
    }
}

/// Log-log interpolation; beyond the table its end.
pub fn interpolate(table: &[(f64, f64)], lr: f64) -> f64 {
    let after = table.partition_point(|p| p.0 < lr);
    if after == 0 || after == table.len() {
        return table[after.min(table.len() - 1)].1;
    }
    let ((x0, y0), (x1, y1)) = (table[after - 1], table[after]);
    let t = (lr / x0).ln() / (x1 / x0).ln();
    (y0.ln() * (1.0 - t) + y1.ln() * t).exp()
}

const HEADER: &str = "task,steps,schedule,lr,seed,val_loss,untrained,steps_run";

/// Trains what the table lacks and writes it. Jobs whose name contains one of `names` (all, when
/// empty); a job that was changed has to be cut from the table first.
pub fn write(names: &[String]) -> Result<(), Box<dyn Error>> {
    let ready = tasks::load(&[])?;
    let cache = Cache::open()?;
    let grid = Lr::log_space(Lr::new(LOW)?, Lr::new(HIGH)?, 4)?;
    let old = std::fs::read_to_string(PATH).unwrap_or_default();
    let known: BTreeMap<&str, Vec<&str>> = old.lines().skip(1).fold(BTreeMap::new(), |mut by_task, line| {
        by_task.entry(line.split(',').next().unwrap_or_default()).or_default().push(line);
        by_task
    });
    let complete = |r: &Ready| known.get(r.spec.name).is_some_and(|l| l.len() == grid.len() * SEEDS.len());
    let wanted = |r: &Ready| names.is_empty() || names.iter().any(|n| r.spec.name.contains(n.as_str()));
    let work: Vec<(&Ready, Lr, u64)> = ready
        .iter()
        .filter(|r| wanted(r) && !complete(r))
        .flat_map(|r| grid.iter().flat_map(move |&lr| SEEDS.map(|seed| (r, lr, seed))))
        .collect();
    let rows = parallel(&work, |(r, lr, seed)| -> Result<(&str, String), stepsize::Error> {
        let spec = r.job(*seed)?.trial(*lr, r.spec.steps, *seed)?;
        let trial = cache.run(r, TrialId(0), &spec)?;
        let loss = trial.final_loss().unwrap_or(f64::NAN);
        let untrained = trial.start_loss().unwrap_or(f64::NAN);
        let s = r.spec;
        let rate = lr.get();
        let schedule = if s.schedule.contains(',') { format!("\"{}\"", s.schedule) } else { s.schedule.to_owned() };
        let row = format!("{},{},{schedule},{rate:e},{seed},{loss},{untrained},{}", s.name, s.steps, trial.steps_run);
        Ok((s.name, row))
    });
    let mut made: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for row in rows {
        let (name, row) = row?;
        made.entry(name).or_default().push(row);
    }
    let mut text = format!("{HEADER}\n");
    for r in &ready {
        for line in known.get(r.spec.name).filter(|_| complete(r)).into_iter().flatten() {
            writeln!(text, "{line}")?;
        }
        for line in made.get(r.spec.name).into_iter().flatten() {
            writeln!(text, "{line}")?;
        }
    }
    std::fs::write(PATH, text)?;
    println!("wrote {PATH}: {} jobs trained, {} rates, seeds {SEEDS:?}", made.len(), grid.len());
    Ok(())
}

/// Trains short runs, whole schedules compressed, on a grid of rates around the best one, for every
/// job that is no held one: what a model of the landscape is fitted to. They stay in the memo.
pub fn probes(names: &[String]) -> Result<(), Box<dyn Error>> {
    let ready = tasks::load(names)?;
    let truths = read()?;
    let cache = Cache::open()?;
    let mut work = Vec::new();
    for part in PARTS {
        for r in ready.iter().filter(|r| !r.spec.held) {
            let Some(truth) = truths.get(r.spec.name) else { continue };
            let best = (truth.best_lr().log2() * 2.0).round() / 2.0;
            work.extend((-5..=5).map(|at| (r, best + f64::from(at), r.spec.steps / part)));
        }
    }
    parallel(&work, |(r, x, steps)| -> Result<(), stepsize::Error> {
        let spec = r.job(100)?.trial(Lr::from_log2(*x), *steps, 100)?;
        cache.run(r, TrialId(0), &spec).map(|_| ())
    })
    .into_iter()
    .collect::<Result<(), _>>()?;
    println!("{} probes", work.len());
    Ok(())
}

/// Lengths of the probes, as parts of the full run.
const PARTS: [u64; 3] = [16, 8, 4];

/// Runs single trials, one a line of standard input: job, log2 of the rate, steps, seed.
pub fn trials() -> Result<(), Box<dyn Error>> {
    let ready = tasks::load(&[])?;
    let cache = Cache::open()?;
    for line in std::io::stdin().lines() {
        let line = line?;
        let f: Vec<&str> = line.split(' ').collect();
        let [name, x, steps, seed] = f[..] else { return Err(line.into()) };
        let r = ready.iter().find(|r| r.spec.name == name).ok_or("no such job")?;
        let (steps, seed) = (steps.parse()?, seed.parse()?);
        let spec = r.job(seed)?.trial(Lr::from_log2(x.parse()?), steps, seed)?;
        let trial = cache.run(r, TrialId(0), &spec)?;
        println!("{}", serde_json::to_string(&(&line, &trial.train, &trial.val, &trial.end, trial.steps_run))?);
    }
    Ok(())
}

/// Reads the table.
pub fn read() -> Result<BTreeMap<String, Truth>, Box<dyn Error>> {
    let text =
        std::fs::read_to_string(PATH).map_err(|e| format!("{PATH}: {e}; make it with `stepsize-bench truth`"))?;
    let mut truths: BTreeMap<String, Truth> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let [name, .., lr, _seed, loss, untrained, _] = f[..] else { return Err(format!("{PATH}: {line}").into()) };
        let truth = truths.entry(name.to_owned()).or_default();
        truth.losses.entry(lr.parse::<f64>()?.to_bits()).or_default().push(loss.parse()?);
        truth.untrained = untrained.parse()?;
    }
    Ok(truths)
}
