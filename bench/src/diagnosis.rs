//! `diagnosis`: the labelled corpus of `stepsize diagnose`, the fit of its trees, and its error
//! rates.
//!
//! `runs` trains the corpus once and keeps it below the build directory. `fit` fits the trees to
//! the jobs for fitting and writes them into the library. `score` judges the logs of the other jobs
//! with the trees in the library's source and the rules of the library as it was built.

mod beyond;
mod boost;
mod corpora;
mod draw;
mod fit;
mod habits;
mod jobs;
mod label;
mod runs;
mod score;
mod scripts;
mod sweeps;

use score::Judged;
use std::error::Error;
use stepsize::Placement;
use stepsize::diagnosis::model::{self, Model};
use stepsize::diagnosis::sweep::Sweep;
use stepsize::diagnosis::{Diagnosis, Feature, Record, Series, diagnose_with};

const SHIPPED: &str = "crates/stepsize/src/diagnosis/places.txt";
const BEYOND: &str = "target/diagnosis-beyond";
const FOREIGN: &str = "target/diagnosis-foreign/fit";
/// Logs to which trees are grown on top of the first ones, each with the number of its families.
const GROWN: [(&str, usize); 2] = [(BEYOND, 18), ("target/diagnosis-other/fit", 13)];
/// Logs with which the confidence is fitted, likewise. No tree is grown on them but on the first.
const JUDGED: [(&str, usize); 8] = [
    (BEYOND, 18),
    (FOREIGN, 14),
    ("target/diagnosis-other/held", 15),
    ("target/diagnosis-foreign/blind", 12),
    ("target/diagnosis-public/looked", 10),
    ("target/diagnosis-public/held", 10),
    ("target/diagnosis-public/blind", 8),
    ("target/diagnosis-scripts", 15),
];
const HEAD: &str = "# Trees of the diagnosis model; made by `stepsize-bench diagnosis fit`, explained in `model.rs`.\n";

/// Runs, fits or scores.
pub fn main(args: &[String]) -> Result<(), Box<dyn Error>> {
    let alone = matches!(args.first().map(String::as_str), Some("scripts" | "sweeps" | "adapt" | "calibrate" | "held"));
    let jobs = if alone { Vec::new() } else { jobs::all()? };
    match args.first().map(String::as_str) {
        Some("runs") => {
            let runs = runs::all(&jobs)?;
            for job in &jobs {
                let truth = label::Truth::of(&runs[&job.name]);
                println!("{}: {:?}", job.name, truth.map(|t| (t.best_lr, t.best_loss)));
            }
            Ok(())
        }
        Some("fit") => {
            let runs = runs::known()?;
            let rows = fit::rows(&jobs, &runs)?;
            let model = fit::model(&rows, fit::GROWTH, &fit::shipped_numbers());
            std::fs::write(SHIPPED, format!("{HEAD}{}", model.print()))?;
            println!("{} rows, {} trees, scale {:.2}, {:?}", rows.len(), model.trees.len(), model.scale, model.say);
            Ok(())
        }
        Some("try") => try_out(&jobs),
        Some("wrong") => wrong(&jobs, args.get(1).is_some_and(|a| a == "held"), &shipped()?),
        Some("score") => score(&jobs, args.get(1).is_none_or(|a| a != "fit"), &shipped()?),
        Some(what @ ("adapt" | "calibrate")) => {
            let mut model = shipped()?;
            if what == "adapt" {
                // What an earlier `adapt` made has put the scale of the first trees into their
                // values.
                if model.trees.len() > fit::FIRST {
                    (model.scale, model.leak) = (1.0, model::Leak::default());
                }
                model.trees.truncate(fit::FIRST);
                model = beyond::adapt(&GROWN, &model)?;
            }
            let corpora = corpora::Corpora { sets: &JUDGED, grown: &[BEYOND], usual: &[BEYOND, FOREIGN] };
            let model = beyond::calibrate(&corpora, model)?;
            std::fs::write(SHIPPED, format!("{HEAD}{}", model.print()))?;
            Ok(())
        }
        Some("held") => beyond::judge_only(&args[1..].iter().map(String::as_str).collect::<Vec<_>>(), &shipped()?),
        Some("scripts") => scripts::score(args.get(1).map_or("target/diagnosis-scripts", String::as_str), &shipped()?),
        Some("sweeps") => {
            let dirs: Vec<&str> = args[1..].iter().map(String::as_str).collect();
            let judged = JUDGED.map(|(dir, _)| dir);
            sweeps::measure(if dirs.is_empty() { &judged } else { &dirs }, &shipped()?)
        }
        _ => Err("usage: stepsize-bench diagnosis runs | fit | try | wrong [held] | score [fit] | scripts [DIR] | \
                  sweeps [DIR ...] | adapt | calibrate | held DIR ..."
            .into()),
    }
}

