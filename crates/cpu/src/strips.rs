//! Kernels of layers with few outputs on blocks of a fixed number of samples, which are the lanes: for each input the bases of
//! a block are written out, a strip for each basis function that any sample needs, and used on the way back again.

use crate::buffer::Buffer;
use crate::cells::Cells;
use crate::float::Float;
use crate::lookup::Lookup;
use crate::math;
use crate::plan::Plan;
use crate::simd::{MOST_LANES, Mask, Vector, lanes, load, load_all, splat, store, store_all};
use fearless_simd::prelude::*;
use kanode_engine::LOSS_ROWS;
use std::ops::Range;

/// Samples of a block: their contributions to a loss are a sum of their own.
pub(crate) const SAMPLES: usize = LOSS_ROWS;

/// Vectors whose polynomials in a cell are evaluated together: with more, they don't fit the registers.
const EVALUATED: usize = 2;

/// Vectors that sums over rows or outputs, minima and lookups run over together, to hide their latency.
const SUMMED: usize = 4;

/// Rows whose gradients are worked on together, to hide the latency of their sums.
const TOGETHER: usize = 4;

/// One number for each sample of a block.
pub(crate) type Strip<T> = [T; SAMPLES];

/// What the samples of a block have in common in one input: the cells they are in, and the rows of bases that are not
/// zero for all of them.
#[derive(Clone, Debug)]
struct Active {
    cells: Range<usize>,
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
    /// `[input][row]`: the derivatives of the active bases.
    slopes: Buffer<T>,
    /// `[input]`: the derivative of the base function.
    base_slopes: Buffer<T>,
    /// `[output]`: derivatives by the outputs.
    pub(crate) dy: Buffer<T>,
    /// `[input][output][row][lane]`: gradients of the packed coefficients before their lanes are added.
    pub(crate) gradient: Buffer<T>,
}

impl<T: Float> Space<T> {
    /// Makes room for a block.
    pub(crate) fn fit(&mut self, plan: &Plan<T>) {
        self.x.resize(plan.inputs * SAMPLES);
        self.active.resize(plan.inputs, Active { cells: 0..1, first_row: 0, rows: 0 });
        self.bases.resize(plan.inputs * plan.rows() * SAMPLES);
        self.slopes.resize(plan.inputs * plan.bases * SAMPLES);
        self.base_slopes.resize(plan.inputs * SAMPLES);
        self.dy.resize(plan.outputs * SAMPLES);
        self.gradient.resize((plan.packed(plan.inputs) + MOST_LANES) * MOST_LANES);
    }
}

