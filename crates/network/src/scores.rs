//! How much each edge and each node has a part in the outputs, on given data.

use crate::error::NetworkError;
use crate::network::Network;
use crate::nodes::sums_of_nodes;
use crate::prune::Removal;
use kanode_engine::Real;
use kanode_trace::{LayerMoments, moments};
use serde::Serialize;

/// Deviation, as a part of the mean absolute value, that rounding alone may give a constant.
const ROUNDING: f64 = 1e-13;

/// Parts in the outputs, from 0 to 1; with product nodes they may exceed 1, because a part in each factor counts.
///
/// The score of an output is 1. Edges into the same sum share the score of its node in proportion to the standard
/// deviations of what they give; all factors of a product node have its score. The score of a node is the sum of the
/// scores of its outgoing edges; where these are the edges into the outputs, it is divided by the number of outputs and
/// so the mean of its shares in them. So scores depend neither on the number of outputs nor on scales within the
/// network.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Scores {
    /// `[layer][input·O + sum]`; 0 for pruned edges.
    pub edges: Vec<Vec<f64>>,
    /// `[node layer][node]`; the first are the inputs, the last the outputs.
    pub nodes: Vec<Vec<f64>>,
}

impl<T: Real> Network<T> {
    /// Scores on the rows `x: [rows, inputs]`, in the network's units.
    ///
    /// # Errors
    /// [`NetworkError::Length`] if `x` is no whole number of rows, at least 1.
    pub fn scores(&self, x: &[f64]) -> Result<Scores, NetworkError> {
        let moments = self.edge_moments(x)?;
        let shapes = self.program().layers();
        let mut edges = vec![Vec::new(); shapes.len()];
        let mut nodes = vec![vec![1.0; self.outputs()]];
        for (index, (shape, moments)) in shapes.iter().zip(&moments).enumerate().rev() {
            let mut of_sums = vec![0.0; shape.outputs];
            for (range, score) in sums_of_nodes(shape).into_iter().zip(&nodes[0]) {
                of_sums[range].fill(*score);
            }
            let of_sum = |of_edges: &[f64], sum: usize| -> f64 {
                of_edges.iter().skip(sum).step_by(shape.outputs).sum()
            };
            let mut scores = vec![0.0; shape.edges()];
            for (sum, score) in of_sums.iter().enumerate() {
                let total = of_sum(&moments.deviation, sum);
                // Edges that are all constant, or have overflowed, share nothing.
                if total > ROUNDING * of_sum(&moments.mean_absolute, sum) && total.is_finite() {
                    for edge in (sum..shape.edges()).step_by(shape.outputs) {
                        scores[edge] = score * (moments.deviation[edge] / total);
                    }
                }
            }
            let divisor = if index + 1 == shapes.len() { self.outputs() as f64 } else { 1.0 };
            let of_node = |edges: &[f64]| edges.iter().sum::<f64>() / divisor;
            nodes.insert(0, scores.chunks(shape.outputs).map(of_node).collect());
            edges[index] = scores;
        }
        Ok(Scores { edges, nodes })
    }

    /// The mean of each edge over the rows `x: [rows, inputs]`, in the network's units: `[layer][input·O + sum]`.
    ///
    /// # Errors
    /// As [`Network::scores`].
    pub fn edge_means(&self, x: &[f64]) -> Result<Vec<Vec<f64>>, NetworkError> {
        Ok(self.edge_moments(x)?.into_iter().map(|moments| moments.mean).collect())
    }

    /// As [`Network::without`], with the means over the rows `x: [rows, inputs]`, in the network's units.
    ///
    /// # Errors
    /// As [`Network::without`] and [`Network::scores`].
    pub fn prune(&self, x: &[f64], removal: &Removal) -> Result<Self, NetworkError> {
        self.without(removal, &self.edge_means(x)?)
    }

    fn edge_moments(&self, x: &[f64]) -> Result<Vec<LayerMoments>, NetworkError> {
        self.check_rows(x)?;
        let packing = self.packing();
        Ok(moments(self.program(), &packing, &packing.pack(self.parameters()), x))
    }
}

#[cfg(test)]
mod tests;