/// The trees of the last fit, read from the library's source: the library need not be built again.
fn shipped() -> Result<Model, Box<dyn Error>> {
    Ok(Model::parse(&std::fs::read_to_string(SHIPPED)?)?)
}

/// Compares ways to grow, on folds of the fitted jobs only.
fn try_out(jobs: &[jobs::Job]) -> Result<(), Box<dyn Error>> {
    let runs = runs::known()?;
    let rows = fit::rows(jobs, &runs)?;
    println!("{} rows", rows.len());
    let base = fit::GROWTH;
    let no_lr = boost::allowed(|f| !matches!(f, Feature::PointsLog2 | Feature::LrLog10));
    let all = boost::allowed(|_| true);
    let shipped = fit::shipped_numbers();
    let ways = [
        ("as shipped", base, &shipped),
        ("without the rate itself", base, &no_lr),
        ("with the number of points", base, &all),
        ("60 rounds", boost::Growth { rounds: 60, ..base }, &shipped),
        ("120 rounds", boost::Growth { rounds: 120, ..base }, &shipped),
        ("depth 2", boost::Growth { depth: 2, rounds: 180, ..base }, &shipped),
        ("depth 4", boost::Growth { depth: 4, rounds: 80, ..base }, &shipped),
    ];
    for (name, growth, pass) in ways {
        let held = fit::held(&rows, growth, pass);
        let (scale, say) = fit::tune(&held);
        let model = Model { scale, say, ..Model::default() };
        let judged: Vec<Judged> = held
            .iter()
            .map(|h| {
                let odds = model.odds_of(h.sums);
                let (said, confidence) = stepsize::diagnosis::say(&model, &odds);
                let truth = match h.place {
                    0 | 1 => Placement::TooLow,
                    2 => Placement::Good,
                    model::DIVERGED => Placement::Diverged,
                    _ => Placement::TooHigh,
                };
                Judged {
                    truth,
                    said,
                    octaves: h.octaves,
                    confidence,
                    advised: stepsize::diagnosis::correction(said, None),
                    ruled_out: None,
                }
            })
            .collect();
        println!(
            "\n## {name}: log loss {:.4} at scale {scale:.2}, {say:?}\n{}\n{}",
            fit::log_loss(&held, scale),
            score::table(&judged),
            score::advice(&judged)
        );
    }
    Ok(())
}

/// Lists the logs whose divergence is judged wrongly, with their readings: those of the jobs for
/// judging with `held`, else those of the fitted jobs.
fn wrong(jobs: &[jobs::Job], held: bool, model: &Model) -> Result<(), Box<dyn Error>> {
    let runs = runs::known()?;
    let mut all = Vec::new();
    for job in jobs.iter().filter(|j| j.held == held) {
        let Some((runs, truth)) = runs.get(&job.name).and_then(|r| Some((r, label::Truth::of(r)?))) else { continue };
        for (run, number) in runs.iter().flat_map(|r| (0..habits::LOGS).map(move |n| (r, n))) {
            let record = habits::log(job, run, number, false);
            let found = diagnose_with(model, &record);
            let judged = Judged::alone(truth.label(run), truth.octaves(run.lr), &found, run.lr);
            if (judged.truth == Placement::Diverged) != (judged.said == Placement::Diverged) {
                let ends = label::end_train(run) / truth.untrained;
                println!(
                    "{} log {number}: is {}, said {}, ends at {ends:.3} of untrained, {}",
                    record.name, judged.truth, judged.said, found.because
                );
                for (name, series) in [("loss", &record.loss), ("val_loss", &record.val_loss)] {
                    let all = series.points();
                    let shown: Vec<String> = all
                        .iter()
                        .enumerate()
                        .filter(|(i, _)| *i < 4 || i + 3 >= all.len() || i % (all.len() / 6).max(1) == 0)
                        .map(|(_, p)| format!("{:.1}:{:.3}", p.0, p.1))
                        .collect();
                    println!(
                        "    {name} ({} readings, {} broken): {}",
                        all.len(),
                        series.broken().len(),
                        shown.join(" ")
                    );
                }
            }
            all.push(judged);
        }
    }
    println!("{}", score::table(&all));
    Ok(())
}

