//! Fits that fail: what the error says and what the network is left with.

use super::*;
use crate::error::{DataError, Rows};
use crate::state::StateError;
use kanode_engine::EngineError;
use kanode_network::EdgeId;

fn failing(network: &mut Network<f64>, options: &FitOptions) -> FitFailure<f64> {
    fit(network, sine(20, 0.0), None, options, None, &Reference, &mut Unobserved).unwrap_err()
}

#[test]
fn a_diverging_fit_names_an_edge_and_leaves_the_best() {
    for options in [steps(Optimizer::sgd(), 500), epochs(Optimizer::sgd(), 500, 10)] {
        let options = FitOptions { learning_rate: Some(1e3), ..options };
        let mut network = network(&[1, 2, 1]);
        let failure = failing(&mut network, &options);
        let report = failure.report.unwrap();
        let TrainError::Diverged { step, edge: EdgeId { layer, from, to }, .. } = failure.error else {
            panic!("{:?}", failure.error);
        };
        assert!(step == report.steps + 1 && network.edge(layer, from, to).is_ok());
        assert_eq!(report.stop, StopReason::Failed);
        let best = report.best.unwrap();
        assert!(best.restored && best.loss.is_finite() && report.changed);
        assert_eq!(network.parameters(), report.state.best_parameters.unwrap());
        assert!(loss_of(&network, &sine(20, 0.0)).is_finite());
    }
}

#[test]
fn a_fit_that_cannot_begin_names_the_edge_and_leaves_the_network_alone() {
    let mut network = network(&[1, 2, 1]);
    network.views_mut(1).unwrap().base_weight[1] = f64::NAN;
    for optimizer in [Optimizer::adam(), Optimizer::lbfgs()] {
        let failure = failing(&mut network, &steps(optimizer, 5));
        let TrainError::Diverged { step, edge, loss } = failure.error else { panic!("{:?}", failure.error) };
        assert_eq!((step, edge), (1, EdgeId { layer: 1, from: 1, to: 0 }));
        assert!(loss.is_nan() && !network.is_fitted() && !failure.report.unwrap().changed);
    }
}

#[test]
fn a_checkpoint_that_fails_ends_the_fit_and_loses_nothing() {
    let data = sine(20, 0.0);
    let options =
        FitOptions { checkpoint_every: Some(CheckpointEvery::Steps(3)), ..steps(Optimizer::adam(), 9) };
    let mut recorder = Recorder { fail_checkpoint: true, ..Recorder::default() };
    let mut network = network(&[1, 1]);
    let failure = fit(&mut network, &data, None, &options, None, &Reference, &mut recorder).unwrap_err();
    assert_eq!(failure.error, TrainError::Checkpoint { step: 3, reason: "the disk is full".to_owned() });
    let report = failure.report.unwrap();
    assert_eq!(report.history.len(), 3);
    assert!(network.is_fitted());
    let rest = steps(Optimizer::adam(), 6);
    let rest =
        fit(&mut network, &data, None, &rest, Some(report.state), &Reference, &mut Unobserved).unwrap();
    let mut once = super::network(&[1, 1]);
    let expected = run(&mut once, &data, &steps(Optimizer::adam(), 9));
    assert_eq!((rest.state, network.parameters()), (expected.state, once.parameters()));
}

#[test]
fn bad_options_and_data_are_refused_before_anything_happens() {
    let mut network = network(&[2, 1]);
    let before = network.clone();
    let failure = failing(&mut network, &FitOptions { learning_rate: Some(-1.0), ..FitOptions::default() });
    assert!(matches!(failure.error, TrainError::Option(error) if error.option == "learningRate"));
    assert!(failure.report.is_none());
    let failure = failing(&mut network, &FitOptions::default());
    let source = DataError::Features { expected: 2, found: 1 };
    assert_eq!(failure.error, TrainError::Data { rows: Rows::Training, source });
    assert!(failure.report.is_none());
    assert_eq!((network.parameters(), network.is_fitted()), (before.parameters(), false));
}

#[test]
fn a_state_of_another_network_or_optimiser_is_refused() {
    let data = sine(20, 0.0);
    let mut small = network(&[1, 1]);
    let state = run(&mut small, &data, &steps(Optimizer::adam(), 2)).state;
    let mut large = network(&[1, 2, 1]);
    let options = steps(Optimizer::adam(), 2);
    let failure =
        fit(&mut large, &data, None, &options, Some(state.clone()), &Reference, &mut Unobserved).unwrap_err();
    let error = StateError::Length { name: "parameters".to_owned(), expected: 40, found: 10 };
    assert_eq!(failure.error, TrainError::State(error));
    let options = steps(Optimizer::lbfgs(), 2);
    let failure =
        fit(&mut small, &data, None, &options, Some(state), &Reference, &mut Unobserved).unwrap_err();
    assert!(matches!(failure.error, TrainError::State(StateError::Optimizer(_))), "{}", failure.error);
}

#[test]
fn a_fit_that_diverges_before_anything_is_measured_leaves_the_network_alone() {
    let mut network = network(&[1, 2, 1]);
    let before = network.clone();
    let options = FitOptions { learning_rate: Some(1e200), ..epochs(Optimizer::sgd(), 3, 4) };
    let failure = failing(&mut network, &options);
    let report = failure.report.unwrap();
    assert!(
        matches!(failure.error, TrainError::Diverged { .. }) && report.steps > 0 && report.best.is_none()
    );
    assert!(!report.changed && !network.is_fitted());
    assert_eq!((network.parameters(), network.scaler()), (before.parameters(), None));
    assert_eq!(network.knots(), before.knots());
}

#[test]
fn a_state_that_has_done_more_batches_than_there_are_is_refused() {
    let data = sine(20, 0.0);
    let mut network = network(&[1, 1]);
    for (batch_size, count) in [(7, 3), (20, 1)] {
        let options = FitOptions { batch_size: Some(batch_size), ..steps(Optimizer::adam(), 2) };
        let mut state = run(&mut network, &data, &options).state;
        for found in [count, u64::MAX] {
            state.position.batch = found;
            let resume = Some(state.clone());
            let failure =
                fit(&mut network, &data, None, &options, resume, &Reference, &mut Unobserved).unwrap_err();
            assert_eq!(failure.error, TrainError::State(StateError::Batch { count, found }));
        }
    }
}

#[test]
fn a_system_that_memory_cannot_hold_is_an_error_before_anything_happens() {
    // Four million residuals and ten times as many parameters: more bytes for the system of the rows than an address
    // space has.
    let (rows, inputs, outputs) = (40_000, 100, 100);
    let data = Dataset::new(rows, inputs, outputs, vec![0.5; rows * inputs], vec![1.0; rows * outputs], None)
        .unwrap();
    let mut network = network(&[inputs, outputs]);
    let before = network.clone();
    let options = FitOptions { grid: vec![3, 4096], ..crate::testing::lm(1) };
    let failure = fit(&mut network, &data, None, &options, None, &Reference, &mut Unobserved).unwrap_err();
    assert!(matches!(
        failure.error,
        TrainError::Engine(EngineError::Memory { what: "the system of lm", .. })
    ));
    assert!(failure.report.is_none() && network.parameters() == before.parameters());
}
