//! Counting sort of a block of samples by cell, and the weights of the sorted samples.
//!
//! Within a cell the rows of coefficients that samples meet are the same, so that kernels hold them in registers;
//! and the polynomials of the weights are the same, so that they are evaluated for whole vectors of samples.

use crate::buffer::Buffer;
use crate::cells::Cells;
use crate::float::Float;
use crate::math;
use crate::partition::STRIP;
use crate::plan::Plan;
use crate::simd::{Vector, by_degree, lanes, load, store};
use fearless_simd::prelude::*;
use std::ops::Range;

/// Consecutive sorted samples in one cell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    cell: u16,
    row: u16,
    start: u16,
    end: u16,
}

impl Run {
    /// The first row of coefficients of the cell.
    #[inline(always)]
    pub(crate) fn row(self) -> usize {
        usize::from(self.row)
    }

    /// The places of its samples in sorted order.
    #[inline(always)]
    pub(crate) fn range(self) -> Range<usize> {
        usize::from(self.start)..usize::from(self.end)
    }
}

/// Where a sample goes: its cell, and how many of those before it are in that cell too.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    cell: u16,
    rank: u16,
}

/// The sorted samples of a block, for each input of a group (its slot).
#[derive(Debug, Default)]
pub(crate) struct Sorted<T> {
    block: usize,
    /// Length of the arrays over sorted samples: a block, and room for the vector that overhangs its end.
    stride: usize,
    most_runs: usize,
    samples: usize,
    /// `[slots, block]`: the sample at each place.
    order: Vec<u16>,
    /// `[slots, stride]`: its `x`.
    x: Buffer<T>,
    /// `[slots, most_runs]`, of which `run_counts` are used.
    runs: Vec<Run>,
    run_counts: Vec<usize>,
    places: Vec<Place>,
    /// What the search for a cell begins with.
    buckets: Vec<u32>,
    /// For each cell its number of samples, then the place of the first.
    counts: Vec<u16>,
    /// `[slots, k + 2, stride]`: the bases of the cell, and the base function.
    weights: Buffer<T>,
    /// As `weights`, derivatives with respect to `x`.
    slopes: Buffer<T>,
}

/// What a kernel sees of one slot.
#[derive(Clone, Copy)]
pub(crate) struct Slot<'a, T> {
    pub(crate) order: &'a [u16],
    pub(crate) runs: &'a [Run],
    /// `[k + 2, stride]`.
    pub(crate) weights: &'a [T],
    /// `[k + 2, stride]`.
    pub(crate) slopes: &'a [T],
    pub(crate) stride: usize,
}

impl<T: Float> Sorted<T> {
    /// Makes room for the blocks of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>, block: usize) {
        let (slots, cells, size) = (plan.group, plan.most_cells(), plan.degree + 1);
        self.block = block;
        self.stride = block + STRIP;
        self.most_runs = cells + 1;
        grow(&mut self.order, slots * block);
        grow(&mut self.runs, slots * self.most_runs);
        grow(&mut self.run_counts, slots);
        grow(&mut self.places, block);
        grow(&mut self.buckets, block);
        grow(&mut self.counts, cells);
        self.x.resize(slots * self.stride);
        self.weights.resize(slots * (size + 1) * self.stride);
        self.slopes.resize(slots * (size + 1) * self.stride);
    }

    pub(crate) fn slot(&self, slot: usize, degree: usize) -> Slot<'_, T> {
        let weights = slot * (degree + 2) * self.stride..(slot + 1) * (degree + 2) * self.stride;
        Slot {
            order: &self.order[slot * self.block..][..self.samples],
            runs: &self.runs[slot * self.most_runs..][..self.run_counts[slot]],
            weights: &self.weights[weights.clone()],
            slopes: &self.slopes[weights],
            stride: self.stride,
        }
    }

    /// Sorts samples `x` into a slot. All slots of a group have the same number of samples.
    #[inline(always)]
    pub(crate) fn sort<S: Simd>(&mut self, simd: S, slot: usize, cells: &Cells<T>, x: &[T]) {
        simd.vectorize(
            #[inline(always)]
            || self.sort_samples(slot, cells, x),
        );
    }

    #[inline(always)]
    fn sort_samples(&mut self, slot: usize, cells: &Cells<T>, x: &[T]) {
        self.samples = x.len();
        let order = &mut self.order[slot * self.block..][..x.len()];
        let sorted = &mut self.x[slot * self.stride..][..x.len()];
        let runs = &mut self.runs[slot * self.most_runs..][..cells.count() + 1];
        let counts = &mut self.counts[..cells.count()];
        counts.fill(0);
        let buckets = &mut self.buckets[..x.len()];
        cells.buckets(x, buckets);
        for ((place, x), bucket) in self.places.iter_mut().zip(x).zip(&*buckets) {
            let cell = cells.find_from(*x, *bucket as usize);
            *place = Place { cell: cell as u16, rank: counts[cell] };
            counts[cell] += 1;
        }
        let (mut start, mut used) = (0, 0);
        for (cell, count) in counts.iter_mut().enumerate() {
            let end = start + *count;
            // Written always and kept if not empty: cheaper than a branch.
            runs[used] = Run { cell: cell as u16, row: cells.row(cell) as u16, start, end };
            used += usize::from(end > start);
            *count = start;
            start = end;
        }
        self.run_counts[slot] = used;
        for (sample, (place, x)) in self.places.iter().zip(x).enumerate() {
            let place = usize::from(counts[usize::from(place.cell)] + place.rank);
            order[place] = sample as u16;
            sorted[place] = *x;
        }
    }

    /// The weights of a sorted slot, and their derivatives if `slopes`.
    #[inline(always)]
    pub(crate) fn weigh<S: Simd>(
        &mut self,
        simd: S,
        slot: usize,
        plan: &Plan<T>,
        cells: &Cells<T>,
        slopes: bool,
    ) {
        let (stride, degree) = (self.stride, plan.degree);
        let size = (degree + 2) * stride;
        let x = &self.x[slot * stride..][..stride];
        let weights = &mut self.weights[slot * size..][..size];
        let slope_weights = &mut self.slopes[slot * size..][..size];
        let runs = &self.runs[slot * self.most_runs..][..self.run_counts[slot]];
        by_degree!(simd, degree, K => weigh_runs::<S, T, K, false>(simd, cells, runs, x, weights));
        if slopes {
            by_degree!(simd, degree, K => weigh_runs::<S, T, K, true>(simd, cells, runs, x, slope_weights));
        }
        let whole = self.samples.next_multiple_of(lanes::<S, T>());
        let base = (degree + 1) * stride;
        math::base(simd, plan.base, &x[..whole], &mut weights[base..], &mut slope_weights[base..]);
    }
}

