//! A program on a device: its tables and coefficients, work buffers for a tile of rows, and the dispatches that take a
//! tile forward, measure its loss and go back.

use crate::buffers::{Layer, Work, whole};
use crate::device::{Dispatch, Gpu};
use crate::error::GpuError;
use crate::geometry::{Geometry, element_groups, groups, tile_rows};
use crate::shader::{Kernel, SQUARED};
use crate::words::{Control, Shape, Status};
use kanode_engine::{Batch, Loss, Program};
use std::collections::HashMap;
use std::sync::Arc;
use wgpu::Buffer;

/// Plans for so many numbers of rows are kept: those of a batch, of the last of a pass, of validation.
const PLANS: usize = 8;

/// Dispatches for a tile of one number of rows.
#[derive(Debug)]
struct Plan {
    forward: Vec<Dispatch>,
    elements: Dispatch,
    entropy: Dispatch,
    backward: Vec<Dispatch>,
    /// The derivatives by the inputs of the network, and which of the turns has them.
    by_inputs: Dispatch,
    inputs_turn: usize,
}

/// How far a submission goes with a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reach {
    /// To the outputs.
    Outputs,
    /// To the loss.
    Loss(Loss),
    /// To the gradient of the coefficients.
    Gradient(Loss),
    /// From derivatives by the outputs, which were uploaded, to those by the coefficients and the inputs.
    Products,
}

/// A program on a device, with room for its parameters and their gradient.
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) gpu: Arc<Gpu>,
    program: Arc<Program>,
    layers: Vec<Layer>,
    tile: usize,
    pub(crate) parameters: Buffer,
    pub(crate) gradient: Buffer,
    pub(crate) status: Buffer,
    pub(crate) outcomes: Buffer,
    pub(crate) control: Buffer,
    work: Option<Work>,
    plans: HashMap<usize, Plan>,
    tally: Option<Dispatch>,
    pack: Vec<Dispatch>,
    unpack: Vec<Dispatch>,
}

impl Network {
    /// Steps whose outcomes the device remembers.
    pub(crate) const SLOTS: usize = 64;

    /// A program on a device, done in tiles of at most so many rows.
    pub(crate) fn new(gpu: &Arc<Gpu>, program: &Arc<Program>, rows_at_once: usize) -> Result<Self, GpuError> {
        let geometries = Geometry::of(program, gpu.largest_binding())?;
        let tile = tile_rows(&geometries).min(rows_at_once);
        let layers = program.layers().iter().zip(geometries);
        let layers = layers
            .map(|(layer, geometry)| Layer::new(gpu, layer, geometry))
            .collect::<Result<Vec<_>, _>>()?;
        let slab = 4 * program.parameter_count() as u64;
        let mut this = Self {
            gpu: Arc::clone(gpu),
            program: Arc::clone(program),
            layers,
            tile,
            parameters: gpu.buffer("parameters", slab)?,
            gradient: gpu.buffer("gradient", slab)?,
            status: gpu.buffer("status", size_of::<Status>() as u64)?,
            outcomes: gpu.buffer("outcomes", 16 * Self::SLOTS as u64)?,
            control: gpu.uniforms("control", size_of::<Control>() as u64)?,
            work: None,
            plans: HashMap::new(),
            tally: None,
            pack: Vec::new(),
            unpack: Vec::new(),
        };
        for layer in &this.layers {
            let shape = this.uniform(layer.geometry.shape(0))?;
            let coefficients = layer.geometry.coefficients();
            this.pack.push(gpu.dispatch(
                Kernel::Pack,
                &[whole(&shape), whole(&this.parameters), whole(&layer.coefficients)],
                element_groups(coefficients),
            )?);
            this.unpack.push(gpu.dispatch(
                Kernel::Unpack,
                &[
                    whole(&shape),
                    whole(&layer.slopes),
                    whole(&this.parameters),
                    whole(&this.status),
                    whole(&this.gradient),
                ],
                element_groups(layer.geometry.edges()),
            )?);
        }
        Ok(this)
    }

    /// Another of the same program.
    pub(crate) fn another(&self) -> Result<Self, GpuError> {
        Self::new(&self.gpu, &self.program, self.tile)
    }

    pub(crate) fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Rows that are done at once.
    pub(crate) fn tile(&self) -> usize {
        self.tile
    }

    /// A buffer with one shape in it.
    pub(crate) fn uniform(&self, shape: Shape) -> Result<Buffer, GpuError> {
        let buffer = self.gpu.uniforms("shape", size_of::<Shape>() as u64)?;
        self.gpu.upload(&buffer, &[shape])?;
        Ok(buffer)
    }

    /// Dispatches that make coefficients of the parameters.
    pub(crate) fn pack(&self) -> &[Dispatch] {
        &self.pack
    }

    /// Dispatches that make the gradient of the parameters of that of the coefficients.
    pub(crate) fn unpack(&self) -> &[Dispatch] {
        &self.unpack
    }

