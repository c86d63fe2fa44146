use super::*;
use crate::testing::{Case, Shape, difference, plain, shapes, steps};
use kanode_engine::reference::Reference;
use kanode_engine::{Base, Compile, Executor};
use proptest::prelude::*;

/// Rounding against Cox–de Boor, of 1e-16 an operation, passed on by three layers with slopes of up to some tens each.
const AGAINST_REFERENCE: f64 = 1e-10;
/// Step of the differences: cells are at least 0.1 wide, and within them functions are polynomials of low degree.
const STEP: f64 = 1e-4;

fn reference(case: &Case) -> Box<dyn Executor<f64>> {
    Reference.compile(&case.program).unwrap()
}

fn all_derivatives(inputs: usize) -> Jet {
    let pairs = (0..inputs).flat_map(|i| (0..=i).map(move |j| (j, i))).collect();
    Jet { directions: (0..inputs).rev().collect(), pairs }
}

fn trace(case: &Case, jet: Jet) -> Trace {
    Trace::new(Arc::clone(&case.program), Arc::clone(&case.packing), jet)
}

fn largest(values: &[f64]) -> f64 {
    values.iter().fold(0.0, |largest, value| largest.max(value.abs()))
}

fn dense(rows: &Rows, row: usize, length: usize) -> Vec<f64> {
    let mut dense = vec![0.0; length];
    let mut end = 0;
    for segment in rows.row(row) {
        let column = segment.column as usize;
        assert!(column >= end, "columns ascend");
        end = column + segment.length as usize;
        dense[column..end].copy_from_slice(rows.values(segment));
    }
    dense
}

/// A value of one row at four arguments, beside one in the middle; none where they are in several cells.
fn around(
    case: &Case,
    trace: &mut Trace,
    row: usize,
    run: impl Fn(&mut Trace, f64),
    value: impl Fn(&Trace) -> f64,
) -> Option<[f64; 4]> {
    run(trace, 0.0);
    let cells = case.cells(trace, row);
    let mut values = [0.0; 4];
    for (found, step) in values.iter_mut().zip(steps(STEP)) {
        run(trace, step);
        if case.cells(trace, row) != cells {
            return None;
        }
        *found = value(trace);
    }
    Some(values)
}

/// Compares the jets of outputs with differences of their lower orders by the inputs; returns how many were compared.
fn check_jets(case: &Case) -> Result<usize, TestCaseError> {
    let inputs = case.program.inputs();
    let jet = all_derivatives(inputs);
    let (length, outputs) = (jet.len(), case.program.outputs());
    let mut exact = trace(case, jet.clone());
    let mut other = trace(case, jet.clone());
    exact.forward(&case.theta, &case.x);
    let mut compared = 0;
    for row in 0..case.rows {
        // Each derivative: its place, the direction of the last differentiation, the place of what was differentiated.
        let firsts = (0..inputs).map(|i| (1 + i, i, 0));
        for (at, direction, lower) in firsts.chain(jet.triples().map(|(ij, i, j)| (ij, i - 1, j))) {
            for output in 0..outputs {
                let place = |at: usize| (row * outputs + output) * length + at;
                let run = |trace: &mut Trace, step: f64| {
                    let mut x = case.x.clone();
                    x[row * inputs + jet.directions[direction]] += step;
                    trace.forward(&case.theta, &x);
                };
                let Some(values) = around(case, &mut other, row, run, |t| t.outputs()[place(lower)]) else {
                    continue;
                };
                let scale = 1.0 + largest(&exact.outputs()[place(0)..place(length)]);
                let (expected, bound) = difference(values, STEP, 100.0 * scale);
                let found = exact.outputs()[place(at)];
                prop_assert!((found - expected).abs() <= bound, "{found}, {expected} within {bound}");
                compared += 1;
            }
        }
    }
    Ok(compared)
}

