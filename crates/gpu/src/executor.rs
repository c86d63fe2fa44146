//! Answers call by call: parameters go up, results come down. Batches longer than a tile are done tile by tile.

use crate::device::Dispatch;
use crate::error::{BACKEND, GpuError};
use crate::geometry::ITERATIONS;
use crate::network::{Network, Reach};
use crate::resident::GpuResident;
use crate::words::{Control, Status};
use kanode_engine::{Batch, EngineError, Executor, LayerStatistics, Loss, Program, Resident, ResidentStart};
use std::sync::Arc;

/// A program made ready on a device.
#[derive(Debug)]
pub(crate) struct GpuExecutor {
    network: Network,
    /// The parameters that the device has.
    uploaded: Vec<f32>,
}

impl GpuExecutor {
    pub(crate) fn new(network: Network) -> Self {
        Self { network, uploaded: Vec::new() }
    }

    /// Checks the arguments that every call has, and brings the parameters to the device. Returns the number of rows.
    fn begin(&mut self, parameters: &[f32], x: &[f32]) -> Result<usize, EngineError> {
        let program = self.network.program();
        Program::check_length("parameters", program.parameter_count(), parameters.len())?;
        let rows = x.len() / program.inputs();
        Program::check_length("x", rows * program.inputs(), x.len())?;
        let same = |(a, b): (&f32, &f32)| a.to_bits() == b.to_bits();
        let known = self.uploaded.len() == parameters.len() && self.uploaded.iter().zip(parameters).all(same);
        if !known {
            self.uploaded.clear();
            let gpu = &self.network.gpu;
            gpu.upload(&self.network.parameters, parameters)?;
            gpu.submit(self.network.pack())?;
            self.uploaded.extend_from_slice(parameters);
        }
        Ok(rows)
    }

    /// Takes rows without targets forward, and shows each tile to `visit`, with its first row and the number of them.
    fn each_tile(
        &mut self,
        x: &[f32],
        rows: usize,
        mut visit: impl FnMut(&Network, usize, usize) -> Result<(), GpuError>,
    ) -> Result<(), GpuError> {
        let batch = Batch { x, targets: &[], weights: None, rows };
        for (from, to) in tiles(rows, self.network.tile()) {
            self.network.prepare(to - from)?;
            self.network.load(&batch, from, to, None)?;
            self.network.gpu.submit(self.network.tile_dispatches(to - from, Reach::Outputs)?)?;
            visit(&self.network, from, to - from)?;
        }
        Ok(())
    }
}

/// The tiles of `rows`: first row, and the row after the last.
pub(crate) fn tiles(rows: usize, tile: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..rows).step_by(tile).map(move |from| (from, rows.min(from + tile)))
}

impl Network {
    /// Takes a batch to its loss, and if `gradient` to that of its parameters; then does the `update`, if there is one,
    /// and makes coefficients of what it left. A batch that is one tile is one submission.
    pub(crate) fn run(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, f32>,
        control: Control,
        gradient: bool,
        update: &[Dispatch],
    ) -> Result<(), GpuError> {
        if !gradient {
            return self.sweep(loss, batch, control, Reach::Loss(loss), &[]);
        }
        let control = Control { penalties: self.penalty().map_or(0, |penalty| penalty.partials), ..control };
        let measures = self.penalty().is_some_and(|penalty| !penalty.balance.is_empty());
        if measures && batch.rows > self.tile() {
            // How an edge is pulled at depends on all rows.
            self.sweep(loss, batch, control, Reach::Activity(loss), &[])?;
            return self.sweep(loss, batch, control, Reach::Again(loss), update);
        }
        self.sweep(loss, batch, control, Reach::Gradient(loss), update)
    }

    /// Takes all tiles of a batch as far as told; behind the last of them comes what needs no rows.
    fn sweep(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, f32>,
        control: Control,
        reach: Reach,
        update: &[Dispatch],
    ) -> Result<(), GpuError> {
        for (from, to) in tiles(batch.rows, self.tile()) {
            self.prepare(to - from)?;
            self.load(batch, from, to, None)?;
            let partials = self.partials(to - from, loss) as u32;
            self.gpu.upload(&self.control, &[Control { first: (from == 0).into(), partials, ..control }])?;
            let mut dispatches = self.tile_dispatches(to - from, reach)?;
            if to == batch.rows {
                match reach {
                    Reach::Activity(_) => dispatches.extend(self.penalty().iter().flat_map(|p| &p.balance)),
                    Reach::Gradient(_) | Reach::Again(_) => {
                        dispatches.extend(self.penalty().iter().flat_map(|p| &p.forms));
                        dispatches.extend(self.unpack());
                        dispatches.extend(update);
                        dispatches.extend(if update.is_empty() { &[] } else { self.pack() });
                    }
                    Reach::Outputs | Reach::Loss(_) | Reach::Products => {}
                }
            }
            self.gpu.submit(dispatches)?;
        }
        Ok(())
    }

