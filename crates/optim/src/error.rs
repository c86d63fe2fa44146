//! What can be wrong with the configuration of an optimiser or with a saved state. Data first; the text is only the
//! default wording.

use thiserror::Error;

/// A parameter of an optimiser or a schedule outside its range.
#[derive(Clone, Debug, PartialEq, Error)]
#[error("{owner}: {parameter} must be {expected}, found {found}")]
pub struct ParameterError {
    /// The optimiser or schedule, by its serialised name: `adam`, `cosine`, …
    pub owner: &'static str,
    /// The parameter, by its serialised name: `beta1`, `weightDecay`, …
    pub parameter: &'static str,
    /// The range, in words.
    pub expected: &'static str,
    /// The value that was given.
    pub found: f64,
}

/// A saved state that does not belong to the optimiser, or is damaged.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StateError {
    /// The state of another optimiser.
    #[error("the state belongs to {found}, not to {expected}")]
    Optimizer {
        /// The optimiser that was asked for.
        expected: String,
        /// The optimiser that wrote the state.
        found: String,
    },
    /// A value that must be there is not.
    #[error("the optimiser's state lacks {name}")]
    Missing {
        /// Name of the value.
        name: String,
    },
    /// A value that nobody asked for.
    #[error("the optimiser's state holds the unknown {name}")]
    Unknown {
        /// Name of the value.
        name: String,
    },
    /// A vector of the wrong length.
    #[error("{name} of the optimiser's state has {found} values, expected {expected}")]
    Length {
        /// Name of the vector.
        name: String,
        /// The number of parameters.
        expected: usize,
        /// The length found.
        found: usize,
    },
    /// An infinite value or NaN.
    #[error("{name}[{index}] of the optimiser's state is not finite")]
    NotFinite {
        /// Name of the vector or scalar.
        name: String,
        /// Index in the vector; 0 for a scalar.
        index: usize,
    },
    /// A value that this optimiser can never have written.
    #[error("{name} of the optimiser's state must be {expected}")]
    Range {
        /// Name of the value.
        name: String,
        /// The range, in words.
        expected: &'static str,
    },
}
