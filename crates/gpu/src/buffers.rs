//! Buffers on a device: those of a layer, and those for a tile of rows.

use crate::device::Gpu;
use crate::error::GpuError;
use crate::geometry::Geometry;
use crate::shader::THREADS;
use wgpu::{Buffer, BufferBinding};

/// Buffers of a layer.
#[derive(Debug)]
pub(crate) struct Layer {
    pub(crate) geometry: Geometry,
    pub(crate) tables: Buffer,
    pub(crate) table_of: Buffer,
    /// Where the factors of each product node begin, and which product node each sum belongs to.
    pub(crate) factors: Buffer,
    pub(crate) product_of: Buffer,
    pub(crate) coefficients: Buffer,
    /// Derivatives by the coefficients.
    pub(crate) slopes: Buffer,
}

/// Buffers for a tile of rows.
#[derive(Debug)]
pub(crate) struct Work {
    pub(crate) rows: usize,
    /// Inputs of each layer, and last the outputs: `[row][node]`.
    pub(crate) nodes: Vec<Buffer>,
    /// Sums of the layers with product nodes.
    pub(crate) sums: Vec<Option<Buffer>>,
    pub(crate) first: Buffer,
    pub(crate) values: Buffer,
    pub(crate) slopes: Buffer,
    /// Parts of sums over inputs or over rows.
    pub(crate) parts: Buffer,
    pub(crate) targets: Buffer,
    pub(crate) weights: Buffer,
    /// Partial sums of the loss.
    pub(crate) partials: Buffer,
    /// Derivatives by nodes and sums, by turns: that by the outputs is in the first.
    pub(crate) turns: [Buffer; 2],
}

impl Layer {
    pub(crate) fn new(gpu: &Gpu, layer: &kanode_engine::Layer, geometry: Geometry) -> Result<Self, GpuError> {
        let (tables, table_of) = crate::tables::of(layer, &geometry);
        let mut factors: Vec<u32> = layer.factors().map(|range| range.start as u32).collect();
        factors.push(layer.outputs as u32);
        let mut product_of = vec![0; layer.outputs];
        for (product, range) in layer.factors().enumerate() {
            product_of[range].fill(product as u32);
        }
        let coefficients = 4 * geometry.coefficients() as u64;
        Ok(Self {
            geometry,
            tables: filled(gpu, "knot tables", bytemuck::cast_slice(&tables))?,
            table_of: filled(gpu, "knot tables", &table_of)?,
            factors: filled(gpu, "factors", &factors)?,
            product_of: filled(gpu, "factors", &product_of)?,
            coefficients: gpu.buffer("coefficients", coefficients)?,
            slopes: gpu.buffer("slopes of coefficients", coefficients)?,
        })
    }
}

impl Work {
    pub(crate) fn new(gpu: &Gpu, layers: &[Layer], rows: usize) -> Result<Self, GpuError> {
        let most =
            |of: &dyn Fn(&Geometry) -> usize| layers.iter().map(|l| of(&l.geometry)).max().unwrap_or(0);
        let room = |what, numbers: usize| gpu.buffer(what, 4 * numbers as u64);
        let sums = |layer: &Layer| {
            let g = &layer.geometry;
            g.has_products().then(|| room("sums", rows * g.sums)).transpose()
        };
        let last = &layers[layers.len() - 1].geometry;
        let inputs = layers.iter().map(|layer| layer.geometry.inputs);
        let nodes = inputs.chain([last.nodes]).map(|width| room("nodes", rows * width));
        let widest = most(&|g| g.sums.max(g.nodes).max(g.inputs));
        let edge_values = most(&|g| g.inputs * (g.degree as usize + 2));
        let parts = most(&|g| {
            let forward = if g.forward_parts > 1 { g.forward_parts * rows * g.sums } else { 0 };
            forward.max(g.gradient_parts_at_most(rows) * g.coefficients())
        });
        Ok(Self {
            rows,
            nodes: nodes.collect::<Result<_, _>>()?,
            sums: layers.iter().map(sums).collect::<Result<_, _>>()?,
            first: room("bases", rows * most(&|g| g.inputs))?,
            values: room("bases", rows * edge_values)?,
            slopes: room("slopes of bases", rows * edge_values)?,
            parts: room("parts of sums", parts)?,
            targets: room("targets", rows * last.nodes)?,
            weights: room("weights", rows)?,
            partials: room("partial sums", (rows * last.nodes).div_ceil(THREADS as usize))?,
            turns: [room("slopes of nodes", rows * widest)?, room("slopes of nodes", rows * widest)?],
        })
    }
}

/// A buffer with words in it.
pub(crate) fn filled(gpu: &Gpu, what: &'static str, words: &[u32]) -> Result<Buffer, GpuError> {
    let buffer = gpu.buffer(what, 4 * words.len() as u64)?;
    gpu.upload(&buffer, words)?;
    Ok(buffer)
}

/// All of a buffer, as a binding.
pub(crate) fn whole(buffer: &Buffer) -> wgpu::BindingResource<'_> {
    wgpu::BindingResource::Buffer(BufferBinding { buffer, offset: 0, size: None })
}
