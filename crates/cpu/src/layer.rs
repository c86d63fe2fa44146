//! One layer over a batch: divides the work into tasks and hands them to the pool.
//!
//! Partial sums are added in the order of their tasks, and every number has one task that writes it; so results do
//! not depend on the number of threads.

use crate::buffer::Buffer;
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
use fearless_simd::Level;
use kanode_engine::{LayerViews, LayerViewsMut};
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
    fn scratch(&self, worker: usize) -> MutexGuard<'_, Scratch<T>> {
        self.scratch[worker].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for a plan's blocks in the scratch of every worker that may get a task, which is the first alone unless
    /// the work is shared: one that comes late must not allocate in the middle of a step.
    fn fit(&self, plan: &Plan<T>, block: usize, shared: bool) {
        let workers = if shared { self.scratch.len() } else { 1 };
        for worker in 0..workers {
            self.scratch(worker).fit(plan, block);
        }
    }

    /// Packs a layer's parameters.
    pub(crate) fn pack(&self, plan: &Plan<T>, parameters: LayerViews<'_, T>, packed: &mut [T]) {
        let step = inputs_per_task(plan);
        let tasks = (0..plan.inputs).step_by(step).zip(packed.chunks_mut(plan.packed(step).max(1)));
        self.pool.run(tasks, |_, (start, packed)| {
            let firsts = (start..plan.inputs).step_by(plan.group);
            for (first, packed) in firsts.zip(packed.chunks_mut(plan.packed(plan.group))) {
                let inputs = first..plan.inputs.min(first + plan.group);
                dispatch!(self.level, simd => pack::pack(simd, plan, inputs, parameters, packed));
            }
        });
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
    /// of `order`.
    #[expect(clippy::too_many_arguments, reason = "buffers of the executor, which are borrowed one by one")]
    pub(crate) fn forward(
        &self,
        plan: &Plan<T>,
        packed: &[T],
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
        let run = |target: &mut [T]| {
            self.pool.run(partition.tasks().zip(cut(target, lengths)), |worker, ((blocks, inputs), y)| {
                let task = Forward { plan, packed, x, layout, order, first_block, blocks, inputs, y };
                task.run(self.level, &mut self.scratch(worker));
            });
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

    /// Gradients of a layer's packed coefficients, one copy after another for each group of blocks, and of `x` if
    /// asked for. Returns the layout of `dx`, and the number of copies.
    #[expect(clippy::too_many_arguments, reason = "buffers of the executor, which are borrowed one by one")]
    pub(crate) fn backward(
        &self,
        plan: &Plan<T>,
        packed: &[T],
        rows: Rows,
        (x, order): (&[T], &Order),
        dy: &[T],
        gradients: &mut Buffer<T>,
        dx: Option<&mut Buffer<T>>,
    ) -> Partition {
        let partition = Partition::backward(rows, &plan.work());
        self.fit(plan, rows.block, partition.groups() * partition.chunks() > 1);
        let layout = Partition::by_rows(rows, plan.inputs);
        gradients.resize(partition.groups() * plan.packed(plan.inputs));
        let gradients = cut(gradients, partition.tasks().map(|(_, inputs)| plan.packed(inputs.len())));
        let mut slices = dx.map(|dx| {
            dx.resize(partition.length());
            partition.split(dx)
        });
        let dx = std::iter::repeat_with(move || slices.as_mut().and_then(Iterator::next));
        let tasks = partition.tasks().zip(gradients).zip(dx);
        self.pool.run(tasks, |worker, (((blocks, inputs), gradient), dx)| {
            let task = Backward { plan, packed, x, layout, order, blocks, inputs, dy, gradient, dx };
            task.run(self.level, &mut self.scratch(worker));
        });
        partition
    }

    /// Adds up the copies that [`Team::backward`] made, in order, and splits them into gradients of parameters.
    pub(crate) fn unpack(
        &self,
        plan: &Plan<T>,
        packed: &mut [T],
        parameters: LayerViews<'_, T>,
        gradients: LayerViewsMut<'_, T>,
    ) {
        let (step, length) = (inputs_per_task(plan), plan.packed(plan.inputs));
        let (packed, copies) = packed.split_at_mut(length);
        let copies: &[T] = copies;
        let edges = step * plan.outputs;
        let points = gradients.control_points.chunks_mut(edges * plan.bases);
        let weights = gradients.base_weight.chunks_mut(edges).zip(gradients.spline_weight.chunks_mut(edges));
        let tasks = (0..plan.inputs).step_by(step).zip(packed.chunks_mut(plan.packed(step)));
        self.pool.run(tasks.zip(points.zip(weights)), |_, ((start, packed), (points, (base, spline)))| {
            for copy in copies.chunks_exact(length) {
                add(packed, &copy[plan.packed(start)..]);
            }
            let edges = plan.group * plan.outputs;
            let points = points.chunks_mut(edges * plan.bases);
            let weights = base.chunks_mut(edges).zip(spline.chunks_mut(edges));
            let groups = packed.chunks(plan.packed(plan.group)).zip(points.zip(weights));
            let firsts = (start..plan.inputs).step_by(plan.group);
            for (first, (packed, (control_points, (base_weight, spline_weight)))) in firsts.zip(groups) {
                let inputs = first..plan.inputs.min(first + plan.group);
                let gradients = LayerViewsMut { control_points, base_weight, spline_weight, constants: &mut [] };
                dispatch!(self.level, simd => pack::unpack(simd, plan, inputs, packed, parameters, gradients));
            }
        });
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

fn add<T: Float>(to: &mut [T], from: &[T]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to += *from;
    }
}
