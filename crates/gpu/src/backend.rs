//! The backend: an open device that compiles programs.

use crate::device::Gpu;
use crate::error::BACKEND;
use crate::executor::GpuExecutor;
use crate::network::Network;
use kanode_engine::{Backend, Compile, EngineError, Executor, Program};
use std::sync::Arc;

/// Runs programs on an open device.
#[derive(Clone, Debug)]
pub struct GpuBackend {
    gpu: Arc<Gpu>,
    rows_at_once: usize,
}

impl GpuBackend {
    /// A backend on this device, which others may use too.
    pub fn new(gpu: Arc<Gpu>) -> Self {
        Self { gpu, rows_at_once: usize::MAX }
    }

    /// The same, with batches done in tiles of at most so many rows, at least 1: less memory, and as many submissions as
    /// tiles. Sums over more tiles may differ in the last digits.
    pub fn with_rows_at_once(self, rows: usize) -> Self {
        Self { rows_at_once: rows.max(1), ..self }
    }

    /// The device.
    pub fn gpu(&self) -> &Arc<Gpu> {
        &self.gpu
    }
}

impl Backend for GpuBackend {
    fn name(&self) -> String {
        format!("gpu, {} ({})", self.gpu.adapter().name, self.gpu.adapter().api)
    }
}

impl Compile<f32> for GpuBackend {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<f32>>, EngineError> {
        if program.has_functions() {
            let reason =
                "edges of the network are formulas, which its shaders do not know; device 'cpu' does"
                    .to_owned();
            return Err(EngineError::Unsupported { backend: BACKEND, reason });
        }
        Ok(Box::new(GpuExecutor::new(Network::new(&self.gpu, program, self.rows_at_once)?)))
    }
}

impl Compile<f64> for GpuBackend {
    fn compile(&self, _: &Arc<Program>) -> Result<Box<dyn Executor<f64>>, EngineError> {
        let reason = "shaders have no numbers of 64 bits".to_owned();
        Err(EngineError::Unsupported { backend: BACKEND, reason })
    }
}
