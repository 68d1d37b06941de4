//! [`Cholesky`]: the factor of a small covariance, and what is solved with it.

/// Smallest variance that is taken for one.
const LEAST: f64 = 1e-12;

/// Lower triangular factor `L` of a covariance `K = L L'`.
#[derive(Debug, Clone)]
pub(crate) struct Cholesky {
    rows: Vec<Vec<f64>>,
}

impl Cholesky {
    /// Factors the covariance of `n` values; its lower half is asked for.
    pub fn new(n: usize, covariance: impl Fn(usize, usize) -> f64) -> Self {
        let mut rows = vec![vec![0.0; n]; n];
        for i in 0..n {
            for j in 0..=i {
                let known: f64 = rows[i].iter().zip(&rows[j]).take(j).map(|(a, b)| a * b).sum();
                let left = covariance(i, j) - known;
                rows[i][j] = if i == j { left.max(LEAST).sqrt() } else { left / rows[j][j] };
            }
        }
        Self { rows }
    }

    /// `L v`: of independent draws, draws with the covariance.
    pub fn times(&self, v: &[f64]) -> Vec<f64> {
        self.rows.iter().enumerate().map(|(i, row)| row.iter().zip(v).take(i + 1).map(|(l, v)| l * v).sum()).collect()
    }

    /// Solves `L w = v`.
    pub fn forward(&self, mut v: Vec<f64>) -> Vec<f64> {
        for i in 0..v.len() {
            let sum: f64 = (0..i).map(|k| self.rows[i][k] * v[k]).sum();
            v[i] = (v[i] - sum) / self.rows[i][i];
        }
        v
    }

    /// Solves `K w = v`.
    pub fn solve(&self, v: Vec<f64>) -> Vec<f64> {
        let mut v = self.forward(v);
        let n = v.len();
        for i in (0..n).rev() {
            let sum: f64 = (i + 1..n).map(|k| self.rows[k][i] * v[k]).sum();
            v[i] = (v[i] - sum) / self.rows[i][i];
        }
        v
    }

    /// Half of the logarithm of the determinant of `K`.
    pub fn half_log_det(&self) -> f64 {
        self.rows.iter().enumerate().map(|(i, row)| row[i].ln()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_solved_gives_back_what_was_asked() {
        let covariance = |i: usize, j: usize| [[4.0, 2.0], [2.0, 5.0]][i][j];
        let factor = Cholesky::new(2, covariance);
        let w = factor.solve(vec![8.0, 12.0]);
        for (i, asked) in [8.0, 12.0].into_iter().enumerate() {
            let back: f64 = (0..2).map(|j| covariance(i, j) * w[j]).sum();
            assert!((back - asked).abs() < 1e-12, "{w:?}");
        }
        assert!((2.0 * factor.half_log_det() - 16f64.ln()).abs() < 1e-12);
        assert_eq!(factor.times(&factor.forward(vec![8.0, 12.0])), [8.0, 12.0]);
    }
}
