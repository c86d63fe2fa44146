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

/// Frequencies of a wave with something beside it, in a quarter of a radian for half the range.
const FINE: usize = 80;
/// Halvings of that step around the best.
const HALVINGS: usize = 14;
/// Zeros of an envelope, in halves of the range before its start.
const ZEROS: [f64; 4] = [0.1, 0.3, 1.0, 3.0];

/// A wave under an envelope, or beside a curve: its phase and all factors come from least squares, so that only its
/// frequency is scanned.
pub(super) fn waves_in_company(search: &mut Search<'_>, view: &View<'_>) {
    let problem = view.problem;
    let (names, variables) = locals(problem);
    let v = || variables[0].clone();
    let (low, high) = range(&problem.columns[0]);
    let half = 0.5 * (high - low);
    let shifted = ZEROS.map(|zero| v() + Expression::real(zero * half - low));
    let curves: Vec<Expression> = RATES
        .iter()
        .flat_map(|rate| [*rate, -rate])
        .map(|rate| (Expression::real(rate / half) * v()).call(Function::Exp))
        .chain(shifted.iter().map(|x| x.clone().call(Function::Log)))
        .chain([v(), v().powi(2), v().powi(-1)])
        .collect();
    let (curves, _) = evaluated(problem, &names, &curves, &curves);
    let rows = view.target.len();
    let one = vec![1.0; rows];
    search.spend((curves.len() * 2 * (FINE + 2 * HALVINGS) * 20 * rows) as f64);
    let mut found: Vec<(f64, Expression, Vec<f64>)> = Vec::new();
    for curve in &curves {
        for is_envelope in [true, false] {
            let fitted = |frequency: f64| -> Option<(f64, f64, Vec<f64>)> {
                let wave = |of: fn(f64) -> f64| -> Vec<f64> {
                    let values = problem.columns[0].iter().map(|x| of(frequency * x));
                    if is_envelope {
                        values.zip(&curve.values).map(|(wave, curve)| wave * curve).collect()
                    } else {
                        values.collect()
                    }
                };
                let (sine, cosine) = (wave(f64::sin), wave(f64::cos));
                let mut columns: Vec<&[f64]> = vec![&sine, &cosine, &one];
                if !is_envelope {
                    columns.push(&curve.values);
                }
                let fit = regress(&columns, &view.target)?;
                Some((fit.error, frequency, fit.coefficients))
            };
            let least = |list: &mut dyn Iterator<Item = f64>| {
                list.filter_map(&fitted).min_by(|a, b| a.0.total_cmp(&b.0))
            };
            let mut step = 0.25 / half;
            let Some(mut best) = least(&mut (1..=FINE).map(|at| at as f64 * step)) else { continue };
            // Else a curve that makes up for a wrong frequency is ahead of the right one.
            for _ in 0..HALVINGS {
                step *= 0.5;
                let near = least(&mut [best.1 - step, best.1 + step].into_iter());
                best = near.filter(|near| near.0 < best.0).unwrap_or(best);
            }
            let (error, frequency, c) = best;
            let mut values = vec![c[0].hypot(c[1]), frequency, c[1].atan2(c[0]), c[2]];
            let argument = constant(1) * problem.parts[0].clone() + constant(2);
            let wave = constant(0) * argument.call(Function::Sin);
            let law = if is_envelope {
                wave * freed(&curve.expression, &mut values) + constant(3)
            } else {
                values.push(c[3]);
                wave + constant(3) + constant(4) * freed(&curve.expression, &mut values)
            };
            found.push((error, law, values));
        }
    }
    found.sort_by(|a, b| a.0.total_cmp(&b.0));
    for (_, law, values) in found.into_iter().take(2 * SUMS) {
        if search.done() {
            return;
        }
        view.offer(search, law, &values, 60);
    }
}

#[cfg(test)]
mod tests {
    use super::super::problem::View;
    use super::super::testing::found;
    use super::super::transform::Transform;

    #[test]
    fn waves_under_envelopes_and_beside_curves_are_found() {
        for text in [
            "2.44*exp(-0.28*x)*cos(2.23*x + 1.15)",
            "2.89*cos(1.94*x + 1.21) + 0.58*x",
            "1.63*log(x + 1.8)*sin(2.71*x + 1.18)",
            "0.7*x^2 + 1.3*sin(4.3*x - 0.4)",
        ] {
            found(text, &[(0.0, 4.0)], 200, |search, problem| {
                super::waves_in_company(search, &View::new(problem, Transform::Identity, false).unwrap());
            });
        }
    }

    #[test]
    fn sums_of_decays_are_found() {
        for text in ["0.94*exp(-0.22*x) + 1.31*exp(-1.17*x) + 1.4", "2.19*exp(-1.08*x) + 0.93*exp(-0.4*x)"] {
            found(text, &[(0.0, 4.0)], 200, |search, problem| {
                super::waves(search, &View::new(problem, Transform::Identity, false).unwrap());
            });
        }
    }
}
