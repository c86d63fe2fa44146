//! A network of splines and functions fitted to rows by Levenberg–Marquardt, all numbers at once.

use kanode_network::{Network, Smoothness};
use kanode_optim::{LeastSquares, LmState, Optimizer, Rows, StepOutcome};
use kanode_trace::{Jet, Trace};
use std::convert::Infallible;
use std::sync::Arc;

/// Rows in the network's units; one output counts.
#[derive(Clone, Debug)]
pub(super) struct Observations {
    /// `[rows, inputs]`.
    pub(super) x: Vec<f64>,
    pub(super) y: Vec<f64>,
    /// Roots of the rows' parts of the whole weight, which is 1.
    pub(super) roots: Vec<f64>,
    pub(super) output: usize,
}

impl Observations {
    /// At most `most` rows, evenly over all of them.
    pub(super) fn thinned(&self, most: usize) -> Self {
        let (rows, width) = (self.y.len(), self.x.len() / self.y.len());
        if rows <= most {
            return self.clone();
        }
        let at: Vec<usize> = (0..most).map(|at| at * rows / most).collect();
        let total = at.iter().map(|row| self.roots[*row].powi(2)).sum::<f64>().sqrt();
        Self {
            x: at.iter().flat_map(|row| &self.x[row * width..(row + 1) * width]).copied().collect(),
            y: at.iter().map(|row| self.y[*row]).collect(),
            roots: at.iter().map(|row| self.roots[*row] / total).collect(),
            output: self.output,
        }
    }

    /// The weighted variance of the targets.
    pub(super) fn variance(&self) -> f64 {
        let weighted = || self.y.iter().zip(&self.roots).map(|(y, root)| (y, root * root));
        let mean: f64 = weighted().map(|(y, weight)| weight * y).sum();
        weighted().map(|(y, weight)| weight * (y - mean).powi(2)).sum()
    }
}

/// Fits a network in so many steps at most, with its own prior if it has one; returns the mean squared error, without the
/// prior, in the network's units. Infinite if the network has no value at a row.
pub(super) fn refit(network: &mut Network<f64>, rows: &Observations, steps: usize) -> f64 {
    let packing = Arc::new(network.packing());
    let trace = Trace::new(Arc::clone(network.program()), Arc::clone(&packing), Jet::value());
    let mut theta = packing.pack(network.parameters());
    let smoothness =
        network.regularization().map_or(Smoothness { order: 2, lambda: 1e-9, ridge: 1e-12 }, |kept| {
            Smoothness { order: kept.order, lambda: kept.lambda, ridge: kept.ridge.min(1e-9) }
        });
    let prior = smoothness.prior(network.program(), &packing);
    let mut problem = Problem { trace, rows };
    let mut lm = LmState::new(&Optimizer::lm());
    let mut error = problem.error(&theta);
    for _ in 0..steps {
        let Ok(step) = lm.step(&mut theta, &prior, &mut problem);
        error = step.data;
        if !matches!(step.outcome, StepOutcome::Accepted) {
            break;
        }
    }
    let mut parameters = network.parameters().to_vec();
    packing.unpack(&theta, &mut parameters);
    network.parameters_mut().copy_from_slice(&parameters);
    if error.is_finite() { error } else { f64::INFINITY }
}

/// What a network gives for rows, in the units of the data.
pub(super) fn predictions(network: &Network<f64>, rows: &Observations) -> Vec<f64> {
    const BLOCK: usize = 512;
    let packing = Arc::new(network.packing());
    let theta = packing.pack(network.parameters());
    let mut trace = Trace::new(Arc::clone(network.program()), packing, Jet::value());
    let (mut values, outputs) = (Vec::with_capacity(rows.y.len()), network.outputs());
    for block in rows.x.chunks(BLOCK * network.inputs()) {
        trace.forward(&theta, block);
        values.extend(trace.outputs().chunks_exact(outputs).map(|outputs| outputs[rows.output]));
    }
    if let Some(scaler) = network.scaler() {
        let (mean, scale) = (scaler.target_mean[rows.output], scaler.target_scale[rows.output]);
        values.iter_mut().for_each(|value| *value = mean + scale * *value);
    }
    values
}

struct Problem<'a> {
    trace: Trace,
    rows: &'a Observations,
}

impl Problem<'_> {
    fn error(&mut self, theta: &[f64]) -> f64 {
        self.trace.forward(theta, &self.rows.x);
        let outputs = self.trace.outputs().len() / self.rows.y.len();
        let found = self.trace.outputs().chunks_exact(outputs).map(|outputs| outputs[self.rows.output]);
        let residuals =
            found.zip(&self.rows.y).zip(&self.rows.roots).map(|((found, y), root)| root * (found - y));
        residuals.map(|residual| residual * residual).sum()
    }
}

impl LeastSquares for Problem<'_> {
    type Stop = Infallible;

    fn value(&mut self, theta: &[f64]) -> Result<f64, Infallible> {
        Ok(self.error(theta))
    }

    fn linearise(
        &mut self,
        theta: &[f64],
        rows: &mut Rows,
        residuals: &mut Vec<f64>,
    ) -> Result<(), Infallible> {
        rows.clear();
        residuals.clear();
        self.trace.forward(theta, &self.rows.x);
        let outputs = self.trace.outputs().len() / self.rows.y.len();
        let mut seed = vec![0.0; outputs];
        for (row, (y, root)) in self.rows.y.iter().zip(&self.rows.roots).enumerate() {
            residuals.push(root * (self.trace.outputs()[row * outputs + self.rows.output] - y));
            seed[self.rows.output] = *root;
            self.trace.row(row, &seed, rows);
        }
        Ok(())
    }
}
