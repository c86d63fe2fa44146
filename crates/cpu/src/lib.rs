//! The fast CPU backend of the engine contract, for `f32` and `f64` from one source.
//!
//! [`CpuBackend`] chooses an instruction set and starts threads; its executors run the kernels. A layer with many
//! outputs has outputs as lanes of vectors: for each input node the samples of a block are sorted by the cell of the
//! spline they are in, so that the `k + 2` rows of coefficients that a cell needs stay in registers. A layer with few
//! outputs has samples as lanes. Neither stores anything of size rows × inputs × (G + k).
//!
//! Results depend on the arguments and the instruction set alone, bit for bit: how work is divided follows from
//! shapes, never from the number of threads, and partial sums are added in a fixed order.
#![deny(unsafe_code)]

mod backend;
mod buffer;
mod cells;
mod coefficients;
mod error;
mod executor;
mod fetch;
mod float;
mod isa;
mod layer;
mod lookup;
mod math;
mod moves;
mod pack;
mod partition;
mod plan;
mod pool;
mod products;
mod reach;
mod samples;
mod scratch;
mod simd;
mod slab;
mod small;
mod sort;
mod strips;
mod task;
mod tiled;
mod weights;

pub use backend::{CpuBackend, CpuOptions, ISA_VARIABLE, THREADS, THREADS_VARIABLE};
pub use error::CpuError;
pub use isa::Isa;
