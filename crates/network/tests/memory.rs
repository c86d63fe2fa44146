//! What `cost` says a step holds, against a count of what the CPU backend allocates.

use kanode_cpu::{CpuBackend, CpuOptions};
use kanode_engine::{Batch, Compile, Loss};
use kanode_network::{Network, Specification};
use peak_alloc::PeakAlloc;

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// One test, because the count is of the whole process.
#[test]
fn cost_tells_the_bytes_of_a_step() {
    let backend = CpuBackend::new(CpuOptions { threads: Some(2), isa: None }).unwrap();
    let shapes: [(&[usize], usize, usize); 5] = [
        (&[2, 5, 1], 5, 100_000),
        (&[784, 64, 10], 5, 64),
        (&[784, 64, 10], 5, 1024),
        (&[64, 64, 64], 50, 4096),
        (&[100, 256, 256, 256, 10], 5, 4096),
    ];
    for (layers, grid, rows) in shapes {
        let before = ALLOCATOR.current_usage();
        ALLOCATOR.reset_peak_usage();
        let network = Network::<f32>::new(Specification { grid, ..Specification::of(layers) }).unwrap();
        let mut gradient = vec![0.0; network.parameter_count()];
        let x: Vec<f32> = (0..rows * network.inputs()).map(|i| (i % 97) as f32 / 48.0 - 1.0).collect();
        let targets = vec![0.0; rows * network.outputs()];
        let given = (x.len() + targets.len()) * size_of::<f32>();
        let batch = Batch { x: &x, targets: &targets, weights: None, rows };
        let mut executor = backend.compile(network.program()).unwrap();
        executor.loss_and_gradient(Loss::Mse, network.parameters(), &batch, &mut gradient).unwrap();
        let found = (ALLOCATOR.peak_usage() - before - given) as f64;
        let told = network.cost(rows).total.bytes as f64;
        // A fifth, and the kernels' work space, which does not grow with the rows: partial sums of one pass.
        let allowed = 0.2 * told + 3e6;
        let is_in_parts = layers[1..].iter().all(|outputs| *outputs < 8);
        let error = if is_in_parts { found - told } else { (found - told).abs() };
        assert!(error <= allowed, "{layers:?}, {rows} rows: told {told}, found {found}");
    }
}
