//! A part of the search: to explain `y` by some columns, when the law is a product of known factors and that.

use super::search::Search;
use super::transform::Transform;
use crate::expression::Expression;

/// Columns, each with the expression that it is the values of, and a target.
#[derive(Clone)]
pub(super) struct Problem {
    pub(super) columns: Vec<Vec<f64>>,
    pub(super) parts: Vec<Expression>,
    pub(super) y: Vec<f64>,
    /// What the formula for `y` is multiplied by for the law.
    pub(super) outer: Vec<Expression>,
}

impl Problem {
    pub(super) fn rows(&self) -> usize {
        self.y.len()
    }

    /// At most `most` of the rows, evenly.
    pub(super) fn thinned(&self, most: usize) -> Self {
        let rows = self.rows();
        if rows <= most {
            return self.clone();
        }
        let thin = |values: &Vec<f64>| (0..most).map(|at| values[at * rows / most]).collect();
        let columns = self.columns.iter().map(thin).collect();
        Self { columns, y: thin(&self.y), parts: self.parts.clone(), outer: self.outer.clone() }
    }

    /// The law for a formula of `y`.
    pub(super) fn law(&self, formula: Expression) -> Expression {
        Expression::product(self.outer.iter().cloned().chain([formula]))
    }
}

/// A problem seen through a transform: `T(±y)` is to be explained.
pub(super) struct View<'a> {
    pub(super) problem: &'a Problem,
    pub(super) transform: Transform,
    /// Whether `−y` is transformed, because no `y` is positive.
    pub(super) turned: bool,
    /// The transformed targets.
    pub(super) target: Vec<f64>,
}

impl<'a> View<'a> {
    /// None if the transform is not defined on the targets, or leaves them all the same.
    pub(super) fn new(problem: &'a Problem, transform: Transform, noisy: bool) -> Option<Self> {
        let turned = problem.y.iter().all(|y| *y <= 0.0);
        let y: Vec<f64> = problem.y.iter().map(|y| if turned { -y } else { *y }).collect();
        if !transform.suits(&y, noisy) {
            return None;
        }
        let target: Vec<f64> = y.iter().map(|y| transform.of(*y)).collect();
        (usable(&target) && varies(&target)).then_some(Self { problem, transform, turned, target })
    }

    /// Offers `T⁻¹(g)` for a formula g of the transformed target.
    pub(super) fn offer(&self, search: &mut Search<'_>, g: Expression, values: &[f64], steps: usize) {
        let y = self.transform.inverse(g);
        search.offer(self.problem.law(if self.turned { -y } else { y }), values, steps);
    }

    /// Weights with which errors of the transformed target are errors of y: 1/|T′(y)|, bounded.
    pub(super) fn weights(&self) -> Vec<f64> {
        let y = self.problem.y.iter().map(|y| if self.turned { -y } else { *y });
        let weights: Vec<f64> = y
            .map(|y| {
                let slope = self.transform.slope(y).abs();
                if slope > 0.0 && slope.is_finite() { 1.0 / slope } else { 0.0 }
            })
            .collect();
        let most = 20.0 * median(&weights);
        weights.into_iter().map(|weight| weight.min(most)).collect()
    }
}

/// Whether all numbers are finite and of a size that arithmetic on them bears.
pub(super) fn usable(values: &[f64]) -> bool {
    values.iter().all(|value| value.is_finite() && value.abs() < 1e100)
}

/// Whether values differ by more than rounding.
pub(super) fn varies(values: &[f64]) -> bool {
    let (mean, variance) = moments(values);
    variance > 1e-20 * (mean * mean + variance) && variance > 0.0
}

/// Mean and variance.
pub(super) fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    (mean, values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count)
}

pub(super) fn median(values: &[f64]) -> f64 {
    let mut sorted: Vec<f64> = values.iter().copied().filter(|value| value.is_finite()).collect();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
}

/// The products of two columns, number by number.
pub(super) fn times(a: &[f64], b: &[f64]) -> Vec<f64> {
    a.iter().zip(b).map(|(a, b)| a * b).collect()
}
