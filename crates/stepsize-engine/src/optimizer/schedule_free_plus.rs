//! ScheduleFree+ (Defazio 2026, arXiv 2605.19095), as the authors' reference implementation
//! `adamc_schedulefree_plus_paper.py` with its defaults (betas 0.9 and 0.95, no annealing of the
//! momentum, no warm-up of the mean).
//!
//! Schedule-Free over Adam's step with its momentum, with a Polyak step instead of a rate: with `f`
//! the mini-batch loss and `g` its gradient at `y`,
//! `a = r max(0, f + b <g, z - x>) / (sqrt(pi/2) |g|_1)`. The lowest possible loss is taken to be
//! zero. Decay is that of AdamC: `z -= a^2 d y`, so useful values are far larger than AdamW's.

use super::{Block, Method, Now, copy_into, sum};
use std::ops::Range;

const BETA1: f64 = 0.9;
const BETA2: f64 = 0.95;
const EPS: f64 = 1e-8;

#[derive(Debug)]
pub(super) struct ScheduleFreePlus {
    /// `b`, between the mean `x` and `z`.
    momentum: f64,
    decay: f64,
    x: Vec<f32>,
    z: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
    largest: f64,
    weights: f64,
}

impl ScheduleFreePlus {
    pub(super) fn new(momentum: f64, decay: f64, size: usize) -> Self {
        let [x, z, mean, square] = std::array::from_fn(|_| vec![0.0; size]);
        Self { momentum, decay, x, z, mean, square, largest: EPS, weights: 0.0 }
    }
}

impl Method for ScheduleFreePlus {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        if now.time == 1 {
            copy_into(&mut self.x, blocks);
            copy_into(&mut self.z, blocks);
        }
        let ahead: f64 = blocks
            .iter()
            .map(|b| {
                let gap = self.z[b.range()].iter().zip(&self.x[b.range()]).zip(b.g);
                gap.map(|((z, x), g)| f64::from(*g) * f64::from(z - x)).sum::<f64>()
            })
            .sum();
        let slope = sum(blocks, |_, g| g.abs()) * (std::f64::consts::PI / 2.0).sqrt();
        let gap = (now.loss + self.momentum * ahead).max(0.0);
        // on a flat spot no direction leads down, and the division would be by zero
        let rate = if slope > 0.0 { now.lr.max(EPS) * gap / slope } else { 0.0 };
        self.largest = self.largest.max(rate);
        let weight = self.largest * self.largest;
        self.weights += weight;
        let c = (weight / self.weights) as f32;
        let (shrink, b) = ((rate * rate * self.decay) as f32, self.momentum as f32);
        let (correct1, correct2) = (now.correction(BETA1) as f32, now.correction(BETA2) as f32);
        for block in blocks {
            let range = block.range();
            let states = self.x[range.clone()].iter_mut().zip(&mut self.z[range.clone()]);
            let moments = self.mean[range.clone()].iter_mut().zip(&mut self.square[range]);
            for (((y, g), (x, z)), (m, s)) in block.p.iter_mut().zip(block.g).zip(states).zip(moments) {
                *z -= shrink * *y;
                *m = BETA1 as f32 * *m + (1.0 - BETA1) as f32 * g;
                *s = BETA2 as f32 * *s + (1.0 - BETA2) as f32 * g * g;
                *z -= rate as f32 * (*m / correct1) / ((*s / correct2).sqrt() + EPS as f32);
                *x = *x * (1.0 - c) + c * *z;
                *y = *x * b + (1.0 - b) * *z;
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.x, &mut self.z, &mut self.mean, &mut self.square]
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        vec![&mut self.largest, &mut self.weights]
    }

    fn evaluated(&self, range: Range<usize>, _: &[f32]) -> Option<Vec<f32>> {
        Some(self.x[range].to_vec())
    }
}
