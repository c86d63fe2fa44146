//! Fits that pause: by their end, by a cancellation, by a checkpoint. The bits are those of a fit that never paused.

use super::*;
use crate::state::StateData;

fn optimizers() -> [Optimizer; 5] {
    let nesterov = Optimizer::Sgd { momentum: 0.9, nesterov: true };
    [Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd(), nesterov, Optimizer::lbfgs()]
}

/// The state after a trip through a file.
pub(super) fn saved<T: kanode_engine::Real>(state: &TrainState<T>) -> TrainState<T> {
    let data = state.export();
    let header = serde_json::to_string(&data.header).unwrap();
    let data = StateData { header: serde_json::from_str(&header).unwrap(), vectors: data.vectors };
    TrainState::import(data, state.parameters.len()).unwrap()
}

fn resumed(
    network: &mut Network<f64>,
    data: &Dataset,
    options: &FitOptions,
    state: &TrainState<f64>,
) -> FitReport<f64> {
    fit(network, data, None, options, Some(saved(state)), &Reference, &mut Unobserved).unwrap()
}

/// Options of one whole fit, and of its halves.
fn halves(whole: &FitOptions) -> FitOptions {
    let half = |length: Option<u64>| length.map(|length| length / 2);
    FitOptions { steps: half(whole.steps), epochs: half(whole.epochs), ..whole.clone() }
}

/// The fits to pause: by steps, of all rows and of batches, and by epochs; with and without validation.
fn fits(optimizer: &Optimizer) -> Vec<FitOptions> {
    let base = FitOptions {
        schedule: Schedule::Cosine { warmup: 2, total: Some(30), minimum_fraction: 0.1 },
        early_stopping: Some(EarlyStopping { patience: 5, min_delta: 1e-3 }),
        ..options(optimizer.clone())
    };
    let validated = FitOptions { validation_fraction: Some(0.3), ..base.clone() };
    vec![
        FitOptions { steps: Some(10), ..base.clone() },
        FitOptions { steps: Some(10), ..validated.clone() },
        FitOptions { steps: Some(10), batch_size: Some(7), ..base.clone() },
        FitOptions { epochs: Some(4), batch_size: Some(7), ..base },
        FitOptions { epochs: Some(4), batch_size: Some(7), ..validated },
    ]
}

#[test]
fn two_halves_are_a_whole_bit_for_bit() {
    let data = sine(30, 1.0);
    for whole in optimizers().iter().flat_map(fits) {
        let (mut once, mut twice) = (network(&[1, 2, 1]), network(&[1, 2, 1]));
        let expected = run(&mut once, &data, &whole);
        let first = run(&mut twice, &data, &halves(&whole));
        let second = resumed(&mut twice, &data, &halves(&whole), &first.state);
        let history = [timeless(&first.history), timeless(&second.history)].concat();
        assert_eq!(history, timeless(&expected.history), "{whole:?}");
        assert_eq!(second.state, expected.state, "{whole:?}");
        assert_eq!(twice.parameters(), once.parameters(), "{whole:?}");
        assert_eq!((second.best, second.stop), (expected.best, expected.stop));
    }
}

#[test]
fn a_fit_cancelled_anywhere_goes_on_bit_for_bit() {
    let data = sine(30, 1.0);
    for optimizer in optimizers() {
        for whole in [epochs(optimizer.clone(), 4, 7), steps(optimizer.clone(), 12)] {
            let mut once = network(&[1, 2, 1]);
            let expected = run(&mut once, &data, &whole);
            for cancel_at in [1, 4, 5, 8, 10] {
                let mut twice = network(&[1, 2, 1]);
                let mut recorder = Recorder::cancelling_at(cancel_at);
                let first = fit(&mut twice, &data, None, &whole, None, &Reference, &mut recorder).unwrap();
                assert_eq!(first.stop, StopReason::Cancelled);
                let rest = FitOptions {
                    steps: whole.steps.map(|steps| steps - first.steps),
                    epochs: whole.epochs.map(|epochs| epochs - first.epochs),
                    ..whole.clone()
                };
                let mut second = resumed(&mut twice, &data, &rest, &first.state);
                assert_eq!(first.evaluations, cancel_at as u64);
                // A line search that was broken off is done again, and so are its evaluations.
                let uncounted = |mut record: Record| {
                    record.evaluations = 0;
                    record
                };
                let history = [timeless(&first.history), timeless(&second.history)].concat();
                assert_eq!(
                    history.into_iter().map(uncounted).collect::<Vec<_>>(),
                    timeless(&expected.history).into_iter().map(uncounted).collect::<Vec<_>>(),
                    "{optimizer:?} {cancel_at}"
                );
                assert!(second.evaluations >= expected.evaluations);
                second.state.position.evaluations = expected.evaluations;
                assert_eq!(second.state, expected.state, "{optimizer:?} {cancel_at}");
                assert_eq!(twice.parameters(), once.parameters());
            }
        }
    }
}

