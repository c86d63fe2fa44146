//! What the kernels reach of what the machine can do, as JSON: for layers of many shapes a whole step (outputs, gradients
//! of parameters and of inputs, with all that the library does around its kernels), in nominal multiply-adds: `k + 2`
//! each for outputs and coefficients and `k + 3` for inputs, for each edge and row, whatever the grid.
//!
//! `limit --seconds 0.3` measures each shape for so long; `--threads` is 1 unless given.
#![forbid(unsafe_code)]

use kanode_bench::timing::alternate;
use kanode_bench::{Arguments, BenchError, Mode, Task, peak};
use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::{Compile, Real};
use kanode_network::Specification;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::Duration;

/// Inputs, outputs, rows, grid intervals, degree.
const SHAPES: [[usize; 5]; 16] = [
    [784, 64, 64, 5, 3],
    [784, 64, 1024, 5, 3],
    [1000, 1000, 100, 5, 3],
    [64, 64, 4096, 5, 3],
    [64, 64, 4096, 50, 3],
    [64, 64, 4096, 500, 3],
    [64, 64, 4096, 5, 1],
    [64, 64, 4096, 5, 2],
    [64, 64, 4096, 5, 5],
    [64, 10, 1024, 5, 3],
    [784, 10, 200, 100, 3],
    [1000, 1, 1000, 5, 3],
    [2, 5, 1000, 5, 3],
    [5, 1, 1000, 5, 3],
    [2, 5, 1, 5, 3],
    [64, 64, 1, 5, 3],
];

fn main() -> ExitCode {
    match report() {
        Ok(report) => {
            println!("{report:#}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("limit: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report() -> Result<Value, BenchError> {
    let arguments = Arguments::of_process(&["seconds", "threads"])?;
    let budget = Duration::from_secs_f64(arguments.get("seconds", "a number", 0.2f64)?.clamp(0.0, 60.0));
    let threads = arguments.get("threads", "a whole number", 1)?;
    let (mut peaks, mut layers) = (Vec::new(), Vec::new());
    for (isa, level) in peak::levels() {
        let backend = CpuBackend::new(CpuOptions { threads: Some(threads), isa: Some(isa) })
            .map_err(|error| BenchError::Library(error.to_string()))?;
        let [single, double] = peak::multiply_adds(level);
        peaks.push(json!({ "isa": isa.name(), "f32": single, "f64": double }));
        for shape in SHAPES {
            layers.push(layer::<f32>("f32", shape, &backend, single, budget)?);
            layers.push(layer::<f64>("f64", shape, &backend, double, budget)?);
        }
    }
    Ok(json!({
        "threads": threads, "peakGigaMultiplyAdds": peaks, "copiedGigabytesPerSecond": peak::copied_bytes(),
        "layers": layers,
    }))
}

fn layer<T: Real>(
    dtype: &str,
    [inputs, outputs, rows, grid, degree]: [usize; 5],
    backend: &CpuBackend,
    peak: f64,
    budget: Duration,
) -> Result<Value, BenchError>
where
    CpuBackend: Compile<T>,
{
    let specification = Specification { grid, degree, ..Specification::of(&[inputs, outputs]) };
    let mut task = Task::<T>::new(specification, rows, backend)?;
    let [times] = alternate([&mut || task.run(Mode::Backward)], 5, budget);
    let nominal = (inputs * outputs * rows * (3 * degree + 7)) as f64;
    let rate = nominal / times.median() / 1e6;
    Ok(json!({
        "isa": backend.isa().name(), "dtype": dtype, "inputs": inputs, "outputs": outputs, "rows": rows,
        "grid": grid, "degree": degree, "medianMs": times.median(), "gigaMultiplyAdds": rate,
        "shareOfPeak": rate / peak / backend.threads() as f64,
    }))
}
