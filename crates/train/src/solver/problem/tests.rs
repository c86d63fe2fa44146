use super::*;
use crate::testing::Noise;
use kanode_engine::Base;
use kanode_network::{Network, Specification};
use kanode_trace::{Jet, Packing};
use std::sync::Arc;

/// Step of the differences: errors of its square, and of rounding over it, are both below 1e-9.
const STEP: f64 = 1e-5;
/// What central differences of such a step may be off, for values of order 1.
const TOLERANCE: f64 = 1e-8;

/// A network on a few rows, far enough from all kinks of the loss.
struct Case {
    loss: Loss,
    observations: Observations,
    trace: Trace,
    theta: Vec<f64>,
}

impl Case {
    fn new(loss: Loss, outputs: usize, weighted: bool) -> Self {
        let specification = Specification {
            base: Base::Silu,
            standardize: false,
            grid: 3,
            seed: 5,
            ..Specification::of(&[2, 3, outputs])
        };
        let network = Network::<f64>::new(specification).unwrap();
        let mut noise = Noise::new(11);
        let rows = 7;
        let x: Vec<f64> = (0..rows * 2).map(|_| 2.0 * noise.uniform() - 1.0).collect();
        let targets = if loss == Loss::CrossEntropy { 1 } else { outputs };
        let y: Vec<f64> = (0..rows * targets)
            .map(|i| match loss {
                Loss::CrossEntropy => (i % outputs) as f64,
                Loss::BinaryCrossEntropy => (i % 2) as f64,
                _ => 3.0 * noise.uniform() - 1.5,
            })
            .collect();
        let weights: Option<Vec<f64>> = weighted.then(|| (0..rows).map(|i| 0.5 + (i % 3) as f64).collect());
        let batch = Batch { x: &x, targets: &y, weights: weights.as_deref(), rows };
        let packing = Arc::new(network.packing());
        let theta = Packing::pack(&packing, network.parameters());
        let trace = Trace::new(Arc::clone(network.program()), packing, Jet::value());
        Self { loss, observations: Observations::of(&batch), trace, theta }
    }

    fn with<A>(&mut self, ask: impl FnOnce(&mut Problem<'_>) -> Result<A, Halt>) -> A {
        let mut evaluations = 0;
        let mut problem = Problem {
            trace: &mut self.trace,
            observations: &self.observations,
            loss: self.loss,
            cancelled: &|| false,
            evaluations: &mut evaluations,
        };
        ask(&mut problem).unwrap_or_else(|halt| panic!("{halt:?}"))
    }

    fn value(&mut self, theta: &[f64]) -> f64 {
        self.with(|problem| problem.value(theta))
    }

    fn linearised(&mut self) -> (Rows, Vec<f64>) {
        let (mut rows, mut residuals) = (Rows::new(), Vec::new());
        let theta = self.theta.clone();
        self.with(|problem| problem.linearise(&theta, &mut rows, &mut residuals));
        (rows, residuals)
    }

    /// The outputs at `theta`, `[rows, outputs]`.
    fn outputs(&mut self, theta: &[f64]) -> Vec<f64> {
        self.trace.forward(theta, &self.observations.x);
        self.trace.outputs().to_vec()
    }

    /// The loss of outputs.
    fn loss_of(&self, outputs: &[f64]) -> f64 {
        let width = outputs.len() / self.observations.rows;
        self.loss.evaluate(outputs, width, &self.observations.batch(), None).unwrap()
    }
}

fn cases() -> Vec<Case> {
    let losses = [
        (Loss::Mse, 1),
        (Loss::Mse, 3),
        (Loss::Huber { delta: 0.4 }, 2),
        (Loss::BinaryCrossEntropy, 1),
        (Loss::BinaryCrossEntropy, 2),
        (Loss::CrossEntropy, 2),
        (Loss::CrossEntropy, 3),
    ];
    let pairs = losses.into_iter().flat_map(|loss| [(loss, false), (loss, true)]);
    pairs.map(|((loss, outputs), weighted)| Case::new(loss, outputs, weighted)).collect()
}

fn moved(theta: &[f64], at: usize, by: f64) -> Vec<f64> {
    let mut theta = theta.to_vec();
    theta[at] += by;
    theta
}

#[test]
fn twice_the_rows_times_the_residuals_is_the_gradient_of_every_loss() {
    for mut case in cases() {
        let (rows, residuals) = case.linearised();
        let mut gradient = vec![0.0; case.theta.len()];
        rows.transpose_multiply_add(&residuals, &mut gradient);
        for (at, gradient) in gradient.iter().enumerate() {
            let (up, down) = (moved(&case.theta, at, STEP), moved(&case.theta, at, -STEP));
            let expected = (case.value(&up) - case.value(&down)) / (2.0 * STEP);
            assert!((2.0 * gradient - expected).abs() < TOLERANCE, "{:?}: {gradient} {expected}", case.loss);
        }
    }
}

#[test]
fn twice_the_squared_rows_are_the_curvature_of_the_loss_along_linear_outputs() {
    // Gauss and Newton take the outputs as linear: the second derivative of the loss of y + t·(∂y/∂θ)·v by t.
    let step = 1e-3;
    for mut case in cases() {
        let (rows, _) = case.linearised();
        let mut noise = Noise::new(3);
        for _ in 0..4 {
            let v: Vec<f64> = case.theta.iter().map(|_| noise.normal()).collect();
            let along = |t: f64| case.theta.iter().zip(&v).map(|(x, v)| x + t * v).collect::<Vec<_>>();
            let (up, down, theta) = (along(STEP), along(-STEP), case.theta.clone());
            let (up, down, y) = (case.outputs(&up), case.outputs(&down), case.outputs(&theta));
            let slope: Vec<f64> = up.iter().zip(&down).map(|(u, d)| (u - d) / (2.0 * STEP)).collect();
            let shifted = |t: f64| y.iter().zip(&slope).map(|(y, s)| y + t * s).collect::<Vec<_>>();
            let at = |t: f64| case.loss_of(&shifted(t));
            let expected = (at(step) - 2.0 * at(0.0) + at(-step)) / (step * step);
            let found: f64 = 2.0 * (0..rows.len()).map(|row| rows.dot(row, &v).powi(2)).sum::<f64>();
            if let Loss::Huber { .. } = case.loss {
                // Beyond its kink the loss has no curvature; ours is that of the parabola which touches it from above.
                assert!(found > expected, "{found} {expected}");
            } else {
                // Differences of a step 1e-3: its square times the fourth derivative, and rounding over its square.
                assert!((found - expected).abs() < 1e-4 * found, "{:?}: {found} {expected}", case.loss);
            }
        }
    }
}

#[test]
fn certain_classes_give_finite_rows() {
    let mut case = Case::new(Loss::CrossEntropy, 3, false);
    case.theta.iter_mut().for_each(|x| *x *= 1e4);
    let (rows, residuals) = case.linearised();
    assert!(residuals.iter().all(|r| r.is_finite()));
    let values = |row: usize| rows.row(row).iter().flat_map(|s| rows.values(s)).copied().collect::<Vec<_>>();
    assert!((0..rows.len()).all(|row| values(row).iter().all(|v| v.is_finite())));
    let mut binary = Case::new(Loss::BinaryCrossEntropy, 1, true);
    binary.theta.iter_mut().for_each(|x| *x *= 1e6);
    let (_, residuals) = binary.linearised();
    assert!(residuals.iter().all(|r| r.is_finite()));
}
