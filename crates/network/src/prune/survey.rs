//! What of a network survives a removal, and which constants the survivors have to take over.

use super::Removal;
use crate::error::NetworkError;
use crate::network::Network;
use crate::nodes::sums_of_nodes;
use kanode_engine::Real;

/// One layer of edges.
pub(super) struct LayerSurvey {
    /// Whether each edge stays a function of its input, `[input·O + sum]`.
    pub(super) kept: Vec<bool>,
    /// What each sum has to take over from edges that go.
    pub(super) constants: Vec<f64>,
    /// For a factor that survives as a constant: the input node whose edge is that constant.
    pub(super) anchors: Vec<Option<usize>>,
}

impl LayerSurvey {
    /// Whether an edge of a layer of `outputs` sums is there afterwards.
    pub(super) fn is_there(&self, edge: usize, outputs: usize) -> bool {
        self.kept[edge] || self.anchors[edge % outputs] == Some(edge / outputs)
    }
}

/// Everything that survives.
pub(super) struct Survey {
    pub(super) layers: Vec<LayerSurvey>,
    /// The nodes that survive, for each layer of nodes.
    pub(super) nodes: Vec<Vec<usize>>,
    /// The sums that survive, for each layer of edges.
    pub(super) sums: Vec<Vec<usize>>,
}

impl Survey {
    pub(super) fn new<T: Real>(
        network: &Network<T>,
        removal: &Removal,
        means: &[Vec<f64>],
    ) -> Result<Self, NetworkError> {
        let shapes = network.program().layers();
        let layers = shapes.iter().enumerate().map(|(layer, shape)| LayerSurvey {
            kept: network.pruned_in_layer(layer).iter().map(|pruned| !pruned).collect(),
            constants: vec![0.0; shape.outputs],
            anchors: vec![None; shape.outputs],
        });
        let nodes = network.specification().layers.iter().map(|nodes| (0..*nodes).collect());
        let sums = shapes.iter().map(|shape| (0..shape.outputs).collect());
        let mut survey = Self { layers: layers.collect(), nodes: nodes.collect(), sums: sums.collect() };
        survey.remove(network, removal, means)?;
        survey.spread_constants(network)?;
        survey.drop_dead_ends(network);
        Ok(survey)
    }

    /// Whether a sum of the layer of edges that leads to node layer `nodes` survives.
    pub(super) fn survives(&self, nodes: usize, sum: usize) -> bool {
        self.sums[nodes - 1].binary_search(&sum).is_ok()
    }

    /// Replaces an edge by a constant.
    fn replace(&mut self, layer: usize, edge: usize, sums: usize, constant: f64) {
        let layer = &mut self.layers[layer];
        if std::mem::replace(&mut layer.kept[edge], false) {
            layer.constants[edge % sums] += constant;
        }
    }

    fn remove<T: Real>(
        &mut self,
        network: &Network<T>,
        removal: &Removal,
        means: &[Vec<f64>],
    ) -> Result<(), NetworkError> {
        let shapes = network.program().layers();
        for edge in &removal.edges {
            let (sums, layer) = (shapes[edge.layer].outputs, edge.layer);
            let edge = edge.from * sums + edge.to;
            self.replace(layer, edge, sums, means[layer][edge]);
        }
        let inputs = removal.inputs.iter().map(|input| (0, *input));
        for (layer, node) in removal.nodes.iter().map(|node| (node.layer, node.node)).chain(inputs) {
            let sums = shapes[layer].outputs;
            for sum in 0..sums {
                let edge = node * sums + sum;
                self.replace(layer, edge, sums, means[layer][edge]);
            }
        }
        self.nodes[0].retain(|input| !removal.inputs.contains(input));
        if self.nodes[0].is_empty() {
            return Err(NetworkError::Input { count: network.inputs(), input: removal.inputs[0] });
        }
        Ok(())
    }

    /// Finds nodes that have become constants, first layer first, and replaces their edges by what these make of them.
    fn spread_constants<T: Real>(&mut self, network: &Network<T>) -> Result<(), NetworkError> {
        let shapes = network.program().layers();
        for (index, shape) in shapes.iter().enumerate() {
            let sums = shape.outputs;
            let layer = &self.layers[index];
            let varies = |sum: usize| (0..shape.inputs).any(|input| layer.kept[input * sums + sum]);
            let constant = |(node, range): (usize, std::ops::Range<usize>)| {
                let is_constant = !range.clone().any(varies);
                is_constant.then(|| (node, layer.constants[range].iter().product::<f64>()))
            };
            let constants: Vec<_> =
                sums_of_nodes(shape).into_iter().enumerate().filter_map(constant).collect();
            let Some(next) = shapes.get(index + 1) else {
                return match constants.first() {
                    Some((output, _)) => Err(NetworkError::OutputLost { output: *output }),
                    None => Ok(()),
                };
            };
            for (node, value) in constants {
                for sum in 0..next.outputs {
                    let edge = node * next.outputs + sum;
                    if self.layers[index + 1].kept[edge] {
                        let value = network.edge_curve(index + 1, node, sum, &[value])?[0];
                        self.replace(index + 1, edge, next.outputs, value);
                    }
                }
            }
        }
        Ok(())
    }

    /// Drops hidden nodes that lead nowhere, last layer first, and finds edges for factors without any. Constant nodes
    /// lead nowhere by now.
    fn drop_dead_ends<T: Real>(&mut self, network: &Network<T>) {
        let shapes = network.program().layers();
        for (index, shape) in shapes.iter().enumerate().rev() {
            let sums = shape.outputs;
            let ranges = sums_of_nodes(shape);
            self.sums[index] = self.nodes[index + 1].iter().flat_map(|node| ranges[*node].clone()).collect();
            let surviving = &self.sums[index];
            let layer = &mut self.layers[index];
            for (edge, kept) in layer.kept.iter_mut().enumerate() {
                *kept &= surviving.binary_search(&(edge % sums)).is_ok();
            }
            let leads_on: Vec<bool> = layer.kept.chunks(sums).map(|edges| edges.contains(&true)).collect();
            let varies = |sum: &usize| (0..shape.inputs).any(|input| layer.kept[input * sums + sum]);
            // Every surviving node has an input that varies, and so some input node of this layer leads on.
            let first = leads_on.iter().position(|leads_on| *leads_on);
            for sum in surviving.iter().filter(|sum| !varies(sum)) {
                layer.anchors[*sum] = first;
            }
            if index > 0 {
                self.nodes[index].retain(|node| leads_on[*node]);
            }
        }
    }
}
