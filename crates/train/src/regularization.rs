//! How a fit keeps the functions on the edges smooth: a prior on their roughness, given or found from the data.

use crate::error::OptionError;
use kanode_network::Smoothness;
use serde::{Deserialize, Serialize};

/// Orders of derivatives that the prior may penalise.
const ORDERS: std::ops::RangeInclusive<usize> = 1..=6;

/// What stands against rough functions beside the data.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Regularization {
    /// One of the words.
    Named(Named),
    /// This prior: `lambda·Σ ∫ (φ^(order))²` in unit-domain coordinates, and `ridge·|θ|²`.
    Fixed(Smoothness),
}

/// The words for a regularisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Named {
    /// Levenberg–Marquardt finds the strength by the evidence of the data (MacKay 1992); other optimisers
    /// have none, but for a weak one where classes are learned and the optimiser is left open.
    Auto,
    /// No prior.
    None,
}

impl Default for Regularization {
    fn default() -> Self {
        Self::AUTO
    }
}

impl Regularization {
    /// Found from the data.
    pub const AUTO: Self = Self::Named(Named::Auto);
    /// No prior.
    pub const NONE: Self = Self::Named(Named::None);

    /// The prior that stands from the beginning to the end of a fit, if there is one.
    pub(crate) fn fixed(&self) -> Option<Smoothness> {
        match self {
            Self::Fixed(smoothness) => Some(*smoothness),
            Self::Named(_) => None,
        }
    }

    /// Whether the prior is to be found from the data.
    pub(crate) fn is_auto(&self) -> bool {
        *self == Self::AUTO
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// The first out of its range.
    pub(crate) fn validate(&self) -> Result<(), OptionError> {
        let Some(Smoothness { order, lambda, ridge }) = self.fixed() else { return Ok(()) };
        if !ORDERS.contains(&order) {
            return Err(OptionError::new("regularization.order", "a whole number from 1 to 6", order));
        }
        for (option, found) in [("regularization.lambda", lambda), ("regularization.ridge", ridge)] {
            if !(found.is_finite() && found >= 0.0) {
                return Err(OptionError::new(option, "a finite number, at least 0", found));
            }
        }
        Ok(())
    }
}
