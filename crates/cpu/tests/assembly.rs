//! What the compiler made of the kernels: in this test's own binary packed multiply-adds, and none of the sign masks that
//! Rust 1.95 miscompiles with AVX-512 (rust-lang/rust #158622); in the library that `npm run build` left in `dist` sums that
//! are stored when all of them are done. A debug build of several codegen units says nothing of the order of loops: the
//! same source may come out with its stores taken apart there. Skipped, and said so, where there is no objdump or no
//! library, or another processor.

use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::conformance::{Case, Placement};
use kanode_engine::{Base, Compile};
use kanode_spline::Outside;
use std::path::{Path, PathBuf};
use std::process::Command;

/// An instruction at its address.
struct Instruction {
    address: u64,
    text: String,
}

impl Instruction {
    /// Where a jump leads.
    fn target(&self) -> Option<u64> {
        let operand = self.text.strip_prefix('j')?.split_whitespace().nth(1)?;
        u64::from_str_radix(operand, 16).ok()
    }

    fn is_multiply_add(&self, register: &str) -> bool {
        self.text.starts_with("vfmadd") && self.text.contains("ps ") && self.text.contains(register)
    }

    /// Whether it writes a vector to memory.
    fn is_store(&self, register: &str) -> bool {
        self.text.starts_with("vmovups")
            && self.text.contains(&format!(" {register}"))
            && self.text.ends_with(')')
    }
}

/// Bodies of innermost loops.
fn loops(instructions: &[Instruction]) -> Vec<&[Instruction]> {
    let backward = |i: &Instruction| i.target().is_some_and(|target| target <= i.address);
    let mut bodies = Vec::new();
    for (end, jump) in instructions.iter().enumerate().filter(|(_, i)| backward(i)) {
        let start = instructions.partition_point(|i| Some(i.address) < jump.target());
        let body = &instructions[start..=end];
        // A target in another function comes out as a body with jumps in it.
        if !body[..body.len() - 1].iter().any(backward) {
            bodies.push(body);
        }
    }
    bodies
}

/// The instructions of a binary, in the functions whose label is `wanted`.
fn instructions(binary: &Path, is_wanted: impl Fn(&str) -> bool) -> Option<Vec<Instruction>> {
    let output = Command::new("objdump").args(["-d", "--no-show-raw-insn"]).arg(binary).output().ok()?;
    let mut instructions = Vec::new();
    let mut wanted = false;
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        if line.ends_with(">:") {
            wanted = is_wanted(line);
        } else if let (true, Some((address, text))) = (wanted, line.split_once(":\t")) {
            let address = u64::from_str_radix(address.trim(), 16).ok()?;
            instructions.push(Instruction { address, text: text.to_owned() });
        }
    }
    Some(instructions)
}

/// The library that users get, if it has been built.
fn library() -> Option<PathBuf> {
    let dist = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../dist");
    let files = std::fs::read_dir(dist).ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    files.into_iter().find(|file| file.extension().is_some_and(|extension| extension == "node"))
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
    let this = std::env::current_exe().unwrap();
    // Functions that are compiled for an instruction set of their own.
    let Some(kernels) = instructions(&this, |label| label.contains("vectorize")) else {
        return println!("skipped: no objdump on the PATH");
    };
    for register in ["%zmm", "%ymm"] {
        let packed = kernels.iter().filter(|i| i.is_multiply_add(register)).count();
        assert!(packed > 200, "few multiply-adds of {register}");
    }
    let masks = ["vpmovb2m", "vpmovw2m", "vpmovd2m", "vpmovq2m", "vmovmsk"];
    let found = kernels.iter().find(|i| masks.iter().any(|mask| i.text.starts_with(mask)));
    assert_eq!(found.map(|i| &i.text), None, "a sign mask");
}

#[test]
fn the_forward_pass_stores_its_sums_last() {
    if !cfg!(target_arch = "x86_64") {
        return println!("skipped: the loops are known for x86-64 only");
    }
    let Some(library) = library() else {
        return println!("skipped: no library in dist, npm run build makes it");
    };
    let Some(kernels) = instructions(&library, |_| true) else {
        return println!("skipped: no objdump on the PATH");
    };
    // The loop that adds to the outputs, at degree 3: four multiply-adds and a store for each vector of the tile. With
    // the vectors done one after the other it would take half as long again.
    for (register, vectors) in [("%zmm", 4), ("%ymm", 2)] {
        let count = |body: &[Instruction], wanted: &dyn Fn(&Instruction) -> bool| {
            body.iter().filter(|i| wanted(i)).count()
        };
        let is_forward = |body: &&[Instruction]| {
            count(body, &|i| i.is_multiply_add(register)) == 4 * vectors
                && count(body, &|i| i.is_store(register)) == vectors
                && count(body, &|i| i.text.starts_with("vaddps")) == vectors
                && count(body, &|i| i.text.starts_with("vbroadcastss")) == 4
        };
        let bodies: Vec<_> = loops(&kernels).into_iter().filter(is_forward).collect();
        assert!(!bodies.is_empty(), "no loop over {register} is the forward pass of degree 3");
        for body in bodies {
            let last = body.iter().rposition(|i| i.is_multiply_add(register));
            let store = body.iter().position(|i| i.is_store(register));
            assert!(last < store, "a sum of {register} is stored before the last multiply-add");
        }
    }
}
