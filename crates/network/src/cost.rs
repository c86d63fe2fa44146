//! What a network costs: the formulas of the tutorial slides, so that a reader can check them, beside what kanode
//! needs itself.

use crate::network::Network;
use kanode_engine::{Layer, Real};
use serde::Serialize;
use std::collections::HashSet;
use std::sync::Arc;

/// Counts for a layer or a whole network, cut off at the largest `u64`. `B` is the batch, `I` and `O` the inputs and
/// outputs of a layer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Figures {
    /// Parameters, `I·O·(2 + G + k)` (slides, "Parameter Complexity").
    pub parameters: u64,
    /// Parameters of a fully connected layer, `O·(I + 1)` (same slide).
    pub fully_connected_parameters: u64,
    /// Numbers held in training, `I(1+G+k)B + I(G+k-1)B + IO(2+G+k)` (slides, "Memory Footprint (Training)").
    pub memory: u64,
    /// The same of a fully connected layer, `OB + OB + O(I+1)` (same slide).
    pub fully_connected_memory: u64,
    /// Bytes that kanode holds for the loss and gradient of a batch on the CPU, to a fifth and but for a few
    /// megabytes of work space that does not grow with the batch: parameters and gradient, each also packed for the
    /// kernels; knot tables; the inputs of each layer. For a network also its outputs and the derivatives on their
    /// way back, three times the widest layer behind the first. Nothing is of size `I·(G+k)·B`, because basis
    /// functions are recomputed. Less where a batch goes through the network in parts, as it does in networks whose
    /// layers have fewer than 8 outputs, and beyond 16 million nodes times rows. What an optimiser remembers is not
    /// included: one or two slabs of parameters for most, 20 for L-BFGS with a history of 10.
    pub bytes: u64,
}

/// What one layer costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LayerCost {
    /// `I`.
    pub inputs: usize,
    /// `O`, the number of sums: product nodes count as often as they have factors.
    pub outputs: usize,
    /// The counts.
    #[serde(flatten)]
    pub figures: Figures,
}

/// What a network costs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Cost {
    /// Rows of a batch, `B`.
    pub batch: usize,
    /// Each layer.
    pub layers: Vec<LayerCost>,
    /// All layers together.
    pub total: Figures,
}

impl<T: Real> Network<T> {
    /// What the network costs with batches of `batch` rows.
    pub fn cost(&self, batch: usize) -> Cost {
        let layers: Vec<LayerCost> =
            self.program().layers().iter().map(|layer| layer_cost::<T>(layer, batch)).collect();
        let mut total = layers.iter().fold(Figures::default(), |sum, layer| sum.plus(layer.figures));
        let widest = self.program().layers().iter().map(|layer| layer.outputs).max().unwrap_or(0);
        let nodes = widest.saturating_add(self.outputs());
        total.bytes = total.bytes.saturating_add(product(&[3, nodes, batch, size_of::<T>()]));
        Cost { batch, layers, total }
    }
}

impl Figures {
    fn plus(self, other: Self) -> Self {
        Self {
            parameters: self.parameters.saturating_add(other.parameters),
            fully_connected_parameters: self
                .fully_connected_parameters
                .saturating_add(other.fully_connected_parameters),
            memory: self.memory.saturating_add(other.memory),
            fully_connected_memory: self.fully_connected_memory.saturating_add(other.fully_connected_memory),
            bytes: self.bytes.saturating_add(other.bytes),
        }
    }
}

fn layer_cost<T: Real>(layer: &Layer, batch: usize) -> LayerCost {
    let (inputs, outputs, bases) = (layer.inputs, layer.outputs, layer.bases());
    let parameters = product(&[inputs, outputs, 2 + bases]);
    let fully_connected_parameters = product(&[outputs]).saturating_add(product(&[outputs, inputs]));
    let memory =
        sum(&[product(&[inputs, 1 + bases, batch]), product(&[inputs, bases - 1, batch]), parameters]);
    let fully_connected_memory = product(&[2, outputs, batch]).saturating_add(fully_connected_parameters);
    // Factors are kept beside their products.
    let factors = if layer.products.is_empty() { 0 } else { outputs };
    let activations = product(&[inputs.saturating_add(factors), batch, size_of::<T>()]);
    let bytes =
        sum(&[product(&[4, size_of::<T>()]).saturating_mul(parameters), activations, table_bytes(layer)]);
    let figures = Figures { parameters, fully_connected_parameters, memory, fully_connected_memory, bytes };
    LayerCost { inputs, outputs, figures }
}

