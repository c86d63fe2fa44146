//! Networks whose layers all have few outputs: a block of samples goes forward and back through all of them before the
//! next, so that bases are made once and everything stays in the innermost caches. Lanes are samples.

use crate::buffer::Buffer;
use crate::float::Float;
use crate::layer::Team;
use crate::partition::equal_tasks;
use crate::plan::{Form, Plan};
use crate::simd::{by_degree, dispatch, lane_sums, lanes};
use crate::strips::{SAMPLES, Space, backward_layer, forward_layer};
use fearless_simd::prelude::*;
use kanode_engine::{Batch, EngineError, PartialLoss};

/// Most numbers of work space for a block: in f32 a quarter of a second-level cache.
const MOST_NUMBERS: usize = 1 << 16;

/// Work space of one task.
#[derive(Debug, Default)]
pub(crate) struct Small<T> {
    layers: Vec<Space<T>>,
    /// The outputs, `[output]` in strips.
    y: Buffer<T>,
    /// The outputs and the derivatives by them, `[row, output]`.
    outputs: Buffer<T>,
    slopes: Buffer<T>,
}

/// The layers, with their packed coefficients.
#[derive(Clone, Copy)]
pub(crate) struct Layers<'a, T> {
    pub(crate) plans: &'a [Plan<T>],
    pub(crate) packed: &'a [Buffer<T>],
}

/// Whether a network goes this way.
pub(crate) fn is_small<T: Float>(plans: &[Plan<T>]) -> bool {
    let numbers: usize = plans.iter().map(|plan| plan.inputs * (2 * plan.rows() + 2) * SAMPLES).sum();
    let alike = plans.iter().all(|plan| plan.form == Form::Samples && plan.products.is_empty());
    alike && numbers <= MOST_NUMBERS
}

impl<T: Float> Team<T> {
    /// Outputs `y: [row, output]` of rows `x: [row, input]`.
    pub(crate) fn predict_small(&self, layers: Layers<'_, T>, x: &[T], y: &mut [T]) {
        let (inputs, outputs) = layers.ends();
        let rows = self.rows_of_small_task(layers, x.len() / inputs);
        let tasks = x.chunks(rows * inputs).zip(y.chunks_mut(rows * outputs));
        self.pool.run(tasks, |worker, (x, y)| {
            let small = &mut self.scratch(worker).small;
            dispatch!(self.level, simd => small.predict(simd, layers, x, y));
        });
    }

    /// The loss of a batch. `gradients` receives those of all packed coefficients, `[layer]` one after the other, and
    /// needs more room for as many tasks; `losses` is work space.
    pub(crate) fn gradient_small(
        &self,
        layers: Layers<'_, T>,
        loss: &PartialLoss,
        batch: &Batch<'_, T>,
        gradients: &mut Buffer<T>,
        losses: &mut Vec<Result<f64, EngineError>>,
    ) -> Result<f64, EngineError> {
        let rows = self.rows_of_small_task(layers, batch.rows);
        let tasks = batch.rows.div_ceil(rows);
        let length: usize = layers.plans.iter().map(|plan| plan.packed(plan.inputs)).sum();
        gradients.resize(tasks * length);
        losses.clear();
        losses.resize(batch.rows.div_ceil(SAMPLES), Ok(0.0));
        let starts = (0..batch.rows).step_by(rows);
        let results = gradients.chunks_exact_mut(length).zip(losses.chunks_mut(rows / SAMPLES));
        self.pool.run(starts.zip(results), |worker, (start, (gradient, losses))| {
            let small = &mut self.scratch(worker).small;
            let part = loss.part(batch, start..batch.rows.min(start + rows));
            let (part, loss) = ((&part, start), (loss.clone(), losses));
            dispatch!(self.level, simd => small.gradient(simd, layers, loss, part, gradient));
        });
        let (gradient, others) = gradients.split_at_mut(length);
        for other in others.chunks_exact(length) {
            for (sum, other) in gradient.iter_mut().zip(other) {
                *sum += *other;
            }
        }
        losses.drain(..).sum()
    }

    /// Rows of a task, whole blocks; from shapes alone. Makes room for the tasks.
    fn rows_of_small_task(&self, layers: Layers<'_, T>, rows: usize) -> usize {
        let work = layers.plans.iter().map(|plan| plan.inputs * plan.work().each).sum::<usize>();
        let tasks = equal_tasks(rows, work);
        self.each_scratch(tasks > 1, |scratch| scratch.small.fit(layers.plans));
        rows.div_ceil(tasks).next_multiple_of(SAMPLES).max(SAMPLES)
    }
}

impl<T> Layers<'_, T> {
    /// Inputs and outputs of the network.
    fn ends(self) -> (usize, usize) {
        (self.plans[0].inputs, self.plans[self.plans.len() - 1].outputs)
    }
}

