//! Where a task has the packed coefficients of its inputs from, and where their gradients go. What a task alone works on is
//! packed and split bundle by bundle, so that it is in the nearest cache when it is used; and what comes from memory is
//! asked for one bundle ahead.

use crate::buffer::Buffer;
use crate::fetch::fetch;
use crate::float::Float;
use crate::moves::Move;
use crate::pack::{Bundle, Magnitude, bundles, pack_bundle, unpack_bundle};
use crate::plan::Plan;
use fearless_simd::prelude::*;
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;

/// The bundles of a task's inputs in the order in which kernels want them.
pub(crate) fn in_order<T: Float>(plan: &Plan<T>, inputs: usize) -> impl Iterator<Item = Bundle> {
    let groups = (0..inputs).step_by(plan.group).map(move |first| first..inputs.min(first + plan.group));
    groups.flat_map(|group| bundles(plan, group))
}

/// Packed coefficients of a task's inputs.
pub(crate) enum Coefficients<'a, T> {
    Packed(&'a [T]),
    /// To be packed when a bundle is needed for the first time: into room for all of them, or for one if nobody
    /// needs them afterwards. The views are of the task's inputs.
    Fresh {
        parameters: LayerViews<'a, T>,
        room: &'a mut [T],
        kept: bool,
    },
}

/// Where a bundle begins among the packed coefficients of a task's inputs, and among those of its group.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Start {
    pub(crate) of_task: usize,
    pub(crate) of_group: usize,
}

impl<T: Float> Coefficients<'_, T> {
    /// Makes a bundle ready that is needed for the first time; it begins at `start`.
    #[inline(always)]
    pub(crate) fn prepare<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        (bundle, start): (&Bundle, usize),
        magnitude: &mut Magnitude,
    ) {
        if let Self::Fresh { parameters, room, kept } = self {
            let packed = &mut room[if *kept { start } else { 0 }..][..bundle.packed(plan)];
            let sum = pack_bundle(simd, plan, bundle, *parameters, (packed, !*kept));
            if !*kept {
                magnitude.observe(sum);
            }
        }
    }

    /// Packed coefficients of a slot of the bundle at `start`, each slot having so many.
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
    /// Packed coefficients of a bundle; when they have been used, whatever is made of its gradients.
    coefficients: Buffer<T>,
    /// Gradients of a group of inputs.
    gradients: Buffer<T>,
}

impl<T: Float> Rooms<T> {
    /// Makes room for the groups of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>) {
        self.coefficients.resize(plan.group * plan.widest_bundle());
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
    /// Makes a bundle ready that is needed for the first time.
    #[inline(always)]
    pub(crate) fn prepare<S: Simd>(&mut self, simd: S, plan: &Plan<T>, bundle: &Bundle) {
        if let Self::Own { packed: None, rooms, goal } = self {
            let packed = &mut rooms.coefficients[..bundle.packed(plan)];
            pack_bundle(simd, plan, bundle, goal.parameters(), (packed, false));
        }
    }

    /// Packed coefficients of a slot of a bundle, each slot having so many, and where their gradients belong.
    #[inline(always)]
    pub(crate) fn rows(&mut self, start: Start, (slot, each): (usize, usize)) -> (&[T], &mut [T]) {
        let Start { of_task, of_group } = start;
        let (packed, gradients) = match self {
            Self::Shared { packed, gradients } => (&packed[of_task..], &mut gradients[of_task..]),
            Self::Own { packed, rooms, .. } => {
                let Rooms { coefficients, gradients } = &mut **rooms;
                (packed.map_or(&**coefficients, |packed| &packed[of_task..]), &mut gradients[of_group..])
            }
        };
        (&packed[slot * each..][..each], &mut gradients[slot * each..][..each])
    }

    /// Ends a bundle.
    #[inline(always)]
    pub(crate) fn finish<S: Simd>(&mut self, simd: S, plan: &Plan<T>, bundle: &Bundle, start: Start) {
        let Self::Own { rooms, goal, .. } = self else { return };
        let packed = &rooms.gradients[start.of_group..][..bundle.packed(plan)];
        match goal {
            Goal::Gradient { parameters, gradients } => {
                unpack_bundle(simd, plan, bundle, packed, *parameters, (gradients, 0));
            }
            Goal::Step(step) => step.make(simd, plan, bundle, packed, &mut rooms.coefficients),
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

    /// The goal of so many inputs, and of those after them.
    pub(crate) fn split(self, plan: &Plan<T>, inputs: usize) -> (Self, Self) {
        match self {
            Self::Gradient { parameters, gradients } => {
                let parameters = parameters.split_at(inputs * plan.outputs, plan.bases);
                let gradients = gradients.split_at(inputs * plan.outputs, plan.bases);
                let rest = Self::Gradient { parameters: parameters.1, gradients: gradients.1 };
                (Self::Gradient { parameters: parameters.0, gradients: gradients.0 }, rest)
            }
            Self::Step(step) => {
                let (first, rest) = step.split(plan, inputs);
                (Self::Step(first), Self::Step(rest))
            }
        }
    }
}
