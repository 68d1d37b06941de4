//! Adam and AdamW, as PyTorch 2.15, in one pass over memory: `a += (1 - b1) (g - a); s = b2 s + (1
//! - b2) g^2;` and `p -= r / (1 - b1^t) a / (sqrt(s / (1 - b2^t)) + eps)`. Adam adds the decay to
//! the gradient first (`g += d p`), AdamW shrinks the weights (`p *= 1 - r d`).

use super::{Block, Method, Now};

#[derive(Debug)]
pub(super) struct Adam {
    numbers: [f64; 3],
    decay: f64,
    apart: bool,
    mean: Vec<f32>,
    square: Vec<f32>,
}

impl Adam {
    /// Adam, with `[beta1, beta2, eps]`.
    pub(super) fn coupled(numbers: [f64; 3], decay: f64, size: usize) -> Self {
        Self { numbers, decay, apart: false, mean: vec![0.0; size], square: vec![0.0; size] }
    }

    /// AdamW.
    pub(super) fn apart(numbers: [f64; 3], decay: f64, size: usize) -> Self {
        Self { apart: true, ..Self::coupled(numbers, decay, size) }
    }
}

impl Method for Adam {
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]) {
        let [beta1, beta2, eps] = self.numbers;
        // double precision until the last moment, as PyTorch has them
        let numbers = Numbers {
            mean_weight: (1.0 - beta1) as f32,
            square_keep: beta2 as f32,
            square_weight: (1.0 - beta2) as f32,
            rate: (now.lr / now.correction(beta1)) as f32,
            root_correction: now.correction(beta2).sqrt() as f32,
            eps: eps as f32,
        };
        let (decay, keep) = (self.decay as f32, (1.0 - now.lr * self.decay) as f32);
        for block in blocks {
            let (mean, square) = (&mut self.mean[block.range()], &mut self.square[block.range()]);
            match self.apart {
                true => numbers.update(block, mean, square, |g, _| g, keep),
                false => numbers.update(block, mean, square, |g, p| g + decay * p, 1.0),
            }
        }
    }

    fn arrays(&mut self) -> Vec<&mut Vec<f32>> {
        vec![&mut self.mean, &mut self.square]
    }
}

/// The numbers of one step.
struct Numbers {
    mean_weight: f32,
    square_keep: f32,
    square_weight: f32,
    rate: f32,
    root_correction: f32,
    eps: f32,
}

impl Numbers {
    fn update(
        &self,
        block: &mut Block<'_>,
        mean: &mut [f32],
        square: &mut [f32],
        gradient: impl Fn(f32, f32) -> f32,
        keep: f32,
    ) {
        for (((p, g), a), s) in block.p.iter_mut().zip(block.g).zip(mean).zip(square) {
            let g = gradient(*g, *p);
            *a += (g - *a) * self.mean_weight;
            *s = self.square_keep * *s + self.square_weight * g * g;
            let root = s.sqrt() / self.root_correction + self.eps;
            *p = *p * keep - self.rate * *a / root;
        }
    }
}
