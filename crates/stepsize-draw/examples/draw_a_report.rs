//! A search drawn as text, as a figure and as a page.
//!
//! `cargo run -p stepsize-draw --example draw_a_report -- FOLDER` (the folder for temporary files
//! if none is given)

use std::ops::ControlFlow;
use std::path::PathBuf;
use stepsize::Job;
use stepsize::probe::{Grid, Probe};
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Lr, Policy, Question, Report, Result, Schedule, Trial, TrialId, evaluation_steps, fold_one, train};
use stepsize_draw::show::{self, Style};
use stepsize_draw::{figure, json, page};

/// A report of every trial that a probe asks for.
fn search(job: &Job, probe: &dyn Probe) -> Result<Report> {
    let mut trials: Vec<Trial> = Vec::new();
    loop {
        let specs = probe.ask(&trials)?;
        if specs.is_empty() {
            break;
        }
        for spec in specs {
            let id = TrialId(trials.len() as u32);
            let mut seen = [(id, Trial::new(id, spec.clone()))].into();
            let mut engine = NoisyQuadratic::new().with_reading_noise(0.01, spec.seed);
            let mut policy = Policy::new(spec.lr, spec.schedule.clone());
            train(&mut engine, id, &spec, &mut policy, &evaluation_steps(spec.steps, 8), &mut |event| {
                fold_one(&mut seen, &event);
                ControlFlow::Continue(())
            })?;
            trials.extend(seen.into_values());
        }
    }
    Ok(Report::new(&Question::in_words("sweep", "a noisy quadratic", job.clone()), &probe.estimate(&trials)?, &trials))
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let job = Job::new(200, Schedule::parse("cosine", 200)?, 0)?;
    let report = search(&job, &Grid::new(job.clone(), Lr::new(0.01)?, Lr::new(10.0)?, 3)?)?;
    print!("{}", show::report(&report, Style::plain(100)));
    let folder = std::env::args_os().nth(1).map_or_else(std::env::temp_dir, PathBuf::from);
    let files = [
        ("report.svg", figure::svg(&report).into_bytes()),
        ("report.png", figure::png(&report)?),
        ("report.html", page::html(&report, &json::object(&report)).into_bytes()),
    ];
    for (name, bytes) in files {
        let path = folder.join(name);
        std::fs::write(&path, &bytes)?;
        println!("{} ({} bytes)", path.display(), bytes.len());
    }
    Ok(())
}
