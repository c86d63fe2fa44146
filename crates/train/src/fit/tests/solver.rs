//! Levenberg–Marquardt: how well it fits, and that it pauses and goes on with the same bits.

use super::resume::saved;
use super::*;
use crate::regularization::Regularization;
use crate::report::{Phase, Progress};
use crate::testing::{baseless, lm, noisy_sine, rmse, surface};
use kanode_engine::{EngineError, Executor, Program, Real};
use kanode_network::Smoothness;
use std::sync::Arc;

#[test]
fn the_papers_example_is_learned_within_a_hundred_steps_from_every_seed() {
    let (data, test) = (surface(1000, 1), surface(1000, 2));
    for seed in 0..3 {
        let mut network = baseless(&[2, 5, 1], seed);
        let report = run(&mut network, &data, &lm(100));
        assert!(report.steps <= 100 && report.optimizer == "lm");
        assert!(rmse(&network, &test) < 1e-3, "seed {seed}: {}", rmse(&network, &test));
    }
}

#[test]
fn a_fit_without_options_takes_levenberg_marquardt_for_a_small_network() {
    let mut network = network(&[1, 2, 1]);
    let report = run(&mut network, &sine(60, 5.0), &FitOptions::default());
    assert_eq!(report.optimizer, "lm");
    assert!(loss_of(&network, &sine(60, 5.0)) < 1e-3);
    assert!(report.history.iter().all(|record| record.learning_rate.is_none() && record.damping.is_some()));
}

#[test]
fn the_network_ends_with_the_parameters_whose_loss_is_the_best() {
    let data = surface(150, 3);
    for steps in [1, 4, 15, 16, 31, 60] {
        let mut network = network(&[2, 3, 1]);
        let report = run(&mut network, &data, &lm(steps));
        let best = report.best.unwrap();
        let scale = network.scaler().unwrap().target_scale[0];
        let mse = (rmse(&network, &data) / scale).powi(2);
        // The reference backend sums in another order.
        assert!((mse - best.loss).abs() < 1e-9 * best.loss.max(1e-6), "{steps}: {mse} {best:?}");
        assert_eq!(best.watched, Watched::Training);
    }
}

/// A fit of some steps and one of the rest are the whole, in every number.
fn halves_are_whole<T: Real>(whole: &FitOptions, first: u64) {
    let data = surface(60, 4);
    let new = || Network::<T>::new(Specification { seed: 3, ..Specification::of(&[2, 2, 1]) }).unwrap();
    let fit = |network: &mut Network<T>, steps: u64, state| {
        let options = FitOptions { steps: Some(steps), ..whole.clone() };
        super::fit(network, &data, None, &options, state, &Reference, &mut Unobserved).unwrap()
    };
    let total = whole.steps.unwrap();
    let (mut once, mut twice) = (new(), new());
    let expected = fit(&mut once, total, None);
    let begun = fit(&mut twice, first, None);
    let rest = fit(&mut twice, total - first, Some(saved(&begun.state)));
    let history = [timeless(&begun.history), timeless(&rest.history)].concat();
    let name = format!("{first} of {total} {:?}", whole.regularization);
    assert_eq!(history, timeless(&expected.history), "{name}");
    assert_eq!(rest.state, expected.state, "{name}");
    assert!(twice.parameters() == once.parameters() && twice.knots() == once.knots(), "{name}");
    assert_eq!(
        (twice.regularization(), rest.regularization),
        (once.regularization(), expected.regularization)
    );
    assert_eq!((rest.best, rest.stop), (expected.best, expected.stop), "{name}");
}

#[test]
fn two_halves_are_a_whole_bit_for_bit_with_every_prior() {
    // Tolerance 0: a fit that converges would end the whole before its halves.
    let optimizer = Optimizer::Lm { tolerance: 0.0, initial_damping: 1e-3, least_damping: 1e-15 };
    let given = Regularization::Fixed(Smoothness { order: 2, lambda: 1e-4, ridge: 1e-8 });
    for regularization in [given, Regularization::AUTO, Regularization::NONE] {
        let whole = |steps| FitOptions { regularization, optimizer: Some(optimizer.clone()), ..lm(steps) };
        // In the middle of a round, at the end of one, one step further, and over several.
        for (total, first) in [(6, 3), (30, 15), (32, 16), (40, 20), (50, 29)] {
            halves_are_whole::<f64>(&whole(total), first);
            halves_are_whole::<f32>(&whole(total), first);
        }
    }
}

#[test]
fn a_fit_cancelled_anywhere_goes_on_bit_for_bit() {
    let data = surface(60, 4);
    let optimizer = Optimizer::Lm { tolerance: 0.0, initial_damping: 1e-3, least_damping: 1e-15 };
    let whole = FitOptions { optimizer: Some(optimizer), starts: Some(2), ..lm(36) };
    let mut once = network(&[2, 2, 1]);
    let expected = run(&mut once, &data, &whole);
    let mut counted = Recorder::default();
    fit(&mut network(&[2, 2, 1]), &data, None, &whole, None, &Reference, &mut counted).unwrap();
    let all = counted.evaluations.get();
    for cancel_at in (1..all).step_by(all / 40) {
        let mut twice = network(&[2, 2, 1]);
        let before = twice.clone();
        let mut recorder = Recorder::cancelling_at(cancel_at);
        let first = fit(&mut twice, &data, None, &whole, None, &Reference, &mut recorder).unwrap();
        assert_eq!(first.stop, StopReason::Cancelled);
        if first.steps == 0 {
            assert!(!first.changed && twice.parameters() == before.parameters() && !twice.is_fitted());
        }
        if first.steps == 36 {
            continue;
        }
        let rest = FitOptions { steps: Some(36 - first.steps), ..whole.clone() };
        let state = Some(saved(&first.state));
        let second = fit(&mut twice, &data, None, &rest, state, &Reference, &mut Unobserved).unwrap();
        let losses = |report: &FitReport<f64>| report.history.iter().map(|r| r.loss).collect::<Vec<_>>();
        assert_eq!([losses(&first), losses(&second)].concat(), losses(&expected), "{cancel_at}");
        assert_eq!((twice.parameters(), twice.knots()), (once.parameters(), once.knots()), "{cancel_at}");
        assert_eq!(
            twice.regularization(),
            once.regularization(),
            "{cancel_at} of {all}, {} steps",
            first.steps
        );
    }
}

