//! The plain description of a network that a backend compiles: shapes and knot tables, no parameters.
//!
//! Parameters live in one flat slab. Layer after layer it holds `control_points [inputs, outputs, bases]`,
//! `base_weight [inputs, outputs]` and `spline_weight [inputs, outputs]`, all row-major, and the constants of the edges
//! that are functions.

use crate::error::EngineError;
use crate::function::EdgeFunction;
use kanode_spline::CellTable;
use serde::{Deserialize, Serialize};
use std::ops::Range;
use std::sync::Arc;

/// The function that the base weight scales.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Base {
    /// `x / (1 + e^-x)`, as in the KAN paper (arXiv 2404.19756, eq. 2.11).
    #[default]
    Silu,
    /// `x`.
    Identity,
    /// `0`: the edge is its spline alone; the base weight has no influence.
    Zero,
}

impl Base {
    /// Value and first derivative at `x`.
    pub fn evaluate(self, x: f64) -> (f64, f64) {
        match self {
            Self::Silu => {
                let sigmoid = 1.0 / (1.0 + (-x).exp());
                (x * sigmoid, sigmoid * (1.0 + x * (1.0 - sigmoid)))
            }
            Self::Identity => (x, 1.0),
            Self::Zero => (0.0, 0.0),
        }
    }
}

/// One layer: an edge from every input node to every sum. A sum is a node of its own or a factor of a product node.
///
/// `y[p] = sum over q of base_weight[q,p]·base(x[q]) + spline_weight[q,p]·sum_i control_points[q,p,i]·N_i(x[q])`
/// (tutorial slides, "B-Splines as KAN Edges").
#[derive(Clone, Debug)]
pub struct Layer {
    /// Number of input nodes.
    pub inputs: usize,
    /// Number of sums, one for each column of edges: the sum nodes, and the factors of the product nodes.
    pub outputs: usize,
    /// Function scaled by the base weight.
    pub base: Base,
    /// One knot table for each input node; all have the same degree and number of bases.
    pub splines: Vec<Arc<CellTable>>,
    /// Arities of the product nodes, each at least 2; none in a layer that only sums. The last sums are their factors:
    /// the first product node multiplies the first `products[0]` of those, and so on (KAN 2.0, arXiv 2408.10205).
    pub products: Vec<usize>,
    /// Edges that are functions of their own, in ascending order. What they give is added to their sums; the numbers of
    /// their splines in the slab are 0.
    pub functions: Vec<FunctionEdge>,
}

/// An edge that is a function with constants instead of a spline.
#[derive(Clone, Debug)]
pub struct FunctionEdge {
    /// Index of the edge in its layer, `input·outputs + output`.
    pub edge: usize,
    /// What it computes.
    pub function: Arc<dyn EdgeFunction>,
}

impl Layer {
    /// Number of nodes that the layer leads to: sum nodes, then product nodes.
    pub fn nodes(&self) -> usize {
        self.sum_nodes() + self.products.len()
    }

    /// Number of sums that are nodes of their own; none in a layer that [`Program::new`] refuses for want of sums.
    pub fn sum_nodes(&self) -> usize {
        self.products.iter().fold(self.outputs, |left, arity| left.saturating_sub(*arity))
    }

    /// The sums that each product node multiplies, in order. Node `sum_nodes() + i` is the product of the `i`-th range.
    pub fn factors(&self) -> impl Iterator<Item = Range<usize>> + use<'_> {
        self.products.iter().scan(self.sum_nodes(), |start, arity| {
            let range = *start..*start + arity;
            *start = range.end;
            Some(range)
        })
    }

    /// Degree of the splines.
    pub fn degree(&self) -> usize {
        self.splines[0].degree()
    }

    /// Number of basis functions of an edge, `G + k`.
    pub fn bases(&self) -> usize {
        self.splines[0].basis_count()
    }

    /// Number of edges.
    pub fn edges(&self) -> usize {
        self.inputs * self.outputs
    }

    /// Number of parameters, `I·O·(2 + G + k)` (tutorial slides, "Parameter Complexity"), and the constants of functions.
    pub fn parameter_count(&self) -> usize {
        self.edges() * (self.bases() + 2) + self.constant_count()
    }

    /// Number of constants of all its functions.
    pub fn constant_count(&self) -> usize {
        self.functions.iter().map(|edge| edge.function.constants()).sum()
    }

    /// Its functions with the places of their constants among those of the layer.
    pub fn functions(&self) -> impl Iterator<Item = (&FunctionEdge, Range<usize>)> {
        self.functions.iter().scan(0, |end, edge| {
            let range = *end..*end + edge.function.constants();
            *end = range.end;
            Some((edge, range))
        })
    }

    /// The layer's part of the slab, split by kind. `slab` has `parameter_count()` numbers.
    pub fn views<'a, T>(&self, slab: &'a [T]) -> LayerViews<'a, T> {
        let (control_points, rest) = slab.split_at(self.edges() * self.bases());
        let (base_weight, rest) = rest.split_at(self.edges());
        let (spline_weight, constants) = rest.split_at(self.edges());
        LayerViews { control_points, base_weight, spline_weight, constants }
    }

    /// As [`Layer::views`], for writing.
    pub fn views_mut<'a, T>(&self, slab: &'a mut [T]) -> LayerViewsMut<'a, T> {
        let (control_points, rest) = slab.split_at_mut(self.edges() * self.bases());
        let (base_weight, rest) = rest.split_at_mut(self.edges());
        let (spline_weight, constants) = rest.split_at_mut(self.edges());
        LayerViewsMut { control_points, base_weight, spline_weight, constants }
    }
}

