//! `stepsize-bench landscapes`: the search replayed on jobs of many families, whose trials are in
//! tables, and its interval and probability judged on families that were left out.

mod baselines;
mod calibration;
mod figure;
mod program;
mod replay;
mod scores;
mod tables;
mod truth;

pub use baselines::{anytime, picture};

use program::Program;
use replay::Known;
use std::error::Error;
use truth::Truth;

/// Budgets that are scored where none is named, in full runs.
const BUDGETS: [f64; 7] = [0.25, 0.6, 1.0, 2.0, 3.0, 5.0, 10.0];

/// What the arguments ask for.
struct Options {
    budgets: Vec<f64>,
    family: String,
    /// A line a search.
    verbose: bool,
    /// One search a job.
    quick: bool,
    program: Program,
}

impl Options {
    fn new(args: &[String]) -> Result<Self, Box<dyn Error>> {
        let mut options =
            Self { budgets: Vec::new(), family: String::new(), verbose: false, quick: false, program: Program::Whole };
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let mut value = || args.next().ok_or_else(|| format!("{arg} needs a value"));
            match arg.as_str() {
                "--budget" => options.budgets.push(value()?.parse()?),
                "--family" => options.family.clone_from(value()?),
                "--program" => options.program = Program::parse(value()?)?,
                "-v" => options.verbose = true,
                "--quick" => options.quick = true,
                _ => {
                    return Err(format!(
                        "{arg}: known are --budget RUNS, --family NAME, --program KIND, --quick and -v"
                    )
                    .into());
                }
            }
        }
        if options.budgets.is_empty() {
            options.budgets.extend(BUDGETS);
        }
        Ok(options)
    }
}

/// The jobs of a family (all, when empty) with their truth.
fn known(family: &str) -> Result<Vec<Known>, Box<dyn Error>> {
    let all = tables::load(family)?;
    if all.is_empty() {
        return Err(format!("no job of a family {family} in {}", tables::FOLDER).into());
    }
    Ok(all.into_iter().map(|tables| Known { truth: Truth::new(&tables), tables }).collect())
}

/// Replays the search and prints its figures.
pub fn print(args: &[String]) -> Result<(), Box<dyn Error>> {
    let options = Options::new(args)?;
    let known = known(&options.family)?;
    println!(
        "{} jobs, search seeds {:?}, starts {:?}; command: cargo run --release -p stepsize-bench -- landscapes",
        known.len(),
        replay::SEEDS,
        replay::STARTS
    );
    for &budget in &options.budgets {
        let outcomes = replay::race(&known, budget, options.quick, options.program)?;
        if options.verbose {
            outcomes.iter().for_each(line);
        }
        scores::print(budget, &outcomes, true);
        calibration::print_intervals(&outcomes, options.verbose);
        calibration::print_probability(&outcomes);
        calibration::print_chances(&outcomes);
    }
    Ok(())
}

fn line(o: &replay::Outcome) {
    let found = o.found.map_or_else(
        || "refused".to_owned(),
        |f| {
            let (low, high) = f.interval.unwrap_or((f64::NAN, f64::NAN));
            let held = if low - 1e-6 <= o.best && o.best <= high + 1e-6 { "held" } else { "MISS" };
            format!("{:>6.2} in {low:>6.2} .. {high:>6.2} {held} kept {:.3}", f.x, f.kept)
        },
    );
    println!("  {:<18} best {:>6.2} {found} cost {:.2} | {} | {}", o.name, o.best, o.cost, o.what, o.story);
}
