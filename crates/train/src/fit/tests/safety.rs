//! Data that break other libraries: users' reports, each a test. Nothing may become NaN, and errors say what is wrong.

use super::*;
use crate::prune::{PruneOptions, PruneParts, PruneUntil, prune};
use crate::testing::{Noise, lm, surface};
use crate::{SimplifyOptions, simplify, uncertainty};
use kanode_engine::EdgeFunction;
use kanode_network::EdgeId;
use std::any::Any;
use std::sync::Arc;

fn optimizers() -> [FitOptions; 4] {
    [
        lm(25),
        FitOptions { steps: Some(25), ..FitOptions::default() },
        steps(Optimizer::lbfgs(), 25),
        epochs(Optimizer::adam(), 5, 8),
    ]
}

/// Fits `data` with every optimiser, on several shapes, and sees that all numbers that come out are finite. Returns
/// the root mean squared errors.
fn survives(name: &str, data: &Dataset) -> Vec<f64> {
    let mut errors = Vec::new();
    for options in optimizers() {
        for layers in [vec![data.features(), 1], vec![data.features(), 3, 1]] {
            let mut network = network(&layers);
            let case = format!("{name} {layers:?} {:?}", options.optimizer);
            let report = fit(&mut network, data, None, &options, None, &Reference, &mut Unobserved);
            let report = report.unwrap_or_else(|failure| panic!("{case}: {}", failure.error));
            assert!(network.parameters().iter().all(|p| p.is_finite()), "{case}");
            assert!(report.history.iter().all(|record| record.loss.is_finite()), "{case}");
            let error = loss_of(&network, data);
            assert!(error.is_finite(), "{case}");
            errors.push(error);
            let far: Vec<f64> = (0..data.features() * 3).map(|i| 1e6 * (i as f64 - 2.0)).collect();
            let values = predict(&network, &far, 3, &Reference, &|| false).unwrap();
            assert!(values.iter().all(|value| value.is_finite()), "{case}: {values:?}");
        }
    }
    errors
}

/// The surface, its cells changed by `change(row, x, y)`.
fn changed(rows: usize, change: impl Fn(usize, &mut [f64], &mut f64)) -> Dataset {
    let data = surface(rows, 1);
    let (mut x, mut y) = (data.x().to_vec(), data.y().to_vec());
    for (row, (x, y)) in x.chunks_exact_mut(2).zip(&mut y).enumerate() {
        change(row, x, y);
    }
    Dataset::new(rows, 2, 1, x, y, None).unwrap()
}

#[test]
fn constant_columns() {
    survives("constant input", &changed(60, |_, x, _| x[1] = 7.0));
    survives("all inputs constant", &changed(60, |_, x, _| x.fill(-3.0)));
    for error in survives("constant target", &changed(60, |_, _, y| *y = 5.0)) {
        assert!(error < 0.5, "{error}");
    }
}

#[test]
fn integer_columns() {
    survives(
        "integers",
        &changed(80, |row, x, _| {
            x[0] = (row % 3) as f64;
            x[1] = f64::from(row % 7 == 0);
        }),
    );
}

#[test]
fn duplicate_rows() {
    survives(
        "one row many times",
        &changed(40, |_, x, y| {
            x.copy_from_slice(&[0.25, 0.5]);
            *y = 2.0;
        }),
    );
    survives("one input with many targets", &changed(40, |_, x, _| x.copy_from_slice(&[0.25, 0.5])));
    survives(
        "every row four times",
        &changed(40, |row, x, y| {
            let data = surface(10, 9);
            x.copy_from_slice(&data.x()[row % 10 * 2..][..2]);
            *y = data.y()[row % 10];
        }),
    );
}

#[test]
fn fewer_rows_than_control_points() {
    for rows in [1, 2, 3, 7] {
        survives("few rows", &surface(rows, 2));
    }
}

#[test]
fn outliers() {
    survives(
        "an input of 1e9",
        &changed(60, |row, x, _| {
            if row == 5 {
                x[0] = 1e9
            }
        }),
    );
    survives(
        "a target of 1e9",
        &changed(60, |row, _, y| {
            if row == 5 {
                *y = 1e9
            }
        }),
    );
}

#[test]
fn targets_of_any_size() {
    for scale in [1e-9, 1e6, 1e-150, 1e150] {
        let data = changed(100, |_, _, y| *y *= scale);
        let mut network = network(&[2, 3, 1]);
        run(&mut network, &data, &lm(60));
        let error = loss_of(&network, &data) / scale;
        assert!(error < 0.05, "{scale}: {error}");
    }
    let shifted = changed(100, |_, _, y| *y = 1e-3 * *y + 1e6);
    let mut network = network(&[2, 3, 1]);
    run(&mut network, &shifted, &lm(60));
    assert!(loss_of(&network, &shifted) < 5e-5, "{}", loss_of(&network, &shifted));
}

