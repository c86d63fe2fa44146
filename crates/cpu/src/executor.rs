//! Runs a whole network: forward through the layers, the loss, and back.
//!
//! Stored for each row are the inputs of every layer, sorted within their block, their order, the sums of layers with
//! product nodes, and nothing wider; bases are made again on the way back. Predictions keep only one pass of rows.

mod descent;
mod spans;

use crate::buffer::Buffer;
use crate::coefficients::Goal;
use crate::float::Float;
use crate::layer::Team;
use crate::partition::{Partition, Rows, STRIP};
use crate::plan::{Form, Plan, block_length};
use crate::pool::Pool;
use crate::small::{Layers, is_small};
use crate::sort::Order;
use fearless_simd::Level;
use kanode_engine::{
    AdamRule, AdamSlabs, Batch, Descent, EngineError, Executor, LayerStatistics, Loss, Program, Survey,
};
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

/// Multiply-adds that are worth a call within the pool.
const MUCH: usize = 1 << 22;

/// A program made ready for one number type on this machine.
#[derive(Debug)]
pub(crate) struct CpuExecutor<T> {
    program: Arc<Program>,
    /// Where each layer's parameters lie in the slab.
    ranges: Vec<Range<usize>>,
    team: Team<T>,
    plans: Vec<Plan<T>>,
    /// Whether blocks go through all layers before the next do.
    small: bool,
    /// Rows of a full block, the same in all layers.
    block: usize,
    /// Packed coefficients of each layer.
    packed: Vec<Buffer<T>>,
    /// Inputs of each layer, and last the outputs: `[block][node][row]`.
    activations: Vec<Buffer<T>>,
    /// How the inputs of each layer are sorted.
    orders: Vec<Order>,
    /// Sums of each layer that has product nodes, `[block][sum][row]`; empty for the others.
    sums: Vec<Buffer<T>>,
    /// `[row, output]`, and the derivatives by them.
    outputs: Vec<T>,
    output_slopes: Vec<T>,
    /// Gradient of a span of rows that is not the first.
    span_gradient: Vec<T>,
    /// Derivatives by the nodes that a layer leads to, then by its sums, and by its inputs.
    dy: Buffer<T>,
    dx: Buffer<T>,
    /// `dy` as the kernels take it.
    packed_dy: Buffer<T>,
    gradients: Buffer<T>,
    partial: Buffer<T>,
    /// Of the pieces of a slab.
    surveys: Vec<Survey>,
    /// Sums of squares of gradients, of the tasks of a layer, which are no more than its inputs.
    squares: Vec<f64>,
    /// Of the tasks of a small network.
    losses: Vec<Result<f64, EngineError>>,
    /// Numbers that the machine has shown to have room for.
    granted: usize,
}