    /// Makes room for tiles of so many rows, and the dispatches for them.
    pub(crate) fn prepare(&mut self, rows: usize) -> Result<(), GpuError> {
        let room = self.work.as_ref().map_or(0, |work| work.rows);
        if rows > room {
            self.plans.clear();
            self.tally = None;
            // What was there goes first, so that both need not fit.
            self.work = None;
            let work = Work::new(&self.gpu, &self.layers, rows)?;
            let bindings = [whole(&self.control), whole(&work.partials), whole(&self.status)];
            self.tally = Some(self.gpu.dispatch(Kernel::Tally, &bindings, [1, 1, 1])?);
            self.work = Some(work);
        }
        if !self.plans.contains_key(&rows) {
            if self.plans.len() >= PLANS {
                self.plans.clear();
            }
            if let Some(work) = &self.work {
                let plan = self.plan(work, rows)?;
                self.plans.insert(rows, plan);
            }
        }
        Ok(())
    }

    fn plan(&self, work: &Work, rows: usize) -> Result<Plan, GpuError> {
        let (mut forward, mut backward) = (Vec::new(), Vec::new());
        let shapes = self.layers.iter().map(|layer| self.uniform(layer.geometry.shape(rows)));
        let shapes = shapes.collect::<Result<Vec<_>, _>>()?;
        for (index, (layer, shape)) in self.layers.iter().zip(&shapes).enumerate() {
            self.forward(work, rows, index, layer, shape, &mut forward)?;
        }
        let last = &self.layers[self.layers.len() - 1].geometry;
        let shape = &shapes[self.layers.len() - 1];
        let loss = |kernel, groups| {
            let bindings = [
                whole(shape),
                whole(&self.control),
                whole(&work.nodes[self.layers.len()]),
                whole(&work.targets),
                whole(&work.weights),
                whole(&work.turns[0]),
                whole(&work.partials),
            ];
            self.gpu.dispatch(kernel, &bindings, groups)
        };
        let elements = loss(Kernel::Elements, element_groups(rows * last.nodes))?;
        let entropy = loss(Kernel::Entropy, element_groups(rows))?;
        let mut turn = 0;
        for (index, (layer, shape)) in self.layers.iter().zip(&shapes).enumerate().rev() {
            turn = self.backward(work, rows, index, layer, shape, turn, &mut backward)?;
            if index > 0 {
                backward.push(self.by_inputs(work, rows, layer, shape, turn)?);
                turn = 1 - turn;
            }
        }
        let by_inputs = self.by_inputs(work, rows, &self.layers[0], &shapes[0], turn)?;
        Ok(Plan { forward, elements, entropy, backward, by_inputs, inputs_turn: 1 - turn })
    }

    /// The dispatches that take a layer forward.
    fn forward(
        &self,
        work: &Work,
        rows: usize,
        index: usize,
        layer: &Layer,
        shape: &Buffer,
        to: &mut Vec<Dispatch>,
    ) -> Result<(), GpuError> {
        let (g, gpu) = (&layer.geometry, &self.gpu);
        to.push(self.bases(work, rows, index, layer, shape)?);
        let sums = work.sums[index].as_ref().unwrap_or(&work.nodes[index + 1]);
        let whole_sum = if g.forward_parts == 1 { sums } else { &work.parts };
        let bindings = [
            whole(shape),
            whole(&work.first),
            whole(&work.values),
            whole(&layer.coefficients),
            whole(whole_sum),
        ];
        to.push(gpu.dispatch(g.forward_kernel(), &bindings, g.forward_groups(rows))?);
        if g.forward_parts > 1 {
            to.push(self.add(&work.parts, sums, rows * g.sums, g.forward_parts, false)?);
        }
        if g.has_products() {
            let bindings = [whole(shape), whole(sums), whole(&layer.factors), whole(&work.nodes[index + 1])];
            to.push(gpu.dispatch(Kernel::Products, &bindings, element_groups(rows * g.nodes))?);
        }
        Ok(())
    }

    fn bases(
        &self,
        work: &Work,
        rows: usize,
        index: usize,
        layer: &Layer,
        shape: &Buffer,
    ) -> Result<Dispatch, GpuError> {
        let bindings = [
            whole(shape),
            whole(&work.nodes[index]),
            whole(&layer.tables),
            whole(&layer.table_of),
            whole(&work.first),
            whole(&work.values),
            whole(&work.slopes),
        ];
        self.gpu.dispatch(
            layer.geometry.bases_kernel(),
            &bindings,
            element_groups(rows * layer.geometry.inputs),
        )
    }

    fn add(
        &self,
        from: &Buffer,
        to: &Buffer,
        count: usize,
        parts: usize,
        accumulate: bool,
    ) -> Result<Dispatch, GpuError> {
        let shape = self.uniform(Shape { count: count as u32, splits: parts as u32, ..Shape::default() })?;
        let bindings = [whole(&shape), whole(&self.control), whole(from), whole(to)];
        // The control is no binding of a kernel that does not look at it.
        self.gpu.dispatch(Kernel::Add { accumulate }, &bindings, element_groups(count))
    }

