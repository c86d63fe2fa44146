//! An open device for tests, or word of its absence; a network to train on it.
#![allow(dead_code, reason = "each test program uses some of it")]

use kanode_engine::conformance::{Case, Placement};
use kanode_engine::{
    AdamRule, Base, Compile, EngineError, Executor, Penalty, Program, Resident, ResidentStart,
};
use kanode_gpu::{AdapterChoice, Gpu, GpuBackend, GpuError};
use kanode_spline::Outside;
use std::io::Write;
use std::sync::Arc;

/// The best adapter, on Linux a software one too; Windows has one that nobody has tried this on.
pub(crate) const CHOICE: AdapterChoice = AdapterChoice { software: cfg!(target_os = "linux"), name: None };

/// The best adapter; None, and a line that says so, where there is none.
///
/// # Panics
/// If there is one that can't be opened.
pub(crate) fn gpu() -> Option<Arc<Gpu>> {
    match Gpu::open(&CHOICE) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter | GpuError::Software { .. }) => {
            skip();
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Says that the test of this thread is skipped.
///
/// # Panics
/// If `KANODE_REQUIRE_VULKAN` is 1: where a driver was installed for the tests, its absence is a failure.
pub(crate) fn skip() {
    let required = std::env::var_os("KANODE_REQUIRE_VULKAN").is_some_and(|value| value == "1");
    assert!(!required, "no Vulkan adapter, but KANODE_REQUIRE_VULKAN=1");
    // Not by a macro, whose lines the harness would keep to itself: scripts/counts.mjs counts these.
    let thread = std::thread::current();
    let name = thread.name().unwrap_or("a test");
    writeln!(std::io::stdout(), "skipped: no Vulkan adapter for {name}").expect("stdout is open");
}

/// A network with a hidden layer.
pub(crate) fn network(rows: usize) -> Case {
    Case {
        sizes: vec![6, 10, 2],
        products: Vec::new(),
        grid: 5,
        degree: 3,
        placement: Placement::Clamped,
        outside: Outside::Linear,
        base: Base::Silu,
        rows,
    }
}

/// Training on a device from such parameters, with no moments yet.
pub(crate) fn resident(
    backend: &GpuBackend,
    program: &Arc<Program>,
    parameters: &[f32],
    still: &[usize],
    penalty: Option<&Penalty>,
) -> Result<Box<dyn Resident<f32>>, EngineError> {
    let mut executor: Box<dyn Executor<f32>> = backend.compile(program)?;
    let zeros = vec![0.0; parameters.len()];
    let start = ResidentStart { parameters, first: &zeros, second: &zeros, still, lowest: None, penalty };
    Ok(executor.resident(&start)?.expect("a device keeps parameters, and penalties have kernels"))
}

/// Step number `step`, from 1, of Adam.
pub(crate) fn rule(step: i32) -> AdamRule<f32> {
    AdamRule {
        first: [0.9, 0.1],
        second: [0.999, 0.001],
        epsilon: 1e-8,
        keep: 1.0,
        rate: (0.01 / (1.0 - 0.9f64.powi(step))) as f32,
        scale: (1.0 / (1.0 - 0.999f64.powi(step))) as f32,
    }
}
