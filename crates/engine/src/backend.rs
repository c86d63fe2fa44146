//! What may be asked of a backend.

use crate::adam::{AdamRule, AdamSlabs, Descent, Survey};
use crate::error::EngineError;
use crate::loss::Loss;
use crate::program::{Layer, Program};
use crate::real::Real;
use crate::resident::{Resident, ResidentStart};
use std::sync::Arc;

/// Rows with targets, all row-major.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a, T> {
    /// `[rows, inputs]`.
    pub x: &'a [T],
    /// `[rows, target_width]`; class labels are whole numbers, one column.
    pub targets: &'a [T],
    /// `[rows]`, or every row counts 1. A row of weight 0 has no influence at all.
    pub weights: Option<&'a [T]>,
    /// Number of rows.
    pub rows: usize,
}

/// What one input node of a layer received over a batch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct InputStatistics {
    /// Smallest value; `+inf` when there were no rows, NaN when one of them was NaN.
    pub minimum: f64,
    /// Largest value.
    pub maximum: f64,
    /// Number of rows outside the domain of the node's spline.
    pub outside: usize,
}

/// Statistics of all input nodes of one layer.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerStatistics {
    /// One entry for each input node.
    pub inputs: Vec<InputStatistics>,
}

impl LayerStatistics {
    /// Statistics of no rows.
    pub fn none(layer: &Layer) -> Self {
        let none = InputStatistics { minimum: f64::INFINITY, maximum: f64::NEG_INFINITY, outside: 0 };
        Self { inputs: vec![none; layer.inputs] }
    }
}

impl InputStatistics {
    /// Counts a value in. A NaN stays the minimum and the maximum whatever comes after it, and is outside.
    pub fn observe(&mut self, (a, b): (f64, f64), x: f64) {
        self.minimum = if x.is_nan() || x < self.minimum { x } else { self.minimum };
        self.maximum = if x.is_nan() || x > self.maximum { x } else { self.maximum };
        self.outside += usize::from(!(a..=b).contains(&x));
    }
}

/// A program made ready to run; owns its work space, so that steps of the same size reuse it.
///
/// `parameters` and `gradient` are slabs as described in [`Program`]. Every result depends on the arguments alone,
/// bit for bit: not on the number of threads, nor on earlier calls.
pub trait Executor<T: Real>: Send {
    /// Outputs `y: [rows, outputs]` for `x: [rows, inputs]`.
    ///
    /// # Errors
    /// [`EngineError::Length`] when a slice does not fit.
    fn predict(&mut self, parameters: &[T], x: &[T], y: &mut [T]) -> Result<(), EngineError>;

    /// The loss of a batch.
    ///
    /// # Errors
    /// As [`Loss::evaluate`], or [`EngineError::Length`].
    fn loss(&mut self, loss: Loss, parameters: &[T], batch: &Batch<'_, T>) -> Result<f64, EngineError>;

    /// The loss of a batch, and its derivatives with respect to all parameters, overwriting `gradient`.
    ///
    /// # Errors
    /// As [`Executor::loss`].
    fn loss_and_gradient(
        &mut self,
        loss: Loss,
        parameters: &[T],
        batch: &Batch<'_, T>,
        gradient: &mut [T],
    ) -> Result<f64, EngineError>;

    /// For `s = sum over rows and outputs of dy·y`: its derivatives with respect to the parameters (overwriting
    /// `gradient`) and to the inputs (overwriting `dx: [rows, inputs]`). `dy: [rows, outputs]`.
    ///
    /// # Errors
    /// [`EngineError::Length`] when a slice does not fit.
    fn backward(
        &mut self,
        parameters: &[T],
        x: &[T],
        dy: &[T],
        gradient: &mut [T],
        dx: &mut [T],
    ) -> Result<(), EngineError>;

    /// Looks over parameters and gradient before a step; the same bits as [`Survey::of`].
    fn survey(&mut self, parameters: &[T], gradient: &[T]) -> Survey {
        Survey::of(parameters, gradient)
    }

    /// Moves parameters and moments by the rule of Adam; the same bits as [`AdamRule::apply`].
    fn adam(&mut self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>) {
        rule.apply(slabs);
    }

    /// The loss of a batch, and the step of Adam that follows from its gradient at once: parameters and moments get the same
    /// bits as from [`Executor::loss_and_gradient`] and [`Executor::adam`], `gradient` nothing to rely on. That saves
    /// waiting and traffic with memory, but nobody else can look at the gradient first. So it is done only where the loss is
    /// finite and [`AdamRule::stays_finite`], and tells the sum of squares of the gradient; otherwise nothing moves, and
    /// `gradient` is written.
    ///
    /// # Errors
    /// As [`Executor::loss`]; nothing has moved.
    fn descend(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, T>,
        descent: Descent<'_, T>,
    ) -> Result<(f64, Option<f64>), EngineError> {
        let Descent { parameters, gradient, .. } = descent;
        self.loss_and_gradient(loss, parameters, batch, gradient).map(|loss| (loss, None))
    }

    /// Training by Adam whose parameters and moments stay where the backend computes; None where that gains nothing, as
    /// on a processor that has them in its memory anyway, or where the backend can't have the penalty. The executor stays free for other calls.
    ///
    /// # Errors
    /// [`EngineError::Length`], [`EngineError::Memory`] or [`EngineError::Device`].
    fn resident(
        &mut self,
        start: &ResidentStart<'_, T>,
    ) -> Result<Option<Box<dyn Resident<T>>>, EngineError> {
        let _ = start;
        Ok(None)
    }

    /// What each layer's input nodes receive for `x: [rows, inputs]`.
    ///
    /// # Errors
    /// [`EngineError::Length`] when a slice does not fit.
    fn statistics(&mut self, parameters: &[T], x: &[T]) -> Result<Vec<LayerStatistics>, EngineError>;
}

/// Makes executors for one number type.
pub trait Compile<T: Real>: Send + Sync {
    /// Makes a program ready to run.
    ///
    /// # Errors
    /// [`EngineError::Unsupported`] when this machine or this number type won't do.
    fn compile(&self, program: &Arc<Program>) -> Result<Box<dyn Executor<T>>, EngineError>;

    /// Number of threads that who uses it may take for work of their own meanwhile.
    fn threads(&self) -> usize {
        1
    }
}

/// A way to run programs: the reference, the CPU, a GPU.
pub trait Backend: Compile<f32> + Compile<f64> {
    /// Name for reports, with the instruction set or the adapter.
    fn name(&self) -> String;
}
