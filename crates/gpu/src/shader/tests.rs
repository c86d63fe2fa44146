//! Every shader, at every constant the host can choose: valid WGSL, few enough bytes, bindings and threads, and a text
//! that Metal and DirectX can be given. No adapter is needed.

use super::*;
use crate::geometry::{Geometry, WORKGROUP_BYTES};
use kanode_engine::{Layer, Program};
use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
use naga::back::pipeline_constants::process_overrides;
use naga::valid::{Capabilities, ValidationFlags, Validator};
use naga::{AddressSpace, proc::Layouter};
use std::collections::HashSet;
use std::sync::Arc;

/// The kernels of layers on both sides of every border of the host's choices.
fn kernels() -> HashSet<Kernel> {
    let mut kernels = HashSet::from([
        Kernel::Add { accumulate: false },
        Kernel::Add { accumulate: true },
        Kernel::Products,
        Kernel::ProductSlopes,
        Kernel::Elements,
        Kernel::Entropy,
        Kernel::Tally,
        Kernel::Collect,
        Kernel::Balance,
        Kernel::Forms,
        Kernel::Judge,
        Kernel::Squares,
        Kernel::Pack,
        Kernel::Unpack,
        Kernel::Clear,
        Kernel::Adam,
    ]);
    for degree in 1..=5 {
        for grid in [1, 5, 11, 16, 27, 40, 60, 123, 200, 4096] {
            let knots = Knots::uniform(-1.0, 1.0, grid, degree, KnotEnds::Clamped).unwrap();
            let table = Arc::new(CellTable::new(&knots, Outside::Linear));
            for outputs in [1, 2, 3, 5, 9, 17, 33, 64, 65] {
                for base in [Base::Silu, Base::Identity, Base::Zero] {
                    let splines = vec![Arc::clone(&table)];
                    let layer = Layer {
                        inputs: 1,
                        outputs,
                        base,
                        splines,
                        products: Vec::new(),
                        functions: Vec::new(),
                    };
                    let program = Program::new(vec![layer]).unwrap();
                    let mut geometry = Geometry::of(&program, 1 << 27).unwrap()[0];
                    kernels.extend([geometry.bases_kernel(), geometry.activity_kernel()]);
                    for unity in [false, true] {
                        geometry.unity = unity;
                        kernels.insert(geometry.forward_kernel());
                    }
                    for active in [false, true] {
                        geometry.active = active;
                        kernels.extend([geometry.coefficient_kernel(), geometry.input_kernel()]);
                    }
                }
            }
        }
    }
    kernels
}

#[test]
fn every_shader_is_valid_and_within_the_limits_of_every_adapter() {
    let kernels = kernels();
    assert!(kernels.len() > 300, "{}", kernels.len());
    for kernel in kernels {
        let source = kernel.source();
        let module = naga::front::wgsl::parse_str(&source)
            .unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&source)));
        let info = Validator::new(ValidationFlags::all(), Capabilities::empty())
            .validate(&module)
            .unwrap_or_else(|error| panic!("{kernel:?}: {}", error.emit_to_string(&source)));
        let constants =
            kernel.constants().into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let entry = Some((naga::ShaderStage::Compute, kernel.entry()));
        let (module, info) = process_overrides(&module, &info, entry, &constants)
            .unwrap_or_else(|error| panic!("{kernel:?}: {error}"));
        let mut layout = Layouter::default();
        layout.update(module.to_ctx()).unwrap();
        let globals = || module.global_variables.iter();
        let bytes: u32 = globals()
            .filter(|(_, global)| global.space == AddressSpace::WorkGroup)
            .map(|(_, global)| layout[global.ty].size.next_multiple_of(16))
            .sum();
        assert!(bytes <= WORKGROUP_BYTES, "{kernel:?}: {bytes} bytes of workgroup memory");
        let storage = globals().filter(|(_, global)| matches!(global.space, AddressSpace::Storage { .. }));
        assert!(storage.count() <= 8, "{kernel:?}: too many storage buffers");
        let point = module.entry_points.iter().find(|point| point.name == kernel.entry()).unwrap();
        let threads: u32 = point.workgroup_size.iter().product();
        assert!((1..=256).contains(&threads), "{kernel:?}: {threads} threads");
        translate(kernel, &module, &info);
    }
}

/// Writes the text for Metal and DirectX 12.
fn translate(kernel: Kernel, module: &naga::Module, info: &naga::valid::ModuleInfo) {
    use naga::back::{hlsl, msl};
    let options = msl::Options { fake_missing_bindings: true, ..msl::Options::default() };
    let written = msl::write_string(module, info, &options, &msl::PipelineOptions::default());
    assert!(written.is_ok(), "{kernel:?}: {:?}", written.err());
    let options = hlsl::Options { fake_missing_bindings: true, ..hlsl::Options::default() };
    let (mut text, pipeline) = (String::new(), hlsl::PipelineOptions::default());
    let written = hlsl::Writer::new(&mut text, &options, &pipeline).write(module, info, None).map(|_| ());
    assert!(written.is_ok(), "{kernel:?}: {:?}", written.err());
}

/// A kernel with barriers must reach them with all its threads, which no validator proves: so none of them returns
/// before its last barrier or sum over threads.
#[test]
fn no_thread_leaves_before_a_barrier() {
    for kernel in kernels() {
        let source = kernel.source();
        let main = &source[source.find("@compute").unwrap()..];
        for function in main.split("@compute").skip(1) {
            let Some(last) = function.rfind("workgroupBarrier").max(function.rfind(" total(")) else {
                continue;
            };
            assert!(!function[..last].contains("return;"), "{kernel:?} returns before a barrier");
        }
    }
}
