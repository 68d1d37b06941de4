//! A search whose trials are run by the caller: ask for a trial, train it, tell what happened.
//!
//! `cargo run -p stepsize-study --example ask_and_tell`

use stepsize::Job;
use stepsize::probe::Race;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{End, Engine, Event, Question, Result, Schedule, TrialId, TrialSpec, evaluation_steps};
use stepsize_study::{Memory, Next, Study};

/// Trains one trial with a loop of its own. It stops when the study says that the trial is over.
fn run(study: &mut Study<'_>, trial: TrialId, spec: &TrialSpec) -> Result<End> {
    let mut model = NoisyQuadratic::new().with_reading_noise(0.01, spec.seed);
    let evaluations = evaluation_steps(spec.steps, 8);
    for step in 0..=spec.steps {
        let lr = spec.lr.get() * spec.schedule.factor(step);
        if evaluations.contains(&step) {
            let val_loss = model.evaluate()?.val_loss;
            if let Some(end) = study.tell(&Event::Eval { trial, step, lr, val_loss, score: None })? {
                return Ok(end);
            }
        }
        if step < spec.steps {
            let loss = model.step(lr)?;
            if let Some(end) = study.tell(&Event::Step { trial, step, lr, loss })? {
                return Ok(end);
            }
        }
    }
    study.tell(&Event::Ended { trial, end: End::Finished, steps: spec.steps, seconds: None })?;
    Ok(End::Finished)
}

fn main() -> Result<()> {
    let job = Job::new(400, Schedule::parse("cosine", 400)?, 0)?;
    let question = Question::in_words("find", "a noisy quadratic", job.clone());
    // With a file in place of `Memory` (`Studies::open`) the study resumes where it was stopped.
    let mut study = Study::open(&question, Box::new(Race::new(job)), Box::<Memory>::default())?;
    // `Next::Wait` means that all other trials of the batch run elsewhere; here one runs at a time.
    while let Next::Run(trial, spec) = study.ask()? {
        let end = run(&mut study, trial, &spec)?;
        println!("{trial}: lr {:<8} {:>3} steps  {end:?}", spec.lr.to_string(), spec.steps);
    }
    let estimate = study.conclude()?.estimate;
    match estimate.refusal() {
        None => {
            println!("lr {:?} after {:.2} runs: {}", estimate.lr().map(|lr| lr.get()), estimate.cost_runs, estimate.why)
        }
        Some(refusal) => println!("no answer: {}", refusal.because),
    }
    Ok(())
}
