//! Networks of every kind for the tests, and what their edges do by plain loops.

use crate::{Packing, Trace};
use kanode_engine::{Base, EdgeFunction, FunctionEdge, Layer, Program};
use kanode_spline::{CellTable, KnotEnds, Knots, Outside, cox_de_boor};
use proptest::prelude::*;
use rand::{RngExt, SeedableRng};
use rand_pcg::Pcg64;
use std::sync::Arc;

/// A network with parameters and rows. Parameters of pruned edges are 0, as in a network that was pruned.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) program: Arc<Program>,
    pub(crate) packing: Arc<Packing>,
    pub(crate) slab: Vec<f64>,
    pub(crate) theta: Vec<f64>,
    /// `[rows, inputs]`, a part of them outside the domains.
    pub(crate) x: Vec<f64>,
    pub(crate) rows: usize,
}

/// What a case is drawn from.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    /// Sum nodes and arities of product nodes, layer by layer; a layer has at least one of either.
    pub(crate) layers: Vec<(usize, Vec<usize>)>,
    pub(crate) inputs: usize,
    pub(crate) degree: usize,
    pub(crate) grid: usize,
    pub(crate) ends: KnotEnds,
    pub(crate) outside: Outside,
    pub(crate) base: Base,
    pub(crate) rows: usize,
    pub(crate) has_pruned: bool,
    /// Whether some edges are waves instead of splines.
    pub(crate) has_functions: bool,
    pub(crate) seed: u64,
}

/// Shapes of one to three layers with all knot kinds, outside modes and base functions. The degree is that of the first
/// layer; each further layer has another.
pub(crate) fn shapes() -> impl Strategy<Value = Shape> {
    let products =
        prop_oneof![3 => Just(vec![]), 1 => Just(vec![2]), 1 => Just(vec![3]), 1 => Just(vec![2, 2])];
    let layer = (1..4usize, products).prop_map(|(sums, products)| {
        let sums = if products.is_empty() { sums } else { sums - 1 };
        (sums, products)
    });
    let knots = (
        1..=5usize,
        1..=5usize,
        prop_oneof![Just(KnotEnds::Clamped), Just(KnotEnds::Extended)],
        prop_oneof![Just(Outside::Linear), Just(Outside::Constant), Just(Outside::Zero)],
        prop_oneof![Just(Base::Silu), Just(Base::Identity), Just(Base::Zero)],
    );
    let edges = (any::<bool>(), any::<bool>());
    (prop::collection::vec(layer, 1..=3), 1..4usize, knots, edges, any::<u64>()).prop_map(
        |(layers, inputs, (degree, grid, ends, outside, base), (has_pruned, has_functions), seed)| Shape {
            layers,
            inputs,
            degree,
            grid,
            ends,
            outside,
            base,
            rows: 4,
            has_pruned,
            has_functions,
            seed,
        },
    )
}

/// Two layers with product nodes, of the usual kind.
pub(crate) fn plain() -> Shape {
    Shape {
        layers: vec![(1, vec![2]), (1, vec![3])],
        inputs: 2,
        degree: 3,
        grid: 3,
        ends: KnotEnds::Clamped,
        outside: Outside::Linear,
        base: Base::Silu,
        rows: 5,
        has_pruned: false,
        has_functions: false,
        seed: 1,
    }
}

impl Shape {
    /// A network of this shape on `[-1, 1]`, with uneven knots, and rows.
    pub(crate) fn draw(&self) -> Case {
        let mut rng = Pcg64::seed_from_u64(self.seed);
        let mut inputs = self.inputs;
        let mut layers = Vec::new();
        for (index, (sums, products)) in self.layers.iter().enumerate() {
            let degree = 1 + (self.degree - 1 + index) % 5;
            let splines = (0..inputs).map(|_| self.table(degree, &mut rng)).collect();
            let outputs = sums + products.iter().sum::<usize>();
            let wavy = |_: &usize| self.has_functions && rng.random_bool(0.4);
            let functions = (0..inputs * outputs)
                .filter(wavy)
                .map(|edge| FunctionEdge { edge, function: Arc::new(Wave) })
                .collect();
            let products = products.clone();
            layers.push(Layer { inputs, outputs, base: self.base, splines, products, functions });
            inputs = layers[layers.len() - 1].nodes();
        }
        let program = Arc::new(Program::new(layers).unwrap());
        let pruned: Vec<Vec<bool>> = program
            .layers()
            .iter()
            .map(|layer| {
                let is_function = |edge| layer.functions.iter().any(|function| function.edge == edge);
                (0..layer.edges())
                    .map(|edge| is_function(edge) || (self.has_pruned && rng.random_bool(0.2)))
                    .collect()
            })
            .collect();
        let packing = Arc::new(Packing::new(&program, &|layer, edge| pruned[layer][edge]));
        let mut slab: Vec<f64> =
            (0..program.parameter_count()).map(|_| rng.random_range(-1.0..1.0)).collect();
        for ((layer, range), pruned) in program.layers().iter().zip(program.ranges()).zip(&pruned) {
            let parameters = layer.views_mut(&mut slab[range]);
            for edge in (0..layer.edges()).filter(|edge| pruned[*edge]) {
                parameters.control_points[edge * layer.bases()..(edge + 1) * layer.bases()].fill(0.0);
                (parameters.base_weight[edge], parameters.spline_weight[edge]) = (0.0, 0.0);
            }
        }
        let theta = packing.pack(&slab);
        let x = (0..self.rows * self.inputs).map(|_| rng.random_range(-1.3..1.3)).collect();
        Case { program, packing, slab, theta, x, rows: self.rows }
    }

