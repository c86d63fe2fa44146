//! Layers with few outputs: lanes are samples.
//!
//! For each input the bases of a block are written out, one row of samples for each basis function that any of them
//! needs; every output is then a sum of multiples of these rows. Nothing is sorted: each cell is evaluated for all
//! samples, and a mask keeps those within. That costs `G` times too much, but `G` is small here and outputs are few.

use crate::cells::Cells;
use crate::coefficients::Start;
use crate::float::Float;
use crate::math;
use crate::pack::Bundle;
use crate::partition::Partition;
use crate::plan::Plan;
use crate::scratch::Scratch;
use crate::simd::{Mask, Vector, by_degree, lane_sums, lanes, load, load_all, splat, store, store_all};
use crate::task::{Backward, Forward};
use fearless_simd::prelude::*;
use std::ops::RangeInclusive;

/// Sums that are worked on together, to hide their latency.
const TOGETHER: usize = 4;

/// What the samples of one block and input have in common.
struct Active {
    /// Number of samples, rounded up to whole vectors.
    samples: usize,
    /// The cells they are in.
    cells: RangeInclusive<usize>,
    /// The first basis function that differs from zero for any of them, and how many follow.
    first_row: usize,
    rows: usize,
}

/// Adds up the contributions of the task's inputs to its blocks of outputs.
#[inline(always)]
pub(crate) fn forward<S: Simd, T: Float>(simd: S, task: Forward<'_, T>, scratch: &mut Scratch<T>) {
    let Forward { plan, mut coefficients, x, layout, blocks, inputs, y, .. } = task;
    let block_length = layout.rows.block;
    for (block, panel) in blocks.clone().zip(y.chunks_exact_mut(plan.outputs * block_length)) {
        let samples = layout.rows.of_block(block).len();
        panel.fill(T::ZERO);
        for input in inputs.clone() {
            let x = &x[layout.position(block, input)..][..samples];
            let active = expand(simd, plan, input, x, scratch);
            let (alone, start) =
                (Bundle::of(&(input..input + 1), &inputs, None), plan.packed(input - inputs.start));
            if block == blocks.start {
                coefficients.prepare(simd, plan, (&alone, start), &mut scratch.magnitude);
            }
            let packed = coefficients.rows(start, (0, plan.packed(1)));
            let edges = packed.chunks_exact(plan.rows());
            for (coefficients, y) in edges.zip(panel.chunks_exact_mut(block_length)) {
                let mut start = 0;
                while start < active.samples {
                    let (y, bases) = (&mut y[start..], &scratch.bases[start..]);
                    if start + TOGETHER * lanes::<S, T>() <= active.samples {
                        add_rows::<S, T, TOGETHER>(
                            simd,
                            plan,
                            &active,
                            coefficients,
                            (bases, block_length),
                            y,
                        );
                        start += TOGETHER * lanes::<S, T>();
                    } else {
                        add_rows::<S, T, 1>(simd, plan, &active, coefficients, (bases, block_length), y);
                        start += lanes::<S, T>();
                    }
                }
            }
        }
    }
}

/// Gradients of the task's inputs: of their coefficients, overwritten, and of `x`.
#[inline(always)]
pub(crate) fn backward<S: Simd, T: Float>(simd: S, task: Backward<'_, T>, scratch: &mut Scratch<T>) {
    let Backward { plan, mut edges, x, layout, blocks, inputs, dy, mut dx, .. } = task;
    let block_length = layout.rows.block;
    let per_input = plan.packed(1);
    for first in inputs.clone().step_by(plan.group) {
        let group = first..inputs.end.min(first + plan.group);
        let count = plan.packed(group.len());
        let bundle = Bundle::of(&group, &inputs, None);
        let start = Start { of_task: plan.packed(first - inputs.start), of_group: 0 };
        if dx.is_some() {
            edges.prepare(simd, plan, &bundle);
        }
        scratch.gradients[..(count + lanes::<S, T>()) * lanes::<S, T>()].fill(T::ZERO);
        for block in blocks.clone() {
            let samples = layout.rows.of_block(block).len();
            let dy = &dy[block * plan.outputs * block_length..][..plan.outputs * block_length];
            for (slot, input) in group.clone().enumerate() {
                let x = &x[layout.position(block, input)..][..samples];
                let active = expand(simd, plan, input, x, scratch);
                add_gradients(simd, plan, &active, slot * per_input, dy, block_length, scratch);
                if let Some(dx) = dx.as_deref_mut() {
                    let column = (block - blocks.start) * inputs.len() + input - inputs.start;
                    let dx = &mut dx[column * block_length..][..block_length];
                    let (coefficients, _) = edges.rows(start, (slot, per_input));
                    let (cells, dy) = (plan.cells(input), (dy, block_length));
                    by_degree!(simd, plan.degree, K =>
                        input_gradient::<S, T, K>(simd, cells, &active, coefficients, dy, scratch, dx));
                }
            }
        }
        let (_, gradient) = edges.rows(start, (0, count));
        let sums = scratch.gradients.chunks_exact(lanes::<S, T>() * lanes::<S, T>());
        for (gradient, sums) in gradient.chunks_mut(lanes::<S, T>()).zip(sums) {
            gradient.copy_from_slice(&lane_sums(simd, sums).as_slice()[..gradient.len()]);
        }
        edges.finish(simd, plan, &bundle, start);
    }
}

