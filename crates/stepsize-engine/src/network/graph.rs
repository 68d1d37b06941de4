//! Every model from Burn's operations, differentiated by Burn.
//!
//! The loss is not part of the graph. The judge gives the gradient with respect to the outputs, and
//! the graph is run backward from `sum(outputs * gradient)`, which has the same gradient. So the
//! same code judges every network.

use super::{Architecture, Batch, CHANNELS, Judge, KERNEL, NORM_EPSILON, Network, POOL};
use crate::matrix::Matrix;
use burn::tensor::activation::relu;
use burn::tensor::module::{conv2d, embedding, layer_norm, max_pool2d};
use burn::tensor::ops::{ConvOptions, MaxPoolOptions};
use burn::tensor::{Device, Int, Tensor, TensorData};
use stepsize::{Error, Result};

/// A network on Burn's autodiff.
#[derive(Debug)]
pub(crate) struct Graph {
    architecture: Architecture,
    device: Device,
}

impl Graph {
    /// A network on `device`, which must be without autodiff.
    pub(crate) fn new(architecture: Architecture, device: Device) -> Self {
        Self { architecture, device }
    }

    fn rows(&self, batch: Batch, device: &Device) -> Result<Tensor<2>> {
        match batch {
            Batch::Rows { values, rows, width } => Ok(tensor(Matrix::new(values, [rows, width]), device)),
            Batch::Tokens { .. } => Err(Error::engine("this network takes rows, not tokens")),
        }
    }

    fn forward(&self, p: &[Tensor<2>], batch: Batch, device: &Device) -> Result<Tensor<2>> {
        match &self.architecture {
            Architecture::Dense { widths, norm } => Ok(dense(p, self.rows(batch, device)?, widths.len() - 1, *norm)),
            Architecture::Convolution { side, .. } => Ok(convolution(p, self.rows(batch, device)?, *side)),
            Architecture::Characters { .. } => {
                let Batch::Tokens { ids, rows, context } = batch else {
                    return Err(Error::engine("this network takes tokens, not rows"));
                };
                let ids: Vec<i64> = ids.into_iter().map(i64::from).collect();
                let ids = Tensor::<2, Int>::from_data(TensorData::new(ids, [rows, context]), device);
                let x = embedding(p[0].clone(), ids).flatten::<2>(1, 2);
                Ok(dense(&p[1..], x, 2, false))
            }
        }
    }
}

/// `layers` affine layers with ReLU between, normalised first where `norm`.
fn dense(p: &[Tensor<2>], mut x: Tensor<2>, layers: usize, norm: bool) -> Tensor<2> {
    let mut at = 0;
    for layer in 1..=layers {
        x = x.matmul(p[at].clone()) + p[at + 1].clone();
        at += 2;
        if layer < layers {
            if norm {
                let (gain, offset) = (p[at].clone().flatten(0, 1), p[at + 1].clone().flatten(0, 1));
                x = layer_norm(x, gain, Some(offset), NORM_EPSILON);
                at += 2;
            }
            x = relu(x);
        }
    }
    x
}

/// Weights are stored as `[ky, kx, channel in] x channel out`; the last layer sees
/// `[y, x, channel]`.
fn convolution(p: &[Tensor<2>], x: Tensor<2>, side: usize) -> Tensor<2> {
    let rows = x.dims()[0];
    let mut x = x.reshape([rows, 1, side, side]);
    let mut channels = 1;
    for (layer, out) in CHANNELS.into_iter().enumerate() {
        let kernel = p[2 * layer].clone().reshape([KERNEL, KERNEL, channels, out]).permute([3, 2, 0, 1]);
        let bias = p[2 * layer + 1].clone().flatten(0, 1);
        let options = ConvOptions::new([1, 1], [KERNEL / 2, KERNEL / 2], [1, 1], 1);
        x = max_pool2d(relu(conv2d(x, kernel, Some(bias), options)), MaxPoolOptions::new([POOL, POOL]));
        channels = out;
    }
    let x = x.permute([0, 2, 3, 1]).flatten::<2>(1, 3);
    x.matmul(p[4].clone()) + p[5].clone()
}

/// A matrix on `device`.
fn tensor(matrix: Matrix, device: &Device) -> Tensor<2> {
    Tensor::from_data(TensorData::new(matrix.values, matrix.shape), device)
}

/// The values of a tensor, row by row.
fn values(tensor: Tensor<2>) -> Result<Vec<f32>> {
    let data = tensor.try_into_data().map_err(|why| Error::engine(format!("cannot read a tensor: {why:?}")))?;
    data.try_into_vec().map_err(|why| Error::engine(format!("a tensor does not hold f32: {why:?}")))
}

impl Network for Graph {
    fn outputs(&self, parameters: &[Matrix], batch: Batch) -> Result<Vec<f32>> {
        let parameters: Vec<_> = parameters.iter().map(|p| tensor(p.clone(), &self.device)).collect();
        values(self.forward(&parameters, batch, &self.device)?)
    }

    fn gradients(&self, parameters: &[Matrix], batch: Batch, judge: &mut Judge) -> Result<(f64, Vec<Matrix>)> {
        let device = self.device.clone().autodiff();
        let leaf = |p: &Matrix| Tensor::from_inner(tensor(p.clone(), &self.device)).require_grad();
        let leaves: Vec<Tensor<2>> = parameters.iter().map(leaf).collect();
        let outputs = self.forward(&leaves, batch, &device)?;
        let (loss, gradient) = judge(&values(outputs.clone().inner())?);
        let gradient = tensor(Matrix::new(gradient, outputs.dims()), &device);
        let mut found = (outputs * gradient).sum().backward();
        let gradients = leaves.iter().map(|leaf| {
            let gradient = leaf.grad_remove(&mut found).ok_or_else(|| Error::engine("a parameter has no gradient"))?;
            Ok(Matrix::new(values(gradient)?, leaf.dims()))
        });
        Ok((loss, gradients.collect::<Result<_>>()?))
    }
}
