//! Kernels of layers with few outputs on blocks of a fixed number of samples, which are the lanes: for each input the bases of
//! a block are written out, a strip for each basis function that any sample needs, and used on the way back again.

use crate::buffer::Buffer;
use crate::cells::Cells;
use crate::float::Float;
use crate::math;
use crate::plan::Plan;
use crate::simd::{MOST_LANES, Mask, Vector, lanes, load, load_all, splat, store_all};
use fearless_simd::prelude::*;
use kanode_engine::LOSS_ROWS;
use std::ops::RangeInclusive;

/// Samples of a block: their contributions to a loss are a sum of their own.
pub(crate) const SAMPLES: usize = LOSS_ROWS;

/// Vectors whose polynomials are evaluated together: with more, their coefficients don't fit the registers.
const EVALUATED: usize = 2;

/// Vectors that sums over rows or outputs run over together, to hide the latency of multiply-adds.
const SUMMED: usize = 4;

/// Rows whose gradients are worked on together, to hide the latency of their sums.
const TOGETHER: usize = 4;

/// One number for each sample of a block.
pub(crate) type Strip<T> = [T; SAMPLES];

/// What the samples of a block have in common in one input: the cells they are in, and the rows of bases that are not
/// zero for all of them.
#[derive(Clone, Debug)]
struct Active {
    cells: RangeInclusive<usize>,
    first_row: usize,
    rows: usize,
}

/// Work space of one layer; numbers of samples are in strips.
#[derive(Debug, Default)]
pub(crate) struct Space<T> {
    /// `[input]`.
    pub(crate) x: Buffer<T>,
    active: Vec<Active>,
    /// `[input][row]`: the active bases, and after them the base function.
    bases: Buffer<T>,
    /// `[input]`: the derivative of the base function.
    base_slopes: Buffer<T>,
    /// `[output]`: derivatives by the outputs.
    pub(crate) dy: Buffer<T>,
    /// `[row]`: derivatives by the bases of one input.
    by_bases: Buffer<T>,
    /// `[input][output][row][lane]`: gradients of the packed coefficients before their lanes are added.
    pub(crate) gradient: Buffer<T>,
}

impl<T: Float> Space<T> {
    /// Makes room for a block.
    pub(crate) fn fit(&mut self, plan: &Plan<T>) {
        self.x.resize(plan.inputs * SAMPLES);
        self.active.resize(plan.inputs, Active { cells: 0..=0, first_row: 0, rows: 0 });
        self.bases.resize(plan.inputs * plan.rows() * SAMPLES);
        self.base_slopes.resize(plan.inputs * SAMPLES);
        self.dy.resize(plan.outputs * SAMPLES);
        self.by_bases.resize(plan.bases * SAMPLES);
        self.gradient.resize((plan.packed(plan.inputs) + MOST_LANES) * MOST_LANES);
    }
}

/// Outputs of a layer. `K` is the degree and one, here and below, and `N` vectors are worked on together.
#[inline(always)]
pub(crate) fn forward_layer<S: Simd, T: Float, const K: usize>(
    simd: S,
    plan: &Plan<T>,
    packed: &[T],
    space: &mut Space<T>,
    y: &mut [T],
) {
    let Space { x, active, bases, base_slopes, .. } = space;
    let (x, _) = x.as_chunks::<SAMPLES>();
    let (bases, _) = bases.as_chunks_mut::<SAMPLES>();
    let (base_slopes, _) = base_slopes.as_chunks_mut::<SAMPLES>();
    let (y, _) = y.as_chunks_mut::<SAMPLES>();
    let coefficients = packed.chunks_exact(plan.outputs * plan.rows());
    let inputs = x.iter().zip(active).zip(bases.chunks_exact_mut(plan.rows()).zip(base_slopes));
    for (input, (((x, active), (bases, base_slopes)), coefficients)) in inputs.zip(coefficients).enumerate() {
        let cells = plan.cells(input);
        *active = active_rows::<S, T, K>(simd, cells, x);
        write_bases::<S, T, K, EVALUATED>(simd, cells, active, x, bases);
        math::base(simd, plan.base, x, &mut bases[active.rows], base_slopes);
        let bases = &bases[..=active.rows];
        let mut edges = coefficients.chunks_exact(2 * plan.rows());
        let mut outputs = y.chunks_exact_mut(2);
        for (edges, y) in edges.by_ref().zip(outputs.by_ref()) {
            add_rows::<S, T, SUMMED, 2>(simd, active, edges, bases, y, input == 0);
        }
        if !edges.remainder().is_empty() {
            add_rows::<S, T, SUMMED, 1>(
                simd,
                active,
                edges.remainder(),
                bases,
                outputs.into_remainder(),
                input == 0,
            );
        }
    }
}

