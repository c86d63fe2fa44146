//! Where a task has the packed coefficients of its inputs from, and where their gradients go. What a task alone works on is
//! packed and split block by block, so that it is in the nearest cache when it is used; and what comes from memory is
//! asked for some blocks ahead.

use crate::buffer::Buffer;
use crate::descent::Move;
use crate::fetch::fetch;
use crate::float::Float;
use crate::pack::{Block, Magnitude, blocks, pack_block, unpack_block};
use crate::plan::Plan;
use fearless_simd::prelude::*;
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;

/// The blocks of a task's inputs in the order in which kernels want them.
pub(crate) fn in_order<T: Float>(plan: &Plan<T>, inputs: usize) -> impl Iterator<Item = Block> {
    let groups = (0..inputs).step_by(plan.group).map(move |first| first..inputs.min(first + plan.group));
    groups.flat_map(|group| blocks(plan, group))
}

/// Packed coefficients of a task's inputs.
pub(crate) enum Coefficients<'a, T> {
    Packed(&'a [T]),
    /// To be packed when a block is needed for the first time: into room for all of them, or for one block if nobody
    /// needs them afterwards. The views are of the task's inputs.
    Fresh {
        parameters: LayerViews<'a, T>,
        room: &'a mut [T],
        kept: bool,
    },
}

/// Where a block lies among the packed coefficients of a task's inputs, and among those of its group.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) within_group: usize,
}

impl<T: Float> Coefficients<'_, T> {
    /// Makes a block ready that is needed for the first time; it begins at `start`.
    #[inline(always)]
    pub(crate) fn prepare<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        (block, start): (&Block, usize),
        magnitude: &mut Magnitude,
    ) {
        if let Self::Fresh { parameters, room, kept } = self {
            let packed = &mut room[if *kept { start } else { 0 }..][..block.packed(plan)];
            let sum = pack_block(simd, plan, block, *parameters, (packed, !*kept));
            if !*kept {
                magnitude.observe(sum);
            }
        }
    }

    /// Packed coefficients of a slot of the block at `start`, each slot having so many.
    #[inline(always)]
    pub(crate) fn rows(&self, start: usize, (slot, each): (usize, usize)) -> &[T] {
        let packed = match self {
            Self::Packed(packed) => &packed[start..],
            Self::Fresh { room, kept, .. } => &room[if *kept { start } else { 0 }..],
        };
        &packed[slot * each..][..each]
    }

    /// Whether there is something to be fetched.
    #[inline(always)]
    pub(crate) fn is_far(&self) -> bool {
        matches!(self, Self::Fresh { kept: false, .. })
    }

    /// Asks for what some edges are packed from.
    #[inline(always)]
    pub(crate) fn fetch(&self, plan: &Plan<T>, edges: Range<usize>) {
        if let Self::Fresh { parameters, .. } = self {
            fetch_views(plan, *parameters, edges);
        }
    }
}

/// Asks for the parameters of some edges.
#[inline(always)]
pub(crate) fn fetch_views<T>(plan: &Plan<T>, views: LayerViews<'_, T>, edges: Range<usize>) {
    fetch(&views.control_points[edges.start * plan.bases..edges.end * plan.bases]);
    fetch(&views.base_weight[edges.clone()]);
    fetch(&views.spline_weight[edges]);
}

/// What a task has of the edges that leave its inputs, on the way back.
#[expect(clippy::large_enum_variant, reason = "one for each task, on its stack")]
pub(crate) enum Edges<'a, T> {
    /// Packed coefficients, and gradients of these, overwritten: other tasks have some, too.
    Shared { packed: &'a [T], gradients: &'a mut [T] },
    /// No other task has them. They are packed where nobody has kept that.
    Own { packed: Option<&'a [T]>, rooms: &'a mut Rooms<T>, goal: Goal<'a, T> },
}

/// Room for what is made of edges on the way.
#[derive(Debug, Default)]
pub(crate) struct Rooms<T> {
    /// Packed coefficients of a block; when they have been used, whatever is made of its gradients.
    coefficients: Buffer<T>,
    /// Gradients of a group of inputs.
    gradients: Buffer<T>,
}

impl<T: Float> Rooms<T> {
    /// Makes room for the groups of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>) {
        self.coefficients.resize(plan.group * plan.widest_block());
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
    /// Makes a block ready that is needed for the first time.
    #[inline(always)]
    pub(crate) fn prepare<S: Simd>(&mut self, simd: S, plan: &Plan<T>, block: &Block) {
        if let Self::Own { packed: None, rooms, goal } = self {
            let packed = &mut rooms.coefficients[..block.packed(plan)];
            pack_block(simd, plan, block, goal.parameters(), (packed, false));
        }
    }

    /// Packed coefficients of a slot of a block, each slot having so many, and where their gradients belong.
    #[inline(always)]
    pub(crate) fn rows(&mut self, place: Place, (slot, each): (usize, usize)) -> (&[T], &mut [T]) {
        let Place { start, within_group } = place;
        let (packed, gradients) = match self {
            Self::Shared { packed, gradients } => (&packed[start..], &mut gradients[start..]),
            Self::Own { packed, rooms, .. } => {
                let Rooms { coefficients, gradients } = &mut **rooms;
                (packed.map_or(&**coefficients, |packed| &packed[start..]), &mut gradients[within_group..])
            }
        };
        (&packed[slot * each..][..each], &mut gradients[slot * each..][..each])
    }

    /// Ends a block.
    #[inline(always)]
    pub(crate) fn finish<S: Simd>(&mut self, simd: S, plan: &Plan<T>, block: &Block, within_group: usize) {
        let Self::Own { rooms, goal, .. } = self else { return };
        let packed = &rooms.gradients[within_group..][..block.packed(plan)];
        match goal {
            Goal::Gradient { parameters, gradients } => {
                unpack_block(simd, plan, block, packed, *parameters, (gradients, 0));
            }
            Goal::Step(step) => step.make(simd, plan, block, packed, &mut rooms.coefficients),
        }
    }

    /// Whether there is something to be fetched.
    #[inline(always)]
    pub(crate) fn is_far(&self) -> bool {
        matches!(self, Self::Own { packed: None, .. })
    }

    /// Asks for what the goal of some edges takes.
    #[inline(always)]
    pub(crate) fn fetch(&self, plan: &Plan<T>, edges: Range<usize>) {
        if let Self::Own { goal, .. } = self {
            fetch_views(plan, goal.parameters(), edges.clone());
            if let Goal::Step(step) = goal {
                step.fetch(plan, edges);
            }
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
pub(crate) fn split_views<'a, T: Float>(
    plan: &Plan<T>,
    views: LayerViews<'a, T>,
    inputs: usize,
) -> (LayerViews<'a, T>, LayerViews<'a, T>) {
    let edges = inputs * plan.outputs;
    let (control_points, points) = views.control_points.split_at(edges * plan.bases);
    let (base_weight, bases) = views.base_weight.split_at(edges);
    let (spline_weight, splines) = views.spline_weight.split_at(edges);
    let rest =
        LayerViews { control_points: points, base_weight: bases, spline_weight: splines, constants: &[] };
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
    let rest = LayerViewsMut {
        control_points: points,
        base_weight: bases,
        spline_weight: splines,
        constants: &mut [],
    };
    (LayerViewsMut { control_points, base_weight, spline_weight, constants: &mut [] }, rest)
}
