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
use crate::simd::{lanes, load, store};
use fearless_simd::prelude::*;
use kanode_engine::Base;
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
    /// The cell of each sample.
    cells: Vec<u16>,
    /// For each cell its number of samples, then the place of the next one.
    places: Vec<u16>,
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
        grow(&mut self.cells, block);
        grow(&mut self.places, cells);
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
    pub(crate) fn sort(&mut self, slot: usize, cells: &Cells<T>, x: &[T]) {
        self.samples = x.len();
        let order = &mut self.order[slot * self.block..][..x.len()];
        let sorted = &mut self.x[slot * self.stride..][..x.len()];
        let runs = &mut self.runs[slot * self.most_runs..][..cells.count() + 1];
        let places = &mut self.places[..cells.count()];
        places.fill(0);
        for (cell, x) in self.cells.iter_mut().zip(x) {
            let found = cells.find(*x);
            places[found] += 1;
            *cell = found as u16;
        }
        let (mut start, mut count) = (0, 0);
        for (cell, place) in places.iter_mut().enumerate() {
            let end = start + *place;
            // Written always and kept if not empty: cheaper than a branch.
            runs[count] = Run { cell: cell as u16, row: cells.row(cell) as u16, start, end };
            count += usize::from(end > start);
            *place = start;
            start = end;
        }
        self.run_counts[slot] = count;
        for ((sample, cell), x) in (0u16..).zip(&self.cells).zip(x) {
            let place = &mut places[usize::from(*cell)];
            order[usize::from(*place)] = sample;
            sorted[usize::from(*place)] = *x;
            *place += 1;
        }
    }

    /// The weights of a sorted slot, and their derivatives if `slopes`.
    #[inline(always)]
    pub(crate) fn weigh<S: Simd, const K: usize>(
        &mut self,
        simd: S,
        slot: usize,
        cells: &Cells<T>,
        base: Base,
        slopes: bool,
    ) {
        let stride = self.stride;
        let x = &self.x[slot * stride..][..stride];
        let weights = &mut self.weights[slot * (K + 1) * stride..][..(K + 1) * stride];
        let slope_weights = &mut self.slopes[slot * (K + 1) * stride..][..(K + 1) * stride];
        for run in &self.runs[slot * self.most_runs..][..self.run_counts[slot]] {
            let cell = usize::from(run.cell);
            // The last vector overhangs the run; the next run overwrites what is not its own.
            for place in run.range().step_by(lanes::<S, T>()) {
                let u = cells.local(simd, cell, load(simd, &x[place..]));
                for (j, value) in cells.values::<S, K>(simd, cell, u).into_iter().enumerate() {
                    store::<S, T>(value, &mut weights[j * stride + place..]);
                }
                if slopes {
                    for (j, value) in cells.slopes::<S, K>(simd, cell, u).into_iter().enumerate() {
                        store::<S, T>(value, &mut slope_weights[j * stride + place..]);
                    }
                }
            }
        }
        for place in (0..self.samples).step_by(lanes::<S, T>()) {
            let (value, slope) = math::base::<S, T>(simd, base, load(simd, &x[place..]));
            store::<S, T>(value, &mut weights[K * stride + place..]);
            if slopes {
                store::<S, T>(slope, &mut slope_weights[K * stride + place..]);
            }
        }
    }
}

fn grow<U: Clone + Default>(vector: &mut Vec<U>, length: usize) {
    if vector.len() < length {
        vector.resize(length, U::default());
    }
}
