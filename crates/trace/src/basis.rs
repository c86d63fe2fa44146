//! The functions on edges with their derivatives: basis functions from the cell tables, several orders in one sweep,
//! and the base functions.

use kanode_engine::Base;
use kanode_spline::CellTable;

/// Highest derivative of an edge's function that any pass needs: the adjoint of a second derivative.
pub(crate) const HIGHEST: usize = 3;

/// The `N = k + 1` basis functions that may differ from zero at `x` and their derivatives of order below `T`, as
/// [`CellTable::derivative_weights`] has them; and the index of the first.
///
/// Horner's scheme applied to itself: row `d` runs one power behind row `d - 1` and ends as the derivative over `d!`.
#[inline]
pub(crate) fn evaluate<const N: usize, const T: usize>(table: &CellTable, x: f64) -> (usize, [[f64; N]; T]) {
    let c = table.find(x);
    let cell = table.cell(c);
    let (powers, _) = table.coefficients(c).as_chunks::<N>();
    let u = (x - cell.origin) * cell.inverse_width;
    // Zeros that NaN poisons whatever the coefficients are.
    let mut rows = [[0.0 * u; N]; T];
    for coefficients in powers.iter().rev() {
        for d in (1..T).rev() {
            let (before, row) = rows.split_at_mut(d);
            horner(&mut row[0], u, &before[d - 1]);
        }
        horner(&mut rows[0], u, coefficients);
    }
    let mut factor = 1.0;
    for (d, row) in rows.iter_mut().enumerate().skip(1) {
        factor *= d as f64 * cell.inverse_width;
        row.iter_mut().for_each(|value| *value *= factor);
    }
    (cell.row, rows)
}

#[inline]
fn horner<const N: usize>(row: &mut [f64; N], u: f64, add: &[f64; N]) {
    row.iter_mut().zip(add).for_each(|(value, add)| *value = *value * u + add);
}

/// A base function and its derivatives of order below `T`, at most 4.
#[inline]
pub(crate) fn base_derivatives<const T: usize>(base: Base, x: f64) -> [f64; T] {
    let all = match base {
        Base::Silu => {
            let s = 1.0 / (1.0 + (-x).exp());
            let s1 = s * (1.0 - s);
            let s2 = s1 * (1.0 - 2.0 * s);
            let s3 = s2 * (1.0 - 2.0 * s) - 2.0 * s1 * s1;
            [x * s, s + x * s1, 2.0 * s1 + x * s2, 3.0 * s2 + x * s3]
        }
        Base::Identity => [x, 1.0, 0.0, 0.0],
        Base::Zero => [0.0; HIGHEST + 1],
    };
    std::array::from_fn(|d| all[d])
}

#[cfg(test)]
mod tests {
    use super::*;
    use kanode_spline::{KnotEnds, Knots, Outside};

    /// Two orders of the same additions: a few roundings, each of the largest term.
    const ROUNDING: f64 = 1e-12;

    fn agrees<const N: usize>(ends: KnotEnds, outside: Outside) {
        let knots = Knots::with_breaks(vec![-1.0, -0.7, 0.1, 0.4, 1.0], N - 1, ends).unwrap();
        let table = CellTable::new(&knots, outside);
        for step in -40..=40 {
            let x = f64::from(step) / 20.0;
            let (first, rows) = evaluate::<N, 4>(&table, x);
            for (order, row) in rows.iter().enumerate() {
                let mut expected = [0.0; N];
                assert_eq!(table.derivative_weights(order, x, &mut expected), first);
                let scale = expected.iter().fold(1.0, |scale: f64, e| scale.max(e.abs()));
                for (found, expected) in row.iter().zip(&expected) {
                    assert!((found - expected).abs() <= ROUNDING * scale, "{x}: {found}, {expected}");
                }
            }
        }
        let (_, nan) = evaluate::<N, 1>(&table, f64::NAN);
        assert!(nan[0].iter().all(|value| value.is_nan()));
    }

    #[test]
    fn all_orders_are_those_of_the_table() {
        for ends in [KnotEnds::Clamped, KnotEnds::Extended] {
            for outside in [Outside::Linear, Outside::Constant, Outside::Zero] {
                agrees::<2>(ends, outside);
                agrees::<3>(ends, outside);
                agrees::<4>(ends, outside);
                agrees::<5>(ends, outside);
                agrees::<6>(ends, outside);
            }
        }
    }

    #[test]
    fn base_functions_have_the_derivatives_of_their_differences() {
        // The error of a central difference is h²/6 of a third derivative, here below 1, and 1e-16·|x|/h of rounding.
        let h = 1e-5;
        for base in [Base::Silu, Base::Identity, Base::Zero] {
            for x in [-30.0, -2.5, -0.3, 0.0, 0.8, 3.0, 40.0] {
                let tolerance = 1e-10 * (1.0 + f64::abs(x));
                let found = base_derivatives::<4>(base, x);
                let (value, slope) = base.evaluate(x);
                assert!((found[0] - value).abs() < tolerance && (found[1] - slope).abs() < tolerance);
                let (above, below) = (base_derivatives::<4>(base, x + h), base_derivatives::<4>(base, x - h));
                for order in 1..4 {
                    let expected = (above[order - 1] - below[order - 1]) / (2.0 * h);
                    assert!((found[order] - expected).abs() < tolerance, "{base:?}, order {order} at {x}");
                }
            }
        }
    }
}
