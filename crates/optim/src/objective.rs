//! What an optimiser asks of the world, and what one of its steps answers.

use crate::vector;
use kanode_engine::{AdamRule, AdamSlabs, Descent, Real, Survey};
use std::fmt;

/// A function to be minimised.
///
/// Closures `|x: &[T], gradient: &mut [T]| -> Result<f64, Stop>` are objectives.
pub trait Objective<T> {
    /// Why an evaluation was given up: a cancellation, a failing backend.
    type Stop;

    /// The loss at `x: [n]`; its gradient is written to `gradient: [n]`, whose old content means nothing.
    /// A loss or gradient that is not finite is an ordinary answer: the optimiser rejects the point.
    ///
    /// # Errors
    /// `Stop` ends the step at once, and the optimiser leaves its `x` at the last accepted point.
    fn evaluate(&mut self, x: &[T], gradient: &mut [T]) -> Result<f64, Self::Stop>;

    /// [`Survey::of`], or whatever has the same bits and is faster.
    fn survey(&mut self, x: &[T], gradient: &[T]) -> Survey
    where
        T: Real,
    {
        Survey::of(x, gradient)
    }

    /// [`Objective::evaluate`] at the parameters of a descent. An objective that can may do the whole step instead, as
    /// [`kanode_engine::Executor::descend`] does; it then tells the sum of squares of the gradient.
    ///
    /// # Errors
    /// As [`Objective::evaluate`].
    fn descend(&mut self, descent: Descent<'_, T>) -> Result<(f64, Option<f64>), Self::Stop>
    where
        T: Real,
    {
        let Descent { parameters, gradient, .. } = descent;
        self.evaluate(parameters, gradient).map(|loss| (loss, None))
    }

    /// [`AdamRule::apply`], or whatever has the same bits and is faster.
    fn adam(&mut self, rule: &AdamRule<T>, slabs: AdamSlabs<'_, T>)
    where
        T: Real,
    {
        rule.apply(slabs);
    }
}

impl<T, S, F> Objective<T> for F
where
    F: FnMut(&[T], &mut [T]) -> Result<f64, S>,
{
    type Stop = S;

    fn evaluate(&mut self, x: &[T], gradient: &mut [T]) -> Result<f64, S> {
        self(x, gradient)
    }
}

/// What one step did.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Step {
    /// Adam, AdamW and SGD: the loss where the step began. L-BFGS: the loss at the point where it ended.
    /// Not finite where the outcome is [`Failure::Loss`]; NaN where nothing was evaluated, after
    /// [`Failure::LearningRate`] and [`Failure::Length`]. Every other outcome has a finite loss.
    pub loss: f64,
    /// Euclidean norm of the gradient at the same point. Not finite where an evaluation failed with such a gradient;
    /// infinite where the gradient is finite but its norm leaves the number range; NaN where nothing was evaluated.
    pub gradient_norm: f64,
    /// How often the objective was evaluated during this step.
    pub evaluations: usize,
    /// Whether `x` moved, and why not.
    pub outcome: StepOutcome,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum StepOutcome {
    /// `x` moved to a new point.
    Accepted,
    /// Nothing more can be gained (L-BFGS only). `x` is the best point found; it may have moved in this step.
    Converged,
    /// The step was rejected; `x` and the state are as they were before it, but that L-BFGS forgets its history
    /// after [`Failure::LineSearch`].
    Failed {
        /// Why.
        reason: Failure,
    },
}

/// Why a step was rejected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Failure {
    /// The loss at `x` is infinite or NaN.
    Loss,
    /// The gradient at `x` is infinite or NaN.
    Gradient {
        /// The first such parameter.
        index: usize,
    },
    /// The step would have left the number range.
    Update {
        /// The first such parameter.
        index: usize,
    },
    /// No lower point was found along the steepest descent: the gradient does not belong to the loss, or the loss has
    /// a kink at `x`.
    LineSearch,
    /// The learning rate is negative, infinite or NaN.
    LearningRate {
        /// The rate given.
        found: f64,
    },
    /// `x` has another length than the state.
    Length {
        /// The length that the state was made for.
        expected: usize,
        /// The length of `x`.
        found: usize,
    },
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Loss => write!(f, "the loss is not finite"),
            Self::Gradient { index } => write!(f, "the gradient of parameter {index} is not finite"),
            Self::Update { index } => {
                write!(f, "the step would make parameter {index} leave the number range")
            }
            Self::LineSearch => write!(f, "no lower loss was found along the steepest descent"),
            Self::LearningRate { found } => {
                write!(f, "the learning rate must be finite and not negative, found {found}")
            }
            Self::Length { expected, found } => write!(f, "expected {expected} parameters, found {found}"),
        }
    }
}

impl Step {
    /// A rejected step.
    pub(crate) fn failed(loss: f64, gradient_norm: f64, evaluations: usize, reason: Failure) -> Self {
        Self { loss, gradient_norm, evaluations, outcome: StepOutcome::Failed { reason } }
    }
}

/// What is wrong with an evaluation, if anything.
pub(crate) fn fault<T: Real>(loss: f64, gradient: &[T]) -> Option<Failure> {
    if !loss.is_finite() {
        return Some(Failure::Loss);
    }
    vector::first_not_finite(gradient).map(|index| Failure::Gradient { index })
}
