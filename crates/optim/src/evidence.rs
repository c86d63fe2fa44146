//! How strong a prior the data ask for: MacKay's evidence ("Bayesian interpolation", 1992), which weighs fit against
//! roughness without rows held out.

use crate::dense::{Cholesky, part};
use crate::lm::kernel::dual_kernel;
use crate::lm::normal::normal_matrix;
use crate::lm::system::is_dual;
use crate::prior::Prior;
use crate::rows::Rows;
use ndarray::Array2;

/// Least part of the observations that are left to tell the noise from.
const LEAST_FREEDOM: f64 = 0.2;
/// Least number of determined parameters for each block: a prior never becomes infinite.
const LEAST_DETERMINED: f64 = 1e-3;
/// Least roughness that a prior's strength is divided by.
const LEAST_ROUGHNESS: f64 = 1e-30;
/// Strengths beyond these mean nothing.
const STRENGTHS: (f64, f64) = (1e-26, 1e4);
/// Rows of a triangular factor that are multiplied at once.
const STRIP: usize = 128;

/// A Gauss–Newton model at its minimum. With `N` observations, rows and residuals are scaled by `1/√N`, so that the
/// objective is a mean and the same strength means the same for any number of rows.
#[derive(Clone, Copy, Debug)]
pub struct Evidence<'a> {
    /// `J/√N`.
    pub rows: &'a Rows,
    /// `r/√N`.
    pub residuals: &'a [f64],
    /// The prior at present; its blocks share one strength, and the ridge holds what they leave free.
    pub prior: &'a Prior,
    /// `N`.
    pub observations: usize,
    /// Variance of the noise if it is known; ½ where the objective is a mean negative log-likelihood.
    pub noise: Option<f64>,
}

/// What the data say of the prior.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// The strength that the blocks should have.
    pub lambda: f64,
    /// Variance of the noise.
    pub noise: f64,
    /// Number of parameters that the data determine: `tr(J·H⁻¹·Jᵀ)`.
    pub effective: f64,
    /// Generalised cross-validation (Craven & Wahba 1979): the mean squared error to expect on other rows,
    /// `SSR/N/(1 − effective/N)²`. Infinite where nothing is left to judge by.
    pub expected_error: f64,
}

