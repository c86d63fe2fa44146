//! One layer over a batch: divides the work into tasks and hands them to the pool.
//!
//! Partial sums are added in the order of their tasks, and every number has one task that writes it; so results do
//! not depend on the number of threads.

use crate::buffer::Buffer;
use crate::coefficients::{Coefficients, Edges, Goal};
use crate::float::Float;
use crate::pack;
use crate::partition::{MOVES, Partition, Rows, SORTS, STRIP, cut};
use crate::plan::{Form, Plan};
use crate::pool::Pool;
use crate::products;
use crate::scratch::Scratch;
use crate::simd::{dispatch, transpose};
use crate::sort::Order;
use crate::task::{self, Backward, Forward};
use crate::tiled;
use fearless_simd::Level;
use kanode_engine::{LayerViews, LayerViewsMut};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The threads of an executor, each with its scratch, and the instruction set they use.
#[derive(Debug)]
pub(crate) struct Team<T> {
    pub(crate) level: Level,
    pub(crate) pool: Arc<Pool>,
    scratch: Vec<Mutex<Scratch<T>>>,
}

impl<T: Float> Team<T> {
    pub(crate) fn new(level: Level, pool: Arc<Pool>) -> Self {
        let scratch = (0..pool.threads()).map(|_| Mutex::default()).collect();
        Self { level, pool, scratch }
    }

