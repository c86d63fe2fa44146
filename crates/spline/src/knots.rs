//! Where the basis functions of a spline sit: the breaks between its intervals and the knots beyond its ends.
//! A [`Knots`] is valid by construction, so whatever is built on one cannot fail.

use std::ops::RangeInclusive;

use serde::{Deserialize, Serialize};

use crate::error::SplineError;

/// The degrees that are supported. (The slides say order; cubic is 3.)
pub const DEGREES: RangeInclusive<usize> = 1..=5;

/// The numbers of intervals that are supported.
pub const GRIDS: RangeInclusive<usize> = 1..=4096;

/// Bound on the absolute value of both ends of a domain: no difference of two knots overflows.
const LARGEST_END: f64 = 1e100;

/// Bound on the width of an interval: its inverse to the fifth power, which scales the highest derivative, is finite.
pub(crate) const SMALLEST_GAP: f64 = 1e-60;

/// Bound on the width of an interval relative to the larger end: knots keep their order when they are rounded.
const SMALLEST_RELATIVE_GAP: f64 = 4.0 * f64::EPSILON;

/// How the knot vector continues beyond the ends of the domain `[a, b]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum KnotEnds {
    /// `a` and `b` are repeated `k` more times (tutorial slides, "Knot Vector"); the spline ends in its control points.
    #[default]
    Clamped,
    /// `k` more knots on each side at the spacing `h = (b - a)/G`, as in pykan and efficient-kan.
    Extended,
}

/// What the basis functions are outside the domain `[a, b]`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outside {
    /// Continued with value and slope at the end, so that gradients stay alive.
    #[default]
    Linear,
    /// Continued with the value at the end.
    Constant,
    /// Zero; with extended knots they decay over `k` intervals first, as in pykan and efficient-kan.
    Zero,
}

/// The knots of a spline of degree `k` on `G` intervals: `G + 2k + 1` of them, `t_{-k} … t_{G+k}`, of which the
/// breaks `t_0 … t_G` increase strictly from `a` to `b`.
#[derive(Clone, Debug, PartialEq)]
pub struct Knots {
    degree: usize,
    ends: KnotEnds,
    vector: Vec<f64>,
}

impl Knots {
    /// Breaks at `a + j·(b - a)/G`, `j = 0 … G` (tutorial slides, "Knot Vector").
    ///
    /// # Errors
    /// [`SplineError::Degree`], [`SplineError::Grid`], or [`SplineError::Domain`] if `a` and `b` are not finite, not
    /// within ±1e100, not increasing, or so close that the breaks between them cannot be told apart.
    pub fn uniform(a: f64, b: f64, grid: usize, degree: usize, ends: KnotEnds) -> Result<Self, SplineError> {
        if !GRIDS.contains(&grid) {
            return Err(SplineError::Grid { found: grid });
        }
        let width = b - a;
        let inner = (0..grid).map(|j| a + width * j as f64 / grid as f64);
        Self::with_breaks(inner.chain([b]).collect(), degree, ends).map_err(|error| match error {
            SplineError::Breaks { .. } | SplineError::Domain { .. } => SplineError::Domain { a, b },
            other => other,
        })
    }

    /// An adaptive grid: `breaks` are `a = t_0 < … < t_G = b`.
    ///
    /// # Errors
    /// [`SplineError::Degree`]; [`SplineError::Grid`] for a wrong number of breaks; [`SplineError::Domain`] if the
    /// first and the last break are not finite, not within ±1e100 or not increasing; [`SplineError::Breaks`] for the
    /// first break that is not above its predecessor by at least 1e-60 and four units of rounding of the larger end.
    pub fn with_breaks(breaks: Vec<f64>, degree: usize, ends: KnotEnds) -> Result<Self, SplineError> {
        if !DEGREES.contains(&degree) {
            return Err(SplineError::Degree { found: degree });
        }
        let grid = breaks.len().saturating_sub(1);
        if !GRIDS.contains(&grid) {
            return Err(SplineError::Grid { found: grid });
        }
        let (a, b) = (breaks[0], breaks[grid]);
        let largest = a.abs().max(b.abs());
        // Written so that NaN fails.
        if !(a < b && largest <= LARGEST_END) {
            return Err(SplineError::Domain { a, b });
        }
        let gap = SMALLEST_GAP.max(SMALLEST_RELATIVE_GAP * largest);
        for (pair, index) in breaks.windows(2).zip(1..) {
            let (before, after) = (pair[0], pair[1]);
            let separate = after - before >= gap;
            if !separate {
                return Err(SplineError::Breaks { index, before, after });
            }
        }
        let spacing = match ends {
            KnotEnds::Clamped => 0.0,
            KnotEnds::Extended => (b - a) / grid as f64,
        };
        let below = (1..=degree).rev().map(|j| a - j as f64 * spacing);
        let above = (1..=degree).map(|j| b + j as f64 * spacing);
        let vector = below.chain(breaks).chain(above).collect();
        Ok(Self { degree, ends, vector })
    }

    /// Degree `k` of the spline.
    pub fn degree(&self) -> usize {
        self.degree
    }

    /// Number of intervals `G` in the domain.
    pub fn grid(&self) -> usize {
        self.vector.len() - 2 * self.degree - 1
    }

    /// How the knots continue beyond the domain.
    pub fn ends(&self) -> KnotEnds {
        self.ends
    }

    /// The domain `(a, b)`.
    pub fn domain(&self) -> (f64, f64) {
        (self.vector[self.degree], self.vector[self.degree + self.grid()])
    }

    /// The `G + 1` breaks `t_0 … t_G`, strictly increasing.
    pub fn breaks(&self) -> &[f64] {
        &self.vector[self.degree..=self.degree + self.grid()]
    }

