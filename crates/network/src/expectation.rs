//! Mean squares of what the parameters of an edge multiply, which variance-preserving initialisations need: of the
//! basis functions and the base function, and of their derivatives, for an input spread evenly over the domain.

use kanode_engine::Base;
use kanode_spline::CellTable;

/// Abscissas and weights of the six-point Gauss–Legendre rule on [-1, 1] (Abramowitz and Stegun, table 25.4), exact
/// up to degree 11 and so for squares of splines of degree 5.
const GAUSS: [(f64, f64); 6] = [
    (-0.932_469_514_203_152, 0.171_324_492_379_170_35),
    (-0.661_209_386_466_264_5, 0.360_761_573_048_138_6),
    (-0.238_619_186_083_196_9, 0.467_913_934_572_691_04),
    (0.238_619_186_083_196_9, 0.467_913_934_572_691_04),
    (0.661_209_386_466_264_5, 0.360_761_573_048_138_6),
    (0.932_469_514_203_152, 0.171_324_492_379_170_35),
];

/// Panels of the domain for the base function, which is smooth but no polynomial.
const PANELS: usize = 256;

/// Expectations over `x` uniform on a domain.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct MeanSquares {
    /// Of the function itself.
    pub(crate) value: f64,
    /// Of its derivative.
    pub(crate) slope: f64,
}

impl MeanSquares {
    /// `E[N_i(x)²]` and `E[N_i'(x)²]`, averaged over the `G + k` basis functions too.
    pub(crate) fn of_bases(table: &CellTable) -> Self {
        let mut out = vec![0.0; table.degree() + 1];
        let mut sum_of_squares = |order, x| {
            table.derivative_weights(order, x, &mut out);
            out.iter().map(|n| n * n).sum::<f64>() / table.basis_count() as f64
        };
        let breaks = table.knots().breaks();
        Self { value: mean(breaks, |x| sum_of_squares(0, x)), slope: mean(breaks, |x| sum_of_squares(1, x)) }
    }

    /// `E[b(x)²]` and `E[b'(x)²]` on `[a, b]`.
    pub(crate) fn of_base(base: Base, (a, b): (f64, f64)) -> Self {
        let panels: Vec<f64> = (0..=PANELS).map(|j| a + (b - a) * j as f64 / PANELS as f64).collect();
        Self {
            value: mean(&panels, |x| base.evaluate(x).0.powi(2)),
            slope: mean(&panels, |x| base.evaluate(x).1.powi(2)),
        }
    }
}

/// The mean of `f` over the interval that `breaks` divide.
fn mean(breaks: &[f64], mut f: impl FnMut(f64) -> f64) -> f64 {
    let whole = breaks[breaks.len() - 1] - breaks[0];
    let panel = |pair: &[f64]| {
        let (middle, radius) = (0.5 * (pair[0] + pair[1]), 0.5 * (pair[1] - pair[0]));
        GAUSS.iter().map(|(at, weight)| weight * f(middle + radius * at)).sum::<f64>() * (radius / whole)
    };
    breaks.windows(2).map(panel).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_spline::{KnotEnds, Knots, Outside};

    fn bases(a: f64, b: f64, grid: usize, degree: usize) -> MeanSquares {
        let knots = Knots::uniform(a, b, grid, degree, KnotEnds::Clamped).unwrap();
        MeanSquares::of_bases(&CellTable::new(&knots, Outside::Linear))
    }

    #[test]
    fn hat_functions_have_their_known_mean_squares() {
        // One interval, degree 1: the bases are u and 1 - u, their squares integrate to 1/3, their slopes are ±1/w.
        let found = bases(-1.0, 3.0, 1, 1);
        assert!((found.value - 1.0 / 3.0).abs() < 1e-15);
        assert!((found.slope - 1.0 / 16.0).abs() < 1e-15);
    }

    #[test]
    fn cubic_bernstein_polynomials_have_their_known_mean_squares() {
        // ∫ (C(3,i) u^i (1-u)^(3-i))² du = C(3,i)²/C(6,2i)/7, whose mean over i is (1 + 9/15 + 9/15 + 1)/28.
        let found = bases(0.0, 1.0, 1, 3);
        assert!((found.value - 3.2 / 28.0).abs() < 1e-15);
    }

    #[test]
    fn mean_squares_of_bases_do_not_depend_on_the_unit_of_the_domain() {
        for degree in 1..=5 {
            let (unit, wide) = (bases(0.0, 1.0, 7, degree), bases(-30.0, 70.0, 7, degree));
            assert!((unit.value / wide.value - 1.0).abs() < 1e-12);
            assert!((unit.slope / wide.slope / 1e4 - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn base_functions_have_their_known_mean_squares() {
        let identity = MeanSquares::of_base(Base::Identity, (-3.0, 3.0));
        assert!((identity.value - 3.0).abs() < 1e-13 && (identity.slope - 1.0).abs() < 1e-13);
        assert_eq!(MeanSquares::of_base(Base::Zero, (-3.0, 3.0)), MeanSquares { value: 0.0, slope: 0.0 });
        // A plain midpoint sum is the oracle for SiLU.
        let silu = MeanSquares::of_base(Base::Silu, (-3.0, 3.0));
        let steps = 100_000;
        let sum: f64 = (0..steps)
            .map(|i| Base::Silu.evaluate(6.0 * (i as f64 + 0.5) / steps as f64 - 3.0).0.powi(2))
            .sum();
        assert!((silu.value - sum / steps as f64).abs() < 1e-8);
    }
}