    /// The loss of the batch run last.
    pub(crate) fn read_loss(&self, loss: Loss) -> Result<f64, GpuError> {
        let mut value = [0.0f32];
        self.gpu.download(&self.status, &mut value)?;
        let value = f64::from(value[0]);
        Ok(if loss == Loss::Rmse { value.sqrt() } else { value })
    }

    /// Checks a batch, and says what its loss needs to know.
    pub(crate) fn control(&self, loss: Loss, batch: &Batch<'_, f32>) -> Result<Control, EngineError> {
        let outputs = self.program().outputs();
        Program::check_length("x", batch.rows * self.program().inputs(), batch.x.len())?;
        if loss == Loss::CrossEntropy && !self.has_softmax() {
            let reason = format!("cross-entropy of {outputs} classes; {} would fit", ITERATIONS / 4);
            return Err(EngineError::Unsupported { backend: BACKEND, reason });
        }
        let (width, total) = loss.check(outputs, batch)?;
        Ok(Control::of_loss(loss, outputs, width, total, batch.weights.is_some()))
    }
}

impl Executor<f32> for GpuExecutor {
    fn predict(&mut self, parameters: &[f32], x: &[f32], y: &mut [f32]) -> Result<(), EngineError> {
        let rows = self.begin(parameters, x)?;
        let outputs = self.network.program().outputs();
        Program::check_length("outputs", rows * outputs, y.len())?;
        let layers = self.network.program().layers().len();
        self.each_tile(x, rows, |network, from, count| {
            network.read_nodes(layers, &mut y[from * outputs..(from + count) * outputs])
        })?;
        Ok(())
    }

    fn loss(&mut self, loss: Loss, parameters: &[f32], batch: &Batch<'_, f32>) -> Result<f64, EngineError> {
        let control = self.network.control(loss, batch)?;
        self.begin(parameters, batch.x)?;
        self.network.run(loss, batch, control, false, &[])?;
        Ok(self.network.read_loss(loss)?)
    }

    fn loss_and_gradient(
        &mut self,
        loss: Loss,
        parameters: &[f32],
        batch: &Batch<'_, f32>,
        gradient: &mut [f32],
    ) -> Result<f64, EngineError> {
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        let control = self.network.control(loss, batch)?;
        self.begin(parameters, batch.x)?;
        let network = &mut self.network;
        network.run(loss, batch, control, true, &[])?;
        network.gpu.download(&network.gradient, gradient)?;
        Ok(network.read_loss(loss)?)
    }

    fn backward(
        &mut self,
        parameters: &[f32],
        x: &[f32],
        dy: &[f32],
        gradient: &mut [f32],
        dx: &mut [f32],
    ) -> Result<(), EngineError> {
        Program::check_length("gradient", parameters.len(), gradient.len())?;
        Program::check_length("dx", x.len(), dx.len())?;
        let rows = self.begin(parameters, x)?;
        let program = Arc::clone(self.network.program());
        Program::check_length("dy", rows * program.outputs(), dy.len())?;
        if rows == 0 {
            gradient.fill(0.0);
            return Ok(());
        }
        let network = &mut self.network;
        network.gpu.upload(&network.status, &[Status::fresh(None)])?;
        let batch = Batch { x, targets: &[], weights: None, rows };
        for (from, to) in tiles(rows, network.tile()) {
            network.prepare(to - from)?;
            network.load(&batch, from, to, Some(dy))?;
            network
                .gpu
                .upload(&network.control, &[Control { first: (from == 0).into(), ..Control::default() }])?;
            network.gpu.submit(network.tile_dispatches(to - from, Reach::Products)?)?;
            network.read_by_inputs(to - from, &mut dx[from * program.inputs()..to * program.inputs()])?;
        }
        network.gpu.submit(network.unpack())?;
        network.gpu.download(&network.gradient, gradient)?;
        Ok(())
    }

    fn resident(
        &mut self,
        start: &ResidentStart<'_, f32>,
    ) -> Result<Option<Box<dyn Resident<f32>>>, EngineError> {
        let resident = GpuResident::new(self.network.another()?, start)?;
        Ok(resident.map(|resident| Box::new(resident) as Box<dyn Resident<f32>>))
    }

    fn statistics(&mut self, parameters: &[f32], x: &[f32]) -> Result<Vec<LayerStatistics>, EngineError> {
        let rows = self.begin(parameters, x)?;
        let program = Arc::clone(self.network.program());
        let mut statistics: Vec<_> = program.layers().iter().map(LayerStatistics::none).collect();
        let mut nodes = Vec::new();
        self.each_tile(x, rows, |network, _, count| {
            for (index, (layer, statistics)) in program.layers().iter().zip(&mut statistics).enumerate() {
                nodes.resize(count * layer.inputs, 0.0f32);
                network.read_nodes(index, &mut nodes)?;
                for row in nodes.chunks_exact(layer.inputs) {
                    for ((x, input), spline) in row.iter().zip(&mut statistics.inputs).zip(&layer.splines) {
                        input.observe(spline.domain(), f64::from(*x));
                    }
                }
            }
            Ok(())
        })?;
        Ok(statistics)
    }
}
