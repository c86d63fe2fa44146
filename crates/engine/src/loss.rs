//! Losses: what a batch of outputs costs, and the derivative with respect to the outputs.
//!
//! All are weighted means over rows (weights are divided by their sum), so that a loss does not depend on the size
//! of the batch. Sums run over the rows in order, in `f64`.

use crate::backend::Batch;
use crate::error::EngineError;
use crate::real::Real;
use serde::{Deserialize, Serialize};

/// An objective to minimise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "name")]
pub enum Loss {
    /// Mean over rows and outputs of the squared difference.
    #[default]
    Mse,
    /// Square root of [`Loss::Mse`] (the slides' L2); its gradient at zero is taken to be zero.
    Rmse,
    /// Mean absolute difference; its derivative at zero is zero.
    Mae,
    /// Mean of `d²/2` for `|d| ≤ delta`, else `delta·(|d| − delta/2)` (Huber 1964).
    Huber {
        /// Where the parabola goes over into a line; positive.
        delta: f64,
    },
    /// Softmax cross-entropy in nats; targets are one column of whole-number labels, or one column for each output
    /// holding probabilities.
    CrossEntropy,
    /// Logistic cross-entropy in nats of each output, a logit, against a target in [0, 1]; mean over outputs too.
    BinaryCrossEntropy,
}

impl Loss {
    /// The name users give it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mse => "mse",
            Self::Rmse => "rmse",
            Self::Mae => "mae",
            Self::Huber { .. } => "huber",
            Self::CrossEntropy => "crossEntropy",
            Self::BinaryCrossEntropy => "binaryCrossEntropy",
        }
    }

    /// Whether targets are classes rather than quantities (so that they are never standardised).
    pub fn is_classification(self) -> bool {
        matches!(self, Self::CrossEntropy | Self::BinaryCrossEntropy)
    }

    /// The loss of `outputs: [rows, n_out]`; if `dy: [rows, n_out]` is given, it receives the derivative.
    ///
    /// # Errors
    /// [`EngineError::Length`], [`EngineError::TargetWidth`], [`EngineError::Label`] or [`EngineError::Weights`].
    pub fn evaluate<T: Real>(
        self,
        outputs: &[T],
        n_out: usize,
        batch: &Batch<'_, T>,
        dy: Option<&mut [T]>,
    ) -> Result<f64, EngineError> {
        let rows = batch.rows;
        check("outputs", rows * n_out, outputs.len())?;
        let width = self.target_width(n_out, batch)?;
        if let Some(weights) = batch.weights {
            check("weights", rows, weights.len())?;
        }
        if let Some(dy) = &dy {
            check("dy", rows * n_out, dy.len())?;
        }
        let weight = |row: usize| batch.weights.map_or(1.0, |w| w[row].to_f64());
        let total: f64 = (0..rows).map(weight).sum();
        let valid = batch.weights.is_none_or(|w| w.iter().all(|w| *w >= T::ZERO));
        if !(total > 0.0 && total.is_finite() && valid) {
            return Err(EngineError::Weights { sum: total });
        }
        let mut slopes = vec![0.0; n_out];
        let mut pass = |outer: f64, mut dy: Option<&mut [T]>| {
            let mut sum = 0.0;
            for row in 0..rows {
                let (weight, span) = (weight(row) / total, row * n_out..(row + 1) * n_out);
                if weight > 0.0 {
                    let target = &batch.targets[row * width..(row + 1) * width];
                    sum += weight * self.row(row, &outputs[span.clone()], target, &mut slopes)?;
                } else {
                    slopes.fill(0.0);
                }
                if let Some(dy) = &mut dy {
                    for (dy, slope) in dy[span].iter_mut().zip(&slopes) {
                        *dy = T::from_f64(outer * weight * slope);
                    }
                }
            }
            Ok(sum)
        };
        if self != Self::Rmse {
            return pass(1.0, dy);
        }
        let root = pass(1.0, None)?.sqrt();
        if dy.is_some() {
            pass(if root > 0.0 { 0.5 / root } else { 0.0 }, dy)?;
        }
        Ok(root)
    }

    /// Columns of the targets for a network of `n_out` outputs.
    fn target_width<T: Real>(self, n_out: usize, batch: &Batch<'_, T>) -> Result<usize, EngineError> {
        let found = batch.targets.len().checked_div(batch.rows).unwrap_or(0);
        let labels = self == Self::CrossEntropy && found == 1 && batch.targets.len() == batch.rows;
        if !labels && batch.targets.len() != batch.rows * n_out {
            return Err(EngineError::TargetWidth { expected: n_out, found });
        }
        Ok(found)
    }

    /// The loss of one row; `dy` receives its derivative with respect to the outputs.
    fn row<T: Real>(self, row: usize, y: &[T], target: &[T], dy: &mut [f64]) -> Result<f64, EngineError> {
        let scale = 1.0 / y.len() as f64;
        let mut sum = 0.0;
        for (index, (output, wanted)) in y.iter().zip(target).enumerate() {
            let Some((value, slope)) = self.element(output.to_f64(), wanted.to_f64()) else {
                return cross_entropy(row, y, target, dy);
            };
            sum += scale * value;
            dy[index] = scale * slope;
        }
        Ok(sum)
    }

    /// Loss and derivative of one output, for losses that are means over outputs.
    fn element(self, y: f64, target: f64) -> Option<(f64, f64)> {
        match self {
            Self::Mse | Self::Rmse => Some(((y - target).powi(2), 2.0 * (y - target))),
            Self::Mae => Some(((y - target).abs(), sign(y - target))),
            Self::Huber { delta } => Some(huber(y - target, delta)),
            Self::BinaryCrossEntropy => Some(binary_cross_entropy(y, target)),
            Self::CrossEntropy => None,
        }
    }
}

