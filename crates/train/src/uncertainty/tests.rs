use super::*;
use crate::testing::{lm, noisy_sine, train};
use crate::{Regularization, predict};
use kanode_engine::Loss;
use kanode_engine::reference::Reference;
use kanode_network::Specification;

/// Noise of the observations.
const NOISE: f64 = 0.2;

fn trained(seed: u64) -> (Network<f64>, Dataset) {
    let data = noisy_sine(150, NOISE, seed);
    let mut network = Network::new(Specification { grid: 10, ..Specification::of(&[1, 1]) }).unwrap();
    train(&mut network, &data, &lm(60));
    (network, data)
}

#[test]
fn two_deviations_hold_the_truth_nearly_everywhere() {
    let x: Vec<f64> = (0..101).map(|i| -0.95 + 0.019 * f64::from(i)).collect();
    let (mut within, mut count) = (0, 0);
    for seed in 0..10 {
        let (network, data) = trained(seed);
        let bands = uncertainty(&network, &data, &x, 101, &|| false).unwrap();
        let values = predict(&network, &x, 101, &Reference, &|| false).unwrap();
        let noise = bands.noise.as_ref().unwrap()[0];
        assert!((noise / NOISE - 1.0).abs() < 0.3, "seed {seed}: {noise}");
        for ((x, value), deviation) in x.iter().zip(&values).zip(&bands.deviation) {
            // Between certainty and what a single observation tells.
            assert!(*deviation > 0.01 && *deviation < NOISE, "seed {seed}: {deviation} at {x}");
            within += usize::from((value - (3.0 * x).sin()).abs() < 2.0 * deviation);
            count += 1;
        }
    }
    // Of a normal distribution 95 % lie within two deviations; points of one fit are not independent.
    let part = f64::from(within as u32) / f64::from(count);
    assert!(part > 0.85, "{part}");
}

#[test]
fn bands_grow_where_there_are_no_data() {
    let (network, data) = trained(1);
    let bands = uncertainty(&network, &data, &[0.0, 1.5, 3.0], 3, &|| false).unwrap();
    let [inside, near, far] = bands.deviation[..] else { panic!("{bands:?}") };
    assert!(near > 2.0 * inside && far > 1.5 * near, "{bands:?}");
}

#[test]
fn bands_have_the_units_of_the_targets_and_shrink_with_more_data() {
    let (network, data) = trained(2);
    let bands = uncertainty(&network, &data, &[0.1], 1, &|| false).unwrap();
    let scaled = |factor: f64| {
        let y = data.y().iter().map(|y| factor * y).collect();
        let data = Dataset::new(data.rows(), 1, 1, data.x().to_vec(), y, None).unwrap();
        let mut network = Network::new(network.specification().clone()).unwrap();
        train(&mut network, &data, &lm(60));
        uncertainty(&network, &data, &[0.1], 1, &|| false).unwrap()
    };
    let large = scaled(1000.0);
    assert!((large.deviation[0] / bands.deviation[0] / 1000.0 - 1.0).abs() < 0.01);
    let more = noisy_sine(2000, NOISE, 3);
    let mut network = Network::new(network.specification().clone()).unwrap();
    train(&mut network, &more, &lm(60));
    let narrow = uncertainty(&network, &more, &[0.1], 1, &|| false).unwrap();
    assert!(narrow.deviation[0] < 0.6 * bands.deviation[0]);
}

#[test]
fn a_fit_shorter_than_a_round_knows_its_noise_too() {
    let data = noisy_sine(100, NOISE, 4);
    let mut network = Network::<f64>::new(Specification::of(&[1, 1])).unwrap();
    train(&mut network, &data, &lm(4));
    assert!(uncertainty(&network, &data, &[0.0], 1, &|| false).unwrap().deviation[0] > 0.0);
}

#[test]
fn classes_have_bands_of_logits_and_no_noise() {
    let x: Vec<f64> = (0..60).map(|i| f64::from(i) / 30.0 - 1.0).collect();
    let y = x.iter().map(|x| f64::from(*x > 0.1)).collect();
    let data = Dataset::new(60, 1, 1, x, y, None).unwrap();
    let mut network = Network::<f64>::new(Specification::of(&[1, 1])).unwrap();
    train(&mut network, &data, &crate::FitOptions { loss: Loss::BinaryCrossEntropy, ..lm(40) });
    let bands = uncertainty(&network, &data, &[0.1, -0.9], 2, &|| false).unwrap();
    assert!(bands.noise.is_none() && bands.deviation.iter().all(|d| d.is_finite() && *d > 0.0));
}

#[test]
fn outliers_do_not_look_like_a_changed_network_to_a_loss_for_them() {
    let data = noisy_sine(200, NOISE, 6);
    let y = data.y().iter().enumerate().map(|(i, y)| if i % 10 == 3 { y + 8.0 } else { *y }).collect();
    let spoilt = Dataset::new(200, 1, 1, data.x().to_vec(), y, None).unwrap();
    let mut network = Network::<f64>::new(Specification::of(&[1, 1])).unwrap();
    train(&mut network, &spoilt, &FitOptions { loss: Loss::Huber { delta: 0.1 }, ..lm(60) });
    assert!(uncertainty(&network, &spoilt, &[0.1], 1, &|| false).unwrap().deviation[0] > 0.0);
}

#[test]
fn what_rounding_leaves_nothing_of_is_refused() {
    let data = crate::testing::surface(100, 1);
    let mut network = crate::testing::baseless(&[2, 2, 1], 1);
    train(&mut network, &data, &FitOptions { grid: vec![5, 60], ..lm(30) });
    match uncertainty(&network, &data, &[0.1, 0.2, -0.4, 0.9], 2, &|| false) {
        Ok(bands) => assert!(bands.deviation.iter().all(|d| *d > 0.0), "{bands:?}"),
        Err(error) => assert!(error.to_string().contains("coarser grid"), "{error}"),
    }
}

#[test]
fn a_network_without_a_prior_from_data_is_refused() {
    let data = noisy_sine(50, NOISE, 5);
    let refused = |options: Option<FitOptions>| {
        let mut network = Network::<f64>::new(Specification::of(&[1, 1])).unwrap();
        if let Some(options) = options {
            train(&mut network, &data, &options);
        }
        match uncertainty(&network, &data, &[0.0], 1, &|| false).unwrap_err() {
            TrainError::Option(error) => error.option,
            error => panic!("{error:?}"),
        }
    };
    assert_eq!(refused(None), "model");
    assert_eq!(refused(Some(FitOptions { regularization: Regularization::NONE, ..lm(5) })), "model");
    let lbfgs = FitOptions { optimizer: Some(Optimizer::lbfgs()), ..lm(5) };
    assert_eq!(refused(Some(lbfgs)), "model");
    let (mut changed, data) = trained(1);
    changed.parameters_mut().iter_mut().for_each(|p| *p *= 3.0);
    assert!(
        uncertainty(&changed, &data, &[0.0], 1, &|| false)
            .unwrap_err()
            .to_string()
            .contains("times the noise")
    );
    let (network, data) = trained(1);
    let cancelled = uncertainty(&network, &data, &[0.0], 1, &|| true).unwrap_err();
    assert_eq!(cancelled, TrainError::Cancelled);
    let bad = uncertainty(&network, &data, &[0.0, f64::NAN], 2, &|| false).unwrap_err();
    assert!(bad.to_string().contains("row 1"), "{bad}");
}