/// Compares Jacobian rows with differences of the outputs' jets by θ; returns how many numbers were compared.
fn check_rows(case: &Case, jet: Jet) -> Result<usize, TestCaseError> {
    let width = case.program.outputs() * jet.len();
    let mut exact = trace(case, jet.clone());
    let mut other = trace(case, jet);
    exact.forward(&case.theta, &case.x);
    let seed = Case::numbers(width);
    let mut rows = Rows::new();
    let mut compared = 0;
    for row in 0..case.rows {
        exact.row(row, &seed, &mut rows);
        let outputs = exact.outputs()[row * width..(row + 1) * width].to_vec();
        let found = dense(&rows, row, case.packing.len());
        let scale = 1.0 + largest(&outputs) + largest(&found);
        let combine = |trace: &Trace| {
            let outputs = &trace.outputs()[row * width..(row + 1) * width];
            outputs.iter().zip(&seed).map(|(y, seed)| y * seed).sum::<f64>()
        };
        for (column, found) in found.iter().enumerate() {
            let run = |trace: &mut Trace, step: f64| {
                let mut theta = case.theta.clone();
                theta[column] += step;
                trace.forward(&theta, &case.x);
            };
            if let Some(values) = around(case, &mut other, row, run, combine) {
                let (expected, bound) = difference(values, STEP, 100.0 * scale);
                prop_assert!((found - expected).abs() <= bound, "{found}, {expected} within {bound}");
                compared += 1;
            }
        }
    }
    Ok(compared)
}

#[test]
fn differences_are_mostly_within_one_cell() {
    let case = plain().draw();
    let (jets, columns) = (5 * 5 * 2, 5 * case.packing.len());
    assert!(check_jets(&case).unwrap() * 10 > jets * 9);
    assert!(check_rows(&case, all_derivatives(2)).unwrap() * 10 > columns * 9);
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn outputs_are_those_of_the_reference(shape in shapes()) {
        let case = shape.draw();
        let mut expected = vec![0.0; case.rows * case.program.outputs()];
        reference(&case).predict(&case.slab, &case.x, &mut expected).unwrap();
        for jet in [Jet::value(), all_derivatives(shape.inputs)] {
            let mut trace = trace(&case, jet);
            trace.forward(&case.theta, &case.x);
            for (jet, expected) in trace.outputs().chunks(trace.jet().len()).zip(&expected) {
                prop_assert!((jet[0] - expected).abs() <= AGAINST_REFERENCE * (1.0 + expected.abs()));
            }
        }
    }

    #[test]
    fn gradients_are_those_of_the_reference(shape in shapes()) {
        let case = shape.draw();
        let dy = Case::numbers(case.rows * case.program.outputs());
        let (mut expected, mut dx) = (vec![0.0; case.slab.len()], vec![0.0; case.x.len()]);
        reference(&case).backward(&case.slab, &case.x, &dy, &mut expected, &mut dx).unwrap();
        // The reference does not know that edges are pruned: of these base weights have derivatives.
        for (index, (layer, range)) in case.program.layers().iter().zip(case.program.ranges()).enumerate() {
            let expected = layer.views_mut(&mut expected[range]);
            for edge in (0..layer.edges()).filter(|edge| case.packing.find(index, *edge).is_none()) {
                expected.base_weight[edge] = 0.0;
            }
        }
        let mut trace = trace(&case, Jet::value());
        trace.forward(&case.theta, &case.x);
        let mut packed = vec![0.0; case.packing.len()];
        trace.gradient(&dy, &mut packed);
        let mut found = vec![0.0; case.slab.len()];
        case.packing.gradient_to_slab(&case.slab, &packed, &mut found);
        let scale = 1.0 + largest(&expected);
        for (found, expected) in found.iter().zip(&expected) {
            prop_assert!((found - expected).abs() <= AGAINST_REFERENCE * scale, "{found}, {expected}");
        }
    }

    #[test]
    fn jets_are_differences_of_outputs(shape in shapes()) {
        check_jets(&shape.draw())?;
    }

    #[test]
    fn rows_are_differences_of_outputs(shape in shapes()) {
        check_rows(&shape.draw(), Jet::value())?;
    }

    #[test]
    fn rows_are_differences_of_first_derivatives(shape in shapes()) {
        check_rows(&shape.draw(), Jet { directions: vec![shape.inputs - 1, 0], pairs: vec![] })?;
    }

    #[test]
    fn rows_are_differences_of_second_derivatives(shape in shapes()) {
        check_rows(&shape.draw(), all_derivatives(shape.inputs))?;
    }

    #[test]
    fn a_gradient_is_the_sum_of_its_rows(shape in shapes()) {
        let case = shape.draw();
        let mut trace = trace(&case, all_derivatives(shape.inputs));
        trace.forward(&case.theta, &case.x);
        let width = case.program.outputs() * trace.jet().len();
        let mut seeds = Case::numbers(case.rows * width);
        seeds[..width].fill(0.0);
        let mut gradient = vec![0.0; case.packing.len()];
        trace.gradient(&seeds, &mut gradient);
        let (mut rows, mut expected) = (Rows::new(), vec![0.0; case.packing.len()]);
        for (row, seed) in seeds.chunks(width).enumerate() {
            trace.row(row, seed, &mut rows);
            let dense = dense(&rows, row, expected.len());
            expected.iter_mut().zip(dense).for_each(|(sum, value)| *sum += value);
        }
        prop_assert!(rows.row(0).is_empty(), "no segments without a seed");
        prop_assert_eq!(gradient, expected);
    }
}

