//! How a layer is computed, decided once from its shape and the width of the vectors.

use crate::cells::Cells;
use crate::float::Float;
use crate::partition::{Rows, STRIP, Work};
use crate::reach::Reach;
use crate::simd::{dispatch, lanes, wide};
use fearless_simd::{Level, Simd};
use kanode_engine::{Base, Layer};
use kanode_spline::CellTable;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Fewest outputs for which vectors run over outputs.
const MANY_OUTPUTS: usize = 8;

/// Most basis functions for which vectors may run over samples: that way each of them costs, zero or not.
const FEW_BASES: usize = 15;

/// Rows of the shortest and the longest blocks.
const BLOCKS: (usize, usize) = (128, 4096);

/// Packed coefficients beyond which a layer doesn't keep them from a block's way forward to its way back: they would come
/// from memory, as the parameters do.
const KEPT: usize = 1 << 20;

/// What the lanes of a vector are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// Outputs, in tiles of `wide` vectors of `lanes`, and of one vector for what is left.
    Outputs { lanes: usize, wide: usize },
    /// Samples.
    Samples,
}

/// Outputs side by side whose coefficients for a row of bases lie together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tile {
    /// First output.
    pub(crate) first: usize,
    /// Number of outputs, those beyond the last included.
    pub(crate) width: usize,
}

/// One layer as the kernels see it.
///
/// Its packed coefficients, `w_s·P` and as one more row `w_b`, lie `[group of inputs][tile][input][row][lane]`, or
/// `[input][output][row]` where vectors run over samples.
#[derive(Debug)]
pub(crate) struct Plan<T> {
    pub(crate) inputs: usize,
    /// Sums: outputs of the kernels. Nodes, where there are product nodes, are fewer.
    pub(crate) outputs: usize,
    /// The sums that each product node multiplies; the last sums of the layer.
    pub(crate) products: Vec<Range<usize>>,
    pub(crate) degree: usize,
    pub(crate) bases: usize,
    pub(crate) base: Base,
    pub(crate) form: Form,
    /// Inputs that are sorted together.
    pub(crate) group: usize,
    /// Whether the bases add up to 1 wherever `x` is.
    pub(crate) unity: bool,
    pub(crate) reach: Reach,
    cells: Vec<Arc<Cells<T>>>,
}

/// Cell tables already converted, by the address of their source.
pub(crate) type Converted<T> = HashMap<*const CellTable, Arc<Cells<T>>>;

/// Rows of a block for a spline of `grid` intervals: enough that a cell holds about ten samples.
pub(crate) fn block_length(layer: &Layer) -> usize {
    let grid = layer.bases() - layer.degree();
    (10 * grid).next_power_of_two().clamp(BLOCKS.0, BLOCKS.1)
}

impl<T: Float> Plan<T> {
    /// None where a knot is beyond the range of `T`. `block` is the longest block of rows.
    pub(crate) fn new(
        layer: &Layer,
        level: Level,
        block: usize,
        converted: &mut Converted<T>,
    ) -> Option<Self> {
        let (mut cells, mut reach) = (Vec::with_capacity(layer.inputs), Reach::default());
        for spline in &layer.splines {
            let known = converted.get(&Arc::as_ptr(spline)).cloned();
            let found = if let Some(known) = known { known } else { Arc::new(Cells::new(spline)?) };
            if !cells.last().is_some_and(|last| Arc::ptr_eq(last, &found)) {
                reach.add(spline);
            }
            converted.insert(Arc::as_ptr(spline), Arc::clone(&found));
            cells.push(found);
        }
        let samples = layer.outputs < MANY_OUTPUTS && layer.bases() <= FEW_BASES;
        Some(Self {
            inputs: layer.inputs,
            outputs: layer.outputs,
            products: layer.factors().collect(),
            degree: layer.degree(),
            bases: layer.bases(),
            base: layer.base,
            form: if samples { Form::Samples } else { dispatch!(level, simd => tiled::<_, T>(simd)) },
            group: (STRIP * BLOCKS.0 / block).clamp(1, STRIP),
            unity: layer.splines.iter().all(|spline| adds_up_to_one(spline)),
            reach,
            cells,
        })
    }

    pub(crate) fn cells(&self, input: usize) -> &Cells<T> {
        &self.cells[input]
    }

    /// Sums that are nodes of their own.
    pub(crate) fn sum_nodes(&self) -> usize {
        self.products.first().map_or(self.outputs, |factors| factors.start)
    }

    /// Nodes that the layer leads to: sum nodes, then product nodes.
    pub(crate) fn nodes(&self) -> usize {
        self.sum_nodes() + self.products.len()
    }

    /// Rows of coefficients of an edge: its bases and the base function.
    pub(crate) fn rows(&self) -> usize {
        self.bases + 1
    }

