//! What sorted samples multiply rows of coefficients with: the basis functions of their cells and the base function, and
//! derivatives of both. Within a run the polynomials are the same, so that they are evaluated for whole vectors of samples.

use crate::buffer::Buffer;
use crate::cells::Cells;
use crate::float::Float;
use crate::math;
use crate::partition::STRIP;
use crate::plan::Plan;
use crate::simd::{by_degree, lanes, load, store};
use crate::sort::{Column, Run};
use fearless_simd::prelude::*;

/// Weights of a block of samples, for each input of a group (its slot).
#[derive(Debug, Default)]
pub(crate) struct Weights<T> {
    /// Length of the arrays over samples: a block, and room for the vector that overhangs its end.
    stride: usize,
    /// The sorted `x` of one slot.
    x: Buffer<T>,
    /// `[slot, k + 2, stride]`, as a [`Slot`] has them.
    values: Buffer<T>,
    slopes: Buffer<T>,
}

/// Where bases add up to 1, the row that the others are measured from: its multiply-add is an addition then, which
/// processors do beside their multiply-adds, and its weight is not needed.
pub(crate) const PIVOT: usize = 1;

/// The same among the bases of one degree less, for `size` bases of a cell.
pub(crate) const fn lowered_pivot(size: usize) -> usize {
    if size > 2 { PIVOT } else { 0 }
}

/// What a kernel sees of one slot.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a, T> {
    pub(crate) column: Column<'a>,
    /// `[k + 2, stride]`: the bases of the cell, and the base function. Where bases add up to 1, that of the pivot is
    /// not there.
    pub(crate) values: &'a [T],
    /// `[k + 2, stride]`: derivatives with respect to `x`. Where bases add up to 1, instead of the first `k` the bases of
    /// one degree less, but for their pivot.
    pub(crate) slopes: &'a [T],
    pub(crate) stride: usize,
}

impl<T: Float> Weights<T> {
    /// Makes room for the blocks of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>, block: usize) {
        self.stride = block + STRIP;
        let size = plan.group * (plan.degree + 2) * self.stride;
        self.x.resize(self.stride);
        self.values.resize(size);
        self.slopes.resize(size);
    }

    #[inline(always)]
    pub(crate) fn slot<'a>(&'a self, slot: usize, degree: usize, column: Column<'a>) -> Slot<'a, T> {
        let range = slot * (degree + 2) * self.stride..(slot + 1) * (degree + 2) * self.stride;
        let (values, slopes) = (&self.values[range.clone()], &self.slopes[range]);
        Slot { column, values, slopes, stride: self.stride }
    }

    /// The weights of a slot, whose sorted samples are `x`; their derivatives too if `slopes`.
    #[inline(always)]
    pub(crate) fn weigh<S: Simd>(
        &mut self,
        simd: S,
        slot: usize,
        (plan, input): (&Plan<T>, usize),
        (column, x): (Column<'_>, &[T]),
        slopes: bool,
    ) {
        let (stride, degree, cells) = (self.stride, plan.degree, plan.cells(input));
        let size = (degree + 2) * stride;
        self.x[..x.len()].copy_from_slice(x);
        let whole = x.len().next_multiple_of(lanes::<S, T>());
        let x = &self.x[..stride];
        let values = &mut self.values[slot * size..][..size];
        let slope_values = &mut self.slopes[slot * size..][..size];
        let from = (column.runs, x);
        match (plan.unity, slopes) {
            (false, false) => by_degree!(simd, degree, K =>
                weigh_runs::<S, T, K, false, false>(simd, cells, from, values, slope_values)),
            (false, true) => by_degree!(simd, degree, K =>
                weigh_runs::<S, T, K, false, true>(simd, cells, from, values, slope_values)),
            (true, false) => by_degree!(simd, degree, K =>
                weigh_runs::<S, T, K, true, false>(simd, cells, from, values, slope_values)),
            (true, true) => by_degree!(simd, degree, K =>
                weigh_runs::<S, T, K, true, true>(simd, cells, from, values, slope_values)),
        }
        let base = (degree + 1) * stride;
        math::base(simd, plan.base, &x[..whole], &mut values[base..], &mut slope_values[base..]);
    }
}