/// Judges the logs of the jobs that were not fitted with `held`, else of those that were.
fn score(jobs: &[jobs::Job], held: bool, model: &Model) -> Result<(), Box<dyn Error>> {
    let runs = runs::known()?;
    let (mut alone, mut from_start, mut used) = (Vec::new(), Vec::new(), 0);
    // First of logs with validation losses, then of logs of training losses alone: the number of
    // sweeps, and of those whose best rate is right by validation and by training.
    let mut near = [[0usize; 3]; 2];
    let mut together = [Vec::new(), Vec::new()];
    for job in jobs.iter().filter(|j| j.held == held) {
        let Some((runs, truth)) = runs.get(&job.name).and_then(|r| Some((r, label::Truth::of(r)?))) else { continue };
        used += 1;
        for number in 0..habits::LOGS {
            for run in runs {
                let record = habits::log(job, run, number, false);
                let found = diagnose_with(model, &record);
                alone.push(Judged::alone(truth.label(run), truth.octaves(run.lr), &found, run.lr));
                let first = |s: &Series| s.points().first().is_some_and(|p| p.0 == 0.0);
                if first(&record.loss) || first(&record.val_loss) {
                    from_start.extend(alone.last().cloned());
                }
            }
            // A sweep is one run a rate, logged in one way, on the coarse rates.
            let those: Vec<&runs::Run> = runs.iter().filter(|r| r.seed == 0 && runs::is_coarse(r.lr)).collect();
            let records: Vec<Record> =
                those.iter().map(|r| habits::log(job, r, number, true)).map(with_rate(&those)).collect();
            let seen: Vec<Diagnosis> = records.iter().map(|r| diagnose_with(model, r)).collect();
            let Some(sweep) = Sweep::of(&records.iter().zip(&seen).collect::<Vec<_>>()) else { continue };
            let kind = usize::from(records.iter().all(|r| r.val_loss.is_empty()));
            let at = |lr: f64| those.iter().filter(|r| r.lr < lr * 0.999).count();
            let best = truth.means.iter().filter(|m| runs::is_coarse(m.0)).min_by(|a, b| a.1.total_cmp(&b.1));
            let trained = those
                .iter()
                .filter(|r| !truth.diverged(r))
                .min_by(|a, b| label::end_train(a).total_cmp(&label::end_train(b)));
            near[kind][0] += 1;
            near[kind][1] += usize::from(best.is_some_and(|b| at(b.0).abs_diff(at(sweep.best)) <= 1));
            near[kind][2] += usize::from(trained.is_some_and(|b| at(b.lr).abs_diff(at(sweep.best)) <= 1));
            for (run, found) in those.iter().zip(&seen) {
                let (label, octaves) = (truth.label(run), truth.octaves(run.lr));
                together[kind].push(Judged::beside(label, octaves, found, run.lr, &sweep));
            }
        }
    }
    println!(
        "{used} jobs that were {}fitted; each run logged in {} ways\n\n### A single run\n",
        if held { "not " } else { "" },
        habits::LOGS
    );
    println!("{}\n{}\n{}", score::table(&alone), score::calibration(&alone), score::advice(&alone));
    println!("### Those logs that begin with the first step or before it\n\n{}", score::table(&from_start));
    println!("### The runs of a job together\n");
    let kinds = ["with validation losses", "of training losses alone"];
    for (([all, by_val, by_train], what), judged) in near.into_iter().zip(kinds).zip(&together) {
        let share = |n: usize| 100.0 * n as f64 / all.max(1) as f64;
        println!(
            "{all} sweeps {what}: best rate within one rate of the best by validation {:.1} %, by training {:.1} %",
            share(by_val),
            share(by_train)
        );
        println!("\n{}\n{}", score::table(judged), score::calibration(judged));
    }
    Ok(())
}

fn with_rate<'a>(runs: &'a [&runs::Run]) -> impl FnMut(Record) -> Record + 'a {
    let mut rates = runs.iter().map(|r| r.lr);
    move |mut record| {
        record.facts.lr = rates.next();
        record
    }
}