/// Bytes of the distinct knot tables of a layer: the start, origin, width and row of each cell, and its polynomials.
fn table_bytes(layer: &Layer) -> u64 {
    let mut seen = HashSet::new();
    let distinct = layer.splines.iter().filter(|table| seen.insert(Arc::as_ptr(table)));
    let bytes = distinct.map(|table| {
        let order = table.degree() + 1;
        product(&[table.cell_count(), order * order + 4, size_of::<f64>()])
    });
    bytes.fold(0, u64::saturating_add)
}

fn product(factors: &[usize]) -> u64 {
    factors.iter().fold(1, |product: u64, factor| product.saturating_mul(*factor as u64))
}

fn sum(terms: &[u64]) -> u64 {
    terms.iter().copied().fold(0, u64::saturating_add)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Specification;

    fn cost(layers: &[usize], batch: usize) -> Cost {
        Network::<f64>::new(Specification::of(layers)).unwrap().cost(batch)
    }

    #[test]
    fn figures_are_those_of_the_slides() {
        // KAN [2,5,1] with G = 5, k = 3, a batch of 100; the formulas of the slides by hand.
        let cost = cost(&[2, 5, 1], 100);
        let first = cost.layers[0].figures;
        assert_eq!(first.parameters, 2 * 5 * (2 + 5 + 3));
        assert_eq!(first.fully_connected_parameters, 5 * (2 + 1));
        assert_eq!(first.memory, 2 * 9 * 100 + 2 * 7 * 100 + 100);
        assert_eq!(first.fully_connected_memory, 500 + 500 + 15);
        assert_eq!(cost.total.parameters, 150);
        assert_eq!(cost.total.fully_connected_parameters, 15 + 6);
        assert_eq!(cost.total.memory, 3_300 + 5 * 9 * 100 + 5 * 7 * 100 + 50);
        assert_eq!(cost.total.fully_connected_memory, 1_015 + 100 + 100 + 6);
    }

    #[test]
    fn bytes_are_those_of_slabs_activations_and_tables() {
        let cost = cost(&[2, 5, 1], 100);
        // Seven cells of 16 coefficients and 4 numbers for each layer, whose inputs share their knots.
        let table = 7 * (16 + 4) * 8;
        assert_eq!(cost.layers[0].figures.bytes, 4 * 100 * 8 + 2 * 100 * 8 + table);
        let back = 3 * (5 + 1) * 100 * 8;
        assert_eq!(cost.total.bytes, cost.layers[0].figures.bytes + cost.layers[1].figures.bytes + back);
    }

    #[test]
    fn bytes_do_not_grow_with_grid_times_batch() {
        let bytes = |grid, batch| {
            let specification = Specification { grid, ..Specification::of(&[10, 10]) };
            Network::<f32>::new(specification).unwrap().cost(batch).total.bytes
        };
        assert_eq!(bytes(5, 1_000) - bytes(5, 0), bytes(200, 1_000) - bytes(200, 0));
    }

    #[test]
    fn an_absurd_batch_is_cut_off() {
        let cost = cost(&[2, 5, 1], usize::MAX);
        assert_eq!((cost.total.memory, cost.total.bytes), (u64::MAX, u64::MAX));
    }

    #[test]
    fn json_is_flat_and_camel_case() {
        let json = serde_json::to_value(cost(&[2, 1], 1)).unwrap();
        assert_eq!(json["layers"][0]["fullyConnectedParameters"], 3);
        assert_eq!(json["layers"][0]["inputs"], 2);
        assert_eq!(json["total"]["parameters"], 20);
    }
}
