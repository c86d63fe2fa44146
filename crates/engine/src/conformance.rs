//! The tests that every backend runs: agreement with the reference backend, and of gradients with central
//! differences, over degrees, knots, outside modes, bases, shapes, product nodes and losses. Functions panic where a
//! backend is wrong, so they belong in `#[test]`s.

mod case;

pub use case::{Case, LOSSES, Placement, cases};

use crate::backend::{Batch, Compile, Executor};
use crate::loss::Loss;
use crate::real::Real;
use crate::reference::Reference;

/// Compares a backend with the reference on all [`cases`]. `tolerance` is relative to the largest element of each
/// result: 1e-12 for `f64` and 1e-5 for `f32`.
///
/// # Panics
/// Where they differ by more, naming the case and the result.
pub fn check<T: Real>(backend: &dyn Compile<T>, tolerance: f64) {
    for case in cases() {
        check_case(backend, &case, tolerance);
    }
}

/// Compares a backend with the reference on one case; see [`check`].
///
/// # Panics
/// Where they differ.
pub fn check_case<T: Real>(backend: &dyn Compile<T>, case: &Case, tolerance: f64) {
    let program = case.program();
    let mut subject = backend.compile(&program).expect("the backend compiles the case");
    let mut oracle: Box<dyn Executor<T>> = Reference.compile(&program).expect("the reference compiles all");
    let parameters = case.parameters::<T>(&program);
    let x = case.inputs::<T>();
    let count = case.rows * program.outputs();
    let same = |what: &str, found: &[T], expected: &[T]| close(case, what, found, expected, tolerance);

    let (mut found, mut expected) = (vec![T::ONE; count], vec![T::ZERO; count]);
    subject.predict(&parameters, &x, &mut found).expect("predict");
    oracle.predict(&parameters, &x, &mut expected).expect("predict");
    same("outputs", &found, &expected);

    let dy = case.targets::<T>(Loss::Mse);
    let (mut g, mut dx) = (vec![T::ONE; parameters.len()], vec![T::ONE; x.len()]);
    let (mut oracle_g, mut oracle_dx) = (g.clone(), dx.clone());
    subject.backward(&parameters, &x, &dy, &mut g, &mut dx).expect("backward");
    oracle.backward(&parameters, &x, &dy, &mut oracle_g, &mut oracle_dx).expect("backward");
    for (range, layer) in program.ranges().into_iter().zip(program.layers()) {
        let (found, expected) = (layer.views(&g[range.clone()]), layer.views(&oracle_g[range]));
        same("gradient of control points", found.control_points, expected.control_points);
        same("gradient of base weights", found.base_weight, expected.base_weight);
        same("gradient of spline weights", found.spline_weight, expected.spline_weight);
    }
    same("gradient of inputs", &dx, &oracle_dx);

    let weights = case.weights::<T>();
    for loss in LOSSES {
        for weights in [None, Some(weights.as_slice())] {
            let mut targets = case.targets::<T>(loss);
            if loss == Loss::CrossEntropy {
                // A row without weight has no influence, whatever its label.
                let labels = targets.iter_mut().zip(weights.into_iter().flatten());
                labels
                    .filter(|(_, weight)| **weight == T::ZERO)
                    .for_each(|(label, _)| *label = T::from_f64(1e9));
            }
            let batch = Batch { x: &x, targets: &targets, weights, rows: case.rows };
            let expected = oracle.loss_and_gradient(loss, &parameters, &batch, &mut oracle_g).expect("loss");
            let found = subject.loss_and_gradient(loss, &parameters, &batch, &mut g).expect("loss");
            let name = format!("{} {}", loss.name(), if weights.is_some() { "weighted" } else { "" });
            same(&format!("gradient of {name}"), &g, &oracle_g);
            close(case, &name, &[found], &[expected], tolerance);
            let alone = subject.loss(loss, &parameters, &batch).expect("loss");
            assert_eq!(alone.to_bits(), found.to_bits(), "{case:?}: loss with and without gradient, {name}");
        }
    }

    let statistics = subject.statistics(&parameters, &x).expect("statistics");
    let expected = oracle.statistics(&parameters, &x).expect("statistics");
    assert_eq!(statistics[0], expected[0], "{case:?}: statistics of the inputs");
    for (found, expected) in statistics.iter().zip(&expected) {
        let range = |s: &crate::backend::LayerStatistics| -> Vec<f64> {
            s.inputs.iter().flat_map(|i| [i.minimum, i.maximum]).collect()
        };
        close(case, "ranges", &range(found), &range(expected), tolerance);
    }
}

