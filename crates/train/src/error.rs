//! What can be wrong with data, with options, and with a fit on its way. The text for users is made at the top of the
//! house; everything it needs is data here.

use crate::report::FitReport;
use crate::state::StateError;
use kanode_engine::EngineError;
use kanode_network::{EdgeId, NetworkError};
use std::fmt;

/// Why rows of numbers are no data set, or not one for this network and this loss. Rows and columns count from 0.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum DataError {
    /// No row, or none with a positive weight.
    #[error("expected at least one row that counts, found {rows} rows, none with a positive weight")]
    Empty {
        /// Rows found.
        rows: usize,
    },
    /// A block has another length than rows and columns ask for.
    #[error("{what}: expected {expected} numbers, found {found}")]
    Length {
        /// `x`, `y` or `weights`.
        what: &'static str,
        /// Length asked for.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// A cell that is infinite or NaN, or becomes so in the number type of the network.
    #[error("{what}: row {row}, column {column} holds {found:?}, which is not a finite number here")]
    NotFinite {
        /// `x`, `y` or `weights`.
        what: &'static str,
        /// Row of the cell.
        row: usize,
        /// Column of the cell; 0 for weights.
        column: usize,
        /// What it holds.
        found: f64,
    },
    /// An output that is infinite or NaN, for inputs that are neither.
    #[error(
        "row {row}, output {output} is {found}: an input is too far outside the range of the training data for this \
         number type"
    )]
    Output {
        /// Row of the output.
        row: usize,
        /// Which output of the network.
        output: usize,
        /// What it is.
        found: f64,
    },
    /// A weight below zero.
    #[error("weights: expected zero or more in row {row}, found {found:?}")]
    NegativeWeight {
        /// Row of the weight.
        row: usize,
        /// Weight found.
        found: f64,
    },
    /// Another number of features than the network has inputs.
    #[error("expected {expected} features, found {found}")]
    Features {
        /// Inputs of the network.
        expected: usize,
        /// Columns of `x`.
        found: usize,
    },
    /// Another number of target columns than network and loss ask for.
    #[error("expected {expected} target columns, found {found}")]
    Targets {
        /// Outputs of the network.
        expected: usize,
        /// Columns of `y`.
        found: usize,
        /// Whether one column of class labels would do too.
        labels: bool,
    },
    /// A class label that is not one of `0..classes`.
    #[error("row {row}: expected a whole number from 0 to {}, found {found}", classes.saturating_sub(1))]
    Label {
        /// Row of the label.
        row: usize,
        /// Label found.
        found: f64,
        /// Outputs of the network.
        classes: usize,
    },
    /// A target that should be a probability and is not in `[0, 1]`.
    #[error("row {row}, target column {column}: expected a number from 0 to 1, found {found:?}")]
    Probability {
        /// Row of the cell.
        row: usize,
        /// Column of the cell.
        column: usize,
        /// What it holds.
        found: f64,
    },
    /// Targets of one row that should be the probabilities of all classes and do not add up to 1.
    #[error("row {row}: expected target columns that add up to 1, found a sum of {found:?}")]
    ProbabilitySum {
        /// The row.
        row: usize,
        /// The sum found.
        found: f64,
    },
}

/// Which rows an error speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Rows {
    /// Those to learn from.
    Training,
    /// Those held out to judge by.
    Validation,
    /// Those to predict or evaluate.
    Given,
}

impl fmt::Display for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Training => "training data",
            Self::Validation => "validation data",
            Self::Given => "data",
        })
    }
}

/// An option that can't be, alone or together with another.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("{option}: expected {expected}, found {found}")]
pub struct OptionError {
    /// Its name in the user's spelling, with dots for options within options.
    pub option: String,
    /// What would do.
    pub expected: String,
    /// What was found.
    pub found: String,
}

impl OptionError {
    pub(crate) fn new(
        option: impl Into<String>,
        expected: impl Into<String>,
        found: impl fmt::Display,
    ) -> Self {
        Self { option: option.into(), expected: expected.into(), found: found.to_string() }
    }
}

/// Why a fit, a prediction or an evaluation failed.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TrainError {
    /// An option that can't be.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// Data that can't be used.
    #[error("{rows}: {source}")]
    Data {
        /// Which rows.
        rows: Rows,
        /// What is wrong with them.
        source: DataError,
    },
    /// The state given to resume from belongs to another network or another optimiser, or is damaged.
    #[error("can't resume: {0}")]
    State(#[from] StateError),
    /// The network refuses the scaler or the domain that the data ask for.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// The backend refuses.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// The caller asked a prediction or an evaluation to end. (A fit that is cancelled has a report instead.)
    #[error("cancelled")]
    Cancelled,
    /// The loss, or a parameter, became infinite or NaN. The network has the best parameters before that.
    #[error(
        "training diverged at step {step}, first at the edge from node {} to node {} of layer {}",
        edge.from, edge.to, edge.layer
    )]
    Diverged {
        /// The step that failed, counted from 1.
        step: u64,
        /// Where it began: the first parameter that is not finite, or else the edge that contributes most to the
        /// first node whose value is not finite.
        edge: EdgeId,
        /// The loss found, infinite or NaN unless a parameter alone is to blame.
        loss: f64,
    },
    /// The observer could not keep a checkpoint. The network has the parameters it would have had, had the fit been
    /// cancelled here.
    #[error("checkpoint after step {step}: {reason}")]
    Checkpoint {
        /// Steps done.
        step: u64,
        /// What the observer says.
        reason: String,
    },
}

/// A fit that failed: why, and, if it had begun, what there is to tell of it.
#[derive(Clone, Debug)]
pub struct FitFailure<T> {
    /// Why.
    pub error: TrainError,
    /// History and state so far; None if the fit failed before its first step. The state of a fit that diverged
    /// would diverge again; the others can be resumed.
    pub report: Option<Box<FitReport<T>>>,
}

impl<T, E: Into<TrainError>> From<E> for FitFailure<T> {
    fn from(error: E) -> Self {
        Self { error: error.into(), report: None }
    }
}

impl<T> fmt::Display for FitFailure<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<T: fmt::Debug> std::error::Error for FitFailure<T> {}
