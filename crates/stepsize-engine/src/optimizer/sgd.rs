//! SGD, as PyTorch 2.15 (dampening 0): `g += d p; v = m v + g; p -= r v`, or `p -= r (g + m v)` for
//! Nesterov.

use super::{Block, Method, Now};

#[derive(Debug)]
pub(super) struct Sgd {
    momentum: f32,
    nesterov: bool,
    decay: f32,
    velocity: Option<Vec<f32>>,
}

impl Sgd {
    pub(super) fn new(momentum: f64, nesterov: bool, decay: f64, size: usize) -> Self {
        let velocity = (momentum > 0.0).then(|| vec![0.0; size]);
        Self { momentum: momentum as f32, nesterov, decay: decay as f32, velocity }
    }
}

impl Method for Sgd {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        let (rate, decay, m, nesterov) = (now.lr as f32, self.decay, self.momentum, self.nesterov);
        for block in blocks {
            let range = block.range();
            let Some(velocity) = &mut self.velocity else {
                for (p, g) in block.p.iter_mut().zip(block.g) {
                    *p -= rate * (g + decay * *p);
                }
                continue;
            };
            let look = if nesterov { m } else { 0.0 };
            for ((p, g), v) in block.p.iter_mut().zip(block.g).zip(&mut velocity[range]) {
                let g = g + decay * *p;
                *v = m * *v + g;
                *p -= rate * if nesterov { g + look * *v } else { *v };
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        self.velocity.iter_mut().collect()
    }
}
