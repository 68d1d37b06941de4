//! SGD, Adam and AdamW in one pass over memory, with the arithmetic of PyTorch 2.15 (checked in `golden.rs`).
//!
//! Per parameter `p` with gradient `g`, rate `r` and weight decay `d`:
//! - SGD: `g += d p; v = m v + g; p -= r v`, or `p -= r (g + m v)` for Nesterov;
//! - Adam: `g += d p; a += (1 - b1) (g - a); s = b2 s + (1 - b2) g^2; p -= r / (1 - b1^t) a / (sqrt(s / (1 - b2^t)) + eps)`;
//! - AdamW: `p *= 1 - r d`, then Adam without the first term.
//!
//! On a GPU the update goes through the host: right, but not fast.
//!
//! Burn's own optimizers are not used: its Adam corrects the bias in single precision, and a separate pass over memory for
//! each operation costs more than the arithmetic.

use crate::network::{data, slice, slice_mut};
use crate::spec::OptimizerSpec;
use burn::tensor::{Device, Tensor};
use stepsize::{Error, Result};

/// The state of an optimizer.
#[derive(Debug)]
pub(crate) struct Optimizer {
    spec: OptimizerSpec,
    weight_decay: f64,
    clip_norm: Option<f64>,
    /// Steps taken.
    pub(crate) time: u64,
    /// Velocity, or mean of gradients and then mean of squares; parameters in order.
    pub(crate) state: Vec<Vec<f32>>,
}

impl Optimizer {
    /// For parameters of `size` numbers in all.
    pub(crate) fn new(spec: OptimizerSpec, weight_decay: f64, clip_norm: Option<f64>, size: usize) -> Self {
        let buffers = match spec {
            OptimizerSpec::Sgd { momentum: 0.0, .. } => 0,
            OptimizerSpec::Sgd { .. } => 1,
            OptimizerSpec::Adam { .. } | OptimizerSpec::AdamW { .. } => 2,
        };
        Self { spec, weight_decay, clip_norm, time: 0, state: vec![vec![0.0; size]; buffers] }
    }

    /// Takes one step at rate `lr`.
    pub(crate) fn step(
        &mut self,
        lr: f64,
        parameters: &mut Vec<Tensor<2>>,
        gradients: Vec<Tensor<2>>,
        device: &Device,
    ) -> Result<()> {
        self.time += 1;
        let gradients = gradients.into_iter().map(data).collect::<Result<Vec<_>>>()?;
        let shrink = match self.clip_norm {
            None => 1.0,
            Some(limit) => {
                let mut sum = 0.0;
                for gradient in &gradients {
                    sum += slice(gradient)?.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
                }
                // as torch.nn.utils.clip_grad_norm_; NaN stays NaN
                let ratio = limit / (sum.sqrt() + 1e-6);
                if ratio >= 1.0 { 1.0 } else { ratio as f32 }
            }
        };
        let mut at = 0;
        for (parameter, gradient) in std::mem::take(parameters).into_iter().zip(&gradients) {
            let g = slice(gradient)?;
            let mut values = data(parameter)?;
            let p = slice_mut(&mut values)?;
            if p.len() != g.len() {
                return Err(Error::engine(format!("{} parameters have {} gradients", p.len(), g.len())));
            }
            self.update(lr, at, p, g, shrink);
            at += p.len();
            parameters.push(Tensor::from_data(values, device));
        }
        Ok(())
    }

    fn update(&mut self, lr: f64, at: usize, p: &mut [f32], g: &[f32], shrink: f32) {
        let (rate, decay, range) = (lr as f32, self.weight_decay as f32, at..at + p.len());
        match (self.spec, self.state.as_mut_slice()) {
            (OptimizerSpec::Sgd { momentum, nesterov }, [velocity]) => {
                let m = momentum as f32;
                let look = if nesterov { m } else { 0.0 };
                for ((p, g), v) in p.iter_mut().zip(g).zip(&mut velocity[range]) {
                    let g = g * shrink + decay * *p;
                    *v = m * *v + g;
                    *p -= rate * if nesterov { g + look * *v } else { *v };
                }
            }
            (OptimizerSpec::Adam { beta1, beta2, eps }, [mean, square]) => {
                let adam = Adam::new(lr, self.time, beta1, beta2, eps);
                adam.update(p, g, &mut mean[range.clone()], &mut square[range], |g, p| g * shrink + decay * p, 1.0);
            }
            (OptimizerSpec::AdamW { beta1, beta2, eps }, [mean, square]) => {
                let adam = Adam::new(lr, self.time, beta1, beta2, eps);
                let keep = (1.0 - lr * self.weight_decay) as f32;
                adam.update(p, g, &mut mean[range.clone()], &mut square[range], |g, _| g * shrink, keep);
            }
            _ => {
                for (p, g) in p.iter_mut().zip(g) {
                    *p -= rate * (g * shrink + decay * *p);
                }
            }
        }
    }
}

/// The numbers of one Adam step, in double precision until the last moment as PyTorch has them.
struct Adam {
    mean_weight: f32,
    square_keep: f32,
    square_weight: f32,
    rate: f32,
    root_correction: f32,
    eps: f32,
}

impl Adam {
    fn new(lr: f64, time: u64, beta1: f64, beta2: f64, eps: f64) -> Self {
        let time = i32::try_from(time).unwrap_or(i32::MAX); // by then both powers are 0
        Self {
            mean_weight: (1.0 - beta1) as f32,
            square_keep: beta2 as f32,
            square_weight: (1.0 - beta2) as f32,
            rate: (lr / (1.0 - beta1.powi(time))) as f32,
            root_correction: (1.0 - beta2.powi(time)).sqrt() as f32,
            eps: eps as f32,
        }
    }

    fn update(
        &self,
        p: &mut [f32],
        g: &[f32],
        mean: &mut [f32],
        square: &mut [f32],
        gradient: impl Fn(f32, f32) -> f32,
        keep: f32,
    ) {
        for (((p, g), a), s) in p.iter_mut().zip(g).zip(mean).zip(square) {
            let g = gradient(*g, *p);
            *a += (g - *a) * self.mean_weight;
            *s = self.square_keep * *s + self.square_weight * g * g;
            let root = s.sqrt() / self.root_correction + self.eps;
            *p = *p * keep - self.rate * *a / root;
        }
    }
}
