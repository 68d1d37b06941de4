//! An engine of one's own: a straight line fitted by SGD. It is held to the contract, then trained
//! at three rates.
//!
//! `cargo run -p stepsize --example implement_engine`

use std::ops::ControlFlow;
use stepsize::testing::engine as contract;
use stepsize::{Engine, Error, Evaluation, Lr, Policy, Result, Schedule, Snapshot, TrialId, TrialSpec, train};

/// `y = a x + b`, learned from points of `y = 2 x + 1`, one point a step.
struct Line {
    a: f64,
    b: f64,
    /// State of the generator of the points.
    draw: u64,
}

impl Line {
    fn new(seed: u64) -> Self {
        Self { a: 0.0, b: 0.0, draw: seed }
    }

    fn error(&self, x: f64) -> f64 {
        self.a * x + self.b - (2.0 * x + 1.0)
    }
}

impl Engine for Line {
    fn step(&mut self, lr: f64) -> Result<f64> {
        if !lr.is_finite() || lr < 0.0 {
            return Err(Error::invalid(format!("a step needs a finite rate of at least 0, not {lr}")));
        }
        // A linear congruential generator (Knuth's MMIX); its upper bits give x in -1..1.
        self.draw = self.draw.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let x = (self.draw >> 11) as f64 / (1u64 << 52) as f64 - 1.0;
        let error = self.error(x);
        (self.a, self.b) = (self.a - lr * 2.0 * error * x, self.b - lr * 2.0 * error);
        Ok(error * error)
    }

    fn evaluate(&mut self) -> Result<Evaluation> {
        let errors = [-1.0, -0.5, 0.0, 0.5, 1.0].map(|x| self.error(x).powi(2));
        Ok(Evaluation { val_loss: errors.iter().sum::<f64>() / 5.0, score: None })
    }

    fn save(&mut self) -> Result<Snapshot> {
        Ok(Snapshot([self.a.to_le_bytes(), self.b.to_le_bytes(), self.draw.to_le_bytes()].concat()))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let (&[a, b, draw], []) = snapshot.0.as_chunks::<8>() else {
            return Err(Error::state(format!("a line is saved in 24 bytes, not {}", snapshot.0.len())));
        };
        *self = Self { a: f64::from_le_bytes(a), b: f64::from_le_bytes(b), draw: u64::from_le_bytes(draw) };
        Ok(())
    }
}

fn main() -> Result<()> {
    let fresh = |seed| Box::new(Line::new(seed)) as Box<dyn Engine>;
    contract::the_same_seed_gives_the_same_losses(&fresh);
    contract::another_seed_gives_other_losses(&fresh);
    contract::evaluating_and_saving_change_nothing(&fresh);
    contract::a_restored_engine_continues_bit_for_bit(&fresh);
    contract::an_absurd_rate_does_not_break_the_engine(&fresh);
    contract::an_absurd_rate_shows_in_the_loss(&fresh);
    contract::an_illegal_rate_is_refused(&fresh);
    contract::a_damaged_snapshot_is_refused(&fresh);
    println!("the contract holds");
    for lr in [0.01, 0.1, 10.0] {
        let (lr, schedule) = (Lr::new(lr)?, Schedule::cosine(200)?);
        let spec = TrialSpec { lr, schedule: schedule.clone(), steps: 200, seed: 1, stop_on_divergence: true };
        let (mut engine, mut policy) = (Line::new(spec.seed), Policy::new(lr, schedule));
        let end = train(&mut engine, TrialId(0), &spec, &mut policy, &[], &mut |_| ControlFlow::Continue(()))?;
        println!("lr {lr}: {end:?}, validation loss {:.2e}", engine.evaluate()?.val_loss);
    }
    Ok(())
}
