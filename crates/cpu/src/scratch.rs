//! Work space of one worker, grown at the beginning of a call and kept.

use crate::buffer::Buffer;
use crate::coefficients::Rooms;
use crate::float::Float;
use crate::pack::Magnitude;
use crate::plan::{Form, Plan};
use crate::simd::MOST_LANES;
use crate::small::Small;
use crate::sort::Sorter;
use crate::weights::Weights;

/// What a task needs beside its arguments; contents carry nothing from one task to the next, but for `magnitude`.
#[derive(Debug, Default)]
pub(crate) struct Scratch<T> {
    pub(crate) sorter: Sorter<T>,
    pub(crate) weights: Weights<T>,
    /// Outputs of a block, `[tile][row][lane]`.
    pub(crate) tiles: Buffer<T>,
    /// `[slot][place][lane]`, partial derivatives by `x`.
    pub(crate) parts: Buffer<T>,
    /// One number for each sample of a block.
    pub(crate) sums: Buffer<T>,
    /// Samples of one input, filled up to whole vectors.
    pub(crate) x: Buffer<T>,
    /// `[row][sample]`: the basis functions of one input and the base function.
    pub(crate) bases: Buffer<T>,
    /// One number for each sample of a block: the derivative of the base function.
    pub(crate) base_slopes: Buffer<T>,
    /// `[row][lane]`: for a vector of samples, the derivatives by the basis functions.
    pub(crate) rows: Buffer<T>,
    pub(crate) small: Small<T>,
    /// Of what this worker packed that is not kept.
    pub(crate) magnitude: Magnitude,
    /// Of the edges that leave a group of inputs.
    pub(crate) group: Rooms<T>,
    /// `[slot][output][row][lane]`: gradients before their lanes are added.
    pub(crate) gradients: Buffer<T>,
}

impl<T: Float> Scratch<T> {
    /// Makes room for the blocks of a plan.
    pub(crate) fn fit(&mut self, plan: &Plan<T>, block: usize) {
        self.sums.resize(block);
        self.group.fit(plan);
        match plan.form {
            Form::Outputs { .. } => {
                self.sorter.fit(plan, block);
                self.weights.fit(plan, block);
                self.tiles.resize(plan.padded_outputs() * block);
                self.parts.resize(plan.group * block * MOST_LANES);
            }
            Form::Samples => {
                self.x.resize(block);
                self.bases.resize(plan.rows() * block);
                self.base_slopes.resize(block);
                self.rows.resize(plan.rows() * MOST_LANES);
                self.gradients.resize((plan.packed(plan.group) + MOST_LANES) * MOST_LANES);
            }
        }
    }
}
