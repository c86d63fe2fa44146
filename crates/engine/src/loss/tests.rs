use super::*;

/// Outputs of two rows with two columns against targets; weights 1 and 3.
fn evaluate(
    loss: Loss,
    outputs: &[f64],
    targets: &[f64],
    weights: Option<&[f64]>,
) -> Result<f64, EngineError> {
    let batch = Batch { x: &[], targets, weights, rows: 2 };
    loss.evaluate(outputs, outputs.len() / 2, &batch, None)
}

fn near(found: f64, expected: f64) {
    assert!((found - expected).abs() <= 1e-15 * expected.abs().max(1.0), "{found} is not {expected}");
}

#[test]
fn losses_equal_their_definitions() {
    let (y, t) = ([1.0, 2.0, 3.0, -1.0], [0.0, 2.5, 3.0, 1.0]);
    // Squared differences 1, 0.25, 0, 4.
    near(evaluate(Loss::Mse, &y, &t, None).unwrap(), 5.25 / 4.0);
    near(evaluate(Loss::Rmse, &y, &t, None).unwrap(), (5.25_f64 / 4.0).sqrt());
    near(evaluate(Loss::Mae, &y, &t, None).unwrap(), 3.5 / 4.0);
    near(evaluate(Loss::Huber { delta: 1.0 }, &y, &t, None).unwrap(), (0.5 + 0.125 + 0.0 + 1.5) / 4.0);
    let weights = [1.0, 3.0];
    near(evaluate(Loss::Mse, &y, &t, Some(&weights)).unwrap(), (1.25 + 3.0 * 4.0) / 8.0);
}

#[test]
fn cross_entropy_takes_labels_and_probabilities() {
    let y = [1.0, 3.0, 0.5, -2.0];
    let log_softmax = |a: f64, b: f64| a - (a.exp() + b.exp()).ln();
    let expected = -(log_softmax(3.0, 1.0) + log_softmax(0.5, -2.0)) / 2.0;
    near(evaluate(Loss::CrossEntropy, &y, &[1.0, 0.0], None).unwrap(), expected);
    near(evaluate(Loss::CrossEntropy, &y, &[0.0, 1.0, 1.0, 0.0], None).unwrap(), expected);
}

#[test]
fn logistic_losses_survive_huge_outputs() {
    let y = [1e4, -1e4];
    near(evaluate(Loss::BinaryCrossEntropy, &y, &[1.0, 0.0], None).unwrap(), 0.0);
    near(evaluate(Loss::BinaryCrossEntropy, &y, &[0.0, 1.0], None).unwrap(), 1e4);
    let y = [1e4, -1e4, -1e4, 1e4];
    near(evaluate(Loss::CrossEntropy, &y, &[0.0, 0.0], None).unwrap(), 1e4);
}

#[test]
fn a_row_of_weight_zero_has_no_influence_even_when_it_is_nan() {
    let batch = Batch { x: &[], targets: &[1.0, f64::NAN], weights: Some(&[2.0, 0.0]), rows: 2 };
    let mut dy = [9.0; 2];
    let loss = Loss::Mse.evaluate(&[3.0, f64::NAN], 1, &batch, Some(&mut dy)).unwrap();
    assert_eq!((loss, dy), (4.0, [4.0, 0.0]));
}

#[test]
fn nan_outputs_give_nan_losses() {
    for loss in [Loss::Mse, Loss::Rmse, Loss::Mae, Loss::Huber { delta: 1.0 }, Loss::BinaryCrossEntropy] {
        assert!(evaluate(loss, &[f64::NAN, 0.0], &[0.0, 0.0], None).unwrap().is_nan(), "{loss:?}");
    }
    assert!(evaluate(Loss::CrossEntropy, &[f64::NAN, 0.0, 0.0, 0.0], &[0.0, 0.0], None).unwrap().is_nan());
}

#[test]
fn wrong_targets_labels_and_weights_are_refused_by_name() {
    let y = [0.0; 4];
    let found = |loss, t: &[f64], w| evaluate(loss, &y, t, w).unwrap_err();
    assert_eq!(found(Loss::Mse, &[0.0; 2], None), EngineError::TargetWidth { expected: 2, found: 1 });
    assert_eq!(
        found(Loss::CrossEntropy, &[0.0, 2.0], None),
        EngineError::Label { row: 1, found: 2.0, classes: 2 }
    );
    assert_eq!(
        found(Loss::CrossEntropy, &[0.5, 0.0], None),
        EngineError::Label { row: 0, found: 0.5, classes: 2 }
    );
    assert!(matches!(found(Loss::Mse, &[0.0; 4], Some(&[0.0, 0.0])), EngineError::Weights { .. }));
    assert!(matches!(found(Loss::Mse, &[0.0; 4], Some(&[-1.0, 2.0])), EngineError::Weights { .. }));
    assert!(matches!(found(Loss::Mse, &[0.0; 4], Some(&[f64::NAN, 2.0])), EngineError::Weights { .. }));
}

