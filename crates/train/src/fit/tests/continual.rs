//! Learning one region after the other: what has no data stays, bit for bit.

use super::*;
use crate::testing::{Noise, lm};
use kanode_engine::Base;
use kanode_network::Specification;

/// Five bumps on `[-1, 1]`, one in each fifth.
fn bumps(x: f64) -> f64 {
    (0..5).map(|i| (-300.0 * (x + 0.8 - 0.4 * f64::from(i)).powi(2)).exp()).sum()
}

/// Rows of one fifth.
fn fifth(region: usize, rows: usize) -> Dataset {
    let mut noise = Noise::new(region as u64);
    let left = -1.0 + 0.4 * region as f64;
    let x: Vec<f64> = (0..rows).map(|_| left + 0.4 * noise.uniform()).collect();
    let y = x.iter().map(|x| bumps(*x)).collect();
    Dataset::new(rows, 1, 1, x, y, None).unwrap()
}

fn blank(grid: usize) -> Network<f64> {
    let specification = Specification {
        grid,
        base: Base::Zero,
        standardize: false,
        domain: Some([-1.0, 1.0]),
        seed: 1,
        ..Specification::of(&[1, 1])
    };
    Network::new(specification).unwrap()
}

fn continual(steps: u64) -> FitOptions {
    FitOptions { continual: true, ..lm(steps) }
}

#[test]
fn five_regions_are_learned_one_after_the_other_and_none_is_forgotten() {
    let mut network = blank(100);
    for region in 0..5 {
        run(&mut network, &fifth(region, 200), &continual(40));
        for learned in 0..=region {
            let mse = loss_of(&network, &fifth(learned, 500)).powi(2);
            assert!(mse < 4e-6, "region {learned} after {region}: {mse}");
        }
    }
}

#[test]
fn control_points_without_data_and_predictions_from_them_keep_their_bits() {
    let mut network = blank(50);
    run(&mut network, &fifth(2, 200), &continual(40));
    // The splines of the first fit are in effective control points now: raw ones keep their bits from here on.
    let before = network.clone();
    let report = run(&mut network, &fifth(0, 200), &continual(40));
    assert!(report.changed && report.regularization.is_none());
    // Bases of a cubic reach three intervals beyond the last that has data: -0.6 is the end of the tenth of fifty.
    let (old, new) = (before.edge(0, 0, 0).unwrap(), network.edge(0, 0, 0).unwrap());
    let touched: Vec<usize> = (0..53).filter(|i| old.control_points[*i] != new.control_points[*i]).collect();
    assert!(!touched.is_empty() && touched.iter().all(|i| *i < 13), "{touched:?}");
    let x: Vec<f64> = (0..200).map(|i| -0.47 + 1.4 * f64::from(i) / 199.0).collect();
    let values = |network: &Network<f64>| predict(network, &x, 200, &Reference, &|| false).unwrap();
    assert_eq!(values(&network), values(&before));
    assert_eq!(network.knots(), before.knots());
}

#[test]
fn options_that_would_forget_are_refused() {
    let refused = |network: &mut Network<f64>, options: &FitOptions| {
        let failure = fit(network, fifth(0, 20), None, options, None, &Reference, &mut Unobserved);
        match failure.unwrap_err().error {
            TrainError::Option(error) => error.option,
            error => panic!("{error:?}"),
        }
    };
    let mut based = network(&[1, 1]);
    assert_eq!(refused(&mut based, &continual(3)), "base");
    let following = Specification { base: Base::Zero, ..Specification::of(&[1, 1]) };
    assert_eq!(refused(&mut Network::new(following.clone()).unwrap(), &continual(3)), "domain");
    let scaled = Specification { domain: Some([-1.0, 1.0]), ..following };
    assert_eq!(refused(&mut Network::new(scaled).unwrap(), &continual(3)), "standardize");
    let gradient = FitOptions { continual: true, ..steps(Optimizer::lbfgs(), 3) };
    assert_eq!(refused(&mut blank(5), &gradient), "optimizer");
    assert_eq!(refused(&mut blank(5), &FitOptions { starts: Some(2), ..continual(3) }), "starts");
    assert_eq!(refused(&mut blank(5), &FitOptions { grid: vec![5, 10], ..continual(3) }), "grid");
}
