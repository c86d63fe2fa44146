//! Quotients of polynomials for a transformed target g, by the linear relation `N(x) = g·D(x)`.
//!
//! For clean data the columns `m` and `g·m` of all monomials m are taken in the order of their degree; the first that is
//! a sum of those before it gives the quotient of the lowest degree, with no guess at which term of D is there. For noisy
//! data a term of D is fixed to 1, each in turn, and the relation is weighted by 1/D of the fit before (Sanathanan and
//! Koerner 1963).

use super::features::{Feature, Sparse, constant, exponents, meeting, monomial, monomials, significant, sum};
use super::polynomial::{TOLERANCE, features};
use super::problem::{View, median, moments, times};
use super::search::Search;
use super::transform::Transform;
use crate::expression::Expression;
use crate::fit::least_squares::dot;

/// Part of its length that a column keeps without those before it, if it is no sum of them.
const DEPENDENT: f64 = 1e-11;
/// Most columns.
const COLUMNS: usize = 170;
/// Most terms of a quotient that is worth keeping from noisy data.
const TERMS: usize = 14;

/// A quotient: the places of terms among the monomials, and their coefficients.
struct Quotient {
    numerator: Vec<(usize, f64)>,
    denominator: Vec<(usize, f64)>,
}

/// The quotient of the lowest degree that meets the target.
pub(super) fn exact(search: &mut Search<'_>, view: &View<'_>, deep: bool) {
    let (variables, rows) = (view.problem.columns.len(), view.target.len());
    let most = COLUMNS.min(rows * 3 / 5).min(rows.saturating_sub(4));
    let steepest = if deep { 8 } else { 5 };
    let fitting = (1..=steepest).take_while(|degree| 2 * monomials(variables, *degree) <= most);
    let Some(degree) = fitting.last() else { return };
    let monomials = features(view, degree);
    search.spend_regression(2 * monomials.len(), rows);
    let Some(quotient) = lowest(&monomials, &view.target, degree, variables) else { return };
    offer(search, view, &monomials, &quotient, 20);
    if view.transform == Transform::Square {
        root(search, view, &monomials, &quotient);
    }
}

/// The columns in the order in which they are tried: the place of the monomial, and whether it is times the target.
fn order(degree: usize, variables: usize) -> Vec<(usize, bool)> {
    let degrees: Vec<i32> = exponents(variables, degree).iter().map(|one| one.iter().sum()).collect();
    let mut order = Vec::new();
    for wanted in 0..=degree as i32 {
        let places = || (0..degrees.len()).filter(|place| degrees[*place] == wanted);
        order.extend(places().map(|place| (place, false)));
        order.extend(places().map(|place| (place, true)));
    }
    order
}

fn lowest(monomials: &[Feature], target: &[f64], degree: usize, variables: usize) -> Option<Quotient> {
    let column = |(place, times_target): (usize, bool)| {
        let values = &monomials[place].values;
        if times_target { times(values, target) } else { values.clone() }
    };
    let mut units: Vec<Vec<f64>> = Vec::new();
    let mut taken: Vec<(usize, bool)> = Vec::new();
    for next in order(degree, variables) {
        let values = column(next);
        let mut unit = values.clone();
        let length = dot(&unit, &unit).sqrt();
        for _ in 0..2 {
            for known in &units {
                let along = dot(known, &unit);
                unit.iter_mut().zip(known).for_each(|(value, known)| *value -= along * known);
            }
        }
        let left = dot(&unit, &unit).sqrt();
        if left > DEPENDENT * length {
            unit.iter_mut().for_each(|value| *value /= left);
            units.push(unit);
            taken.push(next);
            continue;
        }
        let columns: Vec<Vec<f64>> = taken.iter().map(|taken| column(*taken)).collect();
        // Columns that the variables make dependent are no relation of the target: they are passed over.
        let Some(found) = meeting(&columns, &values, 1e-2 * TOLERANCE) else { continue };
        let mut terms: Vec<((usize, bool), f64)> =
            found.chosen.iter().map(|at| taken[*at]).zip(found.coefficients.iter().map(|c| -c)).collect();
        terms.push((next, 1.0));
        let (below, above): (Vec<_>, Vec<_>) =
            terms.into_iter().partition(|((_, times_target), _)| *times_target);
        if below.is_empty() || above.is_empty() {
            continue;
        }
        let mut denominator: Vec<(usize, f64)> =
            below.into_iter().map(|((place, _), c)| (place, c)).collect();
        denominator.sort_by_key(|(place, _)| *place);
        let scale = denominator[0].1;
        denominator.iter_mut().for_each(|(_, c)| *c /= scale);
        let numerator = above.into_iter().map(|((place, _), c)| (place, -c / scale)).collect();
        return Some(Quotient { numerator, denominator });
    }
    None
}

impl Quotient {
    /// The denominator as an expression whose first coefficient is 1, with constants numbered from `first`, and their
    /// values.
    fn below(&self, monomials: &[Feature], first: usize) -> (Expression, Vec<f64>) {
        let term = |place: usize| monomials[place].expression.clone();
        let lead = term(self.denominator[0].0);
        let rest = self.denominator[1..].iter().enumerate();
        let rest = rest.map(|(at, (place, _))| constant(first + at) * term(*place));
        let values = self.denominator[1..].iter().map(|(_, c)| *c).collect();
        (Expression::sum([lead].into_iter().chain(rest)), values)
    }

