//! The damped normal equations of a Gauss–Newton model, in the space of the parameters or of the rows, whichever is
//! smaller.

use super::kernel::dual_kernel;
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

/// The lower half of `JᵀJ + R`.
pub(crate) fn normal_matrix(p: usize, rows: &Rows, prior: &Prior) -> Array2<f64> {
    let mut normal = vec![0.0; p * p];
    for row in 0..rows.len() {
        let segments = rows.row(row);
        for (index, below) in segments.iter().enumerate() {
            let left = rows.values(below);
            for above in &segments[..=index] {
                let right = rows.values(above);
                let first = below.column as usize * p + above.column as usize;
                match right.len() {
                    4 => add_outer_fixed::<4>(&mut normal[first..], p, left, right),
                    6 => add_outer_fixed::<6>(&mut normal[first..], p, left, right),
                    _ => add_outer(&mut normal[first..], p, left, right),
                }
            }
        }
    }
    for block in &prior.blocks {
        for i in 0..block.matrix.n() {
            for (d, entry) in block.matrix.row(i).iter().enumerate().take(i + 1) {
                normal[(block.start + i) * p + block.start + i - d] += block.lambda * entry;
            }
        }
    }
    for i in 0..p {
        normal[i * p + i] += prior.ridge;
    }
    Array2::from_shape_vec((p, p), normal).unwrap_or_default()
}

/// Adds `left·rightᵀ` to the cells of rows `p` apart.
fn add_outer(cells: &mut [f64], p: usize, left: &[f64], right: &[f64]) {
    for (left, cells) in left.iter().zip(cells.chunks_mut(p)) {
        cells.iter_mut().zip(right).for_each(|(cell, right)| *cell += left * right);
    }
}

/// The same for a right side of `N`, which is what most segments of splines have: loops without a count.
fn add_outer_fixed<const N: usize>(cells: &mut [f64], p: usize, left: &[f64], right: &[f64]) {
    let Some(right) = right.first_chunk::<N>() else { return };
    for (left, cells) in left.iter().zip(cells.chunks_mut(p)) {
        if let Some(cells) = cells.first_chunk_mut::<N>() {
            cells.iter_mut().zip(right).for_each(|(cell, right)| *cell += left * right);
        }
    }
}
