//! A step allocates nothing once its buffers are there.

use cap::Cap;
use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::conformance::{Case, Placement};
use kanode_engine::{AdamRule, AdamSlabs, Base, Batch, Compile, Descent, Executor, Loss};
use kanode_spline::Outside;
use std::alloc::System;

#[global_allocator]
static ALLOCATOR: Cap<System> = Cap::new(System, usize::MAX);

/// One test, because the count is of the whole process.
#[test]
fn a_step_allocates_nothing_and_with_threads_next_to_nothing() {
    for (sizes, grid, rows) in [
        (&[2, 5, 1][..], 5, 1000),
        (&[784, 64, 10], 5, 64),
        (&[64, 64, 64], 50, 1000),
        (&[40, 1], 5, 1),
        (&[130, 1000, 1], 5, 20),
    ] {
        let (sizes, products) = (sizes.to_vec(), Vec::new());
        let (placement, outside, base) = (Placement::Clamped, Outside::Linear, Base::Silu);
        let case = Case { sizes, products, grid, degree: 3, placement, outside, base, rows };
        // With more threads than cores, some get their first task late.
        for threads in [1, 2, 8] {
            let found = allocated_by_steps(&case, threads, 50);
            // The queue of the pool takes a block of memory for every 60 messages or so.
            let allowed = (threads - 1) * 50 * 1024;
            assert!(found <= allowed, "{case:?}, {threads} threads: {found} bytes");
        }
    }
}

/// Bytes allocated by so many steps of Adam, each with a prediction, after two to begin with.
fn allocated_by_steps(case: &Case, threads: usize, steps: usize) -> usize {
    let program = case.program();
    let backend = CpuBackend::new(CpuOptions { threads: Some(threads), isa: None }).unwrap();
    let mut executor: Box<dyn Executor<f32>> = backend.compile(&program).unwrap();
    let (x, targets) = (case.inputs::<f32>(), case.targets::<f32>(Loss::Mse));
    let batch = Batch { x: &x, targets: &targets, weights: None, rows: case.rows };
    let mut outputs = targets.clone();
    let mut parameters = case.parameters::<f32>(&program);
    let [mut gradient, mut first, mut second] = [(); 3].map(|()| vec![0.0; parameters.len()]);
    let rule = AdamRule {
        first: [0.9, 0.1],
        second: [0.999, 0.001],
        epsilon: 1e-8,
        keep: 1.0,
        rate: 1e-3,
        scale: 1.0,
    };
    let mut step = || {
        executor.predict(&parameters, &x, &mut outputs).unwrap();
        executor.loss_and_gradient(Loss::Mse, &parameters, &batch, &mut gradient).unwrap();
        executor.survey(&parameters, &gradient);
        let slabs = AdamSlabs {
            parameters: &mut parameters,
            gradient: &gradient,
            first: &mut first,
            second: &mut second,
        };
        executor.adam(&rule, slabs);
        let descent = Descent {
            rule: &rule,
            largest: 100.0,
            parameters: &mut parameters,
            gradient: &mut gradient,
            first: &mut first,
            second: &mut second,
        };
        executor.descend(Loss::Mse, &batch, descent).unwrap();
    };
    step();
    step();
    let before = ALLOCATOR.total_allocated();
    for _ in 0..steps {
        step();
    }
    ALLOCATOR.total_allocated() - before
}