#[test]
fn inputs_far_outside_the_grid() {
    let mut trained = network(&[2, 3, 1]);
    run(&mut trained, &surface(60, 1), &lm(20));
    let far = changed(60, |row, x, _| {
        x[0] += 50.0;
        x[1] *= if row % 2 == 0 { 1e3 } else { 1.0 };
    });
    for options in optimizers() {
        let mut network = trained.clone();
        match fit(&mut network, &far, None, &options, None, &Reference, &mut Unobserved) {
            Ok(report) => assert!(report.history.iter().all(|record| record.loss.is_finite())),
            // Adam's steps are of the same length for any slope.
            Err(failure) => {
                assert!(matches!(failure.error, TrainError::Diverged { .. }), "{}", failure.error)
            }
        }
        assert!(network.parameters().iter().all(|p| p.is_finite()));
    }
}

#[test]
fn cells_that_are_no_numbers_are_named() {
    for bad in [f64::NAN, f64::INFINITY] {
        let data = surface(20, 1);
        let mut x = data.x().to_vec();
        x[13] = bad;
        let error = match Dataset::new(20, 2, 1, x, data.y().to_vec(), None) {
            Err(error) => error.to_string(),
            Ok(data) => {
                let failed =
                    fit(&mut network(&[2, 1]), &data, None, &lm(3), None, &Reference, &mut Unobserved);
                failed.unwrap_err().error.to_string()
            }
        };
        assert!(error.contains('6') && error.contains('x'), "{error}");
    }
}

#[test]
fn minibatches_with_lbfgs() {
    let mut noise = Noise::new(3);
    let data = changed(90, |_, _, _| ());
    let y = data.y().iter().map(|y| y + 0.3 * noise.normal()).collect();
    let data = Dataset::new(90, 2, 1, data.x().to_vec(), y, None).unwrap();
    for batch_size in [1, 7, 32] {
        let mut network = network(&[2, 3, 1]);
        let report = run(&mut network, &data, &epochs(Optimizer::lbfgs(), 10, batch_size));
        assert!(report.history.iter().all(|record| record.loss.is_finite()), "{batch_size}");
        assert!(loss_of(&network, &data) < 3.0, "{batch_size}: {}", loss_of(&network, &data));
    }
}

#[test]
fn chains_of_pruning_refining_and_fitting() {
    let data = surface(300, 1);
    for optimizer in [Optimizer::lm(), Optimizer::lbfgs()] {
        let mut network = network(&[2, 5, 1]);
        run(&mut network, &data, &steps(optimizer.clone(), 40));
        for (keep, grid) in [(12, 8), (9, 16), (6, 32)] {
            let options =
                PruneOptions { until: PruneUntil::Keep(keep), parts: PruneParts::Edges, inputs: false };
            let (pruned, _) = prune(&network, &data, &options, &Reference, &|| false).unwrap();
            network = pruned;
            network.refine(grid).unwrap();
            let report = run(&mut network, &data, &steps(optimizer.clone(), 20));
            assert!(report.history.iter().all(|record| record.loss.is_finite()));
            // By scores of single edges a network of many like nodes may lose one input first; what is left still helps.
            assert!(loss_of(&network, &data) < 0.9, "{optimizer:?} {keep}: {}", loss_of(&network, &data));
        }
        assert_eq!(network.specification().grid, 32);
    }
}

#[test]
fn weights_of_any_size_and_of_zero() {
    let data = surface(60, 1);
    for weight in [|i: usize| 10f64.powi(i as i32 % 19 - 9), |i: usize| f64::from(i.is_multiple_of(10))] {
        let weights = Some((0..60).map(weight).collect());
        let data = Dataset::new(60, 2, 1, data.x().to_vec(), data.y().to_vec(), weights).unwrap();
        survives("weights", &data);
    }
}

/// `x²`, which has no constant.
#[derive(Debug)]
struct Square;

impl EdgeFunction for Square {
    fn constants(&self) -> usize {
        0
    }

    fn evaluate(&self, _: &[f64], x: f64, out: &mut [f64]) {
        out.iter_mut().zip([x * x, 2.0 * x, 2.0]).for_each(|(out, value)| *out = value);
    }

    fn plus(&self, _: f64) -> Arc<dyn EdgeFunction> {
        Arc::new(Self)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

#[test]
fn a_network_with_nothing_to_train_stays_as_it_is() {
    let data = surface(40, 1);
    let several = [
        FitOptions::default(),
        FitOptions { steps: Some(3), grid: vec![3, 5], starts: Some(2), ..FitOptions::default() },
    ];
    for options in optimizers().into_iter().chain(several) {
        let mut network = network(&[2, 1]);
        for from in 0..2 {
            let edge = EdgeId { layer: 0, from, to: 0 };
            network = network.with_function(edge, Arc::new(Square), &[]).unwrap();
        }
        let before = loss_of(&network, &data);
        let report = fit(&mut network, &data, None, &options, None, &Reference, &mut Unobserved);
        let report = report.unwrap_or_else(|failure| panic!("{options:?}: {}", failure.error));
        assert!(report.best.is_none_or(|best| best.loss.is_finite()), "{options:?}");
        assert!(loss_of(&network, &data).is_finite() && before.is_finite(), "{options:?}");
        // What may follow a fit: an answer or an error.
        let far = [0.5, 0.25];
        let spread = uncertainty(&network, &data, &far, 1, &|| false);
        assert!(spread.is_err() || spread.is_ok_and(|spread| spread.deviation[0] >= 0.0));
        let small = SimplifyOptions::default();
        assert!(simplify(&network, &data, None, &small, &Reference, &mut Unobserved).is_ok(), "{options:?}");
    }
}
