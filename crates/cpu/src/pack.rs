//! Between the public slab of parameters and the packed coefficients of the kernels.
//!
//! Effective coefficients `w_s·P` are formed once for each call; the gradients of `w_s` and `P` are made from theirs
//! afterwards: `dP = w_s·dC` and `dw_s = Σ P·dC`.

use crate::float::Float;
use crate::plan::{Form, Plan, Tile};
use crate::simd::{
    MOST_LANES, Vector, deinterleaved, interleaved, lanes, load, load_all, splat, store, store_all,
    transposed,
};
use fearless_simd::prelude::*;
use kanode_engine::{LayerViews, LayerViewsMut, sum_of_magnitudes};
use std::ops::Range;

/// Bases of an edge of the default grid and degree: the edges of a vector fill whole vectors then, which takes fewer
/// shuffles than squares of rows that overlap.
pub(crate) const USUAL_BASES: usize = 8;

/// Evaluates an expression with a constant: whether a layer has the usual number of bases, and vectors hold the edges of one.
macro_rules! by_bases {
    ($plan:expr, $usual:ident => $body:expr) => {
        if $plan.bases == $crate::pack::USUAL_BASES
            && $crate::simd::lanes::<S, T>() >= $crate::pack::USUAL_BASES
        {
            const $usual: bool = true;
            $body
        } else {
            const $usual: bool = false;
            $body
        }
    };
}
pub(crate) use by_bases;

/// What no parameter that was packed exceeds, nor the sum over an edge: sums over bundles of edges are compared, so that it
/// does not depend on who packed which.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Magnitude(pub(crate) f64);

impl Magnitude {
    /// Takes a sum of magnitudes in; one that is no number counts as infinite.
    #[inline(always)]
    pub(crate) fn observe<T: Float>(&mut self, sum: T) {
        let sum = sum.to_f64();
        if sum.is_nan() {
            self.0 = f64::INFINITY;
        } else {
            self.0 = self.0.max(sum);
        }
    }
}

/// Edges whose packed coefficients lie together: from some inputs to one tile of outputs or, where vectors run over
/// samples, to all.
#[derive(Clone, Debug)]
pub(crate) struct Bundle {
    /// Counted from those that the views of parameters begin with.
    pub(crate) inputs: Range<usize>,
    pub(crate) tile: Option<Tile>,
}

impl Bundle {
    /// Of a group of a task's `inputs`.
    #[inline(always)]
    pub(crate) fn of(group: &Range<usize>, inputs: &Range<usize>, tile: Option<Tile>) -> Self {
        Self { inputs: group.start - inputs.start..group.end - inputs.start, tile }
    }

    /// The distance between the rows of an edge.
    #[inline(always)]
    pub(crate) fn width(&self) -> usize {
        self.tile.map_or(1, |tile| tile.width)
    }

    /// Edges that leave an input.
    #[inline(always)]
    pub(crate) fn edges<T>(&self, plan: &Plan<T>, input: usize) -> Range<usize> {
        let all = Tile { first: 0, width: plan.outputs };
        let Tile { first, width } = self.tile.unwrap_or(all);
        input * plan.outputs + first..input * plan.outputs + plan.outputs.min(first + width)
    }

    /// [`Bundle::edges`] of an input of the group by its slot, if there is one.
    #[inline(always)]
    pub(crate) fn edges_of_slot<T>(&self, plan: &Plan<T>, slot: usize) -> Option<Range<usize>> {
        (slot < self.inputs.len()).then(|| self.edges(plan, self.inputs.start + slot))
    }

    /// Length of the packed coefficients of one input.
    #[inline(always)]
    pub(crate) fn each<T: Float>(&self, plan: &Plan<T>) -> usize {
        plan.rows() * self.tile.map_or(plan.outputs, |tile| tile.width)
    }

    /// Length of its packed coefficients.
    #[inline(always)]
    pub(crate) fn packed<T: Float>(&self, plan: &Plan<T>) -> usize {
        self.inputs.len() * self.each(plan)
    }
}

/// Packs one bundle. `from` are views of all edges. Returns a number, if it is `watched`, that neither the magnitude
/// of a parameter nor their sum over an edge exceeds; where it is not finite, that may be for its size alone.
#[inline(always)]
pub(crate) fn pack_bundle<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    bundle: &Bundle,
    from: LayerViews<'_, T>,
    (packed, watched): (&mut [T], bool),
) -> T {
    simd.vectorize(
        #[inline(always)]
        || {
            let inputs = bundle.inputs.clone().zip(packed.chunks_exact_mut(bundle.each(plan)));
            let (mut sum, width) = (splat(simd, T::ZERO), bundle.width());
            by_bases!(plan, USUAL => for (input, rows) in inputs {
                let edges = bundle.edges(plan, input);
                sum += pack_rows::<S, T, USUAL>(simd, plan, edges, width, from, (rows, watched));
            });
            sum.as_slice().iter().fold(T::ZERO, |sum, lane| sum + *lane)
        },
    )
}