    fn table(&self, degree: usize, rng: &mut Pcg64) -> Arc<CellTable> {
        let step = 2.0 / self.grid as f64;
        let mut place = |j: usize| {
            let is_end = j == 0 || j == self.grid;
            -1.0 + step * (j as f64 + if is_end { 0.0 } else { rng.random_range(-0.3..0.3) })
        };
        let knots = Knots::with_breaks((0..=self.grid).map(&mut place).collect(), degree, self.ends).unwrap();
        Arc::new(CellTable::new(&knots, self.outside))
    }
}

/// `a·sin(b·x + c)`.
#[derive(Debug)]
struct Wave;

impl EdgeFunction for Wave {
    fn constants(&self) -> usize {
        3
    }

    fn evaluate(&self, constants: &[f64], x: f64, out: &mut [f64]) {
        let [a, b, c] = constants else { panic!("a wave has three constants") };
        let (sin, cos) = (b * x + c).sin_cos();
        // Of sin(bx + c): derivatives by x, and those of these by b and c.
        let turns = [sin, cos, -sin, -cos, sin];
        for (order, out) in out.chunks_exact_mut(4).enumerate() {
            let (power, turned) = (b.powi(order as i32), turns[order + 1]);
            let lower = if order == 0 { 0.0 } else { order as f64 * b.powi(order as i32 - 1) * turns[order] };
            out[0] = a * power * turns[order];
            out[1] = power * turns[order];
            out[2] = a * (lower + power * x * turned);
            out[3] = a * power * turned;
        }
    }

    fn plus(&self, _: f64) -> Arc<dyn EdgeFunction> {
        unreachable!("no test of passes shifts a wave")
    }

    fn as_any(&self) -> &dyn std::any::Any {
        self
    }
}

impl Case {
    /// Numbers between -1 and 1, the same each time.
    pub(crate) fn numbers(count: usize) -> Vec<f64> {
        let mut rng = Pcg64::seed_from_u64(7);
        (0..count).map(|_| rng.random_range(-1.0..1.0)).collect()
    }

    /// The values of all edges, `[layer][input·outputs + output]`, and of all nodes, `[layer][input]` with the outputs
    /// last, for one row.
    pub(crate) fn edges_and_nodes(&self, theta: &[f64], x: &[f64]) -> (Vec<Vec<f64>>, Vec<Vec<f64>>) {
        let (mut edges, mut nodes) = (Vec::new(), vec![x.to_vec()]);
        for (index, layer) in self.program.layers().iter().enumerate() {
            let mut values = vec![0.0; layer.edges()];
            let mut sums = vec![0.0; layer.outputs];
            for (edge, value) in values.iter_mut().enumerate() {
                let (input, output) = (edge / layer.outputs, edge % layer.outputs);
                let (table, x) = (&layer.splines[input], nodes[index][input]);
                let Some(packed) = self.packing.find(index, edge) else { continue };
                let bases = cox_de_boor(table.knots(), table.outside(), x);
                *value = bases.iter().zip(&theta[packed.start..]).map(|(n, c)| n * c).sum();
                *value += packed.base_weight().map_or(0.0, |at| theta[at] * layer.base.evaluate(x).0);
                sums[output] += *value;
            }
            let start = self.packing.constants(index);
            for (function, constants) in layer.functions() {
                let (input, output) = (function.edge / layer.outputs, function.edge % layer.outputs);
                let constants = &theta[start + constants.start..start + constants.end];
                values[function.edge] =
                    constants[0] * (constants[1] * nodes[index][input] + constants[2]).sin();
                sums[output] += values[function.edge];
            }
            let mut next = sums[..layer.sum_nodes()].to_vec();
            next.extend(layer.factors().map(|factors| sums[factors].iter().product::<f64>()));
            edges.push(values);
            nodes.push(next);
        }
        (edges, nodes)
    }

    /// The cells in which the inputs of all layers lie for one row: where they are the same, everything is smooth
    /// between two points.
    pub(crate) fn cells(&self, trace: &Trace, row: usize) -> Vec<usize> {
        let mut cells = Vec::new();
        for (index, layer) in self.program.layers().iter().enumerate() {
            for (input, table) in layer.splines.iter().enumerate() {
                cells.extend(trace.node_values(index, input).nth(row).map(|x| table.find(x)));
            }
        }
        cells
    }
}

/// A derivative from values at `-h`, `-h/2`, `h/2` and `h`, and a bound of its error.
///
/// The error of a central difference falls by 4 where the step is halved, so the difference of two is three times the
/// error of the better one, and that of the extrapolated value is smaller. Rounding of the values, `1e-14` of
/// the largest number that occurs on the way, `scale`, is divided by the step.
pub(crate) fn difference(values: [f64; 4], h: f64, scale: f64) -> (f64, f64) {
    let (coarse, fine) = ((values[3] - values[0]) / (2.0 * h), (values[2] - values[1]) / h);
    ((4.0 * fine - coarse) / 3.0, (coarse - fine).abs() + 1e-14 * scale / h)
}

/// The steps that [`difference`] wants.
pub(crate) fn steps(h: f64) -> [f64; 4] {
    [-h, -0.5 * h, 0.5 * h, h]
}
