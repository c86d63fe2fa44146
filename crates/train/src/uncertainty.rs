//! How sure a network is of its predictions: the spread that the evidence leaves its parameters, carried to the
//! outputs.

use crate::dataset::Dataset;
use crate::error::{DataError, OptionError, Rows, TrainError};
use crate::options::FitOptions;
use crate::prepare::prepare;
use crate::solver::{Smoothing, Solver, SolverRows};
use kanode_engine::Real;
use kanode_network::Network;
use kanode_optim::{Optimizer, Posterior};
use std::sync::Arc;

/// Standard deviation of each prediction, and of the noise that observations have about it.
#[derive(Clone, Debug, PartialEq)]
pub struct Uncertainty {
    /// `[rows, outputs]`, in the units of the targets (of logits for classes).
    pub deviation: Vec<f64>,
    /// `[outputs]`: the noise, in the same units; None for classes.
    pub noise: Option<Vec<f64>>,
}

/// How far the predictions for `x: [rows, inputs]` may be off, from the posterior of the parameters at `data`, which
/// should be what the network was trained on (Laplace's approximation: MacKay 1992, "A practical Bayesian framework for
/// backpropagation networks"). The network must have been trained with `regularization: auto`.
///
/// # Errors
/// A network without a prior found from data, data that do not fit it, or [`TrainError::Cancelled`].
pub fn uncertainty<T: Real>(
    network: &Network<T>,
    data: &Dataset,
    x: &[f64],
    rows: usize,
    cancelled: &dyn Fn() -> bool,
) -> Result<Uncertainty, TrainError> {
    let (Some(loss), Some(prior)) = (network.loss(), network.regularization().copied()) else {
        let expected = "a model that lm trained with regularization: 'auto'";
        return Err(OptionError::new("model", expected, "one without a prior found from data").into());
    };
    let noise = if loss.is_classification() { Some(0.5) } else { prior.noise };
    let Some(noise) = noise else {
        let expected = "a model that lm trained with regularization: 'auto'";
        return Err(OptionError::new("model", expected, "one whose prior was given").into());
    };
    let mut working = network.clone();
    let options = FitOptions { loss, ..FitOptions::default() };
    let prepared = prepare(&mut working, data, None, &options)?;
    let observations = Arc::new(SolverRows::of(&prepared.training));
    let smoothing = Smoothing::fixed(prior.smoothness());
    let mut solver = Solver::new(&working, &observations, loss, &Optimizer::lm(), smoothing);
    let (jacobian, _) = solver.linearise(cancelled)?;
    let scale = noise / solver.observed() as f64;
    let Some(posterior) = Posterior::new(solver.len(), jacobian, solver.prior(), scale) else {
        let expected = "a prior that leaves no direction free";
        return Err(OptionError::new("regularization", expected, "one that does").into());
    };
    let inputs: Vec<f64> = working.scale_inputs(x, rows).iter().map(|x| x.to_f64()).collect();
    if let Some(at) = inputs.iter().position(|x| !x.is_finite()) {
        let (row, column) = (at / working.inputs(), at % working.inputs());
        let source = DataError::NotFinite { what: "x", row, column, found: x[at] };
        return Err(TrainError::Data { rows: Rows::Given, source });
    }
    let variance = posterior.variance(&solver.output_rows(&inputs, working.outputs()));
    let scale = |output: usize| match working.scaler() {
        Some(scaler) if !loss.is_classification() => scaler.target_scale[output],
        _ => 1.0,
    };
    let outputs = working.outputs();
    let deviation = variance.iter().enumerate().map(|(i, v)| v.max(0.0).sqrt() * scale(i % outputs));
    let spread = (!loss.is_classification()).then(|| (0..outputs).map(|o| noise.sqrt() * scale(o)).collect());
    Ok(Uncertainty { deviation: deviation.collect(), noise: spread })
}

#[cfg(test)]
mod tests;
