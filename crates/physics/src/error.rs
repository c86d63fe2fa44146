//! What can be wrong with a residual, with the points of a term, and with a solution on its way. Terms, points, columns
//! and places count from 0.

use kanode_engine::EngineError;
use kanode_network::NetworkError;
use kanode_train::OptionError;

/// Why a tape is none, or not one for this network and this data.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TapeError {
    /// No operations.
    #[error("the residual has no operations")]
    Empty,
    /// An operation that takes its argument from itself or a later one.
    #[error("operation {place} takes an argument from operation {argument}, which does not come before it")]
    Argument {
        /// Place of the operation.
        place: usize,
        /// Place of its argument.
        argument: usize,
    },
    /// An output, an input or a data column that does not exist.
    #[error("operation {place} needs {what} {found}, but there are {count}")]
    Index {
        /// Place of the operation.
        place: usize,
        /// What it needs.
        what: &'static str,
        /// How many there are.
        count: usize,
        /// Which one it needs.
        found: usize,
    },
    /// A derivative of an order that no pass computes.
    #[error("operation {place}: expected a derivative of order 1 or 2, found order {found}")]
    Order {
        /// Place of the operation.
        place: usize,
        /// Order found.
        found: usize,
    },
    /// A second derivative of splines that have none that is continuous.
    #[error(
        "operation {place} is a second derivative, which needs splines of degree 3 or more (5 is best), found degree \
         {degree}"
    )]
    Degree {
        /// Place of the operation.
        place: usize,
        /// The network's degree.
        degree: usize,
    },
    /// A constant that is infinite or NaN.
    #[error("operation {place}: expected a finite number, found {found:?}")]
    Number {
        /// Place of the operation.
        place: usize,
        /// What it holds.
        found: f64,
    },
    /// A residual without an output of the network.
    #[error("the residual has no output of the network in it, so that nothing can make it vanish")]
    Unrelated,
}

/// Why points, data and weights do not make a term.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum TermError {
    /// The residual.
    #[error(transparent)]
    Tape(#[from] TapeError),
    /// No points.
    #[error("expected at least one point")]
    NoPoints,
    /// A block of another length than the number of points asks for.
    #[error("{what}: expected {expected} numbers, found {found}")]
    Length {
        /// `points`, `data` or `weights`.
        what: &'static str,
        /// Length asked for.
        expected: usize,
        /// Length found.
        found: usize,
    },
    /// A cell that is infinite or NaN.
    #[error("{what}: point {point}, column {column} holds {found:?}, which is not a finite number")]
    NotFinite {
        /// `points`, `data` or `weights`.
        what: &'static str,
        /// Which point.
        point: usize,
        /// Which of its numbers; 0 for weights.
        column: usize,
        /// What it holds.
        found: f64,
    },
    /// A weight of the term or of a point that is negative or no number.
    #[error("{what}: expected zero or more, found {found:?}")]
    Weight {
        /// `weight` or `weights`.
        what: &'static str,
        /// Weight found.
        found: f64,
    },
    /// No point has a positive weight.
    #[error("weights: expected at least one point of positive weight")]
    NoWeight,
}

/// Why a solution, or derivatives, could not be had.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PhysicsError {
    /// An option that can't be.
    #[error(transparent)]
    Option(#[from] OptionError),
    /// No terms, or none of positive weight.
    #[error("expected at least one term of positive weight, found {terms} terms")]
    NoTerms {
        /// Terms found.
        terms: usize,
    },
    /// A term that can't be used.
    #[error("term {term}: {source}")]
    Term {
        /// Which.
        term: usize,
        /// What is wrong with it.
        source: TermError,
    },
    /// The network refuses the scaler, the domain or the grid.
    #[error(transparent)]
    Network(#[from] NetworkError),
    /// There is no memory.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// A residual, or its derivative by what the network gives, is infinite or NaN where a step would begin.
    #[error(
        "term {term}: the residual or its slope is not a finite number at point {point} (residual {found:?})"
    )]
    NotFinite {
        /// Which term.
        term: usize,
        /// Which of its points.
        point: usize,
        /// The residual there.
        found: f64,
    },
    /// Rows to differentiate at that can't be used.
    #[error("{0}")]
    Rows(TermError),
    /// Second derivatives of splines that have none that is continuous.
    #[error("second derivatives need splines of degree 3 or more, found degree {degree}")]
    Degree {
        /// The network's degree.
        degree: usize,
    },
    /// A derivative that is infinite or NaN, for inputs that are neither.
    #[error("row {row}: output {output} or a derivative of it is not a finite number")]
    Overflow {
        /// Which row.
        row: usize,
        /// Which output.
        output: usize,
    },
    /// The caller asked derivatives to end. (A solution that is cancelled has a report instead.)
    #[error("cancelled")]
    Cancelled,
}