impl Evidence<'_> {
    /// One update at `x`, where the objective has its minimum:
    /// `σ² = SSR/(N − d)`, `λ = σ²/N·γ/(θᵀRθ)`, with `d = p − tr(H⁻¹(λR + ridge))` parameters determined by the data, of
    /// which `γ = d − (p − Σ rank)` against the prior, and `H = JᵀJ + λR + ridge`. None where `H` is singular to
    /// rounding.
    pub fn evaluate(&self, x: &[f64]) -> Option<Found> {
        let (p, n) = (x.len(), self.observations as f64);
        let (effective, free) = if is_dual(p, self.rows.len()) { self.dual(p)? } else { self.primal(p)? };
        let ranks: usize = self.prior.blocks.iter().map(|block| block.rank).sum();
        let squares: f64 = self.residuals.iter().map(|r| r * r).sum();
        let noise = self.noise.unwrap_or_else(|| squares * n / (n - effective).max(LEAST_FREEDOM * n));
        let blocks = self.prior.blocks.len() as f64;
        let determined = (effective + free - (p - ranks.min(p)) as f64).max(LEAST_DETERMINED * blocks);
        let roughness: f64 = self.prior.blocks.iter().map(|block| block.form(x)).sum();
        let lambda = noise / n * determined / roughness.max(LEAST_ROUGHNESS);
        let left = 1.0 - effective / n;
        let expected_error = if left > 0.0 { squares / (left * left) } else { f64::INFINITY };
        let lambda = lambda.clamp(STRENGTHS.0, STRENGTHS.1);
        (lambda.is_finite() && noise.is_finite()).then_some(Found {
            lambda,
            noise,
            effective,
            expected_error,
        })
    }

    /// The determined parameters, and the directions that the ridge alone holds.
    fn primal(&self, p: usize) -> Option<(f64, f64)> {
        let inverse = Cholesky::new(normal_matrix(p, self.rows, self.prior))?.inverse_factor();
        let total: f64 = inverse.iter().map(|v| v * v).sum();
        let mut smooth = 0.0;
        for block in &self.prior.blocks {
            for i in 0..block.matrix.n() {
                for (d, entry) in block.matrix.row(i).iter().enumerate().take(i + 1) {
                    let (i, j) = (block.start + i, block.start + i - d);
                    // Column i of L⁻¹ begins at row i.
                    let cell: f64 = (i..p).map(|k| inverse[(k, i)] * inverse[(k, j)]).sum();
                    smooth += block.lambda * entry * cell * if d == 0 { 1.0 } else { 2.0 };
                }
            }
        }
        let ridge = self.prior.ridge * total;
        Some(((p as f64 - smooth - ridge).max(0.0), ridge))
    }

    /// The same in the space of the rows: with `M = λR + ridge` and `K = I + J·M⁻¹·Jᵀ = L·Lᵀ` there are `n − tr(K⁻¹)`
    /// determined parameters, and `tr(H⁻¹) = tr(M⁻¹) − |L⁻¹·J·M⁻¹|²`.
    fn dual(&self, p: usize) -> Option<(f64, f64)> {
        let (n, factor) = (self.rows.len(), self.prior.factor(0.0)?);
        let inverse = Cholesky::new(dual_kernel(self.rows, &factor))?.inverse_factor();
        let mut solved = vec![0.0; n * p];
        for (row, solved) in solved.chunks_exact_mut(p).enumerate() {
            for segment in self.rows.row(row) {
                let span = segment.column as usize..(segment.column + segment.length) as usize;
                solved[span].copy_from_slice(self.rows.values(segment));
            }
            factor.solve(solved);
        }
        let solved = Array2::from_shape_vec((n, p), solved).ok()?;
        let squares = |matrix: &Array2<f64>| matrix.iter().map(|v| v * v).sum::<f64>();
        let mut seen = 0.0;
        for first in (0..n).step_by(STRIP) {
            // What is right of the diagonal is zero.
            let last = n.min(first + STRIP);
            let left = part(&inverse, first..last, 0..last);
            seen += squares(&left.dot(&part(&solved, 0..last, 0..p)));
        }
        let total = factor.trace_of_inverse(p) - seen;
        Some((n as f64 - squares(&inverse), (self.prior.ridge * total).max(0.0)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prior::PriorBlock;
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::sync::Arc;

    /// A spline on noisy samples of a sine: rows, targets and prior of a linear problem.
    fn regression(grid: usize, samples: usize, noise: f64) -> (Rows, Vec<f64>, Prior) {
        let knots = Knots::uniform(0.0, 1.0, grid, 3, KnotEnds::Clamped).unwrap();
        let table = CellTable::new(&knots, Outside::Linear);
        let (mut rows, mut targets) = (Rows::new(), Vec::new());
        let scale = (samples as f64).sqrt().recip();
        let mut seed = 1u64;
        for i in 0..samples {
            let x = (i as f64 + 0.5) / samples as f64;
            let mut weights = [0.0; 4];
            let row = table.weights(x, &mut weights);
            rows.segment(row, 4).iter_mut().zip(weights).for_each(|(v, w)| *v = w * scale);
            rows.finish_row();
            // A sum of twelve uniform numbers has variance 1.
            let gaussian: f64 = (0..12)
                .map(|_| {
                    seed =
                        seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                    (seed >> 11) as f64 / (1u64 << 53) as f64
                })
                .sum::<f64>()
                - 6.0;
            targets.push(scale * ((6.0 * x).sin() + noise * gaussian));
        }
        let matrix = Arc::new(table.roughness(2));
        let block = PriorBlock { start: 0, matrix, lambda: 1e-3, rank: grid + 1 };
        (rows, targets, Prior { blocks: vec![block], ridge: 1e-12 })
    }

    /// The minimum, and the residuals there.
    fn minimum(rows: &Rows, targets: &[f64], prior: &Prior) -> (Vec<f64>, Vec<f64>) {
        let p = prior.blocks[0].matrix.n();
        let mut x = vec![0.0; p];
        rows.transpose_multiply_add(targets, &mut x);
        Cholesky::new(normal_matrix(p, rows, prior)).unwrap().solve(&mut x);
        let residuals = targets.iter().enumerate().map(|(row, y)| rows.dot(row, &x) - y).collect();
        (x, residuals)
    }

    fn search(grid: usize, samples: usize, noise: f64) -> Found {
        let (rows, targets, mut prior) = regression(grid, samples, noise);
        let mut last = None;
        for _ in 0..30 {
            let (x, residuals) = minimum(&rows, &targets, &prior);
            let evidence = Evidence {
                rows: &rows,
                residuals: &residuals,
                prior: &prior,
                observations: samples,
                noise: None,
            };
            let found = evidence.evaluate(&x).unwrap();
            prior.blocks[0].lambda = found.lambda;
            last = Some(found);
        }
        last.unwrap()
    }

    #[test]
    fn the_noise_is_found() {
        for noise in [0.03, 0.1, 0.3] {
            let found = search(30, 400, noise);
            // The standard deviation of a variance from about 390 degrees of freedom is 7 %; three of those.
            let ratio = found.noise / (noise * noise);
            assert!((0.79..1.21).contains(&ratio), "{noise}: {found:?}");
            assert!((3.0..30.0).contains(&found.effective), "{found:?}");
            assert!(found.expected_error > found.noise * 0.95);
        }
        assert!(search(30, 400, 0.3).lambda > 10.0 * search(30, 400, 0.03).lambda);
    }

    #[test]
    fn more_parameters_than_rows_are_no_obstacle() {
        let found = search(200, 100, 0.1);
        let ratio = found.noise / 0.01;
        assert!((0.5..1.6).contains(&ratio), "{found:?}");
        assert!((3.0..30.0).contains(&found.effective), "{found:?}");
    }

    #[test]
    fn both_systems_count_alike() {
        let (rows, targets, prior) = regression(20, 60, 0.1);
        let (x, residuals) = minimum(&rows, &targets, &prior);
        let evidence =
            Evidence { rows: &rows, residuals: &residuals, prior: &prior, observations: 60, noise: None };
        let found = evidence.evaluate(&x).unwrap();
        let factor = prior.factor(0.0).unwrap();
        let kernel = Cholesky::new(dual_kernel(&rows, &factor)).unwrap();
        let trace: f64 = kernel.inverse_factor().iter().map(|v| v * v).sum();
        // The system of the rows divides by the ridge of 1e-12 and keeps four digits of a trace.
        assert!((found.effective - (60.0 - trace)).abs() < 1e-3, "{found:?} {}", 60.0 - trace);
    }

    #[test]
    fn directions_that_only_the_ridge_holds_count_alike_in_both_systems() {
        // Sums of splines: each could have another's constant, which no row sees.
        let (grid, samples, edges) = (10, 60, 8);
        let knots = Knots::uniform(0.0, 1.0, grid, 3, KnotEnds::Clamped).unwrap();
        let table = CellTable::new(&knots, Outside::Linear);
        let matrix = Arc::new(table.roughness(2));
        let (mut rows, p) = (Rows::new(), edges * (grid + 3));
        for i in 0..samples {
            for edge in 0..edges {
                let x = ((i * (2 * edge + 7)) as f64 * 0.618).fract();
                let mut weights = [0.0; 4];
                let first = edge * (grid + 3) + table.weights(x, &mut weights);
                rows.segment(first, 4).iter_mut().zip(weights).for_each(|(v, w)| *v = w / 8.0);
            }
            rows.finish_row();
        }
        let block = |edge| PriorBlock {
            start: edge * (grid + 3),
            matrix: Arc::clone(&matrix),
            lambda: 1e-3,
            rank: grid + 1,
        };
        let prior = Prior { blocks: (0..edges).map(block).collect(), ridge: 1e-6 };
        let residuals = vec![0.01; samples];
        let evidence = Evidence {
            rows: &rows,
            residuals: &residuals,
            prior: &prior,
            observations: samples,
            noise: None,
        };
        let (primal, dual) = (evidence.primal(p).unwrap(), evidence.dual(p).unwrap());
        // One constant of eight is seen. A condition of 1e6 to 1e8 leaves eight digits.
        assert!(primal.1 > 6.9, "{primal:?}");
        assert!((primal.0 - dual.0).abs() < 1e-7 && (primal.1 - dual.1).abs() < 1e-7, "{primal:?} {dual:?}");
    }

    #[test]
    fn known_noise_is_kept() {
        let (rows, targets, prior) = regression(20, 60, 0.1);
        let (x, residuals) = minimum(&rows, &targets, &prior);
        let evidence = Evidence {
            rows: &rows,
            residuals: &residuals,
            prior: &prior,
            observations: 60,
            noise: Some(0.5),
        };
        assert_eq!(evidence.evaluate(&x).unwrap().noise, 0.5);
    }
}
