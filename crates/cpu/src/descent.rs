//! Steps of Adam within a layer's way back: a group's gradients are used where they are made, and never stored.
//!
//! A step that is refused must leave all parameters as they were, and here the first have moved before the last gradients
//! are known. So a bound on all of them is made beforehand.

use crate::coefficients::split_views_mut;
use crate::float::Float;
use crate::layer::Team;
use crate::pack::{blocks, unpack_block};
use crate::partition::MOVES;
use crate::plan::Plan;
use crate::simd::dispatch;
use fearless_simd::prelude::*;
use kanode_engine::{
    AdamRule, AdamSlabs, LayerViews, LayerViewsMut, SLAB_CHUNK, sum_of_magnitudes, sum_of_squares,
};
use std::ops::Range;

/// A step of some edges.
pub(crate) struct Move<'a, T> {
    pub(crate) rule: &'a AdamRule<T>,
    pub(crate) parameters: LayerViewsMut<'a, T>,
    pub(crate) first: LayerViewsMut<'a, T>,
    pub(crate) second: LayerViewsMut<'a, T>,
    /// Sums of squares of the gradients, one for each task.
    pub(crate) squares: &'a mut [f64],
}

impl<'a, T: Float> Move<'a, T> {
    pub(crate) fn parameters(&self) -> LayerViews<'_, T> {
        shared(&self.parameters)
    }

    /// The step of so many inputs, which are one task's, and of those after them.
    pub(crate) fn split(self, plan: &Plan<T>, inputs: usize) -> (Self, Self) {
        let Self { rule, .. } = self;
        let parameters = split_views_mut(plan, self.parameters, inputs);
        let first = split_views_mut(plan, self.first, inputs);
        let second = split_views_mut(plan, self.second, inputs);
        let squares = self.squares.split_at_mut(1);
        let rest = Self { rule, parameters: parameters.1, first: first.1, second: second.1, squares: squares.1 };
        (Self { rule, parameters: parameters.0, first: first.0, second: second.0, squares: squares.0 }, rest)
    }

    /// The step of a group of inputs whose packed gradients are there.
    #[inline(always)]
    pub(crate) fn make<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        inputs: Range<usize>,
        packed: &[T],
        room: &mut [T],
    ) {
        simd.vectorize(
            #[inline(always)]
            || self.make_blocks(simd, plan, inputs, packed, room),
        );
    }

    /// [`Move::make`], inlined.
    #[inline(always)]
    fn make_blocks<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        inputs: Range<usize>,
        packed: &[T],
        room: &mut [T],
    ) {
        let Self { rule, parameters, first, second, squares } = self;
        let mut rest = packed;
        for (input, outputs, width) in blocks(plan, inputs) {
            let (rows, after) = rest.split_at(plan.rows() * width);
            rest = after;
            let edges = input * plan.outputs + outputs.start..input * plan.outputs + outputs.end;
            let points = edges.start * plan.bases..edges.end * plan.bases;
            let (control_points, weights) = room.split_at_mut(points.len());
            let (base_weight, spline_weight) = weights[..2 * edges.len()].split_at_mut(edges.len());
            let to = LayerViewsMut {
                control_points: &mut *control_points,
                base_weight: &mut *base_weight,
                spline_weight: &mut *spline_weight,
                constants: &mut [],
            };
            unpack_block(simd, plan, (rows, width), edges.clone(), shared(parameters), to);
            let slabs = [
                AdamSlabs {
                    parameters: &mut parameters.control_points[points.clone()],
                    gradient: control_points,
                    first: &mut first.control_points[points.clone()],
                    second: &mut second.control_points[points],
                },
                AdamSlabs {
                    parameters: &mut parameters.base_weight[edges.clone()],
                    gradient: base_weight,
                    first: &mut first.base_weight[edges.clone()],
                    second: &mut second.base_weight[edges.clone()],
                },
                AdamSlabs {
                    parameters: &mut parameters.spline_weight[edges.clone()],
                    gradient: spline_weight,
                    first: &mut first.spline_weight[edges.clone()],
                    second: &mut second.spline_weight[edges],
                },
            ];
            for slabs in slabs {
                squares[0] += sum_of_squares(slabs.gradient);
                rule.apply(slabs);
            }
        }
    }
}

fn shared<'a, T>(views: &'a LayerViewsMut<'_, T>) -> LayerViews<'a, T> {
    LayerViews {
        control_points: views.control_points,
        base_weight: views.base_weight,
        spline_weight: views.spline_weight,
        constants: views.constants,
    }
}