#[test]
fn the_gradient_of_rmse_at_zero_is_zero() {
    let batch = Batch { x: &[], targets: &[1.0, 2.0], weights: None, rows: 2 };
    let mut dy = [9.0; 2];
    assert_eq!(Loss::Rmse.evaluate(&[1.0, 2.0], 1, &batch, Some(&mut dy)).unwrap(), 0.0);
    assert_eq!(dy, [0.0, 0.0]);
}

#[test]
fn the_gradient_of_a_tiny_rmse_survives_single_precision() {
    let batch = Batch { x: &[], targets: &[0.0f32], weights: None, rows: 1 };
    let mut dy = [0.0f32];
    Loss::Rmse.evaluate(&[1e-40f32], 1, &batch, Some(&mut dy)).unwrap();
    assert_eq!(dy, [1.0]);
}

#[test]
fn parts_add_up_to_the_bits_of_the_whole() {
    const ROWS: usize = 3 * LOSS_ROWS + 5;
    let number = |i: usize| (i * 37 % 23) as f64 / 23.0;
    let outputs: Vec<f64> = (0..2 * ROWS).map(|i| 3.0 * number(i) - 1.0).collect();
    let weights: Vec<f64> = (0..ROWS).map(|i| number(i + 5)).collect();
    let (x, soft) = ([0.0; ROWS], (0..2 * ROWS).map(|i| f64::from(i % 3 == 0)).collect::<Vec<_>>());
    let labels: Vec<f64> = (0..ROWS).map(|i| (i % 2) as f64).collect();
    let [huber, logistic] = [Loss::Huber { delta: 0.3 }, Loss::BinaryCrossEntropy];
    let cases = [Loss::Mse, Loss::Mae, huber, logistic, Loss::CrossEntropy].map(|loss| (loss, &soft));
    for (loss, targets) in cases.into_iter().chain([(Loss::CrossEntropy, &labels)]) {
        for weights in [None, Some(weights.as_slice())] {
            let batch = Batch { x: &x, targets, weights, rows: ROWS };
            let (mut expected, mut found, mut sum) = ([0.0; 2 * ROWS], [0.0; 2 * ROWS], 0.0);
            let whole = loss.evaluate(&outputs, 2, &batch, Some(&mut expected)).unwrap();
            let mut parts = loss.in_parts(2, &batch).unwrap().unwrap();
            for rows in [0..2 * LOSS_ROWS, 2 * LOSS_ROWS..3 * LOSS_ROWS, 3 * LOSS_ROWS..ROWS] {
                let span = 2 * rows.start..2 * rows.end;
                let part = (&parts.part(&batch, rows.clone()), rows.start);
                sum = parts.evaluate(sum, &outputs[span.clone()], part, &mut found[span]).unwrap();
            }
            assert_eq!((sum, found), (whole, expected));
        }
    }
}

#[test]
fn a_root_has_no_parts_and_labels_are_named_by_their_row() {
    let batch = Batch { x: &[0.0; 3], targets: &[0.0, 1.0, 2.0], weights: None, rows: 3 };
    assert!(Loss::Rmse.in_parts(3, &Batch { targets: &[0.0; 9], ..batch }).unwrap().is_none());
    let mut parts = Loss::CrossEntropy.in_parts(2, &batch).unwrap().unwrap();
    let part = parts.part(&batch, 1..3);
    let error = parts.evaluate(0.0, &[0.0; 4], (&part, 1), &mut [0.0; 4]).unwrap_err();
    assert_eq!(error, EngineError::Label { row: 2, found: 2.0, classes: 2 });
}

#[test]
fn a_batch_is_checked_without_outputs_as_it_is_with_them() {
    let batch = |targets, weights| Batch { x: &[], targets, weights, rows: 2 };
    assert_eq!(Loss::Mse.check(2, &batch(&[0.0; 4], Some(&[1.0, 3.0]))), Ok((2, 4.0)));
    assert_eq!(Loss::CrossEntropy.check(3, &batch(&[0.0, 2.0], None)), Ok((1, 2.0)));
    let label = EngineError::Label { row: 1, found: 3.0, classes: 3 };
    assert_eq!(Loss::CrossEntropy.check(3, &batch(&[0.0, 3.0], None)), Err(label));
    // A row of weight 0 has no influence.
    assert_eq!(Loss::CrossEntropy.check(3, &batch(&[0.0, 9.0], Some(&[2.0, 0.0]))), Ok((1, 2.0)));
    assert!(matches!(
        Loss::Mse.check(2, &batch(&[0.0; 4], Some(&[0.0, 0.0]))),
        Err(EngineError::Weights { .. })
    ));
}
