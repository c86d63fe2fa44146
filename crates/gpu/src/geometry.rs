//! How a layer is spread over threads, workgroups and parts, by its shape alone: so that results do not depend on the
//! adapter, and so that what wgpu and drivers do not check is checked here.

use crate::error::GpuError;
use crate::shader::{Columns, Kernel, THREADS};
use kanode_engine::{Layer, Program};
use kanode_spline::Outside;
use std::collections::HashSet;
use std::sync::Arc;

/// Bytes of workgroup memory that every adapter has.
pub(crate) const WORKGROUP_BYTES: u32 = 16_384;
/// Iterations of all loops of one thread. Mesa's llvmpipe silently ends loops after 65,535, and systems kill programs
/// whose dispatches take long.
pub(crate) const ITERATIONS: u64 = 16_384;
/// Workgroups in a dimension of a dispatch.
pub(crate) const GROUPS: u64 = 65_535;
/// Bytes of each work buffer: what every adapter binds. Longer batches are done tile by tile.
pub(crate) const TILE_BYTES: u64 = 128 << 20;

/// Threads that a sum over inputs should keep busy, and the fewest and most inputs of one of its parts.
const FORWARD_THREADS: usize = 1024;
const FORWARD_INPUTS: (usize, usize) = (64, 512);
/// Threads that the gradient of coefficients should keep busy, and the fewest rows of one of its parts.
const GRADIENT_THREADS: usize = 16_384;
const GRADIENT_ROWS: usize = 32;
/// Parts of a batch: more would lose digits in their sum.
const PARTS: usize = 256;

/// A layer on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Geometry {
    pub(crate) degree: u32,
    pub(crate) base: u32,
    pub(crate) inputs: usize,
    pub(crate) sums: usize,
    pub(crate) nodes: usize,
    pub(crate) sum_nodes: usize,
    pub(crate) bases: usize,
    pub(crate) cells: usize,
    /// Of its parameters in the slab.
    pub(crate) offset: usize,
    /// Outputs of a workgroup of the forward pass, and inputs that it stages at a time.
    pub(crate) forward_tile: u32,
    pub(crate) staged: u32,
    /// Whether bases add up to 1 everywhere.
    pub(crate) unity: bool,
    /// Parts of the sum over inputs, and the inputs of each.
    pub(crate) forward_parts: usize,
    pub(crate) forward_chunk: usize,
    /// Threads of a workgroup of the gradient of coefficients, its outputs, and where it adds up.
    pub(crate) gradient_threads: u32,
    pub(crate) gradient_tile: u32,
    pub(crate) columns: Columns,
    /// Threads that share an input in the gradient of inputs.
    pub(crate) lanes: u32,
    /// Whether edges are penalised for what they do with the rows.
    pub(crate) active: bool,
}

impl Geometry {
    /// The layers of a program, if an adapter that binds `binding` bytes can hold them.
    ///
    /// # Errors
    /// [`GpuError::Limit`], naming the first layer that is beyond a limit.
    pub(crate) fn of(program: &Program, binding: u64) -> Result<Vec<Self>, GpuError> {
        let limit = |layer, what, needed, limit, remedy: String| {
            if needed > limit { Err(GpuError::Limit { layer, what, needed, limit, remedy }) } else { Ok(()) }
        };
        let layers = program.layers().iter().zip(program.ranges()).enumerate();
        let layers = layers.map(|(index, (layer, range))| {
            let this = Self::new(layer, range.start);
            let edges = this.edges() as u64;
            // The slab has two weights for each edge beside its control points.
            let remedy = match (binding / (4 * edges.max(1))).saturating_sub(2 + u64::from(this.degree)) {
                0 => format!("{} edges would fit at a grid of 1", binding / (4 * u64::from(this.degree + 3))),
                most => format!("a grid of {most} intervals would fit"),
            };
            limit(index, "bytes of coefficients", 4 * this.coefficients() as u64, binding, remedy)?;
            let most = (ITERATIONS - u64::from(this.degree) * 4) / 3;
            let remedy = format!("a grid of {} intervals would fit", most - u64::from(this.degree));
            limit(index, "basis functions of an edge", this.bases as u64, most, remedy)?;
            // Threads walk through all sums of a product, and through parts of so many inputs.
            let remedy = format!("{ITERATIONS} would fit");
            limit(index, "outputs and factors", this.sums as u64, ITERATIONS, remedy)?;
            let most = ITERATIONS * FORWARD_INPUTS.1 as u64;
            limit(index, "inputs", this.inputs as u64, most, format!("{most} would fit"))?;
            let distinct: HashSet<_> = layer.splines.iter().map(Arc::as_ptr).collect();
            let tables = (distinct.len() * this.table_length()) as u64 * 4;
            limit(
                index,
                "bytes of knot tables",
                tables,
                binding,
                "fewer inputs or intervals would fit".into(),
            )?;
            Ok(this)
        });
        let layers = layers.collect::<Result<Vec<_>, _>>()?;
        let slab = 4 * program.parameter_count() as u64;
        limit(0, "bytes of parameters in all layers", slab, binding, "a smaller network would fit".into())?;
        Ok(layers)
    }

