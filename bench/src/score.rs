//! Scores: every search run for real on every job, its answer held against the truth.

use crate::cache::{Cache, parallel};
use crate::table;
use crate::tasks::{self, Ready};
use crate::truth::{self, Truth};
use std::collections::BTreeMap;
use std::error::Error;
use stepsize::probe::suggest::Suggestion;
use stepsize::probe::{Descent, FirstFall, Opening, Race, RangeTest};
use stepsize::pruner::OneSided;
use stepsize::{Answer, Curve, End, Job, Lr, Probe, Pruner, Trial, TrialId};

/// Seeds of the searches; the truth has others.
const SEEDS: [u64; 2] = [100, 101];
/// Guesses that a search starts from.
const STARTS: [f64; 4] = [1e-1, 1e-2, 1e-3, 1e-4];
/// No search asks more often than this; more is a fault.
const MOST_BATCHES: usize = 100;

type Make = fn(Job, Lr) -> Result<Box<dyn Probe>, stepsize::Error>;

/// A search under test.
struct Method {
    name: &'static str,
    make: Make,
    /// Whether it takes a starting rate.
    starts: bool,
    /// Whether the one-sided kill rule watches its trials.
    prunes: bool,
}

const METHODS: &[Method] = &[
    Method {
        name: "race",
        make: |job, start| Ok(Box::new(Race::new(job).starting_at(start))),
        starts: true,
        prunes: true,
    },
    // For commands that cannot be told a length: first parts of full runs.
    Method {
        name: "opening",
        make: |job, start| Ok(Box::new(Opening::new(job, start, 0.75)?)),
        starts: true,
        prunes: false,
    },
    fixed("descent 0.1, 0.01, ..", |job, _| Ok(Box::new(Descent::new(job)))),
    fixed("first fall, two orders lower", |job, _| Ok(Box::new(FirstFall::new(job)))),
    fixed("range test, our reading", |job, _| Ok(Box::new(RangeTest::new(job, Lr::new(1e-7)?, Lr::new(10.0)?, 100)?))),
    fixed("range test, fastai valley", |job, _| peer(job, Suggestion::Valley)),
    fixed("range test, fastai slide", |job, _| peer(job, Suggestion::Slide)),
    fixed("range test, fastai minimum", |job, _| peer(job, Suggestion::Minimum)),
    fixed("range test, fastai steep", |job, _| peer(job, Suggestion::Steep)),
    fixed("range test, torch-lr-finder", |job, _| peer(job, Suggestion::TorchLrFinder)),
    fixed("range test, Lightning", |job, _| peer(job, Suggestion::Lightning)),
    fixed("range test, ignite", |job, _| peer(job, Suggestion::Ignite)),
];

/// A search without a starting rate and without a pruner.
const fn fixed(name: &'static str, make: Make) -> Method {
    Method { name, make, starts: false, prunes: false }
}

fn peer(job: Job, suggestion: Suggestion) -> Result<Box<dyn Probe>, stepsize::Error> {
    Ok(Box::new(RangeTest::of(job, suggestion)?))
}

/// One search on one job.
struct StudyResult {
    task: &'static str,
    held: bool,
    /// `None` when it refused.
    regret: Option<f64>,
    lr: f64,
    best_lr: f64,
    cost: f64,
    covered: Option<bool>,
    octaves: Option<f64>,
    reason: Option<String>,
    probes: String,
}

fn search(
    ready: &Ready,
    truth: &Truth,
    method: &Method,
    cache: &Cache,
    seed: u64,
    start: f64,
) -> Result<StudyResult, stepsize::Error> {
    let job = ready.job(seed)?;
    let probe = (method.make)(job.clone(), Lr::new(start)?)?;
    let mut done: Vec<Trial> = Vec::new();
    for _ in 0..MOST_BATCHES {
        let specs = probe.ask(&done)?;
        if specs.is_empty() {
            break;
        }
        let settled = done.clone();
        for spec in specs {
            let id = TrialId(done.len() as u32);
            let trial = cache.run(ready, id, &spec)?;
            done.push(if method.prunes { pruned(trial, &settled) } else { trial });
        }
    }
    let estimate = probe.estimate(&done)?;
    let best_lr = truth.best_lr();
    let (lr, interval) = match &estimate.answer {
        Answer::Rate(rate) => (Some(rate.lr.get()), rate.interval),
        Answer::Refused(_) => (None, None),
    };
    let within = |(low, high): (Lr, Lr)| low.get() <= best_lr && best_lr <= high.get();
    Ok(StudyResult {
        task: ready.spec.name,
        held: ready.spec.held,
        regret: lr.map(|lr| truth.regret(lr)),
        lr: lr.unwrap_or(f64::NAN),
        best_lr,
        cost: estimate.cost_runs,
        covered: interval.map(within),
        octaves: interval.map(|(low, high)| (high.get() / low.get()).log2()),
        reason: estimate.refusal().map(|r| r.because.clone()),
        probes: done.iter().map(describe).collect::<Vec<_>>().join(" "),
    })
}

