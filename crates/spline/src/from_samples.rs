//! Knots that follow data: where a grid lies and how fine it is where, from the values that a node receives.

use crate::error::SplineError;
use crate::knots::{KnotEnds, Knots, SMALLEST_GAP};

/// Least distance of two breaks, in units of the mean distance.
const LEAST_GAP: f64 = 0.1;

/// Least range of samples, in units of the least gap that rounding leaves between two breaks, for each interval. With
/// [`LEAST_GAP`] six such gaps remain where breaks are closest, and four are asked for.
const LEAST_RANGE: f64 = 64.0;

/// How knots follow samples.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Adapt {
    /// 1 for uniform breaks, 0 for breaks at the quantiles of the samples, or between (the KAN paper's `grid_eps`).
    pub uniform: f64,
    /// How far the domain reaches beyond the samples, on each side, as part of their range.
    pub margin: f64,
}

impl Default for Adapt {
    /// Uniform with a margin of 10 %: a value just beyond the grid is continued linearly, which is worse by orders of
    /// magnitude than a spline without data.
    fn default() -> Self {
        Self { uniform: 1.0, margin: 0.1 }
    }
}

impl Knots {
    /// Knots for these samples, in any order. Breaks are `uniform·(even) + (1 − uniform)·(quantiles)`, at least a tenth
    /// of the mean distance apart; a `uniform` outside 0 … 1 counts as the nearer end. Samples without a range worth
    /// the name get one about their value: ±1, more if that is of rounding size.
    ///
    /// # Errors
    /// As [`Knots::uniform`]; [`SplineError::Domain`] also for samples that are not finite, or none, and for a margin
    /// that leaves no domain.
    pub fn from_samples(
        samples: &[f64],
        grid: usize,
        degree: usize,
        ends: KnotEnds,
        adapt: Adapt,
    ) -> Result<Self, SplineError> {
        if let Some(&x) = samples.iter().find(|x| !x.is_finite()) {
            return Err(SplineError::Domain { a: x, b: x });
        }
        // Of no samples, these are in the wrong order, and refused below.
        let low = samples.iter().copied().fold(f64::INFINITY, f64::min);
        let high = samples.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let magnitude = low.abs().max(high.abs());
        let least = LEAST_RANGE * grid as f64 * SMALLEST_GAP.max(f64::EPSILON * magnitude);
        let narrow = (0.0..=least).contains(&(high - low));
        let (a, b) = if narrow {
            let radius = least.max(1.0);
            (low - radius, high + radius)
        } else {
            let margin = adapt.margin * (high - low);
            (low - margin, high + margin)
        };
        let even = Self::uniform(a, b, grid, degree, ends)?;
        if adapt.uniform >= 1.0 || narrow {
            return Ok(even);
        }
        // f64::max takes NaN for 0 too.
        let uniform = adapt.uniform.max(0.0);
        let mut sorted = samples.to_vec();
        sorted.sort_unstable_by(f64::total_cmp);
        let gap = LEAST_GAP * (b - a) / grid as f64;
        let mut breaks = even.breaks().to_vec();
        for (j, at) in breaks.iter_mut().enumerate().take(grid).skip(1) {
            *at = uniform * *at + (1.0 - uniform) * quantile(&sorted, j as f64 / grid as f64);
        }
        for j in 1..grid {
            breaks[j] = breaks[j].max(breaks[j - 1] + gap);
        }
        for j in (1..grid).rev() {
            breaks[j] = breaks[j].min(breaks[j + 1] - gap);
        }
        Self::with_breaks(breaks, degree, ends)
    }
}

