//! Layers with many outputs: lanes are outputs, samples are sorted by cell.
//!
//! For each input, tile of outputs and cell, the `k + 2` rows of coefficients stay in registers while the samples of
//! the cell stream past; so each sample costs `k + 2` multiply-adds a vector, whatever `G` is.

use crate::float::Float;
use crate::partition::{Partition, STRIP};
use crate::plan::{Plan, Tile};
use crate::scratch::Scratch;
use crate::simd::{
    Vector, add_all, by_degree, lane_sums, lanes, load, load_all, splat, store, store_all, transpose, wide,
};
use crate::sort::Slot;
use crate::task::{Backward, Forward};
use fearless_simd::prelude::*;

/// Evaluates an expression with the degree and one, and the vectors of a tile, as constants.
macro_rules! by_width {
    ($simd:ident, $degree:expr, $width:expr, $k:ident, $n:ident => $body:expr) => {
        by_degree!($simd, $degree, $k => if $width == lanes::<S, T>() {
            const $n: usize = 1;
            $body
        } else if wide::<S>() == 4 {
            const $n: usize = 4;
            $body
        } else {
            const $n: usize = 2;
            $body
        })
    };
}

/// Adds up the contributions of the task's inputs to its blocks of outputs.
#[inline(always)]
pub(crate) fn forward<S: Simd, T: Float>(simd: S, task: Forward<'_, T>, scratch: &mut Scratch<T>) {
    let Forward { plan, packed, x, layout, blocks, inputs, y } = task;
    let block_length = layout.rows.block;
    let panels = y.chunks_exact_mut(plan.outputs * block_length);
    for (block, panel) in blocks.zip(panels) {
        let samples = layout.rows.of_block(block).len();
        let Scratch { sorted, tiles, .. } = scratch;
        tiles[..plan.padded_outputs() * block_length].fill(T::ZERO);
        for first in inputs.clone().step_by(plan.group) {
            let group = first..inputs.end.min(first + plan.group);
            for (slot, input) in group.clone().enumerate() {
                sorted.sort(slot, plan.cells(input), &x[layout.position(block, input)..][..samples]);
                sorted.weigh(simd, slot, plan, plan.cells(input), false);
            }
            let mut rest = &packed[plan.packed(first)..];
            for tile in plan.tiles() {
                let y = &mut tiles[tile.first * block_length..][..tile.width * block_length];
                for slot in 0..group.len() {
                    let (rows, after) = rest.split_at(plan.rows() * tile.width);
                    let slot = sorted.slot(slot, plan.degree);
                    by_width!(simd, plan.degree, tile.width, K, N => forward_tile::<S, T, K, N>(simd, rows, slot, y));
                    rest = after;
                }
            }
        }
        unpack(simd, plan, tiles, samples, panel, block_length);
    }
}

/// Gradients of the task's inputs: of their coefficients, overwritten, and of `x`.
#[inline(always)]
pub(crate) fn backward<S: Simd, T: Float>(simd: S, task: Backward<'_, T>, scratch: &mut Scratch<T>) {
    let Backward { plan, packed, x, layout, blocks, inputs, dy, gradient, mut dx } = task;
    let block_length = layout.rows.block;
    let width = inputs.len();
    gradient.fill(T::ZERO);
    for first in inputs.clone().step_by(plan.group) {
        let group = first..inputs.end.min(first + plan.group);
        let gradient = &mut gradient[plan.packed(first - inputs.start)..];
        for block in blocks.clone() {
            let samples = layout.rows.of_block(block).len();
            let Scratch { sorted, parts, sums, .. } = scratch;
            for (slot, input) in group.clone().enumerate() {
                sorted.sort(slot, plan.cells(input), &x[layout.position(block, input)..][..samples]);
                sorted.weigh(simd, slot, plan, plan.cells(input), dx.is_some());
            }
            let dy = &dy[block * plan.padded_outputs() * block_length..];
            let mut start = 0;
            for tile in plan.tiles() {
                let dy = &dy[tile.first * block_length..][..tile.width * block_length];
                for slot_index in 0..group.len() {
                    let slot = sorted.slot(slot_index, plan.degree);
                    let end = start + plan.rows() * tile.width;
                    let rows = &packed[plan.packed(first)..][start..end];
                    let gradient = &mut gradient[start..end];
                    by_width!(simd, plan.degree, tile.width, K, N =>
                        gradient_tile::<S, T, K, N>(simd, slot, dy, gradient));
                    if dx.is_some() {
                        let part = &mut parts[slot_index * block_length * lanes::<S, T>()..];
                        let first = tile.first == 0;
                        by_width!(simd, plan.degree, tile.width, K, N =>
                            input_tile::<S, T, K, N>(simd, rows, slot, dy, part, first));
                    }
                    start = end;
                }
            }
            let Some(dx) = dx.as_deref_mut() else { continue };
            for (slot_index, input) in group.clone().enumerate() {
                let column = (block - blocks.start) * width + input - inputs.start;
                let dx = &mut dx[column * block_length..][..block_length];
                let part = &parts[slot_index * block_length * lanes::<S, T>()..];
                for place in (0..samples).step_by(lanes::<S, T>()) {
                    store::<S, T>(lane_sums(simd, &part[place * lanes::<S, T>()..]), &mut sums[place..]);
                }
                for (sample, sum) in sorted.slot(slot_index, plan.degree).order.iter().zip(sums.iter()) {
                    dx[usize::from(*sample)] = *sum;
                }
            }
        }
    }
}

