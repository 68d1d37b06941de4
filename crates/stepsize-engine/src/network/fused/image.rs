//! Patches and pooling of square images that lie as `row, y, x, channel`.

use crate::network::{slice, slice_mut};
use burn::tensor::TensorData;
use stepsize::Result;

/// Sizes of an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    pub(super) side: usize,
    pub(super) channels: usize,
}

impl Grid {
    /// Numbers in one image.
    pub(super) fn values(self) -> usize {
        self.side * self.side * self.channels
    }

    /// For every pixel the values in the `kernel x kernel` window around it, zero beyond the edge: rows of
    /// `ky, kx, channel`, one a pixel.
    pub(super) fn unfold(self, x: &TensorData, kernel: usize) -> Result<TensorData> {
        let (side, line, width) = (self.side, self.side * self.channels, kernel * kernel * self.channels);
        let x = slice(x)?;
        let mut patches = vec![0.0f32; x.len() / self.channels * width];
        let images = x.chunks_exact(self.values()).zip(patches.chunks_exact_mut(side * side * width));
        for (image, patches) in images {
            for (pixel, patch) in patches.chunks_exact_mut(width).enumerate() {
                self.windows(pixel, kernel, |into, y, from, count| {
                    patch[into..into + count].copy_from_slice(&image[y * line + from..y * line + from + count]);
                });
            }
        }
        let rows = patches.len() / width;
        Ok(TensorData::new(patches, [rows, width]))
    }

    /// The gradient of the image from that of its patches: the transpose of [`Grid::unfold`].
    pub(super) fn fold(self, d: &TensorData, kernel: usize) -> Result<TensorData> {
        let (side, line, width) = (self.side, self.side * self.channels, kernel * kernel * self.channels);
        let d = slice(d)?;
        let mut image_gradient = vec![0.0f32; d.len() / width * self.channels];
        let images = image_gradient.chunks_exact_mut(self.values()).zip(d.chunks_exact(side * side * width));
        for (image, patches) in images {
            for (pixel, patch) in patches.chunks_exact(width).enumerate() {
                self.windows(pixel, kernel, |into, y, from, count| {
                    let target = &mut image[y * line + from..y * line + from + count];
                    target.iter_mut().zip(&patch[into..into + count]).for_each(|(t, d)| *t += d);
                });
            }
        }
        let rows = image_gradient.len() / self.channels;
        Ok(TensorData::new(image_gradient, [rows, self.channels]))
    }

    /// Calls `each(place in the patch, image line, place in that line, count)` for the part of every line of the window
    /// around `pixel` that lies inside the image.
    fn windows(self, pixel: usize, kernel: usize, mut each: impl FnMut(usize, usize, usize, usize)) {
        let (y, x, reach) = (pixel / self.side, pixel % self.side, kernel / 2);
        let (left, right) = (x.saturating_sub(reach), (x + reach + 1).min(self.side));
        for line in y.saturating_sub(reach)..(y + reach + 1).min(self.side) {
            let into = ((line + reach - y) * kernel + left + reach - x) * self.channels;
            each(into, line, left * self.channels, (right - left) * self.channels);
        }
    }

    /// The largest value of every `window x window` square of each channel (a remainder at the edge is left out), and
    /// where in the batch it was. The first of equal ones counts; NaN is larger than all.
    pub(super) fn pool(self, x: &TensorData, window: usize) -> Result<(TensorData, Vec<u32>)> {
        let (side, channels, left) = (self.side, self.channels, self.side / window);
        let x = slice(x)?;
        let count = x.len() / self.values();
        let mut pooled = Vec::with_capacity(count * left * left * channels);
        let mut places = Vec::with_capacity(pooled.capacity());
        for image in 0..count {
            for cell in 0..left * left {
                let (top, first) = (cell / left * window, cell % left * window);
                let corner = image * self.values() + (top * side + first) * channels;
                let start = pooled.len();
                pooled.extend_from_slice(&x[corner..corner + channels]);
                places.extend((corner..corner + channels).map(|at| at as u32));
                for other in 1..window * window {
                    let from = corner + (other / window * side + other % window) * channels;
                    let best = pooled[start..].iter_mut().zip(&mut places[start..]);
                    for (c, ((best, place), v)) in best.zip(&x[from..from + channels]).enumerate() {
                        let better = *v > *best || v.is_nan();
                        *best = if better { *v } else { *best };
                        *place = if better { (from + c) as u32 } else { *place };
                    }
                }
            }
        }
        let rows = pooled.len() / channels;
        Ok((TensorData::new(pooled, [rows, channels]), places))
    }
}

/// The gradient of the input `x` of pooling: each output's goes to the place of its largest value.
pub(super) fn unpool(d: &TensorData, x: &TensorData, places: &[u32]) -> Result<TensorData> {
    let mut gradient = TensorData::zeros::<f32, _>(x.shape().clone());
    let values = slice_mut(&mut gradient)?;
    for (d, place) in slice(d)?.iter().zip(places) {
        values[*place as usize] += d;
    }
    Ok(gradient)
}
