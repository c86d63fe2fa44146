//! What computes: the processor, or a graphics processor where there is one and it was built in.

use crate::failure::Failure;
use crate::shared::{Held, backend};
use kanode_cpu::CpuBackend;
use kanode_engine::{Compile, Fallback, Program};
use napi_derive::napi;
use serde::Deserialize;
use serde_json::json;

#[cfg(feature = "gpu")]
mod gpu;
#[cfg(not(feature = "gpu"))]
#[path = "device/none.rs"]
mod gpu;

pub(crate) use gpu::GpuBackend;

/// Where to compute.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Device {
    /// On the processor.
    #[default]
    Cpu,
    /// On a graphics processor, or not at all.
    Gpu,
    /// Where it should be faster.
    Auto,
}

impl Device {
    pub(crate) fn parse(word: &str) -> Result<Self, Failure> {
        serde_json::from_value(json!(word)).map_err(|error| Failure::option(format!("device: {error}")))
    }
}

/// What is to be computed, for the choice of where.
#[derive(Clone, Copy, Debug)]
#[cfg_attr(not(feature = "gpu"), expect(dead_code, reason = "there is no choice"))]
pub(crate) struct Work {
    /// Rows of a call.
    pub(crate) rows: usize,
    /// Edges of the network.
    pub(crate) edges: usize,
    /// Edges that are formulas, which only the processor knows.
    pub(crate) has_functions: bool,
}

impl Work {
    pub(crate) fn of(program: &Program, rows: usize) -> Self {
        let edges = program.layers().iter().map(kanode_engine::Layer::edges).sum();
        Self { rows, edges, has_functions: program.has_functions() }
    }
}

/// A backend for a number type on a device; `threads` are those of the processor, 0 for the default number.
pub(crate) fn compiler<T: Held>(
    device: Device,
    threads: usize,
    work: Work,
) -> Result<Box<dyn Compile<T>>, Failure>
where
    CpuBackend: Compile<T>,
{
    let on_cpu = || Ok(Box::new(backend(threads)?) as Box<dyn Compile<T>>);
    match device {
        Device::Gpu if !T::ON_GPU => Err(Failure::option(
            "device: expected 'cpu' or 'auto' for a model of dtype 'f64', found 'gpu', whose numbers are 'f32'",
        )
        .with(json!({ "option": "device", "found": "gpu" }))),
        Device::Gpu => Ok(T::on_gpu(gpu::open()?)),
        Device::Auto if T::ON_GPU && !work.has_functions => match gpu::faster(work, threads) {
            Some(gpu) => Ok(Box::new(Fallback { first: T::on_gpu(gpu), second: on_cpu()? })),
            None => on_cpu(),
        },
        Device::Auto | Device::Cpu => on_cpu(),
    }
}

/// JSON of what went to and from the open graphics processor, and of the seconds that it says its last pass took, which
/// it times from the first call on; for benchmarks.
#[napi]
pub fn gpu_traffic() -> napi::Result<String> {
    crate::failure::guard(|| crate::describe::text(&gpu::traffic()?))
}

/// JSON of all adapters. This loads drivers.
#[napi]
pub fn adapters() -> napi::Result<String> {
    crate::failure::guard(|| crate::describe::text(&gpu::adapters()))
}
