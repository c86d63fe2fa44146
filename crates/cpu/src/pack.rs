//! Between the public slab of parameters and the packed coefficients of the kernels.
//!
//! Effective coefficients `w_s·P` are formed once for each call; the gradients of `w_s` and `P` are made from theirs
//! afterwards: `dP = w_s·dC` and `dw_s = Σ P·dC`.

use crate::float::Float;
use crate::plan::{Form, Plan};
use crate::simd::{
    MOST_LANES, Vector, deinterleaved, interleaved, lanes, load, load_all, splat, store, store_all,
    transposed,
};
use fearless_simd::prelude::*;
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;

/// Bases of an edge of the default grid and degree: the edges of a vector fill whole vectors then, which takes fewer
/// shuffles than squares of rows that overlap.
const USUAL_BASES: usize = 8;

/// Packs one group of inputs; `from` is the whole layer's.
#[inline(always)]
pub(crate) fn pack<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    inputs: Range<usize>,
    from: LayerViews<'_, T>,
    packed: &mut [T],
) {
    simd.vectorize(
        #[inline(always)]
        || pack_blocks(simd, plan, inputs, from, packed),
    );
}

/// [`pack`], inlined.
#[inline(always)]
fn pack_blocks<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    inputs: Range<usize>,
    from: LayerViews<'_, T>,
    packed: &mut [T],
) {
    let mut rest = packed;
    for (input, outputs, width) in blocks(plan, inputs) {
        let (rows, after) = std::mem::take(&mut rest).split_at_mut(plan.rows() * width);
        rest = after;
        if outputs.len() < width {
            rows.fill(T::ZERO);
        }
        let edges = input * plan.outputs + outputs.start..input * plan.outputs + outputs.end;
        let mut done = 0;
        while done + lanes::<S, T>() <= edges.len() {
            let first = edges.start + done;
            let weight = load(simd, &from.spline_weight[first..]);
            let points = &from.control_points[first * plan.bases..];
            if !pack_square(simd, plan, points, weight, &mut rows[done..], width) {
                break;
            }
            done += lanes::<S, T>();
        }
        for (output, edge) in edges.clone().enumerate().skip(done) {
            let points = &from.control_points[edge * plan.bases..][..plan.bases];
            for (basis, point) in points.iter().enumerate() {
                rows[basis * width + output] = from.spline_weight[edge] * *point;
            }
        }
        rows[plan.bases * width..][..edges.len()].copy_from_slice(&from.base_weight[edges]);
    }
}

/// `w_s·P` of as many edges as a vector has lanes. False if `points`, which may be read beyond these edges, ends
/// before.
#[inline(always)]
fn pack_square<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    points: &[T],
    weight: Vector<S, T>,
    rows: &mut [T],
    width: usize,
) -> bool {
    let (side, bases) = (lanes::<S, T>(), plan.bases);
    if bases == USUAL_BASES && side >= USUAL_BASES {
        let columns: [Vector<S, T>; USUAL_BASES] = load_columns(simd, points);
        for (basis, column) in columns.into_iter().enumerate() {
            store::<S, T>(column * weight, &mut rows[basis * width..]);
        }
        return true;
    }
    if points.len() < side * bases + side {
        return false;
    }
    for first in (0..bases).step_by(side) {
        let columns = load_square(simd, &points[first..], bases);
        for (basis, column) in (first..bases.min(first + side)).zip(columns) {
            store::<S, T>(column * weight, &mut rows[basis * width..]);
        }
    }
    true
}

/// Splits the gradients of one group of packed coefficients. `parameters` are the whole layer's, `gradients` the
/// group's.
#[inline(always)]
pub(crate) fn unpack<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    inputs: Range<usize>,
    packed: &[T],
    parameters: LayerViews<'_, T>,
    gradients: LayerViewsMut<'_, T>,
) {
    simd.vectorize(
        #[inline(always)]
        || unpack_blocks(simd, plan, inputs, packed, parameters, gradients),
    );
}

/// [`unpack`], inlined.
#[inline(always)]
fn unpack_blocks<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    inputs: Range<usize>,
    packed: &[T],
    parameters: LayerViews<'_, T>,
    gradients: LayerViewsMut<'_, T>,
) {
    let group = inputs.start * plan.outputs;
    let mut rest = packed;
    for (input, outputs, width) in blocks(plan, inputs) {
        let (rows, after) = rest.split_at(plan.rows() * width);
        rest = after;
        let edges = input * plan.outputs + outputs.start..input * plan.outputs + outputs.end;
        let to = LayerViewsMut {
            control_points: &mut gradients.control_points
                [(edges.start - group) * plan.bases..(edges.end - group) * plan.bases],
            base_weight: &mut gradients.base_weight[edges.start - group..edges.end - group],
            spline_weight: &mut gradients.spline_weight[edges.start - group..edges.end - group],
            constants: &mut [],
        };
        unpack_block(simd, plan, (rows, width), edges, parameters, to);
    }
}