    fn denominator_at(&self, monomials: &[Feature]) -> Vec<f64> {
        let mut values = vec![0.0; monomials[0].values.len()];
        for (place, c) in &self.denominator {
            values.iter_mut().zip(&monomials[*place].values).for_each(|(value, m)| *value += c * m);
        }
        values
    }
}

fn offer(search: &mut Search<'_>, view: &View<'_>, monomials: &[Feature], quotient: &Quotient, steps: usize) {
    let terms = quotient.numerator.iter().map(|(place, _)| &monomials[*place].expression);
    let above = sum(terms, 0);
    let mut values: Vec<f64> = quotient.numerator.iter().map(|(_, c)| *c).collect();
    let (below, more) = quotient.below(monomials, values.len());
    values.extend(more);
    view.offer(search, above / below, &values, steps);
}

/// Where the numerator of a squared target is a square, its root is a polynomial with a sign.
fn root(search: &mut Search<'_>, view: &View<'_>, monomials: &[Feature], quotient: &Quotient) {
    let below = quotient.denominator_at(monomials);
    let sign = moments(&below).0.signum();
    let y: Vec<f64> = view.problem.y.iter().map(|y| if view.turned { -y } else { *y }).collect();
    let scaled: Vec<f64> =
        y.iter().zip(&below).map(|(y, below)| y * (sign * below).max(0.0).sqrt()).collect();
    let Some(Sparse { chosen, coefficients }) = meeting(monomials, &scaled, TOLERANCE) else { return };
    let above = sum(chosen.iter().map(|at| &monomials[*at].expression), 0);
    let (denominator, more) = quotient.below(monomials, coefficients.len());
    let values: Vec<f64> = coefficients.into_iter().chain(more).collect();
    let denominator = Expression::real(sign) * denominator;
    let y = above * denominator.power(Expression::ratio(-1, 2));
    search.offer(view.problem.law(if view.turned { -y } else { y }), &values, 20);
}

/// Quotients of noisy data.
pub(super) fn noisy(search: &mut Search<'_>, view: &View<'_>) {
    let variables = view.problem.columns.len();
    let (above, below) = match variables {
        1..=3 => (3, 2),
        4 => (2, 2),
        _ => (2, 1),
    };
    let (above, below) = (features(view, above), exponents(variables, below));
    let below: Vec<Feature> =
        below.iter().map(|one| monomial(&view.problem.columns, &view.problem.parts, one)).collect();
    if (above.len() + below.len()) * 5 > view.target.len() {
        return;
    }
    let weights = view.weights();
    for fixed in 0..below.len() {
        if search.done() {
            return;
        }
        search.spend_regression(above.len() + below.len(), 6 * view.target.len());
        one_noisy(search, view, &above, &below, fixed, &weights);
    }
}

fn one_noisy(
    search: &mut Search<'_>,
    view: &View<'_>,
    above: &[Feature],
    below: &[Feature],
    fixed: usize,
    weights: &[f64],
) {
    let others: Vec<usize> = (0..below.len()).filter(|place| *place != fixed).collect();
    let products = others.iter().map(|place| times(&below[*place].values, &view.target));
    let columns: Vec<Vec<f64>> = above.iter().map(|one| one.values.clone()).chain(products).collect();
    let right = times(&below[fixed].values, &view.target);
    let lead: Vec<f64> = below[fixed].values.iter().map(|value| value.abs()).collect();
    let least = 1e-9 * median(&lead);
    let mut divided: Vec<f64> = weights.iter().zip(&lead).map(|(w, lead)| w / lead.max(least)).collect();
    for pass in 0..2 {
        let weighted: Vec<Vec<f64>> = columns.iter().map(|column| times(column, &divided)).collect();
        let Some(found) = significant(&weighted, &times(&right, &divided)) else { return };
        if found.chosen.len() > TERMS {
            return;
        }
        let (numerator, rest): (Vec<_>, Vec<_>) =
            found.chosen.iter().copied().zip(found.coefficients).partition(|(at, _)| *at < above.len());
        if numerator.is_empty() || rest.is_empty() {
            return;
        }
        // Terms of the denominator follow those of the numerator in one list of monomials.
        let all: Vec<Feature> = above.iter().chain(below).cloned().collect();
        let place = |at: usize| above.len() + others[at - above.len()];
        let lead = (above.len() + fixed, 1.0);
        let denominator = [lead].into_iter().chain(rest.into_iter().map(|(at, c)| (place(at), -c))).collect();
        let quotient = Quotient { numerator, denominator };
        if pass == 1 {
            offer(search, view, &all, &quotient, 25);
        }
        let values = quotient.denominator_at(&all);
        let least = 0.05 * median(&values.iter().map(|value| value.abs()).collect::<Vec<_>>());
        divided = weights.iter().zip(&values).map(|(w, below)| w / below.abs().max(least)).collect();
    }
}
