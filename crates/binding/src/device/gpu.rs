//! The graphics processor of this process: opened when it is first asked for, and again after it was lost.

use super::Work;
use crate::failure::Failure;
use crate::shared::backend;
use crate::threads::lock;
use kanode_engine::Speed;
pub(crate) use kanode_gpu::GpuBackend;
use kanode_gpu::{AdapterChoice, Gpu, GpuError};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, OnceLock};

/// Environment variable that names an adapter; a software adapter is only taken if it is named.
const ADAPTER_VARIABLE: &str = "KANODE_ADAPTER";

static OPEN: Mutex<Option<Arc<Gpu>>> = Mutex::new(None);

/// A backend on the device of this process.
pub(crate) fn open() -> Result<GpuBackend, Failure> {
    let mut open = lock(&OPEN);
    if let Some(gpu) = open.as_ref().filter(|gpu| !gpu.is_lost()) {
        return Ok(GpuBackend::new(Arc::clone(gpu)));
    }
    let name = std::env::var(ADAPTER_VARIABLE).ok().filter(|name| !name.is_empty());
    let gpu = Gpu::open(&AdapterChoice { software: name.is_some(), name })?;
    *open = Some(Arc::clone(&gpu));
    Ok(GpuBackend::new(gpu))
}

/// A backend on that device, if there is one and it should be faster than so many threads of the processor: by a
/// measurement of each, once in a process.
pub(crate) fn faster(work: Work, threads: usize) -> Option<GpuBackend> {
    static GPU: OnceLock<Option<Speed>> = OnceLock::new();
    static CPU: Mutex<BTreeMap<usize, Option<Speed>>> = Mutex::new(BTreeMap::new());
    let gpu = (*GPU.get_or_init(|| Speed::measure(&open().ok()?).ok()))?;
    let measure = || Speed::measure(&backend(threads).ok()?).ok();
    let cpu = (*lock(&CPU).entry(threads).or_insert_with(measure))?;
    let Work { rows, edges, .. } = work;
    if gpu.seconds(rows, edges) < cpu.seconds(rows, edges) { open().ok() } else { None }
}

/// Counters of the open device.
pub(crate) fn traffic() -> Result<Value, Failure> {
    let backend = open()?;
    let gpu = backend.gpu();
    let traffic = gpu.traffic();
    let seconds = gpu.pass_seconds()?;
    if seconds.is_none() {
        gpu.start_timing()?;
    }
    Ok(json!({
        "submissions": traffic.submissions,
        "dispatches": traffic.dispatches,
        "uploaded": traffic.uploaded,
        "downloaded": traffic.downloaded,
        "readbacks": traffic.readbacks,
        "passSeconds": seconds,
    }))
}

/// What there is.
pub(crate) fn adapters() -> Value {
    let describe = |adapter: kanode_gpu::AdapterDescription| {
        json!({
            "name": adapter.name,
            "type": adapter.kind.name(),
            "api": adapter.api,
            "driver": adapter.driver,
            "limits": { "bindingBytes": adapter.largest_binding, "bufferBytes": adapter.largest_buffer },
            "timestamps": adapter.timestamps,
        })
    };
    kanode_gpu::adapters().into_iter().map(describe).collect()
}

impl From<GpuError> for Failure {
    fn from(error: GpuError) -> Self {
        let kind = match &error {
            GpuError::NoAdapter => "none",
            GpuError::Software { .. } => "software",
            GpuError::UnknownAdapter { .. } => "name",
            GpuError::Refused { .. } => "refused",
            GpuError::Lost { .. } => "lost",
            GpuError::Memory { .. } | GpuError::Limit { .. } | GpuError::Internal { .. } => {
                return kanode_engine::EngineError::from(error).into();
            }
        };
        Self::new("ERR_KAN_DEVICE", error.to_string()).with(json!({ "kind": kind }))
    }
}
