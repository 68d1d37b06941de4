//! A search of one's own: double the rate until the loss of a short run rises, and answer the best
//! rate seen.
//!
//! `cargo run -p stepsize --example write_probe`

use std::ops::ControlFlow;
use stepsize::probe::Probe;
use stepsize::quadratic::NoisyQuadratic;
use stepsize::{Answer, Estimate, Job, Rate};
use stepsize::{Lr, Policy, Result, Schedule, Trial, TrialId, TrialSpec, evaluation_steps, fold_one, train};

/// A probe is a function of the trials that have ended. It keeps nothing between calls, so a study
/// resumes by replay.
struct Doubling {
    job: Job,
    start: Lr,
}

/// The final loss; infinite for a trial that diverged.
fn loss(trial: &Trial) -> f64 {
    trial.final_loss().unwrap_or(f64::INFINITY)
}

impl Probe for Doubling {
    fn name(&self) -> &'static str {
        "doubling"
    }

    fn ask(&self, done: &[Trial]) -> Result<Vec<TrialSpec>> {
        let rose = done.windows(2).any(|pair| loss(&pair[1]) > loss(&pair[0]));
        if rose || done.len() == 30 {
            return Ok(Vec::new());
        }
        let lr = Lr::new(self.start.get() * 2f64.powi(done.len() as i32))?;
        Ok(vec![self.job.trial(lr, self.job.steps / 10, self.job.seed)?])
    }

    fn estimate(&self, done: &[Trial]) -> Result<Estimate> {
        let best = done.iter().min_by(|a, b| loss(a).total_cmp(&loss(b)));
        let lr = best.map_or(self.start, |trial| trial.spec.lr);
        Ok(Estimate {
            answer: Answer::Rate(Rate { lr, interval: None, p_keeps_98_pct: None }),
            divergence_lr: None,
            cost_runs: self.job.cost_runs(done),
            why: format!("the lowest loss of {} short runs, each at twice the rate of the one before", done.len()),
            landscape: Vec::new(),
        })
    }
}

fn main() -> Result<()> {
    let job = Job::new(1000, Schedule::parse("cosine", 1000)?, 0)?;
    let probe = Doubling { job, start: Lr::new(0.01)? };
    let mut done: Vec<Trial> = Vec::new();
    while let Some(spec) = probe.ask(&done)?.pop() {
        let id = TrialId(done.len() as u32);
        let mut seen = [(id, Trial::new(id, spec.clone()))].into();
        let (mut engine, mut policy) = (NoisyQuadratic::new(), Policy::new(spec.lr, spec.schedule.clone()));
        train(&mut engine, id, &spec, &mut policy, &evaluation_steps(spec.steps, 4), &mut |event| {
            fold_one(&mut seen, &event);
            ControlFlow::Continue(())
        })?;
        done.extend(seen.into_values());
        println!("{}", done.last().map_or(String::new(), |t| format!("lr {}: loss {:.4}", t.spec.lr, loss(t))));
    }
    let estimate = probe.estimate(&done)?;
    println!("{}: {:?} at {:.2} runs; {}", probe.name(), estimate.lr(), estimate.cost_runs, estimate.why);
    Ok(())
}