/// Adds to the gradients of a layer, and overwrites `dx` if somebody needs it.
#[inline(always)]
pub(crate) fn backward_layer<S: Simd, T: Float, const K: usize>(
    simd: S,
    plan: &Plan<T>,
    packed: &[T],
    space: &mut Space<T>,
    dx: Option<&mut [T]>,
) {
    let Space { x, active, bases, base_slopes, dy, by_bases, gradient } = space;
    let (x, _) = x.as_chunks::<SAMPLES>();
    let (bases, _) = bases.as_chunks::<SAMPLES>();
    let (base_slopes, _) = base_slopes.as_chunks::<SAMPLES>();
    let (dy, _) = dy.as_chunks::<SAMPLES>();
    let (by_bases, _) = by_bases.as_chunks_mut::<SAMPLES>();
    let per_input = plan.outputs * plan.rows();
    let gradients = gradient.chunks_exact_mut(per_input * lanes::<S, T>());
    for ((active, bases), gradient) in active.iter().zip(bases.chunks_exact(plan.rows())).zip(gradients) {
        for (dy, gradient) in dy.iter().zip(gradient.chunks_exact_mut(plan.rows() * lanes::<S, T>())) {
            let (spline, base) = gradient.split_at_mut(plan.bases * lanes::<S, T>());
            let mut spline =
                &mut spline[active.first_row * lanes::<S, T>()..][..active.rows * lanes::<S, T>()];
            let mut rows = &bases[..active.rows];
            while let Some((some, rest)) = rows.split_at_checked(TOGETHER) {
                let (sums, others) = spline.split_at_mut(TOGETHER * lanes::<S, T>());
                add_products::<S, T, TOGETHER>(simd, dy, some, sums);
                (rows, spline) = (rest, others);
            }
            for (row, sums) in rows.iter().zip(spline.chunks_exact_mut(lanes::<S, T>())) {
                add_products::<S, T, 1>(simd, dy, std::slice::from_ref(row), sums);
            }
            add_products::<S, T, 1>(simd, dy, &bases[active.rows..=active.rows], base);
        }
    }
    let Some(dx) = dx else { return };
    let inputs = x.iter().zip(active).zip(packed.chunks_exact(per_input).zip(base_slopes));
    let dx = dx.as_chunks_mut::<SAMPLES>().0.iter_mut();
    for (input, (((x, active), (coefficients, base_slopes)), dx)) in inputs.zip(dx).enumerate() {
        let edges = Edges { coefficients, rows: plan.rows(), dy };
        let by_bases = &mut by_bases[..active.rows];
        for (row, by_basis) in by_bases.iter_mut().enumerate() {
            edges.sum::<S, SUMMED>(simd, active.first_row + row, by_basis);
        }
        edges.sum::<S, SUMMED>(simd, plan.bases, dx);
        for start in (0..SAMPLES).step_by(EVALUATED * lanes::<S, T>()) {
            let x = (x, start);
            let mut sums = spline_slopes::<S, T, K, EVALUATED>(simd, plan.cells(input), active, x, by_bases);
            let by_base: [Vector<S, T>; EVALUATED] = load_all(simd, &dx[start..]);
            let base_slopes: [Vector<S, T>; EVALUATED] = load_all(simd, &base_slopes[start..]);
            for t in 0..EVALUATED {
                sums[t] = by_base[t].mul_add(base_slopes[t], sums[t]);
            }
            store_all::<S, T, EVALUATED>(sums, &mut dx[start..]);
        }
    }
}

