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

/// Part that it leaves of clean data.
const CLEAN: f64 = 1e-8;
/// Fewest rows of which a plateau tells something.
const TELLING: usize = 60;

/// An estimate of the noise.
pub(super) struct Estimate {
    /// Part of the variance; None if no polynomial can be fitted. Never too low by much, often too high.
    pub(super) level: Option<f64>,
    /// Whether higher degrees stop gaining before they reach rounding, as they do for noise and not for a smooth law.
    pub(super) is_noisy: bool,
    /// Whether a polynomial explains so much that there is hardly any.
    pub(super) is_clean: bool,
}

/// Fits polynomials of rising degree of the given columns of a sample.
pub(super) fn estimate(known: &[Vec<f64>], sample: &Sample) -> Estimate {
    let (rows, variables) = (sample.rows(), known.len());
    let fits = |degree: usize| {
        let terms = monomials(variables, degree);
        terms <= rows / 5 && terms <= TERMS
    };
    let mut levels = Vec::new();
    for degree in (1..=10).take_while(|degree| fits(*degree)) {
        let columns = chebyshev(known, rows, degree);
        let Some(found) = fitted(&columns, sample.y()) else { break };
        levels.push(found.error / (rows - columns.len()) as f64 / sample.variance());
    }
    let level = levels.iter().copied().fold(f64::INFINITY, f64::min);
    // In one variable odd and even degrees may gain by turns; and a polynomial that explains little says nothing of what
    // it leaves.
    let stalled = |step: &[f64]| step[1] > PLATEAU * step[0];
    let steps: Vec<&[f64]> = levels.windows(2).collect();
    let needed = if variables == 1 { 3 } else { 1 };
    let plateau =
        rows >= TELLING && steps.len() > needed && steps.iter().rev().take(needed).all(|step| stalled(step));
    let is_noisy = plateau && level > ROUNDING && level < EXPLAINED;
    Estimate { level: level.is_finite().then_some(level), is_noisy, is_clean: level < CLEAN }
}

#[cfg(test)]
mod tests {
    use super::super::testing::sample;
    use super::Estimate;
    use crate::sample::Sample;

    fn estimate(sample: &Sample) -> Estimate {
        super::estimate(sample.columns(), sample)
    }

    #[test]
    fn noise_is_told_from_a_law_and_its_level_from_its_plateau() {
        let law = "x^2*y/z + sin(x)";
        let ranges = [(1.0, 3.0); 3];
        let noisy = estimate(&sample(law, &ranges, 1000, 0.01));
        assert!(noisy.is_noisy && !noisy.is_clean);
        let level = noisy.level.unwrap();
        assert!((0.8e-4..1.5e-4).contains(&level), "{level}");
        assert!(!estimate(&sample(law, &ranges, 1000, 0.0)).is_noisy);
        assert!(estimate(&sample("x*exp(-y)", &ranges[..2], 1000, 0.0)).is_clean);
        assert!(!estimate(&sample("x^6 - 2*x^4 + x^2", &[(-1.0, 1.0)], 20, 0.0)).is_noisy);
    }
}
