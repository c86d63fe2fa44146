//! Who watches a fit: hears how it goes, keeps its checkpoints, and may end it.

use crate::report::{Progress, Record};
use crate::state::TrainState;
use kanode_engine::Real;
use kanode_network::Network;

/// Watches a fit. All methods are called on the thread of the fit and should be quick: how often to pass things on
/// is for the observer to say.
pub trait Observer<T: Real> {
    /// Whether the fit should end. Asked before every evaluation of loss and gradient, and after the last step before
    /// every measurement. What a fit does between two questions takes no longer than one pass over the training or the
    /// validation rows. A validation loss is not broken off: a fit resumed without it would not be the same.
    fn cancelled(&self) -> bool {
        false
    }

    /// A step, or an epoch if the fit was asked for epochs, has ended.
    fn on_record(&mut self, record: &Record) {
        let _ = record;
    }

    /// A step has ended that has no record of its own, or a start. Costs nothing but the call: all numbers are at hand.
    fn on_progress(&mut self, progress: &Progress) {
        let _ = progress;
    }

    /// Time for a checkpoint: `network` is what the fit would leave if it were cancelled here, `state` what would
    /// resume it.
    ///
    /// # Errors
    /// What went wrong, in words; the fit then ends with [`crate::TrainError::Checkpoint`].
    fn on_checkpoint(&mut self, network: &Network<T>, state: &TrainState<T>) -> Result<(), String> {
        let _ = (network, state);
        Ok(())
    }
}

/// An observer that does not care.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unobserved;

impl<T: Real> Observer<T> for Unobserved {}
