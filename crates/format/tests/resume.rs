//! A fit that goes on from a file has the bits of one that never stopped.

mod common;

use common::text;
use kanode_engine::reference::Reference;
use kanode_format::{AnyModel, Number, decode, encode};
use kanode_network::{Network, Smoothness, Specification};
use kanode_optim::Optimizer;
use kanode_train::{Dataset, FitOptions, Regularization, TrainState, Unobserved, fit};

/// What a file keeps of a fit.
type Kept<T> = (Network<T>, Option<TrainState<T>>);

fn data() -> Dataset {
    let x: Vec<f64> = (0..80).map(|i| f64::from(i * 37 % 83) / 20.0 - 2.0).collect();
    let y = x.chunks(2).map(|x| (x[0] * 2.0).sin() + x[1] * x[1]).collect();
    Dataset::new(40, 2, 1, x, y, None).unwrap()
}

fn train<T: Number>(
    network: &mut Network<T>,
    options: &FitOptions,
    resume: Option<TrainState<T>>,
) -> TrainState<T> {
    fit(network, data(), None, options, resume, &Reference, &mut Unobserved).unwrap().state
}

/// The bits after `before + after` steps in one go, and after a save and a load in between.
fn in_one_go_and_in_two<T: Number>(
    options: impl Fn(u64) -> FitOptions,
    (before, after): (u64, u64),
    pick: fn(AnyModel) -> Option<Kept<T>>,
) {
    let new = || Network::<T>::new(Specification { seed: 3, ..Specification::of(&[2, 3, 1]) }).unwrap();
    let mut whole = new();
    let whole_state = train(&mut whole, &options(before + after), None);

    let mut half = new();
    let half_state = train(&mut half, &options(before), None);
    let file = encode(&half, Some(&half_state), "").unwrap();
    let (mut half, half_state) = pick(decode(&file).unwrap()).unwrap();
    let half_state = train(&mut half, &options(after), half_state);

    assert_eq!(text(&half, Some(&half_state), ""), text(&whole, Some(&whole_state), ""));
}

fn f32_model(model: AnyModel) -> Option<Kept<f32>> {
    if let AnyModel::F32(model) = model { Some((model.network, model.state)) } else { None }
}

fn f64_model(model: AnyModel) -> Option<Kept<f64>> {
    if let AnyModel::F64(model) = model { Some((model.network, model.state)) } else { None }
}

#[test]
fn lbfgs_goes_on_from_a_file() {
    let options = |steps| FitOptions {
        optimizer: Some(Optimizer::lbfgs()),
        steps: Some(steps),
        ..FitOptions::default()
    };
    in_one_go_and_in_two(options, (7, 8), f64_model);
    in_one_go_and_in_two(options, (7, 8), f32_model);
}

#[test]
fn levenberg_marquardt_goes_on_from_a_file_with_the_prior_that_it_found() {
    let optimizer = Optimizer::Lm { tolerance: 0.0, initial_damping: 1e-3, least_damping: 1e-15 };
    let given = Regularization::Fixed(Smoothness { order: 2, lambda: 1e-4, ridge: 1e-8 });
    for regularization in [Regularization::AUTO, given] {
        let options = |steps| FitOptions {
            optimizer: Some(optimizer.clone()),
            steps: Some(steps),
            regularization,
            ..FitOptions::default()
        };
        // In the middle of a round of fifteen steps, at its end, and in a later one.
        for halves in [(3, 3), (15, 9), (20, 20)] {
            in_one_go_and_in_two(options, halves, f64_model);
            in_one_go_and_in_two(options, halves, f32_model);
        }
    }
}

#[test]
fn adam_goes_on_from_a_file_in_the_middle_of_a_pass() {
    let options = |steps| FitOptions {
        optimizer: Some(Optimizer::adam()),
        steps: Some(steps),
        batch_size: Some(9),
        ..FitOptions::default()
    };
    in_one_go_and_in_two(options, (7, 11), f64_model);
    in_one_go_and_in_two(options, (7, 11), f32_model);
}
