//! Chains of edges: where a hidden node has one edge into it, only what the edges before and behind it do together matters,
//! and a fit has split that in any way. So the first becomes a line, and those behind it take over what it did.

use super::refit::Observations;
use crate::edge::received;
use crate::edge_formula::{EdgeFormula, units_of};
use crate::expression::Expression;
use kanode_network::{EdgeId, Network, NetworkError};
use kanode_spline::{Knots, project};
use std::sync::Arc;

/// Room at each end of the new grid, as a part of half of what arrives there.
const ROOM: f64 = 0.1;

/// The network without chains of splines, as far as splines on the same number of intervals can say what two did.
pub(super) fn straightened(
    network: &Network<f64>,
    rows: &Observations,
) -> Result<Network<f64>, NetworkError> {
    let mut network = network.clone();
    for layer in 0..network.program().layers().len() - 1 {
        let shape = network.program().layers()[layer].clone();
        for to in 0..shape.sum_nodes() {
            let mut into =
                (0..shape.inputs).filter(|from| !network.is_pruned(layer, from * shape.outputs + to));
            if let (Some(from), None) = (into.next(), into.next()) {
                network = straight(network, EdgeId { layer, from, to }, rows)?;
            }
        }
    }
    Ok(network)
}

/// The network with a line on the one edge into a node, if that edge and all behind the node are splines.
fn straight(network: Network<f64>, edge: EdgeId, rows: &Observations) -> Result<Network<f64>, NetworkError> {
    let next = edge.layer + 1;
    let behind = network.program().layers()[next].clone();
    let numbers = (0..behind.outputs).map(|sum| edge.to * behind.outputs + sum);
    let there: Vec<usize> = numbers.filter(|number| !network.is_pruned(next, *number)).collect();
    let sums = network.program().layers()[edge.layer].outputs;
    let splines = network.is_spline(edge.layer, edge.from * sums + edge.to)
        && there.iter().all(|number| network.is_spline(next, *number));
    let values = received(&network, edge, &rows.x)?;
    let (low, high) =
        values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), x| (low.min(*x), high.max(*x)));
    let (middle, half) = (0.5 * (low + high), 0.5 * (high - low));
    if !(splines && half > 0.0 && half.is_finite()) {
        return Ok(network);
    }
    // What arrives at the node is now x scaled to [−1, 1].
    let ((mean, scale), _) = units_of(&network, edge);
    let slope = Expression::real(1.0 / (half * scale));
    let line = slope * (Expression::variable("x") - Expression::real(mean + scale * middle));
    let old = network.clone();
    let (formula, constants) = EdgeFormula::on(&network, edge, &line, true)?;
    let mut network = network.with_function(edge, Arc::new(formula), &constants)?;
    let specification = network.specification();
    let knots = Knots::uniform(
        -1.0 - ROOM,
        1.0 + ROOM,
        specification.grid,
        specification.degree,
        specification.knots,
    );
    let knots = knots.map_err(|source| NetworkError::Spline { layer: next, input: edge.to, source })?;
    let mut all = network.knots()[next].clone();
    all[edge.to] = knots;
    network.set_knots(next, all)?;
    let table = Arc::clone(&network.program().layers()[next].splines[edge.to]);
    for number in there {
        let sum = number % behind.outputs;
        let both = |u: f64| -> Result<f64, NetworkError> {
            let inner = old.edge_curve(edge.layer, edge.from, edge.to, &[middle + half * u])?;
            Ok(old.edge_curve(next, edge.to, sum, &inner)?[0])
        };
        let points = project(&table, |u| both(u).unwrap_or(f64::NAN));
        let Some(views) = network.views_mut(next) else { continue };
        let bases = behind.bases();
        views.control_points[number * bases..][..bases].copy_from_slice(&points);
        (views.base_weight[number], views.spline_weight[number]) = (0.0, 1.0);
    }
    Ok(network)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::distil::refit::predictions;
    use kanode_network::{Removal, Specification};

    #[test]
    fn a_straightened_network_computes_the_same_as_nearly_as_its_grid_allows() {
        let specification =
            Specification { domain: Some([-1.0, 1.0]), grid: 4, ..Specification::of(&[2, 2, 1]) };
        let network = Network::<f64>::new(specification).unwrap();
        let x: Vec<f64> = (0..200).map(|at| 2.0 * (f64::from(at) * 0.618).fract() - 1.0).collect();
        // The first hidden node keeps the edge of the first input alone.
        let edges = vec![EdgeId { layer: 0, from: 1, to: 0 }];
        let mut network = network.prune(&x, &Removal { edges, ..Removal::default() }).unwrap();
        network.refine(40).unwrap();
        let rows = Observations { y: vec![0.0; 100], roots: vec![0.1; 100], output: 0, x };
        let straight = straightened(&network, &rows).unwrap();
        let is_line = |layer, from, to| EdgeFormula::of(&straight, EdgeId { layer, from, to }).is_some();
        assert!(is_line(0, 0, 0) && !is_line(0, 0, 1) && !is_line(1, 0, 0) && !is_line(2, 0, 0));
        let (before, after) = (predictions(&network, &rows), predictions(&straight, &rows));
        let spread = before.iter().fold(0.0_f64, |most, value| most.max((value - before[0]).abs()));
        for (before, after) in before.iter().zip(after) {
            assert!((before - after).abs() < 1e-2 * spread, "{before} {after}");
        }
    }
}
