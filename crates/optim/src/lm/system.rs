//! The damped normal equations of a Gauss–Newton model, in the space of the parameters or of the rows, whichever is
//! smaller.

use super::kernel::dual_kernel;
use super::normal::normal_matrix;
use crate::dense::Cholesky;
use crate::prior::Prior;
use crate::rows::Rows;
use ndarray::Array2;

/// Parameters beyond this many times the rows: the system of the rows is the cheaper one.
const DUAL: f64 = 1.3;

/// The model `F(x + d) ≈ F(x) + 2·gᵀd + dᵀ(JᵀJ + R)d`, with `g = Jᵀr + R·x`.
#[derive(Clone, Debug)]
pub(crate) struct System {
    pub(crate) rows: Rows,
    pub(crate) residuals: Vec<f64>,
    /// `R·x`.
    pull: Vec<f64>,
    /// `g`.
    gradient: Vec<f64>,
    /// The lower half of `JᵀJ + R`; None where the rows are fewer.
    normal: Option<Array2<f64>>,
    largest_diagonal: f64,
}

impl System {
    pub(crate) fn new(x: &[f64], prior: &Prior, rows: Rows, residuals: Vec<f64>) -> Self {
        let p = x.len();
        let mut pull = vec![0.0; p];
        prior.multiply_add(x, &mut pull);
        let mut gradient = pull.clone();
        rows.transpose_multiply_add(&residuals, &mut gradient);
        let mut squares = vec![0.0; p];
        for row in 0..rows.len() {
            for segment in rows.row(row) {
                for (sum, v) in squares[segment.column as usize..].iter_mut().zip(rows.values(segment)) {
                    *sum += v * v;
                }
            }
        }
        let largest_diagonal = squares.iter().copied().fold(0.0, f64::max);
        let normal = (!is_dual(p, rows.len())).then(|| normal_matrix(p, &rows, prior));
        Self { rows, residuals, pull, gradient, normal, largest_diagonal }
    }

    #[cfg(test)]
    pub(crate) fn gradient_for_tests(&self) -> &[f64] {
        &self.gradient
    }

    /// Norm of the gradient of `F`.
    pub(crate) fn gradient_norm(&self) -> f64 {
        2.0 * self.gradient.iter().map(|g| g * g).sum::<f64>().sqrt()
    }

    /// The largest diagonal entry of `JᵀJ`.
    pub(crate) fn largest_diagonal(&self) -> f64 {
        self.largest_diagonal
    }

    /// How much the damped model expects to gain.
    pub(crate) fn predicted(&self, direction: &[f64], damping: f64) -> f64 {
        let pairs = direction.iter().zip(&self.gradient);
        pairs.map(|(d, g)| -d * g + damping * d * d).sum::<f64>().max(f64::MIN_POSITIVE)
    }

    /// The minimum of the damped model; None if it has none to rounding.
    pub(crate) fn solve(&self, prior: &Prior, damping: f64) -> Option<Vec<f64>> {
        let direction = match &self.normal {
            Some(normal) => {
                let mut damped = normal.clone();
                damped.diag_mut().iter_mut().for_each(|d| *d += damping);
                let mut direction: Vec<f64> = self.gradient.iter().map(|g| -g).collect();
                Cholesky::new(damped)?.solve(&mut direction);
                direction
            }
            None => self.solve_dual(prior, damping)?,
        };
        direction.iter().all(|d| d.is_finite()).then_some(direction)
    }

    /// With `M = R + damping·I` and `K = I + J·M⁻¹·Jᵀ`: `d = −M⁻¹(Jᵀα + R·x)`, `α = K⁻¹(r − J·M⁻¹·R·x)`. In this form
    /// nothing cancels.
    fn solve_dual(&self, prior: &Prior, damping: f64) -> Option<Vec<f64>> {
        let factor = prior.factor(damping)?;
        let kernel = Cholesky::new(dual_kernel(&self.rows, &factor))?;
        let mut pulled = self.pull.clone();
        factor.solve(&mut pulled);
        let mut alpha = self.residuals.clone();
        for (row, alpha) in alpha.iter_mut().enumerate() {
            *alpha -= self.rows.dot(row, &pulled);
        }
        kernel.solve(&mut alpha);
        let mut direction = self.pull.clone();
        self.rows.transpose_multiply_add(&alpha, &mut direction);
        factor.solve(&mut direction);
        direction.iter_mut().for_each(|d| *d = -*d);
        Some(direction)
    }
}

/// Whether a system of `p` parameters and `n` rows is solved in the space of the rows.
pub(crate) fn is_dual(p: usize, n: usize) -> bool {
    p as f64 > DUAL * n as f64
}