#[test]
fn a_row_has_a_segment_for_each_edge_and_its_base_weight() {
    let shape = Shape { layers: vec![(2, vec![]), (1, vec![])], ..plain() };
    let case = Case { x: vec![0.9, -0.9], rows: 1, ..shape.draw() };
    let mut trace = trace(&case, Jet::value());
    trace.forward(&case.theta, &case.x);
    let mut rows = Rows::new();
    trace.row(0, &[1.0], &mut rows);
    let lengths: Vec<u32> = rows.row(0).iter().take(6).map(|segment| segment.length).collect();
    // The first input is in the last interval, whose control points have the base weight for a neighbour.
    assert_eq!(lengths, [5, 5, 4, 1, 4, 1]);
}

#[test]
fn edges_into_a_sum_without_a_seed_have_no_segment() {
    let shape = Shape { layers: vec![(3, vec![])], base: Base::Zero, ..plain() };
    let case = shape.draw();
    let mut trace = trace(&case, Jet::value());
    trace.forward(&case.theta, &case.x);
    let mut rows = Rows::new();
    trace.row(0, &[0.0, 1.0, 0.0], &mut rows);
    let bases = case.packing.edges()[0].bases;
    let edges: Vec<usize> = rows.row(0).iter().map(|segment| segment.column as usize / bases).collect();
    assert_eq!(edges, [1, 4]);
}

#[test]
fn a_later_pass_with_fewer_rows_forgets_the_others() {
    let case = plain().draw();
    let mut used = trace(&case, Jet::value());
    used.forward(&case.theta, &case.x);
    used.forward(&case.theta, &case.x[..4]);
    let mut fresh = trace(&case, Jet::value());
    fresh.forward(&case.theta, &case.x[..4]);
    assert_eq!((used.rows(), used.outputs()), (2, fresh.outputs()));
    assert_eq!(used.range(0, 1), (case.x[1].min(case.x[3]), case.x[1].max(case.x[3])));
    used.forward(&case.theta, &[]);
    assert_eq!((used.outputs(), used.range(0, 0)), (&[][..], (f64::INFINITY, f64::NEG_INFINITY)));
}

#[test]
fn a_range_tells_of_nan() {
    let case = plain().draw();
    let mut trace = trace(&case, Jet::value());
    trace.forward(&case.theta, &[0.1, 0.2, f64::NAN, 0.3, 0.4, 0.5]);
    let (low, high) = trace.range(0, 0);
    assert!(low.is_nan() && high.is_nan());
    assert_eq!(trace.range(0, 1), (0.2, 0.5));
}
