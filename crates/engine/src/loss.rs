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
        let (width, total) = self.shape(n_out, batch)?;
        if let Some(dy) = &dy {
            check("dy", rows * n_out, dy.len())?;
        }
        let rows = Rows { outputs, n_out, batch, width, total };
        match self {
            Self::Mse => Ok(rows.elements(1.0, dy, squared)),
            Self::Rmse => {
                let root = rows.elements(1.0, None, squared).sqrt();
                if dy.is_some() {
                    rows.elements(if root > 0.0 { 0.5 / root } else { 0.0 }, dy, squared);
                }
                Ok(root)
            }
            Self::Mae => Ok(rows.elements(1.0, dy, |y, target| ((y - target).abs(), sign(y - target)))),
            Self::Huber { delta } => Ok(rows.elements(1.0, dy, |y, target| huber(y - target, delta))),
            Self::BinaryCrossEntropy => Ok(rows.elements(1.0, dy, binary_cross_entropy)),
            Self::CrossEntropy => rows.cross_entropy(dy),
        }
    }

    /// Checks a batch for a network of `n_out` outputs as [`Loss::evaluate`] does, labels too, without its outputs. Returns
    /// the columns of its targets and the sum of its weights.
    ///
    /// # Errors
    /// As [`Loss::evaluate`].
    pub fn check<T: Real>(self, n_out: usize, batch: &Batch<'_, T>) -> Result<(usize, f64), EngineError> {
        let (width, total) = self.shape(n_out, batch)?;
        if self == Self::CrossEntropy && width == 1 && n_out != 1 {
            for (row, target) in batch.targets.iter().enumerate() {
                if batch.weights.is_none_or(|weights| weights[row] != T::ZERO) {
                    label(row, *target, n_out)?;
                }
            }
        }
        Ok((width, total))
    }

    /// Columns of the targets and sum of the weights.
    fn shape<T: Real>(self, n_out: usize, batch: &Batch<'_, T>) -> Result<(usize, f64), EngineError> {
        let width = self.target_width(n_out, batch)?;
        if let Some(weights) = batch.weights {
            check("weights", batch.rows, weights.len())?;
        }
        let total = match batch.weights {
            None => batch.rows as f64,
            Some(weights) => weights.iter().map(|w| w.to_f64()).sum(),
        };
        let valid = batch.weights.is_none_or(|w| w.iter().all(|w| *w >= T::ZERO));
        if !(total > 0.0 && total.is_finite() && valid) {
            return Err(EngineError::Weights { sum: total });
        }
        Ok((width, total))
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
}

/// The rows of a batch with their outputs, checked.
struct Rows<'a, T> {
    outputs: &'a [T],
    n_out: usize,
    batch: &'a Batch<'a, T>,
    /// Columns of the targets.
    width: usize,
    /// Sum of the weights.
    total: f64,
}

impl<T: Real> Rows<'_, T> {
    /// The share of a row in the mean.
    #[inline(always)]
    fn weight(&self, row: usize) -> f64 {
        self.batch.weights.map_or(1.0, |weights| weights[row].to_f64()) / self.total
    }

    /// A mean over rows and outputs of `element(output, target)`, which returns a value and its derivative by the
    /// output; `dy` receives the derivatives times `outer`.
    #[inline(always)]
    fn elements(
        &self,
        outer: f64,
        mut dy: Option<&mut [T]>,
        element: impl Fn(f64, f64) -> (f64, f64),
    ) -> f64 {
        let (n_out, scale) = (self.n_out, 1.0 / self.n_out as f64);
        let mut sum = 0.0;
        let rows = self.outputs.chunks_exact(n_out).zip(self.batch.targets.chunks_exact(n_out));
        for (row, (outputs, targets)) in rows.enumerate() {
            let weight = self.weight(row);
            let mut slopes = dy.as_deref_mut().map(|dy| &mut dy[row * n_out..(row + 1) * n_out]);
            if weight == 0.0 {
                // No influence, not even that of NaN times 0.
                if let Some(slopes) = slopes {
                    slopes.fill(T::ZERO);
                }
                continue;
            }
            let mut of_row = 0.0;
            for (index, (output, target)) in outputs.iter().zip(targets).enumerate() {
                let (value, slope) = element(output.to_f64(), target.to_f64());
                of_row += scale * value;
                if let Some(slopes) = &mut slopes {
                    slopes[index] = T::from_f64(outer * weight * (scale * slope));
                }
            }
            sum += weight * of_row;
        }
        sum
    }

    fn cross_entropy(&self, mut dy: Option<&mut [T]>) -> Result<f64, EngineError> {
        let n_out = self.n_out;
        let mut slopes = vec![0.0; n_out];
        let mut sum = 0.0;
        for row in 0..self.batch.rows {
            let (weight, span) = (self.weight(row), row * n_out..(row + 1) * n_out);
            if weight > 0.0 {
                let target = &self.batch.targets[row * self.width..(row + 1) * self.width];
                sum += weight * cross_entropy(row, &self.outputs[span.clone()], target, &mut slopes)?;
            } else {
                slopes.fill(0.0);
            }
            if let Some(dy) = &mut dy {
                for (dy, slope) in dy[span].iter_mut().zip(&slopes) {
                    *dy = T::from_f64(weight * slope);
                }
            }
        }
        Ok(sum)
    }
}

fn check(what: &'static str, expected: usize, found: usize) -> Result<(), EngineError> {
    crate::program::Program::check_length(what, expected, found)
}

fn squared(y: f64, target: f64) -> (f64, f64) {
    ((y - target) * (y - target), 2.0 * (y - target))
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
        let label = label(row, target[0], y.len())?;
        dy[label] -= 1.0;
        return Ok(log_sum - y[label].to_f64());
    }
    let mass: f64 = target.iter().map(|t| t.to_f64()).sum();
    let mut loss = mass * log_sum;
    for ((dy, y), target) in dy.iter_mut().zip(y).zip(target) {
        loss -= target.to_f64() * y.to_f64();
        *dy = *dy * mass - target.to_f64();
    }
    Ok(loss)
}

/// The class that a label names.
fn label<T: Real>(row: usize, label: T, classes: usize) -> Result<usize, EngineError> {
    let found = label.to_f64();
    if found >= 0.0 && found < classes as f64 && found.fract() == 0.0 {
        Ok(found as usize)
    } else {
        Err(EngineError::Label { row, found, classes })
    }
}

#[cfg(test)]
mod tests;
