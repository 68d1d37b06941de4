//! Other searches on the same tables and on equal terms: the seed that they see is not in the
//! truth. `anytime` writes regret and improvement kept against the budget of all of them.

use super::figure::{self, Mark};
use super::program::Program;
use super::replay::{self, Found, Known};
use super::scores::Score;
use super::truth::{log_loss, smoothed_best};
use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::Write as _;
use stepsize::{Lr, TrialId};
use stepsize_draw::figure::{scene_png, svg};

const PATH: &str = "bench/data/anytime.csv";
const PICTURE: &str = "bench/anytime";
const TPE: &str = "bench/data/landscapes_tpe.csv";
/// Budgets, in full runs.
pub const BUDGETS: [f64; 8] = [0.25, 0.6, 1.0, 2.0, 3.0, 5.0, 10.0, 20.0];
/// Seeds that a search sees: those of the tables.
const SEEDS: [u64; 4] = [100, 101, 102, 103];
/// Draws of a random search a seed.
const DRAWS: u64 = 10;
/// Rates that are looked among, `log2`: 1e-5 to 10.
const LOW: f64 = -5.0 * std::f64::consts::LOG2_10;
const HIGH: f64 = std::f64::consts::LOG2_10;

/// A run of one job at `x` for a share of the full run: its log loss at the end.
fn seen(known: &Known, x: f64, steps: u64, seed: u64) -> Result<f64, stepsize::Error> {
    let spec = known.tables.job(seed)?.trial(Lr::from_log2(x), steps, seed)?;
    let trial = known.tables.trial(TrialId(0), &spec);
    Ok(log_loss(trial.final_loss(), known.tables.untrained))
}

/// Uniform in 0..1 from a counter (splitmix64), so that a draw is the same everywhere.
fn uniform(counter: u64) -> f64 {
    let mut z = counter.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    z as f64 / u64::MAX as f64
}

fn random(draw: u64, count: usize) -> Vec<f64> {
    (0..count as u64).map(|i| LOW + (HIGH - LOW) * uniform(draw * 1000 + i)).collect()
}

fn grid(count: usize) -> Vec<f64> {
    (0..count).map(|i| LOW + (HIGH - LOW) * (i as f64 + 0.5) / count as f64).collect()
}

fn lowest(tried: &[(f64, f64)]) -> f64 {
    tried.iter().min_by(|a, b| a.1.total_cmp(&b.1)).map_or(f64::NAN, |t| t.0)
}

type Tried = Vec<(f64, f64)>;

fn tried(known: &Known, rates: Vec<f64>, steps: u64, seed: u64) -> Result<Tried, stepsize::Error> {
    rates.into_iter().map(|x| Ok((x, seen(known, x, steps, seed)?))).collect()
}

/// Answers of one search on one job, with the cost of each.
type Answers = Vec<(f64, f64)>;

/// Random rates: full runs, or below one run sixteenths of it.
fn by_random(k: &Known, budget: f64, read: fn(&[(f64, f64)]) -> f64) -> Result<Answers, stepsize::Error> {
    let (steps, count) = if budget < 1.0 {
        (k.tables.steps / 16, (budget * 16.0).floor() as usize)
    } else {
        (k.tables.steps, budget as usize)
    };
    let cost = steps as f64 * count as f64 / k.tables.steps as f64;
    let mut answers = Vec::new();
    for seed in SEEDS {
        for draw in 0..DRAWS {
            answers.push((read(&tried(k, random(seed * 100 + draw, count), steps, seed)?), cost));
        }
    }
    Ok(answers)
}

/// Evenly spaced rates, full runs; three at least.
fn by_grid(k: &Known, budget: f64, read: fn(&[(f64, f64)]) -> f64) -> Result<Answers, stepsize::Error> {
    if budget < 3.0 {
        return Ok(Vec::new());
    }
    let all = SEEDS.iter().map(|&seed| tried(k, grid(budget as usize), k.tables.steps, seed));
    all.map(|t| Ok((read(&t?), budget))).collect()
}

/// Successive halving with the whole schedule in every run: as many random rates at T/16 as the
/// budget allows, the best quarter at T/4, the best quarter of those at T.
fn by_halving(k: &Known, budget: f64) -> Result<Answers, stepsize::Error> {
    let rungs: Vec<(f64, usize)> = vec![(1.0 / 16.0, 1), (0.25, 4), (1.0, 16)];
    let cost = |n: usize| -> f64 {
        let counts = rungs.iter().map(|(share, by)| share * (n / by) as f64);
        counts.sum()
    };
    let Some(first) = (2..1000).rev().find(|&n| cost(n) <= budget + 1e-9) else { return Ok(Vec::new()) };
    let mut answers = Vec::new();
    for seed in SEEDS {
        for draw in 0..DRAWS {
            let mut rates = random(seed * 100 + draw, first);
            let mut best = f64::NAN;
            for (share, by) in &rungs {
                rates.truncate(first / by);
                if rates.is_empty() {
                    break;
                }
                let steps = (share * k.tables.steps as f64) as u64;
                let mut read = tried(k, rates, steps, seed)?;
                read.sort_by(|a, b| a.1.total_cmp(&b.1));
                best = read[0].0;
                rates = read.into_iter().map(|r| r.0).collect();
            }
            answers.push((best, cost(first)));
        }
    }
    Ok(answers)
}