/// Writes the weights of sorted samples and, with `SLOPES`, their derivatives, `[k + 1 or more, stride]`; with `UNITY`
/// the form of [`Slot`] that leaves the pivots out.
#[inline(always)]
fn weigh_runs<S: Simd, T: Float, const K: usize, const UNITY: bool, const SLOPES: bool>(
    simd: S,
    cells: &Cells<T>,
    (runs, x): (&[Run], &[T]),
    values: &mut [T],
    slopes: &mut [T],
) {
    let stride = x.len();
    for run in runs {
        // The last vector overhangs the run; the next run overwrites what is not its own.
        for place in run.range().step_by(lanes::<S, T>()) {
            let u = cells.local(simd, run.cell(), load(simd, &x[place..]));
            for (j, value) in cells.values::<S, K>(simd, run.cell(), u).into_iter().enumerate() {
                if !UNITY || j != PIVOT {
                    store::<S, T>(value, &mut values[j * stride + place..]);
                }
            }
            if SLOPES && UNITY {
                let lowered = cells.lowered::<S, K>(simd, run.cell(), u);
                for (j, value) in lowered.into_iter().take(K - 1).enumerate() {
                    if j != lowered_pivot(K) {
                        store::<S, T>(value, &mut slopes[j * stride + place..]);
                    }
                }
            } else if SLOPES {
                for (j, value) in cells.slopes::<S, K>(simd, run.cell(), u).into_iter().enumerate() {
                    store::<S, T>(value, &mut slopes[j * stride + place..]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::partition::Rows;
    use crate::plan::block_length;
    use crate::simd::dispatch;
    use crate::sort::{Order, Sorter};
    use kanode_engine::{Base, Layer};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::collections::HashMap;
    use std::sync::Arc;

    #[test]
    fn sorted_samples_have_the_weights_of_the_table() {
        let knots = Knots::with_breaks(vec![-1.0, -0.7, 0.0, 0.1, 1.0], 3, KnotEnds::Extended).unwrap();
        let table = Arc::new(CellTable::new(&knots, Outside::Zero));
        let (splines, products) = (vec![Arc::clone(&table)], Vec::new());
        let functions = Vec::new();
        let layer = Layer { inputs: 1, outputs: 9, base: Base::Identity, splines, products, functions };
        let rows = Rows::new(77, 128);
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            let plan = Plan::<f64>::new(&layer, level, block_length(&layer), &mut HashMap::new()).unwrap();
            let mut x: Vec<f64> =
                (0..rows.block).map(|i| f64::from(i as u32 * 37 % 77) / 20.0 - 1.9).collect();
            let (mut order, mut sorter, mut weights) =
                (Order::default(), Sorter::default(), Weights::default());
            order.fit(&plan, 1, rows.block);
            sorter.fit(&plan, rows.block);
            weights.fit(&plan, rows.block);
            for (first, columns) in order.pieces(0, &mut x, 1) {
                dispatch!(level, simd => sorter.sort(simd, &plan, rows, first, columns));
            }
            let (column, x) = (order.column(0, 77), &x[..77]);
            dispatch!(level, simd => weights.weigh(simd, 0, (&plan, 0), (column, x), true));
            let slot = weights.slot(0, 3, column);
            for run in slot.column.runs {
                for place in run.range() {
                    let mut expected = [[0.0; 4]; 2];
                    assert_eq!(table.weights(x[place], &mut expected[0]), run.row());
                    table.derivative_weights(1, x[place], &mut expected[1]);
                    for (found, expected) in [slot.values, slot.slopes].into_iter().zip(expected) {
                        for (j, expected) in expected.into_iter().enumerate() {
                            assert!((found[j * slot.stride + place] - expected).abs() < 1e-12);
                        }
                    }
                    assert_eq!(slot.values[4 * slot.stride + place], x[place]);
                    assert_eq!(slot.slopes[4 * slot.stride + place], 1.0);
                }
            }
        }
    }
}
