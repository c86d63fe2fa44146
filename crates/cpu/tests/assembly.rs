//! What the compiler made of the kernels, read from this test's own binary: packed multiply-adds, and none of the sign masks
//! that Rust 1.95 miscompiles with AVX-512 (rust-lang/rust #158622). Skipped, and said so, where there is no objdump or
//! another processor.

use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::conformance::{Case, Placement};
use kanode_engine::{Base, Compile};
use kanode_spline::Outside;
use std::process::Command;

/// The instructions of all functions of this binary that are compiled for an instruction set of their own.
fn kernels() -> Option<Vec<String>> {
    let this = std::env::current_exe().ok()?;
    let output = Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(this).output().ok()?;
    let mut instructions = Vec::new();
    let mut wanted = false;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.ends_with(">:") {
            wanted = line.contains("vectorize");
        } else if let (true, Some((_, instruction))) = (wanted, line.split_once(":\t")) {
            instructions.push(instruction.to_owned());
        }
    }
    Some(instructions)
}

#[test]
fn kernels_have_packed_multiply_adds_and_no_sign_masks() {
    if !cfg!(target_arch = "x86_64") {
        return println!("skipped: the loops are known for x86-64 only");
    }
    // So that the kernels are in this binary.
    let (sizes, products) = (vec![2, 64], Vec::new());
    let (placement, outside, base) = (Placement::Clamped, Outside::Linear, Base::Silu);
    let case = Case { sizes, products, grid: 5, degree: 3, placement, outside, base, rows: 16 };
    let backend = CpuBackend::new(CpuOptions { threads: Some(1), isa: None }).unwrap();
    Compile::<f32>::compile(&backend, &case.program()).unwrap();
    let Some(kernels) = kernels() else { return println!("skipped: no objdump on the PATH") };
    for register in ["%zmm", "%ymm"] {
        let packed = |i: &&String| i.starts_with("vfmadd") && i.contains("ps ") && i.contains(register);
        assert!(kernels.iter().filter(packed).count() > 200, "few multiply-adds of {register}");
    }
    let masks = ["vpmovb2m", "vpmovw2m", "vpmovd2m", "vpmovq2m", "vmovmsk"];
    let found = kernels.iter().find(|i| masks.iter().any(|mask| i.starts_with(mask)));
    assert_eq!(found, None, "a sign mask");
}