/// Named views into one layer's parameters.
#[derive(Clone, Copy, Debug)]
pub struct LayerViews<'a, T> {
    /// `P`, `[inputs, outputs, bases]`.
    pub control_points: &'a [T],
    /// `w_b`, `[inputs, outputs]`.
    pub base_weight: &'a [T],
    /// `w_s`, `[inputs, outputs]`.
    pub spline_weight: &'a [T],
    /// Constants of the functions, one function after the other.
    pub constants: &'a [T],
}

/// As [`LayerViews`], for writing.
#[derive(Debug)]
pub struct LayerViewsMut<'a, T> {
    /// `P`, `[inputs, outputs, bases]`.
    pub control_points: &'a mut [T],
    /// `w_b`, `[inputs, outputs]`.
    pub base_weight: &'a mut [T],
    /// `w_s`, `[inputs, outputs]`.
    pub spline_weight: &'a mut [T],
    /// Constants of the functions, one function after the other.
    pub constants: &'a mut [T],
}

impl<'a, T> LayerViews<'a, T> {
    /// The views of so many edges, each with so many bases, and of those after them; without constants.
    pub fn split_at(self, edges: usize, bases: usize) -> (Self, Self) {
        let (control_points, points) = self.control_points.split_at(edges * bases);
        let (base_weight, base_weights) = self.base_weight.split_at(edges);
        let (spline_weight, spline_weights) = self.spline_weight.split_at(edges);
        let views = |control_points, base_weight, spline_weight| Self {
            control_points,
            base_weight,
            spline_weight,
            constants: &[],
        };
        (views(control_points, base_weight, spline_weight), views(points, base_weights, spline_weights))
    }
}

impl<'a, T> LayerViewsMut<'a, T> {
    /// As [`LayerViews::split_at`].
    pub fn split_at(self, edges: usize, bases: usize) -> (Self, Self) {
        let (control_points, points) = self.control_points.split_at_mut(edges * bases);
        let (base_weight, base_weights) = self.base_weight.split_at_mut(edges);
        let (spline_weight, spline_weights) = self.spline_weight.split_at_mut(edges);
        let views = |control_points, base_weight, spline_weight| Self {
            control_points,
            base_weight,
            spline_weight,
            constants: &mut [],
        };
        (views(control_points, base_weight, spline_weight), views(points, base_weights, spline_weights))
    }

    /// The views of some edges, each with so many bases; without constants.
    pub fn of_edges(&mut self, edges: Range<usize>, bases: usize) -> LayerViewsMut<'_, T> {
        LayerViewsMut {
            control_points: &mut self.control_points[edges.start * bases..edges.end * bases],
            base_weight: &mut self.base_weight[edges.clone()],
            spline_weight: &mut self.spline_weight[edges],
            constants: &mut [],
        }
    }

    /// The views for reading.
    pub fn shared(&self) -> LayerViews<'_, T> {
        LayerViews {
            control_points: self.control_points,
            base_weight: self.base_weight,
            spline_weight: self.spline_weight,
            constants: self.constants,
        }
    }
}

/// A network as backends see it. Checked when made, so that backends may rely on its shapes.
#[derive(Clone, Debug)]
pub struct Program {
    layers: Vec<Layer>,
}

impl Program {
    /// Checks that the layers fit each other.
    ///
    /// # Errors
    /// [`EngineError::Layers`], [`EngineError::Products`], [`EngineError::Spline`] or [`EngineError::Function`], naming
    /// the first layer that does not fit.
    pub fn new(layers: Vec<Layer>) -> Result<Self, EngineError> {
        if layers.is_empty() {
            return Err(EngineError::Layers { layer: 0, expected: 1, found: 0 });
        }
        for (index, layer) in layers.iter().enumerate() {
            let expected = if index == 0 { layer.inputs.max(1) } else { layers[index - 1].nodes().max(1) };
            if layer.inputs != expected {
                return Err(EngineError::Layers { layer: index, expected, found: layer.inputs });
            }
            let mut left = layer.outputs;
            for (product, arity) in layer.products.iter().copied().enumerate() {
                if !(2..=left).contains(&arity) {
                    return Err(EngineError::Products { layer: index, product, arity, left });
                }
                left -= arity;
            }
            if layer.splines.len() != layer.inputs {
                return Err(EngineError::Spline {
                    layer: index,
                    input: layer.splines.len().min(layer.inputs),
                });
            }
            let fits = |s: &Arc<CellTable>| s.degree() == layer.degree() && s.basis_count() == layer.bases();
            if let Some(input) = layer.splines.iter().position(|s| !fits(s)) {
                return Err(EngineError::Spline { layer: index, input });
            }
            let mut least = 0;
            for function in &layer.functions {
                if !(least..layer.edges()).contains(&function.edge) {
                    return Err(EngineError::Function { layer: index, edge: function.edge });
                }
                least = function.edge + 1;
            }
        }
        Ok(Self { layers })
    }