/// Packs a block of derivatives as `[output][row]`; rows beyond the samples are zero.
pub(crate) fn pack<T: Float>(
    plan: &Plan<T>,
    (from, layout): (&[T], Partition),
    block: usize,
    packed: &mut [T],
) {
    let samples = layout.rows.of_block(block).len();
    for (output, to) in packed.chunks_exact_mut(layout.rows.block).enumerate().take(plan.outputs) {
        let (filled, rest) = to.split_at_mut(samples);
        filled.copy_from_slice(&from[layout.position(block, output)..][..samples]);
        rest.fill(T::ZERO);
    }
}

/// Writes the bases of samples `x` of an input, and the base function and its derivative, to the scratch.
#[inline(always)]
fn expand<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    input: usize,
    x: &[T],
    scratch: &mut Scratch<T>,
) -> Active {
    let Scratch { x: whole, bases, base_slopes, .. } = scratch;
    let block_length = whole.len();
    let cells = plan.cells(input);
    let samples = x.len().next_multiple_of(lanes::<S, T>());
    // Whole vectors, filled up with a sample that is there anyway.
    whole[..x.len()].copy_from_slice(x);
    whole[x.len()..samples].fill(x[x.len() - 1]);
    let x = &whole[..samples];
    let used = cells_of(simd, cells, x);
    let first_row = cells.row(*used.start());
    let rows = cells.row(*used.end()) + plan.degree + 1 - first_row;
    let active = Active { samples, cells: used, first_row, rows };
    by_degree!(simd, plan.degree, K => write_bases::<S, T, K>(simd, cells, &active, x, bases, block_length));
    math::base(simd, plan.base, x, &mut bases[rows * block_length..], base_slopes);
    active
}

/// Writes the bases of whole vectors of samples, `[row][sample]`. `K` is the degree and one.
#[inline(always)]
fn write_bases<S: Simd, T: Float, const K: usize>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    x: &[T],
    bases: &mut [T],
    block_length: usize,
) {
    for start in (0..x.len()).step_by(lanes::<S, T>()) {
        // Values of the rows that a cell has in common with the one before slide through a window.
        let mut window = [splat(simd, T::ZERO); K];
        let mut row = 0;
        walk(
            simd,
            cells,
            active,
            load(simd, &x[start..]),
            #[inline(always)]
            |cell, u, inside| {
                while row < cells.row(cell) - active.first_row {
                    store::<S, T>(window[0], &mut bases[row * block_length + start..]);
                    for j in 1..K {
                        window[j - 1] = window[j];
                    }
                    window[K - 1] = splat(simd, T::ZERO);
                    row += 1;
                }
                for (kept, value) in window.iter_mut().zip(cells.values::<S, K>(simd, cell, u)) {
                    *kept = inside.select(value, *kept);
                }
            },
        );
        for (j, value) in window.into_iter().enumerate() {
            store::<S, T>(value, &mut bases[(row + j) * block_length + start..]);
        }
    }
}

/// The cells between the least and the largest of whole vectors of samples; NaN counts as in the first of them.
#[inline(always)]
fn cells_of<S: Simd, T: Float>(simd: S, cells: &Cells<T>, x: &[T]) -> RangeInclusive<usize> {
    let mut low = splat(simd, T::from_f64(f64::INFINITY));
    let mut high = splat(simd, T::from_f64(f64::NEG_INFINITY));
    for x in x.chunks_exact(lanes::<S, T>()) {
        let x = load(simd, x);
        low = x.simd_lt(low).select(x, low);
        high = x.simd_gt(high).select(x, high);
    }
    let low = low.as_slice().iter().fold(T::from_f64(f64::INFINITY), |a, b| if *b < a { *b } else { a });
    let high =
        high.as_slice().iter().fold(T::from_f64(f64::NEG_INFINITY), |a, b| if *b > a { *b } else { a });
    // Only NaN leaves nothing between.
    if low <= high { cells.find(low)..=cells.find(high) } else { 0..=0 }
}

/// Calls `visit` with every cell, the local coordinates there, and which lanes of `x` it holds. A lane is in one cell.
#[inline(always)]
fn walk<S: Simd, T: Float>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    x: Vector<S, T>,
    mut visit: impl FnMut(usize, Vector<S, T>, Mask<S, T>),
) {
    let mut reached = Mask::<S, T>::splat(simd, true);
    for cell in active.cells.clone() {
        let last = cell == *active.cells.end();
        let passed = if last {
            Mask::<S, T>::splat(simd, false)
        } else {
            x.simd_ge(splat(simd, cells.start(cell + 1)))
        };
        visit(cell, cells.local(simd, cell, x), reached & !passed);
        reached = passed;
    }
}

