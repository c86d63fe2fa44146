use super::*;
use crate::testing::{Noise, baseless, lm, rmse, sampled, surface, train};
use crate::{Unobserved, report::Record};
use kanode_engine::reference::Reference;
use kanode_network::Smoothness;

fn simplified(
    network: &Network<f64>,
    data: &Dataset,
    options: &SimplifyOptions,
) -> (Network<f64>, SimplifyReport) {
    simplify(network, data, None, options, &Reference, &mut Unobserved).unwrap()
}

#[test]
fn the_papers_example_becomes_two_inputs_one_node_and_one_output() {
    let (data, test) = (surface(600, 1), surface(1000, 2));
    for seed in 0..3 {
        let mut network = baseless(&[2, 5, 1], seed);
        train(&mut network, &data, &lm(100));
        let options = SimplifyOptions { grid: vec![20, 40], ..SimplifyOptions::default() };
        let (simple, report) = simplified(&network, &data, &options);
        assert_eq!(report.layers, [2, 1, 1], "seed {seed}: {:?}", report.trials);
        assert_eq!((report.edges, simple.specification().layers.as_slice()), ([15, 3], &[2, 1, 1][..]));
        assert!(rmse(&simple, &test) < 1e-4, "seed {seed}: {}", rmse(&simple, &test));
        assert!(report.error_after < report.error_before, "{report:?}");
    }
}

#[test]
fn a_prior_that_was_given_stays_and_without_one_the_data_are_asked() {
    let (data, test) = (surface(600, 1), surface(1000, 2));
    let given = Smoothness { order: 4, lambda: 1e-12, ridge: 1e-12 };
    let fits = [
        FitOptions { regularization: Regularization::Fixed(given), ..lm(40) },
        FitOptions { optimizer: Some(Optimizer::lbfgs()), steps: Some(150), ..FitOptions::default() },
    ];
    for options in fits {
        let mut network = baseless(&[2, 5, 1], 1);
        train(&mut network, &data, &options);
        let before = network.regularization().copied();
        let (simple, report) = simplified(&network, &data, &SimplifyOptions::default());
        assert_eq!(report.layers, [2, 1, 1], "{before:?}: {:?}", report.trials);
        assert!(rmse(&simple, &test) < 1e-3, "{before:?}: {}", rmse(&simple, &test));
        let after = simple.regularization().unwrap();
        match before {
            Some(before) => assert_eq!(*after, before),
            None => assert_eq!(after.order, 4),
        }
    }
}

#[test]
fn the_root_of_a_loss_is_judged_like_the_loss() {
    let (data, held) = (surface(200, 1), surface(100, 2));
    let trials = |loss| {
        let mut network = baseless(&[2, 3, 1], 1);
        train(&mut network, &data, &FitOptions { loss, ..lm(40) });
        let options = SimplifyOptions::default();
        simplify(&network, &data, Some(&held), &options, &Reference, &mut Unobserved).unwrap().1
    };
    let (square, root) = (trials(Loss::Mse), trials(Loss::Rmse));
    assert_eq!((square.error_before, square.trials), (root.error_before, root.trials));
}

#[test]
fn inputs_that_do_nothing_go_if_asked_to() {
    let data = sampled(300, 3, 5, |x| (2.0 * x[1]).sin().exp());
    let mut network = baseless(&[3, 3, 1], 1);
    train(&mut network, &data, &lm(60));
    let (kept, _) = simplified(&network, &data, &SimplifyOptions::default());
    assert_eq!(kept.inputs(), 3);
    let options = SimplifyOptions { inputs: true, ..SimplifyOptions::default() };
    let (simple, report) = simplified(&network, &data, &options);
    assert_eq!((simple.inputs(), report.inputs.as_slice()), (1, &[1][..]));
}

#[test]
fn noisy_data_are_judged_by_rows_held_out() {
    let truth = |x: &[f64]| (2.0 * x[0]).sin() + x[1] * x[1];
    let noisy = |rows, seed| {
        let (clean, mut noise) = (sampled(rows, 2, seed, truth), Noise::new(seed + 50));
        let y = clean.y().iter().map(|y| y + 0.1 * noise.normal()).collect();
        Dataset::new(rows, 2, 1, clean.x().to_vec(), y, None).unwrap()
    };
    let (data, held) = (noisy(300, 1), noisy(150, 2));
    let mut network = baseless(&[2, 4, 1], 1);
    train(&mut network, &data, &lm(60));
    let options = SimplifyOptions::default();
    let (simple, report) =
        simplify(&network, &data, Some(&held), &options, &Reference, &mut Unobserved).unwrap();
    assert!(edges(&simple) < edges(&network), "{report:?}");
    let test = sampled(500, 2, 9, truth);
    assert!(rmse(&simple, &test) < 0.06, "{}", rmse(&simple, &test));
}

fn edges(network: &Network<f64>) -> usize {
    edges_of(network)
}

#[test]
fn what_cannot_be_simplified_says_why() {
    let data = surface(50, 1);
    let refused = |network: &Network<f64>, options: &SimplifyOptions| match simplify(
        network,
        &data,
        None,
        options,
        &Reference,
        &mut Unobserved,
    )
    .unwrap_err()
    {
        TrainError::Option(error) => error.option,
        error => panic!("{error:?}"),
    };
    let mut network = baseless(&[2, 2, 1], 1);
    assert_eq!(refused(&network, &SimplifyOptions::default()), "model");
    train(&mut network, &data, &lm(5));
    let low = SimplifyOptions { max_rise: Some(0.9), ..SimplifyOptions::default() };
    assert_eq!(refused(&network, &low), "maxRise");
    network.set_loss(Some(Loss::Mae));
    assert_eq!(refused(&network, &SimplifyOptions::default()), "loss");
}

/// Cancels at a question, from 0.
struct Impatient {
    asked: std::cell::Cell<usize>,
    at: usize,
    records: usize,
}

impl Observer<f64> for Impatient {
    fn cancelled(&self) -> bool {
        self.asked.replace(self.asked.get() + 1) >= self.at
    }

    fn on_record(&mut self, _: &Record) {
        self.records += 1;
    }
}

#[test]
fn a_cancellation_is_an_error_and_the_network_is_as_it_was() {
    let data = surface(80, 1);
    let mut network = baseless(&[2, 3, 1], 1);
    train(&mut network, &data, &lm(10));
    let before = network.clone();
    for at in [0, 3, 20, 60] {
        let mut observer = Impatient { asked: 0.into(), at, records: 0 };
        let options = SimplifyOptions::default();
        let error = simplify(&network, &data, None, &options, &Reference, &mut observer).unwrap_err();
        assert_eq!(error, TrainError::Cancelled);
        assert!(observer.records <= at);
    }
    assert_eq!((network.parameters(), network.knots()), (before.parameters(), before.knots()));
}
