//! What is minimised beside the loss, sharpness-aware minimisation, and edges that are not there.

use super::*;
use crate::regularization::Regularization;
use crate::testing::{sampled, surface};
use kanode_network::{EdgeId, Penalties, Removal, Smoothness};

/// Rows whose target depends on the first of three inputs only.
fn one_of_three() -> Dataset {
    sampled(150, 3, 7, |x| (3.0 * x[0]).sin())
}

fn penalised(penalties: Penalties, length: u64) -> FitOptions {
    FitOptions { penalties, ..steps(Optimizer::lbfgs(), length) }
}

#[test]
fn penalties_on_activity_leave_the_edges_that_matter() {
    let data = one_of_three();
    let shares = |penalties| {
        let mut network = network(&[3, 3, 1]);
        run(&mut network, &data, &penalised(penalties, 150));
        let x: Vec<f64> = network.scale_inputs(data.x(), data.rows());
        let scores = network.scores(&x).unwrap();
        let nodes = &scores.nodes[1];
        let hidden = nodes.iter().copied().fold(0.0, f64::max) / nodes.iter().sum::<f64>();
        (scores.nodes[0][0], hidden, loss_of(&network, &data))
    };
    let (input, hidden, _) = shares(Penalties::default());
    let (sparse_input, sparse_hidden, error) =
        shares(Penalties { l1: 3e-3, entropy: 3e-3, ..Penalties::default() });
    assert!(sparse_hidden > hidden, "{sparse_hidden} {hidden}");
    assert!(sparse_input > 0.97 && sparse_input > input - 0.02, "{sparse_input} {input}");
    assert!(error < 0.15, "{error}");
}

#[test]
fn every_penalty_makes_smaller_what_it_counts() {
    let data = surface(100, 1);
    let none = Penalties::default();
    let each = [
        Penalties { l1: 0.05, ..none },
        Penalties { entropy: 0.05, ..none },
        Penalties { coefficient: 0.01, ..none },
        Penalties { smoothness: 0.05, ..none },
        Penalties { curvature: 1e-5, ..none },
    ];
    let trained = |penalties| {
        let mut network = network(&[2, 2, 1]);
        let report = run(&mut network, &data, &penalised(penalties, 60));
        (network, report)
    };
    let (free, _) = trained(none);
    for penalties in each {
        let (held, report) = trained(penalties);
        let x: Vec<f64> = held.scale_inputs(data.x(), data.rows());
        let counted = |network: &Network<f64>| {
            let mut gradient = vec![0.0; network.parameter_count()];
            penalties.evaluate(network, network.parameters(), &x, None, &mut gradient)
        };
        assert!(counted(&held) < counted(&free), "{penalties:?}");
        // What is reported is the whole objective.
        assert!(report.history.windows(2).all(|pair| pair[1].loss <= pair[0].loss), "{penalties:?}");
    }
}

#[test]
fn a_given_prior_holds_gradient_methods_as_it_holds_levenberg_marquardt() {
    let data = surface(100, 2);
    let prior = Smoothness { order: 2, lambda: 1e-3, ridge: 1e-4 };
    let objective = |optimizer, length| {
        let mut network = network(&[2, 1]);
        let regularization = Regularization::Fixed(prior);
        let options = FitOptions { regularization, ..steps(optimizer, length) };
        let report = run(&mut network, &data, &options);
        let mut gradient = vec![0.0; network.parameter_count()];
        let term = prior.evaluate(&network, network.parameters(), &mut gradient);
        let scale = network.scaler().unwrap().target_scale[0];
        ((loss_of(&network, &data) / scale).powi(2) + term, report)
    };
    // One layer: the objective is a parabola in the effective control points, with one minimum.
    let (lm, _) = objective(Optimizer::lm(), 30);
    let (lbfgs, _) = objective(Optimizer::lbfgs(), 600);
    assert!((lbfgs / lm - 1.0).abs() < 1e-4, "{lbfgs} {lm}");
}

#[test]
fn sharpness_aware_steps_learn_and_cost_two_evaluations() {
    let data = surface(100, 3);
    for optimizer in [Optimizer::adam(), Optimizer::adamw(), Optimizer::sgd()] {
        let options = FitOptions { sam: Some(0.02), ..steps(optimizer.clone(), 80) };
        let mut network = network(&[2, 2, 1]);
        let report = run(&mut network, &data, &options);
        assert_eq!(report.evaluations, 160);
        let losses: Vec<f64> = report.history.iter().map(|record| record.loss).collect();
        assert!(losses[79] < 0.7 * losses[0], "{optimizer:?}: {} to {}", losses[0], losses[79]);
    }
    let chosen = FitOptions { sam: Some(0.02), steps: Some(2), ..FitOptions::default() };
    assert_eq!(run(&mut network(&[2, 1]), &data, &chosen).optimizer, "adam");
}

#[test]
fn pruned_edges_stay_zero_through_fits_of_every_kind() {
    let data = surface(100, 4);
    let penalties = Penalties { l1: 1e-3, curvature: 1e-6, ..Penalties::default() };
    let prior = Regularization::Fixed(Smoothness { order: 2, lambda: 1e-4, ridge: 1e-6 });
    let fits = [
        steps(Optimizer::lm(), 10),
        steps(Optimizer::lbfgs(), 10),
        penalised(penalties, 10),
        FitOptions { regularization: prior, ..steps(Optimizer::lbfgs(), 10) },
        epochs(Optimizer::adam(), 3, 16),
        epochs(Optimizer::adamw(), 3, 16),
        FitOptions { sam: Some(0.05), ..steps(Optimizer::sgd(), 10) },
        FitOptions { grid: vec![8, 16], ..steps(Optimizer::lm(), 5) },
        FitOptions { grid_update: Some(Default::default()), ..steps(Optimizer::adam(), 25) },
    ];
    let mut trained = network(&[2, 3, 1]);
    run(&mut trained, &data, &steps(Optimizer::lbfgs(), 5));
    let x: Vec<f64> = trained.scale_inputs(data.x(), data.rows());
    let edge = EdgeId { layer: 0, from: 1, to: 2 };
    let pruned = trained.prune(&x, &Removal { edges: vec![edge], ..Removal::default() }).unwrap();
    for options in fits {
        let mut network = pruned.clone();
        let report = run(&mut network, &data, &options);
        assert!(report.changed && network.is_pruned(0, 5), "{options:?}");
        let gone = network.edge(0, 1, 2).unwrap();
        assert!(gone.control_points.iter().all(|p| *p == 0.0), "{options:?}");
        assert_eq!((gone.base_weight, gone.spline_weight), (0.0, 0.0), "{options:?}");
    }
}
