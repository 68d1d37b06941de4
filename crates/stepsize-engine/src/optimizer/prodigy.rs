//! Prodigy (Mishchenko and Defazio 2023, arXiv 2306.06101), as the package `prodigyopt` 1.1.2 with
//! its defaults.
//!
//! Adam with the step `d r`, where `d` is a lower bound of the distance from the start to the
//! solution and only grows:
//! `num = b3 num + (d/d0) d r <g, p0 - p>; s = b3 s + (d/d0) d r g; d = max(d, num / |s|_1)` with
//! `b3 = sqrt(b2)`, `d0 = 1e-6`. The moments are weighted by `d`. Decay is separate from the
//! gradient: `p -= d r w p`. A step at rate 0 changes nothing.

use super::{Block, Method, Now, copy_into};

/// First estimate of the distance.
const D0: f64 = 1e-6;

#[derive(Debug)]
pub(super) struct Prodigy {
    numbers: [f64; 3],
    decay: f64,
    start: Vec<f32>,
    s: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
    d: f64,
    d_max: f64,
    numerator: f64,
}

impl Prodigy {
    /// With `[beta1, beta2, eps]`.
    pub(super) fn new(numbers: [f64; 3], decay: f64, size: usize) -> Self {
        let [start, s, mean, square] = std::array::from_fn(|_| vec![0.0; size]);
        Self { numbers, decay, start, s, mean, square, d: D0, d_max: D0, numerator: 0.0 }
    }
}

impl Method for Prodigy {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        if now.time == 1 {
            copy_into(&mut self.start, blocks);
        }
        if now.lr == 0.0 {
            return;
        }
        let [beta1, beta2, eps] = self.numbers;
        let beta3 = beta2.sqrt();
        let (d, rate) = (self.d, self.d * now.lr);
        let (mean_add, square_add, s_add) =
            ((d * (1.0 - beta1)) as f32, (d * d * (1.0 - beta2)) as f32, (d / D0 * rate) as f32);
        let (mut gained, mut norm) = (0.0, 0.0);
        for block in blocks.iter() {
            let range = block.range();
            let moments = self.mean[range.clone()].iter_mut().zip(&mut self.square[range.clone()]);
            let states = self.start[range.clone()].iter().zip(&mut self.s[range]);
            for (((p, g), (m, v)), (start, s)) in block.p.iter().zip(block.g).zip(moments).zip(states) {
                gained += f64::from(*g) * f64::from(start - p);
                *m = beta1 as f32 * *m + mean_add * g;
                *v = beta2 as f32 * *v + square_add * g * g;
                *s = beta3 as f32 * *s + s_add * g;
                norm += f64::from(s.abs());
            }
        }
        if norm == 0.0 {
            return; // no gradient yet
        }
        self.numerator = beta3 * self.numerator + d / D0 * rate * gained;
        let guess = self.numerator / norm;
        if self.d == D0 {
            self.d = self.d.max(guess);
        }
        self.d_max = self.d_max.max(guess);
        self.d = self.d_max;
        let (shrink, step, eps) = ((self.decay * rate) as f32, rate as f32, (self.d * eps) as f32);
        for block in blocks {
            let range = block.range();
            let moments = self.mean[range.clone()].iter().zip(&self.square[range]);
            for (p, (m, v)) in block.p.iter_mut().zip(moments) {
                *p -= shrink * *p;
                *p -= step * (*m / (v.sqrt() + eps));
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.start, &mut self.s, &mut self.mean, &mut self.square]
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        vec![&mut self.d, &mut self.d_max, &mut self.numerator]
    }
}
