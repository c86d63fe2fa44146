//! What the benchmark programs share: options of the command line, a network with its data, and timing.
//!
//! Programs print JSON; the npm scripts in `bench` start them and say what the numbers mean.
#![forbid(unsafe_code)]

pub mod arguments;
pub mod peak;
pub mod task;
pub mod timing;

pub use arguments::{Arguments, BenchError};
pub use task::{Mode, Task};
