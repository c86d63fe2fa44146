//! A program on a device: its tables and coefficients, work buffers for a tile of rows, and which dispatches a
//! submission has.

use crate::buffers::{Layer, Work, whole};
use crate::device::{Dispatch, Gpu};
use crate::error::GpuError;
use crate::geometry::{Geometry, element_groups, groups, tile_rows};
use crate::penalty::Penalty;
use crate::plan::{Plan, Planner};
use crate::shader::{Kernel, SQUARED, THREADS};
use crate::words::{Control, Status};
use kanode_engine::{Batch, Loss, Program};
use std::collections::HashMap;
use std::sync::Arc;
use wgpu::Buffer;

/// Plans for so many numbers of rows are kept: those of a batch, of the last of a pass, of validation.
const PLANS: usize = 8;

/// How far a submission goes with a tile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Reach {
    /// To the outputs.
    Outputs,
    /// To the loss.
    Loss(Loss),
    /// To the loss and what edges do.
    Activity(Loss),
    /// To the gradient of the coefficients.
    Gradient(Loss),
    /// To that gradient, in a second sweep over tiles: the loss of all is known.
    Again(Loss),
    /// From derivatives by the outputs, which were uploaded, to those by the coefficients and the inputs.
    Products,
}

/// A program on a device, with room for its parameters and their gradient.
#[derive(Debug)]
pub(crate) struct Network {
    program: Arc<Program>,
    layers: Vec<Layer>,
    tile: usize,
    pub(crate) parameters: Buffer,
    pub(crate) gradient: Buffer,
    pub(crate) status: Buffer,
    pub(crate) outcomes: Buffer,
    pub(crate) control: Buffer,
    penalty: Option<Penalty>,
    work: Option<Work>,
    plans: HashMap<usize, Plan>,
    tally: Option<Dispatch>,
    pack: Vec<Dispatch>,
    unpack: Vec<Dispatch>,
    /// Last, so that it outlives the buffers.
    pub(crate) gpu: Arc<Gpu>,
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
            penalty: None,
            work: None,
            plans: HashMap::new(),
            tally: None,
            pack: Vec::new(),
            unpack: Vec::new(),
        };
        for layer in &this.layers {
            let shape = gpu.uniform("shape", &layer.geometry.shape(0))?;
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

    /// Has steps minimise a penalty beside the loss; before the first of them. False, and nothing changed, where a layer
    /// has too many edges for it.
    pub(crate) fn penalise(&mut self, penalty: &kanode_engine::Penalty) -> Result<bool, GpuError> {
        if penalty.is_active() {
            if !self.layers.iter().all(|layer| layer.geometry.balances()) {
                return Ok(false);
            }
            for layer in &mut self.layers {
                layer.geometry.active = true;
            }
            let geometries: Vec<_> = self.layers.iter().map(|layer| layer.geometry).collect();
            self.tile = self.tile.min(tile_rows(&geometries));
        }
        let made = Penalty::new(&self.gpu, &self.layers, &self.control, &self.status, penalty)?;
        self.penalty = Some(made);
        Ok(true)
    }

    /// The penalty that steps minimise beside the loss.
    pub(crate) fn penalty(&self) -> Option<&Penalty> {
        self.penalty.as_ref()
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
                let Self { gpu, layers, control, penalty, .. } = &*self;
                let plan = Planner::new(gpu, layers, control, penalty.as_ref(), work, rows)?.plan()?;
                self.plans.insert(rows, plan);
            }
        }
        Ok(())
    }

    /// Uploads the rows `from..to` of a batch; `prepare` has made room. `dy` stands for targets and weights.
    pub(crate) fn load(
        &self,
        batch: &Batch<'_, f32>,
        from: usize,
        to: usize,
        dy: Option<&[f32]>,
    ) -> Result<(), GpuError> {
        let work = self.room()?;
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
    pub(crate) fn tile_dispatches(&self, rows: usize, reach: Reach) -> Result<Vec<&Dispatch>, GpuError> {
        let plan = self.plans.get(&rows).ok_or_else(unprepared)?;
        let activity = matches!(reach, Reach::Activity(_) | Reach::Gradient(_)).then_some(&plan.activity);
        let mut dispatches = Vec::new();
        for (index, layer) in plan.forward.iter().enumerate() {
            dispatches.extend(layer);
            dispatches.extend(activity.and_then(|activity| activity.get(index)).into_iter().flatten());
        }
        if let Reach::Loss(loss) | Reach::Activity(loss) | Reach::Gradient(loss) | Reach::Again(loss) = reach
        {
            dispatches.push(if loss == Loss::CrossEntropy { &plan.entropy } else { &plan.elements });
            if !matches!(reach, Reach::Again(_)) {
                dispatches.extend(&self.tally);
            }
        }
        if let (Reach::Gradient(_), Some(penalty)) = (reach, &self.penalty) {
            dispatches.extend(&penalty.balance);
        }
        if matches!(reach, Reach::Gradient(_) | Reach::Again(_) | Reach::Products) {
            dispatches.extend(&plan.backward);
        }
        if reach == Reach::Products {
            dispatches.push(&plan.by_inputs);
        }
        Ok(dispatches)
    }

    fn room(&self) -> Result<&Work, GpuError> {
        self.work.as_ref().ok_or_else(unprepared)
    }

    /// Whether the last layer is narrow enough for softmax.
    pub(crate) fn has_softmax(&self) -> bool {
        self.layers.last().is_none_or(|layer| layer.geometry.has_softmax())
    }

    /// Partial sums of the loss of a tile.
    pub(crate) fn partials(&self, rows: usize, loss: Loss) -> usize {
        let threads = if loss == Loss::CrossEntropy { rows } else { rows * self.program.outputs() };
        threads.div_ceil(THREADS as usize)
    }

    /// Reads the inputs of layer `index`, or the outputs, of the tile computed last.
    pub(crate) fn read_nodes(&self, index: usize, to: &mut [f32]) -> Result<(), GpuError> {
        self.gpu.download(&self.room()?.nodes[index], to)
    }

    /// Reads the derivatives by the inputs of the network of the tile computed last.
    pub(crate) fn read_by_inputs(&self, rows: usize, to: &mut [f32]) -> Result<(), GpuError> {
        let plan = self.plans.get(&rows).ok_or_else(unprepared)?;
        self.gpu.download(&self.room()?.turns[plan.inputs_turn], to)
    }

    /// Workgroups that square the gradient.
    pub(crate) fn squares_groups(&self) -> ([u32; 3], usize) {
        let count = self.program.parameter_count().div_ceil(SQUARED as usize);
        (groups(count), count)
    }
}

/// Where a tile is asked for that `prepare` did not make room for.
fn unprepared() -> GpuError {
    GpuError::Internal { what: "a tile of rows", reason: "no room was made for it".to_owned() }
}
