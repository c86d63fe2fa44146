//! How a layer's work on a batch is divided: rows into blocks, blocks into groups, input nodes into chunks.
//!
//! Everything here follows from shapes alone, never from the number of threads: a partial sum belongs to a part, so
//! the parts decide the bits of the result. It also says how arrays over nodes and rows are laid out, because each
//! task must own what it writes as one slice.

use std::ops::Range;

/// Most tasks that a layer's work is divided into.
const MOST_TASKS: usize = 16;

/// Multiply-adds, more or less, that a task should have: about 20 µs. Less work stays with the caller.
const TASK: usize = 1 << 20;

/// Numbers that a task which only moves them should have.
pub(crate) const MOVES: usize = 1 << 15;

/// Numbers that a task which sorts them should have.
pub(crate) const SORTS: usize = 1 << 14;

/// Rows that go through all layers before the next do; it bounds the work space of a prediction.
pub(crate) const PASS: usize = 4096;

/// Most numbers spent on partial sums.
const PARTIAL: usize = 1 << 22;

/// Nodes side by side that move together between layouts; a multiple of the lanes of every vector.
pub(crate) const STRIP: usize = 16;

/// Fewest inputs of a layer whose inputs are divided among tasks.
const DIVISIBLE: usize = 2 * STRIP;

/// The rows of a batch in blocks; only the last may be shorter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) count: usize,
    /// Rows of a block, a multiple of the lanes of every vector.
    pub(crate) block: usize,
}

impl Rows {
    /// Blocks of at most `block` rows, and no longer than needed.
    pub(crate) fn new(count: usize, block: usize) -> Self {
        Self { count, block: count.next_multiple_of(STRIP).clamp(STRIP, block) }
    }

    pub(crate) fn blocks(self) -> usize {
        self.count.div_ceil(self.block)
    }

    /// The rows of block `index`.
    pub(crate) fn of_block(self, index: usize) -> Range<usize> {
        index * self.block..self.count.min((index + 1) * self.block)
    }

    /// The first block of each pass, and its rows.
    pub(crate) fn passes(self) -> impl Iterator<Item = (usize, Self)> {
        let step = (PASS / self.block).max(1);
        (0..self.blocks()).step_by(step).map(move |first| {
            let count = self.of_block(first + step - 1).end.min(self.count) - first * self.block;
            (first, Self { count, ..self })
        })
    }
}

/// A division of blocks × nodes into tasks, and the layout `[group][chunk][block][node][row]` of an array over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) rows: Rows,
    pub(crate) nodes: usize,
    blocks_per_group: usize,
    nodes_per_chunk: usize,
}

/// What a layer's work depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Work {
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
    /// Multiply-adds for each row and input, more or less.
    pub(crate) each: usize,
    /// Packed coefficients.
    pub(crate) parameters: usize,
}

impl Partition {
    /// For moving numbers: all nodes in one chunk, which makes the layout `[block][node][row]`.
    pub(crate) fn by_rows(rows: Rows, nodes: usize) -> Self {
        Self::new(rows, nodes, (rows.count * nodes / MOVES).clamp(1, MOST_TASKS), 1)
    }

    /// For outputs: by rows first, because rows need no partial sums. Inputs are divided as well where there are
    /// too few blocks.
    pub(crate) fn forward(rows: Rows, work: &Work) -> Self {
        let tasks = tasks(rows, work);
        let groups = tasks.min(rows.blocks()).max(1);
        let affordable = PARTIAL / (rows.blocks() * rows.block * work.outputs).max(1);
        Self::new(rows, work.inputs, groups, divisible(work).min(tasks / groups).min(affordable))
    }

    /// For gradients: by inputs first, because a task owns the gradients of its inputs. Rows are divided as well
    /// where there are too few inputs.
    pub(crate) fn backward(rows: Rows, work: &Work) -> Self {
        let tasks = tasks(rows, work);
        let chunks = divisible(work).min(tasks).max(1);
        let affordable = PARTIAL / work.parameters.max(1);
        Self::new(rows, work.inputs, (tasks / chunks).min(affordable), chunks)
    }

    /// At most `groups` × `chunks` tasks.
    fn new(rows: Rows, nodes: usize, groups: usize, chunks: usize) -> Self {
        let nodes_per_chunk = if chunks > 1 { nodes.div_ceil(chunks).next_multiple_of(STRIP) } else { nodes };
        let blocks_per_group = rows.blocks().div_ceil(groups.max(1));
        Self {
            rows,
            nodes,
            blocks_per_group: blocks_per_group.max(1),
            nodes_per_chunk: nodes_per_chunk.max(1),
        }
    }

    pub(crate) fn groups(self) -> usize {
        self.rows.blocks().div_ceil(self.blocks_per_group)
    }

    pub(crate) fn chunks(self) -> usize {
        self.nodes.div_ceil(self.nodes_per_chunk)
    }

    /// The blocks of each group, in order.
    pub(crate) fn block_ranges(self) -> impl Iterator<Item = Range<usize>> + Clone + Send {
        ranges(self.rows.blocks(), self.blocks_per_group)
    }

    /// The nodes of each chunk, in order.
    pub(crate) fn node_ranges(self) -> impl Iterator<Item = Range<usize>> + Clone + Send {
        ranges(self.nodes, self.nodes_per_chunk)
    }

    /// Blocks and nodes of each task, in the order of the layout.
    pub(crate) fn tasks(self) -> impl Iterator<Item = (Range<usize>, Range<usize>)> + Send {
        self.block_ranges()
            .flat_map(move |blocks| self.node_ranges().map(move |nodes| (blocks.clone(), nodes)))
    }

