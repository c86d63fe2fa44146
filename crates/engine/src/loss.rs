//! Losses: what a batch of outputs costs, and the derivative with respect to the outputs.
//!
//! All are weighted means over rows (weights are divided by their sum), so that a loss does not depend on the size
//! of the batch. Sums run over the rows in order, in `f64`, and over [`LOSS_ROWS`] at a time.

use crate::backend::Batch;
use crate::error::EngineError;
use crate::real::Real;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Rows whose contributions to a loss are added up before they join the sum. Whoever adds up such sums in their order
/// gets the same bits as [`Loss::evaluate`].
pub const LOSS_ROWS: usize = 64;

/// Sums that run side by side over the elements of these rows, so that none waits for the one before.
const LOSS_LANES: usize = 8;

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
        check("outputs", batch.rows * n_out, outputs.len())?;
        if let Some(dy) = &dy {
            check("dy", batch.rows * n_out, dy.len())?;
        }
        let (width, total) = self.shape(n_out, batch)?;
        let rows = Rows { outputs, n_out, batch, width, total };
        let Some(element) = self.element() else { return rows.cross_entropy(0.0, dy, &mut vec![0.0; n_out]) };
        if self != Self::Rmse {
            return Ok(rows.mean(element, 0.0, 1.0, dy));
        }
        let root = rows.mean(element, 0.0, 1.0, None).sqrt();
        if dy.is_some() {
            rows.mean(element, 0.0, if root > 0.0 { 0.5 / root } else { 0.0 }, dy);
        }
        Ok(root)
    }

    /// The same loss in parts, for a network of `n_out` outputs; None if it is no sum over rows.
    ///
    /// # Errors
    /// Those of [`Loss::evaluate`], but for labels.
    pub fn in_parts<T: Real>(
        self,
        n_out: usize,
        batch: &Batch<'_, T>,
    ) -> Result<Option<PartialLoss>, EngineError> {
        let (width, total) = self.shape(n_out, batch)?;
        let work = if self.element().is_some() { Vec::new() } else { vec![0.0; n_out] };
        Ok((self != Self::Rmse).then_some(PartialLoss { loss: self, n_out, width, total, work }))
    }

    /// What an output contributes, where it does so by itself.
    fn element(self) -> Option<Element> {
        match self {
            Self::Mse | Self::Rmse => Some(Element::Squared),
            Self::Mae => Some(Element::Absolute),
            Self::Huber { delta } => Some(Element::Huber { delta }),
            Self::BinaryCrossEntropy => Some(Element::Logistic),
            Self::CrossEntropy => None,
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

/// What one output and its target contribute to a mean.
#[derive(Clone, Copy, Debug)]
enum Element {
    Squared,
    Absolute,
    Huber { delta: f64 },
    Logistic,
}

/// A loss of which rows contribute their parts by themselves: see [`Loss::in_parts`].
#[derive(Clone, Debug)]
pub struct PartialLoss {
    loss: Loss,
    n_out: usize,
    /// Columns of the targets.
    width: usize,
    /// Sum of the weights of all rows.
    total: f64,
    /// Work space, so that parts allocate nothing.
    work: Vec<f64>,
}

impl PartialLoss {
    /// Some rows of a batch.
    pub fn part<'a, T: Real>(&self, batch: &Batch<'a, T>, rows: Range<usize>) -> Batch<'a, T> {
        let inputs = batch.x.len() / batch.rows.max(1);
        Batch {
            x: &batch.x[rows.start * inputs..rows.end * inputs],
            targets: &batch.targets[rows.start * self.width..rows.end * self.width],
            weights: batch.weights.map(|weights| &weights[rows.clone()]),
            rows: rows.len(),
        }
    }

    /// `sum`, and what `part`, the rows of the batch from `first` on, contributes to the loss with the outputs
    /// `outputs: [rows, n_out]`. `dy` receives the derivatives by these outputs. If `sum` is that of the rows before,
    /// and `first` a multiple of [`LOSS_ROWS`], it comes out as the bits that the whole has.
    ///
    /// # Errors
    /// [`EngineError::Label`].
    ///
    /// # Panics
    /// If lengths differ from those of `part`.
    pub fn evaluate<T: Real>(
        &mut self,
        sum: f64,
        outputs: &[T],
        (part, first): (&Batch<'_, T>, usize),
        dy: &mut [T],
    ) -> Result<f64, EngineError> {
        let rows = Rows { outputs, n_out: self.n_out, batch: part, width: self.width, total: self.total };
        match self.loss.element() {
            Some(element) => Ok(rows.mean(element, sum, 1.0, Some(dy))),
            None => rows.cross_entropy(sum, Some(dy), &mut self.work).map_err(|error| match error {
                EngineError::Label { row, found, classes } => {
                    EngineError::Label { row: first + row, found, classes }
                }
                error => error,
            }),
        }
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

    /// `sum` and the mean of an element over rows and outputs; `dy` receives the derivatives times `outer`.
    fn mean(&self, element: Element, sum: f64, outer: f64, dy: Option<&mut [T]>) -> f64 {
        match element {
            Element::Squared => self.elements(sum, outer, dy, squared),
            Element::Absolute => {
                self.elements(sum, outer, dy, |y, target| ((y - target).abs(), sign(y - target)))
            }
            Element::Huber { delta } => self.elements(sum, outer, dy, |y, target| huber(y - target, delta)),
            Element::Logistic => self.elements(sum, outer, dy, binary_cross_entropy),
        }
    }

    /// `sum` and a mean over rows and outputs of `element(output, target)`, which returns a value and its derivative by the
    /// output; `dy` receives the derivatives times `outer`.
    #[inline(always)]
    fn elements(
        &self,
        mut sum: f64,
        outer: f64,
        mut dy: Option<&mut [T]>,
        element: impl Fn(f64, f64) -> (f64, f64),
    ) -> f64 {
        if self.batch.weights.is_none() {
            return self.even_elements(sum, outer, dy, element);
        }
        let (n_out, scale) = (self.n_out, 1.0 / self.n_out as f64);
        let mut of_some = 0.0;
        let rows = self.outputs.chunks_exact(n_out).zip(self.batch.targets.chunks_exact(n_out));
        for (row, (outputs, targets)) in rows.enumerate() {
            if row % LOSS_ROWS == 0 {
                sum += of_some;
                of_some = 0.0;
            }
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
            of_some += weight * of_row;
        }
        sum + of_some
    }

    /// [`Rows::elements`] of rows that weigh the same.
    #[inline(always)]
    fn even_elements(
        &self,
        mut sum: f64,
        outer: f64,
        mut dy: Option<&mut [T]>,
        element: impl Fn(f64, f64) -> (f64, f64),
    ) -> f64 {
        let share = self.weight(0) / self.n_out as f64;
        let length = LOSS_ROWS * self.n_out;
        let blocks = self.outputs.chunks(length).zip(self.batch.targets.chunks(length));
        let slope_of = |output: &T, target: &T| {
            let (value, slope) = element(output.to_f64(), target.to_f64());
            (value, T::from_f64(outer * share * slope))
        };
        for (block, (outputs, targets)) in blocks.enumerate() {
            let mut sums = [0.0; LOSS_LANES];
            let (outputs, last_outputs) = outputs.as_chunks::<LOSS_LANES>();
            let (targets, last_targets) = targets.as_chunks::<LOSS_LANES>();
            let mut first = block * length;
            for (outputs, targets) in outputs.iter().zip(targets) {
                let mut slopes = [T::ZERO; LOSS_LANES];
                for lane in 0..LOSS_LANES {
                    let (value, slope) = slope_of(&outputs[lane], &targets[lane]);
                    sums[lane] += value;
                    slopes[lane] = slope;
                }
                if let Some(dy) = &mut dy {
                    dy[first..][..LOSS_LANES].copy_from_slice(&slopes);
                }
                first += LOSS_LANES;
            }
            for (lane, (output, target)) in last_outputs.iter().zip(last_targets).enumerate() {
                let (value, slope) = slope_of(output, target);
                sums[lane] += value;
                if let Some(dy) = &mut dy {
                    dy[first + lane] = slope;
                }
            }
            sum += share * sums.iter().sum::<f64>();
        }
        sum
    }

    /// `slopes: [n_out]` is work space.
    fn cross_entropy(
        &self,
        mut sum: f64,
        mut dy: Option<&mut [T]>,
        slopes: &mut [f64],
    ) -> Result<f64, EngineError> {
        let n_out = self.n_out;
        let mut of_some = 0.0;
        for row in 0..self.batch.rows {
            if row % LOSS_ROWS == 0 {
                sum += of_some;
                of_some = 0.0;
            }
            let (weight, span) = (self.weight(row), row * n_out..(row + 1) * n_out);
            if weight > 0.0 {
                let target = &self.batch.targets[row * self.width..(row + 1) * self.width];
                of_some += weight * cross_entropy(row, &self.outputs[span.clone()], target, slopes)?;
            } else {
                slopes.fill(0.0);
            }
            if let Some(dy) = &mut dy {
                for (dy, slope) in dy[span].iter_mut().zip(&*slopes) {
                    *dy = T::from_f64(weight * slope);
                }
            }
        }
        Ok(sum + of_some)
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
