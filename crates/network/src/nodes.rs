//! Nodes, of which a network has one layer more than of edges, and how they come from sums.

use kanode_engine::{Layer, LayerViews, Real};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// A node, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NodeId {
    /// Index of the layer of nodes; 0 are the inputs.
    pub layer: usize,
    /// Index of the node. Sum nodes come first, then product nodes.
    pub node: usize,
}

/// The sums of each node that a layer of edges leads to: one for a sum node, the factors of a product node.
pub(crate) fn sums_of_nodes(layer: &Layer) -> Vec<Range<usize>> {
    (0..layer.sum_nodes()).map(|sum| sum..sum + 1).chain(layer.factors()).collect()
}

/// What the nodes behind a layer receive, `[rows, nodes]`, if those before it have `x: [rows, inputs]`.
pub(crate) fn forward<T: Real>(layer: &Layer, views: &LayerViews<'_, T>, x: &[f64]) -> Vec<f64> {
    let (outputs, bases) = (layer.outputs, layer.bases());
    let nodes = sums_of_nodes(layer);
    let mut weights = vec![0.0; layer.degree() + 1];
    let mut sums = vec![0.0; outputs];
    let mut result = Vec::with_capacity(x.len() / layer.inputs * nodes.len());
    for row in x.chunks_exact(layer.inputs) {
        sums.fill(0.0);
        for (input, x) in row.iter().enumerate() {
            let first = layer.splines[input].weights(*x, &mut weights);
            let base = layer.base.evaluate(*x).0;
            for (output, sum) in sums.iter_mut().enumerate() {
                let edge = input * outputs + output;
                let points = &views.control_points[edge * bases + first..];
                let spline: f64 = weights.iter().zip(points).map(|(w, p)| w * p.to_f64()).sum();
                *sum += views.base_weight[edge].to_f64() * base + views.spline_weight[edge].to_f64() * spline;
            }
        }
        for (function, constants) in layer.functions() {
            let constants: Vec<f64> = views.constants[constants].iter().map(|c| c.to_f64()).collect();
            let mut value = vec![0.0; 1 + constants.len()];
            function.function.evaluate(&constants, row[function.edge / outputs], &mut value);
            sums[function.edge % outputs] += value[0];
        }
        result.extend(nodes.iter().map(|node| sums[node.clone()].iter().product::<f64>()));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Network, Specification};
    use kanode_engine::Compile;
    use kanode_engine::reference::Reference;

    #[test]
    fn layer_after_layer_gives_what_the_reference_backend_gives() {
        let specification =
            Specification { products: vec![vec![2, 3], vec![2]], ..Specification::of(&[2, 4, 2]) };
        let network = Network::<f64>::new(specification).unwrap();
        let x: Vec<f64> = (0..40).map(|i| f64::from(i * 17 % 41) / 10.0 - 2.0).collect();
        let program = network.program();
        let mut values = x.clone();
        for (layer, range) in program.layers().iter().zip(program.ranges()) {
            values = forward(layer, &layer.views(&network.parameters()[range]), &values);
        }
        let mut expected = vec![0.0; 40];
        let mut executor = Compile::<f64>::compile(&Reference, program).unwrap();
        executor.predict(network.parameters(), &x, &mut expected).unwrap();
        for (found, expected) in values.iter().zip(&expected) {
            assert!((found - expected).abs() < 1e-13, "{found} {expected}");
        }
    }

    #[test]
    fn sum_nodes_come_first_and_then_products_of_the_following_sums() {
        let specification = Specification { products: vec![vec![2, 3]], ..Specification::of(&[1, 4]) };
        let network = Network::<f64>::new(specification).unwrap();
        assert_eq!(sums_of_nodes(&network.program().layers()[0]), [0..1, 1..2, 2..4, 4..7]);
    }
}
