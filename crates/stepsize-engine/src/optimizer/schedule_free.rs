//! Schedule-Free SGD and AdamW (Defazio et al. 2024, arXiv 2405.15682), as the package
//! `schedulefree` 1.4.1.
//!
//! Gradients are taken at `y = (1 - b) z + b x`. Steps move `z`. Evaluation uses `x`, the running
//! mean of `z`: `z -= r u; x = (1 - c) x + c z` with `c = w / sum w`,
//! `w = (largest rate so far)^2`. `u` is `g + d y` for SGD and
//! `g / (sqrt(s / (1 - b2^t)) + eps) + d y` for AdamW. Only `y` and `z` are kept:
//! `x = y + (1 - 1/b) (z - y)`.
//!
//! The package's own warm-up is left out, because the schedule of the run does it. Its first step
//! at rate 0 has no weight.

use super::{Block, Method, Now, copy_into, lerp};
use std::ops::Range;

#[derive(Debug)]
pub(super) struct ScheduleFree {
    /// `b`.
    momentum: f64,
    decay: f64,
    adam: Option<(f64, f64, Vec<f32>)>,
    z: Vec<f32>,
    largest: f64,
    weights: f64,
}

impl ScheduleFree {
    pub(super) fn sgd(momentum: f64, decay: f64, size: usize) -> Self {
        Self { momentum, decay, adam: None, z: vec![0.0; size], largest: 0.0, weights: 0.0 }
    }

    /// With `[beta1, beta2, eps]`.
    pub(super) fn adamw([beta1, beta2, eps]: [f64; 3], decay: f64, size: usize) -> Self {
        Self { adam: Some((beta2, eps, vec![0.0; size])), ..Self::sgd(beta1, decay, size) }
    }
}

impl Method for ScheduleFree {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        if now.time == 1 {
            copy_into(&mut self.z, blocks);
        }
        self.largest = self.largest.max(now.lr);
        let weight = self.largest * self.largest;
        self.weights += weight;
        let c = if self.weights > 0.0 { weight / self.weights } else { 0.0 };
        let (rate, c32, decay) = (now.lr as f32, c as f32, self.decay as f32);
        let move_y = (now.lr * (self.momentum * (1.0 - c) - 1.0)) as f32;
        let update = |y: &mut f32, z: &mut f32, g: f32| {
            let u = g + decay * *y;
            *y = lerp(*y, *z, c32) + move_y * u;
            *z -= rate * u;
        };
        for block in blocks {
            let range = block.range();
            let z = &mut self.z[range.clone()];
            match &mut self.adam {
                None => {
                    for ((y, z), g) in block.p.iter_mut().zip(z).zip(block.g) {
                        update(y, z, *g);
                    }
                }
                Some((beta2, eps, square)) => {
                    let correction = now.correction(*beta2) as f32;
                    let (keep, add, eps) = (*beta2 as f32, (1.0 - *beta2) as f32, *eps as f32);
                    for (((y, z), g), s) in block.p.iter_mut().zip(z).zip(block.g).zip(&mut square[range]) {
                        *s = keep * *s + add * g * g;
                        update(y, z, g / ((*s / correction).sqrt() + eps));
                    }
                }
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        std::iter::once(&mut self.z).chain(self.adam.as_mut().map(|(_, _, square)| square)).collect()
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        vec![&mut self.largest, &mut self.weights]
    }

    fn evaluated(&self, range: Range<usize>, p: &[f32]) -> Option<Vec<f32>> {
        let weight = (1.0 - 1.0 / self.momentum) as f32;
        Some(p.iter().zip(&self.z[range]).map(|(y, z)| lerp(*y, *z, weight)).collect())
    }
}
