//! Grids one after the other, and grids that follow what nodes receive.

use super::*;
use crate::options::GridUpdates;
use crate::regularization::Regularization;
use crate::testing::{lm, noisy_sine, surface};

#[test]
fn every_grid_of_a_schedule_is_a_level_and_the_loss_does_not_jump() {
    let data = sine(80, 0.0);
    for optimizer in [Optimizer::lm(), Optimizer::lbfgs(), Optimizer::adam()] {
        let mut network = network(&[1, 1]);
        let options = FitOptions {
            grid: vec![3, 6, 12],
            batch_size: (optimizer == Optimizer::adam()).then_some(80),
            regularization: Regularization::NONE,
            ..steps(optimizer.clone(), 12)
        };
        let report = run(&mut network, &data, &options);
        let grids: Vec<usize> = report.levels.iter().map(|level| level.grid).collect();
        assert_eq!((grids, network.specification().grid), (vec![3, 6, 12], 12), "{optimizer:?}");
        assert_eq!(report.levels.iter().map(|level| level.steps).sum::<u64>(), report.steps);
        assert_eq!(report.history.iter().map(|record| record.grid).max(), Some(12));
        assert_eq!(report.levels[0].refit_rms, None);
        for level in &report.levels[1..] {
            // Each grid is a multiple of the one before: the refit is exact to rounding.
            assert!(level.refit_rms.unwrap() < 1e-12 && level.refit_maximum.unwrap() < 1e-11, "{level:?}");
        }
        for pair in report.history.windows(2).filter(|pair| pair[0].grid < pair[1].grid) {
            // The first record of Adam on a grid is measured where the last step before it led.
            assert!(pair[1].loss <= 1.1 * pair[0].loss + 1e-12, "{optimizer:?}: {pair:?}");
        }
        let losses: Vec<f64> = report.levels.iter().map(|level| level.loss.unwrap()).collect();
        assert!(losses[2] < losses[0], "{optimizer:?}: {losses:?}");
        let rmse = report.levels[2].rmse.unwrap();
        let scale = network.scaler().unwrap().target_scale[0];
        assert!((rmse - losses[2].sqrt() * scale).abs() < 1e-12);
    }
}

#[test]
fn a_trained_network_goes_on_from_its_grid_and_never_back() {
    let data = sine(80, 0.0);
    let mut network = network(&[1, 1]);
    let schedule = FitOptions { grid: vec![4, 8], ..lm(5) };
    run(&mut network, &data, &schedule);
    let again = run(&mut network, &data, &FitOptions { grid: vec![4, 8, 16], ..lm(5) });
    assert_eq!(again.levels.iter().map(|level| level.grid).collect::<Vec<_>>(), [8, 16]);
    let coarse = FitOptions { grid: vec![2, 4], ..lm(5) };
    let failure = fit(&mut network, &data, None, &coarse, None, &Reference, &mut Unobserved).unwrap_err();
    assert!(matches!(failure.error, TrainError::Option(error) if error.option == "grid"));
}

#[test]
fn a_schedule_cancelled_in_any_level_leaves_a_network_that_goes_on() {
    let data = surface(80, 1);
    let options = FitOptions { grid: vec![3, 6, 12], starts: Some(2), ..lm(8) };
    let mut counted = Recorder::default();
    fit(&mut network(&[2, 2, 1]), &data, None, &options, None, &Reference, &mut counted).unwrap();
    let all = counted.evaluations.get();
    for cancel_at in (0..all).step_by(all / 20) {
        let mut network = network(&[2, 2, 1]);
        let before = network.clone();
        let mut recorder = Recorder::cancelling_at(cancel_at);
        let report = fit(&mut network, &data, None, &options, None, &Reference, &mut recorder).unwrap();
        assert_eq!(report.stop, StopReason::Cancelled);
        // The state always belongs to the network.
        assert_eq!(report.state.parameters.len(), network.parameter_count());
        if report.steps == 0 {
            assert!(!report.changed && network.parameters() == before.parameters());
            assert_eq!((network.knots(), network.is_fitted()), (before.knots(), false));
        } else {
            assert!(loss_of(&network, &data).is_finite() && report.changed);
        }
        let state = Some(report.state);
        fit(&mut network, &data, None, &options, state, &Reference, &mut Unobserved).unwrap();
        assert!(loss_of(&network, &data) < 0.05, "{cancel_at}: {}", loss_of(&network, &data));
    }
}