    /// The dispatches from derivatives by a layer's nodes, in `turn`, to those by its coefficients. Returns the turn
    /// that has the derivatives by its sums.
    #[allow(clippy::too_many_arguments, reason = "the layer with its place, and where from and to")]
    fn backward(
        &self,
        work: &Work,
        rows: usize,
        index: usize,
        layer: &Layer,
        shape: &Buffer,
        mut turn: usize,
        to: &mut Vec<Dispatch>,
    ) -> Result<usize, GpuError> {
        let g = &layer.geometry;
        if let Some(sums) = &work.sums[index] {
            let bindings = [
                whole(shape),
                whole(sums),
                whole(&layer.factors),
                whole(&layer.product_of),
                whole(&work.turns[turn]),
                whole(&work.turns[1 - turn]),
            ];
            to.push(self.gpu.dispatch(Kernel::ProductSlopes, &bindings, element_groups(rows * g.sums))?);
            turn = 1 - turn;
        }
        // Those of the last layer are still there.
        if index + 1 < self.layers.len() {
            to.push(self.bases(work, rows, index, layer, shape)?);
        }
        let bindings = [
            whole(shape),
            whole(&work.first),
            whole(&work.values),
            whole(&work.turns[turn]),
            whole(&work.parts),
        ];
        to.push(self.gpu.dispatch(g.coefficient_kernel(), &bindings, g.coefficient_groups(rows))?);
        to.push(self.add(&work.parts, &layer.slopes, g.coefficients(), g.gradient_parts(rows).0, true)?);
        Ok(turn)
    }

    fn by_inputs(
        &self,
        work: &Work,
        rows: usize,
        layer: &Layer,
        shape: &Buffer,
        turn: usize,
    ) -> Result<Dispatch, GpuError> {
        let bindings = [
            whole(shape),
            whole(&work.first),
            whole(&work.slopes),
            whole(&layer.coefficients),
            whole(&work.turns[turn]),
            whole(&work.turns[1 - turn]),
        ];
        self.gpu.dispatch(layer.geometry.input_kernel(), &bindings, layer.geometry.input_groups(rows))
    }

    /// Uploads the rows `from..to` of a batch; `prepare` has made room. `dy` stands for targets and weights.
    pub(crate) fn load(
        &self,
        batch: &Batch<'_, f32>,
        from: usize,
        to: usize,
        dy: Option<&[f32]>,
    ) -> Result<(), GpuError> {
        let Some(work) = &self.work else { return Ok(()) };
        let part = |numbers: &[f32]| {
            let width = numbers.len() / batch.rows.max(1);
            from * width..to * width
        };
        self.gpu.upload(&work.nodes[0], &batch.x[part(batch.x)])?;
        if let Some(dy) = dy {
            return self.gpu.upload(&work.turns[0], &dy[part(dy)]);
        }
        if !batch.targets.is_empty() {
            self.gpu.upload(&work.targets, &batch.targets[part(batch.targets)])?;
        }
        if let Some(weights) = batch.weights {
            self.gpu.upload(&work.weights, &weights[from..to])?;
        }
        Ok(())
    }

    /// The dispatches of a tile, prepared before.
    pub(crate) fn tile_dispatches(&self, rows: usize, reach: Reach) -> Vec<&Dispatch> {
        let Some(plan) = self.plans.get(&rows) else { return Vec::new() };
        let mut dispatches: Vec<&Dispatch> = plan.forward.iter().collect();
        if let Reach::Loss(loss) | Reach::Gradient(loss) = reach {
            dispatches.push(if loss == Loss::CrossEntropy { &plan.entropy } else { &plan.elements });
            dispatches.extend(&self.tally);
        }
        if matches!(reach, Reach::Gradient(_) | Reach::Products) {
            dispatches.extend(&plan.backward);
        }
        if reach == Reach::Products {
            dispatches.push(&plan.by_inputs);
        }
        dispatches
    }

    /// Partial sums of the loss of a tile.
    pub(crate) fn partials(&self, rows: usize, loss: Loss) -> usize {
        let threads = if loss == Loss::CrossEntropy { rows } else { rows * self.program.outputs() };
        threads.div_ceil(256)
    }

    /// Reads the inputs of layer `index`, or the outputs, of the tile computed last.
    pub(crate) fn read_nodes(&self, index: usize, to: &mut [f32]) -> Result<(), GpuError> {
        self.work.as_ref().map_or(Ok(()), |work| self.gpu.download(&work.nodes[index], to))
    }

    /// Reads the derivatives by the inputs of the network of the tile computed last.
    pub(crate) fn read_by_inputs(&self, rows: usize, to: &mut [f32]) -> Result<(), GpuError> {
        match (&self.work, self.plans.get(&rows)) {
            (Some(work), Some(plan)) => self.gpu.download(&work.turns[plan.inputs_turn], to),
            _ => Ok(()),
        }
    }

    /// Workgroups that square the gradient.
    pub(crate) fn squares_groups(&self) -> ([u32; 3], usize) {
        let count = self.program.parameter_count().div_ceil(SQUARED as usize);
        (groups(count), count)
    }
}
