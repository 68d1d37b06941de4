//! DoG and layer-wise DoG (Ivgi, Hinder, Carmon 2023, arXiv 2302.12022), as the package
//! `dog-optimizer` 1.0.3, with its polynomial-decay averaging (gamma 8), at whose mean the run is
//! evaluated.
//!
//! `R = max |p - p0|` (first `start (1 + |p0|)`), `G = sum |g|^2 + 1e-8`, `p -= r R / sqrt(G) g`,
//! `mean += 9 / (8 + t) (p - mean)`. Norms are over all parameters (DoG) or over each tensor
//! (LDoG). Decay is added to the gradient. The mean is as much part of the method as the step:
//! without it the rate never falls.

use super::{Block, Method, Now, copy_into};
use std::ops::Range;

/// Added to the sum of squared gradients.
const EPS: f64 = 1e-8;
/// Power of the average.
const GAMMA: f64 = 8.0;

#[derive(Debug)]
pub(super) struct Dog {
    /// First distance, as a share of `1 + |p0|`.
    relative: f64,
    decay: f64,
    start: Vec<f32>,
    mean: Vec<f32>,
    /// Largest distance so far and sum of squared gradients; one pair, or one for each block.
    groups: Vec<(f64, f64)>,
}

impl Dog {
    /// One step size (`groups` 1), or one for each of `groups` blocks.
    pub(super) fn new(relative: f64, decay: f64, size: usize, groups: usize) -> Self {
        let (start, mean) = (vec![0.0; size], vec![0.0; size]);
        Self { relative, decay, start, mean, groups: vec![(0.0, 0.0); groups] }
    }
}

/// Squared norms: of the distance from the start, of the parameters, and of the gradient.
fn squares(block: &Block<'_>, start: &[f32], decay: f32) -> [f64; 3] {
    let mut sums = [0.0; 3];
    for ((p, g), start) in block.p.iter().zip(block.g).zip(start) {
        for (sum, value) in sums.iter_mut().zip([p - start, *p, g + decay * p]) {
            *sum += f64::from(value) * f64::from(value);
        }
    }
    sums
}

impl Method for Dog {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        if now.time == 1 {
            copy_into(&mut self.start, blocks);
        }
        let decay = self.decay as f32;
        let by_block: Vec<[f64; 3]> = blocks.iter().map(|b| squares(b, &self.start[b.range()], decay)).collect();
        let layered = self.groups.len() == blocks.len();
        let sums = match layered {
            true => by_block,
            false => vec![by_block.iter().fold([0.0; 3], |a, b| std::array::from_fn(|i| a[i] + b[i]))],
        };
        for ((far, squared), [moved, size, gradient]) in self.groups.iter_mut().zip(sums) {
            match now.time {
                1 => (*far, *squared) = (self.relative * (1.0 + size.sqrt()), gradient + EPS),
                _ => (*far, *squared) = (far.max(moved.sqrt()), *squared + gradient),
            }
        }
        let t = now.time as f64;
        let weight = ((GAMMA + 1.0) / (GAMMA + t)) as f32;
        for (i, block) in blocks.iter_mut().enumerate() {
            let (far, squared) = self.groups[if layered { i } else { 0 }];
            let rate = now.lr * far / squared.sqrt();
            let range = block.range();
            for ((p, g), mean) in block.p.iter_mut().zip(block.g).zip(&mut self.mean[range]) {
                *p -= rate as f32 * (g + decay * *p);
                *mean = *mean * (1.0 - weight) + weight * *p;
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.start, &mut self.mean]
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        self.groups.iter_mut().flat_map(|(far, squared)| [far, squared]).collect()
    }

    fn evaluated(&self, range: Range<usize>, _: &[f32]) -> Option<Vec<f32>> {
        Some(self.mean[range].to_vec())
    }
}
