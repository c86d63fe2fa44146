use super::*;
use crate::testing::{Case, difference, plain, shapes, steps};
use proptest::prelude::*;

const L1: f64 = 0.7;
const ENTROPY: f64 = 1.3;
/// Rounding of sums, and of Cox–de Boor passed on by three layers.
const ROUNDING: f64 = 1e-10;
/// Step of the differences by θ, within cells and signs.
const STEP: f64 = 1e-5;

fn penalty(case: &Case, theta: &[f64], weights: Option<&[f64]>, gradient: Option<&mut [f64]>) -> f64 {
    activity_penalty(&case.program, &case.packing, theta, &case.x, weights, L1, ENTROPY, gradient)
}

fn plain_loops(case: &Case, weights: &[f64]) -> f64 {
    let total: f64 = weights.iter().sum();
    let mut penalty = 0.0;
    for (index, layer) in case.program.layers().iter().enumerate() {
        let mut activities = vec![0.0; layer.edges()];
        for (x, weight) in case.x.chunks(case.program.inputs()).zip(weights) {
            let (edges, _) = case.edges_and_nodes(&case.theta, x);
            activities
                .iter_mut()
                .zip(&edges[index])
                .for_each(|(a, value)| *a += weight / total * value.abs());
        }
        let sum: f64 = activities.iter().sum();
        penalty += L1 * sum;
        for part in activities.iter().map(|activity| activity / sum).filter(|part| *part > 0.0) {
            penalty -= ENTROPY * part * part.ln();
        }
    }
    penalty
}

/// Cells of all nodes and signs of all edges for all rows: where they are the same, the penalty is smooth.
fn branches(case: &Case, trace: &mut Trace, theta: &[f64]) -> (Vec<Vec<usize>>, Vec<bool>) {
    trace.forward(theta, &case.x);
    let cells = (0..case.rows).map(|row| case.cells(trace, row)).collect();
    let edges = case.x.chunks(case.program.inputs()).map(|x| case.edges_and_nodes(theta, x).0);
    let signs = edges.flat_map(|layers| layers.into_iter().flatten().map(|value| value > 0.0));
    (cells, signs.collect())
}

/// Compares the gradient with differences, number by number; returns how many were compared.
fn check_gradient(case: &Case, weights: Option<&[f64]>) -> Result<usize, TestCaseError> {
    let mut gradient = vec![0.0; case.packing.len()];
    let value = penalty(case, &case.theta, weights, Some(&mut gradient));
    let mut trace = Trace::new(Arc::clone(&case.program), Arc::clone(&case.packing), Jet::value());
    let here = branches(case, &mut trace, &case.theta);
    let scale = gradient.iter().fold(1.0 + value.abs(), |scale, g| scale.max(g.abs()));
    let mut compared = 0;
    for (column, found) in gradient.iter().enumerate() {
        let mut is_smooth = true;
        let values = steps(STEP).map(|step| {
            let mut theta = case.theta.clone();
            theta[column] += step;
            is_smooth &= branches(case, &mut trace, &theta) == here;
            penalty(case, &theta, weights, None)
        });
        if is_smooth {
            let (expected, bound) = difference(values, STEP, 100.0 * scale);
            prop_assert!((found - expected).abs() <= bound, "{found}, {expected} within {bound}");
            compared += 1;
        }
    }
    Ok(compared)
}

#[test]
fn differences_are_mostly_away_from_kinks() {
    let case = plain().draw();
    assert!(check_gradient(&case, None).unwrap() * 10 > case.packing.len() * 9);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_value_is_that_of_plain_loops(shape in shapes()) {
        let case = shape.draw();
        for weights in [[1.0; 4], [0.5, 0.0, 2.0, 1.0]] {
            let found = penalty(&case, &case.theta, Some(&weights), None);
            let expected = plain_loops(&case, &weights);
            prop_assert!((found - expected).abs() <= ROUNDING * (1.0 + expected.abs()), "{found}, {expected}");
        }
        prop_assert_eq!(
            penalty(&case, &case.theta, None, None),
            penalty(&case, &case.theta, Some(&[1.0; 4]), None)
        );
    }

    #[test]
    fn the_gradient_is_that_of_differences(shape in shapes()) {
        let case = shape.draw();
        check_gradient(&case, None)?;
        check_gradient(&case, Some(&[0.5, 0.0, 2.0, 1.0]))?;
    }
}

#[test]
fn rows_of_weight_zero_have_no_influence_at_all() {
    let case = plain().draw();
    let mut with = case.clone();
    with.x.splice(2..2, [f64::NAN, f64::INFINITY]);
    with.rows += 1;
    let (mut expected, mut found) = (vec![0.0; case.packing.len()], vec![0.0; case.packing.len()]);
    let value = penalty(&case, &case.theta, Some(&[1.0; 5]), Some(&mut expected));
    let weights = [1.0, 0.0, 1.0, 1.0, 1.0, 1.0];
    assert_eq!(penalty(&with, &case.theta, Some(&weights), Some(&mut found)), value);
    assert_eq!(found, expected);
    assert_eq!(penalty(&case, &case.theta, Some(&[0.0; 5]), Some(&mut found)), 0.0);
    assert_eq!(found, expected);
}

#[test]
fn blocks_of_rows_do_not_show() {
    let case = plain().draw();
    let copies = 2 * BLOCK / case.rows + 1;
    let long = Case { x: case.x.repeat(copies), rows: case.rows * copies, ..case.clone() };
    let (mut expected, mut found) = (vec![0.0; case.packing.len()], vec![0.0; case.packing.len()]);
    let value = penalty(&case, &case.theta, None, Some(&mut expected));
    assert!((penalty(&long, &case.theta, None, Some(&mut found)) - value).abs() <= ROUNDING * value);
    for (found, expected) in found.iter().zip(&expected) {
        assert!((found - expected).abs() <= ROUNDING, "{found}, {expected}");
    }
}

#[test]
fn a_network_of_zeros_has_no_penalty_and_no_gradient() {
    let case = plain().draw();
    let mut gradient = vec![0.0; case.packing.len()];
    assert_eq!(penalty(&case, &vec![0.0; case.packing.len()], None, Some(&mut gradient)), 0.0);
    assert!(gradient.iter().all(|g| *g == 0.0));
}
