//! The dispatches that take a tile of rows forward through the layers of a network, measure its loss, and go back.

use crate::buffers::{Layer, Work, whole};
use crate::device::{Dispatch, Gpu};
use crate::error::GpuError;
use crate::geometry::element_groups;
use crate::penalty::{Activity, Penalty};
use crate::shader::Kernel;
use crate::words::Shape;
use wgpu::Buffer;

/// Dispatches for a tile of one number of rows.
#[derive(Debug)]
pub(crate) struct Plan {
    /// For each layer.
    pub(crate) forward: Vec<Vec<Dispatch>>,
    /// What measures the edges of each layer, right behind its way forward; none where no penalty asks.
    pub(crate) activity: Vec<Vec<Dispatch>>,
    pub(crate) elements: Dispatch,
    pub(crate) entropy: Dispatch,
    pub(crate) backward: Vec<Dispatch>,
    /// The derivatives by the inputs of the network, and which of the turns has them.
    pub(crate) by_inputs: Dispatch,
    pub(crate) inputs_turn: usize,
}

/// What a plan is made of.
pub(crate) struct Planner<'a> {
    gpu: &'a Gpu,
    layers: &'a [Layer],
    control: &'a Buffer,
    penalty: Option<&'a Penalty>,
    work: &'a Work,
    rows: usize,
    /// Of each layer at so many rows.
    shapes: Vec<Buffer>,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(
        gpu: &'a Gpu,
        layers: &'a [Layer],
        control: &'a Buffer,
        penalty: Option<&'a Penalty>,
        work: &'a Work,
        rows: usize,
    ) -> Result<Self, GpuError> {
        let shapes = layers.iter().map(|layer| gpu.uniform("shape", &layer.geometry.shape(rows)));
        Ok(Self { gpu, layers, control, penalty, work, rows, shapes: shapes.collect::<Result<_, _>>()? })
    }

    pub(crate) fn plan(&self) -> Result<Plan, GpuError> {
        let layers = 0..self.layers.len();
        let forward = layers.clone().map(|index| self.forward(index)).collect::<Result<_, _>>()?;
        let activity = layers.clone().filter_map(|index| self.activity_of(index).map(|a| (index, a)));
        let activity = activity.map(|(index, a)| self.activity(index, a)).collect::<Result<_, _>>()?;
        let nodes = self.layers[layers.end - 1].geometry.nodes;
        let elements = self.loss(Kernel::Elements, self.rows * nodes)?;
        let entropy = self.loss(Kernel::Entropy, self.rows)?;
        let (mut backward, mut turn) = (Vec::new(), 0);
        for index in layers.rev() {
            turn = self.backward(index, turn, &mut backward)?;
            if index > 0 {
                backward.push(self.by_inputs(index, turn)?);
                turn = 1 - turn;
            }
        }
        let by_inputs = self.by_inputs(0, turn)?;
        Ok(Plan { forward, activity, elements, entropy, backward, by_inputs, inputs_turn: 1 - turn })
    }

    /// The dispatches that take a layer forward.
    fn forward(&self, index: usize) -> Result<Vec<Dispatch>, GpuError> {
        let Self { gpu, work, rows, .. } = *self;
        let (layer, shape) = (&self.layers[index], &self.shapes[index]);
        let g = &layer.geometry;
        let mut dispatches = vec![self.bases(index)?];
        let sums = work.sums[index].as_ref().unwrap_or(&work.nodes[index + 1]);
        let whole_sum = if g.forward_parts == 1 { sums } else { &work.parts };
        let bindings = [
            whole(shape),
            whole(&work.first),
            whole(&work.values),
            whole(&layer.coefficients),
            whole(whole_sum),
        ];
        dispatches.push(gpu.dispatch(g.forward_kernel(), &bindings, g.forward_groups(rows))?);
        if g.forward_parts > 1 {
            dispatches.push(self.add(sums, rows * g.sums, g.forward_parts, false)?);
        }
        if g.has_products() {
            let bindings = [whole(shape), whole(sums), whole(&layer.factors), whole(&work.nodes[index + 1])];
            dispatches.push(gpu.dispatch(Kernel::Products, &bindings, element_groups(rows * g.nodes))?);
        }
        Ok(dispatches)
    }

    fn activity_of(&self, index: usize) -> Option<&'a Activity> {
        self.penalty.and_then(|penalty| penalty.activities.get(index))
    }

    /// The dispatches that measure the edges of a layer whose bases are still there.
    fn activity(&self, index: usize, activity: &Activity) -> Result<Vec<Dispatch>, GpuError> {
        let Self { gpu, work, rows, .. } = *self;
        let layer = &self.layers[index];
        let g = &layer.geometry;
        let bindings = [
            whole(&self.shapes[index]),
            whole(self.control),
            whole(&work.first),
            whole(&work.values),
            whole(&layer.coefficients),
            whole(&work.weights),
            whole(&work.parts),
        ];
        let measure = gpu.dispatch(g.activity_kernel(), &bindings, g.coefficient_groups(rows))?;
        let add = self.add(&activity.means, g.edges(), g.gradient_parts(rows).0, true)?;
        Ok(vec![measure, add])
    }

    fn bases(&self, index: usize) -> Result<Dispatch, GpuError> {
        let Self { gpu, work, rows, .. } = *self;
        let layer = &self.layers[index];
        let bindings = [
            whole(&self.shapes[index]),
            whole(&work.nodes[index]),
            whole(&layer.tables),
            whole(&layer.table_of),
            whole(&work.first),
            whole(&work.values),
            whole(&work.slopes),
        ];
        let groups = element_groups(rows * layer.geometry.inputs);
        gpu.dispatch(layer.geometry.bases_kernel(), &bindings, groups)
    }

    fn loss(&self, kernel: Kernel, threads: usize) -> Result<Dispatch, GpuError> {
        let Self { gpu, work, .. } = *self;
        let last = self.layers.len() - 1;
        let bindings = [
            whole(&self.shapes[last]),
            whole(self.control),
            whole(&work.nodes[last + 1]),
            whole(&work.targets),
            whole(&work.weights),
            whole(&work.turns[0]),
            whole(&work.partials),
        ];
        gpu.dispatch(kernel, &bindings, element_groups(threads))
    }

    /// Adds up `count` numbers of so many parts.
    fn add(&self, to: &Buffer, count: usize, parts: usize, accumulate: bool) -> Result<Dispatch, GpuError> {
        let shape = Shape { count: count as u32, splits: parts as u32, ..Shape::default() };
        let shape = self.gpu.uniform("shape", &shape)?;
        let bindings = [whole(&shape), whole(self.control), whole(&self.work.parts), whole(to)];
        self.gpu.dispatch(Kernel::Add { accumulate }, &bindings, element_groups(count))
    }

    /// The dispatches from derivatives by a layer's nodes, in `turn`, to those by its coefficients. Returns the turn
    /// that has the derivatives by its sums.
    fn backward(&self, index: usize, mut turn: usize, to: &mut Vec<Dispatch>) -> Result<usize, GpuError> {
        let Self { gpu, work, rows, .. } = *self;
        let (layer, shape) = (&self.layers[index], &self.shapes[index]);
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
            to.push(gpu.dispatch(Kernel::ProductSlopes, &bindings, element_groups(rows * g.sums))?);
            turn = 1 - turn;
        }
        // Those of the last layer are still there.
        if index + 1 < self.layers.len() {
            to.push(self.bases(index)?);
        }
        let mut bindings = vec![
            whole(shape),
            whole(&work.first),
            whole(&work.values),
            whole(&work.turns[turn]),
            whole(&work.parts),
        ];
        bindings.extend(self.pulls(index, &layer.coefficients).into_iter().flatten());
        to.push(gpu.dispatch(g.coefficient_kernel(), &bindings, g.coefficient_groups(rows))?);
        to.push(self.add(&layer.slopes, g.coefficients(), g.gradient_parts(rows).0, true)?);
        Ok(turn)
    }

    fn by_inputs(&self, index: usize, turn: usize) -> Result<Dispatch, GpuError> {
        let Self { gpu, work, rows, .. } = *self;
        let layer = &self.layers[index];
        let mut bindings = vec![
            whole(&self.shapes[index]),
            whole(&work.first),
            whole(&work.slopes),
            whole(&layer.coefficients),
            whole(&work.turns[turn]),
            whole(&work.turns[1 - turn]),
        ];
        bindings.extend(self.pulls(index, &work.values).into_iter().flatten());
        gpu.dispatch(layer.geometry.input_kernel(), &bindings, layer.geometry.input_groups(rows))
    }

    /// What the kernels of the way back are given beside the rest where edges are penalised for what they do.
    fn pulls<'b>(&'b self, index: usize, last: &'b Buffer) -> Option<[wgpu::BindingResource<'b>; 4]> {
        let activity = self.activity_of(index)?;
        Some([whole(self.control), whole(&self.work.weights), whole(&activity.slopes), whole(last)])
    }
}