/// Splits the gradients of one block, which are as wide as it is; `gradients` are those of its edges.
#[inline(always)]
pub(crate) fn unpack_block<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    (rows, width): (&[T], usize),
    edges: Range<usize>,
    parameters: LayerViews<'_, T>,
    gradients: LayerViewsMut<'_, T>,
) {
    let mut done = 0;
    while done + lanes::<S, T>() <= edges.len() {
        let first = edges.start + done;
        let weight = load(simd, &parameters.spline_weight[first..]);
        let points = &parameters.control_points[first * plan.bases..];
        let to = &mut gradients.control_points[done * plan.bases..];
        let Some(sum) = unpack_square(simd, plan, (&rows[done..], width), points, weight, to) else {
            break;
        };
        store::<S, T>(sum, &mut gradients.spline_weight[done..]);
        done += lanes::<S, T>();
    }
    for (output, edge) in edges.clone().enumerate().skip(done) {
        let points = &parameters.control_points[edge * plan.bases..][..plan.bases];
        let to = &mut gradients.control_points[output * plan.bases..][..plan.bases];
        let mut sum = T::ZERO;
        for (basis, (to, point)) in to.iter_mut().zip(points).enumerate() {
            let slope = rows[basis * width + output];
            *to = parameters.spline_weight[edge] * slope;
            sum += *point * slope;
        }
        gradients.spline_weight[output] = sum;
    }
    gradients.base_weight.copy_from_slice(&rows[plan.bases * width..][..edges.len()]);
}

/// Writes `dP` of as many edges as a vector has lanes, and returns their `dw_s`. None, and nothing is written, if
/// `points`, which may be read beyond these edges, ends before.
#[inline(always)]
fn unpack_square<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    (rows, width): (&[T], usize),
    points: &[T],
    weight: Vector<S, T>,
    to: &mut [T],
) -> Option<Vector<S, T>> {
    let (side, bases) = (lanes::<S, T>(), plan.bases);
    if bases == USUAL_BASES && side >= USUAL_BASES {
        let columns: [Vector<S, T>; USUAL_BASES] = load_columns(simd, points);
        let mut sum = splat(simd, T::ZERO);
        let mut slopes = columns;
        for (basis, (slope, column)) in slopes.iter_mut().zip(columns).enumerate() {
            let row = load(simd, &rows[basis * width..]);
            sum += column * row;
            *slope = row * weight;
        }
        interleaved::<S, T, USUAL_BASES>(&mut slopes, USUAL_BASES);
        store_all::<S, T, USUAL_BASES>(slopes, to);
        return Some(sum);
    }
    if points.len() < side * bases + side {
        return None;
    }
    let mut sum = splat(simd, T::ZERO);
    for first in (0..bases).step_by(side) {
        let count = side.min(bases - first);
        let columns = load_square(simd, &points[first..], bases);
        let mut slopes = [splat(simd, T::ZERO); MOST_LANES];
        for (basis, (slope, column)) in (first..first + count).zip(slopes.iter_mut().zip(columns)) {
            let row = load(simd, &rows[basis * width..]);
            sum += column * row;
            *slope = row * weight;
        }
        let square = transposed::<S, T>(simd, slopes);
        for (edge, slopes) in square[..side].iter().enumerate() {
            let to = &mut to[edge * bases + first..];
            // What overhangs an edge is overwritten by those that follow, as long as it stays within these.
            if count == side || first == 0 && edge * bases + side <= side * bases {
                store::<S, T>(*slopes, to);
            } else {
                to[..count].copy_from_slice(&slopes.as_slice()[..count]);
            }
        }
    }
    Some(sum)
}

/// The columns of the edges, as many as a vector has lanes, that have `N` bases each.
#[inline(always)]
fn load_columns<S: Simd, T: Float, const N: usize>(simd: S, points: &[T]) -> [Vector<S, T>; N] {
    let mut vectors: [Vector<S, T>; N] = load_all(simd, points);
    deinterleaved::<S, T, N>(&mut vectors, N);
    vectors
}

/// The columns of a square of rows that are `stride` apart; in a block of narrower rows, also what follows them.
#[inline(always)]
fn load_square<S: Simd, T: Float>(simd: S, from: &[T], stride: usize) -> [Vector<S, T>; MOST_LANES] {
    let mut square = [splat(simd, T::ZERO); MOST_LANES];
    for (r, row) in square[..lanes::<S, T>()].iter_mut().enumerate() {
        *row = load(simd, &from[r * stride..]);
    }
    transposed::<S, T>(simd, square)
}

/// The blocks of packed coefficients of a group in their order: input, outputs, and the distance between rows.
pub(crate) fn blocks<T: Float>(
    plan: &Plan<T>,
    inputs: Range<usize>,
) -> impl Iterator<Item = (usize, Range<usize>, usize)> {
    let (outputs, samples) = (plan.outputs, plan.form == Form::Samples);
    let singles = inputs.clone().filter(move |_| samples);
    let singles = singles.flat_map(move |input| (0..outputs).map(move |o| (input, o..o + 1, 1)));
    let tiles = plan.tiles().flat_map(move |tile| {
        let range = tile.first..outputs.min(tile.first + tile.width);
        inputs.clone().map(move |input| (input, range.clone(), tile.width))
    });
    singles.chain(tiles)
}