/// The cells between the least and the largest sample; NaN counts as in the first of them.
#[inline(always)]
fn active_rows<S: Simd, T: Float, const K: usize>(simd: S, cells: &Cells<T>, x: &Strip<T>) -> Active {
    let infinite = splat(simd, T::from_f64(f64::INFINITY));
    let (mut low, mut high) = (infinite, infinite);
    for start in (0..SAMPLES).step_by(lanes::<S, T>()) {
        let x: Vector<S, T> = load(simd, &x[start..]);
        low = x.simd_lt(low).select(x, low);
        high = (-x).simd_lt(high).select(-x, high);
    }
    // Halves the number of minima until the least is in lane 0, and the least of the negated in lane 1.
    let (even, odd) = low.deinterleave(high);
    let mut least = even.min(odd);
    let mut count = lanes::<S, T>();
    while count > 2 {
        let (even, odd) = least.deinterleave(least);
        least = even.min(odd);
        count /= 2;
    }
    let (low, high) = (least[0], -least[1]);
    // Only NaN leaves nothing between.
    let found = if low <= high { cells.find(low)..=cells.find(high) } else { 0..=0 };
    let first_row = cells.row(*found.start());
    let rows = cells.row(*found.end()) + K - first_row;
    Active { cells: found, first_row, rows }
}

/// Writes the active bases, row by row.
#[inline(always)]
fn write_bases<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    x: &Strip<T>,
    bases: &mut [Strip<T>],
) {
    let zero = splat(simd, T::ZERO);
    for start in (0..SAMPLES).step_by(N * lanes::<S, T>()) {
        let x: [Vector<S, T>; N] = load_all(simd, &x[start..]);
        // The rows of the cell, which slide along; lanes that have reached a cell forget those before.
        let mut window = [[zero; N]; K];
        let mut row = active.first_row;
        for cell in active.cells.clone() {
            let reached = reached::<S, T, N>(simd, cells, active, cell, &x);
            while row < cells.row(cell) {
                let mut done = window[0];
                for t in 0..N {
                    done[t] = reached[t].select(zero, done[t]);
                }
                store_all::<S, T, N>(done, &mut bases[row - active.first_row][start..]);
                for j in 1..K {
                    window[j - 1] = window[j];
                }
                window[K - 1] = [zero; N];
                row += 1;
            }
            for t in 0..N {
                let values = cells.values::<S, K>(simd, cell, cells.local(simd, cell, x[t]));
                for j in 0..K {
                    window[j][t] = reached[t].select(values[j], window[j][t]);
                }
            }
        }
        for (values, bases) in window.into_iter().zip(&mut bases[row - active.first_row..]) {
            store_all::<S, T, N>(values, &mut bases[start..]);
        }
    }
}

/// Which lanes are in a cell or beyond it; all in the first of the active ones.
#[inline(always)]
fn reached<S: Simd, T: Float, const N: usize>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    cell: usize,
    x: &[Vector<S, T>; N],
) -> [Mask<S, T>; N] {
    let mut masks = [Mask::<S, T>::splat(simd, true); N];
    if cell != *active.cells.start() {
        let bound = splat(simd, cells.start(cell));
        for t in 0..N {
            masks[t] = x[t].simd_ge(bound);
        }
    }
    masks
}