#[test]
fn a_fit_cancelled_half_way_keeps_the_curve_of_its_learning_rate() {
    let data = sine(30, 1.0);
    let cosine = Schedule::Cosine { warmup: 3, total: None, minimum_fraction: 0.1 };
    let thirds = Schedule::Step { warmup: 0, every: None, gamma: 0.5 };
    for schedule in [cosine, thirds] {
        let by_steps = FitOptions { schedule: schedule.clone(), ..steps(Optimizer::adam(), 100) };
        let by_epochs = FitOptions { schedule, ..epochs(Optimizer::adam(), 20, 7) };
        for whole in [by_steps, by_epochs] {
            let (mut once, mut twice) = (network(&[1, 2, 1]), network(&[1, 2, 1]));
            let expected = run(&mut once, &data, &whole);
            let mut recorder = Recorder::cancelling_at(50);
            let first = fit(&mut twice, &data, None, &whole, None, &Reference, &mut recorder).unwrap();
            assert_eq!((first.stop, first.steps), (StopReason::Cancelled, 50));
            let rest = FitOptions {
                steps: whole.steps.map(|steps| steps - 50),
                epochs: whole.epochs.map(|epochs| epochs - first.epochs),
                ..whole.clone()
            };
            let second = resumed(&mut twice, &data, &rest, &first.state);
            let history = [timeless(&first.history), timeless(&second.history)].concat();
            assert_eq!(history, timeless(&expected.history), "{whole:?}");
            assert_eq!((second.state, twice.parameters()), (expected.state, once.parameters()));
        }
    }
}

#[test]
fn lbfgs_cancelled_between_batches_without_a_step_goes_on_bit_for_bit() {
    let data = sine(12, 0.0);
    let whole = FitOptions { loss: Loss::Mae, batch_size: Some(1), ..steps(Optimizer::lbfgs(), 60) };
    let (mut once, mut twice) = (network(&[1, 1]), network(&[1, 1]));
    let expected = run(&mut once, &data, &whole);
    let mut state = None;
    for _ in 0..60 {
        let one = FitOptions { steps: Some(1), ..whole.clone() };
        let report = fit(&mut twice, &data, None, &one, state, &Reference, &mut Unobserved).unwrap();
        state = Some(saved(&report.state));
    }
    assert_eq!(state, Some(expected.state));
    assert_eq!(twice.parameters(), once.parameters());
}

#[test]
fn sgd_goes_on_with_another_momentum() {
    let (mut network, data) = (network(&[1, 1]), sine(20, 0.0));
    let sgd = |momentum| steps(Optimizer::Sgd { momentum, nesterov: false }, 3);
    let mut state = run(&mut network, &data, &sgd(0.0)).state;
    for momentum in [0.9, 0.0] {
        let report = resumed(&mut network, &data, &sgd(momentum), &state);
        assert_eq!(report.state.optimizer.vectors.contains_key("velocity"), momentum > 0.0);
        state = report.state;
    }
    assert_eq!(state.position.steps, 9);
}

#[test]
fn a_checkpoint_goes_on_bit_for_bit() {
    let data = sine(30, 1.0);
    let whole =
        FitOptions { checkpoint_every: Some(CheckpointEvery::Steps(4)), ..epochs(Optimizer::adam(), 3, 7) };
    let mut recorder = Recorder::default();
    let mut once = network(&[1, 1]);
    let expected = fit(&mut once, &data, None, &whole, None, &Reference, &mut recorder).unwrap();
    let places: Vec<u64> = recorder.checkpoints.iter().map(|(_, state)| state.position.steps).collect();
    assert_eq!(places, [4, 8, 12]);
    let (mut kept, state) = recorder.checkpoints.swap_remove(0);
    assert!(kept.is_fitted() && kept.scaler() == once.scaler());
    let rest = resumed(&mut kept, &data, &epochs(Optimizer::adam(), 3, 7), &state);
    // The checkpoint fell into the first pass, so that three more passes end one too late; its batches are the same.
    assert_eq!(rest.history[0].epoch, 1);
    let rest = rest.history.iter().take(3).copied().collect::<Vec<_>>();
    assert_eq!(timeless(&rest), timeless(&expected.history));
}