impl<T: Float> CpuExecutor<T> {
    pub(crate) fn new(program: &Arc<Program>, level: Level, pool: Arc<Pool>) -> Result<Self, EngineError> {
        if program.has_functions() {
            let reason = "its kernels know splines alone, and the program has functions on edges".to_owned();
            return Err(EngineError::Unsupported { backend: "cpu", reason });
        }
        let block = program.layers().iter().map(block_length).max().unwrap_or(1);
        let mut converted = HashMap::new();
        let plans = program.layers().iter().enumerate().map(|(index, layer)| {
            Plan::new(layer, level, block, &mut converted).ok_or_else(|| EngineError::Unsupported {
                backend: "cpu",
                reason: format!("layer {index}: its knots are beyond the range of the number type"),
            })
        });
        let plans = plans.collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            program: Arc::clone(program),
            ranges: program.ranges(),
            team: Team::new(level, pool),
            packed: plans.iter().map(|plan| Buffer::new(plan.packed(plan.inputs))).collect(),
            activations: (0..=plans.len()).map(|_| Buffer::default()).collect(),
            orders: plans.iter().map(|_| Order::default()).collect(),
            sums: plans.iter().map(|_| Buffer::default()).collect(),
            small: is_small(&plans),
            plans,
            block,
            outputs: Vec::new(),
            output_slopes: Vec::new(),
            span_gradient: Vec::new(),
            dy: Buffer::default(),
            dx: Buffer::default(),
            packed_dy: Buffer::default(),
            gradients: Buffer::default(),
            partial: Buffer::default(),
            surveys: Vec::new(),
            squares: Vec::new(),
            losses: Vec::new(),
            granted: 0,
        })
    }

    /// Asks for the memory of a call before any buffer grows: a batch that does not fit is an error, where a failed
    /// allocation would end the process. The activations of all rows are kept if `keep`.
    fn probe(&mut self, rows: Rows, keep: bool) -> Result<(), EngineError> {
        let blocks = if keep { rows.blocks() } else { most_blocks(rows) };
        let held = blocks.saturating_mul(rows.block);
        let nodes: usize = (0..=self.plans.len()).map(|index| self.nodes(index)).sum();
        let sums: usize = self.plans.iter().map(kept_sums).sum();
        let widest = self.plans.iter().map(|plan| plan.padded_outputs()).max().unwrap_or(0);
        let copies =
            |plan: &Plan<T>| Partition::backward(rows, &plan.work()).groups() * plan.packed(plan.inputs);
        let gradients = self.plans.iter().map(copies).max().unwrap_or(0);
        let back = if keep { held.saturating_mul(3 * widest).saturating_add(gradients) } else { 0 };
        let outputs = rows.count.saturating_mul(2 * self.program.outputs());
        let numbers = held.saturating_mul(nodes + sums).saturating_add(back).saturating_add(outputs);
        if numbers > self.granted {
            let memory = EngineError::Memory { what: "work space", numbers };
            Vec::<T>::new().try_reserve_exact(numbers).map_err(|_| memory)?;
            self.granted = numbers;
        }
        Ok(())
    }

    /// Checks the arguments that every call has.
    fn begin(&mut self, parameters: &[T], x: &[T], keep: bool) -> Result<Rows, EngineError> {
        Program::check_length("parameters", self.program.parameter_count(), parameters.len())?;
        let count = x.len() / self.program.inputs();
        Program::check_length("x", count * self.program.inputs(), x.len())?;
        let rows = Rows::new(count, self.block);
        self.probe(rows, keep)?;
        Ok(rows)
    }

    /// Number of nodes before layer `index`, or of outputs.
    fn nodes(&self, index: usize) -> usize {
        self.plans.get(index).map_or(self.program.outputs(), |plan| plan.inputs)
    }

    /// Makes room for the activations of some blocks.
    fn fit(&mut self, rows: Rows, blocks: usize) {
        for index in 0..self.activations.len() {
            let length = blocks * self.nodes(index) * rows.block;
            self.activations[index].resize(length);
        }
        for (order, plan) in self.orders.iter_mut().zip(&self.plans) {
            order.fit(plan, blocks, rows.block);
        }
        for (sums, plan) in self.sums.iter_mut().zip(&self.plans) {
            sums.resize(blocks * kept_sums(plan) * rows.block);
        }
    }

    /// Takes the rows of a pass through all layers; their activations begin at block `first`. The first pass of a call, that
    /// has `all` rows, brings the parameters.
    fn pass(&mut self, (parameters, all): (Option<&[T]>, Rows), rows: Rows, x: &[T], first: usize) {
        let range = |nodes: usize| first * nodes * rows.block..(first + rows.blocks()) * nodes * rows.block;
        let inputs = self.program.inputs();
        self.team.to_panels(rows, inputs, x, &mut self.activations[0][range(inputs)]);
        let layers = self.program.layers().iter().zip(&self.ranges);
        let plans = self.plans.iter().zip(&mut self.packed);
        for (index, ((layer, layer_range), (plan, packed))) in layers.zip(plans).enumerate() {
            let views = parameters.map(|parameters| layer.views(&parameters[layer_range.clone()]));
            let packed = (&mut **packed, views, plan.keeps_packed(all));
            let (before, after) = self.activations.split_at_mut(index + 1);
            let x = &mut before[index][range(plan.inputs)];
            self.team.sort(plan, rows, x, (&mut self.orders[index], first));
            let (x, order) = (&*x, (&self.orders[index], first));
            let y = &mut after[0][range(plan.nodes())];
            if plan.products.is_empty() {
                self.team.forward(plan, packed, rows, x, order, y, &mut self.partial);
            } else {
                let sums = &mut self.sums[index][range(plan.outputs)];
                self.team.forward(plan, packed, rows, x, order, sums, &mut self.partial);
                self.team.multiply(plan, rows, sums, y);
            }
        }
    }

    /// Takes all rows `x` forward, pass by pass, and calls `visit` with the executor, the rows of each pass and its first
    /// row. Activations of earlier passes are kept if `keep`.
    fn forward(
        &mut self,
        (parameters, x): (&[T], &[T]),
        rows: Rows,
        keep: bool,
        mut visit: impl FnMut(&Self, Rows, usize, usize),
    ) {
        self.fit(rows, if keep { rows.blocks() } else { most_blocks(rows) });
        for (first, pass) in rows.passes() {
            let start = first * rows.block;
            let x = &x[start * self.program.inputs()..][..pass.count * self.program.inputs()];
            let first = if keep { first } else { 0 };
            self.pass(((start == 0).then_some(parameters), rows), pass, x, first);
            visit(self, pass, start, first);
        }
    }

    /// Outputs `y: [row, output]`.
    fn forward_to(&mut self, from: (&[T], &[T]), rows: Rows, keep: bool, y: &mut [T]) {
        let outputs = self.program.outputs();
        // In a block of a few rows most lanes would be empty.
        if self.small && !keep && rows.count > STRIP {
            self.pack(from.0);
            let layers = Layers { plans: &self.plans, packed: &self.packed };
            return self.team.predict_small(layers, from.1, y);
        }
        self.forward(from, rows, keep, |this, pass, start, first| {
            let from = &this.activations[this.plans.len()][first * outputs * pass.block..];
            let y = &mut y[start * outputs..][..pass.count * outputs];
            this.team.to_rows(from, Partition::by_rows(pass, outputs), y);
        });
    }

    /// The loss of a batch; all activations and the derivatives by the outputs are kept if `gradient`.
    fn evaluate(
        &mut self,
        loss: Loss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: bool,
    ) -> Result<(f64, Rows), EngineError> {
        Program::check_length("x", batch.rows * self.program.inputs(), batch.x.len())?;
        let rows = self.begin(parameters, batch.x, gradient)?;
        let outputs = self.program.outputs();
        let mut y = std::mem::take(&mut self.outputs);
        y.resize(rows.count * outputs, T::ZERO);
        self.forward_to((parameters, batch.x), rows, gradient, &mut y);
        self.outputs = y;
        self.output_slopes.resize(rows.count * outputs, T::ZERO);
        let slopes = gradient.then_some(self.output_slopes.as_mut_slice());
        Ok((loss.evaluate(&self.outputs, outputs, batch, slopes)?, rows))
    }

    /// Does what is much work for so many rows on a thread of the pool.
    fn do_within<R: Send>(&mut self, rows: usize, call: impl FnOnce(&mut Self) -> R + Send) -> R {
        let each: usize = self.plans.iter().map(|plan| plan.inputs * plan.work().each).sum();
        if rows.saturating_mul(each) < MUCH {
            return call(self);
        }
        let pool = Arc::clone(&self.team.pool);
        pool.within(|| call(self))
    }

    /// Goes back through the layers from `dy: [row, output]`.
    fn reverse(&mut self, parameters: &[T], rows: Rows, dy: &[T], gradient: &mut [T], dx: Option<&mut [T]>) {
        if rows.count == 0 {
            return gradient.fill(T::ZERO);
        }
        let mut layout = self.begin_reverse(rows, dy);
        for index in (0..self.plans.len()).rev() {
            self.take_slopes(index, layout);
            let goal = self.written(index, parameters, gradient);
            layout = self.reverse_layer(index, rows, goal, index > 0 || dx.is_some());
        }
        if let Some(dx) = dx {
            self.team.to_rows(&self.dy, layout, dx);
        }
    }

    /// Whether the last layer takes derivatives by outputs row by row.
    fn takes_rows(&self) -> bool {
        let last = &self.plans[self.plans.len() - 1];
        last.form != Form::Samples && last.products.is_empty()
    }

    /// Brings `dy: [row, output]` to where the last layer finds it. Returns its layout.
    fn begin_reverse(&mut self, rows: Rows, dy: &[T]) -> Partition {
        let outputs = self.program.outputs();
        let layout = Partition::by_rows(rows, outputs);
        if self.takes_rows() {
            let last = &self.plans[self.plans.len() - 1];
            self.team.pack_slopes_of_rows(last, rows, dy, &mut self.packed_dy);
        } else {
            self.dy.resize(layout.length());
            self.team.to_panels(rows, outputs, dy, &mut self.dy);
        }
        layout
    }

    /// Brings derivatives by the nodes that layer `index` leads to into the form that its kernels take.
    fn take_slopes(&mut self, index: usize, mut layout: Partition) {
        let plan = &self.plans[index];
        if !plan.products.is_empty() {
            let by_nodes = (&*self.dy, layout);
            layout = self.team.multiply_slopes(plan, &self.sums[index], by_nodes, &mut self.dx);
            std::mem::swap(&mut self.dx, &mut self.dy);
        }
        if index + 1 < self.plans.len() || !self.takes_rows() {
            self.team.pack_slopes(plan, &self.dy, layout, &mut self.packed_dy);
        }
    }

    /// The goal to write a layer's gradients.
    fn written<'a>(&self, index: usize, parameters: &'a [T], gradient: &'a mut [T]) -> Goal<'a, T> {
        let (layer, range) = (&self.program.layers()[index], self.ranges[index].clone());
        let parameters = layer.views(&parameters[range.clone()]);
        Goal::Gradient { parameters, gradients: layer.views_mut(&mut gradient[range]) }
    }

    /// Goes back through one layer; [`CpuExecutor::take_slopes`] comes before. Returns the layout of the derivatives by its
    /// inputs, if these are `wanted`.
    fn reverse_layer(&mut self, index: usize, rows: Rows, goal: Goal<'_, T>, wanted: bool) -> Partition {
        let plan = &self.plans[index];
        let layout = self.team.backward(
            plan,
            plan.keeps_packed(rows).then_some(&*self.packed[index]),
            rows,
            (&self.activations[index], &self.orders[index]),
            &self.packed_dy,
            goal,
            &mut self.gradients,
            wanted.then_some(&mut self.dx),
        );
        std::mem::swap(&mut self.dx, &mut self.dy);
        layout
    }
}