/// What would be left of `trial` had the search's pruner watched it: evaluations are all that it
/// looks at.
fn pruned(trial: Trial, settled: &[Trial]) -> Trial {
    let mut live = Trial { val: Curve::new(), end: None, ..trial.clone() };
    for point in trial.val.points() {
        live.val.push(*point);
        if let Some(why) = OneSided::default().judge(&live, settled) {
            let train = trial.train.points().iter().filter(|p| p.step < point.step).copied().collect();
            return Trial { train, steps_run: point.step, end: Some(End::Pruned { why }), ..live };
        }
    }
    trial
}

fn describe(trial: &Trial) -> String {
    let loss = trial.final_loss().map_or_else(
        || if trial.exploded() { "div".to_owned() } else { format!("behind({})", trial.steps_run) },
        |l| format!("{l:.3}"),
    );
    format!("{:.2}@{}={loss}", trial.spec.lr.log2(), trial.spec.steps)
}

/// Prints the scores of the methods named in `args` (all, when none); `-v` adds a line a search,
/// `task=NAME` limits.
pub fn print(args: &[String]) -> Result<(), Box<dyn Error>> {
    let verbose = args.iter().any(|a| a == "-v");
    let only: Vec<String> = args.iter().filter_map(|a| a.strip_prefix("task=")).map(str::to_owned).collect();
    let wanted: Vec<&String> = args.iter().filter(|a| *a != "-v" && !a.contains('=')).collect();
    let ready = tasks::load(&only)?;
    let truths = truth::read()?;
    let cache = Cache::open()?;
    println!("{}", heading(&ready));
    println!(
        "{:<28} {:<5} {:>4} {:>8} {:>8} {:>6} {:>6} {:>6} {:>6} {:>7} {:>7} {:>7}",
        "method", "jobs", "n", "geo", "worst", "<=1%", "<=5%", "<=20%", "cost", "cover80", "octaves", "refused"
    );
    if wanted.is_empty() || wanted.iter().any(|w| *w == "table") {
        print_table_methods(&ready, &truths, verbose)?;
    }
    for method in METHODS.iter().filter(|m| wanted.is_empty() || wanted.iter().any(|w| m.name.contains(w.as_str()))) {
        let starts: &[f64] = if method.starts { &STARTS } else { &STARTS[..1] };
        let work: Vec<(&Ready, u64, f64)> = ready
            .iter()
            .filter(|r| truths.contains_key(r.spec.name))
            .flat_map(|r| SEEDS.iter().flat_map(move |&seed| starts.iter().map(move |&start| (r, seed, start))))
            .collect();
        let outcomes: Vec<StudyResult> =
            parallel(&work, |(r, seed, start)| search(r, &truths[r.spec.name], method, &cache, *seed, *start))
                .into_iter()
                .collect::<Result<_, _>>()?;
        if verbose {
            outcomes.iter().for_each(line);
            by_task(&outcomes);
        }
        for held in [false, true] {
            summary(method.name, held, &outcomes.iter().filter(|o| o.held == held).collect::<Vec<_>>());
        }
    }
    Ok(())
}

