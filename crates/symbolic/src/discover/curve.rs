//! Problems of one variable: families of functions for the transformed target, of the variable, its square and its
//! inverse, and with powers of the variable taken out.

use super::problem::{Problem, View, usable};
use super::search::Search;
use super::transform::Transform;
use crate::expression::Expression;
use crate::families::Family;
use crate::fit::{Curve, Noise, suggest};
use crate::model::Model;
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
