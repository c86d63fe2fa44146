//! Domains that splines can live on: wide enough, beside the size of their ends, that all knots are distinct numbers
//! of the network's type.

use kanode_engine::Real;
use kanode_spline::{KnotEnds, Knots, SplineError};

/// Least width of an interval of a uniform grid, in units of rounding of the domain's larger end.
const UNIFORM_ROOM: f64 = 8.0;

/// The same of any other grid, and of a uniform one whose breaks have been rounded.
const LEAST_ROOM: f64 = 4.0;

/// Whether an interval of this width has room for a few numbers of type `T`, `room` of them where they are of size
/// `magnitude`, and its ends and the inverse of its width are finite in `T`.
fn has_room<T: Real>(width: f64, magnitude: f64, room: f64) -> bool {
    width >= room * T::EPSILON.to_f64() * magnitude
        && T::from_f64(magnitude).is_finite()
        && T::from_f64(width.recip()).is_finite()
}

/// Whether `[a, b]` holds `grid` intervals of more than rounding size in the type `T`, and splines accept it.
pub(crate) fn is_resolvable<T: Real>(a: f64, b: f64, grid: usize) -> bool {
    has_room::<T>((b - a) / grid as f64, a.abs().max(b.abs()), UNIFORM_ROOM)
        && Knots::uniform(a, b, grid, 1, KnotEnds::Clamped).is_ok()
}

/// Checks that neighbouring breaks are of more than rounding size apart in the type `T`.
///
/// # Errors
/// [`SplineError::Breaks`] for the first that is not.
pub(crate) fn check_breaks<T: Real>(knots: &Knots) -> Result<(), SplineError> {
    let (a, b) = knots.domain();
    let magnitude = a.abs().max(b.abs());
    let mut pairs = knots.breaks().windows(2).zip(1..);
    match pairs.find(|(pair, _)| !has_room::<T>(pair[1] - pair[0], magnitude, LEAST_ROOM)) {
        Some((pair, index)) => Err(SplineError::Breaks { index, before: pair[0], after: pair[1] }),
        None => Ok(()),
    }
}

/// The domain for an input that took values from `a` to `b`: that range, or one about its middle `v` where it has no
/// width or only one of rounding size in the type `T`. This is `[v - 1, v + 1]`, or wider where `v` is so large that
/// 1 is of rounding size too. None if the range is upside down, not finite or beyond what splines or `T` accept.
pub(crate) fn input_domain<T: Real>(a: f64, b: f64, grid: usize) -> Option<(f64, f64)> {
    if !((b - a).is_finite() && a <= b) {
        return None;
    }
    if is_resolvable::<T>(a, b, grid) {
        return Some((a, b));
    }
    let middle = a + 0.5 * (b - a);
    let radius = (UNIFORM_ROOM * grid as f64 * T::EPSILON.to_f64() * middle.abs()).max(1.0);
    let (a, b) = (middle - radius, middle + radius);
    is_resolvable::<T>(a, b, grid).then_some((a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_range_is_kept() {
        assert_eq!(input_domain::<f64>(-0.5, 2.0, 5), Some((-0.5, 2.0)));
    }

    #[test]
    fn a_constant_gets_one_on_each_side() {
        assert_eq!(input_domain::<f64>(3.0, 3.0, 5), Some((2.0, 4.0)));
        assert_eq!(input_domain::<f32>(0.0, 0.0, 4096), Some((-1.0, 1.0)));
    }

    #[test]
    fn a_range_of_rounding_size_counts_as_constant() {
        let (a, b) = (0.3, 0.1 + 0.2);
        let (low, high) = input_domain::<f64>(a, b, 5).unwrap();
        assert!(low < -0.69 && high > 1.29);
        // In f32 a spread of 1 on top of a billion is lost.
        let (low, high) = input_domain::<f32>(1e9, 1e9 + 1.0, 5).unwrap();
        assert!(high - low > 100.0);
        assert_eq!(input_domain::<f64>(1e9, 1e9 + 1.0, 5), Some((1e9, 1e9 + 1.0)));
    }

    #[test]
    fn no_range_no_domain() {
        for (a, b) in
            [(1.0, 0.0), (f64::NAN, 0.0), (0.0, f64::INFINITY), (-f64::MAX, f64::MAX), (1e200, 1e200)]
        {
            assert_eq!(input_domain::<f64>(a, b, 5), None);
        }
        assert_eq!(input_domain::<f32>(0.0, 1e39, 5), None);
    }

    #[test]
    fn breaks_need_room_in_the_type() {
        let check = |breaks: &[f64]| {
            let knots = Knots::with_breaks(breaks.to_vec(), 3, KnotEnds::Extended).unwrap();
            (check_breaks::<f64>(&knots), check_breaks::<f32>(&knots))
        };
        assert_eq!(check(&[-1.0, 0.0, 1e-6, 1.0]), (Ok(()), Ok(())));
        // Breaks that f32 tells apart, but just so, beside the larger end.
        let error = |index, before, after| Err(SplineError::Breaks { index, before, after });
        assert_eq!(check(&[-1.0, 0.0, 1e-7, 1.0]), (Ok(()), error(2, 0.0, 1e-7)));
        assert_eq!(check(&[0.0, 5e38, 1e39]), (Ok(()), error(1, 0.0, 5e38)));
        assert_eq!(check(&[0.0, 1e-40, 1e-39]), (Ok(()), error(1, 0.0, 1e-40)));
    }

    /// Whether `[a, b]`, made fit for the type, holds knots that pass as knots of that type.
    fn holds_knots<T: Real>(a: f64, b: f64, grid: usize, degree: usize) -> bool {
        let Some((low, high)) = input_domain::<T>(a, b, grid) else { return false };
        let passes = |ends| {
            Knots::uniform(low, high, grid, degree, ends).is_ok_and(|knots| check_breaks::<T>(&knots).is_ok())
        };
        low <= a && b <= high && passes(KnotEnds::Clamped) && passes(KnotEnds::Extended)
    }

    proptest! {
        #[test]
        fn knots_exist_on_every_domain(
            a in prop_oneof![-1e90..1e90f64, -1.0..1.0f64, Just(0.0)],
            width in prop_oneof![Just(0.0), 0.0..1e-9f64, 0.0..1.0f64, 0.0..1e90f64, Just(1e-70)],
            grid in 1usize..=4096,
            degree in 1usize..=5,
        ) {
            prop_assert!(holds_knots::<f64>(a, a + width, grid, degree));
            // The same range at sizes that f32 has.
            let (a, width) = (a.clamp(-1.0, 1.0) * a.abs().powf(0.3), width.powf(0.3));
            prop_assert!(holds_knots::<f32>(a, a + width, grid, degree));
        }
    }
}
