//! The CPU backend against the reference, at every instruction set of the machine.

use kanode_cpu::{CpuBackend, CpuOptions, Isa};
use kanode_engine::conformance;

fn backends(threads: usize) -> impl Iterator<Item = CpuBackend> {
    Isa::available().into_iter().map(move |isa| {
        CpuBackend::new(CpuOptions { threads: Some(threads), isa: Some(isa) }).expect("the machine has it")
    })
}

#[test]
fn double_precision_agrees_with_the_reference() {
    for backend in backends(2) {
        conformance::check::<f64>(&backend, 1e-12);
    }
}

#[test]
fn single_precision_agrees_with_the_reference() {
    for backend in backends(2) {
        conformance::check::<f32>(&backend, 1e-5);
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    for backend in backends(1) {
        conformance::check_differences(&backend);
    }
}
