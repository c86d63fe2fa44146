//! How much of the target is noise, as far as polynomials tell.

use super::features::monomials;
use super::surrogate::{chebyshev, fitted};
use crate::sample::Sample;

/// Fewest rows of which noise can be told from a law.
pub(super) const FEWEST: usize = 12;
/// Most terms.
const TERMS: usize = 300;
/// Part of the variance below which there is no noise but rounding.
const ROUNDING: f64 = 1e-18;
/// Ratio of the residual variances of two degrees above which the higher degree gains nothing.
const PLATEAU: f64 = 0.85;

/// Part of the variance that a polynomial may leave if what is left is to be called noise.
const EXPLAINED: f64 = 0.2;

/// An estimate of the noise.
pub(super) struct Estimate {
    /// Part of the variance; None if no polynomial can be fitted. Never too low by much, often too high.
    pub(super) level: Option<f64>,
    /// Whether higher degrees stop gaining before they reach rounding, as they do for noise and not for a smooth law.
    pub(super) is_noisy: bool,
}

/// Fits polynomials of rising degree.
pub(super) fn estimate(sample: &Sample) -> Estimate {
    let (rows, variables) = (sample.rows(), sample.columns().len());
    let fits = |degree: usize| {
        let terms = monomials(variables, degree);
        terms <= rows / 5 && terms <= TERMS
    };
    let mut levels = Vec::new();
    for degree in (1..=10).take_while(|degree| fits(*degree)) {
        let columns = chebyshev(sample.columns(), rows, degree);
        let Some(found) = fitted(&columns, sample.y()) else { break };
        levels.push(found.error / (rows - columns.len()) as f64 / sample.variance());
    }
    let level = levels.iter().copied().fold(f64::INFINITY, f64::min);
    // Odd and even degrees may gain by turns, so that three steps without a gain are needed; and a polynomial that
    // explains little says nothing of what it leaves.
    let plateau = match levels.as_slice() {
        [.., a, b, c, d] => *b > PLATEAU * a && *c > PLATEAU * b && *d > PLATEAU * c,
        _ => false,
    };
    let is_noisy = plateau && level > ROUNDING && level < EXPLAINED;
    Estimate { level: level.is_finite().then_some(level), is_noisy }
}
