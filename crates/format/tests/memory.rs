//! The memory that reading a file takes, against the size of the file, for the files that take most.

mod common;

use common::Parts;
use kanode_format::{decode, encode};
use kanode_network::{Network, Parts as NetworkParts, Specification};
use kanode_spline::{KnotEnds, Knots, Outside};
use peak_alloc::PeakAlloc;
use serde_json::{Value, json};

#[global_allocator]
static ALLOCATOR: PeakAlloc = PeakAlloc;

/// The most bytes held above those held before, while `work` runs.
fn peak<R>(work: impl FnOnce() -> R) -> (usize, R) {
    let before = ALLOCATOR.current_usage();
    ALLOCATOR.reset_peak_usage();
    let result = work();
    (ALLOCATOR.peak_usage() - before, result)
}

/// Little in the file for each input node and much in memory: one output, splines that decay outside.
fn wide(inputs: usize, degree: usize, grid: usize, shift: impl Fn(usize) -> f64) -> Network<f32> {
    let specification = Specification {
        grid,
        degree,
        knots: KnotEnds::Extended,
        outside: Outside::Zero,
        ..Specification::of(&[inputs, 1])
    };
    let knots = |input| {
        let end = 1.0 + shift(input);
        Knots::uniform(-1.0, end, grid, degree, KnotEnds::Extended).unwrap()
    };
    let knots = vec![(0..inputs).map(knots).collect()];
    let parameters = vec![0.5; inputs * (2 + degree + grid)];
    Network::from_parts(NetworkParts::new(specification, knots, parameters)).unwrap()
}

/// Checks that a file is refused without much memory.
fn moderate(file: &[u8]) {
    let (bytes, refused) = peak(|| decode(file).is_err());
    assert!(
        refused && bytes < 30 * file.len(),
        "{refused}, {} times the file",
        bytes as f64 / file.len() as f64
    );
}

/// One test, because the count is of the whole process.
#[test]
fn reading_takes_no_more_memory_than_is_said() {
    // Two tables, however often the nodes change between them.
    let file = encode(&wide(20_000, 5, 1, |input| (input % 2) as f64), None, "").unwrap();
    let (bytes, model) = peak(|| decode(&file).unwrap());
    assert!(bytes < 10 * file.len(), "{} times the file", bytes as f64 / file.len() as f64);
    drop(model);
    // Every node with a table of its own: what the documentation of `decode` says.
    for (degree, grid) in (1..=5).flat_map(|degree| (1..10).map(move |grid| (degree, grid))) {
        let file = encode(&wide(1_000, degree, grid, |input| input as f64 / 1e4), None, "").unwrap();
        let (bytes, model) = peak(|| decode(&file).unwrap());
        assert!(bytes < 130 * file.len(), "degree {degree}, grid {grid}: {bytes} bytes of {}", file.len());
        drop(model);
    }
    // Headers made to be large in memory.
    let parts = Parts::of(&encode(&common::full::<f32>(), None, "").unwrap());
    for (path, value) in [
        ("/specification/layers", json!(vec![1; 200_000])),
        ("/names/inputs", json!(vec![""; 200_000])),
        ("/names/outputs", json!(vec!["x"; 200_000])),
        ("/specification/products", json!(vec![Vec::<u8>::new(); 200_000])),
        ("/pruned", json!(vec![Vec::<u8>::new(); 200_000])),
        ("/pruned", json!([vec![1; 200_000], []])),
        ("/inputIds", json!(vec![1; 200_000])),
    ] {
        let mut document = parts.document.clone();
        *document.pointer_mut(path).unwrap() = value;
        moderate(&parts.sealed(&document.to_string()));
    }
    let empty = |name: usize, shape: &Value| {
        (name.to_string(), json!({ "dtype": "F32", "shape": shape, "data_offsets": [0, 0] }))
    };
    for (count, shape) in [(50_000, json!([0])), (2, json!(vec![0; 200_000]))] {
        let mut parts = Parts::of(&parts.file());
        parts.header.extend((0..count).map(|name| empty(name, &shape)));
        moderate(&parts.file());
    }
    // Writing takes the file and one tensor, even of a model whose training state is many times the model.
    let network = common::full_sized(50_000);
    let state = common::lbfgs_state(network.parameter_count(), 20);
    let (bytes, file) = peak(|| encode(&network, Some(&state), "").unwrap());
    assert!(bytes < file.len() + file.len() / 4, "{} times the file", bytes as f64 / file.len() as f64);
}