    /// Number of basis functions, `G + k`.
    pub fn basis_count(&self) -> usize {
        self.grid() + self.degree
    }

    /// The Greville abscissae `(t_{i+1} + … + t_{i+k})/k`, one for each basis: as control points they are the identity.
    pub fn greville(&self) -> Vec<f64> {
        let (t, degree) = (&self.vector, self.degree);
        (0..self.basis_count()).map(|i| t[i + 1..=i + degree].iter().sum::<f64>() / degree as f64).collect()
    }

    /// All `G + 2k + 1` knots `t_{-k} … t_{G+k}`, non-decreasing.
    pub fn vector(&self) -> Vec<f64> {
        self.vector.clone()
    }

    /// The knots without a copy; element `j` is `t_{j-k}`.
    pub(crate) fn as_slice(&self) -> &[f64] {
        &self.vector
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn close(found: &[f64], expected: &[f64]) -> bool {
        found.len() == expected.len() && found.iter().zip(expected).all(|(f, e)| (f - e).abs() < 1e-15)
    }

    #[test]
    fn clamped_knots_repeat_the_ends_as_on_the_slides() {
        let knots = Knots::uniform(-2.0, 2.0, 4, 3, KnotEnds::Clamped).unwrap();
        assert_eq!(knots.vector(), [-2.0, -2.0, -2.0, -2.0, -1.0, 0.0, 1.0, 2.0, 2.0, 2.0, 2.0]);
        assert_eq!(knots.breaks(), [-2.0, -1.0, 0.0, 1.0, 2.0]);
        assert_eq!((knots.grid(), knots.degree(), knots.basis_count()), (4, 3, 7));
        assert_eq!((knots.domain(), knots.ends()), ((-2.0, 2.0), KnotEnds::Clamped));
    }

    #[test]
    fn extended_knots_continue_the_spacing() {
        let knots = Knots::uniform(-1.0, 1.0, 4, 2, KnotEnds::Extended).unwrap();
        assert_eq!(knots.vector(), [-2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 1.5, 2.0]);
        assert_eq!((knots.domain(), knots.basis_count()), ((-1.0, 1.0), 6));
    }

    #[test]
    fn extended_adaptive_knots_continue_with_the_mean_spacing() {
        let knots = Knots::with_breaks(vec![0.0, 0.1, 3.0], 2, KnotEnds::Extended).unwrap();
        assert!(close(&knots.vector(), &[-3.0, -1.5, 0.0, 0.1, 3.0, 4.5, 6.0]));
        assert_eq!(knots.breaks(), [0.0, 0.1, 3.0]);
    }

    #[test]
    fn ends_of_uniform_knots_are_exact() {
        for grid in [1, 3, 7, 49, 1000, 4096] {
            for (a, b) in [(-0.1, 0.3), (1e9, 1e9 + 1.0), (-3e-50, 7e-50), (-1e100, 1e100)] {
                let knots = Knots::uniform(a, b, grid, 3, KnotEnds::Clamped).unwrap();
                assert_eq!((knots.domain(), knots.grid()), ((a, b), grid));
            }
        }
    }

    #[test]
    fn degrees_and_grids_out_of_range_are_refused() {
        let make = |grid, degree| Knots::uniform(0.0, 1.0, grid, degree, KnotEnds::Clamped).map(drop);
        for degree in [0, 6, usize::MAX] {
            assert_eq!(make(5, degree), Err(SplineError::Degree { found: degree }));
        }
        for grid in [0, 4097, usize::MAX] {
            assert_eq!(make(grid, 3), Err(SplineError::Grid { found: grid }));
        }
        assert_eq!(Knots::with_breaks(vec![], 3, KnotEnds::Clamped), Err(SplineError::Grid { found: 0 }));
        assert_eq!(make(0, 3).unwrap_err().to_string(), "a grid of 0 intervals is not in 1..=4096");
    }

    #[test]
    fn domains_without_room_for_the_grid_are_refused() {
        let nan = f64::NAN;
        let bad =
            [(1.0, 1.0), (1.0, 0.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX), (1.0, 1.0f64.next_up())];
        for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
            for (a, b) in bad.into_iter().chain([(0.0, 1e-60), (1e9, 1e9 + 1e-4)]) {
                let refused = Knots::uniform(a, b, 1000, 3, ends);
                assert_eq!(refused, Err(SplineError::Domain { a, b }));
            }
            for (a, b) in [(nan, 1.0), (0.0, nan), (nan, nan)] {
                assert!(matches!(Knots::uniform(a, b, 5, 3, ends), Err(SplineError::Domain { .. })));
            }
        }
    }

    #[test]
    fn breaks_that_do_not_increase_are_named() {
        let make = |breaks: &[f64]| Knots::with_breaks(breaks.to_vec(), 3, KnotEnds::Clamped).map(drop);
        let error = |index, before, after| Err(SplineError::Breaks { index, before, after });
        assert_eq!(make(&[0.0, 0.5, 0.5, 1.0]), error(2, 0.5, 0.5));
        assert_eq!(make(&[0.0, 0.7, 0.2, 1.0]), error(2, 0.7, 0.2));
        assert_eq!(make(&[0.0, 0.2, 1.5, 1.0]), error(3, 1.5, 1.0));
        assert_eq!(make(&[0.0, f64::INFINITY, 1.0]), error(2, f64::INFINITY, 1.0));
        assert_eq!(make(&[0.0, 1.0f64.next_down(), 1.0]), error(2, 1.0f64.next_down(), 1.0));
        assert!(matches!(make(&[0.0, f64::NAN, 1.0]), Err(SplineError::Breaks { index: 1, .. })));
    }
}
