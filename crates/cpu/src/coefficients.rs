//! Where a task has the packed coefficients of its inputs from, and where their gradients go. What a task alone works on is
//! packed and split group by group, so that it is in the nearer caches when it is used.

use crate::buffer::Buffer;
use crate::descent::Move;
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

/// What a task has of the edges that leave its inputs, on the way back.
pub(crate) enum Edges<'a, T> {
    /// Packed coefficients, and gradients of these, overwritten: other tasks have some, too.
    Shared { packed: &'a [T], gradients: &'a mut [T] },
    /// No other task has them. They are packed where nobody has kept that.
    Own { packed: Option<&'a [T]>, rooms: &'a mut Rooms<T>, goal: Goal<'a, T> },
}

/// Room for a group of inputs.
#[derive(Debug, Default)]
pub(crate) struct Rooms<T> {
    /// Packed coefficients; when they have been used, whatever is made of gradients.
    coefficients: Buffer<T>,
    /// Their gradients.
    gradients: Buffer<T>,
}

impl<T: Float> Rooms<T> {
    /// Makes room for the groups of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>) {
        self.coefficients.resize(plan.packed(plan.group).max(plan.widest_block()));
        self.gradients.resize(plan.packed(plan.group));
    }
}

/// What becomes of the gradients of edges. All views are of these edges.
pub(crate) enum Goal<'a, T> {
    /// They are written.
    Gradient { parameters: LayerViews<'a, T>, gradients: LayerViewsMut<'a, T> },
    /// Nobody wants them but the step that they are for.
    Step(Move<'a, T>),
}

impl<T: Float> Edges<'_, T> {
    /// Packed coefficients of a group of the task's inputs, and where their gradients belong.
    #[inline(always)]
    pub(crate) fn group<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        (inputs, group): (&Range<usize>, &Range<usize>),
    ) -> (&[T], &mut [T]) {
        let within = within(plan, inputs, group);
        match self {
            Self::Shared { packed, gradients } => (&packed[within.clone()], &mut gradients[within]),
            Self::Own { packed, rooms, goal } => {
                let (count, inputs) = (within.len(), group.start - inputs.start..group.end - inputs.start);
                let packed = match packed {
                    Some(packed) => &packed[within],
                    None => {
                        pack(simd, plan, inputs, goal.parameters(), &mut rooms.coefficients[..count]);
                        &rooms.coefficients[..count]
                    }
                };
                (packed, &mut rooms.gradients[..count])
            }
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
        let Self::Own { rooms, goal, .. } = self else { return };
        let group = group.start - inputs.start..group.end - inputs.start;
        let packed = &rooms.gradients[..plan.packed(group.len())];
        match goal {
            Goal::Gradient { parameters, gradients } => {
                let edges = group.start * plan.outputs..group.end * plan.outputs;
                let gradients = LayerViewsMut {
                    control_points: &mut gradients.control_points
                        [edges.start * plan.bases..edges.end * plan.bases],
                    base_weight: &mut gradients.base_weight[edges.clone()],
                    spline_weight: &mut gradients.spline_weight[edges],
                    constants: &mut [],
                };
                unpack(simd, plan, group, packed, *parameters, gradients);
            }
            Goal::Step(step) => step.make(simd, plan, group, packed, &mut rooms.coefficients),
        }
    }
}

impl<'a, T: Float> Goal<'a, T> {
    fn parameters(&self) -> LayerViews<'_, T> {
        match self {
            Self::Gradient { parameters, .. } => *parameters,
            Self::Step(step) => step.parameters(),
        }
    }

    /// Cuts the goals of consecutive numbers of inputs off that of more of them.
    pub(crate) fn split(
        self,
        plan: &Plan<T>,
        inputs: impl Iterator<Item = usize> + Send,
    ) -> impl Iterator<Item = Goal<'a, T>> + Send {
        inputs.scan(Some(self), move |rest, inputs| {
            let first;
            (first, *rest) = match rest.take()? {
                Self::Gradient { parameters, gradients } => {
                    let parameters = split_views(plan, parameters, inputs);
                    let gradients = split_views_mut(plan, gradients, inputs);
                    let rest = Self::Gradient { parameters: parameters.1, gradients: gradients.1 };
                    (Self::Gradient { parameters: parameters.0, gradients: gradients.0 }, Some(rest))
                }
                Self::Step(step) => {
                    let (first, rest) = step.split(plan, inputs);
                    (Self::Step(first), Some(Self::Step(rest)))
                }
            };
            Some(first)
        })
    }
}

/// The views of so many inputs, and of those after them.
fn split_views<'a, T: Float>(
    plan: &Plan<T>,
    views: LayerViews<'a, T>,
    inputs: usize,
) -> (LayerViews<'a, T>, LayerViews<'a, T>) {
    let edges = inputs * plan.outputs;
    let (control_points, points) = views.control_points.split_at(edges * plan.bases);
    let (base_weight, bases) = views.base_weight.split_at(edges);
    let (spline_weight, splines) = views.spline_weight.split_at(edges);
    let rest = LayerViews { control_points: points, base_weight: bases, spline_weight: splines, constants: &[] };
    (LayerViews { control_points, base_weight, spline_weight, constants: &[] }, rest)
}

/// As [`split_views`].
pub(crate) fn split_views_mut<'a, T: Float>(
    plan: &Plan<T>,
    views: LayerViewsMut<'a, T>,
    inputs: usize,
) -> (LayerViewsMut<'a, T>, LayerViewsMut<'a, T>) {
    let edges = inputs * plan.outputs;
    let (control_points, points) = views.control_points.split_at_mut(edges * plan.bases);
    let (base_weight, bases) = views.base_weight.split_at_mut(edges);
    let (spline_weight, splines) = views.spline_weight.split_at_mut(edges);
    let rest =
        LayerViewsMut { control_points: points, base_weight: bases, spline_weight: splines, constants: &mut [] };
    (LayerViewsMut { control_points, base_weight, spline_weight, constants: &mut [] }, rest)
}
