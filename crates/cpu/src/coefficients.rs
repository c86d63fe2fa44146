//! Where a task has the packed coefficients of its inputs from, and where their gradients go. What a task alone works on is
//! packed and split group by group, so that it is in the nearer caches when it is used.

use crate::float::Float;
use crate::pack::{pack, unpack};
use crate::plan::Plan;
use fearless_simd::prelude::*;
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;

/// Where a group lies among the packed coefficients of a task's inputs.
#[inline(always)]
fn within<T: Float>(plan: &Plan<T>, inputs: &Range<usize>, group: &Range<usize>) -> Range<usize> {
    plan.packed(group.start - inputs.start)..plan.packed(group.end - inputs.start)
}

/// Packed coefficients of a task's inputs.
pub(crate) enum Coefficients<'a, T> {
    Packed(&'a [T]),
    /// To be packed when a group is needed for the first time: into room for all of them, or for one group if nobody
    /// needs them afterwards.
    Fresh {
        parameters: LayerViews<'a, T>,
        room: &'a mut [T],
        kept: bool,
    },
}

impl<T: Float> Coefficients<'_, T> {
    /// Those of a group of the task's inputs; `new` when it is needed for the first time.
    #[inline(always)]
    pub(crate) fn group<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        (inputs, group): (&Range<usize>, &Range<usize>),
        new: bool,
    ) -> &[T] {
        let within = within(plan, inputs, group);
        match self {
            Self::Packed(packed) => &packed[within],
            Self::Fresh { parameters, room, kept } => {
                let packed = &mut room[if *kept { within } else { 0..within.len() }];
                if new {
                    pack(simd, plan, group.clone(), *parameters, packed);
                }
                packed
            }
        }
    }
}

/// Gradients of a task's inputs, overwritten.
pub(crate) enum Gradients<'a, T> {
    /// Of packed coefficients.
    Packed(&'a mut [T]),
    /// Of parameters, of which this task alone has the gradients; with room for a group.
    Split { parameters: LayerViews<'a, T>, views: LayerViewsMut<'a, T>, room: &'a mut [T] },
}

impl<T: Float> Gradients<'_, T> {
    /// Where the gradients of packed coefficients of a group of the task's inputs belong.
    #[inline(always)]
    pub(crate) fn group(
        &mut self,
        plan: &Plan<T>,
        (inputs, group): (&Range<usize>, &Range<usize>),
    ) -> &mut [T] {
        let within = within(plan, inputs, group);
        match self {
            Self::Packed(packed) => &mut packed[within],
            Self::Split { room, .. } => &mut room[..within.len()],
        }
    }

    /// Ends a group.
    #[inline(always)]
    pub(crate) fn finish<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        (inputs, group): (&Range<usize>, &Range<usize>),
    ) {
        let Self::Split { parameters, views, room } = self else { return };
        let edges = (group.start - inputs.start) * plan.outputs..(group.end - inputs.start) * plan.outputs;
        let gradients = LayerViewsMut {
            control_points: &mut views.control_points[edges.start * plan.bases..edges.end * plan.bases],
            base_weight: &mut views.base_weight[edges.clone()],
            spline_weight: &mut views.spline_weight[edges],
            constants: &mut [],
        };
        unpack(simd, plan, group.clone(), &room[..plan.packed(group.len())], *parameters, gradients);
    }
}
