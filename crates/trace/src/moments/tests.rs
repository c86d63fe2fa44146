use super::*;
use crate::testing::shapes;
use proptest::prelude::*;

/// Rounding of sums, and of Cox–de Boor passed on by three layers.
const ROUNDING: f64 = 1e-10;

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn moments_are_those_of_plain_loops(mut shape in shapes(), rows in 1..3 * BLOCK) {
        shape.rows = rows;
        let case = shape.draw();
        let found = moments(&case.program, &case.packing, &case.theta, &case.x);
        let by_row: Vec<_> =
            case.x.chunks(shape.inputs).map(|x| case.edges_and_nodes(&case.theta, x)).collect();
        let mean_of = |values: &mut dyn Iterator<Item = f64>| values.sum::<f64>() / rows as f64;
        for (index, found) in found.iter().enumerate() {
            for edge in 0..found.mean.len() {
                let mut values = by_row.iter().map(|(edges, _)| edges[index][edge]);
                let absolute = mean_of(&mut values.clone().map(f64::abs));
                let mean = mean_of(&mut values.clone());
                let deviation = mean_of(&mut values.clone().map(|value| (value - mean).powi(2))).sqrt();
                let close = |found: f64, expected: f64| (found - expected).abs() <= ROUNDING * (1.0 + absolute);
                prop_assert!(close(found.mean[edge], mean) && close(found.mean_absolute[edge], absolute));
                prop_assert!(close(found.deviation[edge], deviation), "{} {deviation}", found.deviation[edge]);
                let is_function = case.program.layers()[index].functions.iter().any(|f| f.edge == edge);
                if !is_function && case.packing.find(index, edge).is_none() {
                    prop_assert_eq!((found.mean[edge], found.deviation[edge]), (0.0, 0.0));
                    prop_assert!(values.all(|value| value == 0.0));
                }
            }
            for input in 0..found.minimum.len() {
                let values = by_row.iter().map(|(_, nodes)| nodes[index][input]);
                let (low, high) = (found.minimum[input], found.maximum[input]);
                let expected = values.clone().fold(f64::INFINITY, f64::min);
                prop_assert!((low - expected).abs() <= ROUNDING * (1.0 + expected.abs()));
                let expected = values.fold(f64::NEG_INFINITY, f64::max);
                prop_assert!((high - expected).abs() <= ROUNDING * (1.0 + expected.abs()));
            }
        }
    }
}

#[test]
fn a_constant_edge_far_from_zero_has_hardly_a_deviation() {
    use kanode_engine::{Base, Layer};
    use kanode_spline::{CellTable, KnotEnds, Knots, Outside};
    let knots = Knots::uniform(-1.0, 1.0, 4, 3, KnotEnds::Clamped).unwrap();
    let splines = vec![Arc::new(CellTable::new(&knots, Outside::Linear))];
    let layer = Layer {
        inputs: 1,
        outputs: 1,
        base: Base::Zero,
        splines,
        products: Vec::new(),
        functions: Vec::new(),
    };
    let program = Program::new(vec![layer]).unwrap();
    let packing = Packing::new(&program, &|_, _| false);
    let x: Vec<f64> = (0..300).map(|row| f64::from(row) / 150.0 - 1.0).collect();
    let found = &moments(&program, &packing, &[1e6; 7], &x)[0];
    // Sums of squares would leave 1e6·√1e-16.
    assert!(found.deviation[0] < 1e-9, "{}", found.deviation[0]);
    assert_eq!((found.minimum[0], found.maximum[0]), (-1.0, x[299]));
}

#[test]
fn without_rows_there_is_nothing() {
    let case = crate::testing::Case { x: Vec::new(), rows: 0, ..crate::testing::plain().draw() };
    let found = moments(&case.program, &case.packing, &case.theta, &case.x);
    assert!(found.iter().all(|layer| layer.deviation.iter().all(|deviation| *deviation == 0.0)));
    assert_eq!((found[0].minimum[0], found[0].maximum[0]), (f64::INFINITY, f64::NEG_INFINITY));
}
