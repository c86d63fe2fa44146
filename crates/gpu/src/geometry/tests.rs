use super::*;
use kanode_engine::Base;
use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
use std::sync::Arc;

fn program(inputs: usize, outputs: usize, grid: usize, degree: usize) -> Program {
    let knots = Knots::uniform(-1.0, 1.0, grid, degree, KnotEnds::Clamped).unwrap();
    let table = Arc::new(CellTable::new(&knots, Outside::Linear));
    let splines = vec![table; inputs];
    Program::new(vec![Layer {
        inputs,
        outputs,
        base: Base::Silu,
        splines,
        products: Vec::new(),
        functions: Vec::new(),
    }])
    .unwrap()
}

fn geometry(inputs: usize, outputs: usize, grid: usize, degree: usize) -> Geometry {
    Geometry::of(&program(inputs, outputs, grid, degree), i32::MAX as u64).unwrap()[0]
}

/// Iterations of all loops of the longest thread of each kernel, none of them unrolled.
fn iterations(g: &Geometry, rows: usize) -> [u64; 6] {
    let per_edge = u64::from(g.degree) + 2;
    let stage = u64::from(THREADS / g.forward_tile * g.staged);
    let rounds = (g.forward_chunk as u64).div_ceil(g.staged.into());
    let staging = stage.div_ceil(THREADS.into()) * (1 + per_edge);
    let forward = rounds * (1 + staging + u64::from(g.staged) * per_edge);
    let (parts, chunk) = g.gradient_parts(rows);
    let pull = if g.active { per_edge - 1 } else { 0 };
    let coefficients = 2 * g.bases as u64 + chunk as u64 * (per_edge + pull);
    let inputs = (g.sums as u64).div_ceil(g.lanes.into()) * (per_edge + pull) + 4;
    let balance = if g.active { 3 * (g.edges() as u64).div_ceil(THREADS.into()) + 16 } else { 0 };
    [forward, coefficients, inputs, parts as u64, g.bases as u64, balance]
}

#[test]
fn no_thread_loops_longer_than_drivers_allow() {
    for (inputs, outputs) in
        [(1, 1), (2, 5), (784, 10), (784, 64), (5000, 1), (3, 2000), (2, 16_384), (1000, 1000)]
    {
        for grid in [1, 5, 50, 200, 4096] {
            if inputs * outputs * (grid + 5) * 4 > TILE_BYTES as usize || inputs * grid > 500_000 {
                continue;
            }
            for degree in [1, 3, 5] {
                let plain = geometry(inputs, outputs, grid, degree);
                for g in [plain, Geometry { active: true, ..plain }] {
                    let most = tile_rows(&[g]);
                    for rows in [1, 31, 32, 33, 1000, most.min(100_000), most] {
                        let found = iterations(&g, rows.min(most));
                        let within = found.iter().all(|n| *n <= ITERATIONS);
                        assert!(within || g.active && !g.balances(), "{g:?} {rows}: {found:?}");
                    }
                }
            }
        }
    }
}

#[test]
fn parts_cover_the_batch_once_and_fit_their_buffer() {
    for (inputs, outputs, grid) in [(1, 1, 5), (2, 5, 200), (784, 64, 5), (2, 5, 4096), (1000, 1000, 5)] {
        let g = geometry(inputs, outputs, grid, 3);
        for rows in [1, 32, 33, 64, 65, 8191, 8192, 8193, 60_000] {
            let rows = rows.min(tile_rows(&[g]));
            let (parts, chunk) = g.gradient_parts(rows);
            assert!((parts - 1) * chunk < rows && parts * chunk >= rows, "{rows}: {parts}·{chunk}");
            assert!((parts * g.coefficients() * 4) as u64 <= TILE_BYTES, "{g:?} {rows}");
        }
        assert_eq!(g.forward_parts, g.inputs.div_ceil(g.forward_chunk));
    }
}

#[test]
fn dispatches_stay_within_a_dimension() {
    let g = geometry(784, 4, 5, 3);
    let rows = tile_rows(&[g]);
    for groups in [g.forward_groups(rows), g.coefficient_groups(rows), g.input_groups(rows)] {
        assert!(groups.iter().all(|n| u64::from(*n) <= GROUPS), "{groups:?}");
    }
    assert_eq!((groups(65_535), groups(65_536)), ([65_535, 1, 1], [65_535, 2, 1]));
}

#[test]
fn a_layer_beyond_a_limit_is_refused_with_what_would_fit() {
    let refused = |program: &Program, binding| Geometry::of(program, binding).unwrap_err();
    let error = refused(&program(1000, 1000, 50, 3), TILE_BYTES);
    let text = "layer 0: 216000000 bytes of coefficients, where the limit is 134217728; a grid of 28 intervals \
                would fit";
    assert_eq!(error.to_string(), text);
    assert!(Geometry::of(&program(1000, 1000, 28, 3), TILE_BYTES).is_ok());
    let slab = refused(&program(1000, 1000, 29, 3), TILE_BYTES);
    assert!(slab.to_string().contains("parameters"));
    let error = refused(&program(2700, 2700, 5, 3), TILE_BYTES);
    assert!(error.to_string().ends_with("5592405 edges would fit at a grid of 1"), "{error}");
    assert!(Geometry::of(&program(2330, 2400, 1, 3), TILE_BYTES).is_ok());
    assert!(Geometry::of(&program(1000, 1000, 50, 3), 1 << 28).is_ok());
    assert!(matches!(refused(&program(1, 1, 4096, 3), 10_000), GpuError::Limit { layer: 0, .. }));
    assert!(Geometry::of(&program(1, 16_384, 3, 3), TILE_BYTES).is_ok());
    let error = refused(&program(1, 16_385, 3, 3), TILE_BYTES);
    assert!(
        error.to_string().ends_with("16385 outputs and factors, where the limit is 16384; 16384 would fit")
    );
    // Equal tables are written once.
    assert!(Geometry::of(&program(1000, 10, 2000, 3), TILE_BYTES).is_ok());
}
