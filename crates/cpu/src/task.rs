//! One task of a layer's work: its arguments, and the call of the right kernel with the right instruction set.

use crate::coefficients::{Coefficients, Edges};
use crate::float::Float;
use crate::partition::Partition;
use crate::plan::{Form, Plan};
use crate::scratch::Scratch;
use crate::simd::dispatch;
use crate::sort::Order;
use crate::{samples, tiled};
use fearless_simd::{Level, Simd};
use std::ops::Range;

/// Outputs of some blocks, as far as they come from some inputs.
pub(crate) struct Forward<'a, T> {
    pub(crate) plan: &'a Plan<T>,
    /// Those of `inputs`.
    pub(crate) coefficients: Coefficients<'a, T>,
    /// Inputs of the layer, sorted where lanes are outputs.
    pub(crate) x: &'a [T],
    /// Layout of `x`.
    pub(crate) layout: Partition,
    /// How `x` is sorted.
    pub(crate) order: &'a Order,
    /// The block of `order` that is block 0 of `x`.
    pub(crate) first_block: usize,
    pub(crate) blocks: Range<usize>,
    pub(crate) inputs: Range<usize>,
    /// `[block][output][row]`, overwritten.
    pub(crate) y: &'a mut [T],
}

/// Gradients of some inputs, as far as they come from some blocks.
pub(crate) struct Backward<'a, T> {
    pub(crate) plan: &'a Plan<T>,
    /// Those of `inputs`.
    pub(crate) edges: Edges<'a, T>,
    /// Inputs of the layer, sorted where lanes are outputs.
    pub(crate) x: &'a [T],
    /// Layout of `x`.
    pub(crate) layout: Partition,
    /// How `x` is sorted.
    pub(crate) order: &'a Order,
    pub(crate) blocks: Range<usize>,
    pub(crate) inputs: Range<usize>,
    /// Derivatives by the outputs of all blocks, as [`pack`] makes them.
    pub(crate) dy: &'a [T],
    /// `[block][input][row]`, overwritten; None if nobody needs it.
    pub(crate) dx: Option<&'a mut [T]>,
}

impl<T: Float> Forward<'_, T> {
    /// With a scratch that has room for the plan's blocks.
    pub(crate) fn run(self, level: Level, scratch: &mut Scratch<T>) {
        dispatch!(level, simd => self.call(simd, scratch));
    }

    #[inline(always)]
    fn call<S: Simd>(self, simd: S, scratch: &mut Scratch<T>) {
        match self.plan.form {
            Form::Outputs { .. } => tiled::forward(simd, self, scratch),
            Form::Samples => samples::forward(simd, self, scratch),
        }
    }
}

impl<T: Float> Backward<'_, T> {
    /// With a scratch that has room for the plan's blocks.
    pub(crate) fn run(self, level: Level, scratch: &mut Scratch<T>) {
        dispatch!(level, simd => self.call(simd, scratch));
    }

    #[inline(always)]
    fn call<S: Simd>(self, simd: S, scratch: &mut Scratch<T>) {
        match self.plan.form {
            Form::Outputs { .. } => tiled::backward(simd, self, scratch),
            Form::Samples => samples::backward(simd, self, scratch),
        }
    }
}

/// Brings a block of derivatives by outputs into the form that [`Backward::dy`] has, `padded outputs × block` numbers
/// for each block. `from` is laid out as `layout`.
pub(crate) fn pack<T: Float>(
    level: Level,
    plan: &Plan<T>,
    (from, layout): (&[T], Partition),
    block: usize,
    to: &mut [T],
) {
    match plan.form {
        Form::Outputs { .. } => dispatch!(level, simd => tiled::pack(simd, plan, (from, layout), block, to)),
        Form::Samples => samples::pack(plan, (from, layout), block, to),
    }
}
