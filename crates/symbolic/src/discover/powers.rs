//! Products of factors, found as sums of their logarithms: powers of variables of any sign, and products of several
//! functions, which no sum of a few terms reaches.

use super::dictionary::{evaluated, locals};
use super::features::constant;
use super::freed::freed;
use super::problem::{Problem, moments};
use super::search::Search;
use super::subsets::{Gram, Subset};
use crate::expression::{Expression, Function, Node};
use crate::fit::least_squares::regress;

/// Rows that are looked at.
const ROWS: usize = 500;
/// Most factors besides a constant.
const FACTORS: usize = 6;
/// Part of the variance of the logarithm that a product may leave if its inner constants are to be fitted.
const PROMISING: f64 = 0.2;
/// How far exponents may be from halves.
const NEAR: f64 = 0.05;
/// Products that are carried on to one factor more: single factors explain little of a logarithm.
const BEAM: usize = 300;
/// Most inner constants that are fitted.
const CONSTANTS: usize = 10;

/// The powers of all variables, from `log|y| = c + Σ kᵢ·log|xᵢ|`.
pub(super) fn monomial(search: &mut Search<'_>, problem: &Problem) {
    let few = problem.thinned(ROWS);
    let columns: Vec<Vec<f64>> = few.columns.iter().map(|column| logarithms(column)).collect();
    let target = logarithms(&few.y);
    let rows: Vec<usize> = (0..target.len())
        .filter(|row| target[*row].is_finite() && columns.iter().all(|c| c[*row].is_finite()))
        .collect();
    if rows.len() < 2 * columns.len() + 3 {
        return;
    }
    // Errors of log|y| are errors of y over y.
    let noisy = search.noisy;
    let weight = |row: &usize| if noisy { few.y[*row].abs() } else { 1.0 };
    let pick =
        |column: &Vec<f64>| -> Vec<f64> { rows.iter().map(|row| weight(row) * column[*row]).collect() };
    let mut all: Vec<Vec<f64>> = columns.iter().map(pick).collect();
    all.push(rows.iter().map(weight).collect());
    search.spend_regression(all.len(), rows.len());
    let Some(found) = regress(&all, &pick(&target)) else { return };
    let exponents: Vec<f64> =
        found.coefficients[..columns.len()].iter().map(|k| (2.0 * k).round() / 2.0).collect();
    let whole = |at: usize| exponents[at].fract() == 0.0;
    let signed = |at: usize| few.columns[at].iter().any(|x| *x < 0.0);
    if (0..exponents.len()).any(|at| signed(at) && !whole(at)) {
        return;
    }
    let power = |at: usize| few.parts[at].clone().power(Expression::real(exponents[at]));
    let product = Expression::product((0..exponents.len()).map(power));
    let size = found.coefficients[columns.len()].exp();
    let scale = if moments(&few.y).0 < 0.0 { -size } else { size };
    search.offer(problem.law(constant(0) * product), &[scale], 10);
}

fn logarithms(values: &[f64]) -> Vec<f64> {
    values.iter().map(|value| value.abs().ln()).collect()
}