fn check(what: &'static str, expected: usize, found: usize) -> Result<(), EngineError> {
    crate::program::Program::check_length(what, expected, found)
}

/// Sign with `sign(0) = 0`, and NaN for NaN.
fn sign(d: f64) -> f64 {
    if d == 0.0 { 0.0 } else { d.signum() }
}

fn huber(d: f64, delta: f64) -> (f64, f64) {
    if d.abs() <= delta { (0.5 * d * d, d) } else { (delta * (d.abs() - 0.5 * delta), delta * sign(d)) }
}

/// `ln(1 + e^y) − t·y`, written so that no exponential overflows.
fn binary_cross_entropy(y: f64, target: f64) -> (f64, f64) {
    let small = (-y.abs()).exp();
    let sigmoid = if y >= 0.0 { 1.0 / (1.0 + small) } else { small / (1.0 + small) };
    (y.max(0.0) - target * y + small.ln_1p(), sigmoid - target)
}

/// `ln Σ e^y − Σ t·y` for targets that sum to 1, shifted by the largest output.
fn cross_entropy<T: Real>(row: usize, y: &[T], target: &[T], dy: &mut [f64]) -> Result<f64, EngineError> {
    let largest = y.iter().map(|y| y.to_f64()).fold(f64::NEG_INFINITY, f64::max);
    let mut sum = 0.0;
    for (dy, y) in dy.iter_mut().zip(y) {
        *dy = (y.to_f64() - largest).exp();
        sum += *dy;
    }
    dy.iter_mut().for_each(|dy| *dy /= sum);
    let log_sum = largest + sum.ln();
    if target.len() == 1 && y.len() != 1 {
        let label = target[0].to_f64();
        if !(label >= 0.0 && label < y.len() as f64 && label.fract() == 0.0) {
            return Err(EngineError::Label { row, found: label, classes: y.len() });
        }
        dy[label as usize] -= 1.0;
        return Ok(log_sum - y[label as usize].to_f64());
    }
    let mass: f64 = target.iter().map(|t| t.to_f64()).sum();
    let mut loss = mass * log_sum;
    for ((dy, y), target) in dy.iter_mut().zip(y).zip(target) {
        loss -= target.to_f64() * y.to_f64();
        *dy = *dy * mass - target.to_f64();
    }
    Ok(loss)
}

#[cfg(test)]
mod tests;
