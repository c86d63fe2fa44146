use super::*;
use crate::tape::{Op, Tape};
use crate::term::Term;
use kanode_network::{Network, Scaler, Specification};

/// `u_xx − u·u_y + data`, and `v·y − data`, with a scaler that changes every unit.
fn terms() -> Vec<Term> {
    let points = |count: usize| (0..2 * count).map(|i| (i * 37 % 101) as f64 / 50.0 - 1.0).collect();
    let equation = Tape::new(vec![
        Op::Derivative { output: 0, by: vec![0, 0] },
        Op::Output { output: 0 },
        Op::Derivative { output: 0, by: vec![1] },
        Op::Multiply { a: 1, b: 2 },
        Op::Subtract { a: 0, b: 3 },
        Op::Data { column: 0 },
        Op::Add { a: 4, b: 5 },
    ]);
    let values = Tape::new(vec![
        Op::Output { output: 1 },
        Op::Coordinate { input: 1 },
        Op::Multiply { a: 0, b: 1 },
        Op::Data { column: 1 },
        Op::Subtract { a: 2, b: 3 },
    ]);
    let first = Term {
        points: points(70),
        count: 70,
        data: (0..70).map(|i| f64::from(i).sin()).collect(),
        weight: 0.3,
        weights: None,
        residual: equation,
    };
    let second = Term {
        points: points(5),
        count: 5,
        data: (0..10).map(|i| f64::from(i).cos()).collect(),
        weight: 2.0,
        weights: Some(vec![1.0, 0.0, 3.0, 2.0, 0.5]),
        residual: values,
    };
    vec![first, second]
}

fn network() -> Network<f64> {
    let mut network = Network::new(Specification { degree: 4, ..Specification::of(&[2, 3, 2]) }).unwrap();
    let scaler = Scaler {
        input_mean: vec![0.2, -0.1],
        input_scale: vec![0.5, 2.0],
        target_mean: vec![1.0, -2.0],
        target_scale: vec![3.0, 0.7],
    };
    network.set_scaler(Some(scaler)).unwrap();
    network
}

fn with_problem(check: impl FnOnce(&mut Watched<'_, '_>, &mut Vec<f64>)) {
    let (network, terms) = (network(), terms());
    let prepared: Vec<Prepared<'_>> =
        terms.iter().map(|term| Prepared::new(term, &network).unwrap()).collect();
    let packing = Arc::new(network.packing());
    let mut theta = packing.pack(network.parameters());
    let mut problem = Problem::new(&prepared, network.program(), &packing);
    check(&mut Watched { problem: &mut problem, cancelled: &|| false }, &mut theta);
}

/// Functions of size 1 with third derivatives of size 10 to 100.
const STEP: f64 = 1e-5;
const TOLERANCE: f64 = 1e-6;

#[test]
fn rows_are_those_of_finite_differences() {
    with_problem(|problem, theta| {
        let (mut rows, mut residuals) = (Rows::new(), Vec::new());
        problem.linearise(theta, &mut rows, &mut residuals).unwrap();
        assert_eq!((rows.len(), residuals.len()), (74, 74));
        let squares: f64 = residuals.iter().map(|r| r * r).sum();
        assert!((squares - problem.value(theta).unwrap()).abs() < 1e-12 * squares);
        let (mut other, mut moved) = (Rows::new(), [Vec::new(), Vec::new()]);
        for place in (0..theta.len()).step_by(7) {
            let kept = theta[place];
            for (moved, shift) in moved.iter_mut().zip([STEP, -STEP]) {
                theta[place] = kept + shift;
                problem.linearise(theta, &mut other, moved).unwrap();
            }
            theta[place] = kept;
            let mut unit = vec![0.0; theta.len()];
            unit[place] = 1.0;
            for (row, (up, down)) in moved[0].iter().zip(&moved[1]).enumerate() {
                let expected = (up - down) / (2.0 * STEP);
                let found = rows.dot(row, &unit);
                assert!((found - expected).abs() < TOLERANCE * (1.0 + expected.abs()), "{row} {place}");
            }
        }
    });
}

#[test]
fn the_gradient_is_that_of_the_rows() {
    with_problem(|problem, theta| {
        let (mut rows, mut residuals) = (Rows::new(), Vec::new());
        problem.linearise(theta, &mut rows, &mut residuals).unwrap();
        let prior = Prior { ridge: 0.1, ..Prior::default() };
        let mut gradient = vec![9.0; theta.len()];
        let loss = problem.gradient(theta, &prior, &mut gradient).unwrap();
        assert!((loss - problem.value(theta).unwrap() - prior.value(theta)).abs() < 1e-12 * loss);
        let mut expected: Vec<f64> = theta.iter().map(|theta| 0.1 * theta).collect();
        rows.transpose_multiply_add(&residuals, &mut expected);
        for (found, half) in gradient.iter().zip(&expected) {
            assert!((found - 2.0 * half).abs() < 1e-11, "{found} {half}");
        }
    });
}

#[test]
fn points_without_weight_have_no_influence_and_reports_are_of_residuals() {
    with_problem(|problem, theta| {
        let (reports, loss) = problem.problem.report(theta);
        assert!((loss - problem.value(theta).unwrap()).abs() < 1e-13 * loss);
        let of_terms = 0.3 * reports[0].rms.powi(2) + 2.0 * reports[1].rms.powi(2);
        assert!((of_terms - loss).abs() < 1e-12 * loss, "{of_terms} {loss}");
        assert!(reports.iter().all(|report| report.maximum >= report.rms));
        assert_eq!((reports[0].points, reports[1].points), (70, 5));
    });
}

#[test]
fn whoever_asks_stops_every_evaluation() {
    with_problem(|problem, theta| {
        let mut problem = Watched { problem: problem.problem, cancelled: &|| true };
        let (mut rows, mut residuals, mut gradient) = (Rows::new(), Vec::new(), vec![0.0; theta.len()]);
        assert_eq!(problem.value(theta), Err(Cancelled));
        assert_eq!(problem.linearise(theta, &mut rows, &mut residuals), Err(Cancelled));
        assert_eq!(problem.gradient(theta, &Prior::default(), &mut gradient), Err(Cancelled));
    });
}
