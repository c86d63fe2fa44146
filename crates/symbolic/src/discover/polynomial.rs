//! Polynomials for a transformed target: all terms up to a degree, of which those stay that the data need.

use super::features::{Feature, Sparse, exponents, meeting, monomial, monomials, significant, sum};
use super::problem::{View, times};
use super::search::Search;
use crate::expression::Expression;

/// Part of the target's square that rounding leaves of an exact fit.
pub(super) const TOLERANCE: f64 = 1e-18;
/// Most terms that are tried at once.
const TERMS_TRIED: usize = 170;
/// Most terms of a polynomial that is worth keeping from noisy data.
const TERMS: usize = 12;

/// Highest degree to try for so many variables.
fn highest(variables: usize, deep: bool) -> usize {
    match (variables, deep) {
        (1, _) => 14,
        (2, false) => 7,
        (2, true) => 10,
        (3, false) => 5,
        (3, true) => 7,
        (4, false) => 3,
        (4, true) => 5,
        (5 | 6, _) => 3,
        _ => 2,
    }
}

/// The monomials of a view's columns up to a degree.
pub(super) fn features(view: &View<'_>, degree: usize) -> Vec<Feature> {
    let problem = view.problem;
    let all = exponents(problem.columns.len(), degree);
    all.iter().map(|exponents| monomial_of(view, exponents)).collect()
}

fn monomial_of(view: &View<'_>, exponents: &[i32]) -> Feature {
    let feature = monomial(&view.problem.columns, &view.problem.parts, exponents);
    if feature.values.is_empty() { Feature::one(view.target.len()) } else { feature }
}

/// The polynomial of the lowest degree that meets the target.
pub(super) fn exact(search: &mut Search<'_>, view: &View<'_>, deep: bool) {
    let (variables, rows) = (view.problem.columns.len(), view.target.len());
    for degree in 1..=highest(variables, deep) {
        let count = monomials(variables, degree);
        if count + 2 > rows.min(TERMS_TRIED) || search.done() {
            return;
        }
        search.spend_regression(count, rows);
        let features = features(view, degree);
        if let Some(found) = meeting(&features, &view.target, TOLERANCE) {
            offer(search, view, &features, &found, 15);
            return;
        }
    }
}

/// Polynomials of noisy data.
pub(super) fn noisy(search: &mut Search<'_>, view: &View<'_>) {
    let (variables, rows) = (view.problem.columns.len(), view.target.len());
    let weights = view.weights();
    let degrees: &[usize] = match variables {
        1 => &[6],
        2 | 3 => &[2, 4],
        _ => &[2],
    };
    for degree in degrees {
        let count = monomials(variables, *degree);
        if count * 5 > rows || search.done() {
            return;
        }
        search.spend_regression(count, 3 * rows);
        let features = features(view, *degree);
        let weighted: Vec<Vec<f64>> =
            features.iter().map(|feature| times(&feature.values, &weights)).collect();
        if let Some(found) = significant(&weighted, &times(&view.target, &weights))
            && found.chosen.len() <= TERMS
        {
            offer(search, view, &features, &found, 15);
        }
    }
}

fn offer(search: &mut Search<'_>, view: &View<'_>, features: &[Feature], found: &Sparse, steps: usize) {
    let terms: Vec<&Expression> = found.chosen.iter().map(|at| &features[*at].expression).collect();
    view.offer(search, sum(terms, 0), &found.coefficients, steps);
}
