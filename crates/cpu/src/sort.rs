//! Counting sort of blocks of samples by cell: within a cell the rows of coefficients that samples meet are the same, so
//! that kernels hold them in registers.
//!
//! A step sorts a layer's inputs once. They stay sorted, in place, and [`Order`] says which sample is where.

use crate::buffer::Buffer;
use crate::cells::Cells;
use crate::float::Float;
use crate::partition::Rows;
use crate::plan::{Form, Plan};
use crate::simd::{lanes, load, splat, store};
use fearless_simd::prelude::*;
use std::ops::Range;

/// Cells, and samples of a block, of which counts fit into the bytes of a word: a register then counts, where counters
/// in memory wait for one another.
const FEW: (usize, usize) = (8, u8::MAX as usize);

/// Consecutive sorted samples in one cell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Run {
    cell: u16,
    row: u16,
    start: u16,
    end: u16,
}

impl Run {
    #[inline(always)]
    pub(crate) fn cell(self) -> usize {
        usize::from(self.cell)
    }

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

/// The order of a layer's sorted inputs. A column is the samples of one block and input; columns lie `[block][input]`.
#[derive(Debug, Default)]
pub(crate) struct Order {
    columns: usize,
    block: usize,
    most_runs: usize,
    /// `[column, block]`: the sample at each place.
    samples: Vec<u16>,
    /// `[column, most_runs]`, of which `run_counts` are used.
    runs: Vec<Run>,
    run_counts: Vec<u16>,
}

/// Some consecutive columns.
pub(crate) struct Columns<'a, T> {
    /// The inputs, `[column, block]`.
    pub(crate) x: &'a mut [T],
    samples: &'a mut [u16],
    runs: &'a mut [Run],
    run_counts: &'a mut [u16],
}

/// The samples of one column.
#[derive(Clone, Copy)]
pub(crate) struct Column<'a> {
    /// The sample at each place.
    pub(crate) order: &'a [u16],
    pub(crate) runs: &'a [Run],
}

impl Order {
    /// Makes room for some blocks of a plan's inputs.
    pub(crate) fn fit<T: Float>(&mut self, plan: &Plan<T>, blocks: usize, block: usize) {
        if plan.form == Form::Samples {
            return;
        }
        self.columns = blocks * plan.inputs;
        self.block = block;
        self.most_runs = plan.most_cells() + 1;
        grow(&mut self.samples, self.columns * block);
        grow(&mut self.runs, self.columns * self.most_runs);
        grow(&mut self.run_counts, self.columns);
    }

    /// The order of a column of so many samples.
    #[inline(always)]
    pub(crate) fn column(&self, column: usize, samples: usize) -> Column<'_> {
        Column {
            order: &self.samples[column * self.block..][..samples],
            runs: &self.runs[column * self.most_runs..][..usize::from(self.run_counts[column])],
        }
    }

    /// The columns from `first` on, whose inputs are `x`, in pieces of `count`; with each its first column.
    pub(crate) fn pieces<'a, T: Send>(
        &'a mut self,
        first: usize,
        x: &'a mut [T],
        count: usize,
    ) -> impl Iterator<Item = (usize, Columns<'a, T>)> + Send {
        let (block, most_runs) = (self.block, self.most_runs);
        let samples = self.samples[first * block..].chunks_mut(count * block);
        let runs = self.runs[first * most_runs..].chunks_mut(count * most_runs);
        let counts = self.run_counts[first..].chunks_mut(count);
        let pieces = x.chunks_mut(count * block).zip(samples).zip(runs.zip(counts));
        (0..).step_by(count).zip(pieces).map(|(start, ((x, samples), (runs, run_counts)))| {
            (start, Columns { x, samples, runs, run_counts })
        })
    }
}

/// Where a sample goes: its cell, and how many of those before it are in that cell too.
#[derive(Clone, Copy, Debug, Default)]
struct Place {
    cell: u16,
    rank: u16,
}

