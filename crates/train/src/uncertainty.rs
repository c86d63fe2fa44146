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

/// Mean squared error, in units of the noise that a fit has found, above which network or data are not those of the fit.
const STRANGE: f64 = 4.0;

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
    let observations = Arc::new(SolverRows::of(&prepared.training.all()));
    let smoothing = Smoothing::fixed(prior.smoothness());
    let mut solver = Solver::new(&working, &observations, loss, &Optimizer::lm(), smoothing);
    let (jacobian, residuals) = solver.linearise(cancelled)?;
    if !loss.is_classification() {
        let left = solver.mean_square(&residuals);
        if left > STRANGE * noise.max(f64::EPSILON) {
            let expected = "a model as lm left it, with the data that it was trained on";
            let found = format!("{:.1} times the noise that was found then", (left / noise).sqrt());
            return Err(OptionError::new("model", expected, found).into());
        }
    }
    let scale = noise / solver.halves() / solver.observed() as f64;
    let Some(posterior) = Posterior::new(solver.len(), jacobian, solver.prior(), scale) else {
        return Err(singular());
    };
    let inputs: Vec<f64> = working.scale_inputs(x, rows).iter().map(|x| x.to_f64()).collect();
    if let Some(at) = inputs.iter().position(|x| !x.is_finite()) {
        let (row, column) = (at / working.inputs(), at % working.inputs());
        let source = DataError::NotFinite { what: "x", row, column, found: x[at] };
        return Err(TrainError::Data { rows: Rows::Given, source });
    }
    let variance = posterior.variance(&solver.output_rows(&inputs, working.outputs()));
    if variance.iter().any(|variance| variance.is_nan()) {
        return Err(singular());
    }
    let scale = |output: usize| match working.scaler() {
        Some(scaler) if !loss.is_classification() => scaler.target_scale[output],
        _ => 1.0,
    };
    let outputs = working.outputs();
    let deviation = variance.iter().enumerate().map(|(i, v)| v.sqrt() * scale(i % outputs));
    let spread = (!loss.is_classification()).then(|| (0..outputs).map(|o| noise.sqrt() * scale(o)).collect());
    Ok(Uncertainty { deviation: deviation.collect(), noise: spread })
}

/// The error for a posterior that rounding leaves nothing of.
fn singular() -> TrainError {
    let expected = "a model with a coarser grid: with so few rows for so many parameters and next to no noise, \
                    rounding leaves nothing of the posterior";
    OptionError::new("model", expected, "one whose posterior is singular").into()
}

#[cfg(test)]
mod tests;
