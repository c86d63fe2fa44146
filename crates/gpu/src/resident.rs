//! Training with parameters and moments on the device: a step is one submission, and nothing is read back in it.

use crate::buffers::whole;
use crate::device::Dispatch;
use crate::error::GpuError;
use crate::geometry::element_groups;
use crate::network::Network;
use crate::shader::Kernel;
use crate::words::{Shape, Status};
use kanode_engine::{
    AdamRule, Batch, EngineError, Hold, Keep, Loss, Program, Resident, ResidentStart, ResidentStep,
};
use std::sync::Arc;
use wgpu::Buffer;

/// Training on a device.
#[derive(Debug)]
pub(crate) struct GpuResident {
    first: Buffer,
    second: Buffer,
    kept: Buffer,
    held: Buffer,
    /// What follows the gradient of coefficients in a step: the gradient, the verdict, Adam.
    update: Vec<Dispatch>,
    /// Steps queued since their outcomes were asked for.
    queued: usize,
    /// Last, so that its device outlives the buffers.
    network: Network,
}

impl GpuResident {
    /// Training from a start; None where a layer has too many edges for the penalty.
    pub(crate) fn new(
        mut network: Network,
        start: &ResidentStart<'_, f32>,
    ) -> Result<Option<Self>, EngineError> {
        let n = network.program().parameter_count();
        for (what, slab) in
            [("parameters", start.parameters), ("first moment", start.first), ("second moment", start.second)]
        {
            Program::check_length(what, n, slab.len())?;
        }
        if let Some(penalty) = start.penalty
            && !network.penalise(penalty)?
        {
            return Ok(None);
        }
        Ok(Some(Self::on(network, start)?))
    }

    fn on(network: Network, start: &ResidentStart<'_, f32>) -> Result<Self, GpuError> {
        let gpu = Arc::clone(&network.gpu);
        let n = network.program().parameter_count();
        let slab = |what| gpu.buffer(what, 4 * n as u64);
        let (first, second) = (slab("first moment")?, slab("second moment")?);
        let (kept, held) = (slab("kept parameters")?, slab("held parameters")?);
        gpu.upload(&network.parameters, start.parameters)?;
        gpu.upload(&first, start.first)?;
        gpu.upload(&second, start.second)?;
        gpu.upload(&network.status, &[Status::fresh(start.lowest)])?;
        let (groups, count) = network.squares_groups();
        let squares = gpu.buffer("partial sums", 4 * count as u64)?;
        let shape = gpu.uniform("shape", &Shape { count: n as u32, ..Shape::default() })?;
        let mut update = Vec::new();
        if !start.still.is_empty() {
            let indices: Vec<u32> = start.still.iter().map(|index| *index as u32).collect();
            let still = gpu.buffer("parameters that do not move", 4 * indices.len() as u64)?;
            gpu.upload(&still, &indices)?;
            let shape = gpu.uniform("shape", &Shape { count: indices.len() as u32, ..Shape::default() })?;
            let bindings = [whole(&shape), whole(&still), whole(&network.gradient)];
            update.push(gpu.dispatch(Kernel::Clear, &bindings, element_groups(indices.len()))?);
        }
        let (status, control) = (whole(&network.status), whole(&network.control));
        let bindings = [whole(&shape), whole(&network.gradient), status.clone(), whole(&squares)];
        update.push(gpu.dispatch(Kernel::Squares, &bindings, groups)?);
        let bindings = [control.clone(), whole(&squares), status.clone(), whole(&network.outcomes)];
        update.push(gpu.dispatch(Kernel::Judge, &bindings, [1, 1, 1])?);
        let bindings = [
            whole(&shape),
            control,
            whole(&network.gradient),
            status,
            whole(&network.parameters),
            whole(&first),
            whole(&second),
            whole(&kept),
        ];
        update.push(gpu.dispatch(Kernel::Adam, &bindings, element_groups(n))?);
        gpu.submit(network.pack())?;
        Ok(Self { network, first, second, kept, held, update, queued: 0 })
    }
}

impl Resident<f32> for GpuResident {
    fn capacity(&self) -> usize {
        Network::SLOTS
    }

    fn step(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, f32>,
        rule: &AdamRule<f32>,
        keep: Keep,
    ) -> Result<(), EngineError> {
        let Self { network, update, queued, .. } = self;
        if *queued == Network::SLOTS {
            return Err(EngineError::Length {
                what: "queued steps",
                expected: Network::SLOTS,
                found: *queued + 1,
            });
        }
        let squares = network.squares_groups().1;
        let control = network.control(loss, batch)?.with_step(rule, keep, *queued, squares);
        network.run(loss, batch, control, true, update)?;
        *queued += 1;
        Ok(())
    }

    fn outcomes(&mut self) -> Result<Vec<ResidentStep>, EngineError> {
        let mut words = vec![[0u32; 4]; self.queued];
        self.network.gpu.download(&self.network.outcomes, words.as_flattened_mut())?;
        self.queued = 0;
        let mut done = true;
        let steps = words.iter().map(|[loss, squares, faults, _]| {
            done &= *faults == 0;
            ResidentStep {
                loss: f32::from_bits(*loss).into(),
                gradient_norm: f64::from(f32::from_bits(*squares)).sqrt(),
                done,
            }
        });
        Ok(steps.collect())
    }

    fn read(
        &mut self,
        parameters: &mut [f32],
        first: &mut [f32],
        second: &mut [f32],
    ) -> Result<(), EngineError> {
        let gpu = &self.network.gpu;
        gpu.download(&self.network.parameters, parameters)?;
        gpu.download(&self.first, first)?;
        Ok(gpu.download(&self.second, second)?)
    }

    fn hold(&mut self, what: Hold) -> Result<(), EngineError> {
        let from = match what {
            Hold::Kept => &self.kept,
            Hold::Present => &self.network.parameters,
        };
        Ok(self.network.gpu.copy(from, &self.held)?)
    }

    fn held(&mut self, parameters: &mut [f32]) -> Result<(), EngineError> {
        Ok(self.network.gpu.download(&self.held, parameters)?)
    }

    fn loss(&mut self, loss: Loss, batch: &Batch<'_, f32>) -> Result<f64, EngineError> {
        let control = self.network.control(loss, batch)?;
        self.network.run(loss, batch, control, false, &[])?;
        Ok(self.network.read_loss(loss)?)
    }
}