/// Answers of Optuna's TPE: by start-up trials, job and number of runs.
type Optuna = BTreeMap<(String, String, u64), Vec<f64>>;

fn optuna() -> Result<Optuna, Box<dyn Error>> {
    let text = std::fs::read_to_string(TPE)
        .map_err(|e| format!("{TPE}: {e}; make it with `python bench/landscapes/tpe.py`"))?;
    let mut made = Optuna::new();
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let [name, startup, _seed, runs, x] = f[..] else { return Err(format!("{TPE}: {line}").into()) };
        made.entry((startup.to_owned(), name.to_owned(), runs.parse()?)).or_default().push(x.parse()?);
    }
    Ok(made)
}

/// Writes the table of all searches at all budgets, and draws it; `race` at those named in `args`.
pub fn anytime(args: &[String]) -> Result<(), Box<dyn Error>> {
    let options = super::Options::new(args)?;
    let known = super::known(&options.family)?;
    let optuna = optuna()?;
    let mut text = String::from("method,budget,cost,searches,refused,unaffordable,regret,kept,kept95,kept98,octaves\n");
    let mut row = |method: &str, budget: f64, s: &Score| {
        let Score { cost, searches, refused, unaffordable, regret, kept, kept95, kept98, octaves, .. } = s;
        println!("{method:<28} {budget:>5} {cost:>5.2} {:>6.1}% {:>5.1}% {kept95:.2}", 100.0 * regret, 100.0 * kept);
        writeln!(
            text,
            "{method},{budget},{cost:.3},{searches},{refused},{unaffordable},{regret:.4},{kept:.4},{kept95:.4},{kept98:.4},{octaves:.2}"
        )
    };
    type By = Box<dyn Fn(&Known, f64) -> Result<Answers, stepsize::Error>>;
    let of_optuna = |startup: &'static str| -> By {
        let made = optuna.clone();
        Box::new(move |k, budget| {
            let key = (startup.to_owned(), k.tables.name.clone(), budget as u64);
            Ok(made.get(&key).into_iter().flatten().map(|x| (*x, budget)).collect())
        })
    };
    let methods: Vec<(&str, By)> = vec![
        ("random", Box::new(|k, b| by_random(k, b, lowest))),
        ("random smoothed", Box::new(|k, b| by_random(k, b, smoothed_best))),
        ("grid", Box::new(|k, b| by_grid(k, b, lowest))),
        ("grid smoothed", Box::new(|k, b| by_grid(k, b, smoothed_best))),
        ("successive halving", Box::new(by_halving)),
        ("TPE 10 start-up trials", of_optuna("10")),
        ("TPE 3 start-up trials", of_optuna("3")),
    ];
    for budget in BUDGETS {
        if options.budgets.contains(&budget) {
            let outcomes = replay::race(&known, budget, options.quick, Program::Whole)?;
            row("race", budget, &Score::of_outcomes(outcomes.iter()))?;
        }
        for (name, by) in &methods {
            let mut found: Vec<(Found, f64, f64)> = Vec::new();
            for k in &known {
                let answers = by(k, budget)?;
                found.extend(answers.iter().map(|(x, cost)| (Found::at(&k.truth, *x), k.truth.best, *cost)));
            }
            let short = budget < 1.0 && name.starts_with("random");
            let repeats = short && *name == "random smoothed";
            if !found.is_empty() && !repeats {
                row(
                    if short { "random runs of T/16" } else { name },
                    budget,
                    &Score::of(found.iter().map(|(f, best, cost)| (Some(f), *best, *cost))),
                )?;
            }
        }
    }
    std::fs::write(PATH, &text)?;
    println!("wrote {PATH}");
    picture()
}

/// Draws the table.
pub fn picture() -> Result<(), Box<dyn Error>> {
    let text = std::fs::read_to_string(PATH).map_err(|e| format!("{PATH}: {e}"))?;
    let mut marks = Vec::new();
    for line in text.lines().skip(1) {
        let f: Vec<&str> = line.split(',').collect();
        let [method, _, cost, _, _, _, regret, kept, ..] = f[..] else { return Err(format!("{PATH}: {line}").into()) };
        marks.push(Mark {
            method: method.to_owned(),
            cost: cost.parse()?,
            regret: regret.parse()?,
            kept: kept.parse()?,
        });
    }
    let jobs = super::known("")?.len();
    let scene = figure::draw(&marks, &format!("What a search loses for what it spends: {jobs} jobs of 19 families"));
    std::fs::write(format!("{PICTURE}.svg"), svg::file(&scene))?;
    std::fs::write(format!("{PICTURE}.png"), scene_png(&scene)?)?;
    println!("wrote {PICTURE}.svg and .png");
    Ok(())
}
