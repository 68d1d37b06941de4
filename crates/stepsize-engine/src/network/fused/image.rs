//! Patches and pooling of square images, stored as `row, y, x, channel`.

use crate::matrix::Matrix;

/// Sizes of an image.
#[derive(Debug, Clone, Copy)]
pub(super) struct ImageSize {
    pub(super) side: usize,
    pub(super) channels: usize,
}

impl ImageSize {
    /// Numbers in one image.
    pub(super) fn values(self) -> usize {
        self.side * self.side * self.channels
    }

    /// For every pixel the values in the `kernel x kernel` window around it, zero beyond the edge:
    /// rows of `ky, kx, channel`, one a pixel.
    pub(super) fn unfold(self, x: &Matrix, kernel: usize) -> Matrix {
        let width = kernel * kernel * self.channels;
        let x = &x.values;
        let mut patches = vec![0.0f32; x.len() / self.channels * width];
        let line = self.side * self.channels;
        let mut frame = vec![0.0f32; self.framed(kernel).pow(2) * self.channels];
        let images = x.chunks_exact(self.values()).zip(patches.chunks_exact_mut(self.side * self.side * width));
        for (image, patches) in images {
            for (y, values) in image.chunks_exact(line).enumerate() {
                let start = self.inside(y, kernel);
                frame[start..start + line].copy_from_slice(values);
            }
            // a length known to the compiler is copied without a call
            match kernel * self.channels {
                3 => self.windows(kernel, patches, |at, patch| copy::<3>(&frame[at..], patch)),
                48 => self.windows(kernel, patches, |at, patch| copy::<48>(&frame[at..], patch)),
                n => self.windows(kernel, patches, |at, patch| patch.copy_from_slice(&frame[at..at + n])),
            }
        }
        let rows = patches.len() / width;
        Matrix::new(patches, [rows, width])
    }

    /// The gradient of the image from that of its patches: the transpose of [`ImageSize::unfold`].
    pub(super) fn fold(self, mut d: Matrix, kernel: usize) -> Matrix {
        let (line, width) = (self.side * self.channels, kernel * kernel * self.channels);
        let d = &mut d.values;
        let mut gradient = vec![0.0f32; d.len() / width * self.channels];
        let mut frame = vec![0.0f32; self.framed(kernel).pow(2) * self.channels];
        let images = gradient.chunks_exact_mut(self.values()).zip(d.chunks_exact_mut(self.side * self.side * width));
        for (image, patches) in images {
            frame.fill(0.0);
            self.windows(kernel, patches, |at, patch| {
                frame[at..at + patch.len()].iter_mut().zip(patch).for_each(|(f, d)| *f += *d);
            });
            for (y, values) in image.chunks_exact_mut(line).enumerate() {
                let start = self.inside(y, kernel);
                values.copy_from_slice(&frame[start..start + line]);
            }
        }
        let rows = gradient.len() / self.channels;
        Matrix::new(gradient, [rows, self.channels])
    }

    /// Side of the image with the frame that holds what windows see beyond the edge.
    fn framed(self, kernel: usize) -> usize {
        self.side + kernel - 1
    }

    /// Where line `y` of the image begins in the frame.
    fn inside(self, y: usize, kernel: usize) -> usize {
        ((y + kernel / 2) * self.framed(kernel) + kernel / 2) * self.channels
    }

    /// Calls `each(place in the frame, line of the patch)` for every line of every window of one
    /// image.
    fn windows(self, kernel: usize, patches: &mut [f32], mut each: impl FnMut(usize, &mut [f32])) {
        let framed = self.framed(kernel);
        let lines = patches.chunks_exact_mut(kernel * self.channels);
        let places = (0..self.side).flat_map(|y| {
            (0..self.side).flat_map(move |x| (0..kernel).map(move |ky| ((y + ky) * framed + x) * self.channels))
        });
        for (at, line) in places.zip(lines) {
            each(at, line);
        }
    }

    /// The largest value of every `window x window` square of each channel (a remainder at the edge
    /// is left out), and where in the batch it was. The first of equal ones counts; NaN is larger
    /// than all.
    pub(super) fn pool(self, x: &Matrix, window: usize) -> (Matrix, Vec<u32>) {
        let (side, channels, left) = (self.side, self.channels, self.side / window);
        let x = &x.values;
        let images = x.len() / self.values();
        let mut pooled = vec![0.0f32; images * left * left * channels];
        let mut places = vec![0u32; pooled.len()];
        let cells = pooled.chunks_exact_mut(channels).zip(places.chunks_exact_mut(channels));
        for (cell, (best, place)) in cells.enumerate() {
            let (image, cell) = (cell / (left * left), cell % (left * left));
            let (top, first) = (cell / left * window, cell % left * window);
            let corner = image * self.values() + (top * side + first) * channels;
            best.copy_from_slice(&x[corner..corner + channels]);
            place.iter_mut().zip(corner as u32..).for_each(|(place, at)| *place = at);
            for other in 1..window * window {
                let from = corner + (other / window * side + other % window) * channels;
                let values = x[from..from + channels].iter().zip(from as u32..);
                for ((best, place), (v, at)) in best.iter_mut().zip(place.iter_mut()).zip(values) {
                    let better = *v > *best || v.is_nan();
                    *best = if better { *v } else { *best };
                    *place = if better { at } else { *place };
                }
            }
        }
        let rows = pooled.len() / channels;
        (Matrix::new(pooled, [rows, channels]), places)
    }
}

/// Copies `N` values.
fn copy<const N: usize>(from: &[f32], into: &mut [f32]) {
    if let (Some(from), Some(into)) = (from.first_chunk::<N>(), into.first_chunk_mut::<N>()) {
        *into = *from;
    }
}

/// The gradient of the input `x` of pooling: each output's goes to the place of its largest value.
pub(super) fn unpool(d: &Matrix, x: &Matrix, places: &[u32]) -> Matrix {
    let mut gradient = Matrix::new(vec![0.0; x.values.len()], x.shape);
    for (d, place) in d.values.iter().zip(places) {
        gradient.values[*place as usize] += d;
    }
    gradient
}