#[test]
fn the_best_of_several_starts_goes_on() {
    let data = surface(200, 5);
    // Too little to matter beside the loss, by which starts are compared.
    let given = Regularization::Fixed(Smoothness { order: 2, lambda: 1e-8, ridge: 1e-12 });
    let loss = |starts| {
        let mut network = baseless(&[2, 2, 1], 1);
        let options = FitOptions { starts: Some(starts), regularization: given, ..lm(1) };
        run(&mut network, &data, &options);
        rmse(&network, &data)
    };
    let (one, six) = (loss(1), loss(6));
    let alone: Vec<f64> = (1..7)
        .map(|seed| {
            let mut network = baseless(&[2, 2, 1], seed);
            run(&mut network, &data, &FitOptions { starts: Some(1), regularization: given, ..lm(41) });
            rmse(&network, &data)
        })
        .collect();
    let least = alone.iter().copied().fold(f64::INFINITY, f64::min);
    assert!(six < one, "{six} {one}");
    // A start has a fixed grid and forty steps; alone it has one more and grids that follow.
    assert!(six < 3.0 * least, "{six} {alone:?}");
}

/// The reference, which grants so many threads.
struct Threaded(usize);

impl Compile<f64> for Threaded {
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<f64>>, EngineError> {
        Reference.compile(program)
    }

    fn threads(&self) -> usize {
        self.0
    }
}

/// Hears of starts, and cancels after so many.
struct Listener {
    heard: Vec<(u64, u64)>,
    enough: usize,
}

impl Observer<f64> for Listener {
    fn cancelled(&self) -> bool {
        self.heard.len() >= self.enough
    }

    fn on_progress(&mut self, progress: &Progress) {
        assert_eq!((progress.phase, progress.step), (Phase::Starts, 0));
        assert!(progress.loss > 0.0 && progress.seconds > 0.0);
        self.heard.push((progress.batch, progress.batches));
    }
}

#[test]
fn starts_are_told_of_and_threads_change_nothing() {
    // Enough work for threads.
    let data = noisy_sine(1500, 0.3, 1);
    let results = [1, 2, 5].map(|threads| {
        let mut network = network(&[1, 8, 1]);
        let mut listener = Listener { heard: Vec::new(), enough: usize::MAX };
        let options = FitOptions { starts: Some(3), ..lm(2) };
        fit(&mut network, &data, None, &options, None, &Threaded(threads), &mut listener).unwrap();
        // The data are noisy, so the starts are repeated.
        assert_eq!(listener.heard, [1, 2, 3, 1, 2, 3].map(|done| (done, 3)), "{threads} threads");
        network
    });
    assert_eq!(results[0].parameters(), results[1].parameters());
    assert_eq!(results[0].parameters(), results[2].parameters());
}

#[test]
fn starts_on_some_of_many_rows_find_as_good_a_valley() {
    let (data, test) = (surface(6000, 1), surface(1000, 2));
    for seed in 0..3 {
        let mut network = baseless(&[2, 5, 1], seed);
        run(&mut network, &data, &lm(100));
        assert!(rmse(&network, &test) < 1e-3, "seed {seed}: {}", rmse(&network, &test));
    }
}

#[test]
fn starts_can_be_cancelled_on_any_number_of_threads() {
    for threads in [1, 3] {
        let mut network = network(&[2, 4, 1]);
        let before = network.clone();
        let mut listener = Listener { heard: Vec::new(), enough: 1 };
        let options = FitOptions { starts: Some(500), ..lm(5) };
        let report =
            fit(&mut network, surface(2000, 5), None, &options, None, &Threaded(threads), &mut listener)
                .unwrap();
        assert_eq!((report.stop, report.steps, report.changed), (StopReason::Cancelled, 0, false));
        assert_eq!(network.parameters(), before.parameters());
        // One for each thread may have been on its way.
        assert!(listener.heard.len() <= threads + 1, "{:?}", listener.heard);
    }
}

#[test]
fn a_prior_that_was_none_is_no_start_for_a_search() {
    let data = surface(100, 6);
    let mut network = network(&[2, 2, 1]);
    run(&mut network, &data, &FitOptions { regularization: Regularization::NONE, ..lm(3) });
    let report = run(&mut network, &data, &lm(40));
    let prior = report.regularization.unwrap();
    assert!(prior.lambda > 0.0 && prior.noise.is_some() && prior.effective_parameters.unwrap() > 1.0);
}

#[test]
fn other_data_begin_new_rounds() {
    let mut network = network(&[2, 2, 1]);
    let first = run(&mut network, &surface(100, 6), &lm(20));
    assert!(first.state.position.rounds > 0);
    let state = Some(first.state);
    let report =
        fit(&mut network, surface(100, 7), None, &lm(2), state, &Reference, &mut Unobserved).unwrap();
    assert_eq!((report.state.position.rounds, report.state.position.round_steps), (0, 2));
}