    fn new(layer: &Layer, offset: usize) -> Self {
        let (degree, sums, bases) = (layer.degree() as u32, layer.outputs, layer.bases());
        let forward_tile = tile(sums);
        let samples = THREADS / forward_tile;
        let staged = (WORKGROUP_BYTES / (4 * samples * (degree + 3))).clamp(1, 16);
        let (fewest, most) = FORWARD_INPUTS;
        let parts = FORWARD_THREADS.div_ceil(sums).clamp(1, layer.inputs.div_ceil(fewest));
        let forward_chunk = layer.inputs.div_ceil(parts.max(layer.inputs.div_ceil(most)));
        let threads = [256, 128, 64, 32].into_iter().find(|t| 4 * t * bases as u64 <= WORKGROUP_BYTES.into());
        let columns = threads.map_or(Columns::InParts, |_| Columns::Shared { rows: bases as u32 });
        let gradient_threads = threads.map_or(64, |threads| threads as u32);
        let cells = layer.splines.iter().map(|table| table.cell_count()).max().unwrap_or(0);
        Self {
            degree,
            base: Kernel::base(layer.base),
            inputs: layer.inputs,
            sums,
            nodes: layer.nodes(),
            sum_nodes: layer.sum_nodes(),
            bases,
            cells,
            offset,
            forward_tile,
            staged,
            unity: layer.splines.iter().all(|table| table.outside() != Outside::Zero),
            forward_parts: layer.inputs.div_ceil(forward_chunk),
            forward_chunk,
            gradient_threads,
            gradient_tile: tile(sums).min(gradient_threads),
            columns,
            lanes: tile(sums).min(16),
            active: false,
        }
    }

    pub(crate) fn edges(&self) -> usize {
        self.inputs * self.sums
    }

    /// Number of coefficients: those of the bases and of the base function.
    pub(crate) fn coefficients(&self) -> usize {
        self.edges() * (self.bases + 1)
    }

    /// Numbers of a record of a knot table, and of a table.
    pub(crate) fn record_length(&self) -> usize {
        let size = self.degree as usize + 1;
        5 + size * size
    }

    pub(crate) fn table_length(&self) -> usize {
        self.cells * self.record_length()
    }

    /// Diagonals of the matrices of penalties that have any numbers.
    pub(crate) fn diagonals(&self) -> usize {
        2 * (self.degree as usize + 1) + 1
    }

    /// Whether one workgroup can weigh the edges of this layer against each other: it walks through them three times.
    pub(crate) fn balances(&self) -> bool {
        3 * self.edges().div_ceil(THREADS as usize) as u64 + 16 <= ITERATIONS
    }

    /// Whether a thread can walk through the outputs of a row as often as softmax does.
    pub(crate) fn has_softmax(&self) -> bool {
        4 * self.nodes as u64 <= ITERATIONS
    }

    pub(crate) fn has_products(&self) -> bool {
        self.nodes > self.sum_nodes
    }

    /// The most rows that a part of the gradient of coefficients may walk through.
    fn longest_chunk(&self) -> usize {
        // What an active edge gives is another k + 1.
        let per_row = if self.active { 2 * self.degree + 3 } else { self.degree + 2 };
        ((ITERATIONS - 2 * self.bases as u64) / u64::from(per_row)) as usize
    }

    /// Parts of the gradient of coefficients that fit a work buffer.
    fn most_parts(&self) -> usize {
        PARTS.min((TILE_BYTES / (4 * self.coefficients() as u64)) as usize).max(1)
    }