/// Products of several functions of one or two variables.
pub(super) fn functions(search: &mut Search<'_>, problem: &Problem) {
    let count = problem.columns.len();
    if count > 2 {
        return;
    }
    let few = problem.thinned(ROWS);
    let kept: Vec<usize> = (0..few.rows()).filter(|row| few.y[*row] != 0.0).collect();
    if kept.len() < 15 {
        return;
    }
    let pick = |values: &Vec<f64>| kept.iter().map(|row| values[*row]).collect::<Vec<f64>>();
    let few = Problem { columns: few.columns.iter().map(pick).collect(), y: pick(&few.y), ..few };
    let (names, variables) = locals(&few);
    let factors: Vec<Expression> = variables.iter().flat_map(|v| factors(v, count == 1)).collect();
    // exp(u) is the factor whose logarithm is u.
    let size = |factor: &Expression| factor.clone().call(Function::Abs).call(Function::Log);
    let sizes: Vec<Expression> = factors.iter().map(size).collect();
    let (terms, factors) = evaluated(&few, &names, &sizes, &factors);
    let columns: Vec<&[f64]> = terms.iter().map(|term| term.values.as_slice()).collect();
    if columns.is_empty() {
        return;
    }
    let target = logarithms(&few.y);
    search.spend((columns.len() * columns.len() * (few.rows() + 20)) as f64);
    let subsets = Gram::of(&columns).subsets(&target, FACTORS, BEAM);
    let offset = if moments(&few.y).0 < 0.0 { -1.0 } else { 1.0 };
    for (place, subset) in subsets.iter().filter(|subset| subset.error < PROMISING).take(12).enumerate() {
        if search.done() {
            return;
        }
        let Some((product, scale)) = product(&columns, &target, &factors, subset) else { continue };
        let law = constant(0) * product;
        search.offer(problem.law(law.clone()), &[offset * scale], 15);
        search.offer(problem.law(law.clone() + constant(1)), &[offset * scale, 0.0], 15);
        let mut values = vec![offset * scale];
        let free = freed(&law, &mut values);
        if place < 6 && values.len() <= CONSTANTS {
            search.offer(problem.law(free), &values, 40);
        }
    }
}

/// Factors of a variable: functions of small multiples of it and of its square, and what is zero where they are 1.
fn factors(v: &Expression, alone: bool) -> Vec<Expression> {
    let whole = Expression::integer;
    let mut arguments = vec![v.clone(), v.clone().powi(2)];
    if alone {
        arguments.extend([Expression::ratio(1, 2), whole(2), whole(3)].map(|scale| scale * v.clone()));
    }
    let mut factors = vec![v.clone()];
    for argument in arguments {
        let call = |function| argument.clone().call(function);
        let [sine, cosine, power] = [Function::Sin, Function::Cos, Function::Exp].map(call);
        factors.extend([call(Function::Log), call(Function::Tanh)]);
        for shift in [whole(1), whole(-1)] {
            let shifted = [&sine, &cosine, &power, &argument].map(|one| one.clone() + shift.clone());
            factors.extend(shifted);
        }
        factors.extend([sine, cosine, power]);
    }
    factors
}

/// The product of a subset, its exponents brought to halves, and its scale.
fn product(
    columns: &[&[f64]],
    target: &[f64],
    factors: &[Expression],
    subset: &Subset,
) -> Option<(Expression, f64)> {
    let one = vec![1.0; target.len()];
    let chosen: Vec<&[f64]> = subset.terms.iter().map(|at| columns[*at]).chain([one.as_slice()]).collect();
    let found = regress(&chosen, target)?;
    let (scale, exponents) = found.coefficients.split_last()?;
    let powers: Option<Vec<Expression>> = subset
        .terms
        .iter()
        .zip(exponents)
        .map(|(at, k)| {
            let half = (2.0 * k).round() / 2.0;
            let exact = matches!(factors[*at].node(), Node::Call(Function::Exp, _));
            let near = exact || ((k - half).abs() < NEAR && half != 0.0);
            near.then(|| factors[*at].clone().power(Expression::real(if exact { *k } else { half })))
        })
        .collect();
    Some((Expression::product(powers?), scale.exp()))
}

#[cfg(test)]
mod tests {
    use super::super::testing::found;

    #[test]
    fn powers_of_variables_of_both_signs_are_found() {
        found("2.5*x^3*y^-2*z^2", &[(-3.0, 3.0); 3], 300, super::monomial);
    }

    #[test]
    fn products_of_many_functions_are_found() {
        let text = "x^2*exp(-x/3)*tanh(x)*cos(2*x)*(sin(3*x) + 1)";
        found(text, &[(0.1, 10.0)], 200, super::functions);
    }
}
