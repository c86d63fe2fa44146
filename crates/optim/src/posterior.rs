//! How far the parameters may be off: Laplace's approximation at the minimum, carried to anything linear in them.

use crate::dense::Cholesky;
use crate::lm::kernel::dual_kernel;
use crate::lm::normal::normal_matrix;
use crate::lm::system::is_dual;
use crate::prior::{Prior, PriorFactor};
use crate::rows::Rows;

/// Part of two numbers that their difference must exceed to mean anything.
const ROUNDING: f64 = 1e-12;

/// The normal distribution `N(θ, σ²/N·H⁻¹)`, `H = JᵀJ + R` (MacKay 1992).
#[derive(Clone, Debug)]
pub struct Posterior {
    scale: f64,
    p: usize,
    factor: Factor,
}

#[derive(Clone, Debug)]
enum Factor {
    Primal(Cholesky),
    Dual { prior: PriorFactor, kernel: Cholesky, rows: Rows },
}

impl Posterior {
    /// Of `p` parameters with these rows and prior, scaled as in [`crate::Evidence`]; `scale` is `σ²/N`. None where `H`
    /// is singular to rounding.
    pub fn new(p: usize, rows: Rows, prior: &Prior, scale: f64) -> Option<Self> {
        let factor = if is_dual(p, rows.len()) {
            let prior = prior.factor(0.0)?;
            let kernel = Cholesky::new(dual_kernel(&rows, &prior))?;
            Factor::Dual { prior, kernel, rows }
        } else {
            Factor::Primal(Cholesky::new(normal_matrix(p, &rows, prior))?)
        };
        Some(Self { scale, p, factor })
    }

    /// The variance of each row's product with the parameters; NaN where rounding leaves nothing of it: with fewer rows
    /// than parameters it is a difference of numbers that are larger by what the prior is weaker than the data.
    pub fn variance(&self, rows: &Rows) -> Vec<f64> {
        (0..rows.len())
            .map(|row| {
                let mut dense = vec![0.0; self.p];
                for segment in rows.row(row) {
                    let span = segment.column as usize..(segment.column + segment.length) as usize;
                    dense[span].copy_from_slice(rows.values(segment));
                }
                self.scale * self.form(dense)
            })
            .collect()
    }

    /// `jᵀ·H⁻¹·j`.
    fn form(&self, mut j: Vec<f64>) -> f64 {
        match &self.factor {
            Factor::Primal(factor) => {
                factor.forward(&mut j);
                j.iter().map(|v| v * v).sum()
            }
            Factor::Dual { prior, kernel, rows } => {
                let mut solved = j.clone();
                prior.solve(&mut solved);
                let own: f64 = j.iter().zip(&solved).map(|(a, b)| a * b).sum();
                let mut seen: Vec<f64> = (0..rows.len()).map(|row| rows.dot(row, &solved)).collect();
                kernel.forward(&mut seen);
                let left = own - seen.iter().map(|v| v * v).sum::<f64>();
                if left > ROUNDING * own { left } else { f64::NAN }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::PriorBlock;
    use kanode_spline::Banded;
    use std::sync::Arc;

    #[test]
    fn the_variance_is_that_of_the_inverse() {
        // H = [[1·4 + 1, 2], [2, 4 + 1]] from one row (1, 1)·2 and a unit ridge: with four unknowns it is dual.
        for p in [1, 4] {
            let mut rows = Rows::new();
            rows.segment(0, p).fill(2.0);
            rows.finish_row();
            let mut matrix = Banded::zeros(p, 0);
            matrix.add_diagonal(0.5);
            let blocks = vec![PriorBlock { start: 0, matrix: Arc::new(matrix), lambda: 1.0, rank: p }];
            let prior = Prior { blocks, ridge: 0.5 };
            let posterior = Posterior::new(p, rows.clone(), &prior, 3.0).unwrap();
            // Sherman–Morrison: (I + v·vᵀ)⁻¹ = I − v·vᵀ/(1 + vᵀv).
            let square = 4.0 * p as f64;
            let expected = 3.0 * (square - square * square / (1.0 + square));
            assert!((posterior.variance(&rows)[0] - expected).abs() < 1e-13, "{p}");
        }
    }
}