    /// Never waits: a worker runs one task at a time.
    pub(crate) fn scratch(&self, worker: usize) -> MutexGuard<'_, Scratch<T>> {
        self.scratch[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a plan's blocks in the scratch of every worker that may get a task, which is the first alone unless
    /// the work is shared: one that comes late must not allocate in the middle of a step.
    fn fit(&self, plan: &Plan<T>, block: usize, shared: bool) {
        self.each_scratch(shared, |scratch| scratch.fit(plan, block));
    }

    /// Prepares the scratch of every worker that may get a task: of the first alone unless the work is shared.
    pub(crate) fn each_scratch(&self, shared: bool, prepare: impl Fn(&mut Scratch<T>)) {
        let workers = if shared { self.scratch.len() } else { 1 };
        (0..workers).for_each(|worker| prepare(&mut self.scratch(worker)));
    }

    /// Packs a layer's parameters.
    pub(crate) fn pack(&self, plan: &Plan<T>, parameters: LayerViews<'_, T>, packed: &mut [T]) {
        let step = inputs_per_task(plan);
        let tasks = (0..plan.inputs).step_by(step).zip(packed.chunks_mut(plan.packed(step).max(1)));
        self.pool.run(tasks, |_, (start, packed)| {
            self.pack_inputs(plan, start..plan.inputs.min(start + step), parameters, packed);
        });
    }

    /// Of the layers that don't keep what they pack, since it was last taken.
    pub(crate) fn take_magnitude(&self) -> f64 {
        let workers = 0..self.scratch.len();
        workers.fold(0.0, |most, worker| std::mem::take(&mut self.scratch(worker).magnitude).0.max(most))
    }

    /// Packs the parameters of some inputs, which begin and end with a group or the layer.
    fn pack_inputs(
        &self,
        plan: &Plan<T>,
        inputs: Range<usize>,
        parameters: LayerViews<'_, T>,
        packed: &mut [T],
    ) {
        for (inputs, packed) in groups_of(plan, inputs).zip(packed.chunks_mut(plan.packed(plan.group))) {
            dispatch!(self.level, simd => pack::pack(simd, plan, inputs, parameters, packed));
        }
    }

    /// Sorts a layer's inputs `x: [block][node][row]`, if its kernels want that; block 0 is block `first_block` of
    /// `order`.
    pub(crate) fn sort(
        &self,
        plan: &Plan<T>,
        rows: Rows,
        x: &mut [T],
        (order, first_block): (&mut Order, usize),
    ) {
        if plan.form == Form::Samples {
            return;
        }
        let count = (SORTS / rows.block).max(1);
        self.fit(plan, rows.block, rows.blocks() * plan.inputs > count);
        let pieces = order.pieces(first_block * plan.inputs, x, count);
        self.pool.run(pieces, |worker, (first, columns)| {
            let sorter = &mut self.scratch(worker).sorter;
            dispatch!(self.level, simd => sorter.sort(simd, plan, rows, first, columns));
        });
    }

    /// Sums `y` of a layer for inputs `x`: `[block][sum][row]` and `[block][node][row]`. Block 0 is block `first_block`
    /// of `order`. The coefficients are packed first where there are `parameters`, and `packed` has them afterwards if
    /// they are `kept`.
    #[expect(clippy::too_many_arguments, reason = "buffers of the executor, which are borrowed one by one")]
    pub(crate) fn forward(
        &self,
        plan: &Plan<T>,
        (packed, parameters, kept): (&mut [T], Option<LayerViews<'_, T>>, bool),
        rows: Rows,
        x: &[T],
        (order, first_block): (&Order, usize),
        y: &mut [T],
        partial: &mut Buffer<T>,
    ) {
        let partition = Partition::forward(rows, &plan.work());
        self.fit(plan, rows.block, partition.groups() * partition.chunks() > 1);
        let layout = Partition::by_rows(rows, plan.inputs);
        let per_block = plan.outputs * rows.block;
        let chunks = partition.chunks();
        let lengths = partition.tasks().map(|(blocks, _)| blocks.len() * per_block);
        let run_one = |worker, coefficients, blocks, inputs, y: &mut [T]| {
            let task = Forward { plan, coefficients, x, layout, order, first_block, blocks, inputs, y };
            task.run(self.level, &mut self.scratch(worker));
        };
        let run = |target: &mut [T]| match parameters {
            // Each task has inputs of its own.
            Some(parameters) if partition.groups() == 1 => {
                let counts = partition.node_ranges().map(|inputs| inputs.len());
                let packed = cut(packed, counts.clone().map(|inputs| plan.packed(inputs)));
                let views = cut_off(parameters, counts, |views, inputs| {
                    views.split_at(inputs * plan.outputs, plan.bases)
                });
                let own = packed.zip(views);
                let tasks = partition.tasks().zip(own).zip(cut(target, lengths));
                self.pool.run(tasks, |worker, (((blocks, inputs), (room, parameters)), y)| {
                    run_one(worker, Coefficients::Fresh { parameters, room, kept }, blocks, inputs, y);
                });
            }
            _ => {
                if let Some(parameters) = parameters {
                    self.pack(plan, parameters, packed);
                }
                let packed: &[T] = packed;
                let tasks = partition.tasks().zip(cut(target, lengths));
                self.pool.run(tasks, |worker, ((blocks, inputs), y)| {
                    let packed = Coefficients::Packed(&packed[plan.packed(inputs.start)..]);
                    run_one(worker, packed, blocks, inputs, y);
                });
            }
        };
        if chunks == 1 {
            return run(y);
        }
        partial.resize(chunks * rows.blocks() * per_block);
        run(partial);
        let partial: &[T] = partial;
        // Pieces of a group of blocks: where the group's partial sums begin, how far apart they are, and the piece.
        let groups = partition.block_ranges().map(|blocks| (blocks.start, blocks.len() * per_block));
        let slices = cut(y, groups.clone().map(|(_, length)| length));
        let pieces = groups.zip(slices).flat_map(|((first, length), y)| {
            let starts = (first * chunks * per_block..).step_by(MOVES / chunks);
            starts.zip(y.chunks_mut(MOVES / chunks)).map(move |(start, piece)| (start, length, piece))
        });
        self.pool.run(pieces, |_, (start, length, piece)| {
            piece.copy_from_slice(&partial[start..][..piece.len()]);
            for chunk in 1..chunks {
                add(piece, &partial[start + chunk * length..]);
            }
        });
    }

    /// Gradients of a layer's parameters, for the `goal`, and of `x` if asked for. Returns the layout of `dx`. `copies` is
    /// work space. Parameters are packed again where nobody kept them.
    #[expect(clippy::too_many_arguments, reason = "buffers of the executor, which are borrowed one by one")]
    pub(crate) fn backward(
        &self,
        plan: &Plan<T>,
        packed: Option<&[T]>,
        rows: Rows,
        (x, order): (&[T], &Order),
        dy: &[T],
        goal: Goal<'_, T>,
        copies: &mut Buffer<T>,
        dx: Option<&mut Buffer<T>>,
    ) -> Partition {
        let partition = Partition::backward(rows, &plan.work());
        let (groups, chunks) = (partition.groups(), partition.chunks());
        self.fit(plan, rows.block, groups * chunks > 1);
        let layout = Partition::by_rows(rows, plan.inputs);
        let mut slices = dx.map(|dx| {
            dx.resize(partition.length());
            partition.split(dx)
        });
        let dx = std::iter::repeat_with(move || slices.as_mut().and_then(Iterator::next));
        let tasks = partition.tasks().zip(dx);
        match (goal, packed) {
            (Goal::Gradient { parameters, gradients }, Some(packed)) if groups > 1 => {
                copies.resize(groups * plan.packed(plan.inputs));
                let slices = cut(copies, partition.tasks().map(|(_, inputs)| plan.packed(inputs.len())));
                self.pool.run(tasks.zip(slices), |worker, (((blocks, inputs), dx), gradients)| {
                    let edges = Edges::Shared { packed: &packed[plan.packed(inputs.start)..], gradients };
                    let task = Backward { plan, edges, x, layout, order, blocks, inputs, dy, dx };
                    task.run(self.level, &mut self.scratch(worker));
                });
                self.unpack(plan, copies, parameters, gradients);
            }
            (goal, packed) => {
                debug_assert_eq!(groups, 1, "tasks share no edges");
                let counts = partition.node_ranges().map(|inputs| inputs.len());
                let goals = cut_off(goal, counts, |goal, inputs| goal.split(plan, inputs));
                self.pool.run(tasks.zip(goals), |worker, (((blocks, inputs), dx), goal)| {
                    let scratch = &mut *self.scratch(worker);
                    let mut rooms = std::mem::take(&mut scratch.group);
                    let packed = packed.map(|packed| &packed[plan.packed(inputs.start)..]);
                    let edges = Edges::Own { packed, rooms: &mut rooms, goal };
                    let task = Backward { plan, edges, x, layout, order, blocks, inputs, dy, dx };
                    task.run(self.level, scratch);
                    scratch.group = rooms;
                });
            }
        }
        partition
    }

    /// Adds up copies of gradients of packed coefficients, in order, and splits them into gradients of parameters.
    pub(crate) fn unpack(
        &self,
        plan: &Plan<T>,
        packed: &mut [T],
        parameters: LayerViews<'_, T>,
        gradients: LayerViewsMut<'_, T>,
    ) {
        let length = plan.packed(plan.inputs);
        let (packed, copies) = packed.split_at_mut(length);
        let copies = &*copies;
        let step = inputs_per_task(plan);
        let starts = (0..plan.inputs).step_by(step);
        let gradients =
            gradients_of(plan, gradients, starts.clone().map(|start| step.min(plan.inputs - start)));
        let tasks = starts.zip(packed.chunks_mut(plan.packed(step).max(1)));
        self.pool.run(tasks.zip(gradients), |_, ((start, packed), gradients)| {
            for copy in copies.chunks_exact(length) {
                add(packed, &copy[plan.packed(start)..]);
            }
            let inputs = start..plan.inputs.min(start + step);
            self.unpack_inputs(plan, inputs, packed, parameters, gradients);
        });
    }

    /// Splits gradients of the packed coefficients of some inputs, which begin and end with a group or the layer.
    fn unpack_inputs(
        &self,
        plan: &Plan<T>,
        inputs: Range<usize>,
        packed: &[T],
        parameters: LayerViews<'_, T>,
        gradients: LayerViewsMut<'_, T>,
    ) {
        let lengths = groups_of(plan, inputs.clone()).map(|inputs| inputs.len());
        let gradients = gradients_of(plan, gradients, lengths);
        let packed = packed.chunks(plan.packed(plan.group));
        for ((inputs, packed), gradients) in groups_of(plan, inputs).zip(packed).zip(gradients) {
            dispatch!(self.level, simd => pack::unpack(simd, plan, inputs, packed, parameters, gradients));
        }
    }

    /// Nodes of a layer with product nodes from its sums, both `[block][node or sum][row]`.
    pub(crate) fn multiply(&self, plan: &Plan<T>, rows: Rows, sums: &[T], nodes: &mut [T]) {
        let layout = Partition::by_rows(rows, plan.nodes());
        let (per_block, sums_per_block) = (plan.nodes() * rows.block, plan.outputs * rows.block);
        self.pool.run(layout.block_ranges().zip(layout.split(nodes)), |_, (blocks, nodes)| {
            for (block, nodes) in blocks.zip(nodes.chunks_mut(per_block)) {
                let sums = &sums[block * sums_per_block..][..sums_per_block];
                products::multiply(plan, sums, (rows.block, rows.of_block(block).len()), nodes);
            }
        });
    }

    /// Derivatives by the sums of a layer with product nodes from those by its nodes. Returns their layout.
    pub(crate) fn multiply_slopes(
        &self,
        plan: &Plan<T>,
        sums: &[T],
        (by_nodes, layout): (&[T], Partition),
        by_sums: &mut Buffer<T>,
    ) -> Partition {
        let parts = Partition::by_rows(layout.rows, plan.outputs);
        let per_block = plan.outputs * layout.rows.block;
        by_sums.resize(parts.length());
        self.pool.run(parts.block_ranges().zip(parts.split(by_sums)), |_, (blocks, by_sums)| {
            for (block, by_sums) in blocks.zip(by_sums.chunks_mut(per_block)) {
                let sums = &sums[block * per_block..][..per_block];
                products::multiply_slopes(plan, sums, (by_nodes, layout), block, by_sums);
            }
        });
        parts
    }

    /// Brings derivatives by a layer's sums into the form that [`Team::backward`] takes.
    pub(crate) fn pack_slopes(&self, plan: &Plan<T>, from: &[T], layout: Partition, to: &mut Buffer<T>) {
        let per_block = plan.padded_outputs() * layout.rows.block;
        to.resize(layout.rows.blocks() * per_block);
        let parts = Partition::by_rows(layout.rows, plan.outputs);
        let slices = cut(to, parts.block_ranges().map(|blocks| blocks.len() * per_block));
        self.pool.run(parts.block_ranges().zip(slices), |_, (blocks, to)| {
            for (block, to) in blocks.zip(to.chunks_mut(per_block)) {
                task::pack(self.level, plan, (from, layout), block, to);
            }
        });
    }

    /// As [`Team::pack_slopes`], from `[row, sum]`; where lanes are outputs.
    pub(crate) fn pack_slopes_of_rows(&self, plan: &Plan<T>, rows: Rows, from: &[T], to: &mut Buffer<T>) {
        let per_block = plan.padded_outputs() * rows.block;
        to.resize(rows.blocks() * per_block);
        let parts = Partition::by_rows(rows, plan.outputs);
        let slices = cut(to, parts.block_ranges().map(|blocks| blocks.len() * per_block));
        self.pool.run(parts.block_ranges().zip(slices), |_, (blocks, to)| {
            for (block, to) in blocks.zip(to.chunks_mut(per_block)) {
                let range = rows.of_block(block);
                let from = &from[range.start * plan.outputs..range.end * plan.outputs];
                tiled::pack_rows(plan, from, rows.block, to);
            }
        });
    }

    /// From `[row, node]` to `[block][node][row]`.
    pub(crate) fn to_panels(&self, rows: Rows, nodes: usize, from: &[T], to: &mut [T]) {
        let layout = Partition::by_rows(rows, nodes);
        self.pool.run(layout.block_ranges().zip(layout.split(to)), |_, (blocks, to)| {
            for (block, to) in blocks.zip(to.chunks_mut(nodes * rows.block)) {
                let range = rows.of_block(block);
                let shape = (range.len(), nodes);
                let from = (&from[range.start * nodes..], nodes);
                dispatch!(self.level, simd => transpose(simd, shape, from, (to, rows.block)));
            }
        });
    }

    /// From any layout to `[row, node]`.
    pub(crate) fn to_rows(&self, from: &[T], layout: Partition, to: &mut [T]) {
        let (rows, nodes) = (layout.rows, layout.nodes);
        let parts = Partition::by_rows(rows, nodes);
        let lengths =
            parts.block_ranges().map(|b| (rows.of_block(b.end - 1).end - b.start * rows.block) * nodes);
        self.pool.run(parts.block_ranges().zip(cut(to, lengths)), |_, (blocks, to)| {
            for (block, to) in blocks.zip(to.chunks_mut(rows.block * nodes)) {
                for node in (0..nodes).step_by(STRIP) {
                    let shape = (STRIP.min(nodes - node), rows.of_block(block).len());
                    let from = (&from[layout.position(block, node)..], rows.block);
                    let to = (&mut to[node..], nodes);
                    dispatch!(self.level, simd => transpose(simd, shape, from, to));
                }
            }
        });
    }
}

/// Inputs, in whole groups, that a task packs or unpacks.
fn inputs_per_task<T: Float>(plan: &Plan<T>) -> usize {
    (MOVES / plan.packed(1).max(1)).next_multiple_of(plan.group).max(plan.group)
}

/// The groups of some inputs.
fn groups_of<T>(
    plan: &Plan<T>,
    inputs: Range<usize>,
) -> impl Iterator<Item = Range<usize>> + Clone + Send + use<T> {
    let (end, step) = (inputs.end, plan.group);
    inputs.step_by(step).map(move |first| first..end.min(first + step))
}

/// Cuts what belongs to consecutive numbers of inputs off what belongs to more of them.
fn cut_off<V: Send>(
    whole: V,
    inputs: impl Iterator<Item = usize> + Send,
    split: impl Fn(V, usize) -> (V, V) + Send,
) -> impl Iterator<Item = V> + Send {
    inputs.scan(Some(whole), move |rest, inputs| {
        let (first, after) = split(rest.take()?, inputs);
        *rest = Some(after);
        Some(first)
    })
}

/// [`cut_off`], of gradients.
fn gradients_of<'a, T: Float>(
    plan: &Plan<T>,
    gradients: LayerViewsMut<'a, T>,
    inputs: impl Iterator<Item = usize> + Send,
) -> impl Iterator<Item = LayerViewsMut<'a, T>> + Send {
    cut_off(gradients, inputs, |views, inputs| views.split_at(inputs * plan.outputs, plan.bases))
}

fn add<T: Float>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}
