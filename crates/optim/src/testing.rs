//! Objectives with known minima, for the tests of this crate.

use kanode_engine::Real;
use std::convert::Infallible;

/// ½ Σ cᵢxᵢ², minimum 0 at 0.
pub(crate) fn quadratic<T: Real>(
    curvature: &[f64],
) -> impl FnMut(&[T], &mut [T]) -> Result<f64, Infallible> + '_ {
    move |x, gradient| {
        let mut loss = 0.0;
        for ((x, g), c) in x.iter().zip(gradient).zip(curvature) {
            let x = x.to_f64();
            loss += 0.5 * c * x * x;
            *g = T::from_f64(c * x);
        }
        Ok(loss)
    }
}

/// Σ 100(xᵢ₊₁ − xᵢ²)² + (1 − xᵢ)² in any dimension above 1, minimum 0 at (1, …, 1); computed in `T`, as a backend
/// would.
pub(crate) fn rosenbrock<T: Real>(x: &[T], gradient: &mut [T]) -> Result<f64, Infallible> {
    let number = T::from_f64;
    gradient.fill(T::ZERO);
    let mut loss = 0.0;
    for i in 0..x.len() - 1 {
        let (a, b) = (x[i + 1] - x[i] * x[i], T::ONE - x[i]);
        loss += (number(100.0) * a * a + b * b).to_f64();
        gradient[i] += -number(400.0) * x[i] * a - number(2.0) * b;
        gradient[i + 1] += number(200.0) * a;
    }
    Ok(loss)
}

/// The classical start (−1.2, 1, −1.2, 1, …).
pub(crate) fn rosenbrock_start<T: Real>(n: usize) -> Vec<T> {
    (0..n).map(|i| T::from_f64(if i % 2 == 0 { -1.2 } else { 1.0 })).collect()
}
