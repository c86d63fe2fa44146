//! Smaller networks from larger ones. A pruned edge is replaced by its mean, not by zero, so that an edge that was
//! constant leaves no hole; means are kept in the control points of the edges that survive, which can represent any
//! constant because clamped and extended bases sum to 1 on their domain.

mod survey;

use crate::edge::EdgeId;
use crate::error::NetworkError;
use crate::names::Names;
use crate::network::Network;
use crate::nodes::NodeId;
use crate::parts::Parts;
use crate::scaler::Scaler;
use crate::specification::Specification;
use kanode_engine::{FunctionEdge, Real};
use kanode_spline::Knots;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use survey::Survey;

/// Least spline weight that a constant is divided by; smaller ones are multiplied into the control points.
const LEAST_WEIGHT: f64 = 1e-3;

/// What is to be taken out of a network.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct Removal {
    /// Single edges. Those that are pruned already stay so.
    pub edges: Vec<EdgeId>,
    /// Hidden nodes, with all their edges.
    pub nodes: Vec<NodeId>,
    /// Inputs, with all their edges.
    pub inputs: Vec<usize>,
}

impl Removal {
    fn validate<T: Real>(&self, network: &Network<T>) -> Result<(), NetworkError> {
        for edge in &self.edges {
            network.check_edge(*edge)?;
        }
        let layers = &network.specification().layers;
        for NodeId { layer, node } in &self.nodes {
            let is_hidden = (1..layers.len() - 1).contains(layer) && *node < layers[*layer];
            if !is_hidden {
                return Err(NetworkError::Node { layer: *layer, node: *node });
            }
        }
        let count = network.inputs();
        let wrong = |input: &&usize| **input >= count;
        match self.inputs.iter().find(wrong) {
            Some(input) => Err(NetworkError::Input { count, input: *input }),
            None => Ok(()),
        }
    }
}

impl<T: Real> Network<T> {
    /// The network without what `removal` names, which is replaced by means: `means[layer][input·O + sum]` is the mean
    /// of each edge over some data, as [`Network::edge_means`] computes it; only those of edges that go matter. The
    /// new network's outputs are those of this one with the edges that are removed, and the outgoing edges of nodes and
    /// inputs that are removed, replaced by their means. (With splines that are zero outside their domain only for
    /// values within it.)
    ///
    /// Nodes that nothing leads to are constants: what their edges make of that is kept, and they vanish, as do hidden
    /// nodes that lead nowhere. A factor of a product that is left without edges keeps one, a constant. Inputs stay,
    /// with or without edges, unless they are removed by number. What stays keeps its names, its input ids, its scale,
    /// its knots and its order; loss and regularisation are kept.
    ///
    /// # Errors
    /// [`NetworkError::Edge`], [`NetworkError::Node`] or [`NetworkError::Input`] for something that is not there or,
    /// for inputs, the last ones; [`NetworkError::Length`] for means of other lengths; [`NetworkError::OutputLost`] if
    /// nothing would lead to an output; [`NetworkError::NotFinite`] for means that are not finite.
    pub fn without(&self, removal: &Removal, means: &[Vec<f64>]) -> Result<Self, NetworkError> {
        removal.validate(self)?;
        let shapes = self.program().layers();
        let length = |what, expected, found| {
            if expected == found { Ok(()) } else { Err(NetworkError::Length { what, expected, found }) }
        };
        length("layers of means", shapes.len(), means.len())?;
        for (shape, means) in shapes.iter().zip(means) {
            length("means of a layer", shape.edges(), means.len())?;
        }
        let survey = Survey::new(self, removal, means)?;
        let mut folded = self.with_shifted_functions(&survey)?;
        folded.fold(&survey);
        Network::from_parts(folded.remaining(&survey))
    }

    /// The network whose functions have taken over the constants of sums that keep no spline.
    fn with_shifted_functions(&self, survey: &Survey) -> Result<Self, NetworkError> {
        let mut network = self.clone();
        for (index, (layer, shape)) in survey.layers.iter().zip(self.program().layers()).enumerate() {
            for (sum, constant) in layer.constants.iter().copied().enumerate().filter(|(_, c)| *c != 0.0) {
                let mut kept = (sum..shape.edges()).step_by(shape.outputs).filter(|edge| layer.kept[*edge]);
                if kept.clone().any(|edge| self.is_spline(index, edge)) {
                    continue;
                }
                let Some((edge, function)) = kept.find_map(|e| Some((e, self.function(index, e)?))) else {
                    continue;
                };
                let id = EdgeId { layer: index, from: edge / shape.outputs, to: sum };
                network = network.with_function(id, function.plus(constant), &self.constants_of(id))?;
            }
        }
        Ok(network)
    }