/// The basis functions, or their derivatives, of sorted samples: `to: [k + 1 or more, stride]`.
#[inline(always)]
fn weigh_runs<S: Simd, T: Float, const K: usize, const SLOPES: bool>(
    simd: S,
    cells: &Cells<T>,
    runs: &[Run],
    x: &[T],
    to: &mut [T],
) {
    let stride = x.len();
    for run in runs {
        let cell = usize::from(run.cell);
        // The last vector overhangs the run; the next run overwrites what is not its own.
        for place in run.range().step_by(lanes::<S, T>()) {
            let u = cells.local(simd, cell, load(simd, &x[place..]));
            let values: [Vector<S, T>; K] =
                if SLOPES { cells.slopes(simd, cell, u) } else { cells.values(simd, cell, u) };
            for (j, value) in values.into_iter().enumerate() {
                store::<S, T>(value, &mut to[j * stride + place..]);
            }
        }
    }
}

fn grow<U: Clone + Default>(vector: &mut Vec<U>, length: usize) {
    if vector.len() < length {
        vector.resize(length, U::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::isa::Isa;
    use crate::plan::block_length;
    use crate::simd::dispatch;
    use kanode_engine::{Base, Layer};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::collections::HashMap;
    use std::sync::Arc;

    #[test]
    fn samples_are_sorted_by_cell_and_keep_their_weights() {
        let knots = Knots::with_breaks(vec![-1.0, -0.7, 0.0, 0.1, 1.0], 3, KnotEnds::Extended).unwrap();
        let table = Arc::new(CellTable::new(&knots, Outside::Zero));
        let layer = Layer {
            inputs: 1,
            outputs: 9,
            base: Base::Identity,
            splines: vec![Arc::clone(&table)],
            products: Vec::new(),
            functions: Vec::new(),
        };
        let x: Vec<f64> = (0..77).map(|i| f64::from(i * 37 % 77) / 20.0 - 1.9).collect();
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            let plan = Plan::<f64>::new(&layer, level, block_length(&layer), &mut HashMap::new()).unwrap();
            let mut sorted = Sorted::default();
            sorted.fit(&plan, 80);
            dispatch!(level, simd => sorted.sort(simd, 0, plan.cells(0), &x));
            dispatch!(level, simd => sorted.weigh(simd, 0, &plan, plan.cells(0), true));
            let slot = sorted.slot(0, 3);
            let mut seen: Vec<u16> = slot.order.to_vec();
            seen.sort_unstable();
            assert_eq!(seen, (0..77).collect::<Vec<u16>>());
            let mut places = 0..0;
            for run in slot.runs {
                assert!(run.range().start == places.end && !run.range().is_empty());
                places = run.range();
                for place in run.range() {
                    let x = x[usize::from(slot.order[place])];
                    let mut expected = [[0.0; 4]; 2];
                    assert_eq!(table.weights(x, &mut expected[0]), run.row());
                    table.derivative_weights(1, x, &mut expected[1]);
                    for (found, expected) in [slot.weights, slot.slopes].into_iter().zip(expected) {
                        for (j, expected) in expected.into_iter().enumerate() {
                            assert!((found[j * slot.stride + place] - expected).abs() < 1e-12);
                        }
                    }
                    assert_eq!(slot.weights[4 * slot.stride + place], x);
                    assert_eq!(slot.slopes[4 * slot.stride + place], 1.0);
                }
            }
            assert_eq!(places.end, 77);
        }
    }
}