/// Searches of full runs, from the table.
fn print_table_methods(ready: &[Ready], truths: &BTreeMap<String, Truth>, verbose: bool) -> Result<(), Box<dyn Error>> {
    for method in table::methods()? {
        for held in [false, true] {
            let outcomes: Vec<StudyResult> = ready
                .iter()
                .filter(|r| r.spec.held == held)
                .filter_map(|r| Some((r, truths.get(r.spec.name)?)))
                .flat_map(|(r, truth)| method.regrets(r.spec.name, truth).into_iter().map(move |regret| (r, regret)))
                .map(|(r, regret)| StudyResult {
                    task: r.spec.name,
                    held,
                    regret: Some(regret),
                    lr: f64::NAN,
                    best_lr: f64::NAN,
                    cost: method.runs,
                    covered: None,
                    octaves: None,
                    reason: None,
                    probes: String::new(),
                })
                .collect();
            if verbose {
                by_task(&outcomes);
            }
            summary(&method.name, held, &outcomes.iter().collect::<Vec<_>>());
        }
    }
    Ok(())
}

fn heading(ready: &[Ready]) -> String {
    let cpu = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu.lines().find_map(|l| l.strip_prefix("model name\t: ")).unwrap_or("unknown cpu");
    let fit = ready.iter().filter(|r| !r.spec.held).count();
    format!(
        "{} cores {model}; {fit} fit jobs, {} held jobs, search seeds {SEEDS:?}, truth seeds {:?}\n\
         command: cargo run --release -p stepsize-bench -- score",
        std::thread::available_parallelism().map_or(1, usize::from),
        ready.len() - fit,
        truth::SEEDS
    )
}

fn line(o: &StudyResult) {
    let regret = o.regret.map_or_else(|| "refused".to_owned(), |r| format!("{:.1}%", 100.0 * r));
    println!(
        "  {:<28} {regret:>8} lr {:>7.2} best {:>7.2} cost {:.2} cover {:?} | {} {}",
        o.task,
        o.lr.log2(),
        o.best_lr.log2(),
        o.cost,
        o.covered,
        o.probes,
        o.reason.as_deref().unwrap_or("")
    );
}

fn geo(regrets: &[f64]) -> f64 {
    (regrets.iter().map(|r| r.max(0.0).ln_1p()).sum::<f64>() / regrets.len() as f64).exp_m1()
}

fn by_task(outcomes: &[StudyResult]) {
    let mut tasks: BTreeMap<&str, Vec<&StudyResult>> = BTreeMap::new();
    for o in outcomes {
        tasks.entry(o.task).or_default().push(o);
    }
    for (task, os) in tasks {
        let regrets: Vec<f64> = os.iter().filter_map(|o| o.regret).collect();
        let shift =
            os.iter().map(|o| (o.lr / o.best_lr).log2()).filter(|x| x.is_finite()).sum::<f64>() / regrets.len() as f64;
        println!(
            "    {task:<28} geo {:>6.1}%  shift {shift:>5.2} octaves, refused {}",
            100.0 * geo(&regrets),
            os.len() - regrets.len()
        );
    }
}

fn summary(name: &str, held: bool, outcomes: &[&StudyResult]) {
    if outcomes.is_empty() {
        return;
    }
    let regrets: Vec<f64> = outcomes.iter().filter_map(|o| o.regret).collect();
    let share = |limit: f64| regrets.iter().filter(|r| **r <= limit).count() as f64 / regrets.len().max(1) as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / v.len().max(1) as f64;
    let covered: Vec<f64> = outcomes.iter().filter_map(|o| o.covered).map(f64::from).collect();
    let octaves: Vec<f64> = outcomes.iter().filter_map(|o| o.octaves).collect();
    let shown = |v: &[f64], digits: usize| if v.is_empty() { String::new() } else { format!("{:.digits$}", mean(v)) };
    println!(
        "{name:<28} {:<5} {:>4} {:>7.1}% {:>7.0}% {:>6.2} {:>6.2} {:>6.2} {:>6.2} {:>7} {:>7} {:>7}",
        if held { "held" } else { "fit" },
        outcomes.len(),
        100.0 * geo(&regrets),
        100.0 * regrets.iter().copied().fold(0.0, f64::max),
        share(0.01),
        share(0.05),
        share(0.20),
        mean(&outcomes.iter().map(|o| o.cost).collect::<Vec<_>>()),
        shown(&covered, 2),
        shown(&octaves, 1),
        outcomes.len() - regrets.len()
    );
}
