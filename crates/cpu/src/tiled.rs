//! Layers with many outputs: lanes are outputs, samples are sorted by cell.
//!
//! For each input, tile of outputs and cell, the `k + 2` rows of coefficients stay in registers while the samples of
//! the cell stream past; so each sample costs `k + 2` multiply-adds a vector, whatever `G` is.

use crate::cells::Cells;
use crate::coefficients::{Start, in_order};
use crate::float::Float;
use crate::pack::Bundle;
use crate::partition::{Partition, STRIP};
use crate::plan::{Plan, Tile};
use crate::scratch::Scratch;
use crate::simd::{
    Vector, add_all, by_degree, lane_sums, lanes, load, load_all, splat, store, store_all, transpose, wide,
};
use crate::task::{Backward, Forward};
use crate::weights::{PIVOT, Slot, lowered_pivot};
use fearless_simd::prelude::*;

/// Evaluates an expression with constants: the degree and one, the vectors of a tile, and whether bases add up to 1.
macro_rules! by_width {
    ($simd:ident, $plan:expr, $width:expr, $k:ident, $n:ident, $u:ident => $body:expr) => {
        by_degree!($simd, $plan.degree, $k => if $width == lanes::<S, T>() {
            const $n: usize = 1;
            by_width!(@ $plan, $u => $body)
        } else if wide::<S>() == 4 {
            const $n: usize = 4;
            by_width!(@ $plan, $u => $body)
        } else {
            const $n: usize = 2;
            by_width!(@ $plan, $u => $body)
        })
    };
    (@ $plan:expr, $u:ident => $body:expr) => {
        if $plan.unity {
            const $u: bool = true;
            $body
        } else {
            const $u: bool = false;
            $body
        }
    };
}

/// Adds up the contributions of the task's inputs to its blocks of outputs.
#[inline(always)]
pub(crate) fn forward<S: Simd, T: Float>(simd: S, task: Forward<'_, T>, scratch: &mut Scratch<T>) {
    let Forward { plan, mut coefficients, x, layout, order, first_block, blocks, inputs, y } = task;
    let block_length = layout.rows.block;
    let panels = y.chunks_exact_mut(plan.outputs * block_length);
    for (block, panel) in blocks.clone().zip(panels) {
        let samples = layout.rows.of_block(block).len();
        let column = |input: usize| order.column((first_block + block) * plan.inputs + input, samples);
        let Scratch { weights, tiles, magnitude, .. } = scratch;
        tiles[..plan.padded_outputs() * block_length].fill(T::ZERO);
        let (mut ahead, mut start) = (in_order(plan, inputs.len()).skip(1), 0);
        for first in inputs.clone().step_by(plan.group) {
            let group = first..inputs.end.min(first + plan.group);
            for (slot, input) in group.clone().enumerate() {
                let x = &x[layout.position(block, input)..][..samples];
                weights.weigh(simd, slot, (plan, input), (column(input), x), false);
            }
            for tile in plan.tiles() {
                let y = &mut tiles[tile.first * block_length..][..tile.width * block_length];
                let bundle = Bundle::of(&group, &inputs, Some(tile));
                if block == blocks.start {
                    coefficients.prepare(simd, plan, (&bundle, start), magnitude);
                }
                let next = if coefficients.is_far() { ahead.next() } else { None };
                let each = bundle.each(plan);
                for slot_index in 0..group.len() {
                    if let Some(edges) = next.as_ref().and_then(|next| next.edges_of_slot(plan, slot_index)) {
                        coefficients.fetch(plan, edges);
                    }
                    let rows = coefficients.rows(start, (slot_index, each));
                    let slot = weights.slot(slot_index, plan.degree, column(first + slot_index));
                    by_width!(simd, plan, tile.width, K, N, U => forward_tile::<S, T, K, N, U>(simd, rows, slot, y));
                }
                start += group.len() * each;
            }
        }
        unpack(simd, plan, tiles, samples, panel, block_length);
    }
}

