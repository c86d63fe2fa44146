//! Training: from rows of numbers and a network to a fitted network.
//!
//! [`fit`] prepares the rows of a [`Dataset`] as [`FitOptions`] say, draws batches, asks a backend for loss and
//! gradient, gives them to an optimiser, and tells an [`Observer`] how it goes. What it leaves in a [`TrainState`]
//! lets another fit go on with the same bits. [`predict`] and [`evaluate`] use what was learned. Which thread all this
//! runs on is for the caller to say.

#![forbid(unsafe_code)]

mod batches;
mod dataset;
mod divergence;
mod error;
mod fit;
mod history;
mod memory;
mod metrics;
mod observer;
mod options;
mod predict;
mod prepare;
mod prune;
mod regularization;
mod report;
mod resolve;
mod run;
mod side_by_side;
mod simplify;
mod solver;
mod starts;
mod state;
#[cfg(test)]
mod testing;
mod uncertainty;
mod watch;

pub use dataset::Dataset;
pub use error::{DataError, FitFailure, OptionError, Rows, TrainError};
pub use fit::fit;
pub use history::{HISTORY_LIMIT, History};
pub use metrics::{Classification, Metrics, OutputErrors, Regression, evaluate};
pub use observer::{Observer, Unobserved};
pub use options::{CheckpointEvery, EarlyStopping, FitOptions, GridUpdates, Length};
pub use predict::{predict, predict_with};
pub use prune::{PruneOptions, PruneParts, PruneReport, PruneUntil, prune};
pub use regularization::{Named, Regularization};
pub use report::{Best, FitReport, Level, Outside, Phase, Prior, Progress, Record, StopReason, Watched};
pub use simplify::{SimplifyOptions, SimplifyReport, Trial, simplify};
pub use state::{BestPoint, Position, StateData, StateError, StateHeader, TrainState};
pub use uncertainty::{Uncertainty, uncertainty};
