//! Domains that splines can live on: wide enough, beside the size of their ends, that all knots are distinct numbers
//! of the network's type.

use kanode_engine::Real;
use kanode_spline::{KnotEnds, Knots};

/// Relative spacing of the numbers of type `T`.
pub(crate) fn epsilon<T: Real>() -> f64 {
    let holds_double = T::from_f64(1.0 + f64::EPSILON) != T::ONE;
    if holds_double { f64::EPSILON } else { f64::from(f32::EPSILON) }
}

/// The narrowest range about numbers of size `magnitude` in which each of `grid` intervals spans a few numbers.
fn narrowest(magnitude: f64, grid: usize, epsilon: f64) -> f64 {
    8.0 * grid as f64 * epsilon * magnitude
}

/// Whether `[a, b]` holds `grid` intervals of more than rounding size, and splines accept it.
pub(crate) fn is_resolvable(a: f64, b: f64, grid: usize, epsilon: f64) -> bool {
    b - a > narrowest(a.abs().max(b.abs()), grid, epsilon)
        && Knots::uniform(a, b, grid, 1, KnotEnds::Clamped).is_ok()
}

/// The domain for an input that took values from `a` to `b`: that range, or one about its middle `v` where it has no
/// width or only one of rounding size. This is `[v - 1, v + 1]`, or wider where `v` is so large that 1 is of rounding
/// size too. None if the range is upside down, not finite or beyond what splines accept.
pub(crate) fn input_domain(a: f64, b: f64, grid: usize, epsilon: f64) -> Option<(f64, f64)> {
    if !((b - a).is_finite() && a <= b) {
        return None;
    }
    if is_resolvable(a, b, grid, epsilon) {
        return Some((a, b));
    }
    let middle = a + 0.5 * (b - a);
    let radius = narrowest(middle.abs(), grid, epsilon).max(1.0);
    let (a, b) = (middle - radius, middle + radius);
    is_resolvable(a, b, grid, epsilon).then_some((a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_is_kept() {
        assert_eq!(input_domain(-0.5, 2.0, 5, f64::EPSILON), Some((-0.5, 2.0)));
    }

    #[test]
    fn a_constant_gets_one_on_each_side() {
        assert_eq!(input_domain(3.0, 3.0, 5, f64::EPSILON), Some((2.0, 4.0)));
        assert_eq!(input_domain(0.0, 0.0, 4096, f64::from(f32::EPSILON)), Some((-1.0, 1.0)));
    }

    #[test]
    fn a_range_of_rounding_size_counts_as_constant() {
        let (a, b) = (0.3, 0.1 + 0.2);
        let (low, high) = input_domain(a, b, 5, f64::EPSILON).unwrap();
        assert!(low < -0.69 && high > 1.29);
        // In f32 a spread of 1 on top of a billion is lost.
        let (low, high) = input_domain(1e9, 1e9 + 1.0, 5, f64::from(f32::EPSILON)).unwrap();
        assert!(high - low > 100.0);
        assert_eq!(input_domain(1e9, 1e9 + 1.0, 5, f64::EPSILON), Some((1e9, 1e9 + 1.0)));
    }

    #[test]
    fn no_range_no_domain() {
        for (a, b) in
            [(1.0, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX), (1e200, 1e200)]
        {
            assert_eq!(input_domain(a, b, 5, f64::EPSILON), None);
        }
    }

    #[test]
    fn the_spacing_of_both_types_is_known() {
        assert_eq!(epsilon::<f64>(), f64::EPSILON);
        assert_eq!(epsilon::<f32>(), f64::from(f32::EPSILON));
    }

    proptest! {
        #[test]
        fn knots_exist_on_every_domain(
            a in prop_oneof![-1e90..1e90f64, -1.0..1.0f64, Just(0.0)],
            width in prop_oneof![Just(0.0), 0.0..1e-9f64, 0.0..1.0f64, 0.0..1e90f64, Just(1e-70)],
            grid in 1usize..=4096,
            degree in 1usize..=5,
            epsilon in prop_oneof![Just(f64::EPSILON), Just(f64::from(f32::EPSILON))],
        ) {
            let (low, high) = input_domain(a, a + width, grid, epsilon).unwrap();
            prop_assert!(low <= a && a + width <= high);
            for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
                prop_assert!(Knots::uniform(low, high, grid, degree, ends).is_ok());
            }
        }
    }
}
