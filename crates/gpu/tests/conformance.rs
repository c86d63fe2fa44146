//! The GPU backend against the reference, on whatever adapter there is; llvmpipe will do.

mod common;

use common::gpu;
use kanode_engine::conformance::{self, Case, Placement};
use kanode_engine::reference::Reference;
use kanode_engine::{Base, Compile, Executor, Program};
use kanode_gpu::{Gpu, GpuBackend};
use kanode_spline::Outside;
use std::sync::Arc;

/// Largest difference from the oracle in `f64`, relative to the largest value.
const TOLERANCE: f64 = 2e-6;

fn layer(inputs: usize, outputs: usize, grid: usize, degree: usize, rows: usize) -> Case {
    Case {
        sizes: vec![inputs, outputs],
        products: Vec::new(),
        grid,
        degree,
        placement: Placement::Adaptive,
        outside: Outside::Linear,
        base: Base::Silu,
        rows,
    }
}

#[test]
fn every_case_agrees_with_the_reference() {
    let Some(gpu) = gpu() else { return };
    let backend = GpuBackend::new(gpu);
    for case in conformance::cases() {
        conformance::check_case::<f32>(&backend, &case, TOLERANCE);
    }
}

/// Derivatives by so many outputs.
fn slopes(count: usize) -> Vec<f32> {
    (0..count).map(|i| (i * 37 % 101) as f32 / 64.0 - 0.75).collect()
}

/// Outputs, gradient, and derivatives by the inputs of a layer.
fn answers(backend: &dyn Compile<f32>, layer: &Arc<Program>, parameters: &[f32], x: &[f32]) -> [Vec<f32>; 3] {
    let nodes = x.len() / layer.inputs() * layer.outputs();
    let dy = slopes(nodes);
    let mut executor = backend.compile(layer).unwrap();
    let (mut y, mut g, mut dx) = (vec![0.0; nodes], vec![0.0; parameters.len()], vec![0.0; x.len()]);
    executor.predict(parameters, x, &mut y).unwrap();
    executor.backward(parameters, x, &dy, &mut g, &mut dx).unwrap();
    [y, g, dx]
}

/// Largest difference of each of them, relative to the largest value.
fn apart(found: &[Vec<f32>; 3], expected: &[Vec<f32>; 3]) -> [f64; 3] {
    std::array::from_fn(|i| {
        let largest = expected[i].iter().fold(f64::MIN_POSITIVE, |most, e| most.max(f64::from(e.abs())));
        let differences = found[i].iter().zip(&expected[i]).map(|(f, e)| f64::from(*f) - f64::from(*e));
        differences.fold(0.0, |most: f64, difference| most.max(difference.abs())) / largest
    })
}

/// Layers behind others, each by itself, given the same numbers as the reference.
#[test]
fn every_layer_of_a_deep_network_agrees_with_the_reference_by_itself() {
    let Some(gpu) = gpu() else { return };
    let backend = GpuBackend::new(gpu);
    for case in conformance::cases().into_iter().filter(|case| case.sizes.len() > 2) {
        let program = case.program();
        let parameters = case.parameters::<f32>(&program);
        let mut x = case.inputs::<f32>();
        for (layer, range) in program.layers().iter().zip(program.ranges()) {
            let alone = Arc::new(Program::new(vec![layer.clone()]).unwrap());
            let parameters = &parameters[range];
            let found = answers(&backend, &alone, parameters, &x);
            let expected = answers(&Reference, &alone, parameters, &x);
            let apart = apart(&found, &expected);
            assert!(apart.iter().all(|worst| *worst <= TOLERANCE), "{case:?}: {apart:?}");
            x.clone_from(&expected[0]);
        }
    }
}