    /// Length of an array over all rows, rounded up to whole blocks, and all nodes.
    pub(crate) fn length(self) -> usize {
        self.rows.blocks() * self.nodes * self.rows.block
    }

    /// Where the rows of a block begin for a node. Those of the following nodes of its strip follow it.
    pub(crate) fn position(self, block: usize, node: usize) -> usize {
        let (group, chunk) = (block / self.blocks_per_group, node / self.nodes_per_chunk);
        let first_block = group * self.blocks_per_group;
        let first_node = chunk * self.nodes_per_chunk;
        let blocks = self.blocks_per_group.min(self.rows.blocks() - first_block);
        let nodes = self.nodes_per_chunk.min(self.nodes - first_node);
        let columns = first_block * self.nodes
            + blocks * first_node
            + (block - first_block) * nodes
            + (node - first_node);
        columns * self.rows.block
    }

    /// Cuts an array into the slices that the tasks own, in order.
    pub(crate) fn split<T: Send>(self, array: &mut [T]) -> impl Iterator<Item = &mut [T]> + Send {
        let lengths = self.tasks().map(move |(blocks, nodes)| blocks.len() * nodes.len() * self.rows.block);
        cut(array, lengths)
    }
}

/// Cuts consecutive slices of the given lengths off an array.
pub(crate) fn cut<T: Send>(
    mut array: &mut [T],
    lengths: impl Iterator<Item = usize> + Send,
) -> impl Iterator<Item = &mut [T]> + Send {
    lengths.map(move |length| {
        let (slice, rest) = std::mem::take(&mut array).split_at_mut(length);
        array = rest;
        slice
    })
}

fn tasks(rows: Rows, work: &Work) -> usize {
    equal_tasks(rows.count, work.inputs.saturating_mul(work.each))
}

/// Tasks for rows of so many multiply-adds each.
pub(crate) fn equal_tasks(rows: usize, each: usize) -> usize {
    (rows.saturating_mul(each) / TASK).clamp(1, MOST_TASKS)
}

/// Chunks that the inputs may be divided into.
fn divisible(work: &Work) -> usize {
    if work.inputs < DIVISIBLE { 1 } else { work.inputs / STRIP }
}

fn ranges(count: usize, step: usize) -> impl Iterator<Item = Range<usize>> + Clone + Send {
    (0..count).step_by(step).map(move |start| start..count.min(start + step))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn partitions() -> Vec<Partition> {
        let mut partitions = Vec::new();
        for count in [0, 1, 15, 16, 129, 1000, 5000] {
            for (inputs, outputs) in [(1, 1), (2, 5), (31, 64), (32, 8), (49, 64), (784, 64), (1000, 1000)] {
                let rows = Rows::new(count, 128);
                let work = Work { inputs, outputs, each: outputs * 5, parameters: inputs * outputs * 9 };
                partitions.extend([Partition::forward(rows, &work), Partition::backward(rows, &work)]);
                partitions.push(Partition::by_rows(rows, inputs));
            }
        }
        partitions
    }

    #[test]
    fn tasks_cover_everything_once_in_the_order_of_the_layout() {
        for partition in partitions() {
            let mut array = vec![0; partition.length()];
            let slices = partition.split(&mut array);
            for ((blocks, nodes), slice) in partition.tasks().zip(slices) {
                assert_eq!(slice.len(), blocks.len() * nodes.len() * partition.rows.block);
                for (index, column) in slice.chunks_mut(partition.rows.block).enumerate() {
                    let (block, node) =
                        (blocks.start + index / nodes.len(), nodes.start + index % nodes.len());
                    column.fill(partition.position(block, node));
                }
            }
            for (index, column) in array.chunks(partition.rows.block).enumerate() {
                assert!(column.iter().all(|c| *c == index * partition.rows.block), "{partition:?}");
            }
            assert_eq!(partition.tasks().count(), partition.groups() * partition.chunks());
        }
    }

    #[test]
    fn passes_cover_the_rows() {
        for count in [0, 1, 100, 4096, 4097, 10_000] {
            for block in [16, 128, 4096] {
                let rows = Rows::new(count, block);
                let mut next = 0;
                for (first, pass) in rows.passes() {
                    assert_eq!(first * rows.block, next);
                    assert!(pass.count <= PASS && pass.block == rows.block);
                    next += pass.count;
                }
                assert_eq!(next, count);
            }
        }
    }

    #[test]
    fn strips_are_never_torn_apart() {
        for partition in partitions() {
            for block in 0..partition.rows.blocks() {
                for node in 0..partition.nodes {
                    let strip = partition.position(block, node - node % STRIP);
                    let expected = strip + node % STRIP * partition.rows.block;
                    assert_eq!(partition.position(block, node), expected, "{partition:?}");
                }
            }
        }
    }

    #[test]
    fn small_work_is_one_task_and_large_work_is_many() {
        let work =
            |inputs, outputs| Work { inputs, outputs, each: 5 * outputs, parameters: inputs * outputs * 9 };
        let tasks = |p: Partition| p.tasks().count();
        let (small, large) = (Rows::new(1000, 128), Rows::new(4096, 128));
        assert_eq!(tasks(Partition::forward(small, &work(2, 5))), 1);
        assert_eq!(tasks(Partition::backward(small, &work(2, 5))), 1);
        assert_eq!(tasks(Partition::forward(large, &work(64, 64))), 16);
        assert_eq!(tasks(Partition::backward(large, &work(64, 64))), 16);
        assert_eq!(tasks(Partition::forward(Rows::new(64, 128), &work(784, 64))), 13);
    }
}
