//! Mechanic (Cutkosky, Defazio, Mehta 2023, arXiv 2306.00144) over any plain optimizer, as the
//! package `mechanic-pytorch` 0.0.1 (`mechanize(Base, store_delta=True)`, its other defaults).
//!
//! The steps of the base are added up and never taken: `delta += u`, and the parameters are
//! `p0 + s delta`. The scale `s` is a sum over six coin-betting learners with memories `b`: with
//! `h = <delta, g + 0.01 s |g| p / |p|>`,
//! `m = max(b m, |h|)`, `v = b^2 v + h^2`, `r = max(0, b r - s h)` and
//! `s = (1e-8 / 6 m + r) / (sqrt(v) + 1e-8)`. Only the shape of the base's rate matters, not its
//! size.

use super::{Block, Method, Now, copy_into, sum};

/// Memories of the learners.
const BETAS: [f64; 6] = [0.9, 0.99, 0.999, 0.9999, 0.99999, 0.999999];
const S_DECAY: f64 = 0.01;
const S_INIT: f64 = 1e-8;
const EPS: f64 = 1e-8;
/// Start value of `m`, the largest product so far.
const FIRST: f64 = 1e-6;

#[derive(Debug)]
pub(super) struct Mechanic {
    base: Box<dyn Method>,
    start: Vec<f32>,
    delta: Vec<f32>,
    /// Parameters before the step of the base. Not state: kept so that the memory is allocated
    /// once.
    before: Vec<f32>,
    learners: [ScaleLearner; BETAS.len()],
}

#[derive(Debug, Clone, Copy)]
struct ScaleLearner {
    scale: f64,
    largest: f64,
    squares: f64,
    reward: f64,
}

impl Mechanic {
    pub(super) fn new(base: Box<dyn Method>, size: usize) -> Self {
        let [start, delta, before] = std::array::from_fn(|_| vec![0.0; size]);
        let learner = ScaleLearner { scale: 0.0, largest: FIRST, squares: 0.0, reward: 0.0 };
        Self { base, start, delta, before, learners: [learner; BETAS.len()] }
    }

    fn scale(&self) -> f64 {
        self.learners.iter().map(|l| l.scale).sum()
    }
}

impl Method for Mechanic {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        copy_into(&mut self.before, blocks);
        if now.time == 1 {
            self.start.copy_from_slice(&self.before);
        }
        self.base.step(now, blocks);
        let (size, slope) = (sum(blocks, |p, _| p * p).sqrt(), sum(blocks, |_, g| g * g).sqrt());
        let pull = (S_DECAY * self.scale() * slope / (size + EPS)) as f32;
        let mut product = 0.0;
        for block in blocks.iter() {
            let range = block.range();
            let moved = self.delta[range.clone()].iter_mut().zip(&self.before[range]);
            for ((p, g), (delta, before)) in block.p.iter().zip(block.g).zip(moved) {
                product += f64::from(*delta) * f64::from(g + pull * p);
                *delta += p - before;
            }
        }
        for (learner, beta) in self.learners.iter_mut().zip(BETAS) {
            learner.largest = (beta * learner.largest).max(product.abs());
            learner.squares = beta * beta * learner.squares + product * product;
            learner.reward = (beta * learner.reward - learner.scale * product).max(0.0);
            let wealth = learner.largest * S_INIT / BETAS.len() as f64 + learner.reward;
            learner.scale = wealth / (learner.squares.sqrt() + EPS);
        }
        let scale = self.scale().max(0.0) as f32;
        for block in blocks {
            let range = block.range();
            for (p, (start, delta)) in block.p.iter_mut().zip(self.start[range.clone()].iter().zip(&self.delta[range]))
            {
                *p = start + delta * scale;
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        let mut list = self.base.arrays();
        list.extend([&mut self.start, &mut self.delta]);
        list
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        let mut list = self.base.numbers();
        for ScaleLearner { scale, largest, squares, reward } in &mut self.learners {
            list.extend([scale, largest, squares, reward]);
        }
        list
    }
}
