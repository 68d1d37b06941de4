//! Affine layers, ReLU and layer normalisation, forward and backward.
//!
//! NaN passes through every ReLU, in both directions: a broken model must look broken.

use crate::network::{NORM_EPSILON, data, slice, slice_mut, tensor};
use burn::tensor::{Device, Tensor, TensorData};
use stepsize::Result;

/// `x w + b`, then ReLU if `relu`; also returns `x`, which the backward pass needs.
pub(super) fn affine(
    x: TensorData,
    w: &Tensor<2>,
    b: &Tensor<2>,
    relu: bool,
    device: &Device,
) -> Result<(TensorData, Tensor<2>)> {
    let x = Tensor::<2>::from_data(x, device);
    let mut y = data(x.clone().matmul(w.clone()))?;
    let bias = data(b.clone())?;
    let bias = slice(&bias)?;
    for row in slice_mut(&mut y)?.chunks_exact_mut(bias.len()) {
        if relu {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y = rectified(*y + b));
        } else {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
    }
    Ok((y, x))
}

fn rectified(y: f32) -> f32 {
    if y < 0.0 { 0.0 } else { y }
}

/// What the backward pass of an affine layer returns.
pub(super) struct Back {
    pub(super) weight: Tensor<2>,
    pub(super) bias: Tensor<2>,
    /// Gradient of the input; without a request for it, `x` itself.
    pub(super) input: TensorData,
    /// The input itself.
    pub(super) x: TensorData,
}

/// Gradients of `x w + b` from the gradient `d` of the output; `rectified` is the output, if a ReLU
/// made it.
pub(super) fn affine_back(
    x: Tensor<2>,
    w: &Tensor<2>,
    mut d: TensorData,
    rectified: Option<&TensorData>,
    wanted: bool,
    device: &Device,
) -> Result<Back> {
    let width = w.dims()[1];
    let mut bias = vec![0.0f32; width];
    let values = slice_mut(&mut d)?;
    match rectified {
        Some(y) => {
            for (row, y) in values.chunks_exact_mut(width).zip(slice(y)?.chunks_exact(width)) {
                for ((d, y), b) in row.iter_mut().zip(y).zip(&mut bias) {
                    *d = if *y <= 0.0 { 0.0 } else { *d };
                    *b += *d;
                }
            }
        }
        None => add_rows(values, &mut bias),
    }
    let bias = tensor(bias, [1, width], device);
    let d = Tensor::<2>::from_data(d, device);
    let weight = x.clone().transpose().matmul(d.clone());
    if !wanted {
        let x = data(x)?;
        return Ok(Back { weight, bias, input: TensorData::new(Vec::<f32>::new(), [0, 0]), x });
    }
    let input = data(d.matmul(w.clone().transpose()))?;
    Ok(Back { weight, bias, input, x: data(x)? })
}

/// Adds every row of `values` to `sum`.
fn add_rows(values: &[f32], sum: &mut [f32]) {
    for row in values.chunks_exact(sum.len()) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
}

/// Layer normalisation with ReLU: the output, the normalised rows, and the inverse deviation of
/// each row.
pub(super) fn norm(
    mut x: TensorData,
    gain: &Tensor<2>,
    offset: &Tensor<2>,
) -> Result<(TensorData, Vec<f32>, Vec<f32>)> {
    let (gain, offset) = (data(gain.clone())?, data(offset.clone())?);
    let (gain, offset) = (slice(&gain)?, slice(&offset)?);
    let width = gain.len();
    let values = slice_mut(&mut x)?;
    let mut normal = vec![0.0f32; values.len()];
    let mut inverse = Vec::with_capacity(values.len() / width);
    for (row, normal) in values.chunks_exact_mut(width).zip(normal.chunks_exact_mut(width)) {
        let mean = sum(row, row, |v, _| v) / width as f32;
        let variance = sum(row, row, |v, _| (v - mean) * (v - mean)) / width as f32;
        let scale = 1.0 / (variance + NORM_EPSILON as f32).sqrt();
        for (((v, n), g), o) in row.iter_mut().zip(normal).zip(gain).zip(offset) {
            *n = (*v - mean) * scale;
            *v = rectified(*n * g + o);
        }
        inverse.push(scale);
    }
    Ok((x, normal, inverse))
}

/// Gradients of input, gain and offset from the gradient `d` of the output `y`.
pub(super) fn norm_back(
    mut d: TensorData,
    y: &TensorData,
    normal: &[f32],
    inverse: &[f32],
    gain: &Tensor<2>,
    device: &Device,
) -> Result<(TensorData, Tensor<2>, Tensor<2>)> {
    let shape = gain.dims();
    let width = shape[1];
    let gain = data(gain.clone())?;
    let gain = slice(&gain)?;
    let (mut gain_sum, mut offset_sum) = (vec![0.0f32; width], vec![0.0f32; width]);
    let rows = slice_mut(&mut d)?.chunks_exact_mut(width).zip(slice(y)?.chunks_exact(width));
    for (((d, y), n), scale) in rows.zip(normal.chunks_exact(width)).zip(inverse) {
        let sums = gain_sum.iter_mut().zip(&mut offset_sum);
        for (((((d, y), n), gain), gain_sum), offset_sum) in
            d.iter_mut().zip(y).zip(n).zip(gain).zip(sums).map(|(a, (b, c))| ((a, b), c))
        {
            let passed = if *y <= 0.0 { 0.0 } else { *d };
            *gain_sum += passed * n;
            *offset_sum += passed;
            *d = passed * gain;
        }
        let (mean, slope) = (sum(d, d, |d, _| d) / width as f32, sum(d, n, |d, n| d * n) / width as f32);
        d.iter_mut().zip(n).for_each(|(d, n)| *d = scale * (*d - mean - n * slope));
    }
    Ok((d, tensor(gain_sum, shape, device), tensor(offset_sum, shape, device)))
}

/// Sum of `term(a, b)` in 16 lanes, which the compiler turns into vectors. A plain sum would wait
/// for each addition.
fn sum(a: &[f32], b: &[f32], term: impl Fn(f32, f32) -> f32) -> f32 {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<16>(), b.as_chunks::<16>());
    let mut lanes = [0.0f32; 16];
    for (a, b) in a.iter().zip(b) {
        for (lane, (a, b)) in lanes.iter_mut().zip(a.iter().zip(b)) {
            *lane += term(*a, *b);
        }
    }
    let rest: f32 = a_rest.iter().zip(b_rest).map(|(a, b)| term(*a, *b)).sum();
    lanes.iter().sum::<f32>() + rest
}