/// Compares the gradients of a backend in `f64` with central differences: every loss, parameter kind and input,
/// every degree, placement and outside mode. Largest difference allowed: 1e-7 of the largest
/// element of the same kind in the same layer.
///
/// # Panics
/// Where they differ by more, naming the case.
pub fn check_differences(backend: &dyn Compile<f64>) {
    for case in case::difference_cases() {
        let program = case.program();
        let mut subject = backend.compile(&program).expect("the backend compiles the case");
        let parameters = case.parameters::<f64>(&program);
        // On the ends of the domain itself 'zero' and 'constant' have no derivative.
        let x: Vec<f64> =
            case.inputs::<f64>().iter().map(|x| if x.abs() == 1.0 { x * 0.97 } else { *x }).collect();
        assert!(x.iter().any(|x| x.abs() > 1.0) && x.iter().any(|x| x.abs() < 1.0));
        let weights = case.weights::<f64>();
        for loss in LOSSES {
            let targets = case.targets::<f64>(loss);
            let batch = Batch { x: &x, targets: &targets, weights: Some(&weights), rows: case.rows };
            let mut found = vec![0.0; parameters.len()];
            subject.loss_and_gradient(loss, &parameters, &batch, &mut found).expect("loss");
            let expected = differences(&parameters, |p| subject.loss(loss, p, &batch).expect("loss"));
            for (range, layer) in program.ranges().into_iter().zip(program.layers()) {
                let (found, expected) = (layer.views(&found[range.clone()]), layer.views(&expected[range]));
                let same = |what, found: &[f64], expected: &[f64]| {
                    close(&case, &format!("{} by {what}", loss.name()), found, expected, 1e-7);
                };
                same("control points", found.control_points, expected.control_points);
                same("base weights", found.base_weight, expected.base_weight);
                same("spline weights", found.spline_weight, expected.spline_weight);
            }
        }
        let dy = case.targets::<f64>(Loss::Mse);
        let (mut g, mut dx) = (vec![0.0; parameters.len()], vec![0.0; x.len()]);
        subject.backward(&parameters, &x, &dy, &mut g, &mut dx).expect("backward");
        let mut y = vec![0.0; dy.len()];
        let expected = differences(&x, |x| {
            subject.predict(&parameters, x, &mut y).expect("predict");
            y.iter().zip(&dy).map(|(y, dy)| y * dy).sum()
        });
        close(&case, "differences of inputs", &dx, &expected, 1e-7);
    }
}

/// Central differences. The step is small, so that few of them straddle a knot, where low degrees have kinks;
/// rounding then costs about 1e-10.
fn differences(at: &[f64], mut f: impl FnMut(&[f64]) -> f64) -> Vec<f64> {
    let mut point = at.to_vec();
    let h = 3e-6;
    let mut value = |i: usize, shift: f64| {
        point[i] = at[i] + shift;
        let value = f(&point);
        point[i] = at[i];
        value
    };
    (0..at.len()).map(|i| (value(i, h) - value(i, -h)) / (2.0 * h)).collect()
}

fn close<T: Real>(case: &Case, what: &str, found: &[T], expected: &[T], tolerance: f64) {
    assert_eq!(found.len(), expected.len());
    let scale = expected.iter().map(|e| e.to_f64().abs()).fold(1e-300, f64::max);
    for (index, (found, expected)) in found.iter().zip(expected).enumerate() {
        let difference = (found.to_f64() - expected.to_f64()).abs() / scale;
        assert!(
            difference <= tolerance,
            "{case:?}: {what}[{index}] is {found}, expected {expected}; difference {difference:e} of the largest"
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reference_gradients_agree_with_central_differences() {
        check_differences(&Reference);
    }
}
