//! MoMo and MoMo-Adam (Schaipp et al. 2023, arXiv 2305.07583), as the package `momo-opt` 0.1.0. The
//! rate is a cap on a Polyak step over averaged losses and gradients; the lowest possible loss is
//! taken to be 0.
//!
//! With `d`, `f`, `c` the running means of `g`, of the loss and of `<g, p>`:
//! `tau = min(r / q, max((1 + r w) (f - c) + <d, p>, 0) / <d, d / D>)`,
//! `p = (p - tau d / D) / (1 + r w)`. MoMo has `D = 1` and `q = 1`; MoMo-Adam
//! `D = sqrt(v / (1 - b2^t)) + eps` and `q = 1 - b1^t`.

use super::{Block, Method, Now};

#[derive(Debug)]
pub(super) struct Momo {
    beta: f64,
    decay: f64,
    mean: Vec<f32>,
    loss: f64,
    product: f64,
}

impl Momo {
    pub(super) fn new(beta: f64, decay: f64, size: usize) -> Self {
        Self { beta, decay, mean: vec![0.0; size], loss: 0.0, product: 0.0 }
    }
}

/// `<g, p>` of a block.
fn product(block: &Block<'_>) -> f64 {
    block.p.iter().zip(block.g).map(|(p, g)| f64::from(*p) * f64::from(*g)).sum()
}

/// The Polyak step: `gap / norm`, at most `cap`.
fn step_size(gap: f64, norm: f64, cap: f64) -> f64 {
    // without a slope the step is zero, whatever the cap
    if norm > 0.0 { cap.min(gap.max(0.0) / norm) } else { cap }
}

impl Method for Momo {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        // the first step sets the means
        let keep = if now.time == 1 { 0.0 } else { self.beta };
        self.loss = keep * self.loss + (1.0 - keep) * now.loss;
        self.product = keep * self.product + (1.0 - keep) * blocks.iter().map(product).sum::<f64>();
        let (mut ahead, mut norm) = (0.0, 0.0);
        for block in blocks.iter() {
            for ((p, g), d) in block.p.iter().zip(block.g).zip(&mut self.mean[block.range()]) {
                *d = keep as f32 * *d + (1.0 - keep) as f32 * g;
                ahead += f64::from(*p) * f64::from(*d);
                norm += f64::from(*d) * f64::from(*d);
            }
        }
        let shrink = 1.0 + now.lr * self.decay;
        let rate = step_size(shrink * (self.loss - self.product) + ahead, norm, now.lr);
        for block in blocks {
            let mean = &self.mean[block.range()];
            for (p, d) in block.p.iter_mut().zip(mean) {
                *p = (*p - rate as f32 * d) / shrink as f32;
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.mean]
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        vec![&mut self.loss, &mut self.product]
    }
}

#[derive(Debug)]
pub(super) struct MomoAdam {
    numbers: [f64; 3],
    decay: f64,
    mean: Vec<f32>,
    square: Vec<f32>,
    loss: f64,
    product: f64,
}

impl MomoAdam {
    /// With `[beta1, beta2, eps]`.
    pub(super) fn new(numbers: [f64; 3], decay: f64, size: usize) -> Self {
        let (mean, square) = (vec![0.0; size], vec![0.0; size]);
        Self { numbers, decay, mean, square, loss: 0.0, product: 0.0 }
    }
}

impl Method for MomoAdam {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        let [beta1, beta2, eps] = self.numbers;
        let (correct1, correct2) = (now.correction(beta1), now.correction(beta2) as f32);
        let root = |v: f32| (v / correct2).sqrt() + eps as f32;
        self.loss = beta1 * self.loss + (1.0 - beta1) * now.loss;
        self.product = beta1 * self.product + (1.0 - beta1) * blocks.iter().map(product).sum::<f64>();
        let (mut ahead, mut norm) = (0.0, 0.0);
        for block in blocks.iter() {
            let range = block.range();
            let moments = self.mean[range.clone()].iter_mut().zip(&mut self.square[range]);
            for ((p, g), (d, v)) in block.p.iter().zip(block.g).zip(moments) {
                *d = beta1 as f32 * *d + (1.0 - beta1) as f32 * g;
                *v = beta2 as f32 * *v + (1.0 - beta2) as f32 * g * g;
                ahead += f64::from(*p) * f64::from(*d);
                norm += f64::from(*d) * f64::from(*d / root(*v));
            }
        }
        let shrink = 1.0 + now.lr * self.decay;
        let rate = step_size(shrink * (self.loss - self.product) + ahead, norm, now.lr / correct1);
        for block in blocks {
            let range = block.range();
            let moments = self.mean[range.clone()].iter().zip(&self.square[range]);
            for (p, (d, v)) in block.p.iter_mut().zip(moments) {
                *p = (*p - rate as f32 * (d / root(*v))) / shrink as f32;
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.mean, &mut self.square]
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        vec![&mut self.loss, &mut self.product]
    }
}
