//! A prior found from the data.

use super::*;
use crate::regularization::Regularization;
use crate::testing::{Noise, lm, noisy_sine, rmse, sampled};
use kanode_engine::Base;
use kanode_network::Specification;

#[test]
fn the_noise_is_found_and_the_fit_is_better_than_one_without_a_prior() {
    let clean = noisy_sine(500, 0.0, 99);
    for seed in 0..3 {
        for noise in [0.05, 0.2] {
            let data = noisy_sine(120, noise, seed);
            let fitted = |regularization| {
                let specification = Specification { grid: 30, seed, ..Specification::of(&[1, 1]) };
                let mut network = Network::new(specification).unwrap();
                let report = run(&mut network, &data, &FitOptions { regularization, ..lm(60) });
                (rmse(&network, &clean), report, network.scaler().unwrap().target_scale[0])
            };
            let (error, report, scale) = fitted(Regularization::AUTO);
            let (free, without, _) = fitted(Regularization::NONE);
            let prior = report.regularization.unwrap();
            let found = prior.noise.unwrap() * scale;
            assert!((found / noise - 1.0).abs() < 0.3, "seed {seed}: {found} for {noise}");
            assert!(error < free, "seed {seed}, noise {noise}: {error} {free}");
            let effective = prior.effective_parameters.unwrap();
            assert!(effective > 3.0 && effective < 30.0, "{effective}");
            assert_eq!(without.regularization, None);
        }
    }
}

#[test]
fn a_deep_network_finds_the_noise_too() {
    let mut normal = Noise::new(5);
    let clean = sampled(300, 2, 1, |x| (2.0 * x[0]).sin() * x[1]);
    let y = clean.y().iter().map(|y| y + 0.1 * normal.normal()).collect();
    let data = Dataset::new(300, 2, 1, clean.x().to_vec(), y, None).unwrap();
    let test = sampled(500, 2, 2, |x| (2.0 * x[0]).sin() * x[1]);
    let fitted = |regularization| {
        let specification = Specification { grid: 10, seed: 1, ..Specification::of(&[2, 4, 1]) };
        let mut network = Network::new(specification).unwrap();
        let report = run(&mut network, &data, &FitOptions { regularization, ..lm(100) });
        (rmse(&network, &test), report, network.scaler().unwrap().target_scale[0])
    };
    let (error, report, scale) = fitted(Regularization::AUTO);
    let (free, ..) = fitted(Regularization::NONE);
    let found = report.regularization.unwrap().noise.unwrap() * scale;
    assert!((found / 0.1 - 1.0).abs() < 0.3, "{found}");
    assert!(error < 0.5 * free && error < 0.08, "{error} {free}");
}

#[test]
fn several_outputs_share_a_prior() {
    let mut normal = Noise::new(8);
    let x: Vec<f64> = (0..150).map(|_| 2.0 * normal.uniform() - 1.0).collect();
    let y = x.iter().flat_map(|x| [(3.0 * x).sin(), x * x]).map(|y| y + 0.05 * normal.normal()).collect();
    let data = Dataset::new(150, 1, 2, x, y, None).unwrap();
    let mut network = network(&[1, 2]);
    let report = run(&mut network, &data, &lm(50));
    let scales = &network.scaler().unwrap().target_scale;
    let expected = ((0.05 / scales[0]).powi(2) / 2.0 + (0.05 / scales[1]).powi(2) / 2.0).sqrt();
    let found = report.regularization.unwrap().noise.unwrap();
    assert!((found / expected - 1.0).abs() < 0.3, "{found} {expected}");
}

#[test]
fn weights_count_as_rows_of_less_say() {
    // Half of the rows are spoilt and weigh next to nothing.
    let data = noisy_sine(200, 0.05, 4);
    let y = data.y().iter().enumerate().map(|(i, y)| if i % 2 == 0 { *y } else { y + 1.0 }).collect();
    let weights = Some((0..200).map(|i| if i % 2 == 0 { 1.0 } else { 1e-6 }).collect());
    let data = Dataset::new(200, 1, 1, data.x().to_vec(), y, weights).unwrap();
    let mut network = network(&[1, 1]);
    run(&mut network, &data, &lm(40));
    assert!(rmse(&network, &noisy_sine(300, 0.0, 5)) < 0.06);
}

#[test]
fn a_base_function_is_no_way_around_the_prior() {
    // A plane under noise, with few rows for eight inputs: whatever bends has learned the noise.
    let plane = |x: &[f64]| x[0] - 0.5 * x[1] + 0.25 * x[2];
    let (clean, test) = (sampled(120, 8, 1, plane), sampled(500, 8, 2, plane));
    let mut normal = Noise::new(9);
    let y = clean.y().iter().map(|y| y + 0.3 * normal.normal()).collect();
    let data = Dataset::new(120, 8, 1, clean.x().to_vec(), y, None).unwrap();
    let error = |base| {
        let specification = Specification { base, seed: 1, ..Specification::of(&[8, 4, 1]) };
        let mut network = Network::new(specification).unwrap();
        run(&mut network, &data, &lm(60));
        rmse(&network, &test)
    };
    let (silu, zero) = (error(Base::Silu), error(Base::Zero));
    // The 32 slopes of the first layer's edges are free: 0.3·√(32/120) = 0.155. Without a prior the error is 0.6.
    assert!(silu < 0.2 && silu < 1.3 * zero, "{silu} {zero}");
}

#[test]
fn rows_learned_by_heart_do_not_count_as_clean() {
    // More free slopes than rows: without a prior nothing is left of the noise.
    let plane = |x: &[f64]| x[0] + x[1] - x[2];
    let test = sampled(500, 10, 2, plane);
    for seed in 0..3 {
        let (clean, mut normal) = (sampled(40, 10, 10 + seed, plane), Noise::new(20 + seed));
        let y = clean.y().iter().map(|y| y + 0.3 * normal.normal()).collect();
        let data = Dataset::new(40, 10, 1, clean.x().to_vec(), y, None).unwrap();
        let mut network = network(&[10, 5, 1]);
        let report = run(&mut network, &data, &lm(100));
        let prior = report.regularization.unwrap();
        assert_eq!(prior.order, 2);
        let noise = prior.noise.unwrap() * network.scaler().unwrap().target_scale[0];
        assert!(noise > 0.03, "seed {seed}: {noise}");
        assert!(rmse(&network, &test) < 0.6, "seed {seed}: {}", rmse(&network, &test));
    }
}

#[test]
fn a_loss_for_outliers_has_a_prior_too() {
    let clean = noisy_sine(400, 0.0, 99);
    let data = noisy_sine(60, 0.2, 1);
    let error = |loss| {
        let mut network = network(&[1, 3, 1]);
        let report = run(&mut network, &data, &FitOptions { loss, ..lm(60) });
        let noise = report.regularization.unwrap().noise.unwrap() * network.scaler().unwrap().target_scale[0];
        assert!((noise / 0.2 - 1.0).abs() < 0.4, "{loss:?}: {noise}");
        rmse(&network, &clean)
    };
    let (huber, square) = (error(Loss::Huber { delta: 1.0 }), error(Loss::Mse));
    assert!(huber < 1.3 * square && huber < 0.12, "{huber} {square}");
}