    /// Parts of a batch in the gradient of coefficients, and the rows of each.
    pub(crate) fn gradient_parts(&self, rows: usize) -> (usize, usize) {
        let chunk = rows.div_ceil(self.gradient_parts_at_most(rows)).max(1);
        (rows.div_ceil(chunk).max(1), chunk)
    }

    /// No batch of `rows` or fewer has more parts.
    pub(crate) fn gradient_parts_at_most(&self, rows: usize) -> usize {
        let wanted = GRADIENT_THREADS.div_ceil(self.edges()).clamp(1, rows.div_ceil(GRADIENT_ROWS).max(1));
        wanted.min(self.most_parts()).max(rows.div_ceil(self.longest_chunk()))
    }

    /// The most rows whose work buffers fit, and whose loops end in time.
    fn most_rows(&self) -> usize {
        let widest = (self.inputs * (self.degree as usize + 2))
            .max(self.sums * self.forward_parts)
            .max(self.nodes)
            .max(1);
        let by_bytes = TILE_BYTES / (4 * widest as u64);
        let by_groups = GROUPS * u64::from(THREADS / self.forward_tile);
        let by_loops = (self.most_parts() * self.longest_chunk()) as u64;
        by_bytes.min(by_groups).min(by_loops) as usize
    }

    pub(crate) fn bases_kernel(&self) -> Kernel {
        Kernel::Bases { degree: self.degree, base: self.base }
    }

    pub(crate) fn forward_kernel(&self) -> Kernel {
        let (tile, staged, unity) = (self.forward_tile, self.staged, self.unity);
        Kernel::Forward { degree: self.degree, tile, staged, unity }
    }

    pub(crate) fn coefficient_kernel(&self) -> Kernel {
        let (tile, threads) = (self.gradient_tile, self.gradient_threads);
        let (degree, columns, active) = (self.degree, self.columns, self.active);
        Kernel::CoefficientGradient { degree, tile, threads, columns, active }
    }

    pub(crate) fn activity_kernel(&self) -> Kernel {
        Kernel::Activity { degree: self.degree, tile: self.gradient_tile, threads: self.gradient_threads }
    }

    pub(crate) fn input_kernel(&self) -> Kernel {
        Kernel::InputGradient { degree: self.degree, lanes: self.lanes, active: self.active }
    }

    /// Workgroups of the forward pass.
    pub(crate) fn forward_groups(&self, rows: usize) -> [u32; 3] {
        let samples = (THREADS / self.forward_tile) as usize;
        let tiles = self.sums.div_ceil(self.forward_tile as usize);
        [tiles as u32, rows.div_ceil(samples) as u32, self.forward_parts as u32]
    }

    /// Workgroups of the gradient of coefficients.
    pub(crate) fn coefficient_groups(&self, rows: usize) -> [u32; 3] {
        let (threads, tile) = (self.gradient_threads as usize, self.gradient_tile as usize);
        let count = self.sums.div_ceil(tile) * self.inputs.div_ceil(threads / tile);
        let [x, y, _] = groups(count);
        [x, y, self.gradient_parts(rows).0 as u32]
    }

    /// Workgroups of the gradient of inputs.
    pub(crate) fn input_groups(&self, rows: usize) -> [u32; 3] {
        groups((rows * self.inputs).div_ceil((THREADS / self.lanes) as usize))
    }
}

/// Rows that are done at once: the most that fit for every layer.
pub(crate) fn tile_rows(layers: &[Geometry]) -> usize {
    layers.iter().map(Geometry::most_rows).min().unwrap_or(1).max(1)
}

/// Workgroups of `threads` of [`THREADS`] in as many dimensions as they need.
pub(crate) fn element_groups(threads: usize) -> [u32; 3] {
    groups(threads.div_ceil(THREADS as usize))
}

/// `count` workgroups in as many dimensions as they need.
pub(crate) fn groups(count: usize) -> [u32; 3] {
    let count = count.max(1) as u64;
    if count <= GROUPS { [count as u32, 1, 1] } else { [GROUPS as u32, count.div_ceil(GROUPS) as u32, 1] }
}

/// Outputs side by side: a power of two, at most 64.
fn tile(outputs: usize) -> u32 {
    outputs.next_power_of_two().min(64) as u32
}

#[cfg(test)]
mod tests;
