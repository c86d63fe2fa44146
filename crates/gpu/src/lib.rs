//! The GPU backend of the engine contract, in `f32`, on wgpu: Vulkan, Metal and DirectX 12.
//!
//! [`Gpu`] is an open device, [`GpuBackend`] compiles programs for it. Its executors answer call by call; while it
//! trains, parameters and moments of Adam stay on the device, and a step is one submission with nothing read back.
//! Results depend on the arguments and the device alone, bit for bit: nothing is added atomically, and how work is
//! divided follows from shapes (`geometry`). No driver is loaded before an adapter is asked for.

#![deny(unsafe_code)]

mod adapter;
mod backend;
mod buffers;
mod device;
mod error;
mod executor;
mod geometry;
mod network;
mod penalty;
mod plan;
mod resident;
mod shader;
mod tables;
mod traffic;
mod transfer;
mod words;

pub use adapter::{AdapterChoice, AdapterDescription, AdapterKind, adapters};
pub use backend::GpuBackend;
pub use device::Gpu;
pub use error::GpuError;
pub use traffic::Traffic;