#[test]
fn checkpoints_by_time_are_taken() {
    let mut recorder = Recorder::default();
    let every = Some(CheckpointEvery::Seconds(f64::MIN_POSITIVE));
    let options = FitOptions { checkpoint_every: every, ..steps(Optimizer::adam(), 3) };
    fit(&mut network(&[1, 1]), sine(9, 0.0), None, &options, None, &Reference, &mut recorder).unwrap();
    assert!(!recorder.checkpoints.is_empty());
}

#[test]
fn a_fit_cancelled_before_its_first_step_leaves_no_trace() {
    let (mut network, data) = (network(&[1, 1]), sine(10, 1.0));
    let before = network.clone();
    let options = steps(Optimizer::adam(), 5);
    let mut recorder = Recorder::cancelling_at(0);
    let report = fit(&mut network, &data, None, &options, None, &Reference, &mut recorder).unwrap();
    assert_eq!((report.stop, report.steps, report.history.len()), (StopReason::Cancelled, 0, 0));
    assert!(!report.changed && network.parameters() == before.parameters());
    assert!(!network.is_fitted() && network.scaler().is_none() && network.knots() == before.knots());
    let second = resumed(&mut network, &data, &options, &report.state);
    let mut once = before;
    let expected = run(&mut once, &data, &options);
    assert_eq!((second.state, network.parameters()), (expected.state, once.parameters()));
}

#[test]
fn a_resumed_fit_cancelled_before_its_first_step_leaves_the_network_as_it_found_it() {
    let (mut network, data) = (network(&[1, 1]), sine(10, 1.0));
    let options = steps(Optimizer::adam(), 5);
    let first = run(&mut network, &data, &options);
    assert!(first.changed);
    network.parameters_mut()[0] += 1.0;
    network.set_loss(None);
    let before = network.clone();
    let mut recorder = Recorder::cancelling_at(0);
    let report =
        fit(&mut network, &data, None, &options, Some(first.state.clone()), &Reference, &mut recorder)
            .unwrap();
    assert!(!report.changed && !network.is_fitted());
    assert_eq!((network.parameters(), network.scaler()), (before.parameters(), before.scaler()));
    assert_eq!(report.state, first.state);
}

#[test]
fn a_fit_cancelled_while_it_measures_its_end_has_all_its_steps() {
    let data = sine(10, 1.0);
    let options = steps(Optimizer::adam(), 5);
    let mut once = network(&[1, 1]);
    let expected = run(&mut once, &data, &options);
    for later in [0, 1] {
        let mut network = network(&[1, 1]);
        let mut recorder = Recorder::cancelling_at(5 + later);
        let report = fit(&mut network, &data, None, &options, None, &Reference, &mut recorder).unwrap();
        assert_eq!((report.stop, report.steps, report.outside), (StopReason::Cancelled, 5, vec![]));
        assert!(report.changed && network.is_fitted());
        assert_eq!(report.state, expected.state);
    }
}

#[test]
fn other_data_start_a_new_pass_and_forget_the_best() {
    let (mut network, data) = (network(&[1, 1]), sine(30, 0.0));
    let by_steps = FitOptions { batch_size: Some(7), ..steps(Optimizer::adam(), 7) };
    let first = run(&mut network, &data, &by_steps);
    assert_eq!((first.state.position.batch, first.epochs), (2, 1));
    let other = resumed(&mut network, &sine(28, 5.0), &epochs(Optimizer::adam(), 1, 7), &first.state);
    assert_eq!((other.history[0].step, other.history[0].epoch), (11, 3));
    assert_eq!(other.state.position.best.map(|best| best.step), Some(11));
    // Other batches of the same rows start a new pass too, but what was measured still holds.
    let other = resumed(&mut network, &data, &epochs(Optimizer::adam(), 1, 15), &first.state);
    assert_eq!((other.history[0].step, other.history[0].epoch), (9, 3));
    assert!(other.state.position.best.is_some());
}

#[test]
fn lbfgs_resumed_on_other_data_measures_anew() {
    let (mut network, data) = (network(&[1, 1]), sine(30, 0.0));
    let first = run(&mut network, &data, &steps(Optimizer::lbfgs(), 5));
    let far = sine(30, 3.0);
    let report = resumed(&mut network, &far, &steps(Optimizer::lbfgs(), 20), &first.state);
    let last = report.history[report.history.len() - 1].loss;
    assert!(report.history[0].loss > first.history[4].loss && last < report.history[0].loss);
    assert!(report.best.unwrap().step > 5);
}
