//! Every model as a chain of layers with hand-written gradients: the fast path on the CPU.
//!
//! Everything between two products of matrices is one pass over memory in place, where a graph of
//! operations would allocate an array and a node for each. [`graph`](super::graph) is the slow
//! reference: tests compare the two. Images are stored as `row, y, x, channel`, so a
//! convolution is a product with unfolded patches.

mod dense;
mod image;

use super::{Architecture, Batch, CHANNELS, Judge, KERNEL, Network, POOL};
use crate::matrix::Matrix;
use image::ImageSize;
use stepsize::{Error, Result};

/// A network on the CPU.
#[derive(Debug)]
pub(crate) struct Fused {
    embedding: Option<usize>,
    layers: Vec<Layer>,
    parameters: usize,
}

/// One layer; `at` is the index of its first parameter.
#[derive(Debug, Clone, Copy)]
enum Layer {
    /// `x w + b`, with or without ReLU. The input has `spread` rows for each example (the pixels of
    /// a convolution).
    Affine { at: usize, relu: bool },
    /// Scales each row to mean 0 and variance 1, then gain and offset, then ReLU.
    Norm { at: usize },
    /// Patches of an image, one a row.
    Unfold(ImageSize),
    /// The largest value of each window.
    Pool(ImageSize),
    /// Back to one row for each example.
    Flatten { width: usize },
}

/// What a layer keeps from the forward pass for the backward pass.
enum ForwardCache {
    /// The input of an affine layer.
    Input(Matrix),
    /// Normalised rows and the inverse deviation of each.
    Normal(Vec<f32>, Vec<f32>),
    /// The input of pooling, which the layer before needs, and the index of each largest value.
    Places(Matrix, Vec<u32>),
    /// The number of columns to return to.
    Width(usize),
}

impl Fused {
    /// The layers of `architecture`.
    pub(crate) fn new(architecture: &Architecture) -> Self {
        let mut layers = Vec::new();
        let mut at = 0;
        let mut embedding = None;
        let mut dense = |layers: &mut Vec<Layer>, relu: bool| {
            layers.push(Layer::Affine { at, relu });
            at += 2;
        };
        match *architecture {
            Architecture::Dense { ref widths, norm: false } => {
                (2..=widths.len()).for_each(|i| dense(&mut layers, i < widths.len()));
            }
            Architecture::Dense { ref widths, norm: true } => {
                for i in 2..=widths.len() {
                    layers.push(Layer::Affine { at, relu: false });
                    at += 2;
                    if i < widths.len() {
                        layers.push(Layer::Norm { at });
                        at += 2;
                    }
                }
            }
            Architecture::Convolution { side, .. } => {
                let mut grid = ImageSize { side, channels: 1 };
                for channels in CHANNELS {
                    layers.push(Layer::Unfold(grid));
                    dense(&mut layers, true);
                    grid.channels = channels;
                    layers.push(Layer::Pool(grid));
                    grid.side /= POOL;
                }
                layers.push(Layer::Flatten { width: grid.values() });
                dense(&mut layers, false);
            }
            Architecture::Characters { embedding: size, .. } => {
                embedding = Some(size);
                at = 1;
                layers.push(Layer::Affine { at, relu: true });
                layers.push(Layer::Affine { at: at + 2, relu: false });
            }
        }
        Self { embedding, layers, parameters: architecture.parameters().len() }
    }

    /// The first matrix, and the tokens when there are any.
    fn input(&self, p: &[Matrix], batch: Batch) -> Result<(Matrix, Vec<u32>)> {
        match (batch, self.embedding) {
            (Batch::Rows { values, rows, width }, None) => Ok((Matrix::new(values, [rows, width]), Vec::new())),
            (Batch::Tokens { ids, rows, context }, Some(size)) => {
                let table = &p[0].values;
                let mut values = Vec::with_capacity(ids.len() * size);
                for id in &ids {
                    values.extend_from_slice(&table[*id as usize * size..(*id as usize + 1) * size]);
                }
                Ok((Matrix::new(values, [rows, context * size]), ids))
            }
            _ => Err(Error::engine("the batch does not fit the network")),
        }
    }

