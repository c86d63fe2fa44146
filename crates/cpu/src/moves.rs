//! Steps of Adam within a layer's way back: gradients are used where they are made, and never stored.
//!
//! A step that is refused must leave all parameters as they were, and here the first have moved before the last gradients
//! are known. So a bound on all of them is made beforehand.

use crate::coefficients::fetch_views;
use crate::float::Float;
use crate::pack::{Bundle, by_bases, unpack_rows};
use crate::plan::Plan;
use fearless_simd::prelude::*;
use kanode_engine::{AdamRule, AdamSlabs, LayerViews, LayerViewsMut, sum_of_squares};
use std::ops::Range;

/// A step of some edges.
pub(crate) struct Move<'a, T> {
    pub(crate) rule: &'a AdamRule<T>,
    pub(crate) parameters: LayerViewsMut<'a, T>,
    pub(crate) first: LayerViewsMut<'a, T>,
    pub(crate) second: LayerViewsMut<'a, T>,
    /// Sums of squares of the gradients, at least one for each task.
    pub(crate) squares: &'a mut [f64],
}

impl<'a, T: Float> Move<'a, T> {
    pub(crate) fn parameters(&self) -> LayerViews<'_, T> {
        self.parameters.shared()
    }

    /// The step of so many inputs, which are one task's, and of those after them.
    pub(crate) fn split(self, plan: &Plan<T>, inputs: usize) -> (Self, Self) {
        let (rule, edges) = (self.rule, inputs * plan.outputs);
        let parameters = self.parameters.split_at(edges, plan.bases);
        let first = self.first.split_at(edges, plan.bases);
        let second = self.second.split_at(edges, plan.bases);
        let squares = self.squares.split_at_mut(1);
        let rest =
            Self { rule, parameters: parameters.1, first: first.1, second: second.1, squares: squares.1 };
        (Self { rule, parameters: parameters.0, first: first.0, second: second.0, squares: squares.0 }, rest)
    }

    /// The step of a bundle whose packed gradients are there.
    #[inline(always)]
    pub(crate) fn make<S: Simd>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        bundle: &Bundle,
        packed: &[T],
        room: &mut [T],
    ) {
        simd.vectorize(
            #[inline(always)]
            || {
                let mut sum = 0.0;
                for (input, rows) in bundle.inputs.clone().zip(packed.chunks_exact(bundle.each(plan))) {
                    let (edges, rows) = (bundle.edges(plan, input), (rows, bundle.width()));
                    by_bases!(plan, USUAL => sum += self.make_rows::<S, USUAL>(simd, plan, edges, rows, room));
                }
                self.squares[0] += sum;
            },
        );
    }

    /// The step of the edges of an input and a tile. Returns the sum of squares of their gradients.
    #[inline(always)]
    fn make_rows<S: Simd, const USUAL: bool>(
        &mut self,
        simd: S,
        plan: &Plan<T>,
        edges: Range<usize>,
        rows: (&[T], usize),
        room: &mut [T],
    ) -> f64 {
        let (control_points, weights) = room.split_at_mut(edges.len() * plan.bases);
        let (base_weight, spline_weight) = weights[..2 * edges.len()].split_at_mut(edges.len());
        let to = LayerViewsMut {
            control_points: &mut *control_points,
            base_weight: &mut *base_weight,
            spline_weight: &mut *spline_weight,
            constants: &mut [],
        };
        unpack_rows::<S, T, USUAL>(simd, plan, edges.clone(), rows, self.parameters.shared(), to);
        let parameters = self.parameters.of_edges(edges.clone(), plan.bases);
        let first = self.first.of_edges(edges.clone(), plan.bases);
        let second = self.second.of_edges(edges, plan.bases);
        let slabs = [
            AdamSlabs {
                parameters: parameters.control_points,
                gradient: control_points,
                first: first.control_points,
                second: second.control_points,
            },
            AdamSlabs {
                parameters: parameters.base_weight,
                gradient: base_weight,
                first: first.base_weight,
                second: second.base_weight,
            },
            AdamSlabs {
                parameters: parameters.spline_weight,
                gradient: spline_weight,
                first: first.spline_weight,
                second: second.spline_weight,
            },
        ];
        let mut sum = 0.0;
        for slabs in slabs {
            sum += sum_of_squares(slabs.gradient);
            self.rule.apply(slabs);
        }
        sum
    }

    /// Asks for the moments of some edges.
    #[inline(always)]
    pub(crate) fn fetch(&self, plan: &Plan<T>, edges: Range<usize>) {
        fetch_views(plan, self.first.shared(), edges.clone());
        fetch_views(plan, self.second.shared(), edges);
    }
}
