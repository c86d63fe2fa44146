//! The CPU backend against the reference, at every instruction set of the machine.

use kanode_cpu::{CpuBackend, CpuOptions, Isa};
use kanode_engine::Base;
use kanode_engine::conformance::{self, Case, Placement};
use kanode_spline::Outside;

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

/// Tiles of several vectors at every degree, and the finest grid.
#[test]
fn wide_layers_and_fine_grids_agree_with_the_reference() {
    let wide =
        (1..=5).map(|degree| (vec![20, 70], 6, degree, Placement::AdaptiveExtended, Outside::Zero, 40));
    let fine = [(vec![2, 9], 4096), (vec![2, 3], 4096), (vec![3, 40], 700)]
        .map(|(sizes, grid)| (sizes, grid, 3, Placement::Clamped, Outside::Linear, 24));
    for (sizes, grid, degree, placement, outside, rows) in wide.chain(fine) {
        let (products, base) = (Vec::new(), Base::Silu);
        let case = Case { sizes, products, grid, degree, placement, outside, base, rows };
        for backend in backends(2) {
            conformance::check_case::<f64>(&backend, &case, 1e-12);
            conformance::check_case::<f32>(&backend, &case, 1e-5);
        }
    }
}