/// Packs the edges of an input and a tile. Returns sums of magnitudes, those that fill no vector in every lane.
#[inline(always)]
fn pack_rows<S: Simd, T: Float, const USUAL: bool>(
    simd: S,
    plan: &Plan<T>,
    edges: Range<usize>,
    width: usize,
    from: LayerViews<'_, T>,
    (rows, watched): (&mut [T], bool),
) -> Vector<S, T> {
    if edges.len() < width {
        rows.fill(T::ZERO);
    }
    let (mut done, mut sum) = (0, splat(simd, T::ZERO));
    while width > 1 && done + lanes::<S, T>() <= edges.len() {
        let first = edges.start + done;
        let weight = load(simd, &from.spline_weight[first..]);
        let base = load(simd, &from.base_weight[first..]);
        let points = &from.control_points[first * plan.bases..];
        let rows = &mut rows[done..];
        let Some(of_points) = pack_square::<S, T, USUAL>(simd, plan.bases, points, weight, rows, width)
        else {
            break;
        };
        store::<S, T>(base, &mut rows[plan.bases * width..]);
        sum += of_points + weight.abs() + base.abs();
        done += lanes::<S, T>();
    }
    if done < edges.len() {
        let spacing = if width > 1 { 1 } else { plan.rows() };
        let rest = edges.start + done..edges.end;
        pack_one_by_one(simd, plan, rest.clone(), (width, spacing), from, &mut rows[done * spacing..]);
        if watched {
            let points = &from.control_points[rest.start * plan.bases..rest.end * plan.bases];
            for numbers in [points, &from.spline_weight[rest.clone()], &from.base_weight[rest]] {
                sum += splat(simd, T::from_f64(sum_of_magnitudes(numbers)));
            }
        }
    }
    sum
}

/// Packs edges that fill no vector; their rows are so far apart, and the edges so far from one another. A function of its
/// own, by `vectorize`: the compiler would keep its counters within the loop over vectors.
#[inline(always)]
fn pack_one_by_one<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    edges: Range<usize>,
    (width, spacing): (usize, usize),
    from: LayerViews<'_, T>,
    rows: &mut [T],
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (output, edge) in edges.enumerate() {
                let points = &from.control_points[edge * plan.bases..][..plan.bases];
                let rows = &mut rows[output * spacing..];
                for (basis, point) in points.iter().enumerate() {
                    rows[basis * width] = from.spline_weight[edge] * *point;
                }
                rows[plan.bases * width] = from.base_weight[edge];
            }
        },
    );
}

/// Packs one group of inputs. `from` are views of all edges.
#[inline(always)]
pub(crate) fn pack<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    inputs: Range<usize>,
    from: LayerViews<'_, T>,
    packed: &mut [T],
) {
    let mut rest = packed;
    for bundle in bundles(plan, inputs) {
        let (rows, after) = std::mem::take(&mut rest).split_at_mut(bundle.packed(plan));
        rest = after;
        pack_bundle(simd, plan, &bundle, from, (rows, false));
    }
}

/// `w_s·P` of as many edges as a vector has lanes; returns sums of magnitudes of `P`. None if `points`, which may be read
/// beyond these edges, ends before.
#[inline(always)]
fn pack_square<S: Simd, T: Float, const USUAL: bool>(
    simd: S,
    bases: usize,
    points: &[T],
    weight: Vector<S, T>,
    rows: &mut [T],
    width: usize,
) -> Option<Vector<S, T>> {
    let (side, mut sum) = (lanes::<S, T>(), splat(simd, T::ZERO));
    if USUAL {
        let columns: [Vector<S, T>; USUAL_BASES] = load_columns(simd, points);
        for (basis, column) in columns.into_iter().enumerate() {
            store::<S, T>(column * weight, &mut rows[basis * width..]);
            sum += column.abs();
        }
        return Some(sum);
    }
    if points.len() < side * bases + side {
        return None;
    }
    for first in (0..bases).step_by(side) {
        let columns = load_square(simd, &points[first..], bases);
        for (basis, column) in (first..bases.min(first + side)).zip(columns) {
            store::<S, T>(column * weight, &mut rows[basis * width..]);
            sum += column.abs();
        }
    }
    Some(sum)
}