/// `y += Σ_rows coefficient·basis` for `N` vectors of samples.
#[inline(always)]
fn add_rows<S: Simd, T: Float, const N: usize>(
    simd: S,
    plan: &Plan<T>,
    active: &Active,
    coefficients: &[T],
    (bases, stride): (&[T], usize),
    y: &mut [T],
) {
    let mut sums: [Vector<S, T>; N] = load_all(simd, y);
    let spline = &coefficients[active.first_row..][..active.rows];
    for (row, coefficient) in spline.iter().chain([&coefficients[plan.bases]]).enumerate() {
        let bases: [Vector<S, T>; N] = load_all(simd, &bases[row * stride..]);
        for (sum, basis) in sums.iter_mut().zip(bases) {
            *sum = basis.mul_add(splat(simd, *coefficient), *sum);
        }
    }
    store_all::<S, T, N>(sums, y);
}

/// Adds `Σ_samples dy·basis` to the gradients, lane by lane, for all outputs and rows of one input.
#[inline(always)]
fn add_gradients<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    active: &Active,
    first: usize,
    dy: &[T],
    block_length: usize,
    scratch: &mut Scratch<T>,
) {
    let Scratch { bases, gradients, .. } = scratch;
    for (output, dy) in dy.chunks_exact(block_length).enumerate() {
        let dy = &dy[..active.samples];
        let edge = first + output * plan.rows();
        let mut row = 0;
        while row < active.rows {
            let bases = (&bases[row * block_length..], block_length);
            let sums = &mut gradients[(edge + active.first_row + row) * lanes::<S, T>()..];
            if row + TOGETHER <= active.rows {
                add_products::<S, T, TOGETHER>(simd, dy, bases, sums);
                row += TOGETHER;
            } else {
                add_products::<S, T, 1>(simd, dy, bases, sums);
                row += 1;
            }
        }
        let base = (&bases[active.rows * block_length..], block_length);
        add_products::<S, T, 1>(simd, dy, base, &mut gradients[(edge + plan.bases) * lanes::<S, T>()..]);
    }
}

/// `sums[n] += Σ_vectors dy·bases[n]` for `N` rows.
#[inline(always)]
fn add_products<S: Simd, T: Float, const N: usize>(
    simd: S,
    dy: &[T],
    (bases, stride): (&[T], usize),
    sums: &mut [T],
) {
    let mut totals: [Vector<S, T>; N] = load_all(simd, sums);
    for start in (0..dy.len()).step_by(lanes::<S, T>()) {
        let dy = load(simd, &dy[start..]);
        for (n, total) in totals.iter_mut().enumerate() {
            *total = load(simd, &bases[n * stride + start..]).mul_add(dy, *total);
        }
    }
    store_all::<S, T, N>(totals, sums);
}

/// `dx = Σ_outputs dy·(Σ_rows coefficient·basis' + coefficient·base')`, by way of the derivatives by the rows.
#[inline(always)]
fn input_gradient<S: Simd, T: Float, const K: usize>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    coefficients: &[T],
    (dy, block_length): (&[T], usize),
    scratch: &mut Scratch<T>,
    dx: &mut [T],
) {
    let Scratch { x, rows, base_slopes, .. } = scratch;
    let edge_length = coefficients.len() / (dy.len() / block_length);
    for start in (0..active.samples).step_by(lanes::<S, T>()) {
        let dy = (&dy[start..], block_length);
        for row in 0..active.rows {
            let coefficients = &coefficients[active.first_row + row..];
            let sum = sum_over_outputs(simd, coefficients, edge_length, dy);
            store::<S, T>(sum, &mut rows[row * lanes::<S, T>()..]);
        }
        let mut spline = splat(simd, T::ZERO);
        walk(
            simd,
            cells,
            active,
            load(simd, &x[start..]),
            #[inline(always)]
            |cell, u, inside| {
                let rows = &rows[(cells.row(cell) - active.first_row) * lanes::<S, T>()..];
                let mut sum = splat(simd, T::ZERO);
                for (j, slope) in cells.slopes::<S, K>(simd, cell, u).into_iter().enumerate() {
                    sum = slope.mul_add(load(simd, &rows[j * lanes::<S, T>()..]), sum);
                }
                spline = inside.select(sum, spline);
            },
        );
        let base = sum_over_outputs(simd, &coefficients[edge_length - 1..], edge_length, dy);
        store::<S, T>(base.mul_add(load(simd, &base_slopes[start..]), spline), &mut dx[start..]);
    }
}

/// `Σ_outputs coefficient·dy` for one vector of samples.
#[inline(always)]
fn sum_over_outputs<S: Simd, T: Float>(
    simd: S,
    coefficients: &[T],
    edge_length: usize,
    (dy, block_length): (&[T], usize),
) -> Vector<S, T> {
    let mut sum = splat(simd, T::ZERO);
    for (coefficient, dy) in coefficients.iter().step_by(edge_length).zip(dy.chunks(block_length)) {
        sum = load(simd, dy).mul_add(splat(simd, *coefficient), sum);
    }
    sum
}
