//! A quadratic prior on parameters: banded blocks, such as the roughness of splines, and a ridge.

use crate::banded::BandedFactor;
use kanode_spline::Banded;
use std::sync::Arc;

/// A banded quadratic form on some neighbouring parameters.
#[derive(Clone, Debug, PartialEq)]
pub struct PriorBlock {
    /// The first of the parameters.
    pub start: usize,
    /// `R`, positive semidefinite.
    pub matrix: Arc<Banded>,
    /// Its strength, at least 0.
    pub lambda: f64,
    /// The number of directions in which the form is not zero.
    pub rank: usize,
}

/// `θᵀ·R·θ = Σ_b λ_b·θ_bᵀ·R_b·θ_b + ridge·|θ|²`. Parameters outside all blocks have the ridge alone.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Prior {
    /// Blocks in ascending order, which do not overlap.
    pub blocks: Vec<PriorBlock>,
    /// Strength of the ridge, at least 0.
    pub ridge: f64,
}

impl Prior {
    /// The form at `x`.
    pub fn value(&self, x: &[f64]) -> f64 {
        let blocks: f64 = self.blocks.iter().map(|block| block.lambda * block.form(x)).sum();
        blocks + self.ridge * x.iter().map(|x| x * x).sum::<f64>()
    }

    /// Adds `R·x`, half the gradient of the form.
    pub fn multiply_add(&self, x: &[f64], out: &mut [f64]) {
        for block in &self.blocks {
            let span = block.span();
            let mut part = vec![0.0; block.matrix.n()];
            block.matrix.multiply_add(&x[span.clone()], &mut part);
            out[span].iter_mut().zip(part).for_each(|(out, part)| *out += block.lambda * part);
        }
        out.iter_mut().zip(x).for_each(|(out, x)| *out += self.ridge * x);
    }

    /// Factors `R + damping·I`; None if that is not positive definite.
    pub(crate) fn factor(&self, damping: f64) -> Option<PriorFactor> {
        let diagonal = self.ridge + damping;
        let factor = |block: &PriorBlock| BandedFactor::new(&block.matrix, block.lambda, diagonal);
        let blocks = self.blocks.iter().map(|block| Some((block.start, factor(block)?)));
        (diagonal > 0.0 || self.blocks.is_empty())
            .then_some(())
            .and_then(|()| Some(PriorFactor { blocks: blocks.collect::<Option<_>>()?, diagonal }))
    }
}

impl PriorBlock {
    /// `θ_bᵀ·R_b·θ_b`, without the strength.
    pub fn form(&self, x: &[f64]) -> f64 {
        self.matrix.quadratic_form(&x[self.span()])
    }

    /// The parameters of the block.
    pub fn span(&self) -> std::ops::Range<usize> {
        self.start..self.start + self.matrix.n()
    }
}

/// The factors of a prior and its damping, block by block.
#[derive(Clone, Debug)]
pub(crate) struct PriorFactor {
    blocks: Vec<(usize, BandedFactor)>,
    diagonal: f64,
}

impl PriorFactor {
    /// `x ← (R + damping·I)⁻¹·x`.
    pub(crate) fn solve(&self, x: &mut [f64]) {
        let mut done = 0;
        for (start, factor) in &self.blocks {
            x[done..*start].iter_mut().for_each(|x| *x /= self.diagonal);
            done = start + factor.n();
            factor.solve(&mut x[*start..done]);
        }
        x[done..].iter_mut().for_each(|x| *x /= self.diagonal);
    }

    /// `tr((R + damping·I)⁻¹)` for `p` parameters.
    pub(crate) fn trace_of_inverse(&self, p: usize) -> f64 {
        let within: usize = self.blocks.iter().map(|(_, factor)| factor.n()).sum();
        let free = (p - within) as f64 / self.diagonal;
        free + self.blocks.iter().map(|(_, factor)| factor.trace_of_inverse()).sum::<f64>()
    }

    /// Where runs of parameters begin, and the factor of the block that each is; None if it has the diagonal alone. The
    /// first begins at 0, and each but the last, which is of the diagonal, ends where the next begins.
    pub(crate) fn spans(&self) -> Vec<(usize, Option<&BandedFactor>)> {
        let (mut spans, mut done) = (Vec::new(), 0);
        for (start, factor) in &self.blocks {
            if *start > done {
                spans.push((done, None));
            }
            spans.push((*start, Some(factor)));
            done = start + factor.n();
        }
        spans.push((done, None));
        spans
    }

    /// The ridge and the damping.
    pub(crate) fn diagonal(&self) -> f64 {
        self.diagonal
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(crate) fn prior() -> Prior {
        let mut matrix = Banded::zeros(3, 1);
        for (i, j, v) in [(0, 0, 1.0), (1, 0, -1.0), (1, 1, 2.0), (2, 1, -1.0), (2, 2, 1.0)] {
            matrix.add(i, j, v);
        }
        Prior {
            blocks: vec![PriorBlock { start: 1, matrix: Arc::new(matrix), lambda: 2.0, rank: 2 }],
            ridge: 0.5,
        }
    }

    #[test]
    fn value_product_and_solution_agree() {
        let prior = prior();
        let x = [1.0, 2.0, -1.0, 0.5, 3.0];
        // Differences 3 and 1.5, squared, times 2; and half the squares.
        let expected = 2.0 * (9.0 + 2.25) + 0.5 * (1.0 + 4.0 + 1.0 + 0.25 + 9.0);
        assert!((prior.value(&x) - expected).abs() < 1e-13);
        let mut product = vec![0.0; 5];
        prior.multiply_add(&x, &mut product);
        let form: f64 = x.iter().zip(&product).map(|(x, y)| x * y).sum();
        assert!((form - expected).abs() < 1e-13);
        let factor = prior.factor(0.25).unwrap();
        product.iter_mut().zip(&x).for_each(|(y, x)| *y += 0.25 * x);
        factor.solve(&mut product);
        assert!(product.iter().zip(&x).all(|(y, x)| (y - x).abs() < 1e-13));
        let trace: f64 = (0..5)
            .map(|i| {
                let mut unit = [0.0; 5];
                unit[i] = 1.0;
                factor.solve(&mut unit);
                unit[i]
            })
            .sum();
        assert!((factor.trace_of_inverse(5) - trace).abs() < 1e-13);
    }

    #[test]
    fn a_form_without_ridge_has_no_factor() {
        let free = Prior { ridge: 0.0, ..prior() };
        assert!(free.factor(0.0).is_none());
        assert!(free.factor(1e-9).is_some());
    }
}
