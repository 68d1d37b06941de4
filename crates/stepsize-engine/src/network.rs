//! [`Network`]: from a batch to outputs and gradients.
//!
//! [`fused`] is the path on the CPU. [`graph`] builds every model from Burn's operations and lets
//! Burn differentiate: it is the path on a GPU, and the reference that the other one is tested
//! against. Every parameter is a [`Matrix`], so one list holds any model.

#[cfg(any(test, not(any(feature = "wgpu", feature = "cuda"))))]
pub(crate) mod fused;
#[cfg(any(test, feature = "wgpu", feature = "cuda"))]
pub(crate) mod graph;

use crate::data::{Dataset, Inputs};
use crate::matrix::Matrix;
use crate::rng::Rng;
use crate::spec::ModelSpec;
use stepsize::{Error, Result};

/// Kernel sides and output channels of the CNN.
pub(crate) const KERNEL: usize = 3;
/// Channels after the first and the second convolution.
pub(crate) const CHANNELS: [usize; 2] = [16, 32];
/// Side of a pooling window, and its stride.
pub(crate) const POOL: usize = 2;
/// Added to the variance in layer normalisation, as in PyTorch.
pub(crate) const NORM_EPSILON: f64 = 1e-5;

/// The sizes of a network, fixed by the spec and the data.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Architecture {
    /// `widths` from input to output, ReLU between.
    Dense { widths: Vec<usize>, norm: bool },
    /// Square images of `side`, `outputs` numbers.
    Convolution { side: usize, outputs: usize },
    /// `context` tokens of a `vocabulary`.
    Characters { vocabulary: usize, context: usize, embedding: usize, hidden: usize },
}

/// One parameter: its shape and its first values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Parameter {
    pub(crate) shape: [usize; 2],
    pub(crate) init: Init,
}

/// The first values of a parameter.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Init {
    /// Uniform in `-limit..limit`.
    Uniform(f64),
    /// One value for all.
    Constant(f32),
}

/// Inputs of one batch.
#[derive(Debug, Clone)]
pub(crate) enum Batch {
    /// `rows x width`.
    Rows { values: Vec<f32>, rows: usize, width: usize },
    /// `rows x context`.
    Tokens { ids: Vec<u32>, rows: usize, context: usize },
}

/// Computes the loss of a batch and its gradient with respect to the outputs, from the outputs (row
/// by row).
pub(crate) type Judge<'a> = dyn FnMut(&[f32]) -> (f64, Vec<f32>) + 'a;

/// Forward and backward pass of one architecture.
pub(crate) trait Network: Send {
    /// Outputs, row by row.
    fn outputs(&self, parameters: &[Matrix], batch: Batch) -> Result<Vec<f32>>;
    /// The loss that `judge` computes, and the gradient of every parameter.
    fn gradients(&self, parameters: &[Matrix], batch: Batch, judge: &mut Judge) -> Result<(f64, Vec<Matrix>)>;
}

impl Architecture {
    /// The sizes of `model` on `data`.
    pub(crate) fn new(model: &ModelSpec, data: &Dataset) -> Result<Self> {
        let outputs = data.outputs();
        let dense = |width: usize, hidden: &[usize], norm: bool| Self::Dense {
            widths: std::iter::once(width).chain(hidden.iter().copied()).chain([outputs]).collect(),
            norm,
        };
        match (model, &data.inputs) {
            (ModelSpec::Linear, Inputs::Rows { width, .. }) => Ok(dense(*width, &[], false)),
            (ModelSpec::Mlp { hidden, norm }, Inputs::Rows { width, .. }) => Ok(dense(*width, hidden, *norm)),
            (ModelSpec::Cnn, _) => match data.image {
                Some([height, width]) if height == width && height >= 4 => {
                    Ok(Self::Convolution { side: height, outputs })
                }
                Some([height, width]) => Err(Error::invalid(format!(
                    "the cnn needs square images of at least 4 x 4, and these are {height} x {width}: use an mlp"
                ))),
                None => Err(Error::invalid("the cnn needs images (digits or IDX files): use an mlp for a table")),
            },
            (ModelSpec::CharLm { embedding, hidden, .. }, Inputs::Text { vocabulary, context, .. }) => {
                Ok(Self::Characters {
                    vocabulary: *vocabulary,
                    context: *context,
                    embedding: *embedding,
                    hidden: *hidden,
                })
            }
            (model, _) => Err(Error::invalid(format!("the model {model} does not fit the data"))),
        }
    }