/// Packs a block of derivatives as `[tile][row][lane]`; lanes beyond the outputs are zero.
#[inline(always)]
pub(crate) fn pack<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    (from, layout): (&[T], Partition),
    block: usize,
    packed: &mut [T],
) {
    let (block_length, samples) = (layout.rows.block, layout.rows.of_block(block).len());
    packed.fill(T::ZERO);
    for (tile, output, count) in strips(plan) {
        let from = &from[layout.position(block, output)..];
        let to = &mut packed[tile.first * block_length + output - tile.first..];
        transpose(simd, (count, samples), (from, block_length), (to, tile.width));
    }
}

/// The reverse of [`pack`], for outputs.
#[inline(always)]
fn unpack<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    packed: &[T],
    samples: usize,
    panel: &mut [T],
    block_length: usize,
) {
    for (tile, output, count) in strips(plan) {
        let from = &packed[tile.first * block_length + output - tile.first..];
        let to = &mut panel[output * block_length..];
        transpose(simd, (samples, count), (from, tile.width), (to, block_length));
    }
}

/// Tile, first output and number of outputs that are side by side in one tile and one strip.
fn strips<T: Float>(plan: &Plan<T>) -> impl Iterator<Item = (Tile, usize, usize)> {
    let outputs = plan.outputs;
    plan.tiles().flat_map(move |tile| {
        let end = outputs.min(tile.first + tile.width);
        // Tiles narrower than a strip lie within one; wider ones are whole strips.
        (tile.first..end).step_by(STRIP).map(move |output| (tile, output, STRIP.min(end - output)))
    })
}

/// `y += Σ_j w_j·row_j + s·base row` for one input, a tile of `N` vectors and all samples of a block.
#[inline(always)]
fn forward_tile<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    rows: &[T],
    slot: Slot<'_, T>,
    y: &mut [T],
) {
    let width = N * lanes::<S, T>();
    let base_row: [Vector<S, T>; N] = load_all(simd, &rows[rows.len() - width..]);
    for run in slot.runs {
        let cell_rows: [[Vector<S, T>; N]; K] = rows_of_cell(simd, rows, run.row());
        let order = &slot.order[run.range()];
        let weights: [&[T]; K] = weights_of_run(slot.weights, slot.stride, run.range());
        let base = &slot.weights[K * slot.stride..][run.range()];
        for p in 0..order.len() {
            let y = &mut y[usize::from(order[p]) * width..][..width];
            let mut sum: [Vector<S, T>; N] = load_all(simd, y);
            for (row, weights) in cell_rows.iter().zip(weights) {
                add_multiple(&mut sum, splat(simd, weights[p]), row);
            }
            add_multiple(&mut sum, splat(simd, base[p]), &base_row);
            store_all::<S, T, N>(sum, y);
        }
    }
}