impl<T: Float> Small<T> {
    /// Makes room for a block.
    pub(crate) fn fit(&mut self, plans: &[Plan<T>]) {
        self.layers.resize_with(plans.len(), Space::default);
        for (space, plan) in self.layers.iter_mut().zip(plans) {
            space.fit(plan);
        }
        let outputs = plans.last().map_or(0, |plan| plan.outputs);
        for buffer in [&mut self.y, &mut self.outputs, &mut self.slopes] {
            buffer.resize(outputs * SAMPLES);
        }
    }

    /// Outputs `y: [row, output]` of rows `x: [row, input]`.
    #[inline(always)]
    pub(crate) fn predict<S: Simd>(&mut self, simd: S, layers: Layers<'_, T>, x: &[T], y: &mut [T]) {
        let outputs = self.y.len() / SAMPLES;
        let x = x.chunks(layers.plans[0].inputs * SAMPLES);
        for (x, y) in x.zip(y.chunks_mut(outputs * SAMPLES)) {
            self.forward(simd, layers, x, false);
            to_rows(&self.y, y);
        }
    }

    /// What `part`, the rows of a batch from `first` on, contributes to the loss, `[block]`, and to the gradients of
    /// packed coefficients, `[layer]` one after the other.
    #[inline(always)]
    pub(crate) fn gradient<S: Simd>(
        &mut self,
        simd: S,
        layers: Layers<'_, T>,
        (mut loss, losses): (PartialLoss, &mut [Result<f64, EngineError>]),
        (part, first): (&Batch<'_, T>, usize),
        mut gradient: &mut [T],
    ) {
        for space in &mut self.layers {
            space.gradient.fill(T::ZERO);
        }
        let outputs = self.y.len() / SAMPLES;
        for (start, value) in (0..part.rows).step_by(SAMPLES).zip(losses) {
            let block = loss.part(part, start..part.rows.min(start + SAMPLES));
            let length = block.rows * outputs;
            self.forward(simd, layers, block.x, true);
            to_rows(&self.y, &mut self.outputs[..length]);
            let slopes = &mut self.slopes[..length];
            *value = loss.evaluate(0.0, &self.outputs[..length], (&block, first + start), slopes);
            if let Some(last) = self.layers.last_mut() {
                to_strips(slopes, outputs, &mut last.dy);
            }
            self.backward(simd, layers);
        }
        for (space, plan) in self.layers.iter().zip(layers.plans) {
            let (of_layer, rest) = gradient.split_at_mut(plan.packed(plan.inputs));
            let lanes = lanes::<S, T>();
            for (gradient, sums) in of_layer.chunks_mut(lanes).zip(space.gradient.chunks_exact(lanes * lanes))
            {
                gradient.copy_from_slice(&lane_sums(simd, sums).as_slice()[..gradient.len()]);
            }
            gradient = rest;
        }
    }

    #[inline(always)]
    fn forward<S: Simd>(&mut self, simd: S, layers: Layers<'_, T>, x: &[T], goes_back: bool) {
        to_strips(x, layers.plans[0].inputs, &mut self.layers[0].x);
        for (index, (plan, packed)) in layers.plans.iter().zip(layers.packed).enumerate() {
            let (before, after) = self.layers.split_at_mut(index + 1);
            let y = after.first_mut().map_or(&mut self.y, |next| &mut next.x);
            let space = &mut before[index];
            let wants_slopes = goes_back && index > 0;
            by_degree!(simd, plan.degree, K =>
                forward_layer::<S, T, K>(simd, plan, packed, space, wants_slopes, y));
        }
    }

    /// Adds the gradients of a block, from the derivatives by the outputs on.
    #[inline(always)]
    fn backward<S: Simd>(&mut self, simd: S, layers: Layers<'_, T>) {
        for (index, (plan, packed)) in layers.plans.iter().zip(layers.packed).enumerate().rev() {
            let (before, after) = self.layers.split_at_mut(index);
            let dx = before.last_mut().map(|before| &mut *before.dy);
            let space = &mut after[0];
            by_degree!(simd, plan.degree, K => backward_layer::<S, T, K>(simd, plan, packed, space, dx));
        }
    }
}

/// From `[row, node]` to strips; what is left of them is 0.
fn to_strips<T: Float>(rows: &[T], nodes: usize, strips: &mut [T]) {
    let count = rows.len() / nodes;
    for (node, strip) in strips.as_chunks_mut::<SAMPLES>().0.iter_mut().enumerate() {
        for (to, from) in strip.iter_mut().zip(rows[node..].iter().step_by(nodes)) {
            *to = *from;
        }
        strip[count..].fill(T::ZERO);
    }
}

/// The reverse of [`to_strips`].
fn to_rows<T: Float>(strips: &[T], rows: &mut [T]) {
    let (strips, _) = strips.as_chunks::<SAMPLES>();
    for (node, strip) in strips.iter().enumerate() {
        for (to, from) in rows[node..].iter_mut().step_by(strips.len()).zip(strip) {
            *to = *from;
        }
    }
}
