//! Training by Adam that keeps its parameters on a device: steps are queued one after the other, and what they came to
//! is asked for later, several steps at once.

use crate::adam::AdamRule;
use crate::backend::Batch;
use crate::error::EngineError;
use crate::loss::Loss;
use crate::penalty::Penalty;
use crate::real::Real;

/// Where resident training begins; all slabs are of one length.
#[derive(Clone, Copy, Debug)]
pub struct ResidentStart<'a, T> {
    /// Parameters.
    pub parameters: &'a [T],
    /// First moments.
    pub first: &'a [T],
    /// Second moments.
    pub second: &'a [T],
    /// Indices of parameters that never move.
    pub still: &'a [usize],
    /// The lowest loss so far, for [`Keep::IfLowest`].
    pub lowest: Option<f64>,
    /// What is minimised beside the loss; the loss of a step has it in it.
    pub penalty: Option<&'a Penalty>,
}

/// Whether the parameters that a step begins with are kept, for [`Resident::hold`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// They are not.
    Never,
    /// They are.
    Always,
    /// If no step had so low a loss.
    IfLowest,
}

/// Parameters to hold on the device.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// Those that were kept last.
    Kept,
    /// Those of now.
    Present,
}

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ResidentStep {
    /// The loss before the step.
    pub loss: f64,
    /// The Euclidean norm of its gradient.
    pub gradient_norm: f64,
    /// Whether it was done. From the first step that was not on, none is: what could not be done, because the loss or the
    /// gradient was not finite, left the parameters as they were; a parameter that a step would make leave the number
    /// range stays, and the step after it is not done.
    pub done: bool,
}

/// Adam with everything on the device.
pub trait Resident<T: Real>: Send {
    /// The most steps that may be queued before [`Resident::outcomes`] is asked.
    fn capacity(&self) -> usize;

    /// Queues a step; nothing is waited for.
    ///
    /// # Errors
    /// As [`crate::Executor::loss`], or [`EngineError::Device`].
    fn step(
        &mut self,
        loss: Loss,
        batch: &Batch<'_, T>,
        rule: &AdamRule<T>,
        keep: Keep,
    ) -> Result<(), EngineError>;

    /// What the steps since the last call came to, in order; waits for them.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    fn outcomes(&mut self) -> Result<Vec<ResidentStep>, EngineError>;

    /// Writes parameters and moments as they are now.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    fn read(&mut self, parameters: &mut [T], first: &mut [T], second: &mut [T]) -> Result<(), EngineError>;

    /// Holds parameters for [`Resident::held`], instead of those held before. Nothing is waited for or read back.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    fn hold(&mut self, what: Hold) -> Result<(), EngineError>;

    /// Writes the parameters that are held.
    ///
    /// # Errors
    /// [`EngineError::Device`].
    fn held(&mut self, parameters: &mut [T]) -> Result<(), EngineError>;

    /// The loss of a batch at the parameters as they are now.
    ///
    /// # Errors
    /// As [`crate::Executor::loss`].
    fn loss(&mut self, loss: Loss, batch: &Batch<'_, T>) -> Result<f64, EngineError>;
}