    fn forward(&self, layer: Layer, p: &[Matrix], x: Matrix) -> Result<(Matrix, ForwardCache)> {
        match layer {
            Layer::Affine { at, relu } => {
                let y = dense::affine(&x, &p[at], &p[at + 1], relu)?;
                Ok((y, ForwardCache::Input(x)))
            }
            Layer::Norm { at } => {
                let (y, normal, inverse) = dense::norm(x, &p[at], &p[at + 1]);
                Ok((y, ForwardCache::Normal(normal, inverse)))
            }
            Layer::Unfold(grid) => Ok((grid.unfold(&x, KERNEL), ForwardCache::Width(grid.channels))),
            Layer::Pool(grid) => {
                let (y, places) = grid.pool(&x, POOL);
                Ok((y, ForwardCache::Places(x, places)))
            }
            Layer::Flatten { width } => {
                let before = x.shape[1];
                Ok((x.with_columns(width), ForwardCache::Width(before)))
            }
        }
    }

    /// Returns the gradient of the layer's input, from the gradient `d` of its output `y`, and
    /// stores the gradients of its parameters. `None` unless `wanted`.
    fn backward(
        &self,
        layer: Layer,
        p: &[Matrix],
        kept: ForwardCache,
        step: Step,
        wanted: bool,
        found: &mut [Option<Matrix>],
    ) -> Result<Option<Step>> {
        let Step { gradient: d, output: y } = step;
        let (gradient, output) = match (layer, kept) {
            (Layer::Affine { at, relu }, ForwardCache::Input(x)) => {
                let back = dense::affine_back(&x, &p[at], d, relu.then_some(&y), wanted)?;
                (found[at], found[at + 1]) = (Some(back.weight), Some(back.bias));
                let Some(input) = back.input else { return Ok(None) };
                (input, x)
            }
            (Layer::Norm { at }, ForwardCache::Normal(normal, inverse)) => {
                let (d, gain, offset) = dense::norm_back(d, &y, &normal, &inverse, &p[at]);
                (found[at], found[at + 1]) = (Some(gain), Some(offset));
                (d, y)
            }
            (Layer::Unfold(grid), _) => (grid.fold(d, KERNEL), y),
            (Layer::Pool(_), ForwardCache::Places(x, places)) => (image::unpool(&d, &x, &places), x),
            (Layer::Flatten { .. }, ForwardCache::Width(width)) => (d.with_columns(width), y),
            _ => return Err(Error::engine("a layer kept what it does not need")),
        };
        Ok(Some(Step { gradient, output }))
    }
}

/// State of the backward pass.
struct Step {
    /// The gradient with respect to `output`.
    gradient: Matrix,
    /// The output of the layer, which shows where a ReLU let nothing through.
    output: Matrix,
}

impl Network for Fused {
    fn outputs(&self, parameters: &[Matrix], batch: Batch) -> Result<Vec<f32>> {
        let (mut x, _) = self.input(parameters, batch)?;
        for layer in &self.layers {
            x = self.forward(*layer, parameters, x)?.0;
        }
        Ok(x.values)
    }

    fn gradients(&self, parameters: &[Matrix], batch: Batch, judge: &mut Judge) -> Result<(f64, Vec<Matrix>)> {
        let (mut x, ids) = self.input(parameters, batch)?;
        let mut all = Vec::with_capacity(self.layers.len());
        for layer in &self.layers {
            let (y, kept) = self.forward(*layer, parameters, x)?;
            all.push(kept);
            x = y;
        }
        let (loss, gradient) = judge(&x.values);
        let mut found: Vec<Option<Matrix>> = vec![None; self.parameters];
        let mut step = Step { gradient: Matrix::new(gradient, x.shape), output: x };
        // below the first layer with parameters only an embedding needs a gradient
        let first = self.layers.iter().position(|l| matches!(l, Layer::Affine { .. })).unwrap_or_default();
        for (i, kept) in all.into_iter().enumerate().rev() {
            let wanted = i > first || self.embedding.is_some();
            match self.backward(self.layers[i], parameters, kept, step, wanted, &mut found)? {
                Some(below) => step = below,
                None => return Ok((loss, complete(found)?)),
            }
        }
        if let Some(size) = self.embedding {
            let mut table = Matrix::new(vec![0.0; parameters[0].values.len()], parameters[0].shape);
            for (id, d) in ids.iter().zip(step.gradient.values.chunks_exact(size)) {
                let start = *id as usize * size;
                table.values[start..start + size].iter_mut().zip(d).for_each(|(t, d)| *t += d);
            }
            found[0] = Some(table);
        }
        Ok((loss, complete(found)?))
    }
}