/// Outputs of a layer; with `wants_slopes` also what
/// [`backward_layer`] needs where somebody wants derivatives by its inputs. `K` is the degree and one, here and below,
/// and `N` vectors are worked on together.
#[inline(always)]
pub(crate) fn forward_layer<S: Simd, T: Float, const K: usize>(
    simd: S,
    plan: &Plan<T>,
    packed: &[T],
    space: &mut Space<T>,
    wants_slopes: bool,
    y: &mut [T],
) {
    let Space { x, active, bases, slopes, base_slopes, .. } = space;
    let (x, _) = x.as_chunks::<SAMPLES>();
    let (bases, _) = bases.as_chunks_mut::<SAMPLES>();
    let (slopes, _) = slopes.as_chunks_mut::<SAMPLES>();
    let (base_slopes, _) = base_slopes.as_chunks_mut::<SAMPLES>();
    let (y, _) = y.as_chunks_mut::<SAMPLES>();
    // Of all inputs first, so that they needn't wait for each other's minima.
    for (input, (x, active)) in x.iter().zip(&mut *active).enumerate() {
        *active = active_rows::<S, T, K>(simd, plan.cells(input), x);
    }
    let coefficients = packed.chunks_exact(plan.outputs * plan.rows());
    let slopes = slopes.chunks_exact_mut(plan.bases).zip(base_slopes);
    let inputs = x.iter().zip(active).zip(bases.chunks_exact_mut(plan.rows()).zip(slopes));
    for (input, (((x, active), (bases, (slopes, base_slopes))), coefficients)) in
        inputs.zip(coefficients).enumerate()
    {
        let cells = plan.cells(input);
        let slopes = wants_slopes.then_some(slopes);
        if let Some(lookup) = cells.lookup::<S>() {
            look_up_bases::<S, T, K, SUMMED>(simd, (cells, lookup), active, x, bases, slopes);
        } else {
            write_bases::<S, T, K, EVALUATED>(
                simd,
                cells,
                active,
                x,
                bases,
                #[inline(always)]
                |cell, u| cells.values::<S, K>(simd, cell, u),
            );
            if let Some(slopes) = slopes {
                write_bases::<S, T, K, EVALUATED>(
                    simd,
                    cells,
                    active,
                    x,
                    slopes,
                    #[inline(always)]
                    |cell, u| cells.slopes::<S, K>(simd, cell, u),
                );
            }
        }
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
    let Space { active, bases, slopes, base_slopes, dy, gradient, .. } = space;
    let (bases, _) = bases.as_chunks::<SAMPLES>();
    let (base_slopes, _) = base_slopes.as_chunks::<SAMPLES>();
    let (dy, _) = dy.as_chunks::<SAMPLES>();
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
    let (slopes, _) = slopes.as_chunks::<SAMPLES>();
    let slopes = slopes.chunks_exact(plan.bases).zip(base_slopes);
    let inputs = active.iter().zip(packed.chunks_exact(per_input)).zip(slopes);
    let dx = dx.as_chunks_mut::<SAMPLES>().0.iter_mut();
    for (((active, coefficients), (slopes, base_slopes)), dx) in inputs.zip(dx) {
        let edges = Edges { coefficients, rows: plan.rows(), dy };
        for start in (0..SAMPLES).step_by(SUMMED * lanes::<S, T>()) {
            let mut sums = [splat(simd, T::ZERO); SUMMED];
            let base = (plan.bases, base_slopes);
            for (row, slopes) in (active.first_row..).zip(&slopes[..active.rows]).chain([base]) {
                let by_basis: [Vector<S, T>; SUMMED] = edges.sum(simd, row, start);
                for t in 0..SUMMED {
                    let slope = load(simd, &slopes[start + t * lanes::<S, T>()..]);
                    sums[t] = by_basis[t].mul_add(slope, sums[t]);
                }
            }
            store_all::<S, T, SUMMED>(sums, &mut dx[start..]);
        }
    }
}

/// The cells between the least and the largest sample; NaN counts as in the first of them.
#[inline(always)]
fn active_rows<S: Simd, T: Float, const K: usize>(simd: S, cells: &Cells<T>, x: &Strip<T>) -> Active {
    let infinite = splat(simd, T::from_f64(f64::INFINITY));
    let (mut lows, mut highs) = ([infinite; SUMMED], [infinite; SUMMED]);
    for start in (0..SAMPLES).step_by(SUMMED * lanes::<S, T>()) {
        let x: [Vector<S, T>; SUMMED] = load_all(simd, &x[start..]);
        for t in 0..SUMMED {
            lows[t] = x[t].simd_lt(lows[t]).select(x[t], lows[t]);
            highs[t] = (-x[t]).simd_lt(highs[t]).select(-x[t], highs[t]);
        }
    }
    let [low, high] = [lows, highs].map(
        #[inline(always)]
        |[a, b, c, d]| a.min(b).min(c.min(d)),
    );
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
    let (first, last) = if low <= high { (cells.find(low), cells.find(high)) } else { (0, 0) };
    let first_row = cells.row(first);
    let rows = cells.row(last) + K - first_row;
    Active { cells: first..last + 1, first_row, rows }
}

/// Writes the active bases, row by row, and their derivatives if there is room for them.
#[inline(always)]
fn look_up_bases<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    (cells, lookup): (&Cells<T>, &Lookup<T>),
    active: &Active,
    x: &Strip<T>,
    bases: &mut [Strip<T>],
    mut slopes: Option<&mut [Strip<T>]>,
) {
    for start in (0..SAMPLES).step_by(N * lanes::<S, T>()) {
        let x: [Vector<S, T>; N] = load_all(simd, &x[start..]);
        let mut places = [splat(simd, T::place(active.cells.start)); N];
        for cell in active.cells.start + 1..active.cells.end {
            let place = splat(simd, T::place(cell));
            for t in 0..N {
                places[t] = x[t].simd_ge(splat(simd, cells.start(cell))).select(place, places[t]);
            }
        }
        let mut located = [lookup.locate(simd, x[0], places[0]); N];
        for t in 1..N {
            located[t] = lookup.locate(simd, x[t], places[t]);
        }
        for (index, bases) in bases[..active.rows].iter_mut().enumerate() {
            let basis = lookup.basis::<S, K>(simd, active.first_row + index);
            for t in 0..N {
                let sums = located[t].horner(&basis);
                store::<S, T>(sums[K - 1], &mut bases[start + t * lanes::<S, T>()..]);
                if let Some(slopes) = &mut slopes {
                    let slope = located[t].slope(&sums);
                    store::<S, T>(slope, &mut slopes[index][start + t * lanes::<S, T>()..]);
                }
            }
        }
    }
}

/// Writes what there is of the active bases, row by row; `evaluate` gives that of a cell at local coordinates.
#[inline(always)]
fn write_bases<S: Simd, T: Float, const K: usize, const N: usize>(
    simd: S,
    cells: &Cells<T>,
    active: &Active,
    x: &Strip<T>,
    bases: &mut [Strip<T>],
    evaluate: impl Fn(usize, Vector<S, T>) -> [Vector<S, T>; K],
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
                let values = evaluate(cell, cells.local(simd, cell, x[t]));
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
    if cell != active.cells.start {
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
    /// `Σ_outputs coefficient·dy` of a row, for the samples from `start` on.
    #[inline(always)]
    fn sum<S: Simd, const N: usize>(&self, simd: S, row: usize, start: usize) -> [Vector<S, T>; N] {
        let mut sums = [splat(simd, T::ZERO); N];
        for (coefficients, dy) in self.coefficients.chunks_exact(self.rows).zip(self.dy) {
            let dy: [Vector<S, T>; N] = load_all(simd, &dy[start..]);
            let coefficient = splat(simd, coefficients[row]);
            for t in 0..N {
                sums[t] = dy[t].mul_add(coefficient, sums[t]);
            }
        }
        sums
    }
}
