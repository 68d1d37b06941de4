//! [`Optimizer`]: one step from gradients to parameters, over any [`Method`].
//!
//! A method is one file of `optimizer/`. It has the arithmetic of the class of the same name in
//! PyTorch or in its authors' package, and `golden.rs` checks it step by step. It sees parameters
//! block by block (one block a tensor). Its state is flat arrays in the order of the parameters,
//! and numbers in double precision, so a snapshot is exact.
//!
//! Training and evaluation may use different parameters: methods that average take gradients at one
//! point and are evaluated at another ([`Method::evaluated`]). Nothing else is needed here, because
//! the engine's `norm` is layer normalisation, which takes its statistics from the row that it
//! normalises. (With batch normalisation the running statistics would have to be gathered anew at
//! the averaged point before each evaluation.)
//!
//! Parameters live on the host. A build for a GPU copies them there and gradients back at each
//! step, which is correct but not fast. Burn's own optimizers are not used: its Adam corrects the
//! bias in single precision, and a separate pass over memory for each operation costs more than the
//! arithmetic.

mod adam;
mod dadapt;
mod dog;
mod mechanic;
mod momo;
mod prodigy;
mod schedule_free;
mod schedule_free_plus;
mod sgd;

use crate::matrix::Matrix;
use crate::spec::OptimizerSpec;
use std::fmt::Debug;
use std::ops::Range;
use stepsize::{Error, Result};

/// One tensor of parameters and its gradient; `at` is its index in the flat order of all of them.
pub(crate) struct Block<'a> {
    at: usize,
    p: &'a mut [f32],
    g: &'a [f32],
}

impl Block<'_> {
    /// The range of its numbers in a flat array.
    fn range(&self) -> Range<usize> {
        self.at..self.at + self.p.len()
    }
}

/// What a method knows when it takes a step.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Rate, >= 0: base x schedule x controller.
    pub(crate) lr: f64,
    /// Mini-batch loss before the step.
    pub(crate) loss: f64,
    /// Number of this step, from 1.
    pub(crate) time: u64,
}

impl Now {
    /// `1 - beta^time`.
    fn correction(&self, beta: f64) -> f64 {
        1.0 - beta.powi(i32::try_from(self.time).unwrap_or(i32::MAX)) // by then the power is 0
    }
}