    /// Every parameter in the order that all networks and snapshots use.
    ///
    /// Layers before a ReLU have He's variance 2 / fan-in, the last one 1 / fan-in (uniform draws).
    /// Biases are 0, embeddings have variance 1.
    pub(crate) fn parameters(&self) -> Vec<Parameter> {
        let weight = |rows: usize, columns: usize, variance: f64| Parameter {
            shape: [rows, columns],
            init: Init::Uniform((3.0 * variance / rows as f64).sqrt()),
        };
        let constant = |n: usize, value: f32| Parameter { shape: [1, n], init: Init::Constant(value) };
        let mut list = Vec::new();
        match *self {
            Self::Dense { ref widths, norm } => {
                for (i, pair) in widths.windows(2).enumerate() {
                    let last = i + 2 == widths.len();
                    list.extend([weight(pair[0], pair[1], if last { 1.0 } else { 2.0 }), constant(pair[1], 0.0)]);
                    if norm && !last {
                        list.extend([constant(pair[1], 1.0), constant(pair[1], 0.0)]);
                    }
                }
            }
            Self::Convolution { side, outputs } => {
                let area = KERNEL * KERNEL;
                let [one, two] = CHANNELS;
                let left = (side / POOL / POOL).pow(2) * two;
                list.extend([weight(area, one, 2.0), constant(one, 0.0)]);
                list.extend([weight(area * one, two, 2.0), constant(two, 0.0)]);
                list.extend([weight(left, outputs, 1.0), constant(outputs, 0.0)]);
            }
            Self::Characters { vocabulary, context, embedding, hidden } => {
                list.push(Parameter { shape: [vocabulary, embedding], init: Init::Uniform(3.0f64.sqrt()) });
                list.extend([weight(context * embedding, hidden, 2.0), constant(hidden, 0.0)]);
                list.extend([weight(hidden, vocabulary, 1.0), constant(vocabulary, 0.0)]);
            }
        }
        list
    }

    /// Fresh parameters of `seed`.
    pub(crate) fn initial(&self, seed: u64) -> Vec<Matrix> {
        let mut draws = Rng::new(seed, 0);
        let fresh = |parameter: &Parameter| {
            let [rows, columns] = parameter.shape;
            let values = match parameter.init {
                Init::Uniform(limit) => (0..rows * columns).map(|_| draws.symmetric(limit)).collect(),
                Init::Constant(value) => vec![value; rows * columns],
            };
            Matrix::new(values, [rows, columns])
        };
        self.parameters().iter().map(fresh).collect()
    }
}

impl Batch {
    /// The inputs of the examples `examples`.
    pub(crate) fn gather(dataset: &Dataset, examples: &[u32]) -> Self {
        let rows = examples.len();
        match &dataset.inputs {
            Inputs::Rows { values, width } => {
                let mut gathered = Vec::with_capacity(rows * width);
                for example in examples {
                    let start = *example as usize * width;
                    gathered.extend_from_slice(&values[start..start + width]);
                }
                Self::Rows { values: gathered, rows, width: *width }
            }
            Inputs::Text { tokens, context, .. } => {
                let window = |example: &u32| &tokens[*example as usize..*example as usize + context];
                Self::Tokens { ids: examples.iter().flat_map(window).copied().collect(), rows, context: *context }
            }
        }
    }
}

/// The network of `architecture` on the device of this build: a GPU with the feature `cuda` or
/// `wgpu`, else the CPU.
pub(crate) fn on_device(architecture: &Architecture) -> Box<dyn Network> {
    #[cfg(feature = "cuda")]
    let device = burn::tensor::Device::cuda(burn::tensor::DeviceIndex::Default);
    #[cfg(all(feature = "wgpu", not(feature = "cuda")))]
    let device = burn::tensor::Device::wgpu(burn::tensor::DeviceKind::DefaultDevice);
    #[cfg(any(feature = "cuda", feature = "wgpu"))]
    let network = graph::Graph::new(architecture.clone(), device);
    #[cfg(not(any(feature = "cuda", feature = "wgpu")))]
    let network = fused::Fused::new(architecture);
    Box::new(network)
}
