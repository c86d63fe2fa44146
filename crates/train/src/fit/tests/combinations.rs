//! Options that do not go together, and what is chosen where nothing was said.

use super::*;
use crate::regularization::Regularization;
use crate::testing::{lm, surface};
use kanode_network::{Penalties, Smoothness};

/// The name of the option that a fit refuses.
fn refused(options: &FitOptions) -> String {
    let mut network = network(&[2, 2, 1]);
    let failure = fit(&mut network, surface(20, 1), None, options, None, &Reference, &mut Unobserved);
    let failure = failure.unwrap_err();
    assert!(failure.report.is_none() && !network.is_fitted());
    match failure.error {
        TrainError::Option(error) => error.option,
        error => panic!("{error:?}"),
    }
}

#[test]
fn options_that_exclude_each_other_are_refused_by_name() {
    let penalties = Penalties { l1: 1e-3, ..Penalties::default() };
    let fixed = |order, lambda, ridge| Regularization::Fixed(Smoothness { order, lambda, ridge });
    let refusals = [
        ("loss", FitOptions { loss: Loss::Mae, ..lm(3) }),
        ("learningRate", FitOptions { learning_rate: Some(0.1), ..lm(3) }),
        ("batchSize", FitOptions { batch_size: Some(5), ..lm(3) }),
        ("optimizer", FitOptions { penalties, ..lm(3) }),
        ("optimizer", FitOptions { sam: Some(0.1), ..lm(3) }),
        ("optimizer", FitOptions { sam: Some(0.1), ..steps(Optimizer::lbfgs(), 3) }),
        ("optimizer", FitOptions { starts: Some(2), ..steps(Optimizer::adam(), 3) }),
        ("sam", FitOptions { sam: Some(0.0), ..steps(Optimizer::adam(), 3) }),
        ("sam", FitOptions { sam: Some(f64::NAN), ..steps(Optimizer::adam(), 3) }),
        ("starts", FitOptions { starts: Some(0), ..lm(3) }),
        ("starts", FitOptions { starts: Some(1001), ..lm(3) }),
        ("grid", FitOptions { grid: vec![5, 5], ..lm(3) }),
        ("grid", FitOptions { grid: vec![10, 5], ..lm(3) }),
        ("regularization.order", FitOptions { regularization: fixed(0, 1.0, 1.0), ..lm(3) }),
        ("regularization.order", FitOptions { regularization: fixed(7, 1.0, 1.0), ..lm(3) }),
        ("regularization.lambda", FitOptions { regularization: fixed(2, -1.0, 1.0), ..lm(3) }),
        ("regularization.ridge", FitOptions { regularization: fixed(2, 1.0, f64::INFINITY), ..lm(3) }),
        (
            "penalties.entropy",
            FitOptions {
                penalties: Penalties { entropy: -1.0, ..Penalties::default() },
                ..steps(Optimizer::lbfgs(), 3)
            },
        ),
    ];
    for (option, options) in refusals {
        assert_eq!(refused(&options), option, "{options:?}");
    }
    let update = crate::options::GridUpdates::default();
    let updates = [
        ("gridUpdate.every", crate::options::GridUpdates { every: 0, ..update }),
        ("gridUpdate.uniform", crate::options::GridUpdates { uniform: 1.5, ..update }),
        ("gridUpdate.margin", crate::options::GridUpdates { margin: f64::NAN, ..update }),
    ];
    for (option, update) in updates {
        assert_eq!(refused(&FitOptions { grid_update: Some(update), ..lm(3) }), option);
    }
}

#[test]
fn grids_out_of_range_are_refused_before_anything_happens() {
    for grid in [vec![0, 3], vec![3, 5000]] {
        let mut network = network(&[2, 2, 1]);
        let options = FitOptions { grid, ..lm(3) };
        let failure = fit(&mut network, surface(20, 1), None, &options, None, &Reference, &mut Unobserved);
        let failure = failure.unwrap_err();
        assert!(failure.report.is_none() && !network.is_fitted(), "{options:?}: {}", failure.error);
    }
}

#[test]
fn the_optimiser_follows_from_what_is_asked() {
    let chosen = |layers: &[usize], rows, options: FitOptions| {
        let network = Network::<f64>::new(Specification::of(layers)).unwrap();
        options.resolved(&network, rows).unwrap().optimizer().name()
    };
    let base = FitOptions::default;
    let penalties = Penalties { l1: 1e-3, ..Penalties::default() };
    assert_eq!(chosen(&[2, 5, 1], 1000, base()), "lm");
    assert_eq!(chosen(&[2, 5, 1], 1000, FitOptions { steps: Some(10), ..base() }), "lm");
    assert_eq!(chosen(&[2, 5, 1], 1000, FitOptions { loss: Loss::Mae, ..base() }), "lbfgs");
    assert_eq!(chosen(&[2, 5, 1], 1000, FitOptions { penalties, ..base() }), "lbfgs");
    assert_eq!(chosen(&[2, 5, 1], 1000, FitOptions { sam: Some(0.1), ..base() }), "adam");
    assert_eq!(chosen(&[64, 64, 10], 100_000, base()), "adam");
    assert_eq!(chosen(&[64, 64, 10], 100_000, FitOptions { steps: Some(10), ..base() }), "lbfgs");
}

#[test]
fn classes_beyond_levenberg_marquardt_are_learned_in_batches_under_a_weak_prior() {
    let network = Network::<f64>::new(Specification::of(&[64, 32, 10])).unwrap();
    let resolved = |options: FitOptions, rows| options.resolved(&network, rows).unwrap();
    let classes = || FitOptions { loss: Loss::CrossEntropy, ..FitOptions::default() };
    let prior = |rows| {
        let options = resolved(classes(), rows);
        assert_eq!(options.optimizer().name(), "adam");
        options.regularization.fixed().unwrap()
    };
    // Both strengths are beside a mean over the rows.
    assert_eq!(prior(1000).ridge, 0.5 / (4.0 * 1000.0));
    assert_eq!((prior(1000).ridge, prior(1000).lambda), (2.0 * prior(2000).ridge, 2.0 * prior(2000).lambda));
    // Who names the optimiser, or wants no prior, gets what was said.
    let named = FitOptions { optimizer: Some(Optimizer::adam()), ..classes() };
    assert_eq!(resolved(named, 1000).regularization, Regularization::AUTO);
    let none = FitOptions { regularization: Regularization::NONE, ..classes() };
    assert_eq!(resolved(none, 1000).regularization, Regularization::NONE);
    assert_eq!(resolved(FitOptions { steps: Some(9), ..classes() }, 1000).optimizer().name(), "lbfgs");
    assert!(resolved(FitOptions::default(), 100_000).regularization.fixed().is_none());
}

#[test]
fn several_starts_are_the_default_for_new_layered_networks_only() {
    let starts = |layers: &[usize], options: FitOptions| {
        let network = Network::<f64>::new(Specification::of(layers)).unwrap();
        options.resolved(&network, 100).unwrap().starts
    };
    assert!(starts(&[2, 5, 1], lm(5)) > Some(1));
    assert_eq!(starts(&[2, 1], lm(5)), Some(1));
    assert_eq!(starts(&[2, 5, 1], steps(Optimizer::lbfgs(), 5)), Some(1));
    let mut fitted = network(&[2, 2, 1]);
    run(&mut fitted, &surface(30, 1), &steps(Optimizer::lbfgs(), 2));
    assert_eq!(lm(5).resolved(&fitted, 30).unwrap().starts, Some(1));
}