/// A rule by which gradients move parameters.
pub(crate) trait Method: Debug + Send {
    /// Takes one step.
    fn step(&mut self, now: Now, blocks: &mut [Block<'_>]);
    /// The flat arrays that it keeps between steps, one number a parameter.
    fn arrays(&mut self) -> Vec<&mut Vec<f32>>;
    /// The numbers that it keeps between steps.
    fn numbers(&mut self) -> Vec<&mut f64> {
        Vec::new()
    }
    /// The values at which the block whose parameters are `p` should be evaluated; `None` for `p`
    /// itself.
    fn evaluated(&self, range: Range<usize>, p: &[f32]) -> Option<Vec<f32>> {
        let _ = (range, p);
        None
    }
}

/// An optimizer with its state.
#[derive(Debug)]
pub(crate) struct Optimizer {
    method: Box<dyn Method>,
    clip_norm: Option<f64>,
    /// Steps taken.
    pub(crate) time: u64,
}

impl Optimizer {
    /// An optimizer for blocks of `lengths` numbers.
    pub(crate) fn new(spec: &OptimizerSpec, weight_decay: f64, clip_norm: Option<f64>, lengths: &[usize]) -> Self {
        Self { method: method(spec, weight_decay, lengths), clip_norm, time: 0 }
    }

    /// Takes one step at rate `lr` on the gradients of a mini-batch with this loss.
    pub(crate) fn step(
        &mut self,
        lr: f64,
        loss: f64,
        parameters: &mut [Matrix],
        mut gradients: Vec<Matrix>,
    ) -> Result<()> {
        self.time += 1;
        if let Some(limit) = self.clip_norm {
            clip(limit, &mut gradients);
        }
        let mut blocks = Vec::with_capacity(parameters.len());
        let mut at = 0;
        for (parameter, gradient) in parameters.iter_mut().zip(&gradients) {
            let (p, g) = (parameter.values.as_mut_slice(), gradient.values.as_slice());
            if p.len() != g.len() {
                return Err(Error::engine(format!("{} parameters have {} gradients", p.len(), g.len())));
            }
            let next = at + p.len();
            blocks.push(Block { at, p, g });
            at = next;
        }
        self.method.step(Now { lr, loss, time: self.time }, &mut blocks);
        Ok(())
    }

    /// The parameters to evaluate, where they differ from those that are trained.
    pub(crate) fn evaluated(&self, parameters: &[Matrix]) -> Option<Vec<Matrix>> {
        if self.time == 0 {
            return None;
        }
        let (mut at, mut list) = (0, Vec::new());
        for parameter in parameters {
            let values = &parameter.values;
            list.push(Matrix::new(self.method.evaluated(at..at + values.len(), values)?, parameter.shape));
            at += values.len();
        }
        Some(list)
    }

    /// The state: arrays and numbers.
    pub(crate) fn state(&mut self) -> (Vec<&mut Vec<f32>>, Vec<f64>) {
        let numbers = self.method.numbers().into_iter().map(|n| *n).collect();
        (self.method.arrays(), numbers)
    }

    /// Restores a state; its sizes have been checked.
    pub(crate) fn restore(&mut self, time: u64, arrays: impl Iterator<Item = Vec<f32>>, numbers: &[f64]) {
        self.time = time;
        self.method.arrays().into_iter().zip(arrays).for_each(|(mine, theirs)| *mine = theirs);
        self.method.numbers().into_iter().zip(numbers).for_each(|(mine, theirs)| *mine = *theirs);
    }
}

fn method(spec: &OptimizerSpec, decay: f64, lengths: &[usize]) -> Box<dyn Method> {
    let size = lengths.iter().sum();
    match *spec {
        OptimizerSpec::Sgd { momentum, nesterov } => Box::new(sgd::Sgd::new(momentum, nesterov, decay, size)),
        OptimizerSpec::Adam { beta1, beta2, eps } => Box::new(adam::Adam::coupled([beta1, beta2, eps], decay, size)),
        OptimizerSpec::AdamW { beta1, beta2, eps } => Box::new(adam::Adam::apart([beta1, beta2, eps], decay, size)),
        OptimizerSpec::ScheduleFreeSgd { momentum } => {
            Box::new(schedule_free::ScheduleFree::sgd(momentum, decay, size))
        }
        OptimizerSpec::ScheduleFreeAdamW { beta1, beta2, eps } => {
            Box::new(schedule_free::ScheduleFree::adamw([beta1, beta2, eps], decay, size))
        }
        OptimizerSpec::ScheduleFreePlus { momentum } => {
            Box::new(schedule_free_plus::ScheduleFreePlus::new(momentum, decay, size))
        }
        OptimizerSpec::Prodigy { beta1, beta2, eps } => {
            Box::new(prodigy::Prodigy::new([beta1, beta2, eps], decay, size))
        }
        OptimizerSpec::DAdaptAdam { beta1, beta2, eps } => {
            Box::new(dadapt::DAdaptAdam::new([beta1, beta2, eps], decay, size))
        }
        OptimizerSpec::Dog { start } => Box::new(dog::Dog::new(start, decay, size, 1)),
        OptimizerSpec::Ldog { start } => Box::new(dog::Dog::new(start, decay, size, lengths.len())),
        OptimizerSpec::Mechanic { ref base } => Box::new(mechanic::Mechanic::new(method(base, decay, lengths), size)),
        OptimizerSpec::Momo { beta } => Box::new(momo::Momo::new(beta, decay, size)),
        OptimizerSpec::MomoAdam { beta1, beta2, eps } => {
            Box::new(momo::MomoAdam::new([beta1, beta2, eps], decay, size))
        }
    }
}

/// Scales gradients down to the norm `limit`, as `torch.nn.utils.clip_grad_norm_`; NaN stays NaN.
fn clip(limit: f64, gradients: &mut [Matrix]) {
    let square = |gradient: &Matrix| gradient.values.iter().map(|g| f64::from(*g) * f64::from(*g)).sum::<f64>();
    let sum: f64 = gradients.iter().map(square).sum();
    let ratio = limit / (sum.sqrt() + 1e-6);
    if ratio >= 1.0 {
        return;
    }
    for gradient in gradients {
        gradient.values.iter_mut().for_each(|g| *g *= ratio as f32);
    }
}

/// The sum of `term` over all parameters and their gradients, in double precision.
fn sum(blocks: &[Block<'_>], term: impl Fn(f64, f64) -> f64) -> f64 {
    blocks.iter().map(|b| b.p.iter().zip(b.g).map(|(p, g)| term(f64::from(*p), f64::from(*g))).sum::<f64>()).sum()
}

/// Copies all parameters into a flat array.
fn copy_into(flat: &mut [f32], blocks: &[Block<'_>]) {
    blocks.iter().for_each(|b| flat[b.range()].copy_from_slice(b.p));
}

/// From `a` to `b` by `weight`, rounded as `torch.lerp`.
fn lerp(a: f32, b: f32, weight: f32) -> f32 {
    if weight.abs() < 0.5 { a + weight * (b - a) } else { b - (b - a) * (1.0 - weight) }
}