/// Splits the packed gradients of one group of inputs. `parameters` are views of all edges, `gradients` of the group's.
#[inline(always)]
pub(crate) fn unpack<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    inputs: Range<usize>,
    packed: &[T],
    parameters: LayerViews<'_, T>,
    mut gradients: LayerViewsMut<'_, T>,
) {
    let first = inputs.start * plan.outputs;
    let mut rest = packed;
    for bundle in bundles(plan, inputs) {
        let (rows, after) = rest.split_at(bundle.packed(plan));
        rest = after;
        unpack_bundle(simd, plan, &bundle, rows, parameters, (&mut gradients, first));
    }
}

/// Splits the packed gradients of one bundle. `parameters` are views of all edges, `gradients` of those from `first` on.
#[inline(always)]
pub(crate) fn unpack_bundle<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    bundle: &Bundle,
    packed: &[T],
    parameters: LayerViews<'_, T>,
    (gradients, first): (&mut LayerViewsMut<'_, T>, usize),
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (input, rows) in bundle.inputs.clone().zip(packed.chunks_exact(bundle.each(plan))) {
                let edges = bundle.edges(plan, input);
                let to = gradients.of_edges(edges.start - first..edges.end - first, plan.bases);
                by_bases!(plan, USUAL =>
                    unpack_rows::<S, T, USUAL>(simd, plan, edges, (rows, bundle.width()), parameters, to));
            }
        },
    );
}

/// Splits the packed gradients of the edges of an input and a tile. `parameters` are views of all edges, `gradients` of
/// these.
#[inline(always)]
pub(crate) fn unpack_rows<S: Simd, T: Float, const USUAL: bool>(
    simd: S,
    plan: &Plan<T>,
    edges: Range<usize>,
    (rows, width): (&[T], usize),
    parameters: LayerViews<'_, T>,
    mut gradients: LayerViewsMut<'_, T>,
) {
    let mut done = 0;
    while width > 1 && done + lanes::<S, T>() <= edges.len() {
        let first = edges.start + done;
        let weight = load(simd, &parameters.spline_weight[first..]);
        let points = &parameters.control_points[first * plan.bases..];
        let to = &mut gradients.control_points[done * plan.bases..];
        let rows = (&rows[done..], width);
        let Some(sum) = unpack_square::<S, T, USUAL>(simd, plan.bases, rows, points, weight, to) else {
            break;
        };
        store::<S, T>(sum, &mut gradients.spline_weight[done..]);
        done += lanes::<S, T>();
    }
    gradients.base_weight[..done].copy_from_slice(&rows[plan.bases * width..][..done]);
    if done < edges.len() {
        let spacing = if width > 1 { 1 } else { plan.rows() };
        let rest = done..edges.len();
        let to = gradients.of_edges(rest, plan.bases);
        let edges = edges.start + done..edges.end;
        unpack_one_by_one(simd, plan, edges, (&rows[done * spacing..], width, spacing), parameters, to);
    }
}

/// As [`pack_one_by_one`], the way back.
#[inline(always)]
fn unpack_one_by_one<S: Simd, T: Float>(
    simd: S,
    plan: &Plan<T>,
    edges: Range<usize>,
    (rows, width, spacing): (&[T], usize, usize),
    parameters: LayerViews<'_, T>,
    gradients: LayerViewsMut<'_, T>,
) {
    simd.vectorize(
        #[inline(always)]
        || {
            for (output, edge) in edges.enumerate() {
                let points = &parameters.control_points[edge * plan.bases..][..plan.bases];
                let to = &mut gradients.control_points[output * plan.bases..][..plan.bases];
                let rows = &rows[output * spacing..];
                let mut sum = T::ZERO;
                for (basis, (to, point)) in to.iter_mut().zip(points).enumerate() {
                    let slope = rows[basis * width];
                    *to = parameters.spline_weight[edge] * slope;
                    sum += *point * slope;
                }
                gradients.spline_weight[output] = sum;
                gradients.base_weight[output] = rows[plan.bases * width];
            }
        },
    );
}

/// Writes `dP` of as many edges as a vector has lanes, and returns their `dw_s`. None, and nothing is written, if
/// `points`, which may be read beyond these edges, ends before.
#[inline(always)]
fn unpack_square<S: Simd, T: Float, const USUAL: bool>(
    simd: S,
    bases: usize,
    (rows, width): (&[T], usize),
    points: &[T],
    weight: Vector<S, T>,
    to: &mut [T],
) -> Option<Vector<S, T>> {
    let side = lanes::<S, T>();
    if USUAL {
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

/// The bundles of a group of inputs in the order of their packed coefficients.
pub(crate) fn bundles<T: Float>(plan: &Plan<T>, inputs: Range<usize>) -> impl Iterator<Item = Bundle> {
    let all = (plan.form == Form::Samples).then_some(None);
    all.into_iter().chain(plan.tiles().map(Some)).map(move |tile| Bundle { inputs: inputs.clone(), tile })
}
