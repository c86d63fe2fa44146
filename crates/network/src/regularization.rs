//! What a network remembers of the prior that it was last fitted with: how sure its predictions are depends on it.

use crate::error::NetworkError;
use crate::penalties::Smoothness;
use serde::{Deserialize, Serialize};

/// The prior of a fit, `lambda·Σ ∫ (φ^(order))² + ridge·|θ|²` in the network's units, as [`crate::Smoothness`] has it.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Regularization {
    /// Order of the derivative that was kept small, at least 1.
    pub order: usize,
    /// Its strength, at least 0.
    pub lambda: f64,
    /// Strength of the ridge, at least 0.
    pub ridge: f64,
    /// Variance of the noise that the data seemed to have, in the network's units; None where nobody asked.
    pub noise: Option<f64>,
}

impl Regularization {
    /// The prior, to fit with again.
    pub fn smoothness(&self) -> Smoothness {
        Smoothness { order: self.order, lambda: self.lambda, ridge: self.ridge }
    }

    /// Checks the numbers.
    ///
    /// # Errors
    /// [`NetworkError::Regularization`], naming the first that is out of its range.
    pub fn validate(&self) -> Result<(), NetworkError> {
        if self.order == 0 {
            return Err(NetworkError::Regularization { what: "order", found: 0.0 });
        }
        let numbers = [("lambda", self.lambda), ("ridge", self.ridge), ("noise", self.noise.unwrap_or(0.0))];
        match numbers.into_iter().find(|(_, found)| !(found.is_finite() && *found >= 0.0)) {
            Some((what, found)) => Err(NetworkError::Regularization { what, found }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_out_of_range_are_named() {
        let good = Regularization { order: 2, lambda: 1e-4, ridge: 0.0, noise: Some(0.1) };
        assert_eq!(good.validate(), Ok(()));
        let error = |what, found| Err(NetworkError::Regularization { what, found });
        assert_eq!(Regularization { order: 0, ..good }.validate(), error("order", 0.0));
        assert_eq!(Regularization { lambda: -1.0, ..good }.validate(), error("lambda", -1.0));
        assert_eq!(Regularization { ridge: f64::INFINITY, ..good }.validate(), error("ridge", f64::INFINITY));
        assert!(Regularization { noise: Some(f64::NAN), ..good }.validate().is_err());
    }
}