impl<T: Float> Executor<T> for CpuExecutor<T> {
    fn predict(&mut self, parameters: &[T], x: &[T], y: &mut [T]) -> Result<(), EngineError> {
        let rows = self.begin(parameters, x, false)?;
        Program::check_length("outputs", rows.count * self.program.outputs(), y.len())?;
        self.do_within(rows.count, |this| this.forward_to((parameters, x), rows, false, y));
        Ok(())
    }

    fn loss(&mut self, loss: Loss, parameters: &[T], batch: &Batch<'_, T>) -> Result<f64, EngineError> {
        self.evaluate(loss, parameters, batch, false).map(|(value, _)| value)
    }

    fn loss_and_gradient(
        &mut self,
        loss: Loss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError> {
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        self.do_within(batch.rows, |this| this.gradient(loss, parameters, batch, gradient))
    }

    fn backward(
        &mut self,
        parameters: &[T],
        x: &[T],
        dy: &[T],
        gradient: &mut [T],
        dx: &mut [T],
    ) -> Result<(), EngineError> {
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        Program::check_length("dx", x.len(), dx.len())?;
        let rows = self.begin(parameters, x, true)?;
        Program::check_length("dy", rows.count * self.program.outputs(), dy.len())?;
        self.do_within(rows.count, |this| {
            this.forward((parameters, x), rows, true, |_, _, _, _| ());
            this.reverse(parameters, rows, dy, gradient, Some(dx));
        });
        Ok(())
    }

    fn survey(&mut self, parameters: &[T], gradient: &[T]) -> Survey {
        self.team.survey(parameters, gradient, &mut self.surveys)
    }

    fn adam(&mut self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>) {
        self.team.adam(rule, slabs);
    }

    fn descend(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, T>,
        descent: Descent<'_, T>,
    ) -> Result<(f64, Option<f64>), EngineError> {
        let length = descent.parameters.len();
        for (what, found) in [
            ("gradient", descent.gradient.len()),
            ("first moments", descent.first.len()),
            ("second moments", descent.second.len()),
        ] {
            Program::check_length(what, length, found)?;
        }
        self.do_within(batch.rows, |this| this.step(loss, batch, descent))
    }

    fn statistics(&mut self, parameters: &[T], x: &[T]) -> Result<Vec<LayerStatistics>, EngineError> {
        let rows = self.begin(parameters, x, false)?;
        let program = Arc::clone(&self.program);
        let mut statistics: Vec<LayerStatistics> =
            program.layers().iter().map(LayerStatistics::none).collect();
        self.forward((parameters, x), rows, false, |this, pass, _, _| {
            let layers = program.layers().iter().zip(&mut statistics).zip(&this.activations);
            for ((layer, statistics), x) in layers {
                let layout = Partition::by_rows(pass, layer.inputs);
                for block in 0..pass.blocks() {
                    let samples = pass.of_block(block).len();
                    for (node, input) in statistics.inputs.iter_mut().enumerate() {
                        let domain = layer.splines[node].domain();
                        for x in &x[layout.position(block, node)..][..samples] {
                            input.observe(domain, x.to_f64());
                        }
                    }
                }
            }
        });
        Ok(statistics)
    }
}

/// Sums of a layer that are kept beside its nodes.
fn kept_sums<T>(plan: &Plan<T>) -> usize {
    if plan.products.is_empty() { 0 } else { plan.outputs }
}

/// Blocks of the longest pass.
fn most_blocks(rows: Rows) -> usize {
    rows.passes().map(|(_, pass)| pass.blocks()).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use crate::{CpuBackend, CpuOptions};
    use kanode_engine::{Base, Batch, Compile, EngineError, Layer, Loss, Program};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    use std::sync::Arc;

    #[test]
    fn a_batch_beyond_the_memory_of_any_machine_is_an_error() {
        let knots = Knots::uniform(-1.0, 1.0, 1, 1, KnotEnds::Clamped).unwrap();
        let table = Arc::new(CellTable::new(&knots, Outside::Linear));
        let layer = |inputs, outputs| Layer {
            inputs,
            outputs,
            base: Base::Zero,
            splines: vec![Arc::clone(&table); inputs],
            products: Vec::new(),
            functions: Vec::new(),
        };
        let wide = 100_000;
        let program = Arc::new(Program::new(vec![layer(1, wide), layer(wide, 1)]).unwrap());
        let backend = CpuBackend::new(CpuOptions { threads: Some(1), isa: None }).unwrap();
        let mut executor = backend.compile(&program).unwrap();
        let parameters = vec![0.0f32; program.parameter_count()];
        let (x, rows) = (vec![0.0; 4_000_000], 4_000_000);
        let batch = Batch { x: &x, targets: &x, weights: None, rows };
        let mut gradient = vec![0.0; parameters.len()];
        let error = executor.loss_and_gradient(Loss::Rmse, &parameters, &batch, &mut gradient).unwrap_err();
        assert!(matches!(error, EngineError::Memory { what: "work space", .. }), "{error}");
    }
}
