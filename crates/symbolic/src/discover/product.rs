//! Laws that are a product of an unknown function of one variable and one of the rest, of any sign: both are polynomials
//! at first, fitted by turns; each is searched for by itself, and the best of both are fitted together.

use super::additive::{Part, combine_with, formulas_of};
use super::problem::{Problem, moments, times};
use super::search::Search;
use super::surrogate::{chebyshev, degree_within, fitted};
use crate::expression::Expression;
use crate::families::Family;
use crate::fit::least_squares::dot;

/// Rows that polynomials are fitted to.
const ROWS: usize = 900;
/// Rounds of fits by turns, and the part by which a round must lessen the error to go on.
const ROUNDS: usize = 60;
const PROGRESS: f64 = 1e-3;
/// Part of the variance that a product of polynomials may leave.
const GOOD: f64 = 1e-3;
/// Share of the work that is left, for each factor.
const SHARE: f64 = 0.15;

/// Searches for a law of a problem as a product.
pub(super) fn split(search: &mut Search<'_>, problem: &Problem, families: &[Box<dyn Family>]) {
    let variables = problem.columns.len();
    if variables < 2 || problem.rows() < 60 {
        return;
    }
    let few = problem.thinned(ROWS);
    let mut splits: Vec<(f64, [Part; 2])> =
        (0..variables).filter_map(|variable| factors(search, &few, variable)).collect();
    splits.sort_by(|a, b| a.0.total_cmp(&b.0));
    // With two variables both splits are the same.
    splits.truncate(if variables == 2 { 1 } else { 2 });
    for (error, parts) in splits {
        if error > GOOD || search.done() {
            return;
        }
        let budget = search.left() * SHARE;
        let formulas: Vec<_> = parts.iter().map(|part| formulas_of(search, part, families, budget)).collect();
        if formulas.iter().all(|list| !list.is_empty()) {
            combine_with(search, problem, &formulas, Expression::product);
        }
    }
}

/// The part of the variance that a product leaves, and its factors.
fn factors(search: &mut Search<'_>, few: &Problem, variable: usize) -> Option<(f64, [Part; 2])> {
    let rows = few.rows();
    let rest: Vec<usize> = (0..few.columns.len()).filter(|at| *at != variable).collect();
    let columns = |chosen: &[usize]| chosen.iter().map(|at| few.columns[*at].clone()).collect::<Vec<_>>();
    let terms = (rows / 10).min(60);
    let alone = chebyshev(&columns(&[variable]), rows, terms.min(20));
    let others = chebyshev(&columns(&rest), rows, degree_within(rest.len(), terms, 14));
    let variance = moments(&few.y).1;
    let mut f = vec![1.0; rows];
    let mut g = vec![0.0; rows];
    let mut last = f64::INFINITY;
    for round in 0..ROUNDS {
        if search.done() {
            return None;
        }
        search.spend_regression(alone.len() + others.len(), rows / 2);
        g = scaled_fit(&others, &f, &few.y)?.0;
        let (next, error) = scaled_fit(&alone, &g, &few.y)?;
        let size = (dot(&next, &next) / rows as f64).sqrt();
        f = next.iter().map(|value| value / size).collect();
        let error = error / (rows as f64 * variance);
        let slow = error > last * (1.0 - PROGRESS) || error < 1e-28;
        last = error;
        if slow && round > 0 || (round > 4 && error > 0.5) {
            break;
        }
    }
    let part = |y: Vec<f64>, chosen: &[usize]| Part {
        floor: (last / moments(&y).1.max(1e-300) * moments(&f).1.max(1e-3)).clamp(1e-24, 0.1),
        problem: Problem {
            columns: columns(chosen),
            parts: chosen.iter().map(|at| few.parts[*at].clone()).collect(),
            y,
            outer: Vec::new(),
        },
    };
    Some((last, [part(f.clone(), &[variable]), part(g, &rest)]))
}

/// The polynomial p of `p·scale` nearest to y, and the error.
fn scaled_fit(basis: &[Vec<f64>], scale: &[f64], y: &[f64]) -> Option<(Vec<f64>, f64)> {
    let columns: Vec<Vec<f64>> = basis.iter().map(|column| times(column, scale)).collect();
    let found = fitted(&columns, y)?;
    let mut values = vec![0.0; y.len()];
    for (column, coefficient) in basis.iter().zip(&found.coefficients) {
        values.iter_mut().zip(column).for_each(|(value, x)| *value += coefficient * x);
    }
    Some((values, found.error))
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;
    use crate::families::default_families;

    #[test]
    fn factors_of_any_sign_are_found_and_fitted_together() {
        found("1.37*log(x + 2.29)*sin(1.93*y - 0.47)", &[(0.0, 4.0); 2], 300, |search, problem| {
            super::split(search, problem, &default_families());
        });
    }
}
