//! Does a fixed number of steps and prints nothing, for programs that count instructions:
//! `valgrind --tool=callgrind count --layers 64,64 --batch 256 --mode backward --steps 3`.
//!
//! One thread, f32 and the default grid; `KANODE_ISA` pins the instruction set.
#![forbid(unsafe_code)]

use kanode_bench::{Arguments, BenchError, Mode, Task};
use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_network::Specification;
use std::process::ExitCode;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("count: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), BenchError> {
    let arguments = Arguments::of_process(&["layers", "batch", "mode", "steps"])?;
    let specification = Specification::of(&arguments.numbers("layers", "64,64")?);
    let rows = arguments.get("batch", "a whole number", 256)?;
    let mode = arguments.get("mode", "predict, gradient, adam or backward", Mode::Adam)?;
    let steps = arguments.get("steps", "a whole number", 1)?;
    let backend = CpuBackend::new(CpuOptions { threads: Some(1), isa: None })
        .map_err(|error| BenchError::Library(error.to_string()))?;
    let mut task = Task::<f32>::new(specification, rows, &backend)?;
    (0..steps).for_each(|_| task.run(mode));
    Ok(())
}
