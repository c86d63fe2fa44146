//! Problems of one variable: families of functions for the transformed target, of the variable, its square and its
//! inverse, and with powers of the variable taken out.

use super::dictionary::{evaluated, locals};
use super::features::{constant, sum};
use super::freed::freed;
use super::problem::{Problem, View, usable};
use super::search::Search;
use super::subsets::Gram;
use super::transform::Transform;
use crate::expression::{Expression, Function};
use crate::families::Family;
use crate::fit::least_squares::regress;
use crate::fit::{Curve, Noise, suggest};
use crate::model::Model;
use crate::sample::range;
use std::collections::HashMap;

/// Nodes of a curve.
const NODES: usize = 160;
/// Multiplications that fitting all families takes.
const WORK: f64 = 4e7;

/// Fits families to the transformed target.
pub(super) fn families(search: &mut Search<'_>, view: &View<'_>, families: &[Box<dyn Family>], deep: bool) {
    for power in if deep { vec![1, 2, -1] } else { vec![1] } {
        explain(search, view, view.problem, families, power, if search.noisy { 6 } else { 3 });
    }
}

/// Fits families to the transform of the target times a power of the variable.
pub(super) fn families_of_products(
    search: &mut Search<'_>,
    problem: &Problem,
    transform: Transform,
    families: &[Box<dyn Family>],
) {
    for power in [-3, -2, -1, 1, 2, 3] {
        if search.done() {
            return;
        }
        let part = &problem.parts[0];
        let y: Vec<f64> = problem.y.iter().zip(&problem.columns[0]).map(|(y, x)| y * x.powi(power)).collect();
        if !usable(&y) {
            continue;
        }
        let mut scaled = Problem { y, ..problem.clone() };
        scaled.outer.push(part.clone().powi(i64::from(-power)));
        let Some(view) = View::new(&scaled, transform, search.noisy) else { continue };
        for inner in [1, -1] {
            explain(search, &view, &scaled, families, inner, if search.noisy { 3 } else { 2 });
        }
    }
}

/// Offers the best few families of a power of the variable.
fn explain(
    search: &mut Search<'_>,
    view: &View<'_>,
    problem: &Problem,
    families: &[Box<dyn Family>],
    power: i32,
    count: usize,
) {
    if search.done() {
        return;
    }
    let x: Vec<f64> = problem.columns[0].iter().map(|x| x.powi(power)).collect();
    let thin = |values: &[f64]| -> Vec<f64> {
        let rows = values.len();
        let nodes = rows.min(NODES);
        (0..nodes).map(|at| values[at * rows / nodes]).collect()
    };
    let (x, y) = (thin(&x), thin(&view.target));
    let Ok(curve) = Curve::new(&x, &y) else { return };
    search.spend(WORK * x.len() as f64 / NODES as f64);
    let floor = if search.noisy { 1e-9 } else { 1e-22 };
    let noise = Noise { floor, observations: x.len() as f64 };
    let argument = HashMap::from([("x", problem.parts[0].clone().powi(power.into()))]);
    for fit in suggest(&curve, families, noise).into_iter().take(count) {
        let model = Model::of(&fit.expression);
        let values: Vec<f64> = model.constants().iter().map(|constant| constant.value).collect();
        let g: Expression = model.skeleton().substitute(&argument);
        view.offer(search, g, &values, 30);
        if search.done() {
            return;
        }
    }
}

/// Waves and decays in a sum, for half the range.
const FREQUENCIES: usize = 40;
const RATES: [f64; 8] = [0.2, 0.4, 0.7, 1.1, 1.7, 2.5, 4.0, 6.0];
/// Sums of each size whose constants are fitted.
const SUMS: usize = 4;

/// Sums of a few waves and decays, with all their constants fitted.
pub(super) fn waves(search: &mut Search<'_>, view: &View<'_>) {
    let problem = view.problem;
    let (names, variables) = locals(problem);
    let (low, high) = range(&problem.columns[0]);
    let scaled = |factor: f64| Expression::real(factor / (0.5 * (high - low))) * variables[0].clone();
    let decays = RATES.iter().flat_map(|rate| [*rate, -rate]).map(|rate| scaled(rate).call(Function::Exp));
    let waves = (1..=FREQUENCIES).flat_map(|step| {
        let argument = scaled(0.5 * step as f64);
        [Function::Sin, Function::Cos].map(|function| argument.clone().call(function))
    });
    let local: Vec<Expression> = decays.chain(waves).chain([variables[0].clone()]).collect();
    let (terms, _) = evaluated(problem, &names, &local, &local);
    let columns: Vec<&[f64]> = terms.iter().map(|term| term.values.as_slice()).collect();
    search.spend((columns.len() * columns.len() * (problem.rows() / 2 + 20)) as f64);
    let subsets = Gram::of(&columns).subsets(&view.target, 4, 40);
    let of_size = |size: usize| subsets.iter().filter(move |subset| subset.terms.len() == size).take(SUMS);
    for subset in (2..=4).flat_map(of_size) {
        if search.done() {
            return;
        }
        let one = vec![1.0; view.target.len()];
        let chosen: Vec<&[f64]> =
            subset.terms.iter().map(|at| columns[*at]).chain([one.as_slice()]).collect();
        let Some(found) = regress(&chosen, &view.target) else { continue };
        let expressions: Vec<Expression> =
            subset.terms.iter().map(|at| terms[*at].expression.clone()).collect();
        let mut values = found.coefficients;
        let law = sum(&expressions, 0) + constant(expressions.len());
        let law = freed(&law, &mut values);
        view.offer(search, law, &values, 60);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::View;
    use super::super::testing::found;
    use super::super::transform::Transform;

    #[test]
    fn sums_of_decays_are_found() {
        for text in ["0.94*exp(-0.22*x) + 1.31*exp(-1.17*x) + 1.4", "2.19*exp(-1.08*x) + 0.93*exp(-0.4*x)"] {
            found(text, &[(0.0, 4.0)], 200, |search, problem| {
                super::waves(search, &View::new(problem, Transform::Identity, false).unwrap());
            });
        }
    }
}
