//! Knots and the tables made of them: the ones a network begins with, and the program of any. Input nodes of a layer
//! with equal knots share one table, wherever in the layer they are.

use crate::error::NetworkError;
use crate::specification::Specification;
use kanode_engine::{FunctionEdge, Layer, Program};
use kanode_spline::{CellTable, Knots};
use std::collections::{HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// Breaks, equal when all their bits are. Knots of one network have everything else in common.
struct Breaks<'a>(&'a [f64]);

impl Breaks<'_> {
    fn bits(&self) -> impl Iterator<Item = u64> {
        self.0.iter().map(|number| number.to_bits())
    }
}

impl PartialEq for Breaks<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.bits().eq(other.bits())
    }
}

impl Eq for Breaks<'_> {}

impl Hash for Breaks<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.bits().for_each(|bits| bits.hash(state));
    }
}

/// Uniform knots for every input node.
pub(crate) fn initial_knots(specification: &Specification) -> Result<Vec<Vec<Knots>>, NetworkError> {
    let inputs = &specification.layers[..specification.layers.len() - 1];
    let layers = inputs.iter().enumerate().map(|(layer, inputs)| {
        let [a, b] = specification.initial_domain(layer);
        let knots = Knots::uniform(a, b, specification.grid, specification.degree, specification.knots)
            .map_err(|source| NetworkError::Spline { layer, input: 0, source })?;
        Ok(vec![knots; *inputs])
    });
    layers.collect()
}

/// Number of tables that [`program_of`] makes.
pub(crate) fn table_count(knots: &[Vec<Knots>]) -> usize {
    let distinct =
        |layer: &Vec<Knots>| layer.iter().map(|knots| Breaks(knots.breaks())).collect::<HashSet<_>>().len();
    knots.iter().map(distinct).sum()
}

/// A layer of these knots, which have the degree, the grid and the ends of the specification.
pub(crate) fn layer_of(specification: &Specification, layer: usize, knots: &[Knots]) -> Layer {
    let mut tables = HashMap::new();
    let mut table = |knots| {
        let new = || Arc::new(CellTable::new(knots, specification.outside));
        Arc::clone(tables.entry(Breaks(knots.breaks())).or_insert_with(new))
    };
    let splines = knots.iter().map(&mut table).collect();
    let (inputs, outputs) = (specification.layers[layer], specification.sums(layer));
    let products = specification.products(layer).to_vec();
    Layer { inputs, outputs, base: specification.base, splines, products, functions: Vec::new() }
}

/// The program of the layers of these knots, with functions on edges of each layer if there are any.
pub(crate) fn program_of(
    specification: &Specification,
    knots: &[Vec<Knots>],
    functions: &[Vec<FunctionEdge>],
) -> Result<Arc<Program>, NetworkError> {
    let layers = knots.iter().enumerate().map(|(layer, knots)| Layer {
        functions: functions.get(layer).cloned().unwrap_or_default(),
        ..layer_of(specification, layer, knots)
    });
    Ok(Arc::new(Program::new(layers.collect())?))
}