    /// Outputs, rounded up to whole vectors.
    pub(crate) fn padded_outputs(&self) -> usize {
        match self.form {
            Form::Outputs { lanes, .. } => self.outputs.next_multiple_of(lanes),
            Form::Samples => self.outputs,
        }
    }

    /// Length of the packed coefficients of some inputs.
    pub(crate) fn packed(&self, inputs: usize) -> usize {
        inputs * self.padded_outputs() * self.rows()
    }

    /// Most parameters that the edges of an input and a tile have.
    pub(crate) fn widest_bundle(&self) -> usize {
        self.tiles().map(|tile| tile.width).max().unwrap_or(self.outputs) * (self.bases + 2)
    }

    /// Whether the packed coefficients are kept for other blocks of a batch and for the way back.
    pub(crate) fn keeps_packed(&self, rows: Rows) -> bool {
        rows.blocks() > 1 || self.packed(self.inputs) <= KEPT
    }

    /// The tiles, in order; none where vectors run over samples.
    pub(crate) fn tiles(&self) -> impl Iterator<Item = Tile> + use<T> {
        let (lanes, wide) = match self.form {
            Form::Outputs { lanes, wide } => (lanes, wide),
            Form::Samples => (0, 1),
        };
        let vectors = if lanes == 0 { 0 } else { self.outputs.div_ceil(lanes) };
        let widths = std::iter::repeat_n(wide, vectors / wide).chain(std::iter::repeat_n(1, vectors % wide));
        widths.scan(0, move |first, vectors| {
            let tile = Tile { first: *first, width: vectors * lanes };
            *first += tile.width;
            Some(tile)
        })
    }

    pub(crate) fn most_cells(&self) -> usize {
        self.cells.iter().map(|cells| cells.count()).max().unwrap_or(0)
    }

    pub(crate) fn work(&self) -> Work {
        let size = self.degree + 1;
        let each = match self.form {
            Form::Outputs { .. } => self.padded_outputs() * (size + 1) + 2 * size * size,
            Form::Samples => self.outputs * self.rows() + self.most_cells() * size * size,
        };
        let parameters = self.packed(self.inputs);
        Work { inputs: self.inputs, outputs: self.outputs, each, parameters }
    }
}

/// Whether the bases add up to 1 in every cell: the sum of the polynomials is the constant 1, but for rounding.
fn adds_up_to_one(table: &CellTable) -> bool {
    let size = table.degree() + 1;
    (0..table.cell_count()).all(|cell| {
        table.coefficients(cell).chunks_exact(size).enumerate().all(|(power, row)| {
            let magnitude: f64 = row.iter().map(|c| c.abs()).sum();
            let sum = row.iter().sum::<f64>() - if power == 0 { 1.0 } else { 0.0 };
            sum.abs() <= 1e-13 * magnitude.max(1.0)
        })
    })
}

#[inline(always)]
fn tiled<S: Simd, T: Float>(_simd: S) -> Form {
    Form::Outputs { lanes: lanes::<S, T>(), wide: wide::<S>() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use kanode_spline::{KnotEnds, Knots, Outside};

    fn plan(outputs: usize, grid: usize) -> Plan<f32> {
        let knots = Knots::uniform(-1.0, 1.0, grid, 3, KnotEnds::Clamped).unwrap();
        let spline = Arc::new(CellTable::new(&knots, Outside::Linear));
        let layer = Layer {
            inputs: 3,
            outputs,
            base: Base::Silu,
            splines: vec![spline; 3],
            products: Vec::new(),
            functions: Vec::new(),
        };
        let level = Isa::best().level().unwrap();
        Plan::new(&layer, level, block_length(&layer), &mut HashMap::new()).unwrap()
    }

    #[test]
    fn tiles_cover_the_outputs_without_overlap() {
        for outputs in [8, 10, 16, 17, 64, 65, 80, 100, 1000] {
            let plan = plan(outputs, 5);
            let mut next = 0;
            for tile in plan.tiles() {
                assert_eq!(tile.first, next);
                next += tile.width;
            }
            assert_eq!(next, plan.padded_outputs());
            assert!(next >= outputs);
        }
    }

    #[test]
    fn few_outputs_use_samples_as_lanes_unless_the_grid_is_fine() {
        assert_eq!(plan(7, 5).form, Form::Samples);
        assert_ne!(plan(8, 5).form, Form::Samples);
        assert_ne!(plan(1, 50).form, Form::Samples);
    }

    #[test]
    fn inputs_with_one_table_share_its_conversion() {
        let plan = plan(2, 5);
        assert!(Arc::ptr_eq(&plan.cells[0], &plan.cells[2]));
    }
}
