//! A layer made ready to run: where its numbers lie in the record of a row, and its edges in the order of θ.

use crate::basis::HIGHEST;
use crate::jet::Jet;
use crate::kernels::Kernels;
use crate::packing::Packing;
use crate::records::Strides;
use kanode_engine::{Base, EdgeFunction, Program};
use kanode_spline::CellTable;
use std::ops::Range;
use std::sync::Arc;

/// An edge from the point of view of its input node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    /// The sum that it leads to.
    pub(crate) output: usize,
    /// Its place in θ.
    pub(crate) start: usize,
}

/// An edge that is a function, from the point of view of its layer.
#[derive(Clone, Debug)]
pub(crate) struct FunctionLink {
    pub(crate) input: usize,
    pub(crate) output: usize,
    pub(crate) function: Arc<dyn EdgeFunction>,
    /// Where its constants lie in θ.
    pub(crate) constants: Range<usize>,
    /// Where its derivatives `[tables, 1 + constants]` lie among the weights of a record.
    pub(crate) at: usize,
}

impl FunctionLink {
    /// Numbers of one order of derivative: the function's, and those by its constants.
    pub(crate) fn width(&self) -> usize {
        1 + self.constants.len()
    }
}

/// One layer of a program, with the places of its numbers in the three parts of a row's [`Record`](crate::records::Record).
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    pub(crate) splines: Vec<Arc<CellTable>>,
    pub(crate) base: Base,
    /// Number of control points of an edge.
    pub(crate) bases: usize,
    /// Numbers in a jet.
    pub(crate) jet: usize,
    /// Sums that are nodes of their own, and the sums that each product node multiplies.
    pub(crate) sum_nodes: usize,
    pub(crate) factors: Vec<Range<usize>>,
    /// The edges that are not pruned; those of an input are `links[link_starts[input]..link_starts[input + 1]]`.
    links: Vec<Link>,
    link_starts: Vec<usize>,
    pub(crate) functions: Vec<FunctionLink>,
    /// Jets `[inputs]`, `[outputs]` and `[nodes]`. Without product nodes the sums are the nodes, in one place, and the
    /// nodes are the inputs of the next layer.
    pub(crate) inputs_at: usize,
    pub(crate) sums_at: usize,
    pub(crate) nodes_at: usize,
    /// Weights `[inputs, tables, k + 2]`: of each order of derivative the `k + 1` basis functions and the base function.
    pub(crate) weights_at: usize,
    pub(crate) tables: usize,
    /// Indices `[inputs]` of the first of these basis functions.
    pub(crate) firsts_at: usize,
    pub(crate) kernels: Kernels,
}

impl Stage {
    /// The layers of a program, first to last. The first layer keeps one order of derivative less than the others,
    /// because nothing passes back through it.
    pub(crate) fn all(program: &Program, packing: &Packing, jet: &Jet) -> (Vec<Self>, Strides) {
        let mut strides = Strides::default();
        let mut packed = packing.edges().iter().peekable();
        let mut stages = Vec::new();
        for (index, layer) in program.layers().iter().enumerate() {
            let (mut links, mut link_starts) = (Vec::new(), vec![0]);
            for input in 0..layer.inputs {
                let end = (input + 1) * layer.outputs;
                while let Some(edge) = packed.next_if(|e| e.layer == index && e.edge < end) {
                    links.push(Link { output: edge.edge % layer.outputs, start: edge.start });
                }
                link_starts.push(links.len());
            }
            let inputs_at = strides.jets;
            let sums_at = inputs_at + layer.inputs * jet.len();
            let has_products = !layer.products.is_empty();
            let nodes_at = if has_products { sums_at + layer.outputs * jet.len() } else { sums_at };
            let tables = jet.order() + 1 + usize::from(index > 0);
            let mut at = strides.weights + layer.inputs * tables * (layer.degree() + 2);
            let start = packing.constants(index);
            let mut functions = Vec::new();
            for (edge, constants) in layer.functions() {
                let link = FunctionLink {
                    input: edge.edge / layer.outputs,
                    output: edge.edge % layer.outputs,
                    function: Arc::clone(&edge.function),
                    constants: start + constants.start..start + constants.end,
                    at,
                };
                at += tables * link.width();
                functions.push(link);
            }
            stages.push(Self {
                inputs: layer.inputs,
                outputs: layer.outputs,
                splines: layer.splines.clone(),
                base: layer.base,
                bases: layer.bases(),
                jet: jet.len(),
                sum_nodes: layer.sum_nodes(),
                factors: layer.factors().collect(),
                links,
                link_starts,
                functions,
                inputs_at,
                sums_at,
                nodes_at,
                weights_at: strides.weights,
                tables,
                firsts_at: strides.firsts,
                kernels: Kernels::new(layer.degree(), jet.order(), index == 0),
            });
            strides.jets = nodes_at;
            strides.weights = at;
            strides.firsts += layer.inputs;
        }
        strides.jets += program.outputs() * jet.len();
        (stages, strides)
    }

    /// The edges that leave an input node and are not pruned.
    pub(crate) fn links(&self, input: usize) -> &[Link] {
        &self.links[self.link_starts[input]..self.link_starts[input + 1]]
    }

    /// Where the jets of the input nodes lie.
    pub(crate) fn input_jets(&self) -> Range<usize> {
        self.inputs_at..self.inputs_at + self.inputs * self.jet
    }

    /// Where the jets of the sums lie.
    pub(crate) fn sum_jets(&self) -> Range<usize> {
        self.sums_at..self.sums_at + self.outputs * self.jet
    }

    /// Where the base weight of an edge lies in θ, if it has one.
    #[inline]
    pub(crate) fn base_weight(&self, link: &Link) -> Option<usize> {
        (self.base != Base::Zero).then_some(link.start + self.bases)
    }

    /// Derivatives of an edge's function, lowest order first, for as many orders as there are weights: the `N` basis
    /// functions from `first` on and the base function of each order.
    #[inline]
    pub(crate) fn edge_function<const N: usize>(
        &self,
        theta: &[f64],
        link: &Link,
        first: usize,
        weights: &[f64],
    ) -> [f64; HIGHEST + 1] {
        let points = &theta[link.start + first..link.start + first + N];
        let base_weight = self.base_weight(link).map_or(0.0, |at| theta[at]);
        let mut values = [0.0; HIGHEST + 1];
        for (value, weights) in values.iter_mut().zip(weights.chunks_exact(N + 1)) {
            let mut sum = base_weight * weights[N];
            for slot in 0..N {
                sum += points[slot] * weights[slot];
            }
            *value = sum;
        }
        values
    }
}
