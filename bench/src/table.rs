//! Searches of full runs, read off the truth table: what they would have answered had they seen one
//! seed of it.

use crate::truth::{SEEDS, Truth, interpolate};
use std::collections::BTreeMap;
use std::error::Error;

/// Draws a method is averaged over.
const DRAWS: u64 = 100;

const OPTUNA: &str = "bench/data/optuna.csv";

/// A search whose every trial is a full run.
pub struct FullRuns {
    pub name: String,
    /// Full runs it costs.
    pub runs: f64,
    answers: Answers,
}

/// How the answers of a search come about.
enum Answers {
    /// The best of these rates, on the seed that was seen; one list a draw.
    BestOf(fn(draw: u64) -> Vec<f64>),
    /// Answers made elsewhere, by job and truth seed.
    Made(Made),
}

/// All of them.
pub fn methods() -> Result<Vec<FullRuns>, Box<dyn Error>> {
    let best_of = |name: &str, runs: f64, rates| FullRuns { name: name.into(), runs, answers: Answers::BestOf(rates) };
    let (version, made) = optuna()?;
    Ok(vec![
        best_of("grid, 25 full runs (floor)", 25.0, |_| log_spaced(1e-5, 10.0, 25)),
        best_of("random, 10 full runs", 10.0, |draw| random(draw, 10)),
        best_of("random, 5 full runs", 5.0, |draw| random(draw, 5)),
        FullRuns { name: format!("Optuna {version} TPE, 10 runs"), runs: 10.0, answers: Answers::Made(made) },
        best_of("decades 1 .. 1e-5", 6.0, |_| log_spaced(1e-5, 1.0, 6)),
        best_of("0.1, 0.01, 0.001", 3.0, |_| log_spaced(1e-3, 0.1, 3)),
        best_of("1e-3 always", 0.0, |_| vec![1e-3]),
    ])
}

/// Answers by job and seed.
type Made = BTreeMap<(String, usize), Vec<f64>>;

/// Version of Optuna, and its answers.
fn optuna() -> Result<(String, Made), Box<dyn Error>> {
    let text = std::fs::read_to_string(OPTUNA)
        .map_err(|e| format!("{OPTUNA}: {e}; make it with `python3 bench/optuna_tpe.py`"))?;
    let (mut version, mut made) = (String::new(), Made::new());
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let [by, task, seed, _draw, lr] = f[..] else { return Err(format!("{OPTUNA}: {line}").into()) };
        version = by.to_owned();
        made.entry((task.to_owned(), seed.parse()?)).or_default().push(lr.parse()?);
    }
    Ok((version, made))
}

fn log_spaced(low: f64, high: f64, count: u32) -> Vec<f64> {
    (0..count).map(|i| low * (high / low).powf(f64::from(i) / f64::from(count - 1))).collect()
}

/// Log-uniform over the table, from a counter-based hash (splitmix64), so that a draw is the same
/// everywhere.
fn random(draw: u64, count: u64) -> Vec<f64> {
    (0..count)
        .map(|i| {
            let mut z = (draw * 1000 + i).wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            z ^= z >> 31;
            1e-5 * 1e6f64.powf(z as f64 / u64::MAX as f64)
        })
        .collect()
}

impl FullRuns {
    /// Regrets of the method on the job `task`, a draw and a seed each.
    pub fn regrets(&self, task: &str, truth: &Truth) -> Vec<f64> {
        (0..SEEDS.len())
            .flat_map(|seed| match &self.answers {
                Answers::BestOf(rates) => {
                    let table = truth.of_seed(seed);
                    let best = |draw| best_of(&table, rates(draw));
                    (0..DRAWS).map(best).collect()
                }
                Answers::Made(answers) => answers.get(&(task.to_owned(), seed)).cloned().unwrap_or_default(),
            })
            .map(|lr| truth.regret(lr))
            .collect()
    }
}

fn best_of(table: &[(f64, f64)], rates: Vec<f64>) -> f64 {
    let seen = |lr: &f64| interpolate(table, *lr);
    rates.into_iter().min_by(|a, b| seen(a).total_cmp(&seen(b))).unwrap_or(f64::NAN)
}