/// `gradient of row_j += Σ_samples w_j·dy`, with sums that slide over the rows as the cells go by.
#[inline(always)]
fn gradient_tile<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    slot: Slot<'_, T>,
    dy: &[T],
    gradient: &mut [T],
) {
    let width = N * lanes::<S, T>();
    let zero = [splat(simd, T::ZERO); N];
    let mut sums = [zero; K];
    let mut base_sum = zero;
    let mut row = 0;
    for run in slot.runs {
        if run.row() >= row + K {
            for (j, sum) in sums.iter_mut().enumerate() {
                add_all::<S, T, N>(simd, *sum, &mut gradient[(row + j) * width..]);
                *sum = zero;
            }
            row = run.row();
        }
        while row < run.row() {
            add_all::<S, T, N>(simd, sums[0], &mut gradient[row * width..]);
            for j in 1..K {
                sums[j - 1] = sums[j];
            }
            sums[K - 1] = zero;
            row += 1;
        }
        let order = &slot.order[run.range()];
        let weights: [&[T]; K] = weights_of_run(slot.weights, slot.stride, run.range());
        let base = &slot.weights[K * slot.stride..][run.range()];
        for p in 0..order.len() {
            let dy: [Vector<S, T>; N] = load_all(simd, &dy[usize::from(order[p]) * width..][..width]);
            for (sum, weights) in sums.iter_mut().zip(weights) {
                add_multiple(sum, splat(simd, weights[p]), &dy);
            }
            add_multiple(&mut base_sum, splat(simd, base[p]), &dy);
        }
    }
    for (j, sum) in sums.into_iter().enumerate() {
        add_all::<S, T, N>(simd, sum, &mut gradient[(row + j) * width..]);
    }
    let base_row = gradient.len() - width;
    add_all::<S, T, N>(simd, base_sum, &mut gradient[base_row..]);
}

/// `part += dy·(Σ_j w'_j·row_j + s'·base row)`, one vector for each place in sorted order.
#[inline(always)]
fn input_tile<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    rows: &[T],
    slot: Slot<'_, T>,
    dy: &[T],
    part: &mut [T],
    first: bool,
) {
    let width = N * lanes::<S, T>();
    let base_row: [Vector<S, T>; N] = load_all(simd, &rows[rows.len() - width..]);
    for run in slot.runs {
        let cell_rows: [[Vector<S, T>; N]; K] = rows_of_cell(simd, rows, run.row());
        let order = &slot.order[run.range()];
        let slopes: [&[T]; K] = weights_of_run(slot.slopes, slot.stride, run.range());
        let base = &slot.slopes[K * slot.stride..][run.range()];
        let part = part[run.range().start * lanes::<S, T>()..].chunks_exact_mut(lanes::<S, T>());
        for (p, part) in (0..order.len()).zip(part) {
            let mut slope = base_row;
            let base = splat(simd, base[p]);
            for vector in &mut slope {
                *vector *= base;
            }
            for (row, slopes) in cell_rows.iter().zip(slopes) {
                add_multiple(&mut slope, splat(simd, slopes[p]), row);
            }
            let dy: [Vector<S, T>; N] = load_all(simd, &dy[usize::from(order[p]) * width..][..width]);
            let mut sum = if first { splat(simd, T::ZERO) } else { load(simd, part) };
            for (slope, dy) in slope.into_iter().zip(dy) {
                sum = slope.mul_add(dy, sum);
            }
            store::<S, T>(sum, part);
        }
    }
}

#[inline(always)]
fn rows_of_cell<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    rows: &[T],
    first: usize,
) -> [[Vector<S, T>; N]; K] {
    let width = N * lanes::<S, T>();
    let mut cell_rows = [[splat(simd, T::ZERO); N]; K];
    for (j, row) in cell_rows.iter_mut().enumerate() {
        *row = load_all(simd, &rows[(first + j) * width..]);
    }
    cell_rows
}

/// The weights of the samples of a run, one slice for each row.
#[inline(always)]
fn weights_of_run<T, const K: usize>(
    weights: &[T],
    stride: usize,
    range: std::ops::Range<usize>,
) -> [&[T]; K] {
    let mut slices = [&weights[..0]; K];
    for (j, slice) in slices.iter_mut().enumerate() {
        *slice = &weights[j * stride..][range.clone()];
    }
    slices
}

/// `sum += factor·vectors`
#[inline(always)]
fn add_multiple<S: Simd, V: SimdFloat<S>, const N: usize>(sum: &mut [V; N], factor: V, vectors: &[V; N]) {
    for (sum, vector) in sum.iter_mut().zip(vectors) {
        *sum = vector.mul_add(factor, *sum);
    }
}