/// Gradients of the task's inputs: of their coefficients, overwritten, and of `x`.
#[inline(always)]
pub(crate) fn backward<S: Simd, T: Float>(simd: S, task: Backward<'_, T>, scratch: &mut Scratch<T>) {
    let Backward { plan, mut edges, x, layout, order, blocks, inputs, dy, mut dx } = task;
    let block_length = layout.rows.block;
    let width = inputs.len();
    let mut ahead = in_order(plan, width).skip(1);
    for first in inputs.clone().step_by(plan.group) {
        let group = first..inputs.end.min(first + plan.group);
        for block in blocks.clone() {
            let samples = layout.rows.of_block(block).len();
            let column = |input: usize| order.column(block * plan.inputs + input, samples);
            let Scratch { weights, parts, sums, .. } = scratch;
            for (slot, input) in group.clone().enumerate() {
                let x = &x[layout.position(block, input)..][..samples];
                weights.weigh(simd, slot, (plan, input), (column(input), x), dx.is_some());
            }
            let dy = &dy[block * plan.padded_outputs() * block_length..];
            let mut start = Start { of_task: plan.packed(first - inputs.start), of_group: 0 };
            for tile in plan.tiles() {
                let dy = &dy[tile.first * block_length..][..tile.width * block_length];
                let bundle = Bundle::of(&group, &inputs, Some(tile));
                // Derivatives by the coefficients need none of them.
                if block == blocks.start && dx.is_some() {
                    edges.prepare(simd, plan, &bundle);
                }
                let next = if edges.is_far() { ahead.next() } else { None };
                let each = bundle.each(plan);
                for slot_index in 0..group.len() {
                    if let Some(next) = next.as_ref().and_then(|next| next.edges_of_slot(plan, slot_index)) {
                        edges.fetch(plan, next);
                    }
                    let (rows, gradient) = edges.rows(start, (slot_index, each));
                    let slot = weights.slot(slot_index, plan.degree, column(first + slot_index));
                    by_width!(simd, plan, tile.width, K, N, U =>
                        gradient_tile::<S, T, K, N, U>(simd, slot, dy, gradient, block == blocks.start));
                    if dx.is_some() {
                        let part = &mut parts[slot_index * block_length * lanes::<S, T>()..];
                        let (cells, first) = (plan.cells(first + slot_index), tile.first == 0);
                        by_width!(simd, plan, tile.width, K, N, U =>
                            input_tile::<S, T, K, N, U>(simd, (cells, rows), slot, dy, part, first));
                    }
                }
                if block + 1 == blocks.end {
                    edges.finish(simd, plan, &bundle, start);
                }
                let length = bundle.packed(plan);
                start = Start { of_task: start.of_task + length, of_group: start.of_group + length };
            }
            let Some(dx) = dx.as_deref_mut() else { continue };
            for (slot_index, input) in group.clone().enumerate() {
                let start = ((block - blocks.start) * width + input - inputs.start) * block_length;
                let dx = &mut dx[start..][..block_length];
                let part = &parts[slot_index * block_length * lanes::<S, T>()..];
                for place in (0..samples).step_by(lanes::<S, T>()) {
                    store::<S, T>(lane_sums(simd, &part[place * lanes::<S, T>()..]), &mut sums[place..]);
                }
                for (sample, sum) in column(input).order.iter().zip(sums.iter()) {
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

/// As [`pack`], from `[row, output]`; rows beyond the samples are zero, too.
#[inline(always)]
pub(crate) fn pack_rows<T: Float>(plan: &Plan<T>, from: &[T], block_length: usize, packed: &mut [T]) {
    for tile in plan.tiles() {
        let outputs = tile.first..plan.outputs.min(tile.first + tile.width);
        let mut rows =
            packed[tile.first * block_length..][..tile.width * block_length].chunks_exact_mut(tile.width);
        for (from, to) in from.chunks_exact(plan.outputs).zip(&mut rows) {
            let (filled, rest) = to.split_at_mut(outputs.len());
            filled.copy_from_slice(&from[outputs.clone()]);
            rest.fill(T::ZERO);
        }
        rows.for_each(|to| to.fill(T::ZERO));
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
fn forward_tile<S: Simd, T: Float, const K: usize, const N: usize, const UNITY: bool>(
    simd: S,
    rows: &[T],
    slot: Slot<'_, T>,
    y: &mut [T],
) {
    let width = N * lanes::<S, T>();
    let base_row: [Vector<S, T>; N] = load_all(simd, &rows[rows.len() - width..]);
    for run in slot.column.runs {
        let cell_rows: [[Vector<S, T>; N]; K] = rows_of_cell::<S, T, K, N, UNITY>(simd, rows, run.row());
        let order = &slot.column.order[run.range()];
        let weights: [&[T]; K] = weights_of_run(slot.values, slot.stride, run.range());
        let base = &slot.values[K * slot.stride..][run.range()];
        for p in 0..order.len() {
            let y = &mut y[usize::from(order[p]) * width..][..width];
            let mut sum: [Vector<S, T>; N] = load_all(simd, y);
            for (j, (row, weights)) in cell_rows.iter().zip(weights).enumerate() {
                if UNITY && j == PIVOT {
                    add_vectors(&mut sum, row);
                } else {
                    add_multiple(&mut sum, splat(simd, weights[p]), row);
                }
            }
            add_multiple(&mut sum, splat(simd, base[p]), &base_row);
            store_all::<S, T, N>(sum, y);
        }
    }
}

/// `gradient of row_j += Σ_samples w_j·dy`, with sums that slide over the rows as the cells go by; if `first`, what was
/// there counts as 0.
#[inline(always)]
fn gradient_tile<S: Simd, T: Float, const K: usize, const N: usize, const UNITY: bool>(
    simd: S,
    slot: Slot<'_, T>,
    dy: &[T],
    gradient: &mut [T],
    first: bool,
) {
    let width = N * lanes::<S, T>();
    let zero = [splat(simd, T::ZERO); N];
    let mut sums = [zero; K];
    let mut base_sum = zero;
    let mut row = 0;
    for run in slot.column.runs {
        if run.row() >= row + K {
            for (j, sum) in sums.iter_mut().enumerate() {
                put::<S, T, N>(simd, first, *sum, &mut gradient[(row + j) * width..]);
                *sum = zero;
            }
            if first {
                gradient[(row + K) * width..run.row() * width].fill(T::ZERO);
            }
            row = run.row();
        }
        while row < run.row() {
            put::<S, T, N>(simd, first, sums[0], &mut gradient[row * width..]);
            for j in 1..K {
                sums[j - 1] = sums[j];
            }
            sums[K - 1] = zero;
            row += 1;
        }
        if UNITY {
            // Through the run this is the sum of all of them, which grows by `dy` alone.
            sums[PIVOT] = with_others::<S, _, K, N>(
                &sums,
                #[inline(always)]
                |sum, other| sum + other,
            );
        }
        let order = &slot.column.order[run.range()];
        let weights: [&[T]; K] = weights_of_run(slot.values, slot.stride, run.range());
        let base = &slot.values[K * slot.stride..][run.range()];
        for p in 0..order.len() {
            let dy: [Vector<S, T>; N] = load_all(simd, &dy[usize::from(order[p]) * width..][..width]);
            for (j, (sum, weights)) in sums.iter_mut().zip(weights).enumerate() {
                if UNITY && j == PIVOT {
                    add_vectors(sum, &dy);
                } else {
                    add_multiple(sum, splat(simd, weights[p]), &dy);
                }
            }
            add_multiple(&mut base_sum, splat(simd, base[p]), &dy);
        }
        if UNITY {
            sums[PIVOT] = with_others::<S, _, K, N>(
                &sums,
                #[inline(always)]
                |sum, other| sum - other,
            );
        }
    }
    for (j, sum) in sums.into_iter().enumerate() {
        put::<S, T, N>(simd, first, sum, &mut gradient[(row + j) * width..]);
    }
    let base_row = gradient.len() - width;
    if first {
        gradient[(row + K) * width..base_row].fill(T::ZERO);
    }
    put::<S, T, N>(simd, first, base_sum, &mut gradient[base_row..]);
}

/// Adds vectors to what is there, or overwrites it.
#[inline(always)]
fn put<S: Simd, T: Float, const N: usize>(simd: S, first: bool, vectors: [Vector<S, T>; N], to: &mut [T]) {
    if first {
        store_all::<S, T, N>(vectors, to);
    } else {
        add_all::<S, T, N>(simd, vectors, to);
    }
}

/// `part += dy·(Σ_j w'_j·row_j + s'·base row)`, one vector for each place in sorted order; if `first`, what was there
/// counts as 0. With `UNITY` the sum over `j` is one over the differences of rows, [`Cells::lowered`].
#[inline(always)]
fn input_tile<S: Simd, T: Float, const K: usize, const N: usize, const UNITY: bool>(
    simd: S,
    (cells, rows): (&Cells<T>, &[T]),
    slot: Slot<'_, T>,
    dy: &[T],
    part: &mut [T],
    first: bool,
) {
    let width = N * lanes::<S, T>();
    let base_row: [Vector<S, T>; N] = load_all(simd, &rows[rows.len() - width..]);
    for run in slot.column.runs {
        let cell_rows: [[Vector<S, T>; N]; K] = if UNITY {
            differences_of_cell::<S, T, K, N>(simd, rows, run.row(), cells.factors::<K>(run.cell()))
        } else {
            rows_of_cell::<S, T, K, N, false>(simd, rows, run.row())
        };
        let order = &slot.column.order[run.range()];
        let slopes: [&[T]; K] = weights_of_run(slot.slopes, slot.stride, run.range());
        let base = &slot.slopes[K * slot.stride..][run.range()];
        let part = part[run.range().start * lanes::<S, T>()..].chunks_exact_mut(lanes::<S, T>());
        for (p, part) in (0..order.len()).zip(part) {
            let mut slope = if UNITY { cell_rows[lowered_pivot(K)] } else { [splat(simd, T::ZERO); N] };
            for (j, (row, slopes)) in cell_rows.iter().zip(slopes).enumerate() {
                if !UNITY || j != lowered_pivot(K) && j < K - 1 {
                    add_multiple(&mut slope, splat(simd, slopes[p]), row);
                }
            }
            add_multiple(&mut slope, splat(simd, base[p]), &base_row);
            let dy: [Vector<S, T>; N] = load_all(simd, &dy[usize::from(order[p]) * width..][..width]);
            let mut sum = if first { splat(simd, T::ZERO) } else { load(simd, part) };
            for (slope, dy) in slope.into_iter().zip(dy) {
                sum = slope.mul_add(dy, sum);
            }
            store::<S, T>(sum, part);
        }
    }
}

/// The `K - 1` differences of the rows that a cell needs, times their factors; all but the pivot less the pivot.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "counted loops are unrolled in time")]
fn differences_of_cell<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    rows: &[T],
    first: usize,
    factors: &[T],
) -> [[Vector<S, T>; N]; K] {
    let mut rows = rows_of_cell::<S, T, K, N, false>(simd, rows, first);
    for j in 0..K - 1 {
        let factor = splat(simd, factors[j]);
        for t in 0..N {
            rows[j][t] = (rows[j + 1][t] - rows[j][t]) * factor;
        }
    }
    for j in 0..K - 1 {
        for t in 0..N {
            if j != lowered_pivot(K) {
                rows[j][t] -= rows[lowered_pivot(K)][t];
            }
        }
    }
    rows
}

/// The rows that a cell needs; with `UNITY`, all but the pivot less the pivot.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "counted loops are unrolled in time")]
fn rows_of_cell<S: Simd, T: Float, const K: usize, const N: usize, const UNITY: bool>(
    simd: S,
    rows: &[T],
    first: usize,
) -> [[Vector<S, T>; N]; K] {
    let width = N * lanes::<S, T>();
    let mut cell_rows = [[splat(simd, T::ZERO); N]; K];
    for (j, row) in cell_rows.iter_mut().enumerate() {
        *row = load_all(simd, &rows[(first + j) * width..]);
    }
    if UNITY {
        for j in 0..K {
            for t in 0..N {
                if j != PIVOT {
                    cell_rows[j][t] -= cell_rows[PIVOT][t];
                }
            }
        }
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

/// `sum += vectors`
#[inline(always)]
fn add_vectors<S: Simd, V: SimdFloat<S>, const N: usize>(sum: &mut [V; N], vectors: &[V; N]) {
    for (sum, vector) in sum.iter_mut().zip(vectors) {
        *sum += *vector;
    }
}

/// The pivot changed by each of the others. Counted loops here: those over chains of iterators are unrolled too late
/// for the arrays to become registers.
#[inline(always)]
#[expect(clippy::needless_range_loop, reason = "counted loops are unrolled in time")]
fn with_others<S: Simd, V: SimdFloat<S>, const K: usize, const N: usize>(
    sums: &[[V; N]; K],
    change: impl Fn(V, V) -> V,
) -> [V; N] {
    let mut pivot = sums[PIVOT];
    for j in 0..K {
        for t in 0..N {
            if j != PIVOT {
                pivot[t] = change(pivot[t], sums[j][t]);
            }
        }
    }
    pivot
}
