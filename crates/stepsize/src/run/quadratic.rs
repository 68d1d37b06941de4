//! [`NoisyQuadratic`]: SGD on a noisy quadratic in closed form. An engine for tests: its best rate
//! is known exactly, and it needs no tensors. Feature `testing`.
//!
//! Each coordinate i has curvature `lam_i = i^-1.5` and second moment `m_i` (from `i^-0.2`). One
//! SGD step at rate `lr` with gradient noise variance `s2` maps
//! `m_i <- (1 - lr lam_i)^2 m_i + lr^2 lam_i s2`; the loss is `1/2 sum lam_i m_i`. This is the
//! expectation, so runs have no noise, and the best rate of a schedule can be computed to any
//! precision (the noisy-quadratic model of Zhang et al. 2019, arXiv 1907.04164, section 3, with a
//! power-law spectrum). Optional seeded noise on the readings makes it a test bed for searches.

use crate::draws::Draws;
use crate::run::engine::{Engine, Evaluation, Snapshot};
use crate::{Error, Result};

/// Number of coordinates.
const DIMENSIONS: usize = 300;

/// Expected SGD on a noisy quadratic.
#[derive(Debug, Clone)]
pub struct NoisyQuadratic {
    moments: Vec<f64>,
    gradient_noise: f64,
    reading_noise: f64,
    seed: u64,
    steps: u64,
}

impl NoisyQuadratic {
    /// The model with gradient-noise variance 0.05 and exact readings.
    pub fn new() -> Self {
        Self {
            moments: (1..=DIMENSIONS).map(|i| (i as f64).powf(-0.2)).collect(),
            gradient_noise: 0.05,
            reading_noise: 0.0,
            seed: 0,
            steps: 0,
        }
    }

    /// Adds Gaussian noise to the readings, with standard deviation `sd` relative to the loss,
    /// drawn from `seed` and the step. The training itself stays exact.
    pub fn with_reading_noise(mut self, sd: f64, seed: u64) -> Self {
        self.reading_noise = sd;
        self.seed = seed;
        self
    }

    /// The loss without reading noise.
    pub fn loss(&self) -> f64 {
        0.5 * self.moments.iter().enumerate().map(|(i, m)| curvature(i) * m).sum::<f64>()
    }

    fn reading(&self, stream: u64) -> f64 {
        if self.reading_noise == 0.0 {
            return self.loss();
        }
        let draw = Draws::new(self.seed, 2 * self.steps + stream).normal();
        self.loss() * (1.0 + self.reading_noise * draw)
    }
}

fn curvature(index: usize) -> f64 {
    ((index + 1) as f64).powf(-1.5)
}

impl Default for NoisyQuadratic {
    fn default() -> Self {
        Self::new()
    }
}

impl Engine for NoisyQuadratic {
    fn step(&mut self, lr: f64) -> Result<f64> {
        if !lr.is_finite() || lr < 0.0 {
            return Err(Error::invalid(format!("a step needs a finite rate of at least 0, not {lr}")));
        }
        let loss = self.reading(0);
        for (i, m) in self.moments.iter_mut().enumerate() {
            let lam = curvature(i);
            *m = (1.0 - lr * lam).powi(2) * *m + lr * lr * lam * self.gradient_noise;
        }
        self.steps += 1;
        Ok(loss)
    }

    fn evaluate(&mut self) -> Result<Evaluation> {
        Ok(Evaluation { val_loss: self.reading(1), score: None })
    }

    fn save(&mut self) -> Result<Snapshot> {
        let moments = self.moments.iter().map(|m| m.to_le_bytes());
        Ok(Snapshot(moments.chain([self.steps.to_le_bytes(), self.seed.to_le_bytes()]).flatten().collect()))
    }

    fn restore(&mut self, snapshot: &Snapshot) -> Result<()> {
        let (words, rest) = snapshot.0.as_chunks::<8>();
        let (moments, counts) = words.split_at(DIMENSIONS.min(words.len()));
        let (&[steps, seed], []) = (counts, rest) else {
            let length = snapshot.0.len();
            return Err(Error::state(format!("a snapshot of {length} bytes is not one of a noisy quadratic")));
        };
        for (m, word) in self.moments.iter_mut().zip(moments) {
            *m = f64::from_le_bytes(*word);
        }
        (self.steps, self.seed) = (u64::from_le_bytes(steps), u64::from_le_bytes(seed));
        Ok(())
    }
}