/// The gradients, of which every parameter must have one.
fn complete(found: Vec<Option<Matrix>>) -> Result<Vec<Matrix>> {
    found.into_iter().map(|g| g.ok_or_else(|| Error::engine("a parameter has no gradient"))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::graph::Graph;
    use super::*;
    use crate::rng::Rng;

    /// Outputs and gradients of both networks agree, for a judge that wants random directions.
    fn agree(architecture: Architecture, batch: Batch) {
        let mut parameters = architecture.initial(3);
        // biases and gains away from their first values
        for (i, p) in parameters.iter_mut().enumerate() {
            let mut draws = Rng::new(4, i as u64);
            p.values.iter_mut().for_each(|v| *v += draws.symmetric(0.3));
        }
        let mut judge = |outputs: &[f32]| {
            let mut draws = Rng::new(5, 0);
            (f64::from(outputs.iter().sum::<f32>()), outputs.iter().map(|_| draws.symmetric(1.0)).collect())
        };
        let slow = Graph::new(architecture.clone(), burn::tensor::Device::flex());
        let fast = Fused::new(&architecture);
        let close = |what: &str, a: &[f32], b: &[f32]| {
            let scale = a.iter().fold(1e-3f32, |m, v| m.max(v.abs()));
            assert_eq!(a.len(), b.len());
            for (a, b) in a.iter().zip(b) {
                assert!((a - b).abs() <= 2e-5 * scale, "{architecture:?} {what}: {a} {b}");
            }
        };
        let outputs = fast.outputs(&parameters, batch.clone()).unwrap();
        close("outputs", &slow.outputs(&parameters, batch.clone()).unwrap(), &outputs);
        let (loss, gradients) = fast.gradients(&parameters, batch.clone(), &mut judge).unwrap();
        let (slow_loss, slow_gradients) = slow.gradients(&parameters, batch, &mut judge).unwrap();
        assert!((loss - slow_loss).abs() < 1e-3);
        for (i, (a, b)) in slow_gradients.into_iter().zip(gradients).enumerate() {
            assert_eq!((a.shape, b.shape), (parameters[i].shape, parameters[i].shape));
            close(&format!("gradient {i}"), &a.values, &b.values);
        }
    }

    fn rows(rows: usize, width: usize) -> Batch {
        let mut draws = Rng::new(9, 0);
        Batch::Rows { values: (0..rows * width).map(|_| draws.symmetric(2.0)).collect(), rows, width }
    }

    #[test]
    fn agrees_with_the_graph() {
        agree(Architecture::Dense { widths: vec![7, 3], norm: false }, rows(5, 7));
        agree(Architecture::Dense { widths: vec![7, 9, 6, 3], norm: false }, rows(5, 7));
        agree(Architecture::Dense { widths: vec![7, 9, 6, 1], norm: true }, rows(5, 7));
        for side in [4, 7, 8] {
            agree(Architecture::Convolution { side, outputs: 3 }, rows(5, side * side));
        }
        let ids = vec![0, 3, 3, 1, 2, 0, 4, 4, 4, 3, 2, 1];
        let architecture = Architecture::Characters { vocabulary: 5, context: 3, embedding: 4, hidden: 6 };
        agree(architecture, Batch::Tokens { ids, rows: 4, context: 3 });
    }
}
