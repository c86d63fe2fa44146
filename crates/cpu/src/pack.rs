//! Between the public slab of parameters and the packed coefficients of the kernels.
//!
//! Effective coefficients `w_s·P` are formed once for each call; the gradients of `w_s` and `P` are made from theirs
//! afterwards: `dP = w_s·dC` and `dw_s = Σ P·dC`.

use crate::float::Float;
use crate::plan::{Form, Plan};
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;

/// Packs one group of inputs; `from` is the whole layer's.
pub(crate) fn pack<T: Float>(
    plan: &Plan<T>,
    inputs: Range<usize>,
    from: LayerViews<'_, T>,
    packed: &mut [T],
) {
    let mut rest = packed;
    for_blocks(plan, inputs, |input, outputs, width| {
        let (rows, after) = std::mem::take(&mut rest).split_at_mut(plan.rows() * width);
        rest = after;
        if outputs.len() < width {
            rows.fill(T::ZERO);
        }
        let edges = input * plan.outputs + outputs.start..input * plan.outputs + outputs.end;
        let points = &from.control_points[edges.start * plan.bases..edges.end * plan.bases];
        let weights = &from.spline_weight[edges.clone()];
        for (basis, row) in rows.chunks_exact_mut(width).take(plan.bases).enumerate() {
            for ((to, points), weight) in row.iter_mut().zip(points.chunks_exact(plan.bases)).zip(weights) {
                *to = *weight * points[basis];
            }
        }
        rows[plan.bases * width..][..edges.len()].copy_from_slice(&from.base_weight[edges]);
    });
}

/// Splits the gradients of one group of packed coefficients. `parameters` are the whole layer's, `gradients` the
/// group's.
pub(crate) fn unpack<T: Float>(
    plan: &Plan<T>,
    inputs: Range<usize>,
    packed: &[T],
    parameters: LayerViews<'_, T>,
    gradients: LayerViewsMut<'_, T>,
) {
    let first = inputs.start * plan.outputs;
    let mut rest = packed;
    for_blocks(plan, inputs, |input, outputs, width| {
        let (rows, after) = rest.split_at(plan.rows() * width);
        rest = after;
        let edges = input * plan.outputs + outputs.start..input * plan.outputs + outputs.end;
        let points = parameters.control_points[edges.start * plan.bases..edges.end * plan.bases]
            .chunks_exact(plan.bases);
        let weights = &parameters.spline_weight[edges.clone()];
        // From here on the group's own.
        let edges = edges.start - first..edges.end - first;
        let point_gradients = &mut gradients.control_points[edges.start * plan.bases..edges.end * plan.bases];
        let weight_gradients = &mut gradients.spline_weight[edges.clone()];
        weight_gradients.fill(T::ZERO);
        for (basis, row) in rows.chunks_exact(width).take(plan.bases).enumerate() {
            let to = point_gradients.chunks_exact_mut(plan.bases).zip(weight_gradients.iter_mut());
            for ((slope, (to, sum)), (points, weight)) in row.iter().zip(to).zip(points.clone().zip(weights))
            {
                to[basis] = *weight * *slope;
                *sum += points[basis] * *slope;
            }
        }
        gradients.base_weight[edges.clone()].copy_from_slice(&rows[plan.bases * width..][..edges.len()]);
    });
}

/// Calls `body(input, outputs, width)` for the blocks of packed coefficients of a group in their order; `width` is the
/// distance between rows.
fn for_blocks<T: Float>(
    plan: &Plan<T>,
    inputs: Range<usize>,
    mut body: impl FnMut(usize, Range<usize>, usize),
) {
    match plan.form {
        Form::Outputs { .. } => {
            for tile in plan.tiles() {
                let outputs = tile.first..plan.outputs.min(tile.first + tile.width);
                inputs.clone().for_each(|input| body(input, outputs.clone(), tile.width));
            }
        }
        Form::Samples => {
            for input in inputs {
                (0..plan.outputs).for_each(|output| body(input, output..output + 1, 1));
            }
        }
    }
}