    /// Adds the constants that sums have to take over to the control points of an edge that survives.
    fn fold(&mut self, survey: &Survey) {
        for (index, layer) in survey.layers.iter().enumerate() {
            let Some(shape) = self.program().layers().get(index) else { continue };
            let (outputs, bases, inputs) = (shape.outputs, shape.bases(), shape.inputs);
            let splines: Vec<bool> = (0..shape.edges()).map(|edge| self.is_spline(index, edge)).collect();
            let Some(views) = self.views_mut(index) else { continue };
            for (sum, constant) in layer.constants.iter().copied().enumerate() {
                let edges = || (0..inputs).map(|input| input * outputs + sum);
                if let Some(anchor) = layer.anchors[sum] {
                    let edge = anchor * outputs + sum;
                    views.control_points[edge * bases..][..bases].fill(T::from_f64(constant));
                    (views.base_weight[edge], views.spline_weight[edge]) = (T::ZERO, T::ONE);
                } else if constant != 0.0 && survey.survives(index + 1, sum) {
                    let size = |edge: usize| views.spline_weight[edge].to_f64().abs();
                    // The first of the largest: division by a small weight would cost digits.
                    let survivors = edges().filter(|edge| layer.kept[*edge] && splines[*edge]);
                    let largest = survivors.reduce(|a, b| if size(b) > size(a) { b } else { a });
                    let Some(edge) = largest else { continue };
                    let weight = &mut views.spline_weight[edge];
                    let points = &mut views.control_points[edge * bases..][..bases];
                    let scale = weight.to_f64();
                    if scale.abs() < LEAST_WEIGHT {
                        let folded = |p: &T| T::from_f64(scale * p.to_f64() + constant);
                        points.iter_mut().for_each(|p| *p = folded(p));
                        *weight = T::ONE;
                    } else {
                        points.iter_mut().for_each(|p| *p = T::from_f64(p.to_f64() + constant / scale));
                    }
                }
            }
            for edge in (0..inputs * outputs).filter(|edge| !layer.is_there(*edge, outputs)) {
                views.control_points[edge * bases..][..bases].fill(T::ZERO);
                (views.base_weight[edge], views.spline_weight[edge]) = (T::ZERO, T::ZERO);
            }
        }
    }

    /// The parts of what survives.
    fn remaining(&self, survey: &Survey) -> Parts<T> {
        let old = self.specification();
        let mut specification = Specification {
            layers: survey.nodes.iter().map(Vec::len).collect(),
            products: Vec::new(),
            ..old.clone()
        };
        let (mut parameters, mut knots, mut pruned) = (Vec::new(), Vec::new(), Vec::new());
        let mut functions = Vec::new();
        let program = self.program();
        for (index, (shape, range)) in program.layers().iter().zip(program.ranges()).enumerate() {
            let (inputs, layer) = (&survey.nodes[index], &survey.layers[index]);
            let views = shape.views(&self.parameters()[range]);
            let edges: Vec<usize> = inputs
                .iter()
                .flat_map(|input| survey.sums[index].iter().map(move |sum| input * shape.outputs + sum))
                .collect();
            let bases = shape.bases();
            parameters.extend(edges.iter().flat_map(|edge| &views.control_points[edge * bases..][..bases]));
            parameters.extend(edges.iter().map(|edge| views.base_weight[*edge]));
            parameters.extend(edges.iter().map(|edge| views.spline_weight[*edge]));
            let mut kept = Vec::new();
            for (function, place) in shape.functions().filter(|(function, _)| layer.kept[function.edge]) {
                let Some(edge) = edges.iter().position(|edge| *edge == function.edge) else { continue };
                kept.push(FunctionEdge { edge, function: Arc::clone(&function.function) });
                parameters.extend_from_slice(&views.constants[place]);
            }
            functions.push(kept);
            knots
                .push(inputs.iter().map(|input| self.knots()[index][*input].clone()).collect::<Vec<Knots>>());
            let gone = |(_, edge): &(usize, &usize)| !layer.is_there(**edge, shape.outputs);
            pruned.push(edges.iter().enumerate().filter(gone).map(|(new, _)| new).collect());
            let sum_nodes = shape.sum_nodes();
            let products = survey.nodes[index + 1].iter().filter_map(|node| node.checked_sub(sum_nodes));
            specification.products.push(products.map(|product| shape.products[product]).collect());
        }
        if specification.products.iter().all(Vec::is_empty) {
            specification.products.clear();
        }
        let inputs = &survey.nodes[0];
        Parts {
            names: Names {
                inputs: self.names().inputs.as_deref().map(|names| chosen(names, inputs)),
                outputs: self.names().outputs.clone(),
            },
            scaler: self.scaler().map(|scaler| Scaler {
                input_mean: chosen(&scaler.input_mean, inputs),
                input_scale: chosen(&scaler.input_scale, inputs),
                ..scaler.clone()
            }),
            input_ids: Some(chosen(self.input_ids(), inputs)),
            loss: self.loss(),
            regularization: self.regularization().copied(),
            pruned,
            functions,
            ..Parts::new(specification, knots, parameters)
        }
    }
}

fn chosen<V: Clone>(values: &[V], indices: &[usize]) -> Vec<V> {
    indices.iter().map(|index| values[*index].clone()).collect()
}

#[cfg(test)]
mod tests;