/// Both sides of the borders of output tiles, of parts of inputs, of columns in workgroup memory, and of parts of rows.
#[test]
fn layers_on_both_sides_of_every_border_agree_with_the_reference() {
    let Some(gpu) = gpu() else { return };
    let backend = GpuBackend::new(gpu);
    for degree in 1..=5 {
        for (inputs, outputs, grid, rows) in [
            (64, 64, 5, 33),
            (65, 63, 5, 64),
            (129, 2, 3, 31),
            (2, 65, 16 - degree, 32),
            (2, 5, 17 - degree, 257),
            (1, 1, 64 - degree, 1025),
            (3, 4, 65 - degree, 100),
            (2, 5, 129 - degree, 100),
            (2, 3, 1000, 200),
        ] {
            conformance::check_case::<f32>(&backend, &layer(inputs, outputs, grid, degree, rows), TOLERANCE);
        }
    }
    conformance::check_case::<f32>(&backend, &layer(600, 3, 2, 3, 9), TOLERANCE);
    conformance::check_case::<f32>(&backend, &layer(2, 4096, 2, 3, 3), TOLERANCE);
    conformance::check_case::<f32>(&backend, &layer(2, 3, 4096, 3, 100), TOLERANCE);
    conformance::check_case::<f32>(&backend, &layer(1, 2, 4096, 5, 3000), TOLERANCE);
}

#[test]
fn shaders_that_check_every_index_agree_with_the_reference() {
    if gpu().is_none() {
        return;
    }
    let backend = GpuBackend::new(Gpu::open_checked(&common::CHOICE).unwrap());
    for case in conformance::cases().into_iter().filter(|case| !case.products.is_empty() || case.rows > 100) {
        conformance::check_case::<f32>(&backend, &case, TOLERANCE);
    }
}

#[test]
fn tiles_add_up_to_the_batch() {
    let Some(gpu) = gpu() else { return };
    for rows_at_once in [1, 32, 100] {
        let backend = GpuBackend::new(gpu.clone()).with_rows_at_once(rows_at_once);
        for rows in [1, 99, 100, 101, 200] {
            let mut case = layer(3, 4, 5, 3, rows);
            if rows_at_once == 1 {
                case.rows = case.rows.min(99);
            }
            conformance::check_case::<f32>(&backend, &case, TOLERANCE);
            let deep = Case { sizes: vec![3, 5, 2], products: vec![vec![2, 2], vec![]], ..case };
            conformance::check_case::<f32>(&backend, &deep, TOLERANCE);
        }
    }
}

/// More workgroups than a dimension holds: the last rows against the reference.
#[test]
fn dispatches_in_two_dimensions_agree_with_the_reference() {
    let Some(gpu) = gpu() else { return };
    let (inputs, tail) = (600, 100);
    let case = Case { base: Base::Zero, ..layer(inputs, 1, 1, 1, 30_000) };
    let program = case.program();
    let (x, parameters) = (case.inputs::<f32>(), case.parameters::<f32>(&program));
    let [y, _, dx] = answers(&GpuBackend::new(gpu), &program, &parameters, &x);
    let (from, dy) = (case.rows - tail, slopes(case.rows));
    let x = &x[from * inputs..];
    let mut oracle: Box<dyn Executor<f32>> = Reference.compile(&program).unwrap();
    let (mut expected_y, mut expected_dx) = (vec![0.0; tail], vec![0.0; x.len()]);
    oracle.predict(&parameters, x, &mut expected_y).unwrap();
    oracle.backward(&parameters, x, &dy[from..], &mut vec![0.0; parameters.len()], &mut expected_dx).unwrap();
    let found = [y[from..].to_vec(), Vec::new(), dx[from * inputs..].to_vec()];
    let apart = apart(&found, &[expected_y, Vec::new(), expected_dx]);
    assert!(apart.iter().all(|worst| *worst <= TOLERANCE), "{apart:?}");
}

#[test]
fn f64_programs_are_refused() {
    let Some(gpu) = gpu() else { return };
    let program = layer(1, 1, 3, 3, 1).program();
    let refused = kanode_engine::Compile::<f64>::compile(&GpuBackend::new(gpu), &program).err();
    assert_eq!(
        refused.map(|error| error.to_string()),
        Some("gpu: shaders have no numbers of 64 bits".to_owned())
    );
}
