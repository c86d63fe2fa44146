//! Times one thing on one network and prints one line of JSON:
//! `step --layers 784,64,10 --batch 64 --grid 5 --dtype f32 --threads 2 --mode adam --repeat 100`.
//!
//! Modes are `predict`, `gradient`, `adam` and `backward`; times are milliseconds of a call. All options have defaults;
//! `--degree`, `--isa` and `--seconds` (the least time to measure for) may be added.
#![forbid(unsafe_code)]

use kanode_bench::timing::{Times, alternate};
use kanode_bench::{Arguments, BenchError, Mode, Task};
use kanode_cpu::{CpuBackend, CpuOptions, Isa};
use kanode_engine::{Compile, Real};
use kanode_network::Specification;
use serde_json::json;
use std::process::ExitCode;
use std::time::Duration;

const OPTIONS: [&str; 10] =
    ["layers", "batch", "grid", "degree", "dtype", "threads", "isa", "mode", "repeat", "seconds"];

fn main() -> ExitCode {
    match report() {
        Ok(line) => {
            println!("{line}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("step: {error}");
            ExitCode::FAILURE
        }
    }
}

fn report() -> Result<serde_json::Value, BenchError> {
    let arguments = Arguments::of_process(&OPTIONS)?;
    let number = |name, default| arguments.get(name, "a whole number", default);
    let specification = Specification {
        layers: arguments.numbers("layers", "2,5,1")?,
        grid: number("grid", 5)?,
        degree: number("degree", 3)?,
        ..Specification::default()
    };
    let (rows, repeat) = (number("batch", 1000)?, number("repeat", 100)?);
    let mode_name = arguments.text("mode").unwrap_or("adam");
    let mode = arguments.get("mode", "predict, gradient, adam or backward", Mode::Adam)?;
    let seconds = arguments.get("seconds", "a number", 0.5)?;
    let options = CpuOptions {
        threads: arguments.text("threads").map(|_| number("threads", 1)).transpose()?,
        isa: arguments.text("isa").map(str::parse::<Isa>).transpose().map_err(library)?,
    };
    let backend = CpuBackend::new(options).map_err(library)?;
    let dtype = arguments.text("dtype").unwrap_or("f32");
    let timed = Timed { specification: &specification, rows, mode, repeat, seconds };
    let (times, parameters) = match dtype {
        "f32" => timed.run::<f32>(&backend)?,
        "f64" => timed.run::<f64>(&backend)?,
        _ => {
            let found = dtype.to_owned();
            return Err(BenchError::Value { name: "dtype".to_owned(), expected: "f32 or f64", found });
        }
    };
    Ok(json!({
        "layers": specification.layers, "batch": rows, "grid": specification.grid,
        "degree": specification.degree, "dtype": dtype, "threads": backend.threads(),
        "isa": backend.isa().name(), "mode": mode_name, "repeat": times.count(), "parameters": parameters,
        "medianMs": times.median(), "leastMs": times.least(),
    }))
}

fn library(error: impl std::fmt::Display) -> BenchError {
    BenchError::Library(error.to_string())
}

struct Timed<'a> {
    specification: &'a Specification,
    rows: usize,
    mode: Mode,
    repeat: usize,
    seconds: f64,
}

impl Timed<'_> {
    fn run<T: Real>(&self, backend: &CpuBackend) -> Result<(Times, usize), BenchError>
    where
        CpuBackend: Compile<T>,
    {
        let mut task = Task::<T>::new(self.specification.clone(), self.rows, backend)?;
        let budget = Duration::from_secs_f64(self.seconds.clamp(0.0, 3600.0));
        let [times] = alternate([&mut || task.run(self.mode)], self.repeat, budget);
        Ok((times, task.parameter_count()))
    }
}
