//! The few vector operations of the optimisers. Sums run over eight fixed lanes in `f64`: one order of additions for
//! every machine, which the compiler can still vectorise.

use kanode_engine::Real;

const LANES: usize = 8;

/// a·b over the common length, in `f64`, always summed in the same order.
pub(crate) fn dot<A: Real, B: Real>(a: &[A], b: &[B]) -> f64 {
    let (a_chunks, a_rest) = a.as_chunks::<LANES>();
    let (b_chunks, b_rest) = b.as_chunks::<LANES>();
    let mut lanes = [0.0_f64; LANES];
    for (a, b) in a_chunks.iter().zip(b_chunks) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += a.to_f64() * b.to_f64();
        }
    }
    for ((lane, a), b) in lanes.iter_mut().zip(a_rest).zip(b_rest) {
        *lane += a.to_f64() * b.to_f64();
    }
    let [a, b, c, d, e, f, g, h] = lanes;
    ((a + b) + (c + d)) + ((e + f) + (g + h))
}

/// Euclidean norm. Where the squares overflow or underflow they are scaled by the largest element first.
pub(crate) fn norm<T: Real>(v: &[T]) -> f64 {
    let squares = dot(v, v);
    if squares.is_finite() && squares > f64::MIN_POSITIVE / f64::EPSILON {
        return squares.sqrt();
    }
    let largest = v.iter().fold(0.0_f64, |m, x| m.max(x.to_f64().abs()));
    if largest == 0.0 || !squares.is_finite() && first_not_finite(v).is_some() {
        return squares.sqrt();
    }
    largest * v.iter().map(|x| (x.to_f64() / largest).powi(2)).sum::<f64>().sqrt()
}

/// target += factor·v
pub(crate) fn add_scaled<T: Real>(target: &mut [f64], factor: f64, v: &[T]) {
    for (t, v) in target.iter_mut().zip(v) {
        *t += factor * v.to_f64();
    }
}

/// Index of the first element that is infinite or NaN.
pub(crate) fn first_not_finite<T: Real>(v: &[T]) -> Option<usize> {
    v.iter().position(|x| !x.is_finite())
}

/// base^exponent by repeated squaring: the same bits on every platform, which `f64::powi` does not promise.
pub(crate) fn power(base: f64, exponent: u64) -> f64 {
    let (mut result, mut square, mut bits) = (1.0, base, exponent);
    while bits > 0 {
        if bits & 1 == 1 {
            result *= square;
        }
        square *= square;
        bits >>= 1;
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_counts_every_element_for_every_length() {
        for n in 0..40_u32 {
            let a: Vec<f64> = (0..n).map(f64::from).collect();
            let b: Vec<f32> = (0..n).map(|i| i as f32 + 1.0).collect();
            let expected: u32 = (0..n).map(|i| i * (i + 1)).sum();
            assert_eq!(dot(&a, &b), f64::from(expected), "length {n}");
        }
    }

    #[test]
    fn norm_neither_overflows_nor_underflows() {
        assert_eq!(norm(&[3.0, 4.0]), 5.0);
        assert!((norm(&[3e200, 4e200]) / 5e200 - 1.0).abs() < 1e-15);
        assert!((norm(&[3e-200, 4e-200]) / 5e-200 - 1.0).abs() < 1e-15);
        assert_eq!(norm::<f64>(&[]), 0.0);
        assert_eq!(norm(&[0.0_f32, 0.0]), 0.0);
        assert!(norm(&[f64::NAN, 1.0]).is_nan());
        assert_eq!(norm(&[f64::INFINITY, 1.0]), f64::INFINITY);
    }

    #[test]
    fn power_agrees_with_repeated_multiplication() {
        for exponent in 0..50_u64 {
            let slow = (0..exponent).fold(1.0, |p, _| p * 0.9);
            assert!((power(0.9, exponent) / slow - 1.0).abs() < 1e-14);
        }
        assert_eq!(power(0.5, u64::MAX), 0.0);
        assert_eq!(power(0.0, 0), 1.0);
    }
}
