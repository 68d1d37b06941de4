//! Affine layers, ReLU and layer normalisation, forward and backward.
//!
//! NaN passes through every ReLU, in both directions: a broken model must look broken.

use crate::matrix::Matrix;
use crate::network::NORM_EPSILON;
use stepsize::Result;

/// `x w + b`, then ReLU if `relu`.
pub(super) fn affine(x: &Matrix, w: &Matrix, b: &Matrix, relu: bool) -> Result<Matrix> {
    let mut y = x.times(w)?;
    let bias = &b.values;
    for row in y.values.chunks_exact_mut(bias.len()) {
        if relu {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y = rectified(*y + b));
        } else {
            row.iter_mut().zip(bias).for_each(|(y, b)| *y += b);
        }
    }
    Ok(y)
}

fn rectified(y: f32) -> f32 {
    if y < 0.0 { 0.0 } else { y }
}

/// What the backward pass of an affine layer returns.
pub(super) struct Back {
    pub(super) weight: Matrix,
    pub(super) bias: Matrix,
    /// Gradient of the input, if it was asked for.
    pub(super) input: Option<Matrix>,
}

/// Gradients of `x w + b` from the gradient `d` of the output; `rectified` is the output, if a ReLU
/// made it.
pub(super) fn affine_back(
    x: &Matrix,
    w: &Matrix,
    mut d: Matrix,
    rectified: Option<&Matrix>,
    wanted: bool,
) -> Result<Back> {
    let width = w.shape[1];
    let mut bias = vec![0.0f32; width];
    match rectified {
        Some(y) => {
            for (row, y) in d.values.chunks_exact_mut(width).zip(y.values.chunks_exact(width)) {
                for ((d, y), b) in row.iter_mut().zip(y).zip(&mut bias) {
                    *d = if *y <= 0.0 { 0.0 } else { *d };
                    *b += *d;
                }
            }
        }
        None => add_rows(&d.values, &mut bias),
    }
    let input = if wanted { Some(d.times_transposed(w)?) } else { None };
    Ok(Back { weight: x.transposed_times(&d)?, bias: Matrix::new(bias, [1, width]), input })
}

/// Adds every row of `values` to `sum`.
fn add_rows(values: &[f32], sum: &mut [f32]) {
    for row in values.chunks_exact(sum.len()) {
        sum.iter_mut().zip(row).for_each(|(s, v)| *s += v);
    }
}

/// Layer normalisation with ReLU: the output, the normalised rows, and the inverse deviation of
/// each row.
pub(super) fn norm(mut x: Matrix, gain: &Matrix, offset: &Matrix) -> (Matrix, Vec<f32>, Vec<f32>) {
    let (gain, offset) = (&gain.values, &offset.values);
    let width = gain.len();
    let values = &mut x.values;
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
    (x, normal, inverse)
}

/// Gradients of input, gain and offset from the gradient `d` of the output `y`.
pub(super) fn norm_back(
    mut d: Matrix,
    y: &Matrix,
    normal: &[f32],
    inverse: &[f32],
    gain: &Matrix,
) -> (Matrix, Matrix, Matrix) {
    let shape = gain.shape;
    let width = shape[1];
    let gain = &gain.values;
    let (mut gain_sum, mut offset_sum) = (vec![0.0f32; width], vec![0.0f32; width]);
    let rows = d.values.chunks_exact_mut(width).zip(y.values.chunks_exact(width));
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
    (d, Matrix::new(gain_sum, shape), Matrix::new(offset_sum, shape))
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
