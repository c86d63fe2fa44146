//! A polynomial as a stand-in for an unknown law: whether a law has some structure is asked by whether a polynomial with
//! that structure, given as many terms, fits as well.

use super::features::{exponents, monomials};
use crate::fit::least_squares::{dot, regress, solve};
use crate::sample::range;

/// Rows that stand-ins are fitted to.
pub(super) const ROWS: usize = 900;

/// The highest degree with at most so many terms.
pub(super) fn degree_within(variables: usize, terms: usize, most: usize) -> usize {
    (1..=most).take_while(|degree| monomials(variables, *degree) <= terms).last().unwrap_or(1)
}

/// A column brought to [−1, 1], by its logarithm where it is positive and not narrow.
fn scaled(column: &[f64]) -> Vec<f64> {
    let (low, high) = range(column);
    let logarithmic = low > 0.0 && high / low > 1.3;
    let at = |x: f64| if logarithmic { x.ln() } else { x };
    let (low, high) = (at(low), at(high));
    // What varies by rounding alone stays near 0.
    let width = (high - low).max(1e-12 * low.abs().max(high.abs())).max(f64::MIN_POSITIVE);
    column.iter().map(|x| (2.0 * at(*x) - low - high) / width).collect()
}

/// Products of Chebyshev polynomials of the scaled columns up to a total degree, in the order of [`exponents`].
pub(super) fn chebyshev(columns: &[Vec<f64>], rows: usize, degree: usize) -> Vec<Vec<f64>> {
    let powers: Vec<Vec<Vec<f64>>> = columns
        .iter()
        .map(|column| {
            let x = scaled(column);
            let mut list = vec![vec![1.0; rows], x.clone()];
            for order in 2..=degree {
                let (before, last) = (&list[order - 2], &list[order - 1]);
                list.push((0..rows).map(|row| 2.0 * x[row] * last[row] - before[row]).collect());
            }
            list
        })
        .collect();
    let product = |one: &Vec<i32>| {
        let mut values = vec![1.0; rows];
        for (powers, power) in powers.iter().zip(one).filter(|(_, power)| **power > 0) {
            values.iter_mut().zip(&powers[*power as usize]).for_each(|(value, x)| *value *= x);
        }
        values
    };
    exponents(columns.len(), degree).iter().map(product).collect()
}

/// What a stand-in leaves: the sum of squared residuals, and its coefficients.
pub(super) struct Fitted {
    pub(super) error: f64,
    pub(super) coefficients: Vec<f64>,
}

/// Least squares through normal equations, corrected by the residuals until they are those of the problem and not of its
/// square: several times faster than orthogonal columns, and as exact for columns of a modest condition.
pub(super) fn fitted<C: AsRef<[f64]>>(columns: &[C], y: &[f64]) -> Option<Fitted> {
    let count = columns.len();
    if count > y.len() {
        return None;
    }
    let lengths: Vec<f64> =
        columns.iter().map(|column| dot(column.as_ref(), column.as_ref()).sqrt()).collect();
    if lengths.iter().any(|length| !(*length > 0.0 && length.is_finite())) {
        return None;
    }
    let mut matrix = vec![vec![0.0; count]; count];
    for row in 0..count {
        for column in 0..=row {
            let product = dot(columns[row].as_ref(), columns[column].as_ref());
            matrix[row][column] = product / (lengths[row] * lengths[column]);
        }
    }
    let mut coefficients = vec![0.0; count];
    let mut residual = y.to_vec();
    let mut factor = None;
    for _ in 0..3 {
        let mut step: Vec<f64> = columns
            .iter()
            .zip(&lengths)
            .map(|(column, length)| dot(column.as_ref(), &residual) / length)
            .collect();
        let known = match factor.take() {
            Some(known) => known,
            None => {
                let mut unknown = step.clone();
                if !solve(&mut matrix, &mut unknown) || (0..count).any(|at| matrix[at][at] < 1e-5) {
                    let found = regress(columns, y)?;
                    return Some(Fitted { error: found.error, coefficients: found.coefficients });
                }
                std::mem::take(&mut matrix)
            }
        };
        substitute(&known, &mut step);
        factor = Some(known);
        for ((column, length), (coefficient, step)) in
            columns.iter().zip(&lengths).zip(coefficients.iter_mut().zip(&step))
        {
            *coefficient += step / length;
            let factor = step / length;
            residual.iter_mut().zip(column.as_ref()).for_each(|(left, x)| *left -= factor * x);
        }
    }
    Some(Fitted { error: dot(&residual, &residual), coefficients })
}

/// Solves `L·Lᵀ·x = right` in place.
fn substitute(factor: &[Vec<f64>], right: &mut [f64]) {
    let count = right.len();
    for row in 0..count {
        let known = dot(&factor[row][..row], &right[..row]);
        right[row] = (right[row] - known) / factor[row][row];
    }
    for row in (0..count).rev() {
        right[row] /= factor[row][row];
        let value = right[row];
        for (column, below) in right[..row].iter_mut().enumerate() {
            *below -= factor[row][column] * value;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{noise, uniform};

    #[test]
    fn corrected_normal_equations_are_as_exact_as_orthogonal_columns() {
        let columns: Vec<Vec<f64>> =
            (1..4).map(|seed| uniform(seed, 400).iter().map(|u| 1.0 + 4.0 * u).collect()).collect();
        let terms = chebyshev(&columns, 400, 4);
        let smooth: Vec<f64> =
            (0..400).map(|row| (columns[0][row] * columns[1][row]).ln() + columns[2][row]).collect();
        let rough: Vec<f64> = smooth.iter().zip(noise(5, 400)).map(|(y, noise)| y + 0.01 * noise).collect();
        for y in [smooth, rough] {
            let (found, expected) = (fitted(&terms, &y).unwrap(), regress(&terms, &y).unwrap());
            assert!((found.error - expected.error).abs() < 1e-9 * expected.error + 1e-24 * dot(&y, &y));
            assert!((found.coefficients[3] - expected.coefficients[3]).abs() < 1e-9);
        }
    }

    #[test]
    fn units_of_columns_change_nothing() {
        let x: Vec<f64> = uniform(9, 50).iter().map(|u| u - 0.5).collect();
        for unit in [1e-40, 1e-13, 1e30] {
            let scaled: Vec<f64> = x.iter().map(|x| unit * x).collect();
            for (found, expected) in super::scaled(&scaled).iter().zip(super::scaled(&x)) {
                assert!((found - expected).abs() < 1e-12, "{unit}: {found} {expected}");
            }
        }
    }

    #[test]
    fn an_exact_polynomial_leaves_rounding() {
        let x: Vec<f64> = uniform(9, 300).iter().map(|u| u - 0.5).collect();
        let y: Vec<f64> = x.iter().map(|x| 1.0 + x - 3.0 * x.powi(4)).collect();
        let found = fitted(&chebyshev(&[x], 300, 6), &y).unwrap();
        assert!(found.error < 1e-28 * dot(&y, &y), "{}", found.error);
    }
}
