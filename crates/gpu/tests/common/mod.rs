//! An open device for tests, or word of its absence.

use kanode_gpu::{AdapterChoice, Gpu, GpuError};
use std::io::Write;
use std::sync::Arc;

/// The best adapter, a software one too; None, and a line that says so, where there is none.
///
/// # Panics
/// If there is one that can't be opened.
pub(crate) fn gpu() -> Option<Arc<Gpu>> {
    match Gpu::open(&AdapterChoice { software: true, name: None }) {
        Ok(gpu) => Some(gpu),
        Err(GpuError::NoAdapter) => {
            // Not by a macro, whose lines the harness would keep to itself: scripts/counts.mjs counts these.
            let thread = std::thread::current();
            let name = thread.name().unwrap_or("a test");
            writeln!(std::io::stderr(), "skipped: no Vulkan adapter for {name}").expect("stderr is open");
            None
        }
        Err(error) => panic!("{error}"),
    }
}
