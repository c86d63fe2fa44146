//! What the kernels reach of what the machine can do, as JSON: for layers of many shapes a whole step (outputs, gradients
//! of parameters and of inputs, with all that the library does around its kernels), in nominal multiply-adds: `k + 2`
//! each for outputs and coefficients and `k + 3` for inputs, for each edge and row, whatever the grid.
//!
//! All that is on one thread. What more threads gain is measured with the best instruction set, both in turns.
//!
//! `limit --seconds 0.3` measures each shape for so long; `--threads` is as many as the process may use unless given.
#![forbid(unsafe_code)]

use kanode_bench::timing::alternate;
use kanode_bench::{Arguments, BenchError, Mode, Task, peak};
use kanode_cpu::{CpuBackend, CpuOptions, Isa};
use kanode_engine::{Compile, Real};
use kanode_network::Specification;
use serde_json::{Value, json};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Seconds, more or less, for which one number of threads is timed before the other.
const STRETCH: f64 = 0.03;

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
    let threads =
        arguments.text("threads").map(|_| arguments.get("threads", "a whole number", 1)).transpose()?;
    let (mut peaks, mut layers) = (Vec::new(), Vec::new());
    for (isa, level) in peak::levels() {
        let backend = backend(Some(1), Some(isa))?;
        let [single, double] = peak::multiply_adds(level);
        peaks.push(json!({ "isa": isa.name(), "f32": single, "f64": double }));
        for shape in SHAPES {
            layers.push(layer::<f32>("f32", shape, &backend, single, budget)?);
            layers.push(layer::<f64>("f64", shape, &backend, double, budget)?);
        }
    }
    let (one, all) = (backend(Some(1), None)?, backend(threads, None)?);
    let gains =
        SHAPES.map(|shape| gain(shape, [&one, &all], budget)).into_iter().collect::<Result<Vec<_>, _>>()?;
    Ok(json!({
        "threads": all.threads(), "peakGigaMultiplyAdds": peaks, "copiedGigabytesPerSecond": peak::copied_bytes(),
        "layers": layers, "gains": gains,
    }))
}

fn backend(threads: Option<usize>, isa: Option<Isa>) -> Result<CpuBackend, BenchError> {
    CpuBackend::new(CpuOptions { threads, isa }).map_err(|error| BenchError::Library(error.to_string()))
}

/// What a layer gains from threads, in `f32`.
fn gain(shape: [usize; 5], backends: [&CpuBackend; 2], budget: Duration) -> Result<Value, BenchError> {
    let [mut one, mut all] = [task::<f32>(shape, backends[0])?, task::<f32>(shape, backends[1])?];
    // At a stretch: threads that waited for the other's calls would have to be woken for each.
    let start = Instant::now();
    one.run(Mode::Backward);
    let calls = (STRETCH / start.elapsed().as_secs_f64()).ceil().max(1.0) as usize;
    let mut run_one = || (0..calls).for_each(|_| one.run(Mode::Backward));
    let mut run_all = || (0..calls).for_each(|_| all.run(Mode::Backward));
    let times = alternate([&mut run_one, &mut run_all], 5, budget);
    let [one, all] = times.map(|times| times.median() / calls as f64);
    let [inputs, outputs, rows, grid, degree] = shape;
    Ok(json!({
        "inputs": inputs, "outputs": outputs, "rows": rows, "grid": grid, "degree": degree,
        "oneThreadMs": one, "allThreadsMs": all, "gain": one / all,
    }))
}

fn task<T: Real>(shape: [usize; 5], backend: &CpuBackend) -> Result<Task<T>, BenchError>
where
    CpuBackend: Compile<T>,
{
    let [inputs, outputs, rows, grid, degree] = shape;
    let specification = Specification { grid, degree, ..Specification::of(&[inputs, outputs]) };
    Task::new(specification, rows, backend)
}

fn layer<T: Real>(
    dtype: &str,
    shape: [usize; 5],
    backend: &CpuBackend,
    peak: f64,
    budget: Duration,
) -> Result<Value, BenchError>
where
    CpuBackend: Compile<T>,
{
    let mut task = task::<T>(shape, backend)?;
    let [times] = alternate([&mut || task.run(Mode::Backward)], 5, budget);
    let [inputs, outputs, rows, grid, degree] = shape;
    let nominal = (inputs * outputs * rows * (3 * degree + 7)) as f64;
    let rate = nominal / times.median() / 1e6;
    Ok(json!({
        "isa": backend.isa().name(), "dtype": dtype, "inputs": inputs, "outputs": outputs, "rows": rows,
        "grid": grid, "degree": degree, "medianMs": times.median(), "gigaMultiplyAdds": rate,
        "shareOfPeak": rate / peak,
    }))
}