/// Work space of sorting.
#[derive(Debug, Default)]
pub(crate) struct Sorter<T> {
    /// The sorted `x` of a column.
    sorted: Buffer<T>,
    /// For each sample the position of its cell's byte, as [`Float::low_bits`] reads it.
    shifts: Buffer<T>,
    places: Vec<Place>,
    /// What the search for a cell begins with.
    buckets: Vec<u32>,
    /// For each cell its number of samples, then the place of the first.
    counts: Vec<u16>,
}

impl<T: Float> Sorter<T> {
    /// Makes room for the blocks of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>, block: usize) {
        self.sorted.resize(block.max(FEW.1 + 1));
        self.shifts.resize(block);
        grow(&mut self.places, block);
        grow(&mut self.buckets, block);
        grow(&mut self.counts, plan.most_cells());
    }

    /// Sorts columns, the first of which is column `first` of those of `rows`.
    #[inline(always)]
    pub(crate) fn sort<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        rows: Rows,
        first: usize,
        columns: Columns<'_, T>,
    ) {
        let most_runs = plan.most_cells() + 1;
        let places = columns.x.chunks_exact_mut(rows.block).zip(columns.samples.chunks_exact_mut(rows.block));
        let runs = columns.runs.chunks_exact_mut(most_runs).zip(columns.run_counts);
        for (column, ((x, order), (runs, run_count))) in (first..).zip(places.zip(runs)) {
            let samples = rows.of_block(column / plan.inputs).len();
            let cells = plan.cells(column % plan.inputs);
            let (x, order) = (&mut x[..samples], &mut order[..samples]);
            let used = if cells.count() <= FEW.0 && samples <= FEW.1 {
                self.sort_by_word(simd, cells, x, order, runs)
            } else {
                self.sort_by_counters(cells, x, order, runs)
            };
            *run_count = used as u16;
        }
    }

    /// Returns the number of runs, as the other.
    #[inline(always)]
    fn sort_by_word<S: Simd>(
        &mut self,
        simd: S,
        cells: &Cells<T>,
        x: &mut [T],
        order: &mut [u16],
        runs: &mut [Run],
    ) -> usize {
        let shifts = &mut self.shifts[..x.len().next_multiple_of(lanes::<S, T>())];
        let whole = x.len() - x.len() % lanes::<S, T>();
        for start in (0..whole).step_by(lanes::<S, T>()) {
            let number = cells.number(simd, load(simd, &x[start..]));
            let shift = number.mul_add(splat(simd, T::from_f64(8.0)), splat(simd, T::WHOLE));
            store::<S, T>(shift, &mut shifts[start..]);
        }
        for (shift, x) in shifts[whole..].iter_mut().zip(&x[whole..]) {
            *shift = T::from_f64((8 * cells.find(*x)) as f64) + T::WHOLE;
        }
        let shifts = &shifts[..x.len()];
        let counts: u64 = shifts.iter().map(|shift| 1 << (shift.low_bits() & 63)).sum();
        // Each byte the sum of those below: the product adds up all shifts by whole bytes.
        let mut next = counts.wrapping_mul(0x0101_0101_0101_0100);
        let mut used = 0;
        for cell in 0..cells.count() {
            let (start, count) = ((next >> (8 * cell)) as u8, (counts >> (8 * cell)) as u8);
            let end = u16::from(start) + u16::from(count);
            // Written always and kept if not empty: cheaper than a branch.
            runs[used] = Run { cell: cell as u16, row: cells.row(cell) as u16, start: u16::from(start), end };
            used += usize::from(count > 0);
        }
        let mut sorted_order = [0; FEW.1 + 1];
        let sorted = &mut self.sorted[..FEW.1 + 1];
        for ((sample, x), shift) in (0..).zip(&*x).zip(shifts) {
            let shift = shift.low_bits() & 63;
            let place = usize::from((next >> shift) as u8);
            next = next.wrapping_add(1 << shift);
            sorted_order[place] = sample;
            sorted[place] = *x;
        }
        order.copy_from_slice(&sorted_order[..x.len()]);
        x.copy_from_slice(&self.sorted[..x.len()]);
        used
    }

    #[inline(always)]
    fn sort_by_counters(
        &mut self,
        cells: &Cells<T>,
        x: &mut [T],
        order: &mut [u16],
        runs: &mut [Run],
    ) -> usize {
        let counts = &mut self.counts[..cells.count()];
        counts.fill(0);
        let buckets = &mut self.buckets[..x.len()];
        cells.buckets(x, buckets);
        for ((place, x), bucket) in self.places.iter_mut().zip(&*x).zip(&*buckets) {
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
        let sorted = &mut self.sorted[..x.len()];
        for (sample, (place, x)) in self.places.iter().zip(&*x).enumerate() {
            let place = usize::from(counts[usize::from(place.cell)] + place.rank);
            order[place] = sample as u16;
            sorted[place] = *x;
        }
        x.copy_from_slice(sorted);
        used
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
    use crate::simd::dispatch;
    use kanode_engine::{Base, Layer};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::collections::HashMap;
    use std::sync::Arc;

    /// Sorts blocks of all inputs in pieces and looks at every column.
    fn sorts_and_stays_stable<T: Float>(grid: usize, count: usize, block: usize) {
        let knots = Knots::uniform(-1.0, 1.0, grid, 3, KnotEnds::Clamped).unwrap();
        let table = Arc::new(CellTable::new(&knots, Outside::Linear));
        let (inputs, splines, products) = (3, vec![Arc::clone(&table); 3], Vec::new());
        let functions = Vec::new();
        let layer = Layer { inputs, outputs: 9, base: Base::Silu, splines, products, functions };
        let rows = Rows::new(count, block);
        let number = |i: usize| T::from_f64((i * 37 % 101) as f64 / 40.0 - 1.2);
        let mut x: Vec<T> = (0..rows.blocks() * inputs * rows.block).map(number).collect();
        // NaN counts as in the first cell.
        x[1] = T::from_f64(f64::NAN);
        for level in Isa::available().into_iter().filter_map(Isa::level) {
            let plan = Plan::<T>::new(&layer, level, block, &mut HashMap::new()).unwrap();
            let (mut order, mut sorter, mut sorted) = (Order::default(), Sorter::default(), x.clone());
            order.fit(&plan, rows.blocks() + 1, rows.block);
            sorter.fit(&plan, rows.block);
            for (first, columns) in order.pieces(inputs, &mut sorted, 2) {
                dispatch!(level, simd => sorter.sort(simd, &plan, rows, first, columns));
            }
            for (index, sorted) in sorted.chunks(rows.block).enumerate() {
                let samples = rows.of_block(index / inputs).len();
                let (column, x) =
                    (order.column(inputs + index, samples), &x[index * rows.block..][..samples]);
                let cell = |sample: u16| table.find(x[usize::from(sample)].to_f64());
                let mut expected: Vec<u16> = (0..samples as u16).collect();
                expected.sort_by_key(|sample| cell(*sample));
                assert_eq!(column.order, expected);
                let mut end = 0;
                for run in column.runs {
                    assert!(run.range().start == end && !run.range().is_empty());
                    assert_eq!(run.row(), table.cell(run.cell()).row);
                    for place in run.range() {
                        assert_eq!(cell(column.order[place]), run.cell());
                        let found = sorted[place].low_bits();
                        assert_eq!(found, x[usize::from(column.order[place])].low_bits());
                    }
                    end = run.range().end;
                }
                assert_eq!(end, samples);
            }
        }
    }

    #[test]
    fn samples_are_sorted_by_cell_and_keep_their_order_within() {
        for (grid, count, block) in
            [(5, 300, 128), (6, 255, 256), (6, 256, 256), (5, 1, 128), (7, 77, 128), (50, 700, 512)]
        {
            sorts_and_stays_stable::<f32>(grid, count, block);
            sorts_and_stays_stable::<f64>(grid, count, block);
        }
    }
}