    /// Whether an edge is a function of its own. Backends that can't do that refuse such programs.
    pub fn has_functions(&self) -> bool {
        self.layers.iter().any(|layer| !layer.functions.is_empty())
    }

    /// The layers, first to last; at least one.
    pub fn layers(&self) -> &[Layer] {
        &self.layers
    }

    /// Number of input nodes of the network.
    pub fn inputs(&self) -> usize {
        self.layers[0].inputs
    }

    /// Number of output nodes of the network.
    pub fn outputs(&self) -> usize {
        self.layers[self.layers.len() - 1].nodes()
    }

    /// Length of the parameter slab.
    pub fn parameter_count(&self) -> usize {
        self.layers.iter().map(Layer::parameter_count).sum()
    }

    /// Where each layer's parameters lie in the slab.
    pub fn ranges(&self) -> Vec<Range<usize>> {
        let mut start = 0;
        self.layers
            .iter()
            .map(|layer| {
                let range = start..start + layer.parameter_count();
                start = range.end;
                range
            })
            .collect()
    }

    /// Checks that `found` numbers were given where `expected` are needed.
    ///
    /// # Errors
    /// [`EngineError::Length`].
    pub fn check_length(what: &'static str, expected: usize, found: usize) -> Result<(), EngineError> {
        if expected == found { Ok(()) } else { Err(EngineError::Length { what, expected, found }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_spline::{KnotEnds, Knots, Outside};

    fn layer(inputs: usize, outputs: usize, grid: usize) -> Layer {
        let knots = Knots::uniform(-1.0, 1.0, grid, 3, KnotEnds::Clamped).unwrap();
        let table = Arc::new(CellTable::new(&knots, Outside::Linear));
        let splines = vec![table; inputs];
        Layer { inputs, outputs, base: Base::Silu, splines, products: Vec::new(), functions: Vec::new() }
    }

    #[test]
    fn parameter_count_is_the_formula_of_the_slides() {
        let program = Program::new(vec![layer(2, 5, 5), layer(5, 1, 5)]).unwrap();
        assert_eq!(program.parameter_count(), (2 * 5 + 5) * (2 + 5 + 3));
        assert_eq!(program.ranges(), [0..100, 100..150]);
    }

    #[test]
    fn layers_that_do_not_fit_are_refused_by_number() {
        assert_eq!(
            Program::new(vec![layer(2, 5, 5), layer(4, 1, 5)]).unwrap_err(),
            EngineError::Layers { layer: 1, expected: 5, found: 4 }
        );
        assert_eq!(
            Program::new(vec![]).unwrap_err(),
            EngineError::Layers { layer: 0, expected: 1, found: 0 }
        );
        let mut odd = layer(2, 1, 5);
        odd.splines[1] = Arc::clone(&layer(1, 1, 6).splines[0]);
        assert_eq!(Program::new(vec![odd]).unwrap_err(), EngineError::Spline { layer: 0, input: 1 });
    }

    fn with_products(inputs: usize, outputs: usize, products: &[usize]) -> Layer {
        Layer { products: products.to_vec(), ..layer(inputs, outputs, 5) }
    }

    #[test]
    fn product_nodes_follow_sum_nodes_and_take_the_last_sums() {
        let hidden = with_products(2, 7, &[2, 3]);
        assert_eq!((hidden.sum_nodes(), hidden.nodes(), hidden.edges()), (2, 4, 14));
        assert_eq!(hidden.factors().collect::<Vec<_>>(), [2..4, 4..7]);
        let program = Program::new(vec![hidden, with_products(4, 2, &[2])]).unwrap();
        assert_eq!(program.outputs(), 1);
        assert_eq!(program.parameter_count(), (14 + 8) * 10);
        assert_eq!(layer(2, 7, 5).factors().count(), 0);
    }

    #[test]
    fn the_next_layer_takes_nodes_and_not_sums() {
        assert_eq!(
            Program::new(vec![with_products(2, 5, &[2]), layer(5, 1, 5)]).unwrap_err(),
            EngineError::Layers { layer: 1, expected: 4, found: 5 }
        );
    }

    #[test]
    fn product_nodes_need_two_factors_and_no_more_than_there_are() {
        let refused = |products: &[usize]| {
            let layer = with_products(1, 4, products);
            assert!(layer.nodes() <= 4 + products.len());
            Program::new(vec![layer]).unwrap_err()
        };
        let error = |product, arity, left| EngineError::Products { layer: 0, product, arity, left };
        assert_eq!(refused(&[1]), error(0, 1, 4));
        assert_eq!(refused(&[2, 0]), error(1, 0, 2));
        assert_eq!(refused(&[3, 2]), error(1, 2, 1));
        assert_eq!(refused(&[usize::MAX, usize::MAX]), error(0, usize::MAX, 4));
    }
}
