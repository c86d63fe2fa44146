//! The error function and the Bessel functions J₀ and J₁, by formulas short enough to be printed into programs in
//! languages that lack them. Exact to a few units of 1e-16 (J₀, J₁: of the largest value, 1).

use std::f64::consts::PI;

/// The error function. `erf x = 2/√π·e^(−x²)·Σ 2ⁿx^(2n+1)/(1·3·…·(2n+1))` (Abramowitz and Stegun 7.1.6), whose terms have
/// one sign, so that nothing cancels.
pub(crate) fn erf(x: f64) -> f64 {
    if x.abs() > 6.0 {
        return x.signum();
    }
    let (mut term, mut sum, mut n) = (x, x, 0.0);
    while term.abs() > 1e-17 * sum.abs() {
        n += 1.0;
        term *= 2.0 * x * x / (2.0 * n + 1.0);
        sum += term;
    }
    2.0 / PI.sqrt() * (-x * x).exp() * sum
}

/// J₀.
pub(crate) fn j0(x: f64) -> f64 {
    integral(x, 0.0)
}

/// J₁.
pub(crate) fn j1(x: f64) -> f64 {
    integral(x, 1.0)
}

/// `1/π·∫ cos(order·t − x·sin t) dt` from 0 to π (Abramowitz and Stegun 9.1.21) by the midpoint rule, which converges
/// faster than any power once it has more than |x|/2 points.
fn integral(x: f64, order: f64) -> f64 {
    if x.is_nan() || x.is_infinite() {
        return if x.is_nan() { x } else { 0.0 };
    }
    // Beyond a million the rule would take a point for every two units; the asymptote is as good there.
    if x.abs() > 1e6 {
        let phase = x.abs() - order * PI / 2.0 - PI / 4.0;
        let sign = if order == 1.0 { x.signum() } else { 1.0 };
        return sign
            * (2.0 / (PI * x.abs())).sqrt()
            * (phase.cos() - (4.0 * order * order - 1.0) / (8.0 * x.abs()) * phase.sin());
    }
    let points = (x.abs() + 30.0).floor();
    let mut sum = 0.0;
    let mut point = 0.5;
    while point < points {
        let t = PI * point / points;
        sum += (order * t - x * t.sin()).cos();
        point += 1.0;
    }
    sum / points
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Abramowitz and Stegun, tables 7.1 and 9.1.
    #[test]
    fn values_are_those_of_the_tables() {
        let near =
            |found: f64, expected: f64| assert!((found - expected).abs() < 2e-15, "{found} {expected}");
        near(erf(0.5), 0.520_499_877_813_046_5);
        near(erf(-2.0), -0.995_322_265_018_952_7);
        near(erf(5.9), 1.0);
        near(j0(1.0), 0.765_197_686_557_966_6);
        near(j0(-10.0), -0.245_935_764_451_348_34);
        near(j1(1.0), 0.440_050_585_744_933_5);
        near(j1(-10.0), -0.043_472_746_168_861_44);
        near(j0(100.0), 0.019_985_850_304_223_12);
    }

    #[test]
    fn the_asymptote_takes_over_without_a_step() {
        // The next term of the asymptotic series is below 1e-16.
        for order in [0.0, 1.0] {
            let [below, above] = [1e6 * (1.0 - 1e-15), 1e6 * (1.0 + 1e-15)].map(|x| integral(x, order));
            assert!((below - above).abs() < 1e-11, "{below} {above}");
        }
    }
}