#[test]
fn a_fit_of_a_trained_network_cancelled_before_its_first_step_keeps_state_and_network_together() {
    let data = surface(80, 1);
    let mut network = network(&[2, 2, 1]);
    run(&mut network, &data, &lm(5));
    let before = network.clone();
    // Grids follow at the start of a second fit, before its first step.
    let mut recorder = Recorder::cancelling_at(0);
    let report = fit(&mut network, &data, None, &lm(5), None, &Reference, &mut recorder).unwrap();
    assert!(!report.changed && report.steps == 0);
    assert_eq!((network.parameters(), network.knots()), (before.parameters(), before.knots()));
    assert_eq!(report.state.parameters, before.parameters());
    let mut resumed = network.clone();
    let state = Some(report.state);
    fit(&mut resumed, &data, None, &lm(5), state, &Reference, &mut Unobserved).unwrap();
    run(&mut network, &data, &lm(5));
    assert_eq!(resumed.parameters(), network.parameters());
}

#[test]
fn hidden_grids_follow_their_nodes_with_every_optimiser() {
    let data = surface(120, 2);
    for optimizer in [Optimizer::lbfgs(), Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd()] {
        let update = GridUpdates { every: 5, ..GridUpdates::default() };
        let mut network = network(&[2, 3, 1]);
        let before = network.knots()[1].clone();
        let options = FitOptions { grid_update: Some(update), ..steps(optimizer.clone(), 30) };
        let report = run(&mut network, &data, &options);
        assert_ne!(network.knots()[1], before, "{optimizer:?}");
        let losses: Vec<f64> = report.history.iter().map(|record| record.loss).collect();
        assert!(losses[29] < losses[0] && losses.iter().all(|loss| loss.is_finite()), "{optimizer:?}");
        // After the last update, grids hold nearly all that their nodes receive.
        let outside = report.outside[1];
        assert!(outside.outside * 5 < outside.values, "{optimizer:?}: {outside:?}");
    }
}

#[test]
fn grids_follow_until_a_step_and_no_longer() {
    let data = surface(120, 2);
    let knots = |length, until| {
        let updates = Some(GridUpdates { every: 5, until, ..GridUpdates::default() });
        let mut network = network(&[2, 3, 1]);
        run(&mut network, &data, &FitOptions { grid_update: updates, ..steps(Optimizer::adam(), length) });
        network.knots()[1].clone()
    };
    assert_eq!(knots(30, Some(10)), knots(11, None));
    assert_ne!(knots(30, Some(10)), knots(30, None));
}

#[test]
fn no_grid_follows_where_nobody_wants_it() {
    let data = surface(120, 2);
    let off = GridUpdates { enabled: false, ..GridUpdates::default() };
    for (optimizer, updates) in [(Optimizer::lm(), Some(off)), (Optimizer::lbfgs(), None)] {
        let mut network = network(&[2, 3, 1]);
        let before = network.knots()[1].clone();
        run(&mut network, &data, &FitOptions { grid_update: updates, ..steps(optimizer, 20) });
        assert_eq!(network.knots()[1], before);
    }
}

#[test]
fn validation_keeps_the_level_before_a_finer_grid_spoiled_it() {
    let (data, held) = (noisy_sine(30, 0.3, 1), noisy_sine(200, 0.0, 2));
    let options = FitOptions { grid: vec![3, 25], regularization: Regularization::NONE, ..lm(20) };
    let mut network = network(&[1, 1]);
    let report = fit(&mut network, &data, Some(&held), &options, None, &Reference, &mut Unobserved).unwrap();
    let best = report.best.unwrap();
    assert_eq!((report.levels.len(), network.specification().grid), (2, 3));
    assert!(best.restored && best.watched == Watched::Validation);
    let least = report.history.iter().filter_map(|r| r.validation_loss).fold(f64::INFINITY, f64::min);
    assert_eq!(best.loss, least);
    // The state is that of the network kept, and goes on.
    assert_eq!(report.state.parameters, network.parameters());
    let state = Some(report.state);
    fit(&mut network, &data, Some(&held), &lm(3), state, &Reference, &mut Unobserved).unwrap();
}