/// `y += Σ_rows coefficient·basis` for `M` outputs; `edges: [output, row]`, and `y` begins with 0 if `first`.
#[inline(always)]
fn add_rows<S: Simd, T: Float, const N: usize, const M: usize>(
    simd: S,
    active: &Active,
    edges: &[T],
    bases: &[Strip<T>],
    y: &mut [Strip<T>],
    first: bool,
) {
    let length = edges.len() / M;
    for start in (0..SAMPLES).step_by(N * lanes::<S, T>()) {
        let mut sums = [[splat(simd, T::ZERO); N]; M];
        if !first {
            for m in 0..M {
                sums[m] = load_all(simd, &y[m][start..]);
            }
        }
        for (index, basis) in bases.iter().enumerate() {
            let row = if index < active.rows { active.first_row + index } else { length - 1 };
            let basis: [Vector<S, T>; N] = load_all(simd, &basis[start..]);
            for m in 0..M {
                let coefficient = splat(simd, edges[m * length + row]);
                for t in 0..N {
                    sums[m][t] = basis[t].mul_add(coefficient, sums[m][t]);
                }
            }
        }
        for m in 0..M {
            store_all::<S, T, N>(sums[m], &mut y[m][start..]);
        }
    }
}

/// `sums[n] += Σ_vectors dy·bases[n]` for `N` rows.
#[inline(always)]
fn add_products<S: Simd, T: Float, const N: usize>(
    simd: S,
    dy: &Strip<T>,
    bases: &[Strip<T>],
    sums: &mut [T],
) {
    let bases = &bases[..N];
    let mut totals: [Vector<S, T>; N] = load_all(simd, sums);
    for start in (0..SAMPLES).step_by(lanes::<S, T>()) {
        let dy = load(simd, &dy[start..]);
        for n in 0..N {
            totals[n] = load(simd, &bases[n][start..]).mul_add(dy, totals[n]);
        }
    }
    store_all::<S, T, N>(totals, sums);
}

/// The edges of one input.
struct Edges<'a, T> {
    /// `[output, row]`.
    coefficients: &'a [T],
    rows: usize,
    /// `[output]`.
    dy: &'a [Strip<T>],
}

impl<T: Float> Edges<'_, T> {
    /// `to = Σ_outputs coefficient·dy` of a row.
    #[inline(always)]
    fn sum<S: Simd, const N: usize>(&self, simd: S, row: usize, to: &mut Strip<T>) {
        for start in (0..SAMPLES).step_by(N * lanes::<S, T>()) {
            let mut sums = [splat(simd, T::ZERO); N];
            for (coefficients, dy) in self.coefficients.chunks_exact(self.rows).zip(self.dy) {
                let dy: [Vector<S, T>; N] = load_all(simd, &dy[start..]);
                let coefficient = splat(simd, coefficients[row]);
                for t in 0..N {
                    sums[t] = dy[t].mul_add(coefficient, sums[t]);
                }
            }
            store_all::<S, T, N>(sums, &mut to[start..]);
        }
    }
}

/// `Σ_rows basis'·(derivative by the basis)` for the samples from `start` on.
#[inline(always)]
fn spline_slopes<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    (x, start): (&Strip<T>, usize),
    by_bases: &[Strip<T>],
) -> [Vector<S, T>; N] {
    let x: [Vector<S, T>; N] = load_all(simd, &x[start..]);
    let mut sums = [splat(simd, T::ZERO); N];
    for cell in active.cells.clone() {
        let reached = reached::<S, T, N>(simd, cells, active, cell, &x);
        let rows = &by_bases[cells.row(cell) - active.first_row..][..K];
        for t in 0..N {
            let slopes = cells.slopes::<S, K>(simd, cell, cells.local(simd, cell, x[t]));
            let mut sum = splat(simd, T::ZERO);
            for j in 0..K {
                sum = slopes[j].mul_add(load(simd, &rows[j][start + t * lanes::<S, T>()..]), sum);
            }
            sums[t] = reached[t].select(sum, sums[t]);
        }
    }
    sums
}
