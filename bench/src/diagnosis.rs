//! `diagnosis`: the labelled corpus of `stepsize diagnose`, its fit, and its error rates.

mod draw;
mod jobs;
mod label;
mod runs;

use std::error::Error;

/// `runs` makes the corpus.
pub fn main(args: &[String]) -> Result<(), Box<dyn Error>> {
    match args.first().map(String::as_str) {
        Some("runs") => {
            let jobs = jobs::all()?;
            let runs = runs::all(&jobs)?;
            for job in &jobs {
                let truth = label::Truth::of(&runs[&job.name]);
                println!("{}: {:?}", job.name, truth.map(|t| (t.best_lr, t.best_loss)));
            }
            Ok(())
        }
        _ => Err("usage: stepsize-bench diagnosis runs | fit | score".into()),
    }
}