/// The value below which a part of the samples lies, linear between them.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let index = (place as usize).min(sorted.len() - 1);
    let next = sorted[(index + 1).min(sorted.len() - 1)];
    sorted[index] + (next - sorted[index]) * (place - index as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn knots(samples: &[f64], grid: usize, uniform: f64) -> Knots {
        Knots::from_samples(samples, grid, 3, KnotEnds::Clamped, Adapt { uniform, margin: 0.1 }).unwrap()
    }

    #[test]
    fn the_domain_is_the_range_with_a_margin() {
        let (a, b) = knots(&[3.0, -1.0, 0.0], 4, 1.0).domain();
        assert!((a + 1.4).abs() < 1e-12 && (b - 3.4).abs() < 1e-12);
    }

    #[test]
    fn quantiles_put_knots_where_the_samples_are() {
        let samples: Vec<f64> = (0..=100).map(|i| (f64::from(i) / 100.0).powi(3)).collect();
        let breaks = knots(&samples, 4, 0.0).breaks().to_vec();
        assert!((breaks[2] - 0.125).abs() < 1e-12, "{breaks:?}");
        let half = knots(&samples, 4, 0.5).breaks().to_vec();
        assert!((half[2] - 0.5 * (0.125 + 0.5)).abs() < 1e-12, "{half:?}");
    }

    #[test]
    fn one_value_gets_a_domain_about_it() {
        for value in [0.0, 5.0, -1e9, 1e60] {
            let (a, b) = knots(&[value; 7], 5, 0.0).domain();
            assert!(a < value && value < b && b - a >= 2.0);
        }
    }

    #[test]
    fn what_is_no_number_is_refused() {
        for samples in [&[][..], &[1.0, f64::NAN], &[f64::INFINITY, 0.0], &[-1e300, 1e300]] {
            let error = Knots::from_samples(samples, 5, 3, KnotEnds::Clamped, Adapt::default()).unwrap_err();
            assert!(matches!(error, SplineError::Domain { .. }), "{error}");
        }
    }

    proptest! {
        #[test]
        fn any_samples_give_knots_with_room(
            samples in prop::collection::vec(
                prop_oneof![-3.0..3.0f64, (-3i32..3).prop_map(f64::from), Just(1e9), Just(0.5)], 1..60),
            grid in 1usize..300,
            degree in 1usize..=5,
            uniform in 0.0..=1.0f64,
        ) {
            let adapt = Adapt { uniform, margin: 0.1 };
            let knots = Knots::from_samples(&samples, grid, degree, KnotEnds::Extended, adapt).unwrap();
            let (a, b) = knots.domain();
            prop_assert!(samples.iter().all(|x| a < *x && *x < b));
            let gap = LEAST_GAP * (b - a) / grid as f64 * (1.0 - 1e-9);
            prop_assert!(knots.breaks().windows(2).all(|pair| pair[1] - pair[0] >= gap));
        }
    }

    #[test]
    fn a_range_too_small_for_breaks_counts_as_one_value() {
        for samples in [[0.0, 1e-300], [1e-62, 3e-62], [0.0, 1e-57], [1.0, 1.0 + 1e-13]] {
            let (a, b) = knots(&samples, 4096, 0.0).domain();
            assert!(a < samples[0] && samples[1] < b && b - a >= 2.0, "{samples:?}");
        }
    }

    #[test]
    fn the_smallest_range_that_counts_has_room_for_its_breaks() {
        for grid in [1, 5, 4096] {
            let range = LEAST_RANGE * 1.1 * grid as f64 * f64::EPSILON;
            // Nearly all samples at one place: every gap but one is the least.
            let mut samples = vec![1.0; 9999];
            samples.push(1.0 + range);
            let (a, b) = knots(&samples, grid, 0.0).domain();
            assert!(a < 1.0 && 1.0 + range < b && b - a < 2.0 * range, "{grid}");
        }
    }

    #[test]
    fn a_mixture_out_of_range_counts_as_the_nearer_end() {
        let samples = [0.0, 1.0, 2.0, 3.0, 9.0];
        assert_eq!(knots(&samples, 4, -3.0), knots(&samples, 4, 0.0));
        assert_eq!(knots(&samples, 4, f64::NAN), knots(&samples, 4, 0.0));
        assert_eq!(knots(&samples, 4, 2.0), knots(&samples, 4, 1.0));
    }
}
