//! Classes with Levenberg–Marquardt.

use super::*;
use crate::testing::{Noise, lm};

/// Three clouds in the plane that touch, with labels 0 to 2.
fn three(rows: usize, seed: u64) -> Dataset {
    let mut noise = Noise::new(seed);
    let (mut x, mut y) = (Vec::new(), Vec::new());
    for row in 0..rows {
        let class = row % 3;
        let angle = std::f64::consts::TAU * class as f64 / 3.0;
        x.extend([3.0 * angle.cos() + noise.normal(), 3.0 * angle.sin() + noise.normal()]);
        y.push(class as f64);
    }
    Dataset::new(rows, 2, 1, x, y, None).unwrap()
}

fn judged(network: &Network<f64>, data: &Dataset) -> (f64, f64) {
    match evaluate(network, data, &Reference, &|| false).unwrap() {
        Metrics::Classification(metrics) => (metrics.accuracy, metrics.log_loss),
        Metrics::Regression(_) => panic!("a classification"),
    }
}

#[test]
fn three_classes_are_told_apart_with_sensible_probabilities() {
    let (data, test) = (three(240, 1), three(600, 2));
    for layers in [&[2, 3][..], &[2, 3, 3]] {
        let mut network = network(layers);
        let report = run(&mut network, &data, &FitOptions { loss: Loss::CrossEntropy, ..lm(60) });
        let (accuracy, log_loss) = judged(&network, &test);
        // The best that anybody could do is about 0.99.
        assert!(accuracy > 0.96, "{layers:?}: {accuracy}");
        assert!(log_loss < 0.15, "{layers:?}: {log_loss}");
        assert!(report.regularization.unwrap().lambda > 0.0);
        assert!(report.history.iter().all(|record| record.loss.is_finite() && record.rmse.is_none()));
    }
}

#[test]
fn two_classes_are_learned_with_the_logistic_loss() {
    let data = three(240, 1);
    let y: Vec<f64> = data.y().iter().map(|y| f64::from(*y == 1.0)).collect();
    let data = Dataset::new(240, 2, 1, data.x().to_vec(), y, None).unwrap();
    let mut network = network(&[2, 2, 1]);
    run(&mut network, &data, &FitOptions { loss: Loss::BinaryCrossEntropy, ..lm(60) });
    let (accuracy, log_loss) = judged(&network, &data);
    assert!(accuracy > 0.97 && log_loss < 0.1, "{accuracy} {log_loss}");
}

#[test]
fn separable_classes_do_not_run_to_infinity() {
    for (loss, outputs) in [(Loss::CrossEntropy, 2), (Loss::BinaryCrossEntropy, 1)] {
        let mut network = network(&[2, 2, outputs]);
        run(&mut network, &clouds(), &FitOptions { loss, ..lm(200) });
        let (accuracy, log_loss) = judged(&network, &clouds());
        assert!(accuracy == 1.0 && log_loss < 0.1, "{loss:?}: {log_loss}");
        assert!(network.parameters().iter().all(|p| p.abs() < 1e4), "{loss:?}");
    }
}

#[test]
fn huber_and_the_root_are_minimised_too() {
    // One target in ten is far away.
    let data = sine(100, 0.0);
    let y = data.y().iter().enumerate().map(|(i, y)| if i % 10 == 3 { y + 8.0 } else { *y }).collect();
    let spoilt = Dataset::new(100, 1, 1, data.x().to_vec(), y, None).unwrap();
    let error = |loss| {
        let mut network = network(&[1, 1]);
        run(&mut network, &spoilt, &FitOptions { loss, ..lm(80) });
        loss_of(&network, &data)
    };
    let (huber, root, mse) = (error(Loss::Huber { delta: 0.05 }), error(Loss::Rmse), error(Loss::Mse));
    assert!(huber < 0.15 && huber < 0.3 * mse, "{huber} {mse}");
    assert!((root / mse - 1.0).abs() < 1e-9, "{root} {mse}");
}
