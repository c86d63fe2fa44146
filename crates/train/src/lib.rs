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
mod report;
mod run;
mod state;
mod watch;

pub use dataset::Dataset;
pub use error::{DataError, FitFailure, OptionError, Rows, TrainError};
pub use fit::fit;
pub use history::HISTORY_LIMIT;
pub use metrics::{Classification, Metrics, OutputErrors, Regression, evaluate};
pub use observer::{Observer, Unobserved};
pub use options::{CheckpointEvery, EarlyStopping, FitOptions, Length};
pub use predict::{predict, predict_with};
pub use report::{Best, FitReport, Outside, Progress, Record, StopReason, Watched};
pub use state::{BestPoint, Position, StateData, StateError, StateHeader, TrainState};
