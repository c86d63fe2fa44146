//! Which parameters a fit ends with: early stopping, restoring, and what is measured when.

use super::*;

/// Validation rows that say the opposite of the training rows, so that every step forward is one backward for them.
fn opposite(data: &Dataset) -> Dataset {
    let y = data.y().iter().map(|y| -y).collect();
    Dataset::new(data.rows(), 1, 1, data.x().to_vec(), y, None).unwrap()
}

#[test]
fn early_stopping_restores_the_best_by_validation_and_keeps_the_last_for_resuming() {
    let data = sine(30, 0.0);
    let validation = opposite(&data);
    let early = Some(EarlyStopping { patience: 4, min_delta: 0.0 });
    let options = FitOptions { early_stopping: early, ..steps(Optimizer::adam(), 50) };
    let mut network = network(&[1, 1]);
    let report =
        fit(&mut network, &data, Some(&validation), &options, None, &Reference, &mut Unobserved).unwrap();
    let best = report.best.unwrap();
    assert_eq!(
        (report.stop, best.watched, best.restored),
        (StopReason::EarlyStopped, Watched::Validation, true)
    );
    assert_eq!(report.steps, best.step + 4);
    let losses: Vec<f64> = report.history.iter().map(|record| record.validation_loss.unwrap()).collect();
    assert_eq!(best.loss, losses.iter().copied().fold(f64::INFINITY, f64::min));
    let mse = (loss_of(&network, &validation) / network.scaler().unwrap().target_scale[0]).powi(2);
    assert!((mse - best.loss).abs() < 1e-12);
    assert_ne!(network.parameters(), report.state.parameters);
    assert_eq!(network.parameters(), report.state.best_parameters.unwrap());
}

#[test]
fn without_restoring_the_last_parameters_stay() {
    let data = sine(30, 0.0);
    let options = FitOptions { restore_best: false, ..steps(Optimizer::adam(), 10) };
    let mut network = network(&[1, 1]);
    let validation = opposite(&data);
    let report =
        fit(&mut network, &data, Some(&validation), &options, None, &Reference, &mut Unobserved).unwrap();
    assert_eq!(network.parameters(), report.state.parameters);
    assert!(!report.best.unwrap().restored && report.best.unwrap().step < 10);
}

#[test]
fn without_validation_the_last_step_is_kept_if_it_is_the_best() {
    let mut network = network(&[1, 1]);
    let report = run(&mut network, &sine(30, 0.0), &steps(Optimizer::adam(), 5));
    let best = report.best.unwrap();
    assert_eq!((best.step, best.watched, best.restored), (5, Watched::Training, false));
    assert!(best.loss < report.history[4].loss);
    assert_eq!(network.parameters(), report.state.parameters);
}

#[test]
fn without_validation_a_worse_last_step_gives_way_to_the_best() {
    let mut network = network(&[1, 1]);
    let data = sine(30, 0.0);
    // Far too large a rate: the loss jumps up.
    let options = FitOptions { learning_rate: Some(3.0), ..steps(Optimizer::adam(), 5) };
    let report = run(&mut network, &data, &options);
    let best = report.best.unwrap();
    let losses: Vec<f64> = report.history.iter().map(|record| record.loss).collect();
    assert!(best.restored && losses[best.step as usize - 1] == best.loss);
    assert_eq!(best.loss, losses.iter().copied().fold(f64::INFINITY, f64::min));
    let mse = (loss_of(&network, &data) / network.scaler().unwrap().target_scale[0]).powi(2);
    assert!((mse - best.loss).abs() < 1e-12, "{mse} {best:?}");
}

#[test]
fn in_batches_without_validation_whole_passes_are_watched() {
    let data = sine(30, 0.0);
    let early = Some(EarlyStopping { patience: 2, min_delta: 1e3 });
    for options in
        [epochs(Optimizer::adam(), 9, 8), FitOptions { batch_size: Some(8), ..steps(Optimizer::adam(), 36) }]
    {
        let options = FitOptions { early_stopping: early, ..options };
        let report = run(&mut network(&[1, 1]), &data, &options);
        // The first pass sets the mark; no later one is a thousand lower.
        assert_eq!((report.stop, report.epochs, report.steps), (StopReason::EarlyStopped, 3, 12));
    }
}

#[test]
fn validation_rows_are_measured_once_a_record() {
    let options = FitOptions { validation_fraction: Some(0.2), ..epochs(Optimizer::adam(), 4, 8) };
    let report = run(&mut network(&[1, 1]), &sine(30, 0.0), &options);
    assert!(
        report.history.len() == 4 && report.history.iter().all(|record| record.validation_loss.is_some())
    );
    assert_eq!((report.training_rows, report.validation_rows), (24, 6));
}

#[test]
fn a_converged_fit_ends_before_its_time() {
    let x = (0..9).map(f64::from).collect();
    let data = Dataset::new(9, 1, 1, x, vec![5.0; 9], None).unwrap();
    let report = run(&mut network(&[1, 1]), &data, &steps(Optimizer::lbfgs(), 500));
    assert_eq!(report.stop, StopReason::Converged);
    assert!(report.steps < 500 && report.history.len() as u64 == report.steps);
}

#[test]
fn a_second_fit_starts_from_the_first_with_a_new_optimiser() {
    let data = sine(30, 0.0);
    let mut network = network(&[1, 1]);
    run(&mut network, &data, &steps(Optimizer::lbfgs(), 5));
    let (before, scaler) = (loss_of(&network, &data), network.scaler().cloned());
    let report =
        run(&mut network, &sine(25, 7.0), &FitOptions { epochs: Some(1), ..options(Optimizer::adam()) });
    assert_eq!(report.history[0].step, 1);
    assert_eq!(network.scaler().cloned(), scaler);
    run(&mut network, &data, &steps(Optimizer::lbfgs(), 20));
    assert!(loss_of(&network, &data) < before);
}
