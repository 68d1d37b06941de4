//! D-Adaptation for Adam (Defazio and Mishchenko 2023, arXiv 2301.07733), as `DAdaptAdam` of the
//! package `dadaptation` 3.2 with its defaults: the estimate `d` of the distance to the solution
//! only grows, `d = max(d, num / ((1 - b) |s|_1))` with `b = sqrt(b2)`, `s = b s + (1 - b) d r g`
//! and `num = b num + (1 - b) d r <g, s / (sqrt(v) + eps)>`. Decay is added to the gradient. A step
//! at rate 0 changes nothing.

use super::{Block, Method, Now};

/// First estimate of the distance.
const D0: f64 = 1e-6;

#[derive(Debug)]
pub(super) struct DAdaptAdam {
    numbers: [f64; 3],
    decay: f64,
    s: Vec<f32>,
    mean: Vec<f32>,
    square: Vec<f32>,
    d: f64,
    numerator: f64,
}

impl DAdaptAdam {
    /// With `[beta1, beta2, eps]`.
    pub(super) fn new(numbers: [f64; 3], decay: f64, size: usize) -> Self {
        let [s, mean, square] = std::array::from_fn(|_| vec![0.0; size]);
        Self { numbers, decay, s, mean, square, d: D0, numerator: 0.0 }
    }
}

impl Method for DAdaptAdam {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        if now.lr == 0.0 {
            return;
        }
        let [beta1, beta2, eps] = self.numbers;
        let (keep, rate, eps) = (beta2.sqrt(), self.d * now.lr, eps as f32);
        let (decay, mean_add, s_add) = (self.decay as f32, (rate * (1.0 - beta1)) as f32, (rate * (1.0 - keep)) as f32);
        let (mut gained, mut norm) = (0.0, 0.0);
        for block in blocks.iter() {
            let range = block.range();
            let moments = self.mean[range.clone()].iter_mut().zip(&mut self.square[range.clone()]);
            for (((p, g), (m, v)), s) in block.p.iter().zip(block.g).zip(moments).zip(&mut self.s[range]) {
                let g = g + decay * p;
                gained += f64::from(g) * f64::from(*s / (v.sqrt() + eps));
                *m = beta1 as f32 * *m + mean_add * g;
                *v = beta2 as f32 * *v + (1.0 - beta2) as f32 * g * g;
                *s = keep as f32 * *s + s_add * g;
                norm += f64::from(s.abs());
            }
        }
        self.numerator = keep * self.numerator + (1.0 - keep) * rate * gained;
        if norm == 0.0 {
            return;
        }
        self.d = self.d.max(self.numerator / ((1.0 - keep) * norm));
        for block in blocks {
            let range = block.range();
            let moments = self.mean[range.clone()].iter().zip(&self.square[range]);
            for (p, (m, v)) in block.p.iter_mut().zip(moments) {
                *p -= *m / (v.sqrt() + eps);
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.s, &mut self.mean, &mut self.square]
    }

    fn numbers(&mut self) -> Vec<&mut f64> {
        vec![&mut self.d, &mut self.numerator]
    }
}
