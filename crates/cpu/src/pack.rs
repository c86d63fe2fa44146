//! Between the public slab of parameters and the packed coefficients of the kernels.
//!
//! Effective coefficients `w_s·P` are formed once for each call; the gradients of `w_s` and `P` are made from theirs
//! afterwards: `dP = w_s·dC` and `dw_s = Σ P·dC`.

use crate::float::Float;
use crate::plan::{Form, Plan};
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;

/// Where the coefficients of an edge lie: the row of basis `b` is at `start + b·stride`.
#[derive(Clone, Copy)]
struct Place {
    start: usize,
    stride: usize,
}

/// Packs one group of inputs; `from` is the whole layer's.
pub(crate) fn pack<T: Float>(plan: &Plan<T>, inputs: Range<usize>, from: LayerViews<'_, T>, packed: &mut [T]) {
    let first = inputs.start * plan.outputs;
    if plan.outputs < plan.padded_outputs() {
        packed.fill(T::ZERO);
    }
    for_edges(plan, inputs.len(), |edge, place| {
        let weight = from.spline_weight[first + edge];
        packed[place.start + plan.bases * place.stride] = from.base_weight[first + edge];
        let points = &from.control_points[(first + edge) * plan.bases..][..plan.bases];
        let to = packed[place.start..].iter_mut().step_by(place.stride);
        for (to, point) in to.zip(points) {
            *to = weight * *point;
        }
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
    for_edges(plan, inputs.len(), |edge, place| {
        let weight = parameters.spline_weight[first + edge];
        let points = &parameters.control_points[(first + edge) * plan.bases..][..plan.bases];
        let to = &mut gradients.control_points[edge * plan.bases..][..plan.bases];
        let from = packed[place.start..].iter().step_by(place.stride);
        let mut sum = T::ZERO;
        for ((to, point), from) in to.iter_mut().zip(points).zip(from) {
            *to = weight * *from;
            sum += *point * *from;
        }
        gradients.spline_weight[edge] = sum;
        gradients.base_weight[edge] = packed[place.start + plan.bases * place.stride];
    });
}

/// Calls `body(edge, place)` for all edges of a group, `edge` counting from its first, as they lie in memory.
fn for_edges<T: Float>(plan: &Plan<T>, inputs: usize, mut body: impl FnMut(usize, Place)) {
    match plan.form {
        Form::Samples => (0..inputs * plan.outputs)
            .for_each(|edge| body(edge, Place { start: edge * plan.rows(), stride: 1 })),
        Form::Outputs { .. } => {
            let mut start = 0;
            for tile in plan.tiles() {
                for input in 0..inputs {
                    for output in tile.first..plan.outputs.min(tile.first + tile.width) {
                        let place = Place { start: start + output - tile.first, stride: tile.width };
                        body(input * plan.outputs + output, place);
                    }
                    start += plan.rows() * tile.width;
                }
            }
        }
    }
}
