//! [`Matrix`]: numbers in rows, and the three products that a layer needs.

use ndarray::{ArrayView2, ArrayViewMut2, linalg::general_mat_mul};
use stepsize::{Error, Result};

/// A matrix of single-precision numbers, row by row. A bias is `[1, n]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Matrix {
    pub(crate) values: Vec<f32>,
    /// Rows and columns.
    pub(crate) shape: [usize; 2],
}

impl Matrix {
    /// `values`, whose length is that of `shape`.
    pub(crate) fn new(values: Vec<f32>, shape: [usize; 2]) -> Self {
        debug_assert_eq!(values.len(), shape[0] * shape[1]);
        Self { values, shape }
    }

    /// The same values in rows of `columns`.
    pub(crate) fn with_columns(self, columns: usize) -> Self {
        let shape = [self.values.len() / columns, columns];
        Self { values: self.values, shape }
    }

    /// `self · other`.
    pub(crate) fn times(&self, other: &Self) -> Result<Self> {
        product(self.view()?, other.view()?)
    }

    /// `selfᵀ · other`.
    pub(crate) fn transposed_times(&self, other: &Self) -> Result<Self> {
        product(self.view()?.reversed_axes(), other.view()?)
    }

    /// `self · otherᵀ`.
    pub(crate) fn times_transposed(&self, other: &Self) -> Result<Self> {
        product(self.view()?, other.view()?.reversed_axes())
    }

    fn view(&self) -> Result<ArrayView2<'_, f32>> {
        ArrayView2::from_shape(self.shape, &self.values).map_err(|why| Error::engine(format!("no matrix: {why}")))
    }
}

fn product(a: ArrayView2<'_, f32>, b: ArrayView2<'_, f32>) -> Result<Matrix> {
    if a.ncols() != b.nrows() {
        let (left, right) = (a.dim(), b.dim());
        return Err(Error::engine(format!("cannot multiply matrices of {left:?} and {right:?}")));
    }
    let shape = [a.nrows(), b.ncols()];
    let mut values = vec![0.0; shape[0] * shape[1]];
    if let Ok(mut into) = ArrayViewMut2::from_shape(shape, &mut values) {
        general_mat_mul(1.0, &a, &b, 0.0, &mut into);
    }
    Ok(Matrix { values, shape })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_are_those_of_the_definition() {
        let a = Matrix::new(vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [2, 3]);
        let b = Matrix::new(vec![1.0, 0.0, -1.0, 2.0, 0.5, 1.0], [3, 2]);
        let product = Matrix::new(vec![0.5, 7.0, 2.0, 16.0], [2, 2]);
        assert_eq!(a.times(&b).unwrap(), product);
        let transposed = |m: &Matrix| {
            let [rows, columns] = m.shape;
            let values = (0..columns).flat_map(|c| (0..rows).map(move |r| m.values[r * columns + c]));
            Matrix::new(values.collect(), [columns, rows])
        };
        assert_eq!(transposed(&a).transposed_times(&b).unwrap(), product);
        assert_eq!(a.times_transposed(&transposed(&b)).unwrap(), product);
        assert!(a.times(&a).unwrap_err().to_string().contains("(2, 3)"));
    }

    #[test]
    fn a_number_that_is_not_finite_passes_through_zeros() {
        let a = Matrix::new(vec![f32::NAN, f32::INFINITY], [1, 2]);
        let zeros = Matrix::new(vec![0.0; 4], [2, 2]);
        assert!(a.times(&zeros).unwrap().values.iter().all(|v| v.is_nan()));
    }
}
